# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a batch of images as a whole before the first one is made: every problem at once, with hosts and remedy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..batch.check_options import Complete, check_options, without
from ..batch.problem import NO_IMAGE, Problem, by_sentence, list_problems
from ..claim_ids import is_valid, mask, parse
from ..device.state import DeviceState
from ..display_text import counted, printable
from ..errors import IotoError
from ..identity.mac_addresses import is_same_serial
from ..ledger.ledger import Ledger
from ..modes import Mode
from ..private_files import obstacle_to, typed_path
from .destination import destination, room
from .image_batch import ImageJob, image_options, image_variables
from .image_device import open_device

_OF_A_BASE = ("ioto_config_dir", "ioto_firmware_format", "ioto_firmware_partition")
_MEGABYTE = 1024 * 1024
_A_NAME = "image"


class ImageBatchError(IotoError):
    """A batch that cannot be begun; the message lists every problem, each with its hosts."""


def prepare(
    hosts: Mapping[str, Mapping[str, Any]], specification: Mapping[str, Any], complete: Complete, *, at_once: int
) -> Sequence[ImageJob]:
    """Return the jobs of a batch; `specification` is that of the options of `firmware_image`.

    `at_once` images will be made at a time.
    `hosts` maps each host to its `VARIABLES`, those that are set. Hosts of another `ioto_mode` are left out;
    one that has none is ours. Raises `ImageBatchError` before the first image is made.
    """
    ours = {"ioto_mode": Mode.FIRMWARE}
    hosts = {host: ours | dict(variables) for host, variables in hosts.items()}
    hosts = {host: variables for host, variables in hosts.items() if is_ours(variables)}
    problems = list(check_images(hosts, complete, at_once=at_once))
    jobs: list[ImageJob] = []
    refused: dict[str, list[str]] = defaultdict(list)
    for host, variables in hosts.items() if not problems else ():
        try:
            jobs.append(ImageJob(host, complete(image_options(variables), specification)))
        except IotoError as error:
            refused[str(error)].append(host)
    problems += by_sentence(refused)
    if problems:
        raise ImageBatchError(list_problems(problems, untouched=NO_IMAGE))
    return jobs


def is_ours(variables: Mapping[str, Any]) -> bool:
    """Say whether a host with these variables goes this way."""
    return bool(variables.get("ioto_mode") == Mode.FIRMWARE)


def check_images(hosts: Mapping[str, Mapping[str, Any]], complete: Complete, *, at_once: int) -> Sequence[Problem]:
    """Return all problems of a batch of images; `hosts` maps each host to its `VARIABLES`, those that are set.

    `at_once` images will be made at a time. Hosts of another `ioto_mode` are left out.
    """
    hosts = {host: variables for host, variables in hosts.items() if is_ours(variables)}
    problems = check_options(hosts, complete, image_variables)
    hosts = without(hosts, problems)
    refused: dict[str, list[str]] = defaultdict(list)
    images: dict[Path, list[str]] = defaultdict(list)
    needs: dict[tuple[str | None, int], dict[Path, None]] = defaultdict(dict)
    bases: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    obstacle = cache(_obstacle)  # few folders, many hosts
    for host, variables in hosts.items():
        base = _base(variables)
        try:
            image = _image(variables, base)
        except IotoError as error:
            refused[str(error)].append(host)
            continue
        if there := obstacle(image.parent):
            refused[there].append(host)
            continue
        images[image].append(host)
        needs[str(base) if base else None, _device(image)][image] = None
        bases[base, *(variables.get(name) for name in _OF_A_BASE)].append(host)
    problems += by_sentence(refused)
    for image, same in images.items():
        if len(same) > 1:
            problems.append(Problem(tuple(same), f"each makes the same image {image}; give each unit its own serial."))
    for (base, *_unused), same in bases.items():
        if base is not None and (trouble := _trouble(base, [hosts[host] for host in same])):
            problems.append(Problem(tuple(same), trouble))
    if not problems:
        problems.extend(_room_problems(needs, images, at_once))
    return problems


def _base(variables: Mapping[str, Any]) -> Path | None:
    base = variables.get("ioto_firmware_base")
    return typed_path(base) if base else None


def _image(variables: Mapping[str, Any], base: Path | None) -> Path:
    folder = variables.get("ioto_firmware_dest")
    if not folder:
        raise IotoError("nothing says where the images go; give ioto_firmware_dest, a folder.")
    return destination(base, f"{typed_path(folder)}/", variables.get("ioto_serial")).absolute()


def _obstacle(folder: Path) -> str | None:
    """What keeps images from being made in `folder`, as far as one sees before."""
    obstacle = obstacle_to(folder / _A_NAME)
    return f"the images cannot be written {obstacle} (ioto_firmware_dest)." if obstacle else None


def _trouble(base: Path, units: Sequence[Mapping[str, Any]]) -> str | None:
    """What keeps `base` from being used for `units`, seen before an ID is spent on it."""
    variables = units[0]
    try:
        number = variables.get("ioto_firmware_partition")
        with open_device(
            base,
            base,
            format=variables.get("ioto_firmware_format"),
            partition=int(number) if number else None,
            check=True,
        ) as device:
            state = DeviceState.read(device, device.config_dir(variables.get("ioto_config_dir")))
            if state.claim_id and not (len(units) == 1 and _belongs(state.claim_id, variables)):
                return (
                    f"the base {base} holds a claim ID ({mask(state.claim_id)}), so it was copied from a unit; remove "
                    f"{state.id_place or f'id in {printable(state.file.path)}'} there, or give another base."
                )
            override = state.overrides.get("id")
            if override and not (len(units) == 1 and _belongs(str(override.value), variables)):
                return (
                    f"the base {base} has {override.key} in {override.path}, which the agent takes in place of each "
                    "unit's own ID; remove it there, or give another base."
                )
    except IotoError as error:
        return str(error)
    return None


def _belongs(claim_id: str, variables: Mapping[str, Any]) -> bool:
    """Say whether a unit with these variables has that claim ID, or is to be given it."""
    if not is_valid(claim_id):
        return False
    given = variables.get("ioto_claim_id")
    if isinstance(given, str) and parse(given) == claim_id:
        return True
    with Ledger.of_run(variables.get("ioto_ledger"), read_only=True) as ledger:
        holder = ledger.find(claim_id)
    return holder is not None and holder.is_live and is_same_serial(holder.unit, variables.get("ioto_serial"))


def _room_problems(
    needs: Mapping[tuple[str | None, int], Mapping[Path, None]], images: Mapping[Path, Sequence[str]], at_once: int
) -> Sequence[Problem]:
    """Problems of file systems that have no room for the images that are not there yet."""
    needed: dict[int, int] = defaultdict(int)
    free: dict[int, int] = {}
    hosts: dict[int, list[str]] = defaultdict(list)
    refused: dict[str, list[str]] = {}
    for (base, device), batch in needs.items():
        try:
            need, left = room(Path(base) if base else None, batch, at_once=at_once)
        except OSError as error:
            sentence = f"the room for their images cannot be seen ({error.strerror}); give another ioto_firmware_dest."
            refused.setdefault(sentence, []).extend(host for image in batch for host in images[image])
            continue
        if need:
            needed[device] += need
            free[device] = left
            hosts[device] += [host for image in batch for host in images[image]]
    lacking = [device for device in needed if needed[device] > free[device]]
    return [
        *by_sentence(refused),
        *(
            Problem(
                (counted(len(hosts[device]), "host"),),
                f"their images need {needed[device] // _MEGABYTE + 1} MB and {free[device] // _MEGABYTE} MB are free; "
                "free space, or give another ioto_firmware_dest.",
            )
            for device in lacking
        ),
    ]


def _device(image: Path) -> int:
    return next(parent for parent in image.parents if parent.is_dir()).stat().st_dev
