"""What `[settings.inbox]` of a one-stop mapping can say: in which of three ways what came back is written.

- `table`, the default: rows of two tables made for it, which the one-stop's vendor reads; the DDL is in `config/inbox/`.
- `sql`: statements of the mapping, run together with a row of the first table, which is what makes each document count once.
- `http`: a call to the one-stop's own API.
"""

from __future__ import annotations

from string import Formatter
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import text

from syncd.documents import Stage

#: what is known of a document, by the name of its column, parameter or JSON field
DOCUMENT = (
    *("target", "document", "digest", "dossier_code", "dossier_id", "draft", "stage", "code", "code_number", "code_notation", "issued_on", "signed_on"),
    *("signer", "signer_position", "agency_code", "agency_name", "abstract", "document_type", "reason", "file_count", "received_at", "written_at"),
)
#: and of one of its files
FILE = ("place", "name", "media_type", "bytes", "sha256", "content")
PARAMETERS = frozenset((*DOCUMENT, *(f"file_{name}" for name in FILE)))


class Part(BaseModel):
    """Base: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Statement(Part):
    """One statement of the way `sql`, with named parameters (`:dossier_id`)."""

    sql: str
    each: Literal["document", "file"] = "document"  #: run once for the document, or once for each of its files
    stages: tuple[Stage, ...] = ()  #: for documents of these stages only; empty: of all
    least: int = Field(0, ge=0)  #: rows it must touch; fewer, and nothing of the document is written

    @field_validator("sql")
    @classmethod
    def known(cls, sql: str) -> str:
        """Every parameter must be one that a document fills."""
        unknown = sorted(text(sql).compile().params.keys() - PARAMETERS)
        if unknown:
            raise ValueError(f"there is no parameter :{', :'.join(unknown)}; known: {', '.join(sorted(PARAMETERS))}")
        return sql

    @model_validator(mode="after")
    def fits(self) -> Self:
        """Parameters of a file need a file."""
        if self.each == "document" and any(name not in DOCUMENT for name in text(self.sql).compile().params):
            raise ValueError('uses parameters of a file; say each = "file"')
        return self


class InboxSettings(Part):
    """The whole of `[settings.inbox]`."""

    way: Literal["table", "sql", "http"] = "table"
    table: str = "syncd_inbox"  #: one row a document; `schema.name` where it is not in the account's own
    files: str = "syncd_inbox_file"  #: one row a file
    statements: tuple[Statement, ...] = ()
    method: Literal["PUT", "POST"] = "POST"
    path: str = ""  #: what follows source.write_url, with names of a document in braces
    header: str = "Authorization"  #: in which source.write_token goes
    scheme: str = "Bearer"  #: before the token
    fields: dict[str, str] = {}  #: JSON fields by the API's own names; empty: all, by ours

    @field_validator("path")
    @classmethod
    def fillable(cls, path: str) -> str:
        """Every name in braces must be one that a document fills."""
        _demand_names({name for _, name, _, _ in Formatter().parse(path) if name is not None})
        return path

    @field_validator("fields")
    @classmethod
    def named(cls, fields: dict[str, str]) -> dict[str, str]:
        """Every field must be filled by something."""
        _demand_names(set(fields.values()) - {"files"})
        return fields

    @model_validator(mode="after")
    def whole(self) -> Self:
        """The way `sql` is nothing without statements."""
        if self.way == "sql" and not self.statements:
            raise ValueError('way = "sql" needs statements')
        return self


def _demand_names(names: set[str]) -> None:
    unknown = sorted(names - set(DOCUMENT))
    if unknown:
        raise ValueError(f"nothing of a document is called {', '.join(unknown)}; known: {', '.join(DOCUMENT)}")
