# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# Say which processes are the agent. Needs: agent.sh.

ioto_find_agents
# shellcheck disable=SC2086
ioto_say agents ${ioto_agents:-none}
