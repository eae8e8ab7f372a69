"""A reconciliation in words for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.cli.lang import sentence, t

_COUNTS = ("missing", "doubled", "foreign", "unsent")


def became(word: str) -> str:
    """What became of a difference."""
    words = {
        "due": t("made due"),
        "resolved": t("resolved"),
        "adopted": t("resolved; what was there is taken as sent"),
        "persists": t("persists"),
        "cannot": t("cannot be repaired"),
    }
    return words.get(word, "–")


def kind(word: str) -> str:
    """In which way something differs."""
    words = {
        "missing": t("missing there"),
        "stale": t("differs"),
        "steps": t("steps differ"),
        "extra": t("only there"),
        "unknown": t("could not be asked"),
    }
    return words[word]


def detail(given: Mapping[str, Any]) -> str:
    """What exactly differs; free of personal data, as the evidence is."""
    return "; ".join(_parts(given)) or "–"


def fields(given: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Field by field: what it should be, and what is there."""
    return [(name, each["expected"], each["found"]) for name, each in given.get("fields", {}).items()]


def _parts(given: Mapping[str, Any]) -> Iterator[str]:
    for name, expected, found in fields(given):
        yield t("{field}: {found} instead of {expected}", field=name, found=found or "–", expected=expected or "–")
    for name, value in given.items():
        if name in _COUNTS:
            yield _counted(name, value)
        elif name in ("target", "source"):
            yield _missed(str(value))
        elif name == "ledger":
            yield _booked(str(value))
        elif name == "changed":
            yield t("changed since: {fields}", fields=", ".join(t(each) for each in value))
        elif name in ("error_code", "error", "outcome") and value:
            yield sentence(str(value))


def _counted(name: str, count: int) -> str:
    words = {
        "missing": t("{n} steps are not there", n=count),
        "doubled": t("{n} steps are there twice", n=count),
        "foreign": t("{n} steps are none of ours", n=count),
        "unsent": t("{n} steps are unsent", n=count),
    }
    return words[name]


def _missed(said: str) -> str:
    words = {
        "does not have it": t("the target does not have it"),
        "no longer publishes it": t("the one-stop no longer publishes it"),
        "has taken it back": t("the one-stop has taken it back"),
        "does not know it": t("the one-stop does not know it"),
    }
    return words.get(said, said)


def _booked(said: str) -> str:
    words = {
        "none": t("no row in the ledger"),
        "has not read it so": t("changed in the one-stop and not read yet"),
        "idle": t("the ledger holds it as sent"),
        "due": t("waits in the ledger"),
        "leased": t("is being delivered"),
        "dead": t("waits in the ledger for a person"),
        "held": t("was set aside by a person"),
    }
    return words.get(said, said)
