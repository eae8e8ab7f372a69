"""The state on several servers: one writes, the others follow."""

from __future__ import annotations

import pytest
from sqlalchemy import URL, text

from syncd.errors import StoreUnavailable
from syncd.store.database import open_database


def test_of_several_servers_the_one_that_writes_is_found(postgresql_url: URL) -> None:
    host, port = str(postgresql_url.query.get("host") or postgresql_url.host), str(postgresql_url.port or 5432)
    several = postgresql_url.set(host=None, port=None).update_query_dict(
        {"host": f"/nowhere,{host}", "port": f"1,{port}", "target_session_attrs": "read-write", "connect_timeout": "3"}
    )
    database = open_database(several.render_as_string(hide_password=False))
    with database.write() as connection:
        assert connection.execute(text("SHOW transaction_read_only")).scalar() == "off"
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
    with database.engine.connect() as connection:
        connection.execute(text("SET default_transaction_read_only = off"))
        connection.commit()
        connection.execute(text(turn.format("off")))
        connection.commit()
        connection.invalidate()
    with database.write() as connection:
        connection.execute(text("CREATE TABLE anything (id integer)"))
    database.close()
