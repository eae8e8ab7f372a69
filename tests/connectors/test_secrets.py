"""A secret is found however it is written, and nothing else is taken for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._secrets import beginning, hide
from syncd.redact import MASK

SECRETS = ['mật khẩu <"7">&\'', "a+b/c==", "back\\slash", "\U0001f511 key", "plain-1.2_3~"]


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


WAYS: dict[str, Callable[[str], str]] = {
    "bare": str,
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json-ascii": _json,
    "json-capitals": lambda text: "".join(rf"\u{ord(letter):04X}" if not letter.isalnum() and ord(letter) < 65536 else letter for letter in text),
    "json-in-json": lambda text: _json(_json(text)),
    "json-slashes": lambda text: _json(text).replace("/", r"\/"),
    "xml": escape,
    "xml-twice": lambda text: escape(escape(text)),
    "xml-numbers": lambda text: "".join(letter if letter.isascii() and letter.isalnum() else f"&#{ord(letter)};" for letter in text),
    "xml-hex": lambda text: "".join(letter if letter.isascii() and letter.isalnum() else f"&#x{ord(letter):04X};" for letter in text),
    "address": lambda text: quote(text, safe=""),
    "address-small": lambda text: quote(text, safe="").lower() if text.islower() else quote(text, safe=""),
    "address-twice": lambda text: quote(quote(text, safe=""), safe=""),
    "xml-in-address": lambda text: quote(escape(text), safe=""),
    "xml-in-json": lambda text: _json(escape(text)).replace("&", r"\u0026"),
    "json-in-address": lambda text: quote(_json(text), safe=""),
    "json-in-xml": lambda text: escape(_json(text)),
    "form": quote_plus,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_hidden_however_it_is_written(secret: str, way: str) -> None:
    written = WAYS[way](secret)
    assert hide(f"header: {written}; again {written}.", [secret]) == f"header: {MASK}; again {MASK}."


@given(st.text(min_size=1).filter(lambda secret: MASK not in secret and secret not in MASK), st.sampled_from(sorted(WAYS.keys() - {"address-small"})))
def test_any_secret_is_hidden_in_any_way(secret: str, way: str) -> None:
    assert hide(f"[{WAYS[way](secret)}]", [secret]).strip("[]*") == ""


def test_what_is_no_secret_stays() -> None:
    text = r'{"a": "mật khẩu", "b": "a b/c==", "c": "PLAIN-1.2_3~"} &lt;\/'
    assert hide(text, [*SECRETS, ""]) == text


def test_of_two_secrets_of_which_one_holds_the_other_nothing_is_left() -> None:
    assert hide("x abcdef abc", ["abc", "abcdef"]) == f"x {MASK} {MASK}"


def test_a_beginning_is_short_and_ends_with_no_part_of_a_secret() -> None:
    assert beginning(b"\xffabc secret", ["secret"], 100) == f"\ufffdabc {MASK}"
    assert beginning("x" * 50, [], 10) == "x" * 10
    for shift in range(7):
        assert "se" not in beginning(" " * shift + "secret" * 1000, ["secret"], 100)
        assert beginning((" " * shift + "secret" * 1000).encode(), ["secret"], 3) in (MASK, *((" " * shift + MASK)[:3],), "")


@pytest.mark.parametrize("run", ["\\", "&amp;", "%25", "%5c", "&#0", " "])
def test_a_long_run_of_marks_takes_no_long_time(run: str) -> None:
    text = run * 10_000
    assert hide(text, SECRETS) == text
