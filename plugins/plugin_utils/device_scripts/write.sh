# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Replace one small file so that at every instant either the old or the new one is there, whole.
# Needs: ioto_target (no link any more), ioto_old (its present bytes and a dot, or "absent"), ioto_new (the bytes to be),
# ioto_leftovers (the stem of temporary names). sweep.sh runs before it: were another run still alive, its rename would
# fail, and it would say so.

ioto_temporary=$ioto_home/$ioto_leftovers$$

ioto_give_up() {
  rm -f "$ioto_temporary" 2>/dev/null
  printf '%s' "$2" | ioto_blob failed "$1"
}

ioto_replace() {
  if [ -f "$ioto_target" ]; then
    ioto_now=$(ioto_content "$ioto_target")
  else
    ioto_now=absent
  fi
  if [ "$ioto_now" != "$ioto_old" ]; then
    ioto_give_up changed ''
    return 0
  fi

  # A copy brings owner and mode with it.
  if [ "$ioto_old" = absent ]; then
    ioto_said=$({ : >"$ioto_temporary"; } 2>&1)
  else
    ioto_said=$(cp -p "$ioto_target" "$ioto_temporary" 2>&1)
  fi
  if [ ! -f "$ioto_temporary" ]; then
    ioto_give_up create "$ioto_said"
    return 0
  fi
  ioto_owner "$ioto_target"
  ioto_kept=$ioto_owned
  ioto_owner "$ioto_temporary"
  if [ "$ioto_old" != absent ] && [ "$ioto_owned" != "$ioto_kept" ]; then
    # A full disk may stop the copy half-way, before it sets the owner.
    case $ioto_said in
      *[Ss]pace*) ioto_give_up write "$ioto_said" ;;
      *) ioto_give_up owner "$ioto_said" ;;
    esac
    return 0
  fi

  { printf '%s' "$ioto_new" >"$ioto_temporary"; } 2>/dev/null
  if [ "$(ioto_content "$ioto_temporary")" != "$ioto_new." ]; then
    # cat says why a write failed; the printf of some shells does not.
    ioto_said=$({ printf '%s' "$ioto_new" | cat >"$ioto_temporary"; } 2>&1)
    ioto_give_up write "$ioto_said"
    return 0
  fi
  # Older BusyBox knows no "sync FILE".
  sync "$ioto_temporary" 2>/dev/null || sync
  if ! ioto_said=$(mv -f "$ioto_temporary" "$ioto_target" 2>&1); then
    ioto_give_up rename "$ioto_said"
    return 0
  fi
  sync "$ioto_home" 2>/dev/null || sync
  ioto_file "${ioto_target##*/}" "$ioto_target"
}

trap 'rm -f "$ioto_temporary"; exit 1' HUP INT TERM PIPE
ioto_replace
trap - HUP INT TERM PIPE
