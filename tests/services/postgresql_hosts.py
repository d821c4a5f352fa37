# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts, each with an address of its own and a PostgreSQL server: a primary, and the standby that may replace it.

`with postgresql_hosts() as hosts:`; `hosts.url` names both. After a failure the standby is promoted at its own address,
and a new standby is made at that of the former primary.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from .postgresql import PostgresqlServer, running_postgresql
from .postgresql_pair import STANDBY, standby_of
from .silent_proxy import SilentProxy


class PostgresqlHosts:
    """The hosts. `url` is a place on them that nobody else uses."""

    def __init__(self, primary: PostgresqlServer, stack: ExitStack, *, is_synchronous: bool) -> None:
        self._stack = stack
        self._is_synchronous = is_synchronous
        if is_synchronous:
            primary.wait_for_standbys(STANDBY)
        else:
            # Within a host, a commit is as durable as ever.
            primary.sql("ALTER SYSTEM SET synchronous_commit = 'local'")
        self.primary = primary
        self.primary_address = self._stack.enter_context(SilentProxy(primary.socket))
        self.standby = self._new_standby()
        self.standby_address = self._stack.enter_context(SilentProxy(self.standby.socket))
        self.url = self.new_url()

    def new_url(self) -> str:
        """Return a URL with both hosts, the one that is the primary first, that leads to a new, empty schema."""
        url = self.primary.url_by_tcp(self.primary_address.port)
        both = f"127.0.0.1%3A{self.primary_address.port}%2C127.0.0.1%3A{self.standby_address.port}"
        return url.replace(f"host=127.0.0.1&port={self.primary_address.port}", f"host={both}")

    @property
    def addresses(self) -> tuple[str, str]:
        """How the hosts of the primary and of the standby are called."""
        return f"127.0.0.1:{self.primary_address.port}", f"127.0.0.1:{self.standby_address.port}"

    def kill_primary(self) -> None:
        """Kill every process of the primary."""
        self.primary.kill()

    def cut_primary_off(self) -> None:
        """Have nothing pass to the primary's host, or back. It lives on."""
        self.primary_address.fall_silent()

    def promote(self) -> None:
        """Promote the standby. The former primary lives on, if it lives, and keeps its address."""
        self.standby.sql("SELECT pg_promote()")
        self.primary, self.standby = self.standby, self.primary
        self.primary_address, self.standby_address = self.standby_address, self.primary_address

    def replace_standby(self) -> None:
        """Put a new standby of the primary where the other server is, and end that one."""
        self.standby.stop(signal.SIGKILL)
        former = self.standby.directory / "data"
        former.rename(former.with_name("former"))
        shutil.rmtree(former.with_name("former"))
        self.standby = self._new_standby()
        self.standby_address.speak(self.standby.socket)

    def make_whole(self) -> None:
        """Have a standby again, which a test that failed in the middle left none of: no commit would ever return."""
        if self.primary.sql("SELECT count(*) FROM pg_stat_replication") == [(0,)]:
            self.replace_standby()

    def catch_up(self) -> None:
        """Return when the standby shows all that the primary has committed."""
        ((position,),) = self.primary.sql("SELECT pg_current_wal_lsn()")
        while self.standby.sql(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") != [(True,)]:
            pass

    def part(self) -> None:
        """Have the standby get nothing of the primary any more."""
        self.standby.sql("ALTER SYSTEM SET primary_conninfo = ''")
        self.standby.sql("SELECT pg_reload_conf()")
        while self.primary.sql("SELECT 1 FROM pg_stat_replication"):
            pass

    def _new_standby(self) -> PostgresqlServer:
        standby = standby_of(self.primary, is_synchronous=self._is_synchronous)
        self._stack.callback(shutil.rmtree, standby.directory)
        self._stack.callback(standby.stop)
        return standby


@contextmanager
def postgresql_hosts(*, is_synchronous: bool = True) -> Iterator[PostgresqlHosts]:
    """Run the hosts; skip where Debian's package or the driver is not installed."""
    with running_postgresql() as primary, ExitStack() as stack:
        yield PostgresqlHosts(primary, stack, is_synchronous=is_synchronous)
