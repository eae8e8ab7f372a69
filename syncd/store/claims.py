"""Claims: due rows leased to one worker, with all that a delivery needs to know of them; what `Ledger.claim` does.

PostgreSQL leases and reads them in one statement, which commits itself: the other strands go on meanwhile, and there is no moment between the two in
which leased rows could be forgotten. On SQLite it is a transaction.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Row

from syncd.calls import Claim
from syncd.crypto import Cipher
from syncd.model import Dossier, decode_dossier, decode_matter, decode_step
from syncd.store.database import Database
from syncd.store.direct import PostgresqlStatement
from syncd.store.statements import CLAIM, LEASE, LEASED_ROWS, LEASED_STEPS

Sealed = Sequence[tuple[int, bytes]]  #: steps by their places

_NO_DOSSIER = Dossier(code="", source_id=0)  #: of a statistic
_CLAIM = PostgresqlStatement(CLAIM)
_Found = namedtuple("_Found", CLAIM.selected_columns.keys())  # type: ignore[misc]  # noqa: PYI024  the names are those of the statement


def leased(database: Database, given: Mapping[str, Any]) -> list[tuple[Any, Sealed]]:
    """The rows that are leased now, those longest due first, each with its steps; `given` is what `CLAIM` asks for."""
    return _sqlite(database, given) if database.sqlite else _postgresql(database, given)


def _sqlite(database: Database, given: Mapping[str, Any]) -> list[tuple[Any, Sealed]]:
    mine = {name: given[name] for name in ("t", "token", "term")}
    with database.write() as connection:
        connection.execute(LEASE, given)
        rows = connection.execute(LEASED_ROWS, mine).all()
        steps = grouped(connection.execute(LEASED_STEPS, mine)) if rows else {}
    return [(row, unsent(row, steps.get(row.subject, ()))) for row in rows]


def _postgresql(database: Database, given: Mapping[str, Any]) -> list[tuple[Any, Sealed]]:
    with database.statement() as connection:
        rows: list[Any] = [_Found._make(row) for row in _CLAIM.found(connection, given)]
    return [(row, unsent(row, list(zip(row.places or (), row.bodies or (), strict=True)))) for row in rows]


def unsent(row: Any, steps: Sealed) -> Sealed:
    """The steps that a row's target lacks: those it turned out to lack first."""
    if not row.owed:
        return steps
    owed = _places(row.owed)
    return [each for each in steps if each[0] in owed] + [each for each in steps if each[0] not in owed and each[0] > row.steps_sent]


def grouped(rows: Iterable[Row[Any]]) -> dict[str, list[tuple[int, bytes]]]:
    """Steps by their dossiers."""
    found: dict[str, list[tuple[int, bytes]]] = {}
    for row in rows:
        found.setdefault(row.subject, []).append((row.place, row.body))
    return found


def claim_of(cipher: Cipher, row: Any, steps: Sealed, token: str, until: datetime) -> Claim:
    """A ledger row and its steps as a claim. Raises `UndecipherableError`."""
    return Claim(
        target=row.target,
        subject=row.subject,
        token=token,
        until=until,
        version=row.version,
        digest=row.digest,
        dossier=cipher.decoded(row.body, decode_dossier) if row.body else _NO_DOSSIER,
        matter=cipher.decoded(row.matter, partial(decode_matter, row.kind)) if row.matter else None,
        withdrawn=row.standing is False,
        steps=tuple([(place, cipher.decoded(sealed, decode_step)) for place, sealed in steps]),
        created=row.created,
        sent_version=row.sent_version,
        sent_digest=row.sent_digest,
        steps_sent=row.steps_sent,
        owed=_places(row.owed),
        strange=row.strange,
        adopting=row.adopting,
        adopted=row.adopted,
        failures=row.failures,
        unsure=row.unsure,
        doubtful=row.doubtful,
        doubts=row.doubts,
        memo=row.memo,
    )


def _places(written: str) -> tuple[int, ...]:
    return tuple(int(place) for place in written.split(",") if place)
