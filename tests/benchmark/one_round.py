# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure one round of one area in the revision at hand: what `python -m tests.benchmark` starts for each.

python -m tests.benchmark.one_round AREA SIZE NUMBER RESULT.json
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.benchmark.areas import module_of
from tests.benchmark.measure import Size
from tests.benchmark.round_process import interrupt_by_signals

_MOST = 100
"""Letters of a reason."""


def main() -> int:
    """Write what was measured, and where something was in the way, the reason; return 1 then."""
    area, size, number, result = sys.argv[1:]
    interrupt_by_signals()
    told: dict[str, Any] = {"measures": [], "lacks": ""}
    try:
        for measure in module_of(area).measure(Size(size), int(number)):
            told["measures"].append(measure.to_json())
    except ImportError as error:
        traceback.print_exc()
        told["lacks"] = f"it has no {(error.name or str(error)).rpartition('plugins.')[2].replace('.', '/')}"
    except (Exception, SystemExit) as error:  # whatever an older revision does differently: the others go on
        traceback.print_exc()
        told["lacks"] = (str(error).strip().splitlines() or [type(error).__name__])[0][:_MOST]
    Path(result).write_text(json.dumps(told), encoding="utf-8")
    return int(bool(told["lacks"]))


if __name__ == "__main__":
    sys.exit(main())
