"""What a package means for us: an issued document, a refusal, or word of how far a draft is. Pure.

The dossier's code may stand in several places, and not every number that looks like one is: ReferenceCodes is made for it, so
anything there will do; in Bussiness/DocumentId and in the answers of status packages it must have the form of one. CodeNumber is
never it, for it is too short. Where the far end's own list says of what type a result is, that goes before what the
package says of itself; without it a document with a number is issued, and one without is taken as no more than signed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from connectors._edxml.dates import lenient
from connectors._edxml.limits import Unreadable
from connectors._edxml.values import Document, Package, StatusPackage
from syncd.documents import IssuedDocument, Stage
from syncd.model import Agency


class Listed(NamedTuple):
    """What the far end's list says of a package."""

    stage: Stage | None = None
    dossier: str = ""
    draft: str = ""
    number: str = ""
    issued: str = ""


class Meanings(NamedTuple):
    """How packages are understood; data of the mapping."""

    statuses: Mapping[str, Stage]  #: StatusCode, two digits
    code: re.Pattern[str]  #: the form of a dossier code
    places: Sequence[str]  #: where it may stand, the best first


def understand(package: Package, key: str, meanings: Meanings, listed: Listed = Listed()) -> IssuedDocument:  # noqa: B008 immutable
    """The package as syncd's own value. Raises `Unreadable` where it means nothing known."""
    if isinstance(package, StatusPackage):
        return _status(package, key, meanings, listed)
    return _document(package, key, meanings, listed)


def _status(package: StatusPackage, key: str, meanings: Meanings, listed: Listed) -> IssuedDocument:
    stage = listed.stage or meanings.statuses.get(package.code)
    if stage is None:
        raise Unreadable("unknown_status", f"the status code {package.code[:8]!r} is not known", "add it to the table of status codes in the mapping")
    if stage is Stage.ISSUED:
        raise _incomplete()
    issued, remarks = _day(listed.issued, "promulgationDate")
    return IssuedDocument(
        id=key,
        stage=stage,
        dossier=_dossier({"ResponseFor/Code": (package.answered,)}, meanings, listed),
        draft=listed.draft,
        number=listed.number,
        issued_on=issued,
        agency=Agency(code=package.sender.id, name=package.sender.name),
        reason=package.description if stage is Stage.REJECTED else "",
        remarks=remarks,
    )


def _document(package: Document, key: str, meanings: Meanings, listed: Listed) -> IssuedDocument:
    number = "/".join(filter(None, (package.number, package.notation))) if package.number else listed.number
    stage = listed.stage or (Stage.ISSUED if number else Stage.SIGNED)
    if stage is Stage.ISSUED and not package.files:
        raise _incomplete()
    issued, remarks = _day(package.issued or listed.issued, "PromulgationDate")
    if listed.stage is None and not number:
        remarks = (*remarks, "neither number nor type of result: taken as signed")
    if stage is Stage.ISSUED and not number:
        remarks = (*remarks, "issued without a number")
    return IssuedDocument(
        id=key,
        stage=stage,
        dossier=_dossier({"ReferenceCodes": package.references, "Bussiness/DocumentId": (package.business.document,)}, meanings, listed),
        draft=listed.draft,
        number=number,
        issued_on=issued,
        signer=package.signer,
        position=package.position,
        agency=Agency(code=package.sender.id, name=package.sender.name),
        abstract=package.subject,
        kind=package.type_name,
        reason=(package.business.reason or package.subject) if stage is Stage.REJECTED else "",
        files=package.files,
        remarks=remarks,
    )


def _incomplete() -> Unreadable:
    return Unreadable("no_file", "the package brings an issued document without its file")


def _dossier(said: Mapping[str, Sequence[str]], meanings: Meanings, listed: Listed) -> str:
    for place in meanings.places:
        told = [code for code in said.get(place, ()) if code]
        if (code := next(filter(meanings.code.fullmatch, told), "")) or (place == "ReferenceCodes" and (code := next(iter(told), ""))):
            return code
    return listed.dossier


def _day(text: str, name: str) -> tuple[date | None, tuple[str, ...]]:
    day = lenient(text)
    return day, (f"{name} is no date that can be read",) if text and day is None else ()
