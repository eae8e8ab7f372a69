"""A document system behind the port, kept in a folder: it survives whoever asks it, and lists what was not acknowledged.

Each package is a file; what was acknowledged is written beside it, a line a call. So a test can kill the process that collects
and start another one against the same office.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec

from syncd.calls import Outcome, Receipt
from syncd.documents import IssuedDocument, Listing, Take, Verdict
from syncd.model import encode

DELIVERED = Receipt(outcome=Outcome.DELIVERED)
DOWN = Receipt(outcome=Outcome.UNAVAILABLE, code="connect", message="no connection: connection refused")
STRANGER = Receipt(outcome=Outcome.UNAUTHORISED, code="401", message="wrong password")
UNREADABLE = Receipt(outcome=Outcome.REJECTED, code="broken_package", message="the package cannot be read", hint="have it sent again")

_decode = msgspec.json.Decoder(IssuedDocument).decode


class Office:
    """Lists its packages, oldest first, until they are acknowledged as taken or failed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.longest = timedelta(seconds=30)
        self.always: Receipt | None = None
        self.faults: deque[Receipt] = deque()  #: the next answers, instead of the right ones
        self.before: Callable[[str], None] = lambda call: None
        self.after: Callable[[str], None] = lambda call: None
        self.forgets = False  #: lists for ever what was acknowledged
        self.take: Take | None = None
        (folder / "packages").mkdir(parents=True, exist_ok=True)

    # ---- what the office does

    def issue(self, *documents: IssuedDocument) -> None:
        """Put packages into the queue; one of a key that was there replaces it and is listed again."""
        for document in documents:
            self._put(document.id, encode(document))

    def spoil(self, document: str) -> None:
        """A package that nobody can read."""
        self._put(document, b"")

    def resend(self, document: str) -> None:
        """An operator puts a package back into the queue."""
        self._listed(document).write_text("")

    def _put(self, document: str, body: bytes) -> None:
        (self.folder / "packages" / document).write_bytes(body)
        self._listed(document).write_text("")

    def _listed(self, document: str) -> Path:
        return self.folder / f"{document}.verdicts"

    def verdicts(self, document: str) -> list[str]:
        """What we told of a package since it was last put into the queue, in that order."""
        return self._listed(document).read_text().split()

    def queue(self) -> list[str]:
        """The packages that wait, oldest first."""
        packages = sorted((self.folder / "packages").iterdir(), key=lambda path: (path.stat().st_mtime_ns, path.name))
        return [path.name for path in packages if self.forgets or not self.verdicts(path.name)]

    # ---- the port

    def waiting(self, known: int) -> Listing:
        trouble = self._trouble("waiting")
        found = Listing(receipt=trouble) if trouble else Listing(receipt=DELIVERED, documents=tuple(self.queue()))
        self.after("waiting")
        return found

    def fetch(self, document: str) -> IssuedDocument | Receipt:
        trouble = self._trouble("fetch")
        body = (self.folder / "packages" / document).read_bytes()
        found = trouble or (_decode(body) if body else UNREADABLE)
        self.after("fetch")
        return found

    def acknowledge(self, document: str, verdict: Verdict) -> Receipt:
        trouble = self._trouble("acknowledge")
        if trouble is None:
            with self._listed(document).open("a") as file:
                file.write("taken\n" if verdict.taken else "failed\n")
        self.after("acknowledge")
        return trouble or DELIVERED

    def _trouble(self, call: str) -> Receipt | None:
        self.before(call)
        return self.faults.popleft() if self.faults else self.always

    def listen(self, take: Take) -> None:
        self.take = take

    def close(self) -> None:
        """Nothing is open."""
