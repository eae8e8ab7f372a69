"""A strand that waits for PostgreSQL lets the others go, whichever way the server keeps it waiting."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any, cast

from psycopg.waiting import Ready, Wait
from sqlalchemy import URL

from syncd.loom import Loom
from syncd.store.database import open_database
from syncd.store.giving_way import GivingWay
from syncd.strands import rest


def test_others_go_on_while_the_server_works(postgresql_url: URL) -> None:
    database = open_database(postgresql_url.render_as_string(hide_password=False))
    told: list[object] = []

    def asking() -> None:
        with database.statement() as connection:
            told.extend(connection.execute("SELECT $1::int FROM pg_sleep(0.2)", (7,)).fetchone() or ())

    def other() -> None:
        rest(0.01)
        told.append("other")

    with contextlib.closing(database):
        Loom().run([asking, other])
    assert told == ["other", 7]


def test_whoever_asks_at_the_same_time_has_a_connection_of_its_own_and_they_are_kept(postgresql_url: URL) -> None:
    database = open_database(postgresql_url.render_as_string(hide_password=False))
    told: list[list[int]] = [[], []]

    def asking() -> None:
        for servers in told:
            with database.statement() as connection:
                servers.extend(connection.execute("SELECT pg_backend_pid() FROM pg_sleep(0.05)").fetchone() or ())
            rest(0.2)

    with contextlib.closing(database):
        Loom().run([asking, asking, asking])
    assert len(set(told[0])) == 3
    assert sorted(told[0]) == sorted(told[1])


def test_a_connection_in_use_at_the_end_is_closed_when_it_is_given_back(postgresql_url: URL) -> None:
    database = open_database(postgresql_url.render_as_string(hide_password=False))
    with database.statement() as connection:
        database.close()
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert connection.closed


def test_others_go_on_while_the_server_takes_nothing_in() -> None:
    ours, theirs = socket.socketpair()
    told: list[object] = []
    turns: list[int] = []

    def flushing() -> Generator[Wait, Ready | int, str]:
        """As libpq's flush, which asks for both ways until all of it is gone."""
        while True:
            turns.append((yield Wait.RW))
            if turns[-1] & Ready.W:
                return "sent"

    def sending() -> None:
        connection = cast("Any", SimpleNamespace(pgconn=SimpleNamespace(socket=ours.fileno())))
        told.append(GivingWay.wait(connection, flushing(), interval=0.01))

    def other() -> None:
        for _ in range(3):
            rest(0.01)
            told.append("other")
        while len(theirs.recv(1 << 20)) == 1 << 20:
            pass

    with ours, theirs:
        ours.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while ours.send(bytes(1 << 16)):
                pass
        Loom().run([sending, other])
    assert told == ["other", "other", "other", "sent"]
    assert len(turns) < 50, "it waits rather than asks without pause"
