"""Reads the files that go along with a dossier: from a folder of the one-stop, or from its own address.

What cannot be had is never the target's fault, so it is told apart: a file that is not there, or too large, is for a person;
a file server that does not answer, or gives a page of its own in place of the file, makes the dossier wait, and no other. The one-stop
is on our side: what belongs to the way to the target, its proxy and our certificate there, is not used on this one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from connectors._http.calls import Call, Http
from connectors._http.outcomes import TOO_LARGE, Trouble
from connectors._names import ending
from syncd.calls import Outcome
from syncd.clock import Clock
from syncd.documents import is_page
from syncd.options import TargetOptions

_PAGES = ("html", "htm", "xhtml")
_AGAIN = (Outcome.UNAVAILABLE, Outcome.BUSY, Outcome.UNKNOWN)
_PAGE_HINT = "does the one-stop's file server want a log-in? what really is a page needs a name that ends in .html"


class Files:
    """Files of at most `largest` bytes."""

    def __init__(self, options: TargetOptions, clock: Clock, sleep: Callable[[float], None], largest: int) -> None:
        ours = options.model_copy(update={"proxy": "", "client_cert_file": None, "client_key_file": None})
        self._http = Http(ours, clock, sleep, largest=largest + 1)
        self._largest = largest

    def read(self, where: str, name: str, until: float) -> bytes | Trouble:
        """The content at a path or an address of what goes out under `name`, whole; back before the monotonic second `until`."""
        content = self._fetched(where, name, until) if where.startswith(("http://", "https://")) else self._opened(Path(where))
        if isinstance(content, Trouble):
            return content
        if not content:
            return _refused("file_empty", "the file is empty", "attach the file again in the one-stop")
        if len(content) > self._largest:
            return self._too_large(len(content))
        return content

    def close(self) -> None:
        """Release the connections. Safe to call twice."""
        self._http.close()

    def _opened(self, path: Path) -> bytes | Trouble:
        try:
            size = path.stat().st_size
            return self._too_large(size) if size > self._largest else path.read_bytes()
        except (FileNotFoundError, ValueError):  # the latter where it cannot be the name of a file
            return _refused("file_missing", "the file is not there", "check the folder of files in the mapping, and whether the one-stop still has the file")
        except OSError as error:
            return Trouble(Outcome.DEFERRED, "file_unreadable", f"the file cannot be read: {error.strerror}", "check that the folder is there and readable")

    def _fetched(self, where: str, name: str, until: float) -> bytes | Trouble:
        answer = self._http.send(Call(where, b"", {}, "GET", repeatable=True), until)
        if isinstance(answer, Trouble):
            if answer.code == TOO_LARGE:
                return self._too_large()
            if answer.outcome in _AGAIN:
                return Trouble(Outcome.DEFERRED, "file_unavailable", f"the file cannot be had: {answer.message}", "is the one-stop's file server up?")
            return _refused("file_refused", f"the file server refuses it: {answer.message}", "check the address of files in the mapping")
        if answer.status >= 400:  # noqa: PLR2004 the classes of HTTP
            return _refused("file_missing", f"the file server does not have it (HTTP {answer.status})", "check the address of files in the mapping")
        if is_page(answer.body) and (ending(name) or ending(urlsplit(where).path)) not in _PAGES:
            return Trouble(Outcome.DEFERRED, "file_unavailable", "the file server gives a page of HTML in place of the file", _PAGE_HINT)
        return answer.body

    def _too_large(self, size: int = 0) -> Trouble:
        """`size` where it is known."""
        told = f"{size / 1e6:.1f} MB, more than" if size else "more than"
        return _refused("file_too_large", f"the file has {told} {self._largest / 1e6:g} MB", "make the file smaller in the one-stop, or raise largest")


def _refused(code: str, message: str, hint: str) -> Trouble:
    return Trouble(Outcome.REJECTED, code, message, hint)
