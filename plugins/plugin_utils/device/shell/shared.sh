# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-3.0-or-later
# Read a file where somebody but root and us can put another thing in its place at any instant: a link to what only root
# may read, or a FIFO, which nobody ever opens at its other end.
#
# Such a file is opened once, by a child that a signal ends where opening takes long, and then looked at by its
# descriptor: what the kernel calls the open file has to be the very path that was meant. A link that was there for an
# instant leads to another one, and a file that was moved has another one. Only then is a byte of it read.

ioto_known=$ioto_newline
ioto_ahead=
ioto_login=

# judge_way [FILE]: sets ioto_shared to yes where somebody but root and us may change what ioto_way and the links on it lead to.
# Lists FILE along, as ioto_owner does, and with the first one all of ioto_names that are there, whose turn comes: a program
# less for each. In what cannot be changed nothing has to be judged twice.
ioto_judge_way() {
  ioto_shared=no
  ioto_new_ones=
  ioto_mine=$1
  set -f
  IFS=$ioto_newline
  for ioto_step in $ioto_way; do
    case $ioto_known$ioto_new_ones in
      *"$ioto_newline$ioto_step$ioto_newline"*) continue ;;
    esac
    ioto_new_ones=$ioto_new_ones$ioto_step$ioto_newline
    set -- "$@" "$ioto_step"
  done
  unset IFS
  set +f
  for ioto_step in $ioto_owners; do
    [ "$ioto_step" = 0 ] || ioto_shared=yes
  done
  [ "$#" -gt 0 ] || return 0
  ioto_along=
  if [ -z "$ioto_new_ones" ] && ioto_was_listed "$ioto_mine"; then
    ioto_listed=$ioto_line
  else
    ioto_find_along
    # Where something is not there any more, somebody has taken it away.
    # shellcheck disable=SC2086  # they are of plain characters
    ioto_listed=$(ls -lnd "$@" $ioto_along 2>/dev/null) || ioto_shared=yes
  fi
  set -f
  IFS=$ioto_newline
  # shellcheck disable=SC2086  # a line is a word
  set -- $ioto_listed
  unset IFS
  set +f
  [ -z "$ioto_along" ] || ioto_listed=
  for ioto_line in "$@"; do
    case $ioto_line in
      d*) ioto_judge_folder "$ioto_line" ;;
      *" $ioto_mine") ioto_listed=$ioto_line ;;
      *)
        if [ -n "$ioto_along" ]; then
          ioto_ahead=$ioto_ahead$ioto_line$ioto_newline
        else
          ioto_listed=$ioto_line # some ls show unusual letters as question marks
        fi
        ;;
    esac
  done
  [ -z "$ioto_mine" ] || ioto_owner_in "$ioto_listed"
  # Where everybody may write, a sticky bit saves what is there, and not what comes.
  # shellcheck disable=SC3065 # a shell without it does not say no, which is safe
  [ -k "${ioto_followed%/*}/" ]
  [ "$?" -eq 1 ] || ioto_shared=yes
  [ "$ioto_shared" = yes ] || ioto_known=$ioto_known$ioto_new_ones
}

# find_along: sets ioto_along to those of ioto_names that are there beside ioto_mine, in a directory whose name every ls shows
# as it is. One that a link is at is looked at by itself.
ioto_find_along() {
  [ -z "$ioto_linked$ioto_ahead" ] && [ -n "$ioto_mine" ] || return 0
  case ${ioto_mine#"$ioto_dir/"} in
    */*) return 0 ;;
  esac
  case $ioto_dir in
    *[!A-Za-z0-9/._-]*) return 0 ;;
  esac
  for ioto_step in $ioto_names; do
    ioto_step=$ioto_dir/$ioto_step
    [ "$ioto_step" = "$ioto_mine" ] || [ -L "$ioto_step" ] || [ ! -f "$ioto_step" ] || ioto_along="$ioto_along $ioto_step"
  done
}

# was_listed FILE: sets ioto_line to what ls said of FILE when it listed another one along; fails where it did not list it.
# It is said once: who asks again wants to know what is there by then.
ioto_was_listed() {
  case $ioto_ahead in
    *" $1$ioto_newline"*) ;;
    *) return 1 ;;
  esac
  ioto_line=${ioto_ahead%%" $1$ioto_newline"*}
  ioto_line="${ioto_line##*"$ioto_newline"} $1"
  ioto_ahead=${ioto_ahead%%"$ioto_line$ioto_newline"*}${ioto_ahead#*"$ioto_line$ioto_newline"}
}

# judge_folder LINE: the same of a directory, by its line of ls.
ioto_judge_folder() {
  ioto_owner_in "$1"
  case $ioto_owned in
    ?????????[tT]*) ;;
    ?????w* | ????????w*) ioto_shared=yes ;;
  esac
  [ "$ioto_uid" != 0 ] || return 0
  [ -n "$ioto_login" ] || ioto_login=$(id -u 2>/dev/null)
  [ "$ioto_uid" = "$ioto_login" ] || ioto_shared=yes
}

# within_seconds COMMAND...: runs it in a child, and ends that where it does not say in time that its file is open.
ioto_within_seconds() {
  "$@" &
  ioto_child=$!
  # It keeps nothing open, neither a file nor a directory.
  { cd / && sleep 2 && kill -ALRM "$ioto_child"; } >/dev/null 2>&1 3>&- 4<&- &
  ioto_guard=$!
  wait "$ioto_child"
  ioto_ended=$?
  kill "$ioto_guard" 2>/dev/null
  return "$ioto_ended"
}

# held: whether what is open as 4 is a plain file, and the one at ioto_followed. Sets what ioto_owner sets.
ioto_held() {
  trap '' ALRM
  ioto_owner_in "$(ls -lnL /proc/self/fd/4 2>/dev/null)"
  case $ioto_owned in
    -*) ;;
    *) return 1 ;;
  esac
  # After its number of names: one that was taken away meanwhile leaves the open file without that path.
  if ! ioto_step=$(readlink /proc/self/fd/4 2>/dev/null); then
    ioto_step=$(ls -ln /proc/self/fd/4 2>/dev/null)
    ioto_step=${ioto_step#*" /proc/self/fd/4 -> "}
  fi
  [ "$ioto_step" = "$ioto_followed" ]
}

# send_held NAME: the records of the file at ioto_followed; none, and a failure, where it is not what is open.
ioto_send_held() {
  {
    ioto_held || return 1
    ioto_answer=
    ioto_line=
    for ioto_step in $ioto_owners; do
      case $ioto_step in
        0 | "$ioto_uid") ;;
        *) ioto_line=strange ;;
      esac
    done
    # Whoever may not read a file may give it a second name, on some kernels.
    [ "$ioto_names_of" = 1 ] || ioto_line=linked
    if [ -n "$ioto_line" ]; then
      ioto_say file "$1" "$ioto_line"
    else
      ioto_say file "$1" regular "$ioto_owned" "$ioto_size"
      ioto_look=-lnL
      ioto_send "$1" /proc/self/fd/4
    fi
    printf '%s' "$ioto_answer"
  } 4<"$ioto_followed"
}

# is_held PATH TEXT: ioto_is for PATH, which is that of ioto_followed.
ioto_is_held() {
  {
    ioto_held && [ "$(cat /proc/self/fd/4 2>/dev/null && printf .)" = "$2" ]
  } 4<"$1"
}

# shared_file NAME PATH: what ioto_file says of a file in such a place; again, where it was exchanged meanwhile.
ioto_shared_file() {
  if [ ! -e /proc/self/fd/0 ]; then
    ioto_say file "$1" exposed
    return 0
  fi
  if ioto_said=$(ioto_within_seconds ioto_send_held "$1" 2>/dev/null) && [ -n "$ioto_said" ]; then
    ioto_answer=$ioto_answer$ioto_said$ioto_newline
    return 0
  elif [ "$?" -le 128 ] && [ "$ioto_tries" -gt 0 ]; then
    return 1
  fi
  ioto_say file "$1" exchanged
}

# absent_there PATH: whether there is nothing at PATH, without opening what comes there. Sets ioto_said as ioto_nothing.
ioto_absent_there() {
  ioto_said=
  [ ! -e "$1" ] || return 1
  ioto_said=$(ls -dL "$1" 2>&1 >/dev/null)
  case $ioto_said in
    *[Nn]"o such "*) return 0 ;;
  esac
  return 1
}
