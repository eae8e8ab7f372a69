"""Marks: notes and steps with a number, written into every dossier of the one-stop, and known again in what the sink was sent."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, literal, select, update

from benchmarks.ground import Ground
from syncd.clock import SystemClock
from syncd.sandbox.onestop import local_now
from syncd.sandbox.schema import tables_in

_MARK = "Đợt {:03}"
_FOUND = re.compile(r"Đợt (\d{3})")


class Said(NamedTuple):
    """What a call said of one dossier."""

    code: str
    record: int | None = None  #: the mark in its note; None where the call brought steps
    steps: tuple[int, ...] = ()  #: the marks of its steps


def date_all(place: Ground) -> None:
    """Give a date to the dossiers that have none, which no poll would find."""
    dossier = tables_in(place.onestop).dossier
    with place.onestop.begin() as connection:
        connection.execute(update(dossier).where(dossier.c.modifiedDate.is_(None)).values(modifiedDate=dossier.c.createDate))


def mark_all(place: Ground, number: int) -> None:
    """Officers take a step with every dossier and write a note into it, each at a moment of its own within the last second."""
    tables, now, mark = tables_in(place.onestop), local_now(SystemClock()), _MARK.format(number)
    dossier, action = tables.dossier, tables.action
    with place.onestop.begin() as connection:
        last = connection.scalars(select(func.max(action.c.dossierActionId))).one()
        step: dict[str, Any] = {column.key: column for column in action.c}
        step |= {"dossierActionId": dossier.c.dossierId + last, "previousActionId": action.c.dossierActionId}
        step |= {"createDate": literal(now), "modifiedDate": literal(now), "actionName": literal(mark), "actionNote": literal("")}
        rows = select(*step.values()).join_from(action, dossier, action.c.dossierActionId == dossier.c.dossierActionId)
        connection.execute(insert(action).from_select(list(step), rows))
        keys = connection.scalars(select(dossier.c.dossierId).order_by(dossier.c.dossierId)).all()
        moments = [{"key": key, "moment": now - timedelta(seconds=1) * (1 - rank / len(keys))} for rank, key in enumerate(keys)]
        changed = update(dossier).where(dossier.c.dossierId == bindparam("key")).values(modifiedDate=bindparam("moment"))
        connection.execute(changed.values(dossierActionId=dossier.c.dossierId + last, applicantNote=mark), moments)


def code(body: bytes) -> str:
    """The dossier of a call with one."""
    return said(body).code


def said(body: bytes) -> Said:
    """What a call with one dossier says."""
    call = json.loads(body)
    match call["data"]:
        case dict() as status:  # of a dossier that was filed on the portal: it has no note, and no steps are told
            return Said(status["MaHoSoDonVi"])
        case [record] if "GhiChu" in record:
            return Said(record["MaHoSo"], _number(record["GhiChu"]))
        case steps:
            return Said(steps[0]["MaHoSo"], steps=tuple(number for step in steps if (number := _number(step["NoiDungXuLy"]))))


def _number(text: str) -> int:
    found = _FOUND.search(text)
    return int(found[1]) if found else 0
