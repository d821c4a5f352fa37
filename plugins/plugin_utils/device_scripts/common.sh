# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# What every script on a device begins with. POSIX shell and utilities only; `device_files.py` sets the ioto_*
# variables in front of it, all quoted, and puts the whole into one function, so that a script that was cut off on
# its way is a syntax error and does nothing.
#
# An answer is a series of records on stdout between two marker lines. A record is a line "KEY WORD..."; what a device
# may choose freely (bytes, paths, messages) follows as encoded lines and ends with a line ".". What is plain letters
# goes as a word: every program that is started costs a small device some milliseconds, so few are.

LC_ALL=C
export LC_ALL
umask 077

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

# blob KEY WORDS...: a record whose free part comes on stdin.
ioto_blob() {
  printf '\n%s\n' "$*"
  ioto_encode
  printf '\n.\n'
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
  set -f # a name is no pattern
  # shellcheck disable=SC2012,SC2046  # stat is not in every BusyBox; the first five fields hold no file name
  set -- $(ls -lnd "$1" 2>/dev/null)
  set +f
  ioto_owned="$1 $3 $4"
  ioto_size=$5
}

# file NAME PATH: what is at PATH, and its bytes. One block more than we accept is read, and no more.
ioto_file() {
  ioto_follow "$2"
  if [ -z "$ioto_followed" ]; then
    printf '\nfile %s loop\n' "$1"
    return 0
  fi
  if [ ! -e "$ioto_followed" ]; then
    printf '\nfile %s absent\n' "$1"
  elif [ -d "$ioto_followed" ]; then
    printf '\nfile %s directory\n' "$1"
  elif [ ! -f "$ioto_followed" ]; then
    printf '\nfile %s special\n' "$1"
  else
    ioto_owner "$ioto_followed"
    if [ ! -r "$ioto_followed" ]; then
      printf '\nfile %s unreadable %s\n' "$1" "$ioto_owned"
    else
      printf '\nfile %s regular %s\n' "$1" "$ioto_owned"
      if [ "$ioto_size" -le 1048576 ] 2>/dev/null; then
        { ioto_blob data "$1" <"$ioto_followed"; } 2>/dev/null
      else
        dd if="$ioto_followed" bs=4096 count=257 2>/dev/null | ioto_blob data "$1"
      fi
    fi
  fi
  case $ioto_followed in
    *[!A-Za-z0-9/._-]*) printf '%s' "$ioto_followed" | ioto_blob path "$1" ;;
    *) printf '\nplain-path %s %s\n' "$1" "$ioto_followed" ;;
  esac
}

# content PATH: the bytes at PATH with a dot behind them, which keeps the newlines at the end.
ioto_content() {
  cat "$1" 2>/dev/null
  printf .
}

printf '\nioto-begin %s %s\n' "$ioto_nonce" "$ioto_codec"
