# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# For how many seconds has a file been as it is, by the device's own clock? Needs: ioto_file. Not every date has -r.

ioto_now=$(date +%s 2>/dev/null)
ioto_then=$(date -r "$ioto_file" +%s 2>/dev/null)
case ${ioto_now:-x}${ioto_then:-x} in
  *[!0-9]*) ioto_say age unknown ;;
  *) ioto_say age $((ioto_now - ioto_then)) ;;
esac
