# shellcheck shell=sh disable=SC2154
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

# Not every BusyBox has every one of these; od is the one that POSIX promises, OpenWrt leaves it out.
if command -v base64 >/dev/null 2>&1; then
  ioto_encode() { base64; }
  ioto_codec=base64
elif command -v od >/dev/null 2>&1; then
  ioto_encode() { od -An -v -tx1; }
  ioto_codec=hex
elif command -v hexdump >/dev/null 2>&1; then
  ioto_encode() { hexdump -v -e '16/1 "%02x " "\n"'; }
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

# follow PATH: sets ioto_followed to where PATH leads once every symbolic link is followed, also where nothing is
# there yet; empty when the links go in a circle. Done with ls, since readlink is not in every BusyBox.
ioto_follow() {
  ioto_followed=$1
  ioto_hops=0
  while [ -L "$ioto_followed" ]; do
    ioto_hops=$((ioto_hops + 1))
    if [ "$ioto_hops" -gt 20 ]; then
      ioto_followed=
      return 0
    fi
    ioto_line=$(ls -ld "$ioto_followed")
    ioto_link=${ioto_line#*" $ioto_followed -> "}
    case $ioto_link in
      /*) ioto_followed=$ioto_link ;;
      *) ioto_followed=${ioto_followed%/*}/$ioto_link ;;
    esac
  done
}

# owner PATH: sets ioto_owned to "MODE UID GID" of what is there, as ls shows them, and ioto_size to its bytes.
ioto_owner() {
  # shellcheck disable=SC2012  # stat is not in every BusyBox
  ioto_owner_in "$(ls -lnd "$1" 2>/dev/null)"
}

# owner_in LINE: the same from a line of ls; its first five fields hold no file name.
ioto_owner_in() {
  set -f # a name is no pattern
  # shellcheck disable=SC2086
  set -- $1
  set +f
  ioto_owned="$1 $3 $4"
  ioto_size=$5
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

# is PATH TEXT: whether the bytes at PATH are TEXT without the dot at its end; where TEXT is "absent", whether no file
# is there.
ioto_is() {
  if [ ! -f "$1" ]; then
    [ "$2" = absent ]
    return
  fi
  if ioto_plain "$2"; then
    ioto_take "$1"
  else
    ioto_text=$(cat "$1" 2>/dev/null && printf .)
  fi
  [ "$ioto_text" = "$2" ]
}

# send NAME PATH: the bytes of a file of ioto_size bytes. One block more than we accept is read, and no more.
ioto_send() {
  if [ "$ioto_size" -lt "$ioto_few" ] 2>/dev/null; then
    ioto_take "$2"
    # A shell drops NUL bytes, so the size tells as well.
    if [ "${#ioto_text}" -eq "$((ioto_size + 1))" ] && ioto_plain "$ioto_text"; then
      ioto_say "text $1 $ioto_size$ioto_newline$ioto_text"
      return 0
    fi
  fi
  if [ "$ioto_size" -le 1048576 ] 2>/dev/null; then
    ioto_free "$({ ioto_encode <"$2"; } 2>/dev/null)" data "$1"
  else
    ioto_free "$(dd if="$2" bs=4096 count=257 2>/dev/null | ioto_encode)" data "$1"
  fi
}

# regular NAME PATH: a file with the owner ioto_owned, and its ioto_size bytes.
ioto_regular() {
  ioto_say file "$1" regular "$ioto_owned"
  ioto_send "$1" "$2"
}

# path NAME PATH: where a file is.
ioto_path() {
  case $2 in
    *[!A-Za-z0-9/._-]*) ioto_free "$(printf '%s' "$2" | ioto_encode)" path "$1" ;;
    *) ioto_say plain-path "$1" "$2" ;;
  esac
}

# file NAME PATH: what is at PATH, and its bytes; where links led elsewhere, where that is.
ioto_file() {
  ioto_follow "$2"
  if [ -z "$ioto_followed" ]; then
    ioto_say file "$1" loop
    return 0
  fi
  if [ ! -e "$ioto_followed" ]; then
    ioto_say file "$1" absent
  elif [ -d "$ioto_followed" ]; then
    ioto_say file "$1" directory
  elif [ ! -f "$ioto_followed" ]; then
    ioto_say file "$1" special
  else
    ioto_owner "$ioto_followed"
    if [ ! -r "$ioto_followed" ]; then
      ioto_say file "$1" unreadable "$ioto_owned"
    else
      ioto_regular "$1" "$ioto_followed"
    fi
  fi
  if [ "$ioto_followed" != "$2" ]; then
    ioto_path "$1" "$ioto_followed"
  fi
}

ioto_say ioto-begin "$ioto_nonce" "$ioto_codec"
