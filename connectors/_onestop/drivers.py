"""What the connections that read and those that write have in common: an engine for an address, and what may be said of an error.

Nothing that a driver says goes on from here but its number: its texts quote values, accounts and addresses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from syncd.errors import ConfigurationError, SourceError
from syncd.model import Problem

PATIENCE = 10  #: seconds for a connection
Reason = tuple[Sequence[str | int], str, str]  # numbers, what happened, what to do


def engine(field: str, text: str, password: str, arguments: Mapping[str, Mapping[str, Any]]) -> Engine:
    """Connections to the address in that setting, with the driver's arguments for its product. Raises `ConfigurationError`."""
    try:
        url = make_url(text)
        url = url.set(password=password) if password else url
        options = arguments.get(family(url.get_backend_name()), {})
        return create_engine(_on_disk(url), connect_args=dict(options), pool_size=1, max_overflow=3, pool_pre_ping=True, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError):
        problem = Problem(
            field=field,
            reason="is not an address of a database whose driver is installed",
            hint="for example mysql+pymysql://user@host/opencps; drivers come with syncd[postgresql] and syncd[mysql]",
        )
        raise ConfigurationError([problem]) from None


def family(product: str) -> str:
    """The product, under one name where two share their SQL."""
    return "mysql" if product == "mariadb" else product


def mariadb_ends_idle(seconds: float) -> str:
    """What a SET statement goes on with where MariaDB can end a transaction that stands still so long; a comment to all others, for MySQL
    cannot."""
    return f"/*M!100300 , SESSION idle_transaction_timeout = {max(1, int(seconds))} */"


def reported(error: SQLAlchemyError, reasons: Sequence[Reason], otherwise: Reason) -> SourceError:
    """What a driver reported: the reason that knows its number, or the one that knows none."""
    number = _number(error)
    _, what, hint = next((each for each in reasons if number in each[0]), otherwise)
    return SourceError(f"the one-stop database {what} ({named(error)})", hint=hint)


def named(error: SQLAlchemyError) -> str:
    """The kind of an error and its number."""
    number = _number(error)
    return f"{type(_cause(error) or error).__name__}{f' {number}' if number else ''}"


def _number(error: SQLAlchemyError) -> Any:
    cause = _cause(error)
    number = cause.args[0] if cause is not None and cause.args else None
    return number if isinstance(number, int) else getattr(cause, "sqlstate", None)


def _cause(error: SQLAlchemyError) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else None


def _on_disk(url: URL) -> URL:
    """A SQLite file that must be there already; everything else as it is."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":", "file:")):
        return url
    return url.set(database=Path(url.database).absolute().as_uri()).update_query_dict({"mode": "rw", "uri": "true"})
