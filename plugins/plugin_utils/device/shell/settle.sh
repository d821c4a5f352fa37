# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Wait until the agents that ran before are gone. Needs: agent.sh, ioto_before (words as find_agents gives), ioto_seconds.

# remain: whether one of those is still there.
ioto_remain() {
  ioto_find_agents
  for ioto_name in $ioto_agents; do
    case " $ioto_before " in
      *" $ioto_name "*) return 0 ;;
    esac
  done
  return 1
}

while ioto_remain && [ "$ioto_seconds" -gt 0 ]; do
  sleep 1
  ioto_seconds=$((ioto_seconds - 1))
done
