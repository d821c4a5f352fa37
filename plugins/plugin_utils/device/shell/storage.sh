# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-3.0-or-later
# Does what is written to a file outlive a power cut? By the shell alone, but for links on the way to an overlay's
# sides or a disk.
# What is still to be looked at stands in ioto_todo, a line each: a path as the kernel writes it, or a blank and the folder
# of a disk in /sys.

# lasts PATH: sets ioto_lasts to yes, no or unknown, ioto_access to ro or rw, ioto_over to "mounted" where something is
# mounted on PATH itself, and ioto_what to the file system, with what it is on where that is why. PATH holds no link.
ioto_lasts() {
  ioto_lasts=unknown
  ioto_access=rw
  ioto_over=free
  ioto_what=none
  ioto_read_mounts || return 0
  ioto_mounted "$1"
  ioto_what=${ioto_type:-unlisted}
  case ,$ioto_options, in
    *,ro,*) ioto_access=ro ;;
  esac
  [ "$ioto_at" != "$1" ] || ioto_over=mounted
  ioto_lasts=yes
  ioto_seen=
  ioto_todo=
  ioto_judge
  ioto_looks=0
  while [ -n "$ioto_todo" ]; do
    ioto_looks=$((ioto_looks + 1))
    ioto_name=${ioto_todo%%"$ioto_newline"*}
    ioto_todo=${ioto_todo#*"$ioto_newline"}
    if [ "$ioto_looks" -gt 30 ]; then
      ioto_doubt_it
      return 0
    fi
    case $ioto_name in
      " "*) ioto_disk "${ioto_name# }" "${ioto_name##*/}" ;;
      *) ioto_layer "$ioto_name" ;;
    esac
  done
}

ioto_add() {
  ioto_todo=$ioto_todo$1$ioto_newline
}

# doubt_it: cannot be told, unless something else forgets.
ioto_doubt_it() {
  [ "$ioto_lasts" = no ] || ioto_lasts=unknown
}

# forgets KIND: something of KIND forgets, and nothing more has to be looked at.
ioto_forgets() {
  ioto_lasts=no
  ioto_todo=
  case $1 in
    "$ioto_what"*) ioto_what=$1 ;;
    *) ioto_what="$ioto_what on $1" ;;
  esac
}

# judge: takes the file system that ioto_mounted has found.
ioto_judge() {
  case $ioto_type in
    tmpfs | ramfs | rootfs | devtmpfs) ioto_forgets "$ioto_type" ;;
    overlay | overlayfs) ioto_overlay ;;
    '' | aufs | unionfs | mini_fo | ecryptfs | fuse.*) ioto_doubt_it ;;
    *)
      case $ioto_number in
        0:*) ioto_source_disk ;;
        *) ioto_disk "/sys/dev/block/$ioto_number" "${ioto_source##*/}" ;;
      esac
      ;;
  esac
}

# overlay: what is written to it goes to its upper side, so that alone counts; where nothing can be written, all of its
# sides do, since a file may come from any.
ioto_overlay() {
  ioto_seen="$ioto_seen $ioto_id "
  ioto_upper=
  ioto_lower=
  ioto_syncs=yes
  set -f
  IFS=,
  for ioto_step in $ioto_options; do
    case $ioto_step in
      volatile | fsync=volatile) ioto_syncs=no ;;
      upperdir=*) ioto_upper=${ioto_step#*=} ;;
      lowerdir=* | lowerdir+=* | datadir+=*) ioto_lower=$ioto_lower:${ioto_step#*=} ;;
    esac
  done
  [ -z "$ioto_upper" ] || [ "$ioto_access" = ro ] || ioto_lower=
  [ -n "$ioto_upper$ioto_lower" ] || ioto_doubt_it
  [ -z "$ioto_upper" ] || ioto_add "$ioto_upper"
  IFS=:
  ioto_begun=
  for ioto_step in $ioto_lower; do
    case $ioto_step in
      '') continue ;;
      *\\134)
        # A colon that is part of the path.
        ioto_begun=$ioto_begun$ioto_step:
        continue
        ;;
    esac
    ioto_add "$ioto_begun$ioto_step"
    ioto_begun=
  done
  unset IFS
  set +f
  # Every sync of it succeeds and does nothing, so what was written is in the memory for as long as the kernel likes.
  [ "$ioto_syncs" = yes ] || ioto_forgets 'overlay mounted volatile'
}

# layer PATH: takes what PATH, as the kernel wrote it, is in: a side of an overlay, or the file behind a loop device. Where
# it was mounted from may be hidden by now, so that its path leads nowhere, or into the overlay again.
ioto_layer() {
  ioto_unescape "$1"
  ioto_name=$ioto_text
  if [ ! -e "$ioto_name" ]; then
    # An overlay has backslashes of its own before colons and commas.
    ioto_text=
    ioto_coded=$ioto_name
    while [ "$ioto_coded" != "${ioto_coded#*\\}" ]; do
      ioto_text=$ioto_text${ioto_coded%%\\*}
      ioto_coded=${ioto_coded#*\\}
      ioto_text=$ioto_text${ioto_coded%"${ioto_coded#?}"}
      ioto_coded=${ioto_coded#?}
    done
    ioto_name=$ioto_text$ioto_coded
  fi
  case $ioto_name in
    /*) ;;
    *) ioto_name= ;;
  esac
  if [ ! -e "$ioto_name" ]; then
    ioto_doubt_it
    return 0
  fi
  ioto_resolve "$ioto_name"
  ioto_mounted "$ioto_followed"
  case $ioto_seen in
    *" $ioto_id "*) ioto_doubt_it ;;
    *) ioto_judge ;;
  esac
}

# source_disk: the disk of a file system that has no number of one, as btrfs, or of which /proc/mounts alone tells.
ioto_source_disk() {
  case $ioto_source in
    /dev/*) ;;
    *) return 0 ;;
  esac
  if [ -L "$ioto_source" ]; then
    ioto_resolve "$ioto_source"
    ioto_source=$ioto_followed
  fi
  case $ioto_source in
    /dev/mapper/*)
      for ioto_name in /sys/block/dm-*; do
        ioto_line=
        { IFS= read -r ioto_line <"$ioto_name/dm/name"; } 2>/dev/null
        if [ "$ioto_line" = "${ioto_source##*/}" ]; then
          ioto_disk "$ioto_name" "${ioto_name##*/}"
          return 0
        fi
      done
      ioto_doubt_it
      ;;
    *) ioto_disk "/sys/class/block/${ioto_source##*/}" "${ioto_source##*/}" ;;
  esac
}

# disk FOLDER NAME: takes a disk by its folder in /sys, and what it is on, such as the file of a loop device; by NAME where
# there is no such folder.
ioto_disk() {
  ioto_disk_name=$2
  while IFS='=' read -r ioto_step ioto_line; do
    [ "$ioto_step" != DEVNAME ] || ioto_disk_name=$ioto_line
  done 2>/dev/null <"$1/uevent"
  case $ioto_disk_name in
    ram[0-9]* | zram*)
      ioto_forgets "$ioto_disk_name"
      return 0
      ;;
    loop*)
      ioto_line=
      # That of a partition is its disk's.
      { IFS= read -r ioto_line <"$1/loop/backing_file" || IFS= read -r ioto_line <"$1/../loop/backing_file"; } 2>/dev/null
      ioto_add "${ioto_line:-hidden}"
      ;;
    dm-*) [ -e "$1" ] || ioto_doubt_it ;;
  esac
  for ioto_step in "$1"/slaves/* "$1"/../slaves/*; do
    [ ! -e "$ioto_step" ] || ioto_add " /sys/class/block/${ioto_step##*/}"
  done
}
