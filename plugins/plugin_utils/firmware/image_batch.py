# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the images of a batch in one process, several at a time.

Threads do: what takes time is the disk, checksums and other programs. They share the ledger, whose commits they wait
for together, and shared images for each folder that images go to.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from ..batch.defect import Log, UnitResult, failed_by_defect
from ..errors import IotoError
from ..flows.flow import plan_flow, run_flow
from ..image_formats.shared_images import SharedImages
from ..image_formats.workspace import shared_workspace
from ..ledger.group_commit import GroupCommit
from ..ledger.ledger import Ledger
from ..option import Option, given_by
from ..private_files import is_open
from ..processes.parent_process import SECONDS_BETWEEN_LOOKS, ParentProcess
from .destination import destination
from .image_device import open_device
from .options import OF_THE_FLOW


def image_options(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `firmware_image` that a host's variables say."""
    options = given_by(image_variables(variables), variables)
    if "service_url" in options and "claim_id" not in options:
        options["source"] = "service"
    return options


def image_variables(variables: Mapping[str, Any]) -> Mapping[str, Option]:
    """Return the options that a host's variables say to its image, by variable."""
    return {name: option for name, option in OF_THE_FLOW.items() if name in variables}


@dataclass(frozen=True, slots=True)
class ImageJob:
    """One image: the inventory name of its unit, and the options of `firmware_image`, complete."""

    host: str
    options: Mapping[str, Any]

    @property
    def base(self) -> Path | None:
        """The base image."""
        return Path(self.options["base"]) if self.options["base"] else None

    @property
    def dest(self) -> Path:
        """Where the image goes. Raises `ImageError`."""
        return destination(self.base, self.options["dest"], self.options["serial"])


@dataclass(frozen=True, slots=True)
class ResultOptions:
    """What a result tells: whole claim IDs (`reveal`), differences (`diff`); in `check` nothing is made."""

    reveal: bool = False
    diff: bool = False
    check: bool = False


def make_image(
    job: ImageJob,
    ledger: Ledger | GroupCommit,
    result_options: ResultOptions,
    shared_images: SharedImages | None = None,
) -> dict[str, Any]:
    """Run the transaction on one image, and return what `firmware_image` returns. Raises `IotoError`."""
    options, dest = job.options, job.dest
    with open_device(
        job.base,
        dest,
        format=options["format"],
        partition=options["partition"],
        check=result_options.check,
        shared_images=shared_images,
    ) as device:
        config_dir = device.config_dir(options["config_dir"])
        flow = plan_flow({**options, "config_dir": config_dir}, check=result_options.check)
        outcome = run_flow(device, flow, ledger, host=job.host, reveal=result_options.reveal, diff=result_options.diff)
        sha256 = None if result_options.check else device.finish()
    return {
        **outcome,
        "changed": outcome["changed"] or device.made,
        "notices": [*outcome.get("notices", ()), *_open_tree(dest)],
        "device_file": outcome["path"],
        "path": str(dest),
        "sha256": sha256,
    }


def _open_tree(dest: Path) -> list[str]:
    """Say where a tree may be read by others: its files have the modes that they are to have on the device."""
    if not dest.is_dir() or not is_open(dest.parent):
        return []
    return [f"Everybody may enter {dest.parent}, and read there what a tree lets him, its claim ID too; chmod 700 it."]


class ImageBatch:
    """A batch that is being made; `run` may be called once."""

    def __init__(self, jobs: Sequence[ImageJob], result_options: ResultOptions, *, at_once: int) -> None:
        self._jobs = jobs
        self._result_options = result_options
        self._at_once = max(1, min(at_once, len(jobs)))
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._ledgers: dict[str | None, GroupCommit] = {}
        self._shared: dict[Path, SharedImages] = {}
        self._images = Counter(job.dest.parent for job in jobs)

    def run(self, *, log: Log) -> Iterator[dict[str, Any]]:
        """Yield the result of each job as it ends, with its `host`; a failure has `failed` and `msg`.

        Closing the iterator ends the batch after the images that are under way. `log` is told of defects, in the thread
        that takes the results.
        """
        parent = ParentProcess()
        # Each image comes here when it ends: to wait for all that have not would look at each of them, each time.
        ended: SimpleQueue[Future[UnitResult]] = SimpleQueue()
        with self._stack:
            pool = ThreadPoolExecutor(self._at_once)
            try:
                for job in self._jobs:
                    pool.submit(self._result, job).add_done_callback(ended.put)
                left = len(self._jobs)
                while left and not parent.is_gone:
                    try:
                        result, trace = ended.get(timeout=SECONDS_BETWEEN_LOOKS).result()
                    except Empty:
                        continue
                    left -= 1
                    if trace is not None:
                        log(trace)
                    yield result
            finally:
                pool.shutdown(cancel_futures=True)

    def _result(self, job: ImageJob) -> UnitResult:
        try:
            with self._lock:
                ledger, shared_images = self._ledger(job), self._shared_images(job)
            made = make_image(job, ledger, self._result_options, shared_images)
        except IotoError as error:
            made = {"changed": False, "failed": True, "msg": str(error)}
        except Exception as error:
            return failed_by_defect(job.host, error, f"The image of {job.host} shows a defect of this collection")
        return UnitResult({"host": job.host, **made})

    def _ledger(self, job: ImageJob) -> GroupCommit:
        location = job.options["ledger"]
        if location not in self._ledgers:
            ledger = self._stack.enter_context(Ledger.of_run(location, read_only=self._result_options.check))
            self._ledgers[location] = GroupCommit(ledger)
        return self._ledgers[location]

    def _shared_images(self, job: ImageJob) -> SharedImages | None:
        """The shared images of the folder that the image goes to; a single image is made without one."""
        folder = job.dest.parent
        if self._result_options.check or self._images[folder] < 2 or job.base is None:
            return None
        if folder not in self._shared:
            shared_images = SharedImages(self._stack.enter_context(shared_workspace(folder)))
            self._shared[folder] = self._stack.enter_context(closing(shared_images))
        return self._shared[folder]
