# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Wait on the device until its device.json5 is no longer what it was. Needs: ioto_dir, ioto_old (as in write.sh),
# ioto_seconds.

ioto_path=$ioto_dir/device.json5
while [ "$ioto_seconds" -gt 0 ]; do
  if [ -f "$ioto_path" ]; then
    ioto_now=$(ioto_content "$ioto_path")
  else
    ioto_now=absent
  fi
  if [ "$ioto_now" != "$ioto_old" ]; then
    break
  fi
  sleep 1
  ioto_seconds=$((ioto_seconds - 1))
done
printf '\nremaining %s\n' "$ioto_seconds"
