# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-3.0-or-later
# Put a symbolic link back that somebody replaced by a plain file. Runs in write.sh, which needs the same of it but for
# ioto_new, which is what the link says.

ioto_relink() {
  ioto_lock || return 0
  if ! ioto_is "$ioto_file" "$ioto_old"; then
    ioto_give_up changed ''
    return 0
  fi
  if ! ioto_said=$(ln -s "$ioto_new" "$ioto_me.link" 2>&1); then
    ioto_give_up create "$ioto_said"
    return 0
  fi
  ioto_move "$ioto_me.link" "$ioto_file" || return 0
  rm -f "$ioto_me"
  ioto_flushed=yes
  ioto_settle
}
