"""Makes snapshots of rows: the pure half of the source, which knows no database.

A row that cannot be understood still becomes a snapshot: every field at fault is a `Problem` on it, worded without any
of the citizen's data, and the target never sees the dossier. A dossier without a readable code is named `#` and its key; a
code that the state could not keep whole counts as none. Steps and drafts are known again by their keys: rows that share one
count once, those that have none not at all, and either is a problem of their dossier.

paid_online is settled from all payments of an amount together: portal or gateway only where every one of them is done
and was made that way (the portal's where both occur), offline where one is open or was paid by hand, empty where there is nothing to pay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors._onestop.drafts import Drafting
from connectors._onestop.mapping import SourceMapping
from connectors._onestop.settings import Amount, Row, all_hold, choose
from connectors._onestop.status import HINT, Found, Statuses, UnknownStatus, plain
from syncd.agency import covers
from syncd.filling import ABSENT
from syncd.model import GREATEST, LONGEST_AGENCY, LONGEST_CODE, LONGEST_DRAFT, Agency, Dossier, Fee, Origin, Owner, Paper, Problem, Snapshot, Status, Step

Children = Mapping[str, Mapping[int, Sequence[Row]]]


class Nothing(dict[str, Any]):
    """A look-up row that does not exist: every column is absent."""

    def __missing__(self, key: str) -> None:
        return None


NOTHING = Nothing()


class Reader:
    """Rows to snapshots, under one mapping and one scope of agencies."""

    def __init__(self, mapping: SourceMapping, agencies: Iterable[str]) -> None:
        self._mapping = mapping
        self._settings = mapping.settings
        self._statuses = Statuses(mapping)
        self._publishable = all_hold(mapping.settings.publish)
        self._in_scope = covers(agencies)
        self._submitted = all_hold(mapping.settings.papers.submitted)
        self._results = all_hold(mapping.settings.papers.results)
        self._drafting = Drafting(mapping, mapping.settings.drafts) if mapping.settings.drafts else None
        self._attached = {name: lookup.of for name, lookup in mapping.settings.lookups.items() if lookup.of}

    def publishes(self, row: Row) -> bool:
        """Whether the dossier of this row is anybody's business but the one-stop's."""
        agency = self._settings.dossier.agency
        return self._publishable(row) and (not agency or self._in_scope(plain(row[agency])))

    def read(self, row: Row, children: Children, lookups: Mapping[str, Found]) -> tuple[Snapshot, int]:
        """The snapshot of one row and its children, and the number of internal steps left out."""
        key = int(row[self._settings.dossier.key])
        record = {**row, **{name: lookups[name].get(key_of(row, of), NOTHING) for name, of in self._attached.items()}}
        problems: list[Problem] = []
        fields = self._fields(record, problems)
        status = self._status(row, lookups, problems)
        passed = own_keys(children["steps"].get(key, ()), self._settings.steps.key, _is_key, "steps", problems)
        steps, skipped = self._steps(row, passed, status, lookups)
        if status is Status.REFUSED and "refused_at" not in fields:
            fields["refused_at"] = refusal(steps)
        papers = children["papers"].get(key, ())
        waiting = self._waiting(children.get("drafts", {}).get(key, ()), passed, problems)
        unsigned = self._keys_among_papers(waiting)
        fields["papers"] = self._papers(papers, self._submitted, "papers", problems)
        fields["results"] = self._papers([paper for paper in papers if paper[self._settings.papers.key] not in unsigned], self._results, "results", problems)
        fields["fees"] = self._fees(children["fees"].get(key, ()), fields, problems)
        code = fields.pop("code", "") or f"#{key}"
        dossier = Dossier(code=code, source_id=key, status=status, problems=tuple(problems), **fields)
        drafts = tuple(self._drafting.read(draft, dossier.agency) for draft in waiting) if self._drafting else ()
        return Snapshot(dossier=dossier, steps=steps, drafts=drafts), skipped

    def _waiting(self, rows: Sequence[Row], steps: Sequence[Row], problems: list[Problem]) -> list[Row]:
        """The drafts of a dossier with these steps."""
        table = self._settings.drafts
        return own_keys(self._drafting.chosen(rows, steps), table.key, _is_draft_key, "drafts", problems) if self._drafting and table else []

    def _keys_among_papers(self, drafts: Sequence[Row]) -> set[object]:
        """The drafts that stand among the papers: what is not signed is no result yet."""
        table = self._settings.drafts
        return {draft[table.key] for draft in drafts} if table and table.table == self._settings.papers.table else set()

    def _fields(self, record: Row, problems: list[Problem]) -> dict[str, Any]:
        shape = self._mapping.shape
        fields = filled(shape("dossier").read(record, problems))
        fields["code"] = kept(fields.get("code", ""), LONGEST_CODE, "code", problems)
        for field, choices in self._settings.choices.items():
            fields[field] = choose(choices, record)
        fields["origin"] = Origin(fields.get("origin") or Origin.ONESTOP)
        if fields["origin"] is Origin.PORTAL and "portal" in self._mapping.compiled.shapes:
            fields |= filled(shape("portal").read(record, problems))
        fields["owner"] = Owner(**filled(shape("owner").read(record, problems, "owner.")))
        agency = filled(shape("agency").read(record, problems, "agency."))
        fields["agency"] = Agency(**{**agency, "code": kept(agency.get("code", ""), LONGEST_AGENCY, "agency.code", problems)})
        return filled(fields)

    def _status(self, row: Row, lookups: Mapping[str, Found], problems: list[Problem]) -> Status | None:
        rule = self._settings.status
        try:
            return self._statuses.read(plain(row[rule.column]), plain(row[rule.sub]) if rule.sub else "", row, lookups)
        except UnknownStatus as error:
            problems.append(Problem(field="status", reason=str(error), hint=HINT))
            return None

    def _steps(self, dossier: Row, rows: Sequence[Row], present: Status | None, lookups: Mapping[str, Found]) -> tuple[tuple[Step, ...], int]:
        steps = []
        for number, row in enumerate(rows, 1):
            word, sub = self._after(row, lookups)
            if word and self._statuses.internal(word, sub):
                continue
            problems: list[Problem] = []
            fields = filled(self._mapping.shape("step").read(row, problems))
            note = fields.pop("note", "")
            fields["content"] = " – ".join(part for part in (fields.get("content"), note) if part)
            status = self._step_status(word, sub, dossier, lookups, problems) if word or number < len(rows) or present is None else present
            fields.setdefault("id", int(row[self._settings.steps.key]))
            steps.append(Step(**fields, status=status, problems=tuple(problems)))
        return tuple(steps), len(rows) - len(steps)

    def _after(self, row: Row, lookups: Mapping[str, Found]) -> tuple[str, str]:
        after = self._settings.steps.after
        place = lookups[after.lookup].get(key_of(row, after.of), NOTHING) if after.lookup else row
        return plain(place[after.column]), plain(place[after.sub]) if after.sub else ""

    def _step_status(self, word: str, sub: str, dossier: Row, lookups: Mapping[str, Found], problems: list[Problem]) -> Status | None:
        try:
            return self._statuses.read(word, sub, dossier, lookups)
        except UnknownStatus as error:
            hint = HINT if word else "the one-stop's table of process steps has no status for this step: complete it there"
            problems.append(Problem(field="status", reason=str(error), hint=hint))
            return None

    def _papers(self, rows: Sequence[Row], wanted: Callable[[Row], bool], field: str, problems: list[Problem]) -> tuple[Paper, ...]:
        shape, link = self._mapping.shape("paper"), self._settings.papers.address
        chosen = [(row, {"link": link(row)}) for row in rows if wanted(row)]
        return tuple(Paper(**{"id": "", "name": "", **linked, **filled(shape.read(row, problems, f"{field}[{n}]."))}) for n, (row, linked) in enumerate(chosen))

    def _fees(self, rows: Sequence[Row], fields: dict[str, Any], problems: list[Problem]) -> tuple[Fee, ...]:
        shape, payment = self._mapping.shape("fee"), self._settings.fees.payment
        fees, ways = [], []
        for n, row in enumerate(rows):
            for amount, kind in self._amounts(row, f"fees[{n}]", problems):
                written = filled(shape.read(row, problems, f"fees[{n}]."))
                fees.append(Fee(**{"name": "", **({"kind": kind} if kind else {}), **written}, amount=amount))
                ways.append(payment.way(row) if payment else "")
        if payment and ways:
            fields["paid_online"] = "offline" if "offline" in ways else max(ways)
        return tuple(fees)

    def _amounts(self, row: Row, field: str, problems: list[Problem]) -> list[tuple[int, str]]:
        fees = self._settings.fees
        found = self._positive(row, fees.amounts, field, problems)
        return found or self._positive(row, (fees.otherwise,) if fees.otherwise else (), field, problems)

    @staticmethod
    def _positive(row: Row, amounts: Iterable[Amount], field: str, problems: list[Problem]) -> list[tuple[int, str]]:
        found = []
        for amount in amounts:
            try:
                value = int(row[amount.column] or 0)
            except (TypeError, ValueError, OverflowError):
                problems.append(Problem(field=f"{field}.amount", reason=f"{amount.column} is not a whole number", hint="correct the amount in the one-stop"))
                continue
            if not 0 <= value <= GREATEST:
                reason = f"{amount.column} is {'below 0' if value < 0 else 'more than can be'}"
                problems.append(Problem(field=f"{field}.amount", reason=reason, hint="correct the amount in the one-stop"))
            elif value:
                found.append((value, amount.kind))
        return found


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that hold something; the model's defaults stand for the others."""
    return {field: value for field, value in fields.items() if value or value not in ABSENT}


def kept(text: str, longest: int, field: str, problems: list[Problem]) -> str:
    """The text, where the state can keep it whole: a part of a code would be another code."""
    if len(text) <= longest:
        return text
    problems.append(Problem(field=field, reason=f"has {len(text)} characters, at most {longest} are allowed", hint="correct it in the one-stop"))
    return ""


def own_keys(rows: Sequence[Row], column: str, fits: Callable[[Any], bool], field: str, problems: list[Problem]) -> list[Row]:
    """The rows that have a key of their own."""
    found = {row[column]: row for row in rows if fits(row[column])}
    if len(found) < len(rows):
        reason = f"{len(rows) - len(found)} of {len(rows)} rows have no key of their own in {column}"
        problems.append(Problem(field=field, reason=reason, hint="give each row its own key in the one-stop, or in the view that shows it"))
    return list(found.values())


def _is_key(value: Any) -> bool:
    try:
        return abs(int(value)) <= GREATEST
    except (TypeError, ValueError, OverflowError):
        return False


def _is_draft_key(value: Any) -> bool:
    return 0 < len(plain(value)) <= LONGEST_DRAFT


def key_of(row: Row, columns: Iterable[str]) -> tuple[str, ...]:
    """The key under which a look-up row is found."""
    return tuple([plain(row[column]) for column in columns])  # a list is made faster than a generator runs


def refusal(steps: Iterable[Step]) -> datetime | None:
    """When the dossier was refused the last time: the step that led there, not those that followed."""
    moment, before = None, None
    for step in steps:
        if step.status is Status.REFUSED and before is not Status.REFUSED:
            moment = step.at
        before = step.status
    return moment
