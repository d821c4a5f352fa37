# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks that give an identity have in common: options become a `Request`, an `Outcome` becomes a result.

The option names are those of the module `serialize`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import claim_ids
from ..errors import IotoError
from ..labels.qr_templates import qr_templates
from ..scanning.scan import read_scan
from ..serialization.request import Outcome, Request
from ..serialization.sources.factory_service import Agent, ControllerSource, Generated, Given, Service


class OptionError(IotoError):
    """Options that do not go together."""


def build_request(options: Mapping[str, Any], *, check: bool) -> Request:
    """Return the request that `options` describe. Raises `IotoError` where they do not go together."""
    if not options["config_dir"].startswith("/"):
        raise OptionError(f"The config_dir {options['config_dir']!a} is no absolute path; give one such as /etc/ioto.")
    return Request(
        source=_source(options),
        product=options["product"],
        serial=options["serial"],
        properties=options["properties"] or {},
        config_dir=options["config_dir"].rstrip("/") or "/",
        force=options["force"],
        replace_provisioned=options["replace_provisioned"],
        check=check,
    )


def present_outcome(outcome: Outcome, *, reveal: bool, diff: bool) -> dict[str, Any]:
    """Return the result of a task; claim IDs are masked unless `reveal`."""

    def shown(claim_id: str | None) -> str | None:
        return claim_id if claim_id is None or reveal else claim_ids.mask(claim_id)

    result: dict[str, Any] = {
        "changed": outcome.changed,
        "claim_id": shown(outcome.claim_id),
        "product": outcome.product,
        "serial": outcome.serial,
        "source": outcome.source,
        "state": outcome.state,
        "path": outcome.path,
        "previous_claim_id": shown(outcome.previous_claim_id),
    }
    if outcome.note:
        result["warnings"] = [outcome.note]
    if diff and outcome.before != outcome.after:
        result["diff"] = {
            "before_header": outcome.path,
            "after_header": outcome.path,
            "before": outcome.shown(outcome.before),
            "after": outcome.shown(outcome.after),
        }
    return result


def _source(options: Mapping[str, Any]) -> ControllerSource | Agent:
    if options.get("scan") is not None:
        return _scanned(options)
    kind = options["source"] or ("given" if options["claim_id"] is not None else "generated")
    if (options["claim_id"] is not None) != (kind == "given"):
        raise OptionError(f"With source {kind} claim_id {'is needed' if kind == 'given' else 'has no meaning'}.")
    if kind == "agent":
        fallback = options["agent_fallback"]
        return Agent(
            seconds=options["agent_wait"],
            restart=options["agent_restart"],
            fallback=None if fallback == "none" else _controller_source(fallback, options),
            checked_by=_service(options) if options["service_url"] else None,
        )
    return _controller_source(kind, options)


def _scanned(options: Mapping[str, Any]) -> Given:
    if options["claim_id"] is not None or options["source"] not in {None, "given"}:
        raise OptionError("With scan the label gives the ID, so claim_id and another source have no meaning.")
    scan = read_scan(options["scan"], qr_templates(options["qr"], options["layout"]))
    return Given(scan.claim_id, scan=scan)


def _controller_source(kind: str, options: Mapping[str, Any]) -> ControllerSource:
    if kind == "given":
        return Given(options["claim_id"])
    if kind == "service":
        return _service(options)
    return Generated(claim_ids.check_length(options["length"]))


def _service(options: Mapping[str, Any]) -> Service:
    url = options["service_url"]
    if not url or not url.startswith(("http://", "https://")):
        raise OptionError("The source service needs service_url, an http or https URL.")
    return Service(
        url,
        timeout=options["service_timeout"],
        retries=options["service_retries"],
        token=options["service_token"],
        ca_file=options["service_ca_file"],
    )
