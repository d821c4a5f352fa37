# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that started a batch: killed, it may be started again, and two would be in each other's way."""

from __future__ import annotations

import os
import threading

SECONDS_BETWEEN_LOOKS = 1.0
"""How long whoever waits for a result may take to see that the process is gone."""
SECONDS_TO_END = 10.0
"""What is left then to whoever ends in good order."""


class ParentProcess:
    """The one that started this process, as it was when this object was made."""

    def __init__(self) -> None:
        self._number = os.getppid()

    @property
    def is_gone(self) -> bool:
        """Whether it has ended, so that this process was given to another."""
        return os.getppid() != self._number

    def end_with_it(self, seconds: float = SECONDS_TO_END) -> None:
        """End this process `seconds` after the one that started it, whatever it is waiting for then.

        It may wait for ever: nobody reads what it writes, and it holds the other end of the pipe itself.
        """

        def watch() -> None:
            never = threading.Event()
            while not self.is_gone:
                never.wait(SECONDS_BETWEEN_LOOKS)
            never.wait(seconds)
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
