# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collections path on which the real callback and inventory meet stand-ins for our actions, under their real names.

A stand-in answers with the arguments of its task. With `wait_for`, it first waits until that file is there.
"""

from __future__ import annotations

from pathlib import Path

ACTIONS = ("serialize", "serialize_fleet", "firmware_image", "preflight", "summary")

_ROOT = Path(__file__).parents[2]
_ACTION = """\
import os
import time

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = dict(self._task.args)
        wait_for = result.pop("wait_for", None)
        while wait_for and not os.path.exists(wait_for):
            time.sleep(0.01)
        return {"changed": False, **result}
"""


def make_collections(folder: Path) -> Path:
    """Make such a path in `folder` and return it."""
    collection = folder / "collections/ansible_collections/ioto/serialization"
    plugins = collection / "plugins"
    for kind in ("action", "modules"):
        (plugins / kind).mkdir(parents=True)
    for kind in ("callback", "inventory", "plugin_utils"):
        (plugins / kind).symlink_to(_ROOT / "plugins" / kind)
    for file in ("galaxy.yml", "meta"):
        (collection / file).symlink_to(_ROOT / file)
    for action in ACTIONS:
        (plugins / "action" / f"{action}.py").write_text(_ACTION)
        (plugins / "modules" / f"{action}.py").write_text("")
    return folder / "collections"
