"""Outcomes that are written while somebody else writes the same row."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import URL, text, update

from syncd.calls import Attempt, Claim, Operation, Outcome, Receipt
from syncd.policy import Next
from syncd.store.database import open_database
from syncd.store.entries import Entry, Lease, Line
from syncd.store.schema import ledger
from tests.engine.engine import Engine, dossier
from tests.engine.target import RecordingTarget
from tests.waiting import wait_for

CODES = [f"000.00.14.H03-250303-{number:04}" for number in range(1, 4)]
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@pytest.fixture
def engine(postgresql_url: URL) -> Iterator[Engine]:
    """Only PostgreSQL lets others write while an outcome is written."""
    made = Engine(postgresql_url.render_as_string(hide_password=False), RecordingTarget())
    for number, code in enumerate(CODES, 1):
        made.see(dossier(code, number))
    yield made
    made.close()


def delivered(engine: Engine, claim: Claim) -> Line:
    """The claim's record was acknowledged."""
    now, receipt = engine.clock.now(), Receipt(outcome=Outcome.DELIVERED, text="OK")
    done = replace(claim, created=True, sent_version=claim.version, sent_digest=claim.digest)
    made = Attempt(at=now, target=claim.target, subject=claim.subject, operation=Operation.CREATE, receipt=receipt, duration=0.1, version=claim.version)
    return engine.ledger.ready(Entry(claim=done, next=Next.SETTLE, at=now, due_at=now, attempt=made))


@contextmanager
def written_meanwhile(engine: Engine, subject: str, **values: Any) -> Iterator[None]:
    """What is done within waits for somebody who is writing these values into the row."""
    other = open_database(engine.database.writing.url.render_as_string(hide_password=False))
    with engine.database.read() as looking, other.write() as connection:
        connection.execute(update(ledger).where(ledger.c.subject == subject).values(**values))
        yield
        wait_for(lambda: bool(looking.execute(WAITING).scalar_one()))
    other.close()


def test_a_row_that_a_poll_raises_meanwhile_is_due_again(engine: Engine) -> None:
    lines = [delivered(engine, claim) for claim in engine.ledger.claim("portal", 9, engine.clock.now(), engine.delivery.lease_term)]
    lost: list[set[Lease]] = []
    writing = threading.Thread(target=lambda: lost.append(engine.ledger.record(lines)))
    with written_meanwhile(engine, CODES[1], wanted_version=2, wanted_digest="another"):
        writing.start()
    writing.join()
    assert lost == [set()]
    assert [engine.row(code)["state"] for code in CODES] == ["idle", "due", "idle"]
    assert [len(engine.attempts(code)) for code in CODES] == [1, 1, 1]


def test_a_lease_that_is_lost_meanwhile_leaves_the_row_to_who_has_it(engine: Engine) -> None:
    lines = [delivered(engine, claim) for claim in engine.ledger.claim("portal", 9, engine.clock.now(), engine.delivery.lease_term)]
    lost: list[set[Lease]] = []
    writing = threading.Thread(target=lambda: lost.append(engine.ledger.record(lines)))
    with written_meanwhile(engine, CODES[1], lease_token="of another"):
        writing.start()
    writing.join()
    assert [{lease.subject for lease in each} for each in lost] == [{CODES[1]}]
    row = engine.row(CODES[1])
    assert (row["state"], row["lease_token"], row["overtaken"], row["created"]) == ("leased", "of another", True, False)
    assert [engine.row(code)["state"] for code in CODES] == ["idle", "leased", "idle"]
    assert [len(engine.attempts(code)) for code in CODES] == [1, 1, 1], "each once, though it was written twice"


def test_what_was_written_without_an_answer_is_not_booked_a_second_time(engine: Engine) -> None:
    lines = [delivered(engine, claim) for claim in engine.ledger.claim("portal", 9, engine.clock.now(), engine.delivery.lease_term)]
    engine.ledger.record(lines)
    engine.ledger.record(lines, again=True)
    assert [engine.row(code)["state"] for code in CODES] == ["idle"] * 3
    assert [len(engine.attempts(code)) for code in CODES] == [1, 1, 1]


def test_what_was_not_written_is_booked_when_it_comes_again(engine: Engine) -> None:
    lines = [delivered(engine, claim) for claim in engine.ledger.claim("portal", 9, engine.clock.now(), engine.delivery.lease_term)]
    assert engine.ledger.record(lines, again=True) == set()
    assert [engine.row(code)["state"] for code in CODES] == ["idle"] * 3
    assert [len(engine.attempts(code)) for code in CODES] == [1, 1, 1]
