"""The report in words: titles of the indicators, what costs points, figures; in the language spoken."""

from __future__ import annotations

from syncd.cli.lang import sentence, t
from syncd.indicators import Cost, Indicator, Reason, Why
from syncd.model import Agency
from syncd.pages.words import per_mille
from syncd.shares import Line, Share


def titles() -> dict[Indicator, str]:
    """What the indicators are called."""
    return {
        Indicator.SYNCED: t("on the portal"),
        Indicator.ON_TIME: t("on time"),
        Indicator.ONLINE: t("filed online"),
        Indicator.PAID_ONLINE: t("paid online"),
        Indicator.DIGITISED: t("digitised"),
        Indicator.RESULT_FILE: t("result as a file"),
    }


def short(why: Why) -> str:
    """A reason in general."""
    return {
        Why.ABSENT: t("not on the portal"),
        Why.FIELD: t("a field is missing or wrong, so it cannot be sent"),
        Why.LATE: t("late"),
        Why.OVERDUE: t("overdue and not finished"),
        Why.ASKED_AGAIN: t("waits for a supplement for the second time or more, which counts as overdue"),
        Why.CHANNEL: t("not filed online"),
        Why.RESULT_KIND: t("no result with the code of its kind and a link"),
        Why.RESULT_LINK: t("no result file"),
        Why.PAPER_LINK: t("no digitised paper"),
        Why.UNPAID: t("fee not paid online"),
    }[why]


def reason(each: Reason) -> str:
    """A reason as it is for one dossier."""
    match each.why:
        case Why.LATE:
            return t("late by {days} days", days=each.days)
        case Why.OVERDUE:
            return t("overdue by {days} days and not finished", days=each.days)
        case Why.CHANNEL:
            return t("filed by post") if each.detail == "post" else t("filed at the counter")
        case Why.ABSENT | Why.FIELD if each.detail:
            return f"{short(each.why)} ({sentence(each.detail)})"
        case _:
            return short(each.why)


def reasons(cost: Cost) -> tuple[str, ...]:
    """What costs a dossier points, each thing once even where it costs in several indicators."""
    return tuple(dict.fromkeys(map(reason, cost.reasons)))


def agency(given: Agency) -> str:
    """What an agency is called."""
    return given.name or given.code or t("(agency not known)")


def figure(share: Share) -> str:
    """A figure in a table: 97.5 % 39/40."""
    if share.rate is None:
        return "–"
    whole, tenths = divmod(per_mille(share.rate), 10)
    return f"{t('{whole}.{tenths} %', whole=whole, tenths=tenths)} {share.numerator}/{share.denominator}"


def figures(line: Line) -> tuple[str, ...]:
    """A line's figures, in the order of the indicators."""
    return (str(line.received), *(figure(line.share(indicator)) for indicator in Indicator))
