"""Syncd's indicators equal those that the one-stop's own database computes from its own tables."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import URL, text

from connectors.onestop import OneStopOptions, open_source
from syncd.indicators import Indicator, Why
from syncd.mapping_file import locate
from syncd.sandbox.onestop import build, connect
from syncd.shares import Shares
from tests.clocks import TurnedClock

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2025, 7, 1, 3, 0, tzinfo=UTC)
THERE = "012356789"  #: dossiers whose code ends so are on the portal


def linked(folder: Path) -> str:
    """The shipped mapping of a one-stop that publishes its files and knows the kinds of its results."""
    shipped = locate("opencps-v2", "onestop")[1].decode()
    own = shipped.replace('link = ""', 'link = "https://motcua.example/{uuid_}"', 1).replace(
        "[shapes.paper]\n", '[shapes.paper]\nkind = { from = "deliverableCode", as = "line" }\n', 1
    )
    assert own.count("motcua.example/{uuid_}") >= 1
    assert "deliverableCode" in own
    copy = folder / "own.toml"
    copy.write_text(own, encoding="utf-8")
    return str(copy)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_figures_equal_an_independent_computation(sqlite_url: URL, tmp_path: Path, seed: int) -> None:
    clock = TurnedClock(NOW)
    engine = connect(sqlite_url)
    build(engine, dossiers=900, seed=seed, clock=clock, days=100)
    with engine.begin() as connection:
        connection.execute(text("UPDATE opencps_dossierfile SET uuid_ = '' WHERE dossierFileId % 4 = 0"))
        connection.execute(text("UPDATE opencps_dossier SET dueDate = NULL, extendDate = NULL WHERE dossierId % 17 = 0"))
        connection.execute(text("UPDATE opencps_dossier SET releaseDate = NULL WHERE dossierId % 19 = 0"))
        connection.execute(text("UPDATE opencps_paymentfile SET feeAmount = 0, paymentAmount = 0 WHERE paymentFileId % 13 = 0"))
    fold = Shares(NOW, ZONE, lambda dossier: None if dossier.code[-1] in THERE else "")
    with closing(open_source(OneStopOptions.model_validate({"url": str(sqlite_url), "mapping": linked(tmp_path)}), clock=clock)) as source:
        costs = list(fold.costs(snapshot for page in source.sweep() for snapshot in page.snapshots))
    query = (Path(__file__).parent / "indicators.sql").read_text("utf-8")
    local = NOW.astimezone(ZONE).replace(tzinfo=None)
    instant = int(local.replace(tzinfo=UTC).timestamp()) * 1_000_000  # the one-stop's times have no zone; SQLite takes them for UTC
    with engine.connect() as connection:
        rows = connection.execute(text(query), {"now": local.isoformat(" "), "instant": instant, "there": THERE}).mappings().all()
    engine.dispose()
    computed = [{**row} for row in rows]
    ours = []
    for line in fold.lines():
        shares = {indicator: line.share(indicator) for indicator in Indicator}
        parts = {name: part for key, share in shares.items() for name, part in ((key.value, share.numerator), (f"{key.value}_of", share.denominator))}
        ours.append({"agency": line.agency.code, "month": line.month, "received": line.received, **parts})
    assert ours == computed
    whole = fold.total()
    assert all(0 < whole.share(indicator).numerator < whole.share(indicator).denominator for indicator in Indicator), "nothing is compared with nothing"
    assert {reason.why for cost in costs for reason in cost.reasons} >= set(Why) - {Why.FIELD, Why.ASKED_AGAIN}
