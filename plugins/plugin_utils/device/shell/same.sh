# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Is this the board that was looked at? If not, nothing that stands behind this is done. Needs: ioto_expected.

# has_all BOARD OTHER: has BOARD each address that OTHER has?
ioto_has_all() {
  ioto_left=${2#*\|}
  while [ "$ioto_left" != "$2" ] && [ -n "$ioto_left" ]; do
    case "$1|" in
      *"|${ioto_left%%\|*}|"*) ;;
      *) return 1 ;;
    esac
    case $ioto_left in
      *\|*) ioto_left=${ioto_left#*\|} ;;
      *) ioto_left= ;;
    esac
  done
}

ioto_hardware
if [ "$ioto_board" != "$ioto_expected" ]; then
  if [ "${ioto_board%%\|*}" != "${ioto_expected%%\|*}" ] || ! ioto_has_all "$ioto_board" "$ioto_expected" ||
    ! ioto_has_all "$ioto_expected" "$ioto_board"; then
    ioto_free '' failed board
    return 0
  fi
fi
