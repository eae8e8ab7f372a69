"""The way `http`: what came back goes to the one-stop's own API, one call a document, its files in base64.

The call carries a key that is the same whenever the document is sent again, so it may be repeated: an API that has seen the
key answers as it did before, or 409. Only an answer of 2xx or 409 counts as written.
"""

from __future__ import annotations

import base64
import hashlib
from http import HTTPStatus
from urllib.parse import quote

import msgspec

from connectors._http.calls import Call, Http
from connectors._http.outcomes import Trouble, refused
from connectors._onestop.outlet import Filling
from connectors._onestop.outlet_settings import DOCUMENT, InboxSettings
from syncd.clock import Clock
from syncd.documents import Filed
from syncd.errors import SourceError
from syncd.model import Problem

TRIES = 2  #: times the span of one request that a call may take


class HttpOutlet:
    """The `Outlet` port over an API."""

    def __init__(self, http: Http, address: str, token: str, settings: InboxSettings, filling: Filling, clock: Clock) -> None:
        self._http = http
        self._address = address
        self._token = token
        self._settings = settings
        self._filling = filling
        self._clock = clock

    def write(self, filed: Filed) -> bool:
        """Hand one document over; whether it was new. See `Outlet.write`."""
        values = self._filling.document(filed)
        path = self._settings.path.format_map({name: quote(str(value or ""), safe="") for name, value in values.items()})
        key = hashlib.sha256(f"{filed.target}\n{filed.document.id}\n{filed.digest}".encode()).hexdigest()
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": key, **self._credentials()}
        call = Call(self._address + path, self._body(filed, values), headers, self._settings.method, repeatable=True)
        answer = self._http.send(call, self._until())
        if isinstance(answer, Trouble):
            raise _unwritten(answer)
        if answer.status == HTTPStatus.CONFLICT:
            return False
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise _unwritten(refused(answer))
        return True

    def _body(self, filed: Filed, values: dict[str, object]) -> bytes:
        files = [{**file, "content": base64.b64encode(file["content"]).decode()} for file in self._filling.files(filed)]
        known = {**values, "files": files}
        wanted = self._settings.fields or {name: name for name in (*DOCUMENT, "files")}
        return msgspec.json.encode({name: known[ours] for name, ours in wanted.items()})

    def check(self) -> list[Problem]:
        """Whether the API answers and knows us; see `Outlet.check`."""
        answer = self._http.send(Call(self._address, b"", self._credentials(), "GET", repeatable=True), self._until())
        if isinstance(answer, Trouble):
            return [Problem(field="source.write_url", reason=f"the one-stop's API: {answer.message}", hint=answer.hint)]
        return []

    def close(self) -> None:
        """Release the connections. Safe to call twice."""
        self._http.close()

    def _credentials(self) -> dict[str, str]:
        return {self._settings.header: f"{self._settings.scheme} {self._token}".strip()} if self._token else {}

    def _until(self) -> float:
        return self._clock.monotonic() + TRIES * self._http.span


def _unwritten(trouble: Trouble) -> SourceError:
    return SourceError(f"the one-stop's API did not take it: {trouble.message}", hint=trouble.hint or "see at the one-stop's log what it dislikes")
