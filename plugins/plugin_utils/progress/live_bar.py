# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One live line at the bottom of a terminal, drawn with rich; what is printed meanwhile scrolls by above it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.text import Text

from .model import Figures, pace, troubles

_REFRESHES_PER_SECOND = 4
_BAR_WIDTH = 20
_LONGEST_NAME = 30
# A terminal that is made narrower breaks longer lines in two, and the upper half could not be erased any more.
_LONGEST_LINE = 79


class LiveBar:
    """Draws what `show` gives, the figures and the name of what is going on, until `stop`."""

    def __init__(self, show: Callable[[], tuple[Figures, str]], *, colour: bool) -> None:
        self._show = show
        # A stream of our own: sys.stdout is locked by whoever prints, who would wait for the line to be redrawn,
        # while the redrawing would wait for sys.stdout.
        encoding = sys.stdout.encoding
        self._stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding=encoding, errors="replace")
        self._unicode = encoding.lower().startswith("utf")
        # Long lines are the terminal's to break: a line end of ours would go into a command that somebody copies.
        self._console = _ConsoleWithCursor(file=self._stream, no_color=not colour, highlight=False, soft_wrap=True)
        self._live: Live | None = None

    def start(self) -> None:
        """Show the line, if it is not shown already."""
        if self._live is None:
            sys.stdout.flush()
            self._live = Live(
                console=self._console,
                get_renderable=self._render,
                refresh_per_second=_REFRESHES_PER_SECOND,
                redirect_stderr=sys.stderr.isatty(),
                transient=True,
            )
            self._live.start(refresh=True)

    def stop(self) -> None:
        """Erase the line and hand the terminal back; harmless when it is not shown."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _render(self) -> Text:
        figures, doing = self._show()
        filled = _BAR_WIDTH * figures.finished // max(figures.total, 1)
        bad = troubles(figures)
        full, empty, separator = ("━", "─", " · ") if self._unicode else ("#", "-", ", ")
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"{figures.name[:_LONGEST_NAME]} ", style="bold")
        line.append(full * filled, style="red" if bad else "green")
        line.append(empty * (_BAR_WIDTH - filled), style="dim")
        line.append(f" {separator.join([f'{figures.finished}/{figures.total}', *pace(figures)])}")
        if bad:
            line.append(f"{separator}{separator.join(bad)}", style="bold red")
        if doing:
            line.append(f"{separator}{doing}", style="dim")
        line.truncate(min(_LONGEST_LINE, self._console.width - 1), overflow="ellipsis")
        return line


class _ConsoleWithCursor(Console):
    def show_cursor(self, show: bool = True) -> bool:
        """Leave the cursor alone: a cursor that is never hidden needs nobody to bring it back after a kill."""
        return False
