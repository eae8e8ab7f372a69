"""The status of a dossier and of its steps: whose word counts, and what happens where nobody knows it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from syncd.model import Status, Step
from tests.source.opencps import ZONE, Follower, Province, only, reasons
from tests.source.test_snapshot import overlaid


def own_code(province: Province, status: str, sub: str | None, national: str | None) -> None:
    """A row of the one-stop's own status table."""
    key = len(status) * 1000 + len(sub or "") * 10 + 1
    province.insert("opencps_dossierstatusmapping", dossierStatusMappingId=key, statusCode=status, subStatusCode=sub, statusCodeDVCQG=national)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("receiving", Status.REGISTERED),
        ("new", Status.RECEIVED),
        ("denied", Status.REFUSED),
        ("processing", Status.PROCESSING),
        ("waiting", Status.SUPPLEMENT),
        ("paying", Status.PAYMENT),
        ("cancelled", Status.WITHDRAWN),
        ("unresolved", Status.STOPPED),
        ("releasing", Status.PROCESSED),
        ("posting", Status.PROCESSED),
        ("done", Status.RETURNED),
        ("correcting", Status.PROCESSING),
        ("pausing", Status.PROCESSING),
        ("cancelling", Status.PROCESSING),
        ("interoperating", Status.PROCESSING),
    ],
)
def test_the_shipped_table_knows_every_status_of_the_product(sqlite_province: Province, word: str, status: Status) -> None:
    sqlite_province.dossier(dossierStatus=word)
    assert only(sqlite_province.source()).dossier.status is status


def test_the_one_stops_own_table_goes_before_the_mappings(province: Province) -> None:
    own_code(province, "processing", None, "6")
    own_code(province, "processing", "wait", " 5 ")
    own_code(province, "processing", "blank", "")
    own_code(province, "waiting", None, None)
    for sub in ("wait", "other", None, "blank"):
        province.dossier(dossierSubStatus=sub)
    province.dossier(dossierStatus="waiting")
    found = [snapshot.dossier.status for page in province.source().sweep() for snapshot in page.snapshots]
    assert found == [Status.SUPPLEMENT, Status.PAYMENT, Status.PAYMENT, Status.PAYMENT, Status.SUPPLEMENT]


@pytest.mark.parametrize("status", ["archiving", "", None])
def test_a_status_without_a_code_is_a_problem_and_never_blank(province: Province, status: str | None) -> None:
    province.dossier(dossierStatus=status)
    dossier = only(province.source()).dossier
    assert dossier.status is None
    (problem,) = dossier.problems
    assert problem.field == "status"
    assert "[tables.status]" in problem.hint


def test_a_code_of_the_own_table_that_is_none_of_the_ten_is_a_problem(sqlite_province: Province) -> None:
    own_code(sqlite_province, "posting", None, "0")
    sqlite_province.dossier(dossierStatus="posting")
    assert "'0'" in reasons(only(sqlite_province.source()).dossier)["status"]


def test_new_counts_only_with_a_reception_date(sqlite_province: Province, tmp_path: Path) -> None:
    sqlite_province.dossier(dossierStatus="new", receiveDate=None)
    everything = overlaid(tmp_path, '[[settings.publish]]\ncolumn = "receiveDate"\n', "")
    assert reasons(only(sqlite_province.source(mapping=everything)).dossier) == {"status": "'new' counts only where receiveDate is filled"}


def test_an_administrator_may_add_a_status_and_a_sub_status(sqlite_province: Province, tmp_path: Path) -> None:
    sqlite_province.dossier(dossierStatus="archiving")
    sqlite_province.dossier(dossierStatus="processing", dossierSubStatus="wait")
    mapping = overlaid(tmp_path, "[tables.status]\n", '[tables.status]\narchiving = "returned"\n"processing/wait" = "supplement"\n')
    found = [snapshot.dossier.status for page in sqlite_province.source(mapping=mapping).sweep() for snapshot in page.snapshots]
    assert found == [Status.RETURNED, Status.SUPPLEMENT]


def test_code_tables_are_read_again_after_a_few_minutes(sqlite_province: Province) -> None:
    sqlite_province.dossier(dossierStatus="archiving")
    source = sqlite_province.source()
    assert only(source).dossier.status is None
    own_code(sqlite_province, "archiving", None, "10")
    assert only(source).dossier.status is None
    sqlite_province.clock.turn(timedelta(minutes=5))
    assert only(source).dossier.status is Status.RETURNED


def test_steps_come_in_order_with_the_status_after_each(province: Province) -> None:
    key = province.dossier(dossierStatus="releasing")
    at = province.ago(days=2).replace(microsecond=0)
    last = province.step(key, "400", dossierActionId=9003, actionName="Trả kết quả")
    first = province.step(key, "100", dossierActionId=9001, createDate=at, dueDate=at + timedelta(days=1), actionNote="đủ\nhồ sơ")
    middle = province.step(key, "200", dossierActionId=9002, actionName=None, actionNote="chỉ ghi chú", createDate=None)
    steps = only(province.source()).steps
    assert [step.id for step in steps] == [first, middle, last]
    assert [step.status for step in steps] == [Status.RECEIVED, Status.PROCESSING, Status.PROCESSED]
    assert steps[0] == Step(
        id=first,
        at=at.replace(tzinfo=ZONE),
        officer="Lý Thị Cán",
        unit="Bộ phận một cửa",
        content="Chuyển xử lý – đủ\nhồ sơ",
        status=Status.RECEIVED,
        due_at=(at + timedelta(days=1)).replace(tzinfo=ZONE),
    )
    assert (steps[1].at, steps[1].content, steps[2].content) == (None, "chỉ ghi chú", "Trả kết quả")


def test_the_last_step_without_a_row_takes_the_dossiers_status(province: Province) -> None:
    key = province.dossier(dossierStatus="paying")
    province.step(key, "100")
    province.step(key, "777")
    assert [step.status for step in only(province.source()).steps] == [Status.RECEIVED, Status.PAYMENT]


def test_an_earlier_step_without_a_row_is_a_problem_of_that_step(province: Province) -> None:
    key = province.dossier()
    province.step(key, "777")
    province.step(key, "200")
    snapshot = only(province.source())
    assert snapshot.dossier.problems == ()
    assert [(step.status, [problem.field for problem in step.problems]) for step in snapshot.steps] == [(None, ["status"]), (Status.PROCESSING, [])]
    assert "process steps" in snapshot.steps[0].problems[0].hint


def test_the_last_step_of_a_dossier_without_a_readable_status_is_a_problem(sqlite_province: Province) -> None:
    key = sqlite_province.dossier(dossierStatus="archiving")
    sqlite_province.step(key, "777")
    assert [problem.field for problem in only(sqlite_province.source()).steps[0].problems] == ["status"]


def test_a_bad_step_is_a_problem_of_that_step(sqlite_province: Province) -> None:
    key = sqlite_province.dossier()
    step = sqlite_province.step(key, "200", actionUser="L\ufffd Thị Cán")
    sqlite_province.execute(f"UPDATE opencps_dossieraction SET createDate = '0026-03-02 08:00:00' WHERE dossierActionId = {step}")  # noqa: S608
    snapshot = only(sqlite_province.source())
    assert snapshot.dossier.problems == ()
    assert {problem.field for problem in snapshot.steps[0].problems} == {"at", "officer"}


@pytest.mark.parametrize("mark", ["processing", "processing/file"])
def test_internal_steps_are_skipped_and_counted(sqlite_province: Province, tmp_path: Path, mark: str) -> None:
    sqlite_province.insert("opencps_processstep", processStepId=90, serviceProcessId=7, stepCode="210", dossierStatus="processing", dossierSubStatus="file")
    key = sqlite_province.dossier(dossierStatus="done")
    sqlite_province.step(key, "100")
    sqlite_province.step(key, "210")
    sqlite_province.step(key, "500")
    follower = Follower(sqlite_province.source(mapping=overlaid(tmp_path, "internal = []", f'internal = ["{mark}"]')))
    (snapshot,) = follower.poll()
    assert [step.status for step in snapshot.steps] == [Status.RECEIVED, Status.RETURNED]
    assert [page.skipped_steps for page in follower.pages] == [1]


def test_a_refused_dossier_knows_the_step_that_refused_it(province: Province) -> None:
    key = province.dossier(dossierStatus="denied")
    times = [province.ago(days=9 - number).replace(microsecond=0) for number in range(6)]
    for at, step in zip(times, ("100", "900", "100", "900", "900", "200"), strict=True):
        province.step(key, step, createDate=at)
    assert only(province.source()).dossier.refused_at == times[3].replace(tzinfo=ZONE)


def test_a_dossier_taken_up_again_is_not_refused(sqlite_province: Province) -> None:
    key = sqlite_province.dossier(dossierStatus="processing")
    sqlite_province.step(key, "900")
    sqlite_province.step(key, "200")
    assert only(sqlite_province.source()).dossier.refused_at is None
