# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Start the agent again. Needs: ioto_restart_given (yes or no) and the function ioto_restart_agent, the user's command.

# A daemon that keeps our stdout open would keep the SSH channel open too, so it gets none of it.
if [ "$ioto_restart_given" = yes ]; then
  ioto_restart_agent </dev/null >/dev/null 2>&1
  ioto_say restarted "$?"
elif [ -x /etc/init.d/ioto ]; then
  /etc/init.d/ioto restart </dev/null >/dev/null 2>&1
  ioto_say restarted "$?"
elif command -v systemctl >/dev/null 2>&1; then
  systemctl restart ioto </dev/null >/dev/null 2>&1
  ioto_say restarted "$?"
else
  ioto_say restarted none
fi
