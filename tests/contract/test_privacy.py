"""What a far end quotes is not passed on: no secret in any text, and nothing of a citizen where anybody may read it.

The far ends here tell all they were sent, headers included, in every way of writing it, together with every failure. A
receipt's text is kept sealed and may quote a citizen; everything else is read by administrators, and logged.
"""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape, unescape
from urllib.parse import quote, unquote

import msgspec
import pytest
from structlog.testing import capture_logs

from syncd.calls import Receipt, Standing
from syncd.documents import IssuedDocument
from syncd.redact import personal_values, redact
from tests.connectors.portal import Behaviour, Talk, answer
from tests.contract.surroundings import TAKEN, Collecting, FileServer, Surroundings, citizen, composed, dossier
from tests.contract.test_failures import OFTEN

Call = tuple[Surroundings, str]
Form = Callable[[Surroundings, str], Behaviour]
_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|(.))")
TOLD = 6  #: letters of a value that give it away


def _json(status: int, *, ascii_only: bool = True) -> Form:
    return lambda far, said: answer(json.dumps({"fault": said, "message": said}, ensure_ascii=ascii_only).encode(), status)


def _page(status: int) -> Form:
    return lambda far, said: answer(f"<html><pre>{escape(said)}</pre></html>".encode(), status)


FORMS: dict[str, Form] = {
    "refusal": lambda far, said: far.refusal(said),
    "page-200": _page(200),
    "page-500": _page(500),
    "text-422": lambda far, said: answer(said.encode(), 422),
    "json-200": _json(200, ascii_only=False),
    "json-400": _json(400),
    "json-401": _json(401),
    "json-403": _json(403, ascii_only=False),
    "json-503": _json(503),
    "slashes-400": lambda far, said: answer(json.dumps({"fault": said}).replace("/", r"\/").replace("+", r"\u002B").encode(), 400),
    "percent-400": lambda far, said: answer(quote(said, safe="").encode(), 400),
    "moved": lambda far, said: answer(b"", 302, Location=f"https://elsewhere.example/?{quote(said)}"),
    "login": lambda far, said: answer(b"", 302, Location=f"https://elsewhere.example/login?{quote(said)}"),
    "cut": lambda far, said: answer(said.encode()[: len(said) // 2]),
}


def quoting(far: Surroundings, form: Form) -> Behaviour:
    """Tells all it was sent, and more."""

    def behave(talk: Talk) -> bool:
        return form(far, everything(far, talk))(talk)

    return behave


def everything(far: Surroundings, talk: Talk) -> str:
    """What was asked, and all that anybody could know, three times and in several spellings."""
    people = [unicodedata.normalize(form, value) for value in citizen() for form in ("NFC", "NFD")]
    known = [*people, *(value.upper() for value in people), *far.secrets(), *talk.asked.headers.values()]
    return "Lỗi: " + " | ".join([*known, talk.asked.raw[:2000].decode("utf-8", "replace"), *known, *known])


def readings(text: str) -> Iterator[str]:
    """The text, and what it says to who undoes what a writer of JSON, XML or addresses has done."""
    yield text
    yield unescape(text)
    yield unquote(text)
    yield _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


def given_away(text: str, values: Iterable[str]) -> list[str]:
    """The values of which the text tells more than a few letters."""
    found = [composed(reading).casefold() for reading in readings(text)]
    return [value for value in values if any(composed(value).casefold()[: max(TOLD, len(value) // 2)] in reading for reading in found)]


def check(far: Surroundings, came: Receipt | Standing, known: Sequence[str] = citizen()) -> None:
    """Nothing is given away by what a method gave back; `known` is what it could know of the citizen."""
    assert given_away(came.message, [*known, *far.secrets()]) == []
    shown = msgspec.json.encode(msgspec.structs.replace(came, message=redact(came.message, personal_values(dossier())), text="")).decode()
    assert given_away(shown, [*citizen(), *far.secrets()]) == []
    assert given_away(came.text, far.secrets()) == []
    assert len(came.message) <= 400
    assert len(came.text) <= 4000


def carried(far: Surroundings, kind: str) -> list[str]:
    """What of the citizen the call itself brought. The rest its connector cannot know; the engine does, and takes it out."""
    texts = [composed(text) for text in far.texts(far.came(kind)[0])]
    return [value for value in citizen() if any(composed(value) in text for text in texts)]


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Everything logged until now, by us and by libraries. Nothing of a citizen is in it."""
    caplog.set_level(logging.DEBUG)
    with capture_logs() as entries:

        def told() -> str:
            return "\n".join([*(record.getMessage() for record in caplog.records), *map(str, entries)])

        yield told
    assert given_away(told(), citizen()) == []


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_call_that_fails_gives_nobody_away(call: Call, form: Form, logged: Callable[[], str]) -> None:
    far, kind = call
    target = far.make()
    far.script(kind, *[quoting(far, form)] * OFTEN)
    check(far, target.send([far.element(target, kind)]), carried(far, kind))
    assert given_away(logged(), far.secrets()) == []


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_stands_before_a_call_gives_nobody_away(admitting: Surroundings, form: Form, logged: Callable[[], str]) -> None:
    target = admitting.make()
    admitting.server.will(admitting.admission, *[quoting(admitting, form)] * OFTEN)
    check(admitting, target.send([admitting.element(target)]), ())
    check(admitting, target.probe(), ())
    assert given_away(logged(), admitting.secrets()) == []


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_question_gives_nobody_away(asked: Surroundings, form: Form, logged: Callable[[], str]) -> None:
    target = asked.make()
    asked.server.will(asked.lookup, *[quoting(asked, form)] * OFTEN)
    standing = target.look_up(asked.portion())
    if standing is not None:
        check(asked, standing)
    assert given_away(logged(), asked.secrets()) == []


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_probe_gives_nobody_away(probed: tuple[Surroundings, str], form: Form, logged: Callable[[], str]) -> None:
    far, service = probed
    far.server.will(service, *[quoting(far, form)] * OFTEN)
    receipt = far.make().probe()
    assert given_away(msgspec.json.encode(receipt).decode(), far.secrets()) == []
    assert given_away(logged(), far.secrets()) == []


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_way_back_gives_no_secret_away(collecting: Collecting, form: Form, logged: Callable[[], str]) -> None:
    collecting.issue("D-1")
    collector = collecting.collector()
    for service in (collecting.listing, collecting.fetching, collecting.acknowledging):
        collecting.server.will(service, *[quoting(collecting, form)] * OFTEN)
    for came in (collector.waiting(0).receipt, collector.fetch("D-1"), collector.acknowledge("D-1", TAKEN)):
        assert not isinstance(came, IssuedDocument)
        assert given_away(msgspec.json.encode(came).decode(), collecting.secrets()) == []
    assert given_away(logged(), collecting.secrets()) == []


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_file_server_gives_nobody_away(filing: Surroundings, file_server: FileServer, form: Form) -> None:
    file_server.will("91.pdf", *[quoting(filing, form)] * OFTEN)
    target = filing.make()
    receipt = target.send([filing.element(target, file=f"{file_server.root}/91.pdf")])
    check(filing, receipt)


def test_who_cannot_be_reached_is_told_of_without_giving_anybody_away(call: Call, logged: Callable[[], str]) -> None:
    far, kind = call
    target = far.make()
    far.server.close()
    check(far, target.send([far.element(target, kind)]))
    check(far, target.probe())
    assert given_away(logged(), far.secrets()) == []
