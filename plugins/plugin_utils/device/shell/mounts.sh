# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-3.0-or-later
# What is mounted where, by the shell alone. In /proc/self/mountinfo each mount names the one that it is in, so the way to
# a path can be gone as the kernel goes it: a mount that a later one hides is not on it. Where it is missing, /proc/mounts
# is taken, which is in the order of mounting: the last one on the way is the one that is seen.

# unescape TEXT: sets ioto_text to TEXT as it was before the kernel wrote blanks and such in it as \040.
ioto_unescape() {
  ioto_text=
  ioto_coded=$1
  while :; do
    case $ioto_coded in
      *\\*) ;;
      *) break ;;
    esac
    ioto_text=$ioto_text${ioto_coded%%\\*}
    ioto_coded=${ioto_coded#*\\}
    case $ioto_coded in
      011*) ioto_text="$ioto_text	" ;;
      012*) ioto_text=$ioto_text$ioto_newline ;;
      040*) ioto_text="$ioto_text " ;;
      043*) ioto_text="$ioto_text#" ;;
      054*) ioto_text=$ioto_text, ;;
      075*) ioto_text=$ioto_text= ;;
      134*) ioto_text=$ioto_text\\ ;;
      *)
        ioto_text=$ioto_text\\
        continue
        ;;
    esac
    ioto_coded=${ioto_coded#???}
  done
  ioto_text=$ioto_text$ioto_coded
}

# read_mounts: sets ioto_mounts, for each mount a line "POINT ID PARENT NUMBER OPTIONS TYPE SOURCE OPTIONS", and ioto_ids to the
# IDs of all, or to nothing where mounts do not name each other. Fails where nothing says what is mounted.
ioto_read_mounts() {
  ioto_mounts=
  ioto_ids=
  if [ -r /proc/self/mountinfo ]; then
    while read -r ioto_id ioto_parent ioto_number ioto_its ioto_to ioto_with ioto_kind; do
      ioto_kind=" $ioto_kind"
      ioto_kind=${ioto_kind#* - }
      case $ioto_kind in
        *"  "*) ioto_kind="${ioto_kind%%"  "*} none ${ioto_kind#*"  "}" ;; # a source without a name
      esac
      ioto_ids="$ioto_ids $ioto_id "
      ioto_mounts="$ioto_mounts$ioto_to $ioto_id $ioto_parent $ioto_number $ioto_with $ioto_kind$ioto_newline"
    done 2>/dev/null </proc/self/mountinfo
  fi
  if [ -z "$ioto_mounts" ] && [ -r /proc/mounts ]; then
    ioto_id=0
    while read -r ioto_from ioto_to ioto_kind ioto_with ioto_its; do
      ioto_id=$((ioto_id + 1))
      ioto_mounts="$ioto_mounts$ioto_to $ioto_id 0 0:0 $ioto_with $ioto_kind $ioto_from$ioto_newline"
    done 2>/dev/null </proc/mounts
  fi
  [ -n "$ioto_mounts" ]
}

# mounted PATH: sets ioto_at, ioto_id, ioto_number, ioto_options, ioto_type and ioto_source of the mount in which PATH is,
# or on which, where it is a mount point; PATH holds no link. All are empty where no mount that is listed holds it.
ioto_mounted() {
  ioto_under=${1%/}/
  ioto_way=
  ioto_found=
  ioto_id=
  set -f
  IFS=$ioto_newline
  for ioto_line in $ioto_mounts; do
    ioto_to=${ioto_line%% *}
    case $ioto_to in
      *\\*)
        ioto_unescape "$ioto_to"
        ioto_to=$ioto_text
        ;;
    esac
    case $ioto_under in
      "${ioto_to%/}/"*)
        ioto_way=$ioto_way$ioto_line$ioto_newline
        # Where mounts do not name each other: the last. The root, though, hides none, and may have come there last.
        case $ioto_to:$ioto_found in
          /:/[!\ ]*) ;;
          *) ioto_found=$ioto_line ;;
        esac
        ;;
    esac
  done
  [ -z "$ioto_ids" ] || ioto_go
  unset IFS
  # shellcheck disable=SC2086  # a line is its words
  set -- $ioto_found
  set +f
  ioto_unescape "$1"
  ioto_at=$ioto_text
  ioto_id=$2
  ioto_number=$4
  ioto_options=$5,$8
  ioto_type=$6
  ioto_unescape "$7"
  ioto_source=$ioto_text
}

# go: goes from the root, by the mounts of ioto_way, from each into the first one that is in it on the way; sets ioto_found
# to the last.
ioto_go() {
  ioto_found=
  ioto_id=none
  while :; do
    ioto_first=
    for ioto_line in $ioto_way; do
      ioto_its=${ioto_line#* }
      ioto_own_id=${ioto_its%% *}
      ioto_its=${ioto_its#* }
      ioto_parent=${ioto_its%% *}
      if [ "$ioto_id" = none ]; then
        # The root is in no other that is listed, or in itself.
        case "$ioto_ids" in
          *" $ioto_parent "*) [ "$ioto_parent" = "$ioto_own_id" ] || continue ;;
        esac
      else
        [ "$ioto_parent" = "$ioto_id" ] && [ "$ioto_own_id" != "$ioto_id" ] || continue
        # What is mounted over the root is seen by those alone who make it theirs, and is then the only one there.
        case $ioto_line in
          "/ "*) continue ;;
        esac
      fi
      ioto_to=${ioto_line%% *}
      if [ -z "$ioto_first" ] || [ "${#ioto_to}" -le "$ioto_length" ]; then
        ioto_first=$ioto_line
        ioto_length=${#ioto_to}
      fi
    done
    [ -n "$ioto_first" ] || return 0
    ioto_found=$ioto_first
    ioto_id=${ioto_first#* }
    ioto_id=${ioto_id%% *}
  done
}
