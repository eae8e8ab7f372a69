"""What the officials of a sandbox office do with a draft: who signs, what is issued, and what goes wrong on the way.

A *course* is the acts that a draft meets, in order. An act shows as one package to the one-stop. The default clerk issues
everything at once; the one of a bad day draws a course for each draft, from a seed and the dossier's code alone, so that
the order in which drafts arrive changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final, Literal, NamedTuple

Deed = Literal["signed", "issued", "unnumbered", "rejected", "recall_agreed", "recall_refused"]
Quirk = Literal[
    "",
    "bad_date",  #: the dates are none that can be
    "other_date",  #: they are written in another form than agreed
    "year_number",  #: the year stands within the number, 123/2025/QĐ-UBND
    "no_document",  #: the package says "issued" and holds no document
    "no_code",  #: the dossier's code is missing; what we gave along is echoed
    "in_abstract",  #: both are missing; the code stands in the abstract
    "unknown",  #: and it does not stand there either: a person must say
    "one_id",  #: it is listed under the draft's own id, like all that is said of that draft so
]


class Act(NamedTuple):
    """One thing that is done with a draft."""

    deed: Deed
    quirk: Quirk = ""
    later: bool = False  #: shows only when everything before it is acknowledged


Course = tuple[Act, ...]
COURSES: Final[Mapping[str, Course]] = {
    "plain": (Act("issued"),),
    "waiting": (),  # nothing, until `Desk.issue` is called
    "signed_first": (Act("signed"), Act("issued")),
    "signed_long_before": (Act("signed"), Act("issued", later=True)),
    "one_id": (Act("signed", "one_id"), Act("issued", "one_id", later=True)),
    "signed_late": (Act("issued"), Act("signed", later=True)),
    "twice": (Act("issued"), Act("issued")),
    "twice_later": (Act("issued"), Act("issued", later=True)),
    "unnumbered": (Act("unnumbered"),),
    "rejected": (Act("rejected"),),
    "bad_date": (Act("issued", "bad_date"),),
    "other_date": (Act("issued", "other_date"),),
    "year_number": (Act("issued", "year_number"),),
    "no_document": (Act("issued", "no_document"),),
    "no_code": (Act("issued", "no_code"),),
    "in_abstract": (Act("issued", "in_abstract"),),
    "unknown": (Act("issued", "unknown"),),
}
#: how often each course is drawn on a bad day, in parts
BAD_DAY_COURSES: Final[Mapping[str, int]] = {
    "plain": 8, "signed_first": 4, "signed_long_before": 2, "signed_late": 3, "twice": 2, "twice_later": 2, "unnumbered": 1, "rejected": 1,
    "bad_date": 2, "other_date": 2, "year_number": 2, "no_document": 1, "no_code": 2, "in_abstract": 1,
}  # fmt: skip


class Clerk:
    """Does the same with every draft: issues it at once, unless told another course."""

    def __init__(self, course: str | Course = "plain") -> None:
        """`course` is a name in `COURSES`, or the acts themselves. Raises KeyError for a name that does not exist."""
        self._course = COURSES[course] if isinstance(course, str) else course

    def course(self, dossier: str, nth: int) -> Course:
        """What happens to the nth draft of a dossier, counted from 1."""
        return self._course

    def after_failure(self, act: Act) -> Course:
        """What is done when the one-stop says that a package failed: one without its document is sent again, whole."""
        return (Act(act.deed),) if act.quirk == "no_document" else ()

    def agrees_to_recall(self, dossier: str) -> bool:
        """Whether a draft is given back when the one-stop asks for it."""
        return True


class BadDayClerk(Clerk):
    """Draws a course for each draft; a dossier whose first draft is rejected has better luck with the next."""

    def __init__(self, seed: int = 1, odds: Mapping[str, int] = BAD_DAY_COURSES) -> None:
        super().__init__()
        self._seed = seed
        self._odds = dict(odds)

    def course(self, dossier: str, nth: int) -> Course:
        """Drawn for this draft."""
        names = [name for name in self._odds if nth == 1 or name != "rejected"]
        drawn = Random(f"{self._seed}/{dossier}/{nth}").choices(names, [self._odds[name] for name in names])
        return COURSES[drawn[0]]
