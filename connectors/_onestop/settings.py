"""What the `[settings]` of a one-stop mapping can say: which tables there are, which rows count, where a status stands.

Everything that differs from one product or province to the next is here or in the shapes of the mapping, so that the
connector knows no table and no column by name. The shapes say what becomes of a column; the settings say what a
shape cannot: how rows belong together, which of them are published, and choices that depend on a condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from string import Formatter
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from connectors._onestop.outlet_settings import InboxSettings
from syncd.filling import ABSENT

Row = Mapping[str, Any]


class Section(BaseModel):
    """Base of every section: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Section):
    """What one column must hold. With a column alone: anything at all."""

    column: str
    above: int | None = None  #: a number greater than this
    among: tuple[bool | int | str, ...] = ()  #: one of these
    absent: bool = False  #: nothing at all will do as well

    def holds(self, row: Row) -> bool:
        """Whether the row fulfils it; a value of the wrong kind does not."""
        value = row[self.column]
        if value in ABSENT:
            return self.absent
        if self.above is not None:
            return _number(value) > self.above
        return not self.among or value in self.among


class Choice(Section):
    """A value, and the condition under which a field takes it; without one it is what remains."""

    value: str | bool
    when: Condition | None = None


class Table(Section):
    """A table or view, and its primary key: a whole number that grows."""

    table: str
    key: str


class Dossiers(Table):
    """Where the dossiers stand."""

    modified: str  #: time of the last change
    code: str  #: the business key
    scan: str = ""  #: column that leads the index (scan, modified), of few distinct values; empty: there is an index (modified, key)
    code_under: str = ""  #: column that leads the index (…, code), always filled, of few distinct values; empty: the index is on the code alone
    agency: str = ""  #: code of the agency, compared with `source.agency`


class Children(Table):
    """Rows that belong to a dossier."""

    dossier: str  #: column with the dossier's key


class After(Section):
    """Where the status after a step stands: in columns of the step, or of the look-up row found by `of`."""

    column: str
    sub: str = ""
    lookup: str = ""
    of: tuple[str, ...] = ()


class Steps(Children):
    """Processing steps. The shape's `note`, where there is one, is added to the content after a dash."""

    after: After


class Papers(Children):
    """Papers handed in and issued."""

    submitted: tuple[Condition, ...]
    results: tuple[Condition, ...]
    link: str = ""  #: address of a file, with columns in braces; without it papers are described but not linked

    def link_columns(self) -> tuple[str, ...]:
        """The columns named in the address."""
        return tuple(field for _, field, _, _ in Formatter().parse(self.link) if field)

    def address(self, row: Row) -> str:
        """Where the paper's file can be fetched; empty where the template or one of its columns is."""
        columns = {name: row[name] for name in self.link_columns()}
        if not self.link or not all(columns.values()):
            return ""
        return self.link.format_map({name: quote(str(value), safe="") for name, value in columns.items()})


class Drafts(Children):
    """Draft results that wait for a signature: rows that fulfil `where`, while the dossier's last step is one of `steps`."""

    where: tuple[Condition, ...] = ()
    step: str = ""  #: column of the dossier's steps with the step's code; empty: at whatever step it is
    steps: tuple[str, ...] = ()
    root: str = ""  #: folder or address of the files
    file: str  #: where the file is below `root`, or its whole address, with columns in braces
    signer: str = ""  #: who signs, where neither the row nor the table `signers` says so

    def file_columns(self) -> tuple[str, ...]:
        """The columns named in the file's place."""
        return tuple(field for _, field, _, _ in Formatter().parse(self.file) if field)


class Amount(Section):
    """A column with an amount, and the kind of fee it is (charge or fee) where the shape does not say."""

    column: str
    kind: str = ""


class Payment(Section):
    """When a payment is done, and which words of its method mean which way of paying online."""

    paid: Condition
    method: str
    portal: tuple[str, ...] = ()
    gateway: tuple[str, ...] = ()

    def way(self, row: Row) -> str:
        """How this row was paid: portal, gateway, or offline, which also says: not paid."""
        word = str(row[self.method] or "").strip().casefold()
        if self.paid.holds(row):
            for way, words in (("portal", self.portal), ("gateway", self.gateway)):
                if word in (known.casefold() for known in words):
                    return way
        return "offline"


class Fees(Children):
    """Fees: every amount above 0 becomes one; `otherwise` is read where none of the amounts is."""

    amounts: tuple[Amount, ...]
    otherwise: Amount | None = None
    payment: Payment | None = None


class Lookup(Section):
    """Rows of another table, found by the text of `by`. With `of`, a dossier's row carries its find under the look-up's name."""

    table: str
    by: tuple[str, ...]
    take: tuple[str, ...]
    of: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    cached: bool = True  #: read whole and kept for a while; otherwise only what a page needs, by its one `by`


class StatusRule(Section):
    """Where a dossier's status stands and what it means: a look-up row's code first, then the mapping's own table."""

    column: str
    sub: str = ""
    lookup: str = ""  #: look-up by (status, sub-status)
    code: str = ""  #: its column with a code of the table `codes`
    internal: tuple[str, ...] = ()  #: `status` or `status/sub-status` of purely internal steps: skipped and counted
    needs: dict[str, str] = {}  #: a status of the mapping's table that counts only where this column is filled


class Settings(Section):
    """The whole of `[settings]`."""

    dossier: Dossiers
    steps: Steps
    papers: Papers
    fees: Fees
    drafts: Drafts | None = None
    status: StatusRule
    lookups: dict[str, Lookup] = {}
    publish: tuple[Condition, ...] = ()
    choices: dict[str, tuple[Choice, ...]] = {}
    inbox: InboxSettings = InboxSettings()


def all_hold(conditions: Iterable[Condition]) -> Callable[[Row], bool]:
    """Whether a row fulfils every condition."""
    tests = [condition.holds for condition in conditions]
    return lambda row: all(test(row) for test in tests)


def choose(choices: Iterable[Choice], row: Row) -> str | bool | None:
    """The value of the first choice whose condition holds."""
    return next((choice.value for choice in choices if choice.when is None or choice.when.holds(row)), None)


def _number(value: Any) -> Decimal:
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        return Decimal("-Infinity")
    return number if number.is_finite() else Decimal("-Infinity")
