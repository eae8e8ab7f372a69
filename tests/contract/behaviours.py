"""How a far end fails: statuses, silence, broken connections, and answers that are none."""

from __future__ import annotations

import pytest

from tests.connectors.portal import Behaviour, Talk, answer, cut, drip, reset, silence

HTML = b"<!DOCTYPE html><html><head><title>Loi</title></head><body><h1>Service unavailable</h1></body></html>"
BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;&c;&c;&c;&c;</a>'
_CHUNK = b" " * 2**20
_HUGE = 96


def huge(talk: Talk) -> bool:
    """An answer larger than any that is taken; its reader hangs up, which ends it."""
    talk.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (_HUGE * len(_CHUNK)))
    for _ in range(_HUGE):
        talk.connection.sendall(_CHUNK)
    return False


def half(body: bytes) -> Behaviour:
    """A whole answer that holds the first half of what it should."""
    return answer(body[: len(body) // 2])


#: lost on the way: it may have been done
LOST: dict[str, Behaviour] = {
    "reset": reset,
    "cut": cut,
    "500": answer(HTML, 500),
    "500-empty": answer(b"", 500),
    "502": answer(HTML, 502),
    "504": answer(HTML, 504),
    "moved": answer(b"", 307, Location="https://elsewhere.example/"),
}
#: without an end, as long as somebody waits
ENDLESS: dict[str, Behaviour] = {
    "silent": silence,
    "drips-status": drip(b""),
    "drips-headers": drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "drips-body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"),
}
#: the two that differ most, where the others would tell nothing new
SLOW: dict[str, Behaviour] = {name: ENDLESS[name] for name in ("silent", "drips-body")}
#: refused, whatever the body says
REFUSED: dict[str, Behaviour] = {
    f"{status}-{name}": answer(body, status) for status in (400, 404, 405, 413, 422) for name, body in {"html": HTML, "empty": b""}.items()
}
STRANGER: dict[str, Behaviour] = {f"{status}-{name}": answer(body, status) for status in (401, 403) for name, body in {"html": HTML, "empty": b""}.items()}
LATER: dict[str, Behaviour] = {str(status): answer(HTML, status, Retry_After="37") for status in (429, 503)}
#: with status 200 and yet no answer
MALFORMED: dict[str, Behaviour] = {
    "empty": answer(b""),
    "blank": answer(b" \r\n "),
    "html": answer(HTML),
    "truncated-json": answer(b'{"error_code":0,"Status":1,"error":{"code":200},"mess'),
    "truncated-xml": answer(b'<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><Sen'),
    "other-json": answer({"hello": "world"}),
    "list": answer([]),
    "null": answer(b"null"),
    "number": answer(b"17"),
    "text": answer(b'"ok"'),
    "other-xml": answer(b"<ok/>"),
    "bomb": answer(BOMB),
    "deep": answer(b"[" * 100_000),
    "binary": answer(bytes(range(256)) * 8),
    "no-gzip": answer(b"no gzip", Content_Encoding="gzip"),
    "huge": huge,
}
_FEW = ("empty", "html", "truncated-json", "truncated-xml", "other-json", "bomb", "binary", "huge")
NONSENSE: dict[str, Behaviour] = {name: MALFORMED[name] for name in _FEW}
#: some of everything, for calls that change nothing and so come to much the same
PASSING: dict[str, Behaviour] = {
    **{name: LOST[name] for name in ("reset", "cut", "500", "moved")},
    **SLOW,
    **{name: REFUSED[name] for name in ("400-html", "404-empty")},
    **{name: STRANGER[name] for name in ("401-html", "403-empty")},
    **LATER,
    **NONSENSE,
}


def each(group: dict[str, Behaviour]) -> pytest.MarkDecorator:
    """One test for each behaviour."""
    return pytest.mark.parametrize("behaviour", list(group.values()), ids=list(group))
