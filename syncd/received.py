"""What came back, judged: may its files be taken, which dossier does it belong to, is it news? Pure.

Files are known by their content, never by what is said of them: a proxy's error page arrives as a PDF by name, and a result
that is none must not reach a citizen. What an office may send is listed in `sniff`; everything else is refused.

Where a document goes (`judge`), the first that applies:

    no dossier known for it                                       held: a person says which
    the same was said under another key, of the same draft        late
    perhaps of the same draft: a result without number, a refusal held: it may be another draft's
    issued, and without a number                                  held: a person gives it
    a result or refusal that is no news, of which draft is unsure held: it may be another draft's
    a second result of the same stage, and another one            held: a person says which one holds
    no news after the furthest stage of its draft                 late (laws of `documents.moves_on`)
    everything else                                               to be written

A refusal says little, often nothing, so two are alike of which each ends a round of its own. One that was received before its draft
was handed over again is of another round, and no repetition: a refusal written twice is better than one that nobody reads. The
words of a recall are alike too, and none of them repeats another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from msgspec.structs import replace

from syncd.documents import HEAD, RESULTS, Attachment, IssuedDocument, Stage, is_page, moves_on
from syncd.model import Value

CODE = re.compile(r"\b(?:\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}|[A-Z]\d{2}(?:\.\d+)*)-\d{6}-\d{3,6}\b")  #: of a dossier, in free text
RECALLS = (Stage.RECALL_ASKED, Stage.RECALL_AGREED, Stage.RECALL_REFUSED)
_ALIKE = (Stage.UNNUMBERED, Stage.REJECTED)  #: two drafts may be told these in the same words

PDF, ZIP, OLE, XML, TEXT = "application/pdf", "application/zip", "application/x-ole-storage", "application/xml", "text/plain"
JPEG, PNG, GIF, TIFF = "image/jpeg", "image/png", "image/gif", "image/tiff"
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OOXML = (
    (b"word/document", f"{_OFFICE}wordprocessingml.document"),
    (b"xl/workbook", f"{_OFFICE}spreadsheetml.sheet"),
    (b"ppt/presentation", f"{_OFFICE}presentationml.presentation"),
)
_BEGINNINGS = (
    (b"PK\x03\x04", ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF8", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
)
_PICTURES = frozenset({JPEG, PNG, GIF, TIFF})
_DECLARED = {
    **dict.fromkeys(("pdf", PDF), frozenset({PDF})),
    **dict.fromkeys(("docx", "xlsx", "pptx", *(kind for _, kind in _OOXML)), frozenset({ZIP, *(kind for _, kind in _OOXML)})),
    **dict.fromkeys(("doc", "xls", "ppt", "application/msword", "application/vnd.ms-excel"), frozenset({OLE, ZIP, TEXT, *(kind for _, kind in _OOXML)})),
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "tif", "tiff", *_PICTURES), _PICTURES),
}


class Refusal(Value):
    """Why a document can never be taken; free of personal data."""

    code: str
    message: str
    hint: str = ""


class Joined(Value):
    """The dossier and draft that a document belongs to, as far as they can be told."""

    dossier: str = ""
    draft: str = ""
    several: bool = False  #: several drafts of the dossier were sent, and the document does not say which one it is about


class Earlier(Value):
    """A document of the same dossier, taken before."""

    digest: str
    stage: Stage
    draft: str
    stands: bool  #: written to the one-stop, or to be: what is held says no stage
    written: bool = False
    past: bool = False  #: its draft was handed over since, or may have been


class Judgement(Value):
    """Where a document goes, and why."""

    state: str  #: arrived | held | late
    code: str = ""
    message: str = ""
    hint: str = ""


ARRIVED = Judgement(state="arrived")
_ASSIGN = "syncd inbox show ID, then: syncd inbox assign ID"
NO_DOSSIER = Judgement(state="held", code="no_dossier", message="no known dossier is named in it", hint=f"{_ASSIGN} CODE")
NO_NUMBER = Judgement(state="held", code="no_number", message="it was issued and gives no number", hint=f"{_ASSIGN} --number … --date …")
WHICH_DRAFT = Judgement(
    state="held",
    code="which_draft",
    message="several drafts were sent, and it does not say which one it is about",
    hint="syncd inbox retry ID --force writes it",
)
SECOND = Judgement(
    state="held", code="second_result", message="another result was issued for the same draft before", hint="syncd inbox retry ID --force writes this one too"
)
REPEATED = Judgement(state="late", code="repeated", message="the same was taken before under another key")
OVERTAKEN = Judgement(state="late", code="overtaken", message="a later stage of the draft is known already")


def sniff(content: bytes) -> str:
    """The media type that the content itself shows; empty where it is none that is taken."""
    head = content[:HEAD]
    before, mark, _ = head.partition(b"%PDF-")
    if mark and not is_page(before):
        return PDF
    kind = next((kind for beginning, kind in _BEGINNINGS if head.startswith(beginning)), "")
    if kind == ZIP:
        return next((office for part, office in _OOXML if part in content), ZIP)
    return kind or _written(head, content)


def _written(head: bytes, content: bytes) -> str:
    if is_page(head) or b"\0" in head:
        return ""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""
    return XML if text.lstrip().startswith("<") else TEXT


def examine(document: IssuedDocument, largest: int) -> IssuedDocument | Refusal:
    """The document with the true types of its files, or why it can never be taken; a file may have `largest` bytes."""
    if document.stage is Stage.ISSUED and not document.files:
        return Refusal(code="no_file", message="it was issued and has no file", hint="have the document system send it again, with its file")
    files = []
    for place, file in enumerate(document.files, 1):
        if refusal := _flaw(place, file, largest):
            return refusal
        files.append(replace(file, kind=sniff(file.content)))
    return replace(document, files=tuple(files))


def _flaw(place: int, file: Attachment, largest: int) -> Refusal | None:
    if not file.content:
        return Refusal(code="file_empty", message=f"file {place} is empty", hint="have the document system send it again")
    if len(file.content) > largest:
        hint = "raise `largest` of the target, then have it sent again"
        return Refusal(code="file_too_large", message=f"file {place} has {len(file.content) / 1e6:.1f} MB, more than {largest / 1e6:g}", hint=hint)
    kind = sniff(file.content)
    allowed = _DECLARED.get(PurePath(file.name).suffix.lower().lstrip(".")) or _DECLARED.get(file.kind.partition(";")[0].strip().lower())
    if not kind or (allowed and kind not in allowed):
        message = f"file {place} is not what it says it is" if kind or allowed else f"file {place} is of no type that is taken"
        return Refusal(code="file_type", message=message, hint="have the document system send it again")
    return None


def codes_in(text: str) -> tuple[str, ...]:
    """What looks like a dossier code in a text, each once."""
    return tuple(dict.fromkeys(CODE.findall(text)))


def furthest(earlier: Iterable[Earlier], draft: str) -> Stage | None:
    """How far a draft is, from what was taken of it, in that order."""
    stage: Stage | None = None
    for each in earlier:
        if each.stands and each.draft == draft and each.stage not in RECALLS and moves_on(stage, each.stage):
            stage = each.stage
    return stage


def judge(document: IssuedDocument, digest: str, joined: Joined, earlier: Sequence[Earlier], *, force: bool = False) -> Judgement:
    """Where a document goes; with `force` a person has decided that it is news. `earlier` is of the same dossier, oldest first."""
    if not joined.dossier:
        return NO_DOSSIER
    if not force and (repeats := _repeats(document.stage, digest, joined, earlier)):
        return repeats
    if document.stage is Stage.ISSUED and not document.number.strip():
        return NO_NUMBER
    return ARRIVED if force else _news(document, joined, earlier)


def _news(document: IssuedDocument, joined: Joined, earlier: Sequence[Earlier]) -> Judgement:
    before = furthest(earlier, joined.draft)
    if document.stage in RECALLS or moves_on(before, document.stage):
        return ARRIVED
    if joined.several and document.stage in (*RESULTS, Stage.REJECTED):
        return WHICH_DRAFT
    return SECOND if document.stage is before is Stage.ISSUED else OVERTAKEN


def _repeats(stage: Stage, digest: str, joined: Joined, earlier: Sequence[Earlier]) -> Judgement | None:
    """Where a document goes that says the same as an earlier one of its draft, or perhaps of its draft; None where it is no such."""
    same = {each.draft for each in _of_this_round(stage, joined.draft, earlier) if each.digest == digest}
    if joined.draft in same and not joined.several:
        return REPEATED
    if same and (not joined.draft or "" in same):
        return WHICH_DRAFT if stage in _ALIKE else REPEATED
    return None


def _of_this_round(stage: Stage, draft: str, earlier: Sequence[Earlier]) -> Sequence[Earlier]:
    """What may be repeated: after a refusal a draft begins anew, and the same words are news again."""
    if stage in RECALLS:
        return ()
    if stage is Stage.REJECTED:
        return [each for each in earlier if not each.past]
    ends = [place for place, each in enumerate(earlier) if each.stands and each.draft == draft and each.stage is Stage.REJECTED]
    return earlier[ends[-1] + 1 :] if ends else earlier
