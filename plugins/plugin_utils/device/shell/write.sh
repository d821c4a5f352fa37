# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Replace one small file so that at every instant either the old or the new one is there, whole.
# Needs: ioto_target (no link any more), ioto_old (its present bytes and a dot, or "absent"), ioto_new (the bytes to be),
# ioto_umask (with which a new file has the mode of the present one), ioto_leftovers (the stem of temporary names).
# sweep.sh runs before it: were another run still alive, its rename would fail, and it would say so.

ioto_temporary=$ioto_home/$ioto_leftovers$$

ioto_give_up() {
  rm -f "$ioto_temporary" 2>/dev/null
  ioto_free "$(printf '%s' "$2" | ioto_encode)" failed "$1"
}

# put: writes the new bytes into the new file.
ioto_put() {
  { printf '%s' "$ioto_new" >"$ioto_temporary"; } 2>/dev/null
}

# alike LINES: whether LINES of ls, two of them, show the same mode and owner.
ioto_alike() {
  ioto_owner_in "${1%%"$ioto_newline"*}"
  ioto_kept=$ioto_owned
  ioto_owner_in "${1##*"$ioto_newline"}"
  case $1 in
    *"$ioto_newline"*) [ "$ioto_owned" = "$ioto_kept" ] ;;
    *) return 1 ;;
  esac
}

ioto_replace() {
  if ! ioto_is "$ioto_target" "$ioto_old"; then
    ioto_give_up changed ''
    return 0
  fi

  # Most often a new file of the old one's mode is all it takes. The umask ends with the subshell, and one ls shows both.
  # shellcheck disable=SC2012  # stat is not in every BusyBox
  ioto_both=$(
    umask "$ioto_umask"
    ioto_put
    ls -lnd "$ioto_target" "$ioto_temporary" 2>/dev/null
  )
  if [ ! -f "$ioto_temporary" ]; then
    ioto_give_up create "$({ : >"$ioto_temporary"; } 2>&1)"
    return 0
  fi
  if [ "$ioto_old" = absent ]; then
    ioto_owner_in "$ioto_both"
  elif ! ioto_alike "$ioto_both"; then
    # A copy brings owner and mode with it.
    ioto_said=$(cp -p "$ioto_target" "$ioto_temporary" 2>&1)
    ioto_owner "$ioto_target"
    ioto_kept=$ioto_owned
    ioto_owner "$ioto_temporary"
    if [ "$ioto_owned" != "$ioto_kept" ]; then
      # A full disk may stop the copy half-way, before it sets the owner.
      case $ioto_said in
        *[Ss]pace*) ioto_give_up write "$ioto_said" ;;
        *) ioto_give_up owner "$ioto_said" ;;
      esac
      return 0
    fi
    ioto_put
  fi
  if ! ioto_is "$ioto_temporary" "$ioto_new."; then
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
  # Read back from its place; a rename changes neither owner nor mode.
  # shellcheck disable=SC2034  # ioto_send goes by it
  ioto_size=${#ioto_new}
  ioto_regular "${ioto_target##*/}" "$ioto_target"
}

trap 'rm -f "$ioto_temporary"; exit 1' HUP INT TERM PIPE
ioto_replace
trap - HUP INT TERM PIPE
