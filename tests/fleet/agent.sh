#!/bin/sh
# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Stands in for the Ioto agent: does with the claim ID what agents 2.5 to 3.0.0 do, and then stays, as a service does.
# VERSION says whose ways it has (2.6.0, 2.7.0 or 3.0.0), START_DELAY is in seconds, CONFIG_DIR where its files are.
# tests/integration/test_agents.py compares it with the real ones.

# What is loaded is assigned by what awk prints.
# shellcheck disable=SC2154

set -u
umask 077
root=${0%/usr/bin/*}
# shellcheck source=/dev/null
. "$root/etc/default/ioto"
export LC_ALL=C

log() { echo "ioto: $*"; }

# It stays a process of its name.
stay() { while :; do sleep 3600; done; }

generate() {
    head -c 2048 /dev/urandom | tr -dc 0-9A-HJKMNP-TV-Z | head -c 10
}

# One POST to $1; prints the id of the reply, which may be JSON5.
ask() {
    case $1 in
    http://* | https://*) ;;
    *) return 1 ;;
    esac
    # A machine may have no wget of its own.
    if command -v wget >/dev/null; then get=wget; else get="busybox wget"; fi
    # shellcheck disable=SC2086 # two words
    reply=$(timeout 30 $get -q -O - --header "Content-Type: application/json" --post-data "$body" "$1") || return 1
    printf '%s\n' "$reply" >"$device.reply" || return 1
    answer=$(awk -f "$root/usr/lib/ioto/json5.awk" "$device.reply" device)
    rm -f "$device.reply"
    (
        eval "$answer"
        printf '%s\n' "$id"
    )
}

# What is in memory, whatever the file has become. No sync, and where a link was, there is a file afterwards.
save() {
    printf '{\n%s    id: "%s"\n}\n' "$members" "$1" >"$device.tmp" && mv -f "$device.tmp" "$device" && return
    rm -f "$device.tmp"
    log "Cannot save serialization to $device"
}

# On a simulated device without a /proc of the machine's, processes are where it looks for them.
if [ -d "$root/proc" ] && [ ! -e "$root/proc/self" ]; then
    mkdir -p "$root/proc/$$"
    echo ioto >"$root/proc/$$/comm"
    echo "$$ (ioto) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 $(date +%s) 0 0" >"$root/proc/$$/stat"
    chmod -R a+rX "$root/proc/$$"
fi

sleep "$START_DELAY"

device=$CONFIG_DIR/device.json5
main=$CONFIG_DIR/ioto.json5
[ -e "$main" ] || main=$CONFIG_DIR/config.json5

case $VERSION in
2.[0-7].*) escaped= ;;
*) escaped=yes ;;
esac
if ! held=$(ESCAPED=$escaped awk -f "$root/usr/lib/ioto/json5.awk" "$main" = "$CONFIG_DIR/local.json5" = "$device" device \
    "$CONFIG_DIR/provision.json5" provision "$CONFIG_DIR/local.json5" =); then
    log "Cannot parse the configuration" >&2
    exit 1
fi
eval "$held"

[ -n "$id$escaped" ] || provisioned_id= # 2.7 and older throw the provisioning away
id=${id:-$provisioned_id}
if [ -n "$id" ]; then
    log "Device Claim ID: $id"
    stay
fi

# Only in the older generation, services.cloud holds the mode.
case $main in
*/config.json5) mode=${nested_mode:-$mode} ;;
esac
case $mode in
factory)
    until id=$(ask "$url") && [ -n "$id" ]; do
        log "Cannot fetch device ID from $url, asking again"
        sleep 2
    done
    ;;
none)
    log "Not serialized: services.serialize is 'none'"
    stay
    ;;
*)
    mode=auto
    id=$(generate)
    ;;
esac

case $VERSION/$mode in
2.7.*/* | 2.[56].*/auto) save "$id" ;;
esac
log "Device Claim ID: $id"
stay
