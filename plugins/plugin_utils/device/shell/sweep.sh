# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Remove what a run that lost its device left behind. Needs: ioto_home, ioto_leftovers (the stem of temporary names).

# In a subshell, which ends where it began: in another directory.
(
  if cd -P "${ioto_home:-/}" && [ "${PWD%/}" = "$ioto_home" ]; then
    ioto_myself
    ioto_alone
  fi
) 2>/dev/null
