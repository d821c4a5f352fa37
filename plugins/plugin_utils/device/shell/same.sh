# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Is this the board that was looked at? If not, nothing that stands behind this is done. Needs: ioto_expected.

ioto_hardware
if [ "$ioto_board" != "$ioto_expected" ]; then
  ioto_free '' failed board
  return 0
fi
