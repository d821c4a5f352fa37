# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill the migration of a ledger at any instant, and look whether it is old or new, and whole.

`PYTHONPATH=playbooks/collections python -m tests.benchmark.kill_migration --kills 150 --servers 5`
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from tests.services.migration_kills import kill_on_postgresql, kill_on_sqlite
from tests.services.postgresql import running_postgresql


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=150, help="of who migrates, on each database")
    parser.add_argument("--servers", type=int, default=5, help="kills of the PostgreSQL server")
    parser.add_argument("--times", type=int, default=100, help="how often what the old ledger holds is there")
    parser.add_argument("--schema", type=int, choices=[1, 2], nargs="+", default=[1, 2], help="of the old ledger")
    given = parser.parse_args()
    for schema in given.schema:
        more = {"times": given.times, "schema": schema}
        with tempfile.TemporaryDirectory(prefix="ioto-kill-") as folder:
            _tell(schema, "SQLite", kill_on_sqlite(Path(folder), given.kills, **more))
        with running_postgresql() as server:
            _tell(schema, "PostgreSQL, its client", kill_on_postgresql(server, given.kills, **more))
            found = kill_on_postgresql(server, given.servers, of_server=True, **more)
            _tell(schema, "PostgreSQL, the server", found)


def _tell(schema: int, what: str, found: Counter[str]) -> None:
    counts = ", ".join(f"{name}: {count}" for name, count in sorted(found.items()))
    print(f"Schema {schema}, {what}: {found['old'] + found['new']} kills, all whole ({counts})")


if __name__ == "__main__":
    main()
