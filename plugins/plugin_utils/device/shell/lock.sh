# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# One script at a time in a directory, by announcing and looking. Needs: ioto_leftovers (the stem of temporary names).
#
# A script's temporary file is its announcement: its name holds the process, when that was started, and under which boot
# the machine runs, so that it is one process's for ever. Whoever has announced itself looks who else has and is alive;
# it goes on only where nobody is. Of two that see each other, one at least stays behind. What the dead left is removed.
# No file is ever taken for stale by its age, and none that is alive is removed.

# started PID: sets ioto_since to the start time of a process that runs, and ioto_stat to what /proc says of it.
ioto_started() {
  ioto_stat=
  ioto_since=
  { read -r ioto_stat <"/proc/$1/stat"; } 2>/dev/null
  set -f
  # What follows the name of the command, which may hold blanks and brackets.
  # shellcheck disable=SC2086
  set -- ${ioto_stat##*) }
  set +f
  case ${1:-Z} in
    [ZX]) ;;
    *) ioto_since=${20} ;;
  esac
}

# myself: sets ioto_pid to the process that runs this, which $$ is not in a subshell, and ioto_me to its own name.
ioto_myself() {
  ioto_boot=none
  { read -r ioto_boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  ioto_started self
  if [ -n "$ioto_since" ]; then
    ioto_pid=${ioto_stat%% *}
  else
    # shellcheck disable=SC2016  # for the inner shell
    ioto_pid=$(exec sh -c 'echo $PPID')
    ioto_since=0
  fi
  ioto_me=./$ioto_leftovers$ioto_pid-$ioto_since-$ioto_boot-$ioto_nonce
}

# alive PATH: whether the process that announced itself by this file still runs.
ioto_alive() {
  ioto_rest=${1#"./$ioto_leftovers"}
  ioto_of=${ioto_rest%%-*}
  ioto_rest=${ioto_rest#*-}
  ioto_then=${ioto_rest%%-*}
  ioto_rest=${ioto_rest#*-}
  case $ioto_of in
    '' | *[!0-9]*) return 1 ;;
  esac
  # Another boot, or another form of name.
  if [ "${ioto_rest%-*}" != "$ioto_boot" ]; then
    return 1
  fi
  ioto_started "$ioto_of"
  if [ -n "$ioto_stat" ]; then
    [ "$ioto_since" = "$ioto_then" ]
    return
  fi
  # Dead, or there is no /proc, or it hides the processes of others.
  ioto_said=$(kill -0 "$ioto_of" 2>&1) && return 0
  case $ioto_said in
    *ermitted*) return 0 ;;
  esac
  return 1
}

# alone: looks in our directory for who else is alive; removes what the dead left. Fails where somebody is, whose file
# ioto_rival is then. The younger one goes at once; the oldest looks again for a while, since the other one goes, or ends.
ioto_alone() {
  ioto_looks=63
  while :; do
    ioto_rival=
    set --
    for ioto_name in ./"$ioto_leftovers"*; do
      case $ioto_name in
        "$ioto_me"*) ;;
        "./$ioto_leftovers*") ;;
        *)
          if ioto_alive "$ioto_name"; then
            ioto_rival=$ioto_name
            [ "$ioto_of" -gt "$ioto_pid" ] || ioto_looks=0
          else
            set -- "$@" "$ioto_name"
          fi
          ;;
      esac
    done
    [ "$#" -eq 0 ] || rm -f "$@" 2>/dev/null
    [ -n "$ioto_rival" ] || return 0
    [ "$ioto_looks" -gt 0 ] || return 1
    ioto_looks=$((ioto_looks - 1))
    [ "$ioto_looks" -ge 3 ] || sleep 1
  done
}
