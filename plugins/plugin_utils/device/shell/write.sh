# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Replace one small file so that at every instant either the old or the new one is there, whole, and on the storage.
# Needs: ioto_looked_at (where the file was looked for), ioto_target (where its links led), ioto_old (its present bytes
# and a dot, or "absent"), ioto_new (the bytes to be), ioto_new_size, ioto_umask and ioto_kept (the present mode and
# owner, as ls shows them, or nothing) with ioto_mode and ioto_user (the same, as chmod and chown take them). ioto_shared is
# yes where somebody else may exchange what is there.
#
# In the directory of the file, somebody else may be able to write. So the new file is opened once, under a name that
# nobody can guess, and then known by its descriptor alone.

ioto_give_up() {
  rm -f "$ioto_me" "$ioto_me.link" 2>/dev/null
  ioto_free "$(printf '%s' "$2" | ioto_encode)" failed "$1"
}

# enter: goes to where the file is, as it was looked at: by links that may be followed, and by none that was put there
# meanwhile. Sets ioto_file to its name.
ioto_enter() {
  ioto_resolve "$ioto_looked_at"
  ioto_home=${ioto_followed%/*}
  if [ -n "$ioto_link" ] || [ "$ioto_target" != "$ioto_looked_at" ]; then
    # A link was there, or is.
    if [ -z "$ioto_followed" ] || [ "$ioto_followed" != "$ioto_target" ]; then
      ioto_give_up changed ''
      return 1
    fi
  fi
  if ! ioto_trusted; then
    ioto_give_up strange ''
    return 1
  fi
  ioto_file=./${ioto_followed##*/}
  if ! cd -P "${ioto_home:-/}" 2>/dev/null; then
    ioto_give_up create "$(cd -P "${ioto_home:-/}" 2>&1 || exit)"
    return 1
  fi
  if [ "${PWD%/}" != "$ioto_home" ] || [ -L "$ioto_file" ]; then
    ioto_give_up changed ''
    return 1
  fi
}

# sole: whether nobody but root and us may make names in the directory that we are in.
ioto_sole() {
  ioto_owner .
  case $ioto_owned in
    ?????w* | ????????w*) return 1 ;;
  esac
  # shellcheck disable=SC3067 # a shell without it says no, which is safe
  [ "$ioto_uid" = 0 ] || [ -O . ]
}

# lock: announces us by the new file, which is open as 3. Sets ioto_own to a name of it that cannot become another file's.
ioto_lock() {
  ioto_opened=yes
  set +C
  ioto_own=/proc/self/fd/3
  if [ ! "$ioto_me" -ef "$ioto_own" ]; then
    # No /proc, or somebody gave the name to another file. By its name, then, where nobody else can do that.
    ioto_own=$ioto_me
    if [ -e /proc/self/fd/3 ] || ! ioto_sole; then
      ioto_give_up shared "${ioto_home:-/}"
      return 1
    fi
  fi
  if ! ioto_alone; then
    ioto_give_up locked "$ioto_home/${ioto_rival#./}"
    return 1
  fi
}

# flush PATH: has PATH, a file or a directory, put onto the storage, and says so in ioto_flushed: yes; or "unsaid", where
# there is nothing that tells whether it was. Fails where it could not be. An error is told once: who asks again is told
# that all is well, so nobody does.
ioto_flush() {
  ioto_flushed=yes
  if command -v fsync >/dev/null 2>&1; then
    ioto_said=$(fsync "$1" 2>&1) && return 0
    ioto_unsyncable || return 1
  elif command -v dd >/dev/null 2>&1; then
    ioto_said=$(dd if=/dev/null conv=notrunc,fsync 2>&1 1<"$1") && return 0
    case $ioto_said in
      *[Uu]"sage:"* | *"nvalid argument '"* | *nrecognized*) ioto_sync "$1" && return 0 ;;
    esac
    ioto_unsyncable || return 1
  else
    ioto_sync "$1" && return 0
    ioto_unsyncable || return 1
  fi
  ioto_flushed=unsaid
  sync 2>/dev/null
  return 0
}

# sync PATH: the same by sync, where that takes a file. Some take any word, do without, and say that all is well.
ioto_sync() {
  ioto_said="not supported"
  ! sync ./.no-such-file 2>/dev/null || return 1
  ioto_said=$(sync "$1" 2>&1)
}

# unsyncable: whether what was said means that there is no way to sync such a thing, and not that it failed.
ioto_unsyncable() {
  case $ioto_said in
    *"nvalid argument"* | *"ot supported"* | *"ot implemented"* | *"ot found"* | *"ermission denied"*) return 0 ;;
  esac
  return 1
}

# own: gives the new file the mode and the owner of the present one.
ioto_keep() {
  ioto_owner_in "$(ls -lnL "$ioto_own" 2>/dev/null)"
  case ${ioto_kept:-"$ioto_owned"} in
    "$ioto_owned" | "${ioto_owned%%[.+@] *} ${ioto_owned#* }") return 0 ;;
  esac
  # An owner takes the set-ID bits with him, so he comes first.
  ioto_said=
  [ "${ioto_owned#* }" = "${ioto_kept#* }" ] || ioto_said=$(chown "$ioto_user" "$ioto_own" 2>&1)
  ioto_said=$ioto_said$(chmod "$ioto_mode" "$ioto_own" 2>&1)
  ioto_owner_in "$(ls -lnL "$ioto_own" 2>/dev/null)"
  case $ioto_kept in
    "$ioto_owned" | "${ioto_owned%%[.+@] *} ${ioto_owned#* }") return 0 ;;
  esac
  ioto_give_up owner "$ioto_said"
  return 1
}

# move FROM TO: renames FROM, and never into a directory that is at TO; gives up where it cannot. An mv without -T
# goes into a directory, also by a link that somebody puts there at the last moment: so it is taken where nobody can.
ioto_move() {
  ioto_said=$(mv -fT "$1" "$2" 2>&1) && return 0
  case $ioto_said in
    *[Uu]"sage:"* | *"nvalid option"* | *nrecognized* | *nknown*) ;;
    *)
      ioto_give_up rename "$ioto_said"
      return 1
      ;;
  esac
  # Without /proc, the lock has seen to it.
  if [ "$ioto_own" != "$ioto_me" ] && ! ioto_sole; then
    ioto_give_up unmoved "${ioto_home:-/}"
    return 1
  fi
  ioto_said="a directory is in its place"
  [ -d "$2" ] || ! ioto_said=$(mv -f "$1" "$2" 2>&1) || return 0
  ioto_give_up rename "$ioto_said"
  return 1
}

# settle: has the rename of ioto_file put onto the storage, and fails where it is not there.
ioto_settle() {
  ioto_of_file=$ioto_flushed
  if ! ioto_flush .; then
    ioto_give_up durable "$ioto_said"
    return 1
  fi
  ioto_say synced "$ioto_of_file" "$ioto_flushed"
}

# read_back: the bytes of the new file, which is ioto_file now, from the storage where they can be had from there, and not
# from the memory.
ioto_read_back() {
  ioto_name=${ioto_file#./}
  if [ "$ioto_own" = "$ioto_me" ]; then
    ioto_own=$ioto_file
  elif [ ! "$ioto_file" -ef "$ioto_own" ]; then
    # Somebody has put another one in its place already.
    ioto_say file "$ioto_name" exchanged
    return 0
  fi
  ioto_say file "$ioto_name" regular "$ioto_owned" "$ioto_size"
  if ! command -v dd >/dev/null 2>&1; then
    ioto_send "$ioto_name" "$ioto_own"
  elif ! ioto_text=$(dd if="$ioto_own" iflag=direct bs=4096 2>/dev/null && printf .); then
    # Since the storage is broken, or since it cannot be asked past the memory.
    case $(dd if="$ioto_own" iflag=direct bs=4096 2>&1 >/dev/null) in
      *nput/output*) ioto_say unread "$ioto_name" ;;
      *) ioto_send "$ioto_name" "$ioto_own" ;;
    esac
  elif ioto_plain "$ioto_text"; then
    ioto_say "text $ioto_name $((${#ioto_text} - 1))$ioto_newline$ioto_text"
  else
    ioto_free "$(printf '%s' "${ioto_text%.}" | ioto_encode)" data "$ioto_name"
  fi
}

# replace: does it; 3 is the new file.
ioto_replace() {
  ioto_lock || return 0
  if ! ioto_is "$ioto_file" "$ioto_old"; then
    ioto_give_up changed ''
    return 0
  fi
  { printf '%s' "$ioto_new" >&3; } 2>/dev/null
  ioto_keep || return 0
  if [ "$ioto_size" != "$ioto_new_size" ]; then
    # cat says why a write failed; the printf of some shells does not.
    ioto_give_up write "$({ printf '%s' "$ioto_new" | cat >&3; } 2>&1)"
    return 0
  fi
  if ! ioto_flush "$ioto_own"; then
    ioto_give_up sync "$ioto_said"
    return 0
  fi
  ioto_move "$ioto_me" "$ioto_file" || return 0
  ioto_settle || return 0
  ioto_read_back
}

# announced FUNCTION: runs it with the new file open as 3.
ioto_announced() {
  ioto_myself
  trap 'rm -f "$ioto_me" "$ioto_me.link"; exit 1' HUP INT TERM PIPE
  ioto_enter || return 0
  umask "$ioto_umask"
  ioto_opened=
  set -C
  { "$1" 3>"$ioto_me"; } 2>/dev/null
  [ -n "$ioto_opened" ] || ioto_give_up create "$({ : >"$ioto_me"; } 2>&1)"
}

# All that changes the shell's own state (its directory, umask, traps and descriptors) ends with the subshell.
ioto_answer=$ioto_answer$(
  ioto_answer=
  ioto_announced "$ioto_deed"
  printf '%s' "$ioto_answer"
)$ioto_newline
