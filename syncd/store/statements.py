"""The statements of the ledger that run for every delivery.

Each names the target, and the dossier where it knows it: the key by which the ledger would be distributed, and the head of the indexes they
use. `tests/engine/test_statements.py` and `test_distribution.py` read them and the plans the databases make of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    CTE,
    JSON,
    Column,
    ColumnElement,
    FromClause,
    Select,
    Update,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.types import TypeEngine

from syncd.store.schema import attempt, ledger, matter, snapshot, source_cursor, step, target
from syncd.turns import UNKNOWN_TWICE

#: columns in which the ledger says how a dossier stands at its target
_STANDING = (
    "created",
    "sent_version",
    "sent_digest",
    "steps_sent",
    "owed",
    "strange",
    "adopting",
    "adopted",
    "failures",
    "unsure",
    "doubtful",
    "doubts",
    "memo",
)
_CLAIMED = ("target", "subject", "due_at", *_STANDING)  #: what a claim reads of it
_ANSWERED = (*_STANDING, "outcome", "error_code", "error_message", "error_hint")  #: what an outcome gives anew

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


def _leasing(due: Select[Any]) -> Update:
    values = {
        "state": "leased",
        "lease_token": bindparam("token"),
        "lease_until": bindparam("term"),
        "lease_node": bindparam("node"),
    }
    # Materialised, or PostgreSQL may run the locking part again for each row and lease more than it was asked for.
    picked = due.cte("picked").prefix_with("MATERIALIZED", dialect="postgresql")
    return update(ledger).where(ledger.c.target == bindparam("t"), ledger.c.subject.in_(select(picked.c.subject))).values(values)


def _with_matters(rows: FromClause) -> FromClause:
    """Rows of the ledger with what they are about: a dossier, or a matter and the dossier it belongs to, if any."""
    belongs = snapshot.c.subject == func.coalesce(matter.c.dossier, rows.c.subject)
    return rows.outerjoin(matter, matter.c.subject == rows.c.subject).outerjoin(snapshot, belongs)


def _told_of(rows: FromClause) -> list[ColumnElement[Any]]:
    """What a delivery is told of them."""
    return [
        *(rows.c[name] for name in _CLAIMED),
        func.coalesce(matter.c.version, snapshot.c.version).label("version"),
        func.coalesce(matter.c.digest, snapshot.c.digest).label("digest"),
        snapshot.c.body,
        matter.c.kind,
        matter.c.standing,
        matter.c.body.label("matter"),
    ]


def _rows(which: ColumnElement[bool]) -> Select[Any]:
    return select(*_told_of(ledger)).select_from(_with_matters(ledger)).where(which)


def _wanted(rows: FromClause) -> ColumnElement[bool]:
    """Which steps those rows have not sent; all, where the target turned out to lack some of those it was sent."""
    after = case((rows.c.owed == "", rows.c.steps_sent), else_=0)
    return and_(step.c.subject == rows.c.subject, step.c.place > after, func.length(step.c.body) > 0)


def _steps(which: ColumnElement[bool]) -> Select[Any]:
    wanted = select(step.c.subject, step.c.place, step.c.body).select_from(ledger.join(step, _wanted(ledger)))
    return wanted.where(which).order_by(step.c.subject, step.c.place)


# The rows of one claim, by its token, which names no other, and by its term, which an index of what is leased finds; without that SQLite would read all rows
# of the target. And the rows of given dossiers, whoever has them.
_CLAIM = and_(ledger.c.target == bindparam("t"), LEASED, ledger.c.lease_until == bindparam("term"), ledger.c.lease_token == bindparam("token"))
_GIVEN_ONES = and_(ledger.c.target == bindparam("t"), ledger.c.subject.in_(bindparam("subjects", expanding=True)))

LEASE = _leasing(_due_rows())
LEASED_ROWS, LEASED_STEPS = _rows(_CLAIM).order_by(ledger.c.due_at), _steps(_CLAIM)
ROWS, STEPS = _rows(_GIVEN_ONES).order_by(ledger.c.subject), _steps(_GIVEN_ONES)


def _claim() -> Select[Any]:
    """All of it at once for PostgreSQL: rows leased and read, each with the places and the bodies of its steps."""
    mine = _leasing(_due_rows().with_for_update(skip_locked=True)).returning(*(ledger.c[name] for name in _CLAIMED)).cte("mine")
    in_order = [func.array_agg(aggregate_order_by(column, step.c.place)).label(name) for name, column in (("places", step.c.place), ("bodies", step.c.body))]
    steps = select(*in_order).where(_wanted(mine)).lateral("steps")
    return select(*_told_of(mine), *steps.c).select_from(_with_matters(mine).outerjoin(steps, true())).order_by(mine.c.due_at)


CLAIM = _claim()

# All steps of these dossiers, sent or not: what a target is asked about, and where what it owes is found.
ALL_STEPS = (
    select(step.c.subject, step.c.place, step.c.body)
    .where(step.c.subject.in_(bindparam("subjects", expanding=True)), func.length(step.c.body) > 0)
    .order_by(step.c.subject, step.c.place)
)

# In the order of the dossiers, as outcomes are written: two of these cannot wait for each other.
HELD = (
    select(ledger.c.subject, ledger.c.lease_token)
    .where(ledger.c.target == bindparam("t"), ledger.c.subject.in_(bindparam("subjects", expanding=True)))
    .order_by(ledger.c.subject)
)

TOLD = [column.name for column in attempt.columns if column.name != "id"]
JOURNAL = insert(attempt).values({name: bindparam(name, type_=attempt.c[name].type) for name in TOLD})

#: what is given of each outcome: whose it is, where its row goes, and what stands in the row then
_GIVEN: Mapping[str, TypeEngine[Any]] = {
    "t": ledger.c.target.type,
    "s": ledger.c.subject.type,
    "token": ledger.c.lease_token.type,
    "version": ledger.c.wanted_version.type,
    "next": ledger.c.state.type,
    "at": ledger.c.due_at.type,
    "due": ledger.c.due_at.type,
    "success": ledger.c.created.type,
    "replaced": ledger.c.created.type,
} | {f"{name}_now": ledger.c[name].type for name in _ANSWERED}


def _outcome(new: Callable[[str], ColumnElement[Any]]) -> Update:
    """The ledger row after an answer, of which `new` gives the parts. Where a delivery ends, the row compares itself with what the
    target should have now, which a poll may have raised in the meantime."""
    goes, overtaken = new("next"), ledger.c.overtaken == true()
    in_sync = and_(ledger.c.wanted_digest == new("sent_digest_now"), ledger.c.steps_wanted <= new("steps_sent_now"), ledger.c.overtaken == false())
    moved_on = ledger.c.wanted_version > new("version")
    ends = or_(goes == "idle", and_(goes == "dead", new("error_code_now") != UNKNOWN_TWICE))  # without being in sync, and not to wait for a person's word
    return (
        update(ledger)
        .where(ledger.c.target == new("t"), ledger.c.subject == new("s"), ledger.c.lease_token == new("token"))
        .values(
            {name: new(f"{name}_now") for name in _ANSWERED}
            | {
                "state": case((goes == "settle", case((in_sync, "idle"), else_="due")), (and_(ends, moved_on), "due"), else_=goes),
                "due_at": case((goes == "leased", ledger.c.due_at), (goes == "settle", new("at")), else_=new("due")),
                "lease_token": case((goes == "leased", ledger.c.lease_token), else_=""),
                "sent_digest": case((overtaken, ""), else_=new("sent_digest_now")),
                "overtaken": and_(overtaken, goes == "leased"),
                "doubtful": or_(ledger.c.doubtful, new("doubtful_now")),
                "sent_at": case((new("success"), new("at")), else_=ledger.c.sent_at),
                "stopped_at": case((goes == "dead", new("at")), else_=null()),
            }
        )
    )


def _overtaken(new: Callable[[str], ColumnElement[Any]]) -> Update:
    """The ledger row where an older record may have replaced a newer one at the target. Not where it was this very call that was acknowledged
    last: then its outcome is written for the second time."""
    resting = ledger.c.state == "idle"
    another = or_(ledger.c.sent_at.is_distinct_from(new("at")), ledger.c.sent_version != new("sent_version_now"))
    return (
        update(ledger)
        .where(ledger.c.target == new("t"), ledger.c.subject == new("s"), another)
        .values(
            overtaken=ledger.c.state == "leased",
            sent_digest="",
            state=case((resting, "due"), else_=ledger.c.state),
            due_at=case((resting, new("at")), else_=ledger.c.due_at),
        )
    )


def _bound(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=_GIVEN[name])


OUTCOME, OVERTAKEN = _outcome(_bound), _overtaken(_bound)


def _given() -> CTE:
    """What a statement for PostgreSQL is given of all outcomes, in the order of their dossiers."""
    columns = [Column(name, kind) for name, kind in _GIVEN.items()] + [Column(f"attempt_{name}", attempt.c[name].type) for name in TOLD]
    listed = func.json_to_recordset(cast(bindparam("rows"), JSON)).table_valued(*columns).render_derived(name="listed", with_types=True)
    return select(listed).order_by(listed.c.s).cte("given").prefix_with("MATERIALIZED", dialect="postgresql")


def _journal(given: CTE, *which: ColumnElement[bool]) -> CTE:
    told = select(*(given.c[f"attempt_{name}"] for name in TOLD)).where(given.c.attempt_at.is_not(None), *which)
    return insert(attempt).from_select(TOLD, told).cte("journal")


def _unwritten(given: CTE) -> ColumnElement[bool]:
    """Whether the journal lacks the attempt: the same call, to the microsecond, by the same node."""
    same = ("target", "subject", "at", "node", "operation")
    return select(func.min(attempt.c.id)).where(*(attempt.c[name] == given.c[f"attempt_{name}"] for name in same)).scalar_subquery().is_(None)


def _record_held() -> Select[Any]:
    """All of it at once for PostgreSQL, attempts and outcomes, where every lease has held; else it is a division by zero, and nothing is written."""
    given = _given()
    # A row that somebody else is writing is waited for, and judged as it is then.
    kept = _outcome(lambda name: given.c[name]).returning(ledger.c.subject).cte("kept")
    how_many = [select(func.count()).select_from(each).scalar_subquery() for each in (given, kept)]
    return select(1 // case((how_many[0] == how_many[1], 1), else_=0)).add_cte(_journal(given))


def _record() -> Select[Any]:
    """The same where some lease was lost, with what was overtaken; the dossiers whose lease held."""
    given = _given()
    owned = and_(ledger.c.target == given.c.t, ledger.c.subject == given.c.s, ledger.c.lease_token == given.c.token)
    # Locked first: what is decided below holds for the rows as they are then, whoever wrote them last.
    locked = select(ledger.c.subject).join(given, owned).order_by(ledger.c.subject).with_for_update(of=ledger)
    held = locked.cte("held").prefix_with("MATERIALIZED", dialect="postgresql")
    among = given.c.s.in_(select(held.c.subject)).is_(true())  # as a question it is hashed; as a join it would look at every pair
    kept = _outcome(lambda name: given.c[name]).where(among).returning(ledger.c.subject).cte("kept")
    late = _overtaken(lambda name: given.c[name]).where(given.c.replaced, given.c.s.not_in(select(held.c.subject))).cte("late")
    return select(kept.c.subject).add_cte(_journal(given, _unwritten(given)), late)


RECORD_HELD, RECORD = _record_held(), _record()

RELEASE = (
    update(ledger)
    .where(ledger.c.target == bindparam("t"), ledger.c.subject == bindparam("s"), ledger.c.lease_token == bindparam("token"))
    .values(state="due", lease_token="", lease_until=None)
)
