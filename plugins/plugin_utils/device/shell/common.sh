# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-3.0-or-later
# What every script on a device begins with. POSIX shell and utilities only; `scripts.py` sets the ioto_*
# variables in front of it, all quoted, and puts the whole into one function, so that a script that was cut off on
# its way is a syntax error and does nothing.
#
# An answer is a series of records between two marker lines. A record is a line "KEY WORD..."; what a device may choose
# freely (bytes, paths, messages) follows as encoded lines and ends with a line ".". What is plain characters goes as it is,
# with its length.
#
# Every program and every subshell that is started costs a small device some milliseconds, so few are. The answer is
# collected in a variable, and the next script finds this shell as the one before found it: in the same directory, with
# the same umask and traps.

LC_ALL=C
export LC_ALL
ioto_newline='
'
ioto_answer=
ioto_again=
ioto_look=-lnd

# Not every BusyBox has every one of these; od is the one that POSIX promises, OpenWrt leaves it out. What calls this is a
# subshell of its own, which the program takes the place of: a process less.
if command -v base64 >/dev/null 2>&1; then
  ioto_encode() { exec base64; }
  ioto_codec=base64
elif command -v od >/dev/null 2>&1; then
  ioto_encode() { exec od -An -v -tx1; }
  ioto_codec=hex
elif command -v hexdump >/dev/null 2>&1; then
  ioto_encode() { exec hexdump -v -e '16/1 "%02x " "\n"'; }
  ioto_codec=hex
else
  ioto_encode() { :; }
  ioto_codec=none
fi

# say KEY WORDS...: a record.
ioto_say() {
  ioto_answer=$ioto_answer$ioto_newline$*$ioto_newline
}

# free ENCODED KEY WORDS...: a record with its free part.
ioto_free() {
  ioto_encoded=$1
  shift
  ioto_say "$*$ioto_newline$ioto_encoded$ioto_newline."
}

# resolve PATH: sets ioto_followed to where the absolute PATH leads once every symbolic link in it is followed, also where
# nothing is there yet; empty where links go in a circle. Sets ioto_link to what the link at PATH itself says, if it is
# one, ioto_owners to the users that own the links, and ioto_way to the directories that were gone through, a line each. Done with ls, since readlink is not in every BusyBox.
ioto_resolve() {
  ioto_rest=$1/
  ioto_followed=
  ioto_link=
  ioto_owners=
  ioto_way=
  ioto_hops=0
  while [ -n "$ioto_rest" ]; do
    ioto_step=${ioto_rest%%/*}
    ioto_rest=${ioto_rest#*/}
    case $ioto_step in
      '' | .) continue ;;
      ..)
        ioto_followed=${ioto_followed%/*}
        continue
        ;;
    esac
    ioto_way=$ioto_way${ioto_followed:-/}$ioto_newline
    ioto_step=$ioto_followed/$ioto_step
    if [ ! -L "$ioto_step" ]; then
      ioto_followed=$ioto_step
      continue
    fi
    ioto_hops=$((ioto_hops + 1))
    if [ "$ioto_hops" -gt 20 ]; then
      ioto_followed=
      return 0
    fi
    ioto_line=$(ls -lnd "$ioto_step" 2>/dev/null)
    ioto_owner_in "$ioto_line"
    ioto_owners="$ioto_owners $ioto_uid"
    ioto_to=${ioto_line#*" $ioto_step -> "}
    [ -n "$ioto_rest$ioto_link" ] || ioto_link=$ioto_to
    case $ioto_to in
      /*) ioto_followed= ;;
    esac
    ioto_rest=$ioto_to/$ioto_rest
  done
}

# trusted: whether the links on the way to ioto_followed may be followed: each is root's, or of the owner of what it leads
# to. With another one, its owner would have us read or write where he may not himself.
ioto_trusted() {
  [ -n "$ioto_owners" ] || return 0
  if [ -e "$ioto_followed" ]; then
    ioto_owner "$ioto_followed"
  else
    ioto_owner "${ioto_followed%/*}/"
  fi
  for ioto_step in $ioto_owners; do
    case $ioto_step in
      0 | "$ioto_uid") ;;
      *) return 1 ;;
    esac
  done
}

# owner PATH: sets ioto_owned to "MODE UID GID" of what is there, as ls shows them, ioto_uid to its owner, and ioto_size to
# its bytes, and ioto_names_of to the number of its names.
ioto_owner() {
  # shellcheck disable=SC2012  # stat is not in every BusyBox
  ioto_owner_in "$(ls "$ioto_look" "$1" 2>/dev/null)"
}

# owner_in LINE: the same from a line of ls; its first five fields hold no file name.
ioto_owner_in() {
  set -f # a name is no pattern
  # shellcheck disable=SC2086
  set -- $1
  set +f
  ioto_owned="$1 $3 $4"
  ioto_uid=$3
  ioto_size=$5
  ioto_names_of=$2
}

# Bytes up to which the shell reads a file by itself, one byte at a time: beyond it, starting a program costs less.
ioto_few=512
ioto_plain_letters=" -~$ioto_newline"

# plain TEXT: whether TEXT is short and of characters that every shell takes and gives as they are.
ioto_plain() {
  [ "${#1}" -le "$ioto_few" ] || return 1
  case $1 in
    *[!$ioto_plain_letters]*) return 1 ;;
  esac
}

# take PATH: sets ioto_text to the bytes at PATH and a dot, which keeps the newlines at the end. Without a program,
# and right for plain text alone.
ioto_take() {
  ioto_text=
  ioto_line=
  while IFS= read -r ioto_line; do
    ioto_text=$ioto_text$ioto_line$ioto_newline
  done 2>/dev/null <"$1"
  ioto_text=$ioto_text$ioto_line.
}

# nothing PATH: whether there is nothing at PATH, for sure: a look that fails for another reason finds nothing, either.
# Where something is there after all, ioto_said is why it cannot be opened.
ioto_nothing() {
  if [ "$ioto_shared" = yes ]; then
    ioto_absent_there "$1"
    return
  fi
  ioto_said=
  [ ! -e "$1" ] || return 1
  ioto_said=$({ { :; } <"$1"; } 2>&1)
  case $ioto_said in
    *[Nn]"o such "*) return 0 ;;
  esac
  return 1
}

# is PATH TEXT: whether the bytes at PATH are TEXT without the dot at its end; where TEXT is "absent", whether no file
# is there.
ioto_is() {
  if [ "$2" = absent ]; then
    ioto_nothing "$1"
    return
  fi
  [ -f "$1" ] || return 1
  if [ "$ioto_shared" = yes ]; then
    ioto_within_seconds ioto_is_held "$1" "$2" 2>/dev/null
    return
  fi
  if ioto_plain "$2"; then
    ioto_take "$1"
  else
    ioto_text=$(cat "$1" 2>/dev/null && printf .)
  fi
  [ "$ioto_text" = "$2" ]
}

# send NAME PATH: the bytes of a file of ioto_size bytes. One block more than we accept is read, and no more. What comes
# is as long as the file is, or the file could not be read.
ioto_send() {
  if [ "$ioto_size" = 0 ] && ! cat "$2" >/dev/null 2>&1; then
    ioto_say unread "$1"
    return 0
  fi
  if [ "$ioto_size" -lt "$ioto_few" ] 2>/dev/null; then
    ioto_take "$2"
    # A shell drops NUL bytes, so the size tells as well.
    if [ "${#ioto_text}" -eq "$((ioto_size + 1))" ] && ioto_plain "$ioto_text"; then
      ioto_say "text $1 $ioto_size$ioto_newline$ioto_text"
      return 0
    fi
    if [ "${#ioto_text}" -ne "$((ioto_size + 1))" ] && [ -z "$ioto_again" ]; then
      # Perhaps it was saved since it was listed: once more.
      ioto_again=yes
      ioto_regular "$1" "$2"
      ioto_again=
      return 0
    fi
  fi
  if [ "$ioto_size" -le 1048576 ] 2>/dev/null; then
    ioto_free "$({ ioto_encode <"$2"; } 2>/dev/null)" data "$1"
  else
    ioto_free "$(dd if="$2" bs=4096 count=257 2>/dev/null | ioto_encode)" data "$1"
  fi
}

# regular NAME PATH: a file, with its owner, and its bytes.
ioto_regular() {
  ioto_owner "$2"
  ioto_say file "$1" regular "$ioto_owned" "$ioto_size"
  ioto_send "$1" "$2"
}

# word KEY NAME TEXT: a record about the file NAME with a TEXT such as a path.
ioto_word() {
  case $3 in
    '' | *[!A-Za-z0-9/._-]*) ioto_free "$(printf '%s' "$3" | ioto_encode)" "$1" "$2" ;;
    *) ioto_say "plain-$1" "$2" "$3" ;;
  esac
}

# find PATH: sets what ioto_resolve sets. A directory that nobody can change, and that holds no link, was gone to before.
ioto_find() {
  ioto_followed=$1
  ioto_owners=
  ioto_link=
  ioto_way=
  if [ ! -L "$1" ] && [ -z "$ioto_linked" ]; then
    case $ioto_known in
      *"$ioto_newline${1%/*}$ioto_newline"*) return 0 ;;
    esac
  fi
  ioto_resolve "$1"
}

# file NAME PATH: what is at PATH, and its bytes; where links led elsewhere, where that is. Adds to ioto_missing what
# is not there.
ioto_file() {
  ioto_tries=9
  until ioto_found_file "$1" "$2"; do
    ioto_tries=$((ioto_tries - 1))
  done
  if [ -n "$ioto_owners" ]; then
    ioto_word path "$1" "$ioto_followed"
  fi
  if [ -n "$ioto_link" ]; then
    ioto_word link "$1" "$ioto_link"
  fi
}

# found_file NAME PATH: says once what is there; fails where it was exchanged meanwhile.
ioto_found_file() {
  ioto_find "$2"
  if [ -z "$ioto_followed" ]; then
    ioto_say file "$1" loop
    ioto_owners=
    ioto_link=
    return 0
  fi
  if [ ! -e "$ioto_followed" ]; then
    ioto_say file "$1" absent
    ioto_missing="$ioto_missing $1"
    if [ -n "$ioto_owners" ]; then
      ioto_judge_way
      [ "$ioto_shared" = no ] || ioto_exposed="$ioto_exposed $1"
    fi
  elif [ -d "$ioto_followed" ]; then
    ioto_say file "$1" directory
  elif [ ! -f "$ioto_followed" ]; then
    ioto_say file "$1" special
  elif [ ! -r "$ioto_followed" ]; then
    ioto_say file "$1" unreadable
  else
    ioto_judge_way "$ioto_followed"
    if [ "$ioto_shared" = yes ]; then
      ioto_shared_file "$1" || return 1
      ioto_say shared "$1"
      return 0
    fi
    ioto_say file "$1" regular "$ioto_owned" "$ioto_size"
    ioto_send "$1" "$ioto_followed"
    return 0
  fi
  if ! ioto_trusted; then
    ioto_say file "$1" strange
  fi
}

# doubt: corrects what was said of those of ioto_missing that are there after all, and cannot be looked at.
ioto_doubt() {
  ioto_shared=no
  for ioto_name in $ioto_missing; do
    # Those that no link leads to are in one directory.
    [ -z "$ioto_linked" ] && [ ! -L "$ioto_dir/$ioto_name" ] || continue
    ioto_find "$ioto_dir/$ioto_name"
    ioto_judge_way
    [ "$ioto_shared" = no ] || ioto_exposed=$ioto_missing
    break
  done
  for ioto_name in $ioto_exposed; do
    # In a place that somebody may change, nothing is opened to see whether it is there.
    ioto_shared=yes
    ioto_say shared "$ioto_name"
  done
  ioto_doubts=$(
    for ioto_name in $ioto_missing; do
      if [ "$ioto_shared" = yes ]; then
        ls -dL "$ioto_dir/$ioto_name" 2>&1 >/dev/null
      else
        { { :; } <"$ioto_dir/$ioto_name"; } 2>&1
      fi
    done
  )
  set -f
  IFS=$ioto_newline
  # shellcheck disable=SC2086  # a line is a word
  set -- $ioto_doubts
  set +f
  unset IFS
  ioto_doubts=
  for ioto_line in "$@"; do
    case $ioto_line in
      *[Nn]"o such "*) ;;
      *) ioto_doubts=yes ;;
    esac
  done
  [ -n "$ioto_doubts" ] || return 0
  for ioto_name in $ioto_missing; do
    if ! ioto_nothing "$ioto_dir/$ioto_name"; then
      case $ioto_said in
        *ermission*) ioto_say file "$ioto_name" unreadable ;;
        ?*) ioto_say file "$ioto_name" damaged ;;
      esac
    fi
  done
}

ioto_say ioto-begin "$ioto_nonce" "$ioto_codec"
