# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels: a layout and what a unit is called become one drawing, and every output draws that drawing.

`layout` reads a layout file, `compose` places codes and characters in printer dots and refuses what would not scan,
`output_*` write PDF, SVG, PNG and ZPL. Which labels are due, and where they go, is known one floor up (`labelling`).
"""
