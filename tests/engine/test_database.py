"""The state on several servers: one writes, the others follow."""

from __future__ import annotations

import pytest
from sqlalchemy import URL, text

from syncd.errors import StoreUnavailable
from syncd.store.database import _WRITING, open_database


def test_of_several_servers_the_one_that_writes_is_found(postgresql_url: URL) -> None:
    host, port = str(postgresql_url.query.get("host") or postgresql_url.host), str(postgresql_url.port or 5432)
    several = postgresql_url.set(host=None, port=None).update_query_dict(
        {"host": f"/nowhere,{host}", "port": f"1,{port}", "target_session_attrs": "read-write", "connect_timeout": "3"}
    )
    database = open_database(several.render_as_string(hide_password=False))
    with database.write() as connection:
        assert connection.execute(text("SHOW transaction_read_only")).scalar() == "off"
    database.close()


@pytest.mark.parametrize("way", ["read", "write", "statement"])
def test_a_server_that_cannot_be_reached_is_told_as_such(way: str) -> None:
    """Nothing else may come from here: what a target acknowledged is kept in mind only until the state is back."""
    database = open_database("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    with pytest.raises(StoreUnavailable, match="refused"), getattr(database, way)():
        pass
    database.close()


def test_a_server_that_has_become_a_standby_is_left(postgresql_url: URL) -> None:
    database = open_database(postgresql_url.render_as_string(hide_password=False))
    turn = f'ALTER DATABASE "{postgresql_url.database}" SET default_transaction_read_only = {{}}'
    with database.write() as connection:
        connection.execute(text(turn.format("on")))
    database.close()
    with pytest.raises(StoreUnavailable) as raised, database.write() as connection:
        connection.execute(text("CREATE TABLE anything (id integer)"))
    assert "standby" in raised.value.hint
    with pytest.raises(StoreUnavailable) as raised, database.statement() as driver:
        driver.execute("CREATE TABLE anything (id integer)")
    assert "standby" in raised.value.hint
    with database.engine.connect() as connection:
        connection.execute(text("SET default_transaction_read_only = off"))
        connection.commit()
        connection.execute(text(turn.format("off")))
        connection.commit()
        connection.invalidate()
    with database.write() as connection:
        connection.execute(text("CREATE TABLE anything (id integer)"))
    database.close()


def test_a_statement_that_the_server_refuses_costs_the_others_no_connection(postgresql_url: URL) -> None:
    database = open_database(postgresql_url.render_as_string(hide_password=False))
    ours = text("SELECT pg_backend_pid()")
    with database.write() as connection:
        before = connection.execute(ours).scalar_one()
        with pytest.raises(StoreUnavailable), database.statement() as driver:
            driver.execute("SELECT nothing_of_that_name")
    with database.write() as connection:
        assert connection.execute(ours).scalar_one() == before
    database.close()


def test_who_stands_still_in_the_midst_of_a_transaction_does_not_hold_up_the_others(postgresql_url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_WRITING, "idle_in_transaction_session_timeout", "'200ms'")
    stalled, other = (open_database(postgresql_url.render_as_string(hide_password=False)) for _ in range(2))
    raising = text("UPDATE anything SET id = id + 1 RETURNING id")
    with stalled.write() as connection:
        connection.execute(text("CREATE TABLE anything AS SELECT 1 AS id"))

    def stand_still() -> None:
        with stalled.write() as held:
            held.execute(raising)
            with other.write() as connection:
                assert connection.execute(raising).scalar() == 2, "what the stalled one did is undone"
            held.execute(raising)

    with pytest.raises(StoreUnavailable):
        stand_still()
    with stalled.write() as connection:
        assert connection.execute(raising).scalar() == 3
    for database in (stalled, other):
        database.close()
