# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Look at a device, change nothing. Needs: ioto_dir and ioto_names (file names to read).

if [ -d "$ioto_dir" ]; then
  ioto_say directory present
elif [ -e "$ioto_dir" ]; then
  ioto_say directory other
else
  ioto_say directory absent
fi

for ioto_name in $ioto_names; do
  ioto_file "$ioto_name" "$ioto_dir/$ioto_name"
done

# Did a run that lost its power leave a file where device.json5 really lies?
ioto_follow "$ioto_dir/device.json5"
ioto_home=${ioto_followed%/*}
ioto_left=0
for ioto_name in "$ioto_home"/.device.json5.ioto-*; do
  if [ -e "$ioto_name" ]; then
    ioto_left=$((ioto_left + 1))
  fi
done
ioto_say leftovers "$ioto_left"

for ioto_name in /proc/device-tree/serial-number /sys/firmware/devicetree/base/serial-number; do
  if [ -r "$ioto_name" ]; then
    ioto_free "$(ioto_encode <"$ioto_name")" serial
    break
  fi
done
ioto_before=$PWD
for ioto_name in /sys/class/net/*; do
  # The shell itself follows the links of a directory.
  if [ -r "$ioto_name/address" ] && read -r ioto_mac <"$ioto_name/address" && cd -P "$ioto_name"; then
    case $PWD in
      */virtual/*) ioto_kind=virtual ;;
      *) ioto_kind=physical ;;
    esac
    case ${ioto_name##*/}$ioto_mac in
      *[!A-Za-z0-9:._-]*) ioto_free "$(printf '%s %s' "${ioto_name##*/}" "$ioto_mac" | ioto_encode)" interface "$ioto_kind" ;;
      *) ioto_say plain-interface "$ioto_kind" "${ioto_name##*/}" "$ioto_mac" ;;
    esac
  fi
done 2>/dev/null
cd "$ioto_before" 2>/dev/null || cd /
