"""The way back into a one-stop: what came from a document system, written once, in the way the mapping says.

However it is written, a document counts once: the staging table has a unique key of target, document and digest, and its row
is committed together with everything else that is written of the document. A repeat finds the row. Where the one-stop's own
API is called, the same three make the key that tells it so (`Idempotency-Key`); keeping it is the API's part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Date, DateTime, LargeBinary, TableClause, and_, column, false, insert, inspect, select, table, text
from sqlalchemy.types import BigInteger, Integer, String, TypeEngine

from connectors._onestop.outlet_settings import DOCUMENT, FILE, InboxSettings, Statement
from connectors._onestop.writing import Conflict, Writing
from syncd.clock import Clock
from syncd.documents import Attachment, Filed, split_number
from syncd.errors import SourceError
from syncd.model import Problem

LONGEST_KEY = 160  #: characters of a document's key that a table holds
PACKET = 64 << 20  #: bytes a MariaDB server must take at once for files of 20 MB and a little more, escaped
_TYPES: Mapping[str, TypeEngine[Any]] = {
    **dict.fromkeys(("id", "inbox_id", "dossier_id", "bytes"), BigInteger()),
    "issued_on": Date(),
    "signed_on": Date(),
    "received_at": DateTime(),
    "written_at": DateTime(),
    "file_count": Integer(),
    "place": Integer(),
    "content": LargeBinary(),
}
_KEY = ("target", "document", "digest")


class Filling:
    """Turns documents into the values that are written; times are local to the one-stop."""

    def __init__(self, zone: ZoneInfo, clock: Clock) -> None:
        self._zone = zone
        self._clock = clock

    def document(self, filed: Filed) -> dict[str, Any]:
        """What is known of a document, by the names of `DOCUMENT`; what is not known is None."""
        said = filed.document
        number, notation = split_number(said.number)
        values = (
            *(filed.target, key_of(said.id), filed.digest, filed.dossier, filed.source_id or None, filed.draft, said.stage.value, said.number.strip()),
            *(number, notation, said.issued_on, said.signed_on, said.signer, said.position, said.agency.code, said.agency.name, said.abstract, said.kind),
            *(said.reason, len(said.files), self._local(filed.received_at), self._local(self._clock.now())),
        )
        return {name: None if value == "" else _plain(value) for name, value in zip(DOCUMENT, values, strict=True)}

    def files(self, filed: Filed) -> Iterable[dict[str, Any]]:
        """The files of a document, by the names of `FILE`."""
        for place, file in enumerate(filed.document.files, 1):
            yield self._file(place, file)

    @staticmethod
    def _file(place: int, file: Attachment) -> dict[str, Any]:
        values = (place, _plain(file.name), file.kind or None, len(file.content), file.sha256, file.content)
        return dict(zip(FILE, values, strict=True))

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self._zone).replace(tzinfo=None)


def key_of(document: str) -> str:
    """A document's key as it fits an indexed column."""
    return document if len(document) <= LONGEST_KEY else f"{document[:120]}~{hashlib.sha256(document.encode()).hexdigest()[:32]}"


class Beside(Protocol):
    """What is written of a document beside its row, in the same transaction."""

    def write(self, connection: Connection, number: int, document: Mapping[str, Any], files: Iterable[Mapping[str, Any]], stage: str) -> None:
        """Write it. Raises `SourceError`."""
        ...

    def problems(self, connection: Connection, ddl: str) -> list[Problem]:
        """What keeps it from being written."""
        ...


class DatabaseOutlet:
    """The `Outlet` port over a database: a row that makes the document count once, and what is written beside it."""

    def __init__(self, writing: Writing, settings: InboxSettings, beside: Beside, filling: Filling) -> None:
        self._writing = writing
        self._table = _table(settings.table, ("id", *DOCUMENT))
        self._beside = beside
        self._filling = filling

    def write(self, filed: Filed) -> bool:
        """Write one document once; whether it was new. See `Outlet.write`."""
        document = self._filling.document(filed)
        try:
            with self._writing.transaction() as connection:
                if self._number(connection, document) is not None:
                    return False
                connection.execute(insert(self._table), document)
                number = self._number(connection, document)
                if number is None:
                    raise SourceError("the one-stop database did not keep the row", hint="see at the one-stop's tables what changes or forbids it")
                self._beside.write(connection, number, document, self._filling.files(filed), filed.document.stage.value)
        except Conflict:
            with self._writing.transaction() as connection:
                if self._number(connection, document) is not None:
                    return False  # somebody else wrote it at the same moment
            raise
        return True

    def _number(self, connection: Connection, document: Mapping[str, Any]) -> int | None:
        same = and_(*(self._table.c[name] == document[name] for name in _KEY))
        number: int | None = connection.execute(select(self._table.c.id).where(same)).scalar()
        return number

    def check(self) -> list[Problem]:
        """What keeps documents from being written; see `Outlet.check`."""
        try:
            with self._writing.transaction() as connection:
                found = _lacking(connection, self._table, self._writing.ddl) or _forbidden(connection, self._table)
                found += self._beside.problems(connection, self._writing.ddl)
                return found + (_packets(connection) if self._writing.product == "mysql" else [])
        except SourceError as error:
            return [Problem(field="source.write_url", reason=error.message, hint=error.hint)]

    def close(self) -> None:
        """Release the connections. Safe to call twice."""
        self._writing.close()


class FileRows:
    """The way `table`: a row for each file beside the document's."""

    def __init__(self, settings: InboxSettings) -> None:
        self._files = _table(settings.files, ("inbox_id", *FILE))

    def write(self, connection: Connection, number: int, document: Mapping[str, Any], files: Iterable[Mapping[str, Any]], stage: str) -> None:
        """Write the files, one at a time: each may be large."""
        for file in files:
            connection.execute(insert(self._files), {"inbox_id": number, **file})

    def problems(self, connection: Connection, ddl: str) -> list[Problem]:
        """What keeps them from being written."""
        return _lacking(connection, self._files, ddl) or _forbidden(connection, self._files)


class Statements:
    """The way `sql`: the mapping's own statements beside the document's row."""

    def __init__(self, settings: InboxSettings) -> None:
        self._statements = settings.statements

    def write(self, connection: Connection, number: int, document: Mapping[str, Any], files: Iterable[Mapping[str, Any]], stage: str) -> None:
        """Run them in their order."""
        held = [{f"file_{name}": value for name, value in file.items()} for file in files]
        for statement in self._statements:
            if not statement.stages or stage in statement.stages:
                for given in held if statement.each == "file" else [{}]:
                    self._run(connection, statement, {**document, **given})

    @staticmethod
    def _run(connection: Connection, statement: Statement, values: Mapping[str, Any]) -> None:
        prepared = text(statement.sql)
        names = list(prepared.compile().params)
        touched = connection.execute(prepared, {name: values[name] for name in names}).rowcount
        if touched < statement.least:
            message = f"a statement of the mapping touched {touched} rows, not {statement.least}"
            raise SourceError(message, hint="check settings.inbox.statements of the mapping against the one-stop's tables")

    def problems(self, connection: Connection, ddl: str) -> list[Problem]:
        """Statements show what is wrong with them when they are run; nothing is asked before."""
        return []


def _table(name: str, columns: Iterable[str]) -> TableClause:
    schema, _, bare = name.rpartition(".")
    return table(bare, *(column(each, _TYPES.get(each, String())) for each in columns), schema=schema or None)


def _lacking(connection: Connection, wanted: TableClause, ddl: str) -> list[Problem]:
    inspector = inspect(connection)
    hint = f"have the one-stop's administrator run {ddl}"
    if not inspector.has_table(wanted.name, schema=wanted.schema):
        return [Problem(field="source.write_url", reason=f"the one-stop database has no table {wanted.fullname}", hint=hint)]
    there = {str(each["name"]).lower() for each in inspector.get_columns(wanted.name, schema=wanted.schema)}
    missing = [each.name for each in wanted.columns if each.name not in there]
    return [Problem(field="source.write_url", reason=f"the table {wanted.fullname} has no {', '.join(missing)}", hint=hint)] if missing else []


def _forbidden(connection: Connection, wanted: TableClause) -> list[Problem]:
    """Whether the account may not write there: an insert of no row asks, and writes nothing. Raises `SourceError` where not."""
    columns = [each for each in wanted.columns if each.name != "id"]
    connection.execute(insert(wanted).from_select([each.name for each in columns], select(*columns).where(false())))
    return []


def _packets(connection: Connection) -> list[Problem]:
    allowed = int(connection.execute(text("SELECT @@max_allowed_packet")).scalar_one())
    if allowed >= PACKET:
        return []
    reason = f"the database server takes {allowed >> 20} MiB at once: larger files cannot be written"
    return [Problem(field="source.write_url", reason=reason, hint=f"set max_allowed_packet of the server to {PACKET >> 20}M")]


def _plain(value: Any) -> Any:
    return value.encode(errors="replace").decode().replace("\0", "\ufffd") if isinstance(value, str) else value
