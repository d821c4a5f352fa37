# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-3.0-or-later
# Does what is written to a directory outlive a power cut? Told by /proc/mounts, and by the shell alone.

# mounted PATH: sets ioto_type, ioto_source, ioto_options and ioto_at of the file system under the directory PATH, which
# holds no link.
ioto_mounted() {
  ioto_under=${1%/}/
  ioto_type=
  ioto_source=
  ioto_options=
  ioto_at=
  while read -r ioto_from ioto_to ioto_kind ioto_with ioto_rest; do
    ioto_to=${ioto_to%/}
    case $ioto_under in
      "$ioto_to"/*)
        # Of two that are mounted at one place, the later one is seen.
        if [ "${#ioto_to}" -ge "${#ioto_at}" ]; then
          ioto_at=$ioto_to
          ioto_type=$ioto_kind
          ioto_source=$ioto_from
          ioto_options=$ioto_with
        fi
        ;;
    esac
  done 2>/dev/null </proc/mounts
}

# lasts PATH: sets ioto_lasts to yes, no, readonly or unknown, and ioto_type to the file system that says so.
ioto_lasts() {
  ioto_lasts=unknown
  ioto_hops=0
  ioto_mounted "$1"
  case ,$ioto_options, in
    *,ro,*)
      ioto_lasts="readonly"
      return 0
      ;;
  esac
  while [ "$ioto_hops" -lt 5 ]; do
    ioto_hops=$((ioto_hops + 1))
    case $ioto_type in
      '') return 0 ;;
      tmpfs | ramfs | rootfs | devtmpfs)
        ioto_lasts=no
        return 0
        ;;
      overlay | overlayfs | aufs)
        case ,$ioto_options, in
          *,upperdir=*) ;;
          *) return 0 ;;
        esac
        ioto_over=$ioto_at
        ioto_upper=${ioto_options##*upperdir=}
        ioto_mounted "${ioto_upper%%,*}"
        # Its own mount again: where its upper side is mounted, is not seen from here.
        if [ "$ioto_at" = "$ioto_over" ]; then
          ioto_type=overlay
          return 0
        fi
        continue
        ;;
    esac
    case $ioto_source in
      /dev/ram* | /dev/zram*) ioto_lasts=no ;;
      /dev/loop*)
        ioto_file=
        { read -r ioto_file <"/sys/block/${ioto_source##*/}/loop/backing_file"; } 2>/dev/null
        if [ -n "$ioto_file" ]; then
          ioto_mounted "${ioto_file%/*}"
          continue
        fi
        ;;
      *) ioto_lasts=yes ;;
    esac
    return 0
  done
}
