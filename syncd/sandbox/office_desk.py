"""The desk of a sandbox office: the drafts that arrived, what was made of them, and the packages that wait for the one-stop.

The three offices (SOAP, Tân Dân, VNPT) differ only in their wire; what lies on the desk is the same, and so is what a
referee compares: `drafts` and `arrivals` for what came, `issued` for what was given back and how it was acknowledged.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta, timezone
from itertools import count
from typing import Final, NamedTuple

from syncd.clock import Clock
from syncd.sandbox.office_clerk import Act, Clerk, Course, Deed
from syncd.sandbox.office_pdf import signed_pdf

_ZONE: Final = timezone(timedelta(hours=7))
NOTATION: Final = "QĐ-UBND"
_RESULTS: Final = ("issued", "unnumbered", "rejected")


class File(NamedTuple):
    """A file that arrived, without its content."""

    name: str
    sha256: str
    size: int

    @classmethod
    def of(cls, name: str, content: bytes) -> File:
        """The file of that content."""
        return cls(name, hashlib.sha256(content).hexdigest(), len(content))


class Matter(NamedTuple):
    """What the one-stop says about a draft it sends."""

    dossier: str
    files: tuple[File, ...]
    abstract: str = ""
    kind: str = ""  #: document type
    correlation: str = ""  #: opaque, echoed
    signer: str = ""
    submitter: str = ""
    agency: str = ""  #: code of the issuing agency
    agency_name: str = ""
    more: tuple[tuple[str, str], ...] = ()  #: what else is echoed

    @property
    def digest(self) -> str:
        """Equal for drafts of the same files."""
        return hashlib.sha256("".join(sorted(file.sha256 for file in self.files)).encode()).hexdigest()


class Draft(NamedTuple):
    """A draft on the desk."""

    doc_id: str  #: the office's key
    matter: Matter
    times: int = 1  #: how often it came under its key
    history: tuple[str, ...] = ("delivered", "accepted")  #: what happened to it: these, deeds and recalls

    @property
    def dossier(self) -> str:
        """The code."""
        return self.matter.dossier


class Result(NamedTuple):
    """What was made of a draft."""

    doc_id: str  #: of the draft
    dossier: str
    deed: Deed  #: issued, unnumbered or rejected
    number: str  #: with its notation; empty without one
    on: date  #: the day it was issued
    signer: str
    file: str  #: name of the signed file
    content: bytes
    reason: str = ""  #: of a rejection
    position: str = "Phó Chủ tịch"

    @property
    def sha256(self) -> str:
        """Of the signed file; empty without one."""
        return hashlib.sha256(self.content).hexdigest() if self.content else ""


class Package(NamedTuple):
    """One thing that waits to be fetched, until it is acknowledged."""

    id: str
    draft: Draft
    act: Act
    result: Result | None  #: None of what is merely signed, and of recalls

    @property
    def key(self) -> str:
        """By which it is listed, fetched and acknowledged."""
        return self.draft.doc_id if self.act.quirk == "one_id" else self.id


class Issued(NamedTuple):
    """A result and what the one-stop said to it, for a referee."""

    result: Result
    dated: bool  #: a readable day of issue was told with it
    packages: tuple[str, ...]  #: keys of the packages that carried it
    acknowledged: tuple[str, ...]  #: the answers to them, in order of arrival

    @property
    def dossier(self) -> str:
        """The code."""
        return self.result.dossier


class Desk:
    """Everything an office has. Thread-safe."""

    def __init__(self, clerk: Clerk, clock: Clock, *, prefix: str = "VB") -> None:
        """`prefix` begins the keys of documents and packages."""
        self.clerk = clerk
        self._clock = clock
        self._prefix = prefix
        self._ids = count(1)
        self._numbers = count(101)
        self._drafts: dict[str, Draft] = {}
        self._keys: dict[str, str] = {}
        self._arrivals: Counter[tuple[str, str]] = Counter()
        self._results: dict[str, Result] = {}
        self._packages: dict[str, Package] = {}
        self._acknowledged: dict[str, list[str]] = {}
        self._order: list[tuple[str, str]] = []
        self._lock = threading.RLock()

    def receive(self, matter: Matter, key: str = "") -> tuple[Draft, bool]:
        """Take a draft, and say whether it is new. A key seen before is no new draft; without a key each is."""
        with self._lock:
            self._arrivals[matter.dossier, matter.digest] += 1
            known = self._keys.get(key) if key else None
            if known is not None:
                self._drafts[known] = self._drafts[known]._replace(times=self._drafts[known].times + 1)
                return self._drafts[known], False
            draft = Draft(self._next_id(), matter)
            self._drafts[draft.doc_id] = draft
            if key:
                self._keys[key] = draft.doc_id
            self._work(draft.doc_id, self.clerk.course(matter.dossier, len(self.drafts(matter.dossier))))
            return self._drafts[draft.doc_id], True

    def issue(self, dossier: str, course: Sequence[Act] = (Act("issued"),)) -> None:
        """Work on the last draft of a dossier now. Raises LookupError where there is none."""
        with self._lock:
            drafts = self.drafts(dossier)
            if not drafts:
                raise LookupError(dossier)
            self._work(drafts[-1].doc_id, tuple(course))

    def drafts(self, dossier: str = "") -> list[Draft]:
        """The drafts of a dossier, or all, in order of arrival."""
        with self._lock:
            return [draft for draft in self._drafts.values() if dossier in ("", draft.dossier)]

    def arrivals(self) -> Counter[tuple[str, str]]:
        """How often each draft came: by dossier and digest of its files."""
        with self._lock:
            return self._arrivals.copy()

    def find(self, doc_id: str = "", dossier: str = "") -> Draft | None:
        """The draft of that key, or the last of that dossier."""
        with self._lock:
            return self._drafts.get(doc_id) if doc_id else next(reversed(self.drafts(dossier)), None) if dossier else None

    def issued(self, dossier: str = "") -> list[Issued]:
        """What was made of the drafts of a dossier, or of all, and how it was acknowledged."""
        with self._lock:
            return [self._summary(result) for result in self._results.values() if dossier in ("", result.dossier)]

    def waiting(self, limit: int = 0) -> list[Package]:
        """What is not acknowledged yet, oldest first, of each key the last; `limit` 0 is all."""
        with self._lock:
            open_ones = (package for package in self._packages.values() if not self._acknowledged.get(package.id) and self._due(package))
            found = list({package.key: package for package in open_ones}.values())
            return found[:limit] if limit else found

    def package(self, key: str) -> Package | None:
        """The last package of that key, acknowledged or not."""
        with self._lock:
            found = self._under(key)
            return found[-1]._replace(draft=self._drafts[found[-1].draft.doc_id]) if found else None

    def acknowledge(self, key: str, answer: str, *, failed: bool = False) -> bool:
        """Note what the one-stop says to a package; False where there is no such package."""
        with self._lock:
            packages = self._under(key)
            if not packages:
                return False
            last, first = packages[-1], not self._acknowledged.get(packages[-1].id)
            for package in packages:
                self._acknowledged.setdefault(package.id, []).append(answer)
            self._order.append((last.id, answer))
            if failed and first:
                self._work(last.draft.doc_id, self.clerk.after_failure(last.act))
            return True

    def acknowledgements(self, key: str) -> tuple[str, ...]:
        """What the one-stop said to the last package of that key, in order."""
        with self._lock:
            return next((tuple(self._acknowledged.get(package.id, ())) for package in reversed(self._under(key))), ())

    def requeue(self, key: str) -> bool:
        """An operator puts a package back in the queue; False where there is no such package."""
        with self._lock:
            packages = self._under(key)
            for package in packages[-1:]:
                self._acknowledged.pop(package.id, None)
            return bool(packages)

    def recall(self, doc_id: str) -> None:
        """The one-stop asks for a draft back; the clerk answers. What has its result is not given back."""
        with self._lock:
            draft = self._drafts[doc_id]
            agreed = doc_id not in self._results and self.clerk.agrees_to_recall(draft.dossier)
            self._drafts[doc_id] = draft._replace(history=(*draft.history, "recall_asked"))
            self._work(doc_id, (Act("recall_agreed" if agreed else "recall_refused"),))

    def _next_id(self) -> str:
        return f"{self._prefix}-{next(self._ids):06}"

    def _under(self, key: str) -> list[Package]:
        """The packages of that key which show, oldest first."""
        one = self._packages.get(key)
        return [one] if one else [package for package in self._packages.values() if package.key == key and self._due(package)]

    def _due(self, package: Package) -> bool:
        if not package.act.later:
            return True
        before = (one.id for one in self._packages.values() if one.draft.doc_id == package.draft.doc_id and one.id < package.id)
        return all(self._acknowledged.get(key) for key in before)

    def _work(self, doc_id: str, course: Course) -> None:
        for act in course:
            draft = self._drafts[doc_id]
            self._drafts[doc_id] = draft = draft._replace(history=(*draft.history, act.deed))
            result = self._results.get(doc_id) or self._decide(draft, act) if act.deed in _RESULTS else None
            package = Package(self._next_id(), draft, act, result)
            self._packages[package.id] = package

    def _decide(self, draft: Draft, act: Act) -> Result:
        on = self._clock.now().astimezone(_ZONE).date()
        signer = draft.matter.signer or "Nông Thị Mẫu"
        if act.deed == "rejected":
            result = Result(draft.doc_id, draft.dossier, act.deed, "", on, signer, "", b"", "Dự thảo sai thể thức, đề nghị làm lại")
        else:
            year = f"{on.year}/" if act.quirk == "year_number" else ""
            number = f"{next(self._numbers)}/{year}{NOTATION}" if act.deed == "issued" else ""
            name = draft.matter.files[0].name.rpartition(".")[0] or "ket-qua"
            content = signed_pdf(number=number, on=on, signer=signer, dossier=draft.dossier, draft=draft.matter.files[0].sha256)
            result = Result(draft.doc_id, draft.dossier, act.deed, number, on, signer, f"{name}_signed.pdf", content)
        self._results[draft.doc_id] = result
        return result

    def _summary(self, result: Result) -> Issued:
        packages = [package for package in self._packages.values() if package.result is result]
        keys = tuple(package.id for package in packages)
        dated = any(package.act.deed == "issued" and package.act.quirk not in ("bad_date", "no_document") for package in packages)
        return Issued(result, dated, keys, tuple(answer for key, answer in self._order if key in keys))
