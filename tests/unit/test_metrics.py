"""The figures for Prometheus, read back with its own parser."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from syncd.calls import Outcome
from syncd.metrics import Metrics

Labels = frozenset[tuple[str, str]]


def figures(metrics: Metrics) -> dict[tuple[str, Labels], float]:
    families = text_string_to_metric_families(metrics.render().decode())
    return {(sample.name, frozenset(sample.labels.items())): sample.value for family in families for sample in family.samples}


def labels(**pairs: str) -> Labels:
    return frozenset(pairs.items())


def test_attempts_are_counted_by_target_and_outcome_and_timed() -> None:
    metrics = Metrics()
    metrics.attempt("dvcqg", Outcome.DELIVERED, 0.2)
    metrics.attempt("dvcqg", Outcome.DELIVERED, 3)
    metrics.attempt("lgsp", Outcome.UNKNOWN, 30)
    found = figures(metrics)
    assert found["syncd_attempts_total", labels(target="dvcqg", outcome="delivered")] == 2
    assert found["syncd_attempts_total", labels(target="lgsp", outcome="unknown")] == 1
    assert found["syncd_attempt_seconds_count", labels()] == 3
    assert found["syncd_attempt_seconds_sum", labels()] == pytest.approx(33.2)
    assert found["syncd_attempt_seconds_bucket", labels(le="0.25")] == 1


def test_the_backlog_of_a_target_is_shown_and_an_empty_one_is_zero_old() -> None:
    metrics = Metrics()
    metrics.backlog("dvcqg", due=7, dead=2, oldest_due_seconds=61.5)
    metrics.backlog("lgsp", due=0, dead=0, oldest_due_seconds=None)
    found = figures(metrics)
    assert found["syncd_due", labels(target="dvcqg")] == 7
    assert found["syncd_dead", labels(target="dvcqg")] == 2
    assert found["syncd_oldest_due_seconds", labels(target="dvcqg")] == 61.5
    assert found["syncd_oldest_due_seconds", labels(target="lgsp")] == 0


def test_changes_and_lag_of_the_source_are_shown() -> None:
    metrics = Metrics()
    metrics.changes(3)
    metrics.changes(4)
    metrics.poll_lag(12.5)
    metrics.sweep_age(7200)
    found = figures(metrics)
    assert found["syncd_changes_total", labels()] == 7
    assert found["syncd_poll_lag_seconds", labels()] == 12.5
    assert found["syncd_sweep_age_seconds", labels()] == 7200


@pytest.mark.parametrize(("state", "figure"), [("closed", 0), ("half-open", 1), ("open", 2)])
def test_the_breaker_is_a_figure(state: str, figure: int) -> None:
    metrics = Metrics()
    metrics.breaker("dvcqg", state)
    assert figures(metrics)["syncd_breaker_state", labels(target="dvcqg")] == figure


def test_a_breaker_state_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="ajar"):
        Metrics().breaker("dvcqg", "ajar")


def test_two_daemons_do_not_share_figures() -> None:
    one, other = Metrics(), Metrics()
    one.changes(1)
    assert figures(other)["syncd_changes_total", labels()] == 0
