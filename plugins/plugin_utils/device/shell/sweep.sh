# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Remove what a run that lost its device left behind. Needs: ioto_home, ioto_leftovers (the stem of temporary names).

for ioto_name in "$ioto_home/$ioto_leftovers"*; do
  if [ -e "$ioto_name" ]; then
    rm -f "$ioto_name"
  fi
done
