#!/bin/sh
# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# /etc/init.d/ioto of a simulated device: start, stop, restart or ask for the agent.

umask 077
root=${0%/etc/init.d/ioto}
pid_file=$root/var/run/ioto.pid
# shellcheck source=/dev/null
. "$root/etc/default/ioto"

# The agent leads a process group, so that a request of its own under way ends with it.
signal() { kill "-$1" "-$2" 2>/dev/null || kill "-$1" "$2" 2>/dev/null; }

running() { pid=$(cat "$pid_file" 2>/dev/null) && [ -n "$pid" ] && signal 0 "$pid"; }

start() {
    running && return
    setsid "$root/usr/bin/$PROGRAM" </dev/null >>"$root/var/log/ioto.log" 2>&1 &
    echo $! >"$pid_file"
}

stop() {
    # Bounded: where nobody collects the dead, they seem alive for ever.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        running || break
        signal 9 "$pid"
        sleep 0.05
    done
    # A /proc that is none of the machine's keeps what the agent put there.
    [ -z "${pid-}" ] || [ -e "$root/proc/self" ] || rm -rf "$root/proc/$pid"
    rm -f "$pid_file"
}

case ${1-} in
start) start ;;
stop) stop ;;
restart)
    stop
    start
    ;;
status) running ;;
*)
    echo "Usage: $0 start|stop|restart|status" >&2
    exit 2
    ;;
esac
