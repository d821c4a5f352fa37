# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells its station through a pipe: the sentence for the technician is whole, and a line, too."""

from __future__ import annotations

import json
import os
import select

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.line.report_pipe import LONGEST_DETAIL, ReportPipe
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.slot_message import (
    SlotReport,
    SlotState,
    StationMessage,
    parse_message,
    parse_report,
)

LONG = "The unit already has the claim ID ********WQ: run it again. " * 40


@pytest.mark.parametrize(("detail", "least"), [(LONG, len(LONG.strip())), ("€" * 5000, 700), ('"\\' * 5000, 700)])
def test_a_long_sentence_reaches_the_log_and_the_page_gets_its_beginning(detail: str, least: int) -> None:
    reader, writer = os.pipe()
    ReportPipe(writer).tell(SlotReport("slot-1", 17, SlotState.FAIL, reason="It is not done.", detail=detail))
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        (line,) = pipe.readlines()
    assert len(line) <= select.PIPE_BUF
    heard = parse_report(json.loads(line), LONGEST_DETAIL)
    assert heard.detail and least <= len(heard.detail) <= LONGEST_DETAIL
    assert detail.startswith(heard.detail.removesuffix("…"))
    (shown,) = parse_message(StationMessage("line-1", (heard,)).encode()).slots
    assert shown.detail and len(shown.detail) <= 200 and shown.detail.endswith("…")
