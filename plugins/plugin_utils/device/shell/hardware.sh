# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-3.0-or-later
# What identifies the board, read by the shell itself: a program would cost more than all of it.

# hardware: sets ioto_serial and its file ioto_serial_at, where there is one; ioto_interfaces, a record for each; and
# ioto_board, which tells of the same board: its serial, and the addresses that its maker gave it, in any order.
ioto_hardware() {
  ioto_serial=
  ioto_serial_at=
  for ioto_name in /proc/device-tree/serial-number /sys/firmware/devicetree/base/serial-number; do
    if [ -r "$ioto_name" ]; then
      # It ends with a NUL and no newline: a shell drops the one, and does without the other.
      IFS= read -r ioto_serial <"$ioto_name"
      ioto_serial_at=$ioto_name
      break
    fi
  done
  case $ioto_serial in
    *[!$ioto_plain_letters]*) ioto_board="?${#ioto_serial}" ;;
    *) ioto_board=$ioto_serial ;;
  esac
  ioto_interfaces=
  ioto_back=$PWD
  for ioto_name in /sys/class/net/*; do
    # The shell itself follows the links of a directory.
    if [ -r "$ioto_name/address" ] && read -r ioto_mac <"$ioto_name/address" && cd -P "$ioto_name"; then
      ioto_interface "${ioto_name##*/}" "$ioto_mac"
    fi
  done 2>/dev/null
  cd "$ioto_back" 2>/dev/null || cd /
}

# interface NAME MAC: takes the interface in whose directory we are.
ioto_interface() {
  case $PWD in
    */virtual/*) ioto_kind=virtual ;;
    */usb[0-9]*) ioto_kind=usb ;;
    *) ioto_kind=physical ;;
  esac
  ioto_assigned=
  [ ! -r ./addr_assign_type ] || read -r ioto_assigned <./addr_assign_type
  case $ioto_assigned/$2 in
    0/*) ioto_kind="$ioto_kind permanent" ;;
    # Where the system does not say it, the address does: one that somebody made up has a bit for it.
    /?[048cC]:*) ioto_kind="$ioto_kind permanent" ;;
    *) ioto_kind="$ioto_kind passing" ;;
  esac
  ioto_saved=$ioto_answer
  ioto_answer=
  case $1$2 in
    *[!A-Za-z0-9:._-]*)
      ioto_free "$(printf '%s %s' "$1" "$2" | ioto_encode)" interface "$ioto_kind"
      ;;
    *)
      ioto_say plain-interface "$ioto_kind" "$1" "$2"
      ;;
  esac
  ioto_interfaces=$ioto_interfaces$ioto_answer
  ioto_answer=$ioto_saved
  # An adapter on USB is in another socket tomorrow, and a name is what the system gives.
  case $ioto_kind in
    virtual* | usb* | *passing) ;;
    *)
      case $2 in
        *[!A-Za-z0-9:._-]*) ioto_board="$ioto_board|?${#2}" ;;
        *) ioto_board="$ioto_board|$2" ;;
      esac
      ;;
  esac
}
