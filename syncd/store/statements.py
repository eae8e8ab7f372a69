"""The statements of the ledger that run for every delivery.

Each names the target and the dossier: the key by which the ledger would be distributed, and the head of every index they use.
`tests/engine/test_statements.py` reads them and the plans the databases make of them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, bindparam, case, exists, false, func, insert, literal_column, or_, select, true, update

from syncd.store.schema import attempt, ledger, matter, snapshot, source_cursor, step, target

# Written out, not bound: a database uses a partial index only where the statement itself says what the index says.
DUE = ledger.c.state == literal_column("'due'")
LEASED = ledger.c.state == literal_column("'leased'")


def _due_rows() -> Select[Any]:
    paused = exists().where(target.c.name == bindparam("t"), target.c.paused == true())
    suspicious = exists().where(source_cursor.c.suspicion != "", source_cursor.c.accepted == false())
    return (
        select(ledger.c.subject)
        .where(ledger.c.target == bindparam("t"), DUE, ledger.c.due_at <= bindparam("now"), ~paused, ~suspicious)
        .order_by(ledger.c.due_at)
        .limit(bindparam("n"))
    )


def _leasing(due: Select[Any]) -> Any:
    values = {
        "state": "leased",
        "lease_token": bindparam("token"),
        "lease_until": bindparam("term"),
        "lease_node": bindparam("node"),
    }
    # Materialised, or PostgreSQL may run the locking part again for each row and lease more than it was asked for.
    picked = due.cte("picked").prefix_with("MATERIALIZED", dialect="postgresql")
    return update(ledger).where(ledger.c.target == bindparam("t"), ledger.c.subject.in_(select(picked.c.subject))).values(values).returning(ledger)


LEASE_SQLITE = _leasing(_due_rows())
LEASE_POSTGRESQL = _leasing(_due_rows().with_for_update(skip_locked=True))

# What a row is about: a dossier, or a matter and the dossier it belongs to, if any.
BODIES = (
    select(
        ledger.c.subject,
        func.coalesce(matter.c.version, snapshot.c.version).label("version"),
        func.coalesce(matter.c.digest, snapshot.c.digest).label("digest"),
        snapshot.c.body,
        matter.c.kind,
        matter.c.standing,
        matter.c.body.label("matter"),
    )
    .select_from(
        ledger.outerjoin(matter, matter.c.subject == ledger.c.subject).outerjoin(
            snapshot, snapshot.c.subject == func.coalesce(matter.c.dossier, ledger.c.subject)
        )
    )
    .where(ledger.c.target == bindparam("t"), ledger.c.subject.in_(bindparam("subjects", expanding=True)))
)

STEPS = (
    select(step.c.subject, step.c.place, step.c.body)
    .join(ledger, and_(ledger.c.target == bindparam("t"), ledger.c.subject == step.c.subject))
    .where(step.c.subject.in_(bindparam("subjects", expanding=True)), step.c.place > ledger.c.steps_sent, func.length(step.c.body) > 0)
    .order_by(step.c.subject, step.c.place)
)

# All steps of these dossiers, sent or not: what a target is asked about, and where what it owes is found.
ALL_STEPS = (
    select(step.c.subject, step.c.place, step.c.body)
    .where(step.c.subject.in_(bindparam("subjects", expanding=True)), func.length(step.c.body) > 0)
    .order_by(step.c.subject, step.c.place)
)

# In the order of the dossiers, as every transaction that touches several rows: two of them cannot wait for each other.
HELD = (
    select(ledger.c.subject, ledger.c.lease_token)
    .where(ledger.c.target == bindparam("t"), ledger.c.subject.in_(bindparam("subjects", expanding=True)))
    .order_by(ledger.c.subject)
)

JOURNAL = insert(attempt)

_NEXT = bindparam("next", type_=ledger.c.state.type)
_IN_SYNC = and_(ledger.c.wanted_digest == bindparam("sent_digest_now"), ledger.c.steps_wanted <= bindparam("steps_sent_now"), ledger.c.overtaken == false())
_MOVED_ON = ledger.c.wanted_version > bindparam("version")
OUTCOME = (
    update(ledger)
    .where(ledger.c.target == bindparam("t"), ledger.c.subject == bindparam("s"), ledger.c.lease_token == bindparam("token"))
    .values(
        state=case((_NEXT == "settle", case((_IN_SYNC, "idle"), else_="due")), (and_(_NEXT == "dead", _MOVED_ON), "due"), else_=_NEXT),
        due_at=case(
            (_NEXT == "leased", ledger.c.due_at),
            (_NEXT == "settle", bindparam("at", type_=ledger.c.due_at.type)),
            else_=bindparam("due", type_=ledger.c.due_at.type),
        ),
        lease_token=case((_NEXT == "leased", ledger.c.lease_token), else_=""),
        created=bindparam("created_now"),
        sent_version=bindparam("sent_version_now"),
        sent_digest=case((ledger.c.overtaken == true(), ""), else_=bindparam("sent_digest_now")),
        overtaken=and_(ledger.c.overtaken == true(), _NEXT == "leased"),
        steps_sent=bindparam("steps_sent_now"),
        owed=bindparam("owed_now"),
        strange=bindparam("strange_now"),
        adopting=bindparam("adopting_now", type_=ledger.c.adopting.type),
        adopted=bindparam("adopted_now"),
        doubtful=or_(ledger.c.doubtful, bindparam("doubtful_now", type_=ledger.c.doubtful.type)),
        sent_at=case((bindparam("success", type_=ledger.c.created.type), bindparam("at", type_=ledger.c.due_at.type)), else_=ledger.c.sent_at),
        failures=bindparam("failures_now"),
        unsure=bindparam("unsure_now"),
        doubts=bindparam("doubts_now"),
        memo=bindparam("memo_now"),
        outcome=bindparam("outcome_now"),
        stopped_at=case((_NEXT == "dead", bindparam("at", type_=ledger.c.due_at.type)), else_=None),
        error_code=bindparam("code_now"),
        error_message=bindparam("message_now"),
        error_hint=bindparam("hint_now"),
    )
)

OVERTAKEN = (
    update(ledger)
    .where(ledger.c.target == bindparam("t"), ledger.c.subject == bindparam("s"))
    .values(
        overtaken=ledger.c.state == "leased",
        sent_digest="",
        state=case((ledger.c.state == "idle", "due"), else_=ledger.c.state),
        due_at=case((ledger.c.state == "idle", bindparam("at", type_=ledger.c.due_at.type)), else_=ledger.c.due_at),
    )
)

RELEASE = (
    update(ledger)
    .where(ledger.c.target == bindparam("t"), ledger.c.subject == bindparam("s"), ledger.c.lease_token == bindparam("token"))
    .values(state="due", lease_token="", lease_until=None)
)
