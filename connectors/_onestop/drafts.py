"""Makes drafts of rows: the results of a dossier that wait for a signature.

A row is a draft while its own conditions hold and the dossier stands at one of the steps named. Who signs and who submits
are people of the one-stop; the mapping's table `accounts` says what they are called at the document system (a name that is not
in it is used as it is), and `signers` who signs for an agency where the row does not say.

Where the file is, is worked out here and read by whoever sends it; it is called what it is called there, unless the mapping says.
A path that would lead out of the folder of files is refused.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote, urlsplit

from connectors._onestop.mapping import SourceMapping
from connectors._onestop.settings import Drafts, Row, all_hold
from connectors._onestop.status import plain
from syncd.filling import ABSENT
from syncd.mapping import Codes
from syncd.model import Agency, Draft, Problem

_WEB = ("http://", "https://")


class Drafting:
    """Rows to drafts, under one mapping that has `[settings.drafts]`."""

    def __init__(self, mapping: SourceMapping, drafts: Drafts) -> None:
        self._drafts = drafts
        self._shape = mapping.shape("draft")
        self._waiting = all_hold(drafts.where)
        self._accounts = mapping.compiled.tables.get("accounts", Codes({}))
        self._signers = mapping.compiled.tables.get("signers", Codes({}))

    def chosen(self, rows: Iterable[Row], steps: Sequence[Row]) -> list[Row]:
        """The rows that are drafts, of a dossier with these steps."""
        standing = plain(steps[-1][self._drafts.step]) if steps and self._drafts.step else ""
        if self._drafts.step and standing not in self._drafts.steps:
            return []
        return [row for row in rows if self._waiting(row)]

    def read(self, row: Row, agency: Agency) -> Draft:
        """The draft of one row; what is wrong with it stands in its problems."""
        problems: list[Problem] = []
        fields = {field: value for field, value in self._shape.read(row, problems).items() if value not in ABSENT}
        signer = fields.pop("signer", "") or self._signers.find(agency.code) or self._drafts.signer
        people = {"signer": signer, "submitter": fields.pop("submitter", "")}
        fields |= {role: self._accounts.find(name) or name for role, name in people.items() if name}
        fields |= {f"{role}_name": name for role, name in people.items() if name and f"{role}_name" not in fields}
        file = self._file(row, problems)
        fields.setdefault("file_name", unquote(posixpath.basename(urlsplit(file).path)) if file.startswith(_WEB) else posixpath.basename(file))
        return Draft(id=plain(row[self._drafts.key]), file=file, problems=tuple(problems), **fields)

    def _file(self, row: Row, problems: list[Problem]) -> str:
        values = {name: plain(row[name]) for name in self._drafts.file_columns()}
        if not all(values.values()):
            problems.append(Problem(field="drafts.file", reason="the draft has no file", hint="attach the file in the one-stop"))
            return ""
        return self._placed(self._drafts.file.format_map(values), problems)

    def _placed(self, file: str, problems: list[Problem]) -> str:
        root = self._drafts.root
        if file.startswith(_WEB):
            if _is_address(file):
                return file
            problems.append(Problem(field="drafts.file", reason="is no address", hint="correct the draft's file in the one-stop"))
            return ""
        if not root:
            problems.append(Problem(field="drafts.root", reason="is not set", hint="name the folder or address of files in the mapping: settings.drafts.root"))
            return ""
        inside = posixpath.normpath(file.lstrip("/"))
        if inside.startswith("..") or inside == ".":
            problems.append(Problem(field="drafts.file", reason="leads out of the folder of files", hint="correct the draft's file in the one-stop"))
            return ""
        return f"{root.rstrip('/')}/{quote(inside) if root.startswith(_WEB) else inside}"


def _is_address(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True
