# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hand scanner as a keyboard, on a serial line or over TCP: what it reads, line by line.

`scanner_address` says where it is, `scanner_port` opens that as a file descriptor, `key_events` makes text of what a
keyboard sends, `scan_lines` cuts text into scans within limits, and `hand_scanner` reads on through unplugging.
"""
