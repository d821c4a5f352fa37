# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hands-free line: boards that come and go in the slots of a jig, and one run of the playbook for those that came.

`slots` and `lease` say where a board is, `presence` and `arrivals` when it comes and goes, `playbook` runs what it
needs, `station` holds them together, `telling` tells the page in the `words` of the operator, and `scans` says what
a hand scanner's line means. Start it from the collection's root with `python -m plugins.plugin_utils.line SETTINGS`;
the guide `docs/docsite/rst/line.rst` says the rest.
"""
