#!/bin/sh
# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Stands in for the Ioto agent: does with the claim ID what agents 2.5 to 3.0.0 do, and then stays, as a service does.
# GENERATION=saving (2.5 to 2.7) or forgetful (2.8 to 3.0.0), START_DELAY in seconds, CONFIG_DIR.

set -u
umask 077
root=${0%/usr/bin/ioto}
# shellcheck source=/dev/null
. "$root/etc/default/ioto"
export LC_ALL=C

log() { echo "ioto: $*"; }

stay() { exec sleep 2147483647; }

# json5 FILE: read by KEY or FORM in the environment; a file that is not there is an empty one.
json5() {
    [ -e "$1" ] || return 0
    awk -f "$root/usr/lib/ioto/json5.awk" "$1" || {
        log "Cannot parse $1" >&2
        return 1
    }
}

# setting KEY: local.json5 wins, then what holds for the active profile, then the main file.
setting() {
    profile=$(KEY=profile json5 "$main")
    for place in \
        "$CONFIG_DIR/local.json5 $1" \
        "$main conditional.profile.$profile.$1" \
        "$main $1"; do
        found=$(KEY=${place##* } json5 "${place% *}")
        [ -n "$found" ] && break
    done
    printf '%s\n' "$found"
}

# In the older generation, services.cloud is an object that holds the mode.
mode() {
    case $main in
    */config.json5)
        found=$(setting services.cloud.serialize)
        printf '%s\n' "${found:-$(setting services.serialize)}"
        ;;
    *) setting services.serialize ;;
    esac
}

generate() {
    head -c 2048 /dev/urandom | tr -dc 0-9A-HJKMNP-TV-Z | head -c 10
}

# One POST to $1; prints the id of the reply, which may be JSON5.
ask() {
    case $1 in
    http://* | https://*) ;;
    *) return 1 ;;
    esac
    body=$(FORM=json json5 "$device") && [ -n "$body" ] || return 1
    reply=$(timeout 30 wget -q -O - --header "Content-Type: application/json" --post-data "$body" "$1") || return 1
    printf '%s\n' "$reply" | KEY=id awk -f "$root/usr/lib/ioto/json5.awk"
}

save() {
    target=$(readlink -f "$device")
    FORM=file ID=$1 json5 "$device" >"$target.tmp" && sync && mv "$target.tmp" "$target" && return
    rm -f "$target.tmp"
    log "Cannot save $device"
}

sleep "$START_DELAY"

device=$CONFIG_DIR/device.json5
main=$CONFIG_DIR/ioto.json5
[ -e "$main" ] || main=$CONFIG_DIR/config.json5

id=$(KEY=device.id json5 "$CONFIG_DIR/local.json5")
[ -n "$id" ] || id=$(KEY=id json5 "$device") || stay
if [ -n "$id" ]; then
    log "Device has a claim ID"
    stay
fi

mode=$(mode)
case $mode in
auto) id=$(generate) ;;
factory)
    url=$(setting api.serialize)
    until id=$(ask "$url") && [ -n "$id" ]; do
        log "Cannot get a claim ID from '$url', asking again"
        sleep 2
    done
    ;;
*)
    log "Not serialized: services.serialize is '$mode'"
    stay
    ;;
esac

log "Device Claim ID: $id"
[ "$GENERATION" = forgetful ] || save "$id"
stay
