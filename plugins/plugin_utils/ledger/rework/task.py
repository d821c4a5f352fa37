# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task `rework` does: its options, or the lines of a CSV file, become acts, and these become a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...claim_ids import quoted_masked
from ...csv_reader import CsvFormat, LineProblem, fold_title, read_rows, title_problems
from ...display_text import counted, printable
from ...errors import IotoError
from ...private_files import open_regular, typed_path
from ..columns import shown_by_task
from ..ledger import Ledger
from ..records import Context
from .acts import ReworkRequest, parse_request
from .work import Reworked, rework

_COLUMNS = ("act", "serial", "claim_id", "product", "new_serial", "keep_id", "reason", "operator")
_OF_ONE_UNIT = ("serial", "claim_id", "new_serial")
_YES, _NO = {"true", "yes", "1"}, {"false", "no", "0"}
_MAX_BYTES = 10_000_000

OperatorOf = Callable[[object], str | None]


class ReworkTaskError(IotoError):
    """Acts that cannot be done; the message names all that is wrong with them."""


def rework_units(
    ledger: Ledger, options: Mapping[str, Any], context: Context, *, check: bool, operator_of: OperatorOf
) -> dict[str, Any]:
    """Do what `options` (those of the module `rework`) ask for, and return the task's result.

    `operator_of` parses who stood at the line, where a file says it. Raises `ReworkTaskError`, which names every act
    that cannot be done, and then none was.
    """
    requests, problems = _asked(options, context, operator_of)
    # What the ledger has against the others is looked for even if nothing will be done, to name everything at once.
    answers = rework(ledger, requests, check=check or bool(problems))
    for request, answer in zip(requests, answers, strict=True):
        if isinstance(answer, IotoError):
            problems.append((request.line, str(answer)))
    if problems:
        raise ReworkTaskError(_refusal(problems))
    done = [answer for answer in answers if isinstance(answer, Reworked)]
    lines = [_line(answer, check=check) for answer in done]
    changed = sum(answer.changed for answer in done)
    return {
        "changed": bool(changed),
        "acts": [
            {
                "act": answer.request.act.value,
                "changed": answer.changed,
                "before": shown_by_task(answer.before, reveal=options["reveal"]),
                "claim": shown_by_task(answer.claim, reveal=options["reveal"]),
                "msg": answer.told,
            }
            for answer in done
        ],
        "lines": lines,
        "msg": lines[0] if len(lines) == 1 else _sum(changed, len(done), check=check),
    }


def _asked(
    options: Mapping[str, Any], context: Context, operator_of: OperatorOf
) -> tuple[list[ReworkRequest], list[tuple[int | None, str]]]:
    """Return the acts, and what is wrong with the others, with its line where it has one."""
    problems: list[tuple[int | None, str]] = []
    if options["src"] is None:
        found: list[tuple[int | None, Mapping[str, Any]]] = [(None, options)]
    else:
        problems += [
            (
                None,
                f"ioto_rework_{name} has no meaning beside ioto_rework_src, whose lines name the units; leave it out.",
            )
            for name in _OF_ONE_UNIT
            if options[name] is not None
        ]
        found = []
        for line in _lines_of(options["src"]):
            if isinstance(line, LineProblem):
                problems.append((line.line, line.text))
            else:
                found.append(line)
    requests = []
    for number, said in found:
        values = {**{name: options[name] for name in ("act", "product", "keep_id", "reason")}, **said}
        try:
            operator = operator_of(values["operator"]) if values.get("operator") else context.operator
            request = parse_request(values, replace(context, operator=operator), number)
        except IotoError as error:
            request = [str(error)]
        if isinstance(request, ReworkRequest):
            requests.append(request)
        else:
            problems += [(number, sentence) for sentence in request]
    return requests, problems


def _lines_of(src: str) -> Iterator[tuple[int, Mapping[str, Any]] | LineProblem]:
    """Yield what each line of the file says, without its empty cells. Raises `ReworkTaskError`."""
    titles: list[str] = []
    is_told = False
    for row in read_rows(_content(src), CsvFormat(takes_short_rows=True)):
        if isinstance(row, LineProblem):
            is_told = True
            yield row
        elif not titles:
            titles = [fold_title(title) for title in row.cells]
            if wrong := [*title_problems(row.line, titles), *_unknown(row.line, titles)]:
                yield from wrong
                return
        else:
            is_told = True
            yield _said(row.line, {name: cell for name, cell in zip(titles, row.cells, strict=True) if cell})
    if not is_told:
        raise ReworkTaskError(f"The file {printable(src)} says no act; give the one that does (ioto_rework_src).")


def _unknown(line: int, titles: Sequence[str]) -> Iterator[LineProblem]:
    unknown = [title for title in titles if title and title not in _COLUMNS]
    if unknown:
        listed = quoted_masked(", ".join(unknown))
        yield LineProblem(line, f"The column {listed} is unknown; the columns are {', '.join(_COLUMNS)}.")
    if not {"serial", "claim_id"} & set(titles):
        yield LineProblem(line, "No column names the units; add serial or claim_id.")


def _said(line: int, cells: dict[str, Any]) -> tuple[int, Mapping[str, Any]] | LineProblem:
    if (keeps := cells.get("keep_id")) is not None:
        word = keeps.lower()
        if word not in _YES | _NO:
            return LineProblem(line, f"keep_id is {quoted_masked(keeps)}; give true or false.")
        cells["keep_id"] = word in _YES
    return line, cells


def _content(src: str) -> bytes:
    try:
        with open_regular(typed_path(src)) as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ReworkTaskError(
            f"The file {printable(src)} cannot be read ({error.strerror}); correct its name (ioto_rework_src)."
        ) from None
    if len(data) > _MAX_BYTES:
        raise ReworkTaskError(
            f"The file {printable(src)} has more than {_MAX_BYTES} bytes; split it (ioto_rework_src)."
        )
    return data


def _refusal(problems: Sequence[tuple[int | None, str]]) -> str:
    told = sorted(problems, key=lambda problem: problem[0] or 0)
    if len(told) == 1 and told[0][0] is None:
        return f"Nothing was done. {told[0][1]}"
    lines = "\n".join(sentence if line is None else f"line {line}: {sentence}" for line, sentence in told)
    return f"Nothing was done, because of {counted(len(told), 'problem')}; correct them and run again:\n{lines}"


def _line(answer: Reworked, *, check: bool) -> str:
    return f"Would be done: {answer.told}" if check and answer.changed else answer.told


def _sum(changed: int, number: int, *, check: bool) -> str:
    word = "would be done" if check else "was done" if changed == 1 else "were done"
    so = number - changed
    return f"{counted(changed, 'act')} of rework {word}; {so} {'was' if so == 1 else 'were'} so already."
