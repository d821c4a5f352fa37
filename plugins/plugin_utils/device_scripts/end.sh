# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
printf '\nioto-end %s\n' "$ioto_nonce"
