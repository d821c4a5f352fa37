# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make bench` measured is told alike by the table, the results and the page, whatever a revision lacks."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from docutils.core import publish_doctree
from rich.console import Console

from tests.benchmark.__main__ import command, parser, steps
from tests.benchmark.areas import AREAS, module_of
from tests.benchmark.measure import Bar, Measure, Size, figure, joined
from tests.benchmark.page import BEGIN, END, renewed
from tests.benchmark.run import BenchmarkRun, Machine, Revision
from tests.benchmark.table import printed
from tests.benchmark.tree import PAGE, ROOT, Tree, all_laid_out, described, laid_out

MACHINE = Machine("A processor", 2, 8 * 2**30, "Linux 6.1", "Debian", 0.25)
TODAY, BEFORE = Revision("abc1234", "3.11.2", "2.19.14"), Revision("def5678", "3.11.2", "2.19.13")
FURTHER = Measure("CPU of a further device", "ms", (12.0, 9.0, 10.0), "bare loop", (8.0, 9.0, 5.0), Bar(1.25))
IMAGES = Measure("images", "images/s", (77.0,), "cp", (108.0,), Bar(0.6, at_least=True))
PLACE = f"Title\n=====\n\nBefore\n------\n\n{BEGIN}\n\n{END}\n\nAfter\n-----\n\nTyped: 5 s.\n"


def a_run(*revisions: Revision) -> BenchmarkRun:
    run = BenchmarkRun("make bench", Size.FULL, MACHINE, [*revisions], datetime(2026, 11, 28, 12, tzinfo=UTC), 1200.0)
    run.add("fleet", TODAY.name, [FURTHER, Measure("peak memory", "MB", (254.0,))], "")
    run.add("images", TODAY.name, [IMAGES], "")
    if BEFORE in revisions:
        run.add("fleet", BEFORE.name, [Measure(FURTHER.what, lacks="serialize_fleet failed")], "")
        run.add("images", BEFORE.name, [], "it has no [images]")
    return run


def on_screen(run: BenchmarkRun) -> list[str]:
    """Return the lines of the table, with one space between words."""
    file = io.StringIO()
    printed(run, Console(file=file))
    return [" ".join(line.split()) for line in file.getvalue().splitlines()]


def test_a_ratio_is_the_median_of_those_of_the_rounds() -> None:
    assert FURTHER.ratios == (1.5, 1.0, 2.0)
    assert FURTHER.ratio == 1.5
    assert FURTHER.holds is False
    assert IMAGES.holds is True
    assert Measure("peak memory", "MB", (254.0,)).holds is None


def test_a_difference_below_nothing_holds_no_bar() -> None:
    assert Measure("a host", "ms", (-3.0,), "few", (-9.0,), Bar(1.2)).holds is None


def test_rounds_are_joined_and_one_that_failed_takes_nothing_away() -> None:
    first, second = (Measure("a", "s", (value,), "b", (value * 2,)) for value in (1.0, 3.0))

    assert joined([Measure("a", lacks="it fails"), first, second]) == [Measure("a", "s", (1.0, 3.0), "b", (2.0, 6.0))]


@pytest.mark.parametrize(
    ("value", "told"), [(0, "0"), (0.0123, "0.012"), (1.474, "1.47"), (12.34, "12.3"), (16_400.0, "16,400")]
)
def test_figures_have_the_digits_that_say_something(value: float, told: str) -> None:
    assert figure(value) == told


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    run = a_run(TODAY, BEFORE)
    run.save(tmp_path / "results.json")

    assert BenchmarkRun.load(tmp_path / "results.json") == run
    told = json.loads((tmp_path / "results.json").read_text("utf-8"))["found"]["fleet"][TODAY.name][0]
    assert (told["value"], told["peer_value"], told["ratio"], told["spread"], told["rounds"], told["holds"]) == (
        *(10.0, 8.0, 1.5),
        *([1.0, 2.0], 3, False),
    )


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 0}'])
def test_a_file_that_is_no_result_is_refused_with_the_next_step(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=r"results\.json is no result of this benchmark; make one with `make bench`\."):
        BenchmarkRun.load(path)


def test_the_table_has_each_figure_beside_its_peer_and_its_bar() -> None:
    lines = on_screen(a_run(TODAY))

    assert f"{FURTHER.what} bare loop 10.0 ms 8.00 ms 1.50 (1.00 to 2.00) ≤ 1.25 missed" in lines
    assert "images cp 77.0 images/s 108 images/s 0.71 ≥ 0.6 holds" in lines
    assert "peak memory 254 MB" in lines


def test_the_table_has_a_column_for_each_revision_and_says_what_one_lacks() -> None:
    lines = on_screen(a_run(TODAY, BEFORE))

    ours = "bare loop ≤ 1.25 10.0 ms : 8.00 ms = 1.50 (1.00 to 2.00), missed"
    assert f"{FURTHER.what} {ours} serialize_fleet failed" in lines
    assert "images cp ≥ 0.6 77.0 images/s : 108 images/s = 0.71, holds it has no [images]" in lines
    assert "peak memory 254 MB it has none" in lines


@pytest.mark.parametrize("revisions", [(TODAY,), (TODAY, BEFORE)], ids=["alone", "beside another"])
def test_the_page_has_day_machine_revision_and_figures_between_its_marks(revisions: tuple[Revision, ...]) -> None:
    page = renewed(PLACE, a_run(*revisions))

    assert page.startswith(PLACE.partition("\n\n" + END)[0])
    assert page.endswith(PLACE.partition(BEGIN)[2].lstrip())
    for told in ("28 November 2026, in 20 minutes", "abc1234", "A processor, 2 cores, 8.0 GiB", "Debian, Linux 6.1"):
        assert told in page
    assert "3.11.2, 2.19.14" in page
    assert "1.50 (1.00 to 2.00)" in page
    assert renewed(page, a_run(*revisions)) == page
    tree = publish_doctree(page, settings_overrides={"report_level": 1, "halt_level": 1})
    assert {int(group["cols"]) for group in tree.findall() if group.tagname == "tgroup"} == {2, 5}


def test_the_page_is_refused_without_a_place_for_the_figures() -> None:
    with pytest.raises(ValueError, match="has no place for what was measured; write"):
        renewed("Title\n=====\n", a_run(TODAY))


def test_the_guide_has_one_place_for_the_figures() -> None:
    guide = (ROOT / PAGE).read_text(encoding="utf-8")

    assert (guide.count(BEGIN), guide.count(END)) == (1, 1)


def test_what_was_not_measured_today_is_told() -> None:
    run = a_run(TODAY)
    run.add("start", TODAY.name, [Measure("verify.yml", lacks="it fails")], "Port 2223 is taken.")

    assert list(run.unmeasured()) == [f"{AREAS['start'].title}: Port 2223 is taken.", "verify.yml: it fails"]


@pytest.mark.parametrize(
    ("given", "typed"),
    [
        ([], "make bench"),
        (["--size", "quick", "--rounds", "5"], "make bench QUICK=1 ROUNDS=5"),
        (["--areas", "start,images", "--against", "main", "--against", "3462456"],
         'make bench AREAS=start,images AGAINST="main 3462456"'),
        (["--size", "tiny"], "python -m tests.benchmark --size tiny"),
    ],
)  # fmt: skip
def test_the_page_names_the_command_that_was_typed(given: list[str], typed: str) -> None:
    assert command(parser().parse_args(given)) == typed


def test_a_busy_machine_is_told_by_what_others_use_now() -> None:
    assert 0 <= Machine.here().others <= (os.cpu_count() or 1)
    assert [replace(MACHINE, others=cores).busy for cores in (0.0, 0.2, 0.3)] == [False, False, True]


def test_revisions_take_turns() -> None:
    now, old = (Tree(name, Path(name), Path("python")) for name in ("now", "old"))

    todo = list(steps([now, old], ["labels", "ledger"], Size.FULL, 2))

    assert [(step.area, step.number, step.tree.revision) for step in todo] == [
        *(("labels", 1, "now"), ("labels", 1, "old"), ("labels", 2, "old"), ("labels", 2, "now")),
        *(("ledger", 1, "now"), ("ledger", 1, "old")),
    ]


@pytest.mark.parametrize("area", AREAS)
def test_every_area_can_be_measured_at_each_size(area: str) -> None:
    assert callable(module_of(area).measure)
    assert set(AREAS[area].rounds) == set(AREAS[area].seconds) == set(Size)


def test_a_revision_with_changes_says_so_but_not_for_what_the_run_writes(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
        identity |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
        done = subprocess.run(
            ("git", *arguments), cwd=tmp_path, env=os.environ | identity, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    page = tmp_path / PAGE
    page.parent.mkdir(parents=True)
    page.write_text("old", encoding="utf-8")
    assert described(tmp_path) == "a folder without git"
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "One")
    page.write_text("new", encoding="utf-8")
    revision = git("rev-parse", "--short", "HEAD")
    assert described(tmp_path) == revision
    (tmp_path / "file").write_text("", encoding="utf-8")

    assert described(tmp_path) == f"{revision}, with uncommitted changes"


def test_another_revision_is_laid_out_with_the_benchmark_of_today(tmp_path: Path) -> None:
    tree = laid_out("HEAD", tmp_path)

    assert (tree.root / "playbooks/collections/ansible_collections/ioto/serialization/galaxy.yml").exists()
    assert (tree.root / "tests/benchmark/measure.py").read_bytes() == (ROOT / "tests/benchmark/measure.py").read_bytes()
    assert not (tree.root / "tests/unit").exists()
    assert tree.environment()["PYTHONPATH"] == str(tree.root / "playbooks/collections")
    with pytest.raises(ValueError, match="git knows no revision 'nowhere' here; name another one with --against"):
        laid_out("nowhere", tmp_path)


def test_a_revision_is_measured_once_and_the_one_at_hand_not_beside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if described(ROOT).endswith("changes"):
        assert len(all_laid_out(["HEAD", "HEAD"], tmp_path)) == 2
    else:
        with pytest.raises(ValueError, match="HEAD is the revision at hand; name another one with --against"):
            all_laid_out(["HEAD"], tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="There is no git here to lay out another revision; install git"):
        all_laid_out(["HEAD"], tmp_path)


@pytest.mark.parametrize("rounds", ["0", "-1", "x", "1.5"])
def test_a_number_of_rounds_that_is_not_valid_is_refused(rounds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--rounds", rounds])
    assert f"{rounds!r} is not a valid number of rounds; give 1 or more" in capsys.readouterr().err


def test_the_smallest_run_measures_prints_and_saves(tmp_path: Path) -> None:
    """A real one, of the area that takes a second."""
    command = (sys.executable, "-m", "tests.benchmark", "--size", "tiny", "--areas", "labels", "--dir", str(tmp_path))

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "1/1 Labels, round 1 of 1" in done.stderr
    (measure,) = BenchmarkRun.load(tmp_path / "results.json").found["labels"].values()
    assert measure[0].ratio
    assert "a label of 5" in done.stdout
