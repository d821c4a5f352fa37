# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Wait on the device until its device.json5 is no longer what it was. Needs: ioto_dir, ioto_old (as in write.sh),
# ioto_seconds.

# wait_on: whether it still is what it was.
ioto_wait_on() {
  if [ "$ioto_shared" = yes ]; then
    ioto_resolve "$ioto_dir/device.json5"
    ioto_is "$ioto_followed" "$ioto_old"
  else
    ioto_is "$ioto_dir/device.json5" "$ioto_old"
  fi
}

ioto_resolve "$ioto_dir/device.json5"
ioto_judge_way
while [ "$ioto_seconds" -gt 0 ] && ioto_wait_on; do
  sleep 1
  ioto_seconds=$((ioto_seconds - 1))
done
ioto_say remaining "$ioto_seconds"
