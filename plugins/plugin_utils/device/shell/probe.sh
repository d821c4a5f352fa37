# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-3.0-or-later
# Look at a device, change nothing. Needs: ioto_dir and ioto_names (file names to read).

if [ -d "$ioto_dir" ]; then
  ioto_say directory present
elif [ -e "$ioto_dir" ]; then
  ioto_say directory other
else
  ioto_say directory absent
fi

ioto_missing=
ioto_exposed=
# A link on the way to the directory is as good as one in it. The shell itself follows it.
ioto_linked=
ioto_back=$PWD
if cd -P "$ioto_dir" 2>/dev/null && [ "$PWD" != "$ioto_dir" ]; then
  ioto_linked=yes
fi
cd "$ioto_back" 2>/dev/null || cd /
for ioto_name in $ioto_names; do
  ioto_file "$ioto_name" "$ioto_dir/$ioto_name"
done
ioto_doubt

# Did a run that lost its power leave a file where device.json5 really lies? And does what is there outlive a power cut?
ioto_resolve "$ioto_dir/device.json5"
ioto_real=$ioto_followed
ioto_home=${ioto_followed%/*}
ioto_left=0
for ioto_name in "$ioto_home/$ioto_leftovers"*; do
  if [ -e "$ioto_name" ]; then
    ioto_left=$((ioto_left + 1))
  fi
done
ioto_say leftovers "$ioto_left"
ioto_lasts "$ioto_real"
ioto_say storage "$ioto_lasts" "$ioto_access" "$ioto_over" "$ioto_what"

ioto_hardware
if [ -n "$ioto_serial_at" ]; then
  case $ioto_serial in
    '' | *[!A-Za-z0-9._:-]*) ioto_free "$(ioto_encode <"$ioto_serial_at")" serial ;;
    *) ioto_say plain-serial "$ioto_serial" ;;
  esac
fi
ioto_answer=$ioto_answer$ioto_interfaces
case $ioto_board in
  *[!A-Za-z0-9._:=\|?-]*) ioto_free "$(printf '%s' "$ioto_board" | ioto_encode)" board ;;
  *) ioto_say plain-board "$ioto_board" ;;
esac
