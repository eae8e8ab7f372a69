"""The calls of Tân Dân's document axis: addresses, the header it knows us by, and answers as its own words or as trouble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import msgspec

from connectors._http.calls import Call, Http
from connectors._http.outcomes import Answered, Trouble
from connectors._tdoffice.answers import Answer, read
from connectors._tdoffice.options import TdofficeOptions
from syncd.calls import Outcome

SEND, LIST, FETCH, ACKNOWLEDGE = "GuiHoSo", "LayDanhSachGoiTinVanBan", "LayGoiTinVanBan", "CapNhatTrangThaiVanBan"
TOO_LARGE = "too_large"  #: an answer beyond every limit
_CERTAIN = (Outcome.UNAVAILABLE, Outcome.BUSY, Outcome.UNAUTHORISED)
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "Charset": "utf-8", "User-Agent": "syncd"}
_SAFE = "/%:?&=+,;@~!$'()*[]#"


class Axis:
    """The axis behind one address."""

    def __init__(self, options: TdofficeOptions, http: Http) -> None:
        self._http = http
        self._base = options.base_url.rstrip("/")
        self._origin = _origin(self._base)
        self._token = options.token.get_secret_value()
        self._headers = _HEADERS | {"Authorization": f"{options.scheme} {self._token}".strip()}

    def post(self, operation: str, body: Mapping[str, Any], until: float, *, repeatable: bool = False) -> Answer | Trouble:
        """One call that changes something there."""
        headers = self._headers | {"Content-Type": "application/json"}
        answer = read(self._http.send(Call(f"{self._base}/{operation}", msgspec.json.encode(body), headers, repeatable=repeatable), until))
        return _harmless(answer) if repeatable else answer

    def get(self, operation: str, query: Mapping[str, str | int], until: float) -> Answer | Trouble:
        """One call that changes nothing."""
        url = f"{self._base}/{operation}?{urlencode(query, quote_via=quote)}"
        return _harmless(read(self._http.send(Call(url, b"", self._headers, "GET", repeatable=True), until)))

    def file(self, link: str, until: float) -> bytes | Trouble:
        """The content at an address that a package names; the axis's token goes to the axis alone."""
        url = self._address(link)
        if not url:
            return Trouble(Outcome.REJECTED, "link", "a file of the package is named by an address that is none of the web")
        headers = {"Accept-Encoding": "identity", "User-Agent": "syncd"} | (
            {"Authorization": self._headers["Authorization"]} if _origin(url) == self._origin else {}
        )
        return _content(self._http.send(Call(url, b"", headers, "GET", repeatable=True), until))

    def _address(self, link: str) -> str:
        try:
            url = quote(urljoin(self._base + "/", link.strip()), safe=_SAFE)
            return url if urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname else ""
        except ValueError:
            return ""

    def secrets(self) -> tuple[str, ...]:
        """What must not stand in any text."""
        return (self._token,)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def _content(answer: Answered | Trouble) -> bytes | Trouble:
    """A file. That it cannot be had says nothing of the package, unless it is too large, and nothing of the axis."""
    if isinstance(answer, Trouble):
        outcome = Outcome.REJECTED if answer.code == TOO_LARGE else Outcome.DEFERRED
        return answer._replace(outcome=outcome, message=f"a file of the package: {answer.message}")
    if answer.status >= 400:  # noqa: PLR2004 the classes of HTTP
        return Trouble(
            Outcome.DEFERRED, "file_missing", f"a file of the package is not at its address (HTTP {answer.status})", "ask whoever keeps the file server"
        )
    return answer.body


def _harmless(answer: Answer | Trouble) -> Answer | Trouble:
    """The trouble of a call that may be repeated: it has no unknown end."""
    return answer._replace(outcome=Outcome.UNAVAILABLE) if isinstance(answer, Trouble) and answer.outcome not in _CERTAIN else answer
