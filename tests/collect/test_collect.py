"""What an office issues reaches the one-stop once, in whatever order and however often it comes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from syncd.calls import Outcome, Receipt
from syncd.documents import Attachment, IssuedDocument, Listing, Stage, Verdict
from syncd.model import Owner
from syncd.store.inbox_orders import Addition
from syncd.store.inbox_reading import InboxReading
from tests.clocks import TurnedClock
from tests.collect.office import DOWN, STRANGER
from tests.collect.station import CIPHER, OFFICE, PDF, Station, code, document, pdf

HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"


def pass_time(station: Station, **span: float) -> None:
    """Let time pass, and the gate see it as workers would."""
    assert isinstance(station.clock, TurnedClock)
    station.clock.turn(timedelta(**span))
    station.gate.room(1)
    station.gate.spare()


def test_a_result_is_kept_written_and_acknowledged_in_one_run(station: Station) -> None:
    station.draft(1, "77", memo="r1")
    station.office.issue(document("r1"))
    with capture_logs() as logs:
        done = station.collecting.run()
    assert (done.kept, done.written, done.acknowledged) == (1, 1, 1)
    assert station.written() == [("r1", "issued", "77")]
    assert station.office.verdicts("r1") == ["taken"]
    assert [entry["event"] for entry in logs] == ["document_collected", "document_written", "document_acknowledged"]
    assert {entry["dossier"] for entry in logs} == {code(1)}
    assert "Mẫu" not in str(logs)
    assert "quyết định" not in str(logs)
    row = station.row("r1")
    assert (row.state, row.stage, row.draft, row.written_at, row.acknowledged_at) == ("done", "issued", "77", station.clock.now(), station.clock.now())


def test_packages_repeated_until_acknowledged_are_taken_once(station: Station) -> None:
    station.office.issue(document("r1"), document("r2", number=2))
    station.office.forgets = True
    for _ in range(3):
        station.collecting.run()
    assert station.written() == [("r1", "issued", ""), ("r2", "issued", "")]
    assert station.office.verdicts("r1") == ["taken"] * 3, "an office that forgets is told again"


def test_signed_before_issued_and_then_late(station: Station) -> None:
    station.office.issue(document("s1", Stage.SIGNED))
    station.collecting.run()
    station.office.issue(document("r1"))
    station.collecting.run()
    station.office.issue(document("s2", Stage.SIGNED, reason="again"))
    station.collecting.run()
    assert station.written() == [("s1", "signed", ""), ("r1", "issued", "")]
    assert station.states() == {"s1": "done", "r1": "done", "s2": "done"}
    assert station.row("s2").error.code == "overtaken"
    assert station.row("s2").written_at is None
    assert station.office.verdicts("s2") == ["taken"]


def test_the_same_result_under_two_keys_is_one_result(station: Station) -> None:
    station.office.issue(document("r1"), document("r2"))
    station.collecting.run()
    assert station.written() == [("r1", "issued", "")]
    assert station.row("r2").error.code == "repeated"
    assert station.office.verdicts("r2") == ["taken"]


def test_a_refusal_before_a_result_opens_a_round_and_after_it_is_late(station: Station) -> None:
    station.office.issue(document("n1", Stage.REJECTED, reason="thiếu căn cứ"), document("n3", Stage.REJECTED, 2, reason="không đạt"))
    station.collecting.run()
    station.office.issue(document("r1"))
    station.collecting.run()
    station.office.issue(document("n2", Stage.REJECTED, reason="muộn"))
    station.collecting.run()
    assert station.written(1) == [("n1", "rejected", ""), ("r1", "issued", "")]
    assert station.written(2) == [("n3", "rejected", "")]
    assert station.column("reason")[:2] == ["thiếu căn cứ", "không đạt"]
    assert station.row("n2").error.code == "overtaken"


def test_a_result_without_a_number_is_written_as_unnumbered_or_waits_for_one(station: Station) -> None:
    station.office.issue(document("u1", Stage.UNNUMBERED), document("r2", number=2, files=(pdf(),)))
    bare = replace(document("r3", number=3), number=" ")
    station.office.issue(bare)
    station.collecting.run()
    assert station.written() == [("u1", "unnumbered", ""), ("r2", "issued", "")]
    held = station.row("r3")
    assert (held.state, held.error.code, held.dossier) == ("held", "no_number", code(3))
    assert station.office.verdicts("r3") == [], "it waits at the far end too"


def test_a_missing_result_fails_until_it_is_sent_again_whole(station: Station) -> None:
    station.office.issue(document("r1", files=(), number=1))
    station.collecting.run()
    assert station.written() == []
    assert station.office.verdicts("r1") == ["failed"]
    assert (station.row("r1").state, station.row("r1").error.code) == ("void", "no_file")
    station.office.issue(document("r1"))
    station.collecting.run()
    assert station.written() == [("r1", "issued", "")]
    assert station.office.verdicts("r1") == ["taken"]


def test_what_failed_and_is_sent_again_unchanged_fails_again(station: Station) -> None:
    station.office.issue(document("r1", files=(Attachment(name="a.pdf", content=HTML),)))
    station.collecting.run()
    station.office.resend("r1")
    station.collecting.run()
    assert station.office.verdicts("r1") == ["failed"]
    assert len(station.listed()) == 1


def test_what_was_refused_for_a_limit_is_taken_once_the_limit_is_raised(station: Station) -> None:
    large = document("r1", files=(pdf(PDF + b"x" * 1_000_000),))
    station.office.issue(large)
    station.collecting.run()
    assert (station.row("r1").error.code, station.office.verdicts("r1")) == ("file_too_large", ["failed"])
    station.collecting.options = station.options.model_copy(update={"largest": 2})
    station.office.resend("r1")
    station.collecting.run()
    assert station.written() == [("r1", "issued", "")]
    assert len(station.listed()) == 1


def test_what_was_taken_and_is_listed_again_is_read_again(station: Station) -> None:
    station.office.issue(document("r1", Stage.SIGNED))
    station.collecting.run()
    station.office.issue(document("r1"))
    assert station.collecting.run().kept == 1
    assert station.written() == [("r1", "signed", ""), ("r1", "issued", "")]
    assert station.office.verdicts("r1") == ["taken"]
    station.office.resend("r1")
    assert station.collecting.run().kept == 0
    assert (station.office.verdicts("r1"), len(station.written())) == (["taken"], 2)


def test_what_was_taken_and_cannot_be_read_again_now_waits_at_the_far_end(station: Station) -> None:
    station.office.issue(document("r1", Stage.SIGNED))
    station.collecting.run()
    station.office.issue(document("r1"))
    station.office.before = lambda call: station.office.faults.append(DOWN) if call == "fetch" else None
    station.collecting.run()
    assert station.office.verdicts("r1") == []
    station.office.before = lambda call: None
    station.collecting.run()
    assert station.written()[-1] == ("r1", "issued", "")


def test_bad_dates_are_remarks_and_the_package_is_whole(station: Station) -> None:
    station.office.issue(replace(document("r1"), issued_on=None, remarks=("NgayBanHanh is no date",)))
    with capture_logs() as logs:
        station.collecting.run()
    assert station.written() == [("r1", "issued", "")]
    assert station.column("issued_on") == [None]
    assert logs[0]["remarks"] == 1


def test_a_package_that_cannot_be_read_is_told_so(station: Station) -> None:
    station.office.spoil("x1")
    station.collecting.run()
    assert station.office.verdicts("x1") == ["failed"]
    assert (station.row("x1").state, station.row("x1").error.code) == ("void", "broken_package")
    station.office.issue(document("x1"))
    station.collecting.run()
    assert station.written() == [("x1", "issued", "")]
    assert [each.state for each in station.listed()] == ["void", "done"]


# ---- how it is joined


@pytest.mark.parametrize(
    ("changes", "draft"),
    [
        ({}, "77"),
        ({"dossier": f" {code(1)} "}, "77"),
        ({"dossier": "1001"}, "77"),
        ({"dossier": "", "draft": "77"}, "77"),
        ({"dossier": "not known", "draft": f"{code(1)}/77"}, "77"),
        ({"dossier": "", "id": "memo-77"}, "77"),
        ({"dossier": "", "id": "memo-77#04", "memo": "memo-77"}, "77"),
        ({"dossier": "", "abstract": f"V/v hồ sơ {code(1)} của công dân"}, "77"),
        ({"draft": "78"}, "78"),
        ({"draft": "k" * 80}, "77"),
    ],
)
def test_it_finds_its_dossier_and_draft(station: Station, changes: dict[str, str], draft: str) -> None:
    station.draft(1, "77", memo="memo-77")
    station.draft(2, "78")
    package = replace(document("r1"), **changes)
    station.office.issue(package)
    station.collecting.run()
    assert station.written(1) == [(package.id, "issued", draft)]
    assert station.column("dossier_id") == [1001]


@pytest.mark.parametrize(
    "changes",
    [
        {"dossier": ""},
        {"dossier": "9999"},
        {"dossier": "", "draft": "7"},
        {"dossier": "", "draft": "90"},
        {"dossier": "", "abstract": f"hồ sơ {code(1)} và {code(2)}"},
        {"dossier": "", "abstract": "hồ sơ 000.00.14.H03-250303-9999"},
        {"dossier": str(2**70)},
    ],
)
def test_what_fits_no_dossier_or_two_waits_for_a_person(station: Station, changes: dict[str, str]) -> None:
    station.draft(1, "77")
    station.draft(1, "90")
    station.draft(2, "90")
    station.office.issue(replace(document("r1"), **changes))
    with capture_logs() as logs:
        station.collecting.run()
    assert station.written() == []
    assert (station.row("r1").state, station.row("r1").error.code) == ("held", "no_dossier")
    assert [(entry["event"], entry["reason"]) for entry in logs] == [("document_held", "no_dossier")]
    assert station.office.queue() == ["r1"]


def test_of_several_drafts_the_one_it_means_must_be_clear(station: Station) -> None:
    station.draft(1, "77")
    station.draft(1, "78", memo="r2")
    station.draft(1, "79", created=False)
    station.office.issue(document("r1"), document("r2", files=(pdf(PDF + b"2"),)), document("s3", Stage.SIGNED))
    station.collecting.run()
    assert station.written() == [("r1", "issued", ""), ("r2", "issued", "78")]
    station.office.issue(document("r4", files=(pdf(PDF + b"4"),)), document("n5", Stage.REJECTED, reason="của dự thảo kia"))
    station.collecting.run()
    assert {key: station.row(key).error.code for key in ("s3", "r4", "n5")} == {"s3": "overtaken", "r4": "which_draft", "n5": "which_draft"}
    station.orders().retry([station.row("n5").id], force=True)
    station.collecting.run()
    assert station.written()[-1] == ("n5", "rejected", "")
    station.office.issue(document("n6", Stage.REJECTED, reason="của dự thảo kia"))
    station.collecting.run()
    assert station.row("n6").error.code == "which_draft"


def test_a_second_other_result_of_one_draft_is_for_a_person(station: Station) -> None:
    station.draft(1, "77")
    station.office.issue(document("r1"))
    station.collecting.run()
    station.office.issue(document("r2", files=(pdf(PDF + b"corrected"),)))
    station.collecting.run()
    assert (station.row("r2").state, station.row("r2").error.code) == ("held", "second_result")
    assert station.orders().retry([station.row("r2").id])[0].code == "second_result"
    assert station.orders().retry([station.row("r2").id], force=True)[0].state == "arrived"
    station.outlet.away = True
    station.collecting.run()
    station.outlet.away = False
    pass_time(station, minutes=5)
    station.collecting.run()
    assert station.written() == [("r1", "issued", "77"), ("r2", "issued", "77")]


def test_word_of_a_recall_stands_beside_the_order(station: Station) -> None:
    station.office.issue(document("r1"))
    station.collecting.run()
    station.office.issue(document("c1", Stage.RECALL_ASKED), document("c2", Stage.RECALL_AGREED))
    station.collecting.run()
    assert [stage for _, stage, _ in station.written()] == ["issued", "recall_asked", "recall_agreed"]


def test_after_a_refusal_the_same_word_is_news_again(station: Station) -> None:
    for key, stage in (("d1", Stage.DELIVERED), ("n1", Stage.REJECTED), ("d2", Stage.DELIVERED), ("d3", Stage.DELIVERED)):
        station.office.issue(document(key, stage))
        station.collecting.run()
    assert [key for key, _, _ in station.written()] == ["d1", "n1", "d2"]
    assert station.row("d3").error.code == "repeated"


@pytest.mark.parametrize("again", [{}, {"unsure": True}, {"state": "leased"}])
@pytest.mark.parametrize("reason", ["", "sai thể thức"])
def test_once_the_draft_was_handed_over_again_the_same_refusal_is_news(station: Station, reason: str, again: dict[str, object]) -> None:
    station.draft(1, "77")
    station.hand_over(1, "77")
    for key in ("n1", "n2"):
        station.office.issue(document(key, Stage.REJECTED, reason=reason))
        station.collecting.run()
    assert station.row("n2").error.code == "repeated"
    pass_time(station, minutes=1)
    station.hand_over(1, "77", **again)
    station.office.issue(document("n3", Stage.REJECTED, reason=reason))
    station.collecting.run()
    assert station.written() == [("n1", "rejected", "77"), ("n3", "rejected", "77")]
    assert station.office.verdicts("n3") == ["taken"]


@pytest.mark.parametrize("stage", [Stage.REJECTED, Stage.UNNUMBERED, Stage.SIGNED])
def test_of_two_drafts_each_may_be_told_the_same(station: Station, stage: Stage) -> None:
    station.draft(1, "77", memo="m-77")
    station.draft(1, "78", memo="m-78")
    station.office.issue(document("m-77", stage), document("m-78", stage))
    station.collecting.run()
    assert station.written() == [("m-77", stage.value, "77"), ("m-78", stage.value, "78")]


@pytest.mark.parametrize(
    ("stage", "code"), [(Stage.REJECTED, "which_draft"), (Stage.UNNUMBERED, "which_draft"), (Stage.SIGNED, "repeated"), (Stage.ISSUED, "repeated")]
)
def test_what_may_be_said_of_the_other_draft_waits_for_a_person(station: Station, stage: Stage, code: str) -> None:
    station.draft(1, "77")
    station.office.issue(document("d1", stage))
    station.collecting.run()
    station.draft(1, "78")
    station.office.issue(document("d2", stage))
    station.collecting.run()
    assert station.written() == [("d1", stage.value, "77")]
    assert station.row("d2").error.code == code


def test_each_word_of_a_recall_is_one(station: Station) -> None:
    for key in ("c1", "c2"):
        station.office.issue(document(key, Stage.RECALL_ASKED))
        station.collecting.run()
    assert [key for key, _, _ in station.written()] == ["c1", "c2"]


# ---- held, and assigned


def test_a_person_says_the_dossier_and_the_number(station: Station) -> None:
    station.office.issue(replace(document("r1"), dossier="", number="", issued_on=None))
    station.collecting.run()
    number = station.row("r1").id
    assert station.orders(rehearse=True).assign(number, Addition(dossier=code(2)), "").code == "no_number"
    assert station.row("r1").error.code == "no_dossier", "a rehearsal changes nothing"
    assert station.orders().assign(number, Addition(dossier=code(2)), "read on the paper").code == "no_number"
    assert station.orders().assign(number, Addition(number="9/QĐ-UBND", signer="Đàm Thị Mẫu"), "").state == "arrived"
    station.collecting.run()
    assert station.written(2) == [("r1", "issued", "")]
    assert (station.column("code"), station.column("signer")) == (["9/QĐ-UBND"], ["Đàm Thị Mẫu"])
    assert station.office.verdicts("r1") == ["taken"]


def test_a_numberless_result_handed_over_twice_needs_one_person_once(station: Station) -> None:
    bare = replace(document("r1"), number="")
    station.collecting.take(bare)
    station.collecting.take(replace(bare, id="r2"))
    assert station.row("r2").error.code == "repeated"
    station.orders().assign(station.row("r1").id, Addition(number="9/QĐ-UBND"), "")
    station.collecting.take(replace(bare, id="r3"))
    station.collecting.run()
    assert station.written() == [("r1", "issued", "")]
    assert station.row("r3").error.code == "repeated"


def test_what_is_assigned_too_late_is_late(station: Station) -> None:
    station.office.issue(replace(document("s1", Stage.SIGNED), dossier=""))
    station.collecting.run()
    station.office.issue(document("r1"))
    station.collecting.run()
    assert station.orders().assign(station.row("s1").id, Addition(dossier=code(1)), "").code == "overtaken"
    station.collecting.run()
    assert station.written() == [("r1", "issued", "")]
    assert station.office.verdicts("s1") == ["taken"]


# ---- what is not what it seems


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (Attachment(name="a.pdf", content=HTML), "file_type"),
        (Attachment(name="a", content=HTML, kind="application/pdf"), "file_type"),
        (Attachment(name="a.pdf", content=b"PK\x03\x04zip"), "file_type"),
        (Attachment(name="a.docx", content=PDF), "file_type"),
        (Attachment(name="a.jpg", content=PDF), "file_type"),
        (Attachment(name="a.html", content=HTML), "file_type"),
        (Attachment(name="a.exe", content=b"MZ\x90\0"), "file_type"),
        (Attachment(name="a.csv", content=b"\xff\xfe\xfd"), "file_type"),
        (Attachment(name="a.pdf", content=b""), "file_empty"),
        (Attachment(name="a.pdf", content=PDF + b"x" * 1_000_000), "file_too_large"),
    ],
)
def test_files_that_cannot_be_taken_fail_the_package(small: Station, file: Attachment, reason: str) -> None:
    small.office.issue(document("r1", files=(pdf(), file)))
    with capture_logs() as logs:
        small.collecting.run()
    assert small.written() == []
    assert (small.row("r1").state, small.row("r1").error.code) == ("void", reason)
    assert "file 2" in small.row("r1").error.message
    assert "document_refused" in {entry["event"] for entry in logs}


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        (Attachment(name="a.pdf", content=b"\xef\xbb\xbf%PDF-1.4 x"), "application/pdf"),
        (Attachment(name="a.docx", content=b"PK\x03\x04..word/document.xml"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (Attachment(name="a.zip", content=b"PK\x03\x04.."), "application/zip"),
        (Attachment(name="a.doc", content=b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "application/x-ole-storage"),
        (Attachment(name="a.doc", content=rb"{\rtf1"), "text/plain"),
        (Attachment(name="a.jpg", content=b"\xff\xd8\xff\xe0"), "image/jpeg"),
        (Attachment(name="a.png", content=b"\x89PNG\r\n\x1a\n"), "image/png"),
        (Attachment(name="a.tif", content=b"II*\0"), "image/tiff"),
        (Attachment(name="a.xml", content="<?xml version='1.0'?><a>ổ</a>".encode()), "application/xml"),
        (Attachment(name="a.csv", content="số;ngày\n".encode()), "text/plain"),
    ],
)
def test_files_are_known_by_their_content(small: Station, file: Attachment, kind: str) -> None:
    small.office.issue(document("r1", files=(file,)))
    small.collecting.run()
    assert [stage for _, stage, _ in small.written()] == ["issued"]
    (line,) = InboxReading(small.database, lambda: CIPHER).show(small.row("r1").id, reveal=True).files
    assert (line.kind, line.size, line.sha256, line.name) == (kind, len(file.content), file.sha256, file.name)


# ---- pushed to us


def test_what_is_pushed_is_kept_before_it_is_answered_and_counts_once(station: Station) -> None:
    assert station.collecting.take(document("p1")) == ""
    assert station.collecting.take(document("p1")) == ""
    assert station.states() == {"p1": "arrived"}
    station.office.issue(document("p1"))
    station.collecting.run()
    assert station.collecting.take(document("p1")) == ""
    station.collecting.run()
    assert station.written() == [("p1", "issued", "")]


def test_what_is_pushed_and_cannot_be_taken_is_answered_so(station: Station) -> None:
    broken = document("p1", files=(Attachment(name="a.pdf", content=HTML),))
    station.office.issue(broken)
    assert station.collecting.take(broken) == "file 1 is not what it says it is"
    assert station.collecting.take(broken) == "file 1 is not what it says it is"
    station.collecting.run()
    assert station.collecting.take(broken) == "file 1 is not what it says it is"


# ---- when somebody is away


def test_while_the_one_stop_is_away_documents_are_kept_and_nothing_is_acknowledged(station: Station) -> None:
    station.outlet.away = True
    station.office.issue(*(document(f"r{number}", number=number) for number in (1, 2, 3)))
    station.dossiers(4)
    station.office.issue(document("r4", number=4))
    with capture_logs() as logs:
        station.collecting.run()
    assert set(station.states().values()) == {"arrived"}
    assert [entry["during"] for entry in logs if entry["event"] == "collect_failed"] == ["write"] * 3, "after three the one-stop is left alone"
    row = station.row("r1")
    assert (row.failures, row.error.code) == (1, "onestop")
    assert row.due_at is not None
    assert station.office.queue() == ["r1", "r2", "r3", "r4"]
    station.outlet.away = False
    station.collecting.run()
    assert [key for key, _, _ in station.written()] == ["r4"], "the others wait by the schedule"
    pass_time(station, minutes=1)
    station.collecting.run()
    assert len(station.written()) == 4
    assert station.office.queue() == []
    assert station.row("r1").error.code == ""


def test_a_later_stage_overtakes_one_that_could_not_be_written(station: Station) -> None:
    station.outlet.away = True
    station.office.issue(document("s1", Stage.SIGNED))
    station.collecting.run()
    station.outlet.away = False
    station.office.issue(document("r1"))
    station.collecting.run()
    pass_time(station, minutes=5)
    with capture_logs() as logs:
        station.collecting.run()
    assert station.written() == [("r1", "issued", "")]
    assert ("document_late", "overtaken") in {(entry["event"], entry.get("reason")) for entry in logs}
    assert station.office.verdicts("s1") == ["taken"]


def test_while_the_far_end_is_away_what_is_here_is_written_and_told_later(station: Station) -> None:
    station.collecting.take(document("r1"))
    station.office.issue(document("r1"))
    station.office.always = DOWN
    with capture_logs() as logs:
        station.collecting.run()
    assert station.written() == [("r1", "issued", "")]
    assert station.states() == {"r1": "written"}
    assert [entry["during"] for entry in logs if entry["event"] == "collect_failed"] == ["list", "acknowledge"]
    station.office.always = None
    pass_time(station, minutes=5)
    station.collecting.run()
    assert (station.states(), station.office.verdicts("r1")) == ({"r1": "done"}, ["taken"])


def test_a_far_end_that_keeps_failing_is_left_alone(station: Station) -> None:
    station.office.always = DOWN
    for _ in range(5):
        station.collecting.run()
    assert station.gate.shut()
    calls: list[str] = []
    station.office.before = calls.append
    station.collecting.run()
    assert calls == []
    station.office.always = None
    pass_time(station, minutes=2)
    station.collecting.run()
    assert calls == ["waiting"]
    assert not station.gate.shut()


def test_a_far_end_that_does_not_know_us_pauses_the_target(station: Station) -> None:
    station.office.issue(document("r1"))
    station.office.faults.append(STRANGER)
    station.collecting.run()
    assert station.board.target(OFFICE).paused
    calls: list[str] = []
    station.office.before = calls.append
    assert station.collecting.run().kept == 0
    assert calls == []


def test_trouble_with_one_fetch_is_over_at_the_next_run(station: Station) -> None:
    station.office.issue(document("r1"), document("r2", number=2))
    station.office.before = lambda call: station.office.faults.append(DOWN) if call == "fetch" and not station.listed() else None
    station.collecting.run()
    assert station.written() == []
    station.office.before = lambda call: None
    station.collecting.run()
    assert len(station.written()) == 2


def test_an_acknowledgement_the_far_end_refuses_is_tried_again_later(station: Station) -> None:
    station.office.issue(document("r1"), document("x2", files=()))
    station.office.before = lambda call: (
        station.office.faults.append(Receipt(outcome=Outcome.REJECTED, code="9", message="no")) if call == "acknowledge" else None
    )
    station.collecting.run()
    assert station.states() == {"r1": "written", "x2": "refused"}
    assert station.row("x2").error.code == "no_file", "why it was refused is still to be told"
    station.office.before = lambda call: station.office.faults.append(Receipt(outcome=Outcome.BUSY, retry_after=5)) if call == "acknowledge" else None
    pass_time(station, minutes=1)
    station.collecting.run()
    station.office.before = lambda call: None
    pass_time(station, minutes=3)
    station.collecting.run()
    assert station.states() == {"r1": "done", "x2": "void"}


def test_what_the_far_end_says_of_a_dossier_loses_its_citizen_or_is_left_out(station: Station) -> None:
    station.know(1, Owner(kind="citizen", name="Đàm Thị Mẫu"))
    station.office.issue(document("r1"), document("r2", number=2))
    said = Receipt(outcome=Outcome.REJECTED, code="9", message="không ghi được cho bà ĐÀM THỊ MẪU")
    station.office.before = lambda call: station.office.faults.append(said) if call == "acknowledge" else None
    with capture_logs() as logs:
        station.collecting.run()
    assert [station.row(key).error.message for key in ("r1", "r2")] == ["không ghi được cho bà ***", ""], "of the second nothing can be read"
    assert [(entry["error_code"], "MẪU" in str(entry)) for entry in logs if entry["event"] == "collect_failed"] == [("9", False)] * 2


class Broken(Exception):
    """A fault of a connector."""


def test_a_fault_of_a_connector_is_contained(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Listing:
        raise Broken

    with monkeypatch.context() as patched:
        patched.setattr(station.office, "waiting", fail)
        station.collecting.run()
    station.office.issue(document("r1"))
    with monkeypatch.context() as patched:
        patched.setattr(station.outlet, "write", fail)
        station.collecting.run()
    assert station.states() == {"r1": "arrived"}
    assert "Broken" in station.row("r1").error.message
    pass_time(station, minutes=5)
    with monkeypatch.context() as patched:
        patched.setattr(station.office, "acknowledge", fail)
        station.collecting.run()
    assert station.states() == {"r1": "written"}


def test_told_to_stop_it_stops_between_two_documents(station: Station) -> None:
    station.office.issue(document("r1"), document("r2", number=2))
    station.outlet.after = lambda call: station.stopping.set()
    station.collecting.run()
    assert station.states() == {"r1": "written", "r2": "arrived"}
    station.stopping.clear()
    station.collecting.proceed = lambda: False
    station.collecting.run()
    assert station.states() == {"r1": "written", "r2": "arrived"}


def test_two_nodes_at_once_do_everything_once(station: Station, state_url: str) -> None:
    """The second node writes and tells while the first one stands between its write and its note of it."""
    other = Station(station.folder, state_url)
    station.office.issue(document("r1"))

    def meanwhile(call: str) -> None:
        station.outlet.after = lambda call: None
        other.collecting.run()

    station.outlet.after = meanwhile
    done = station.collecting.run()
    other.close()
    assert done.written == 1
    assert station.written() == [("r1", "issued", "")]
    assert station.states() == {"r1": "done"}
    assert station.office.verdicts("r1") == ["taken"]


def test_a_verdict_carries_the_reason(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Verdict] = []

    def acknowledge(key: str, verdict: Verdict) -> Receipt:
        told.append(verdict)
        return Receipt(outcome=Outcome.DELIVERED)

    monkeypatch.setattr(station.office, "acknowledge", acknowledge)
    station.office.issue(document("r1", files=()))
    station.collecting.run()
    assert told == [Verdict(taken=False, reason="it was issued and has no file")]


def test_a_document_with_a_very_long_key_and_broken_text_is_kept(station: Station) -> None:
    long = IssuedDocument(id="k" * 300, stage=Stage.SIGNED, dossier=code(1), draft="a\0b")
    assert station.collecting.take(long) == ""
    assert station.inbox.known(OFFICE, ["k" * 300]) == {"k" * 300: "arrived"}
    (entry,) = station.inbox.open(OFFICE, ["arrived"], station.clock.now(), 10)
    assert (entry.document.id, entry.draft) == ("k" * 300, "a\ufffdb")
