# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Which processes are the agent. Read by the shell itself: over a hundred processes that takes less than one pidof, which
# would find those of containers as well, and not every BusyBox has it.

ioto_proc=/proc

# agents: sets ioto_agents to a word "PID:START" for each process that is the agent of this device and not dead. START is
# its start time, since a number alone may become another process's.
ioto_find_agents() {
  ioto_agents=
  for ioto_name in "$ioto_proc"/[0-9]*; do
    ioto_line=
    read -r ioto_line <"$ioto_name/comm"
    [ "$ioto_line" = ioto ] || continue
    if [ -e "$ioto_name/root/." ]; then
      # That of a container has another root. A shell that cannot compare them takes it for ours.
      [ "$ioto_name/root/." -ef /. ]
      [ "$?" -ne 1 ] || continue
    fi
    ioto_line=
    read -r ioto_line <"$ioto_name/stat"
    # What stands in parentheses is its name. The state comes next, and the start time as the twentieth.
    # shellcheck disable=SC2086
    set -- ${ioto_line##*)}
    case ${1-Z} in
      [ZXx]) ;;
      *) ioto_agents="$ioto_agents ${ioto_name##*/}:${20}" ;;
    esac
  done
} 2>/dev/null
