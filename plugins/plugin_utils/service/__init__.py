# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The factory serialization service: the HTTP endpoint that gives each unit of a line its claim ID.

It needs Starlette, uvicorn and what the ledger needs, and no Ansible. Start it from the collection's root with
`python -m plugins.plugin_utils.service`; the guide `docs/docsite/rst/factory-service.rst` says the rest.
"""
