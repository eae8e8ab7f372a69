"""The way back from I-office by SOAP: lists, packages and acknowledgements, each as often as anybody likes."""

from __future__ import annotations

import base64
import os
import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from syncd.calls import Outcome, Receipt
from syncd.documents import IssuedDocument, Stage, Verdict
from syncd.ports import Collector
from tests.connectors.dossiers import DOSSIER
from tests.connectors.office import ACKNOWLEDGE, GET, LIST, SUBJECT, Bench, envelope, fault, told
from tests.connectors.packages import CODE, PDF, attachment, issued, status
from tests.connectors.portal import answer, reset

PACKAGE = issued(files=[attachment(PDF)])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


@pytest.fixture
def collector(bench: Bench) -> Collector:
    return bench.collector()


def fetched(collector: Collector, document: str = "d-1") -> IssuedDocument:
    found = collector.fetch(document)
    assert isinstance(found, IssuedDocument), found
    return found


def refused(collector: Collector, document: str = "d-1") -> Receipt:
    found = collector.fetch(document)
    assert isinstance(found, Receipt), found
    return found


# ---- the list


def test_what_waits_is_listed_until_it_is_acknowledged(bench: Bench, collector: Collector) -> None:
    bench.office.waiting = {"d-1": ({"resultType": "01"}, PACKAGE), "d-2": ({}, PACKAGE)}
    for _ in range(2):
        listing = collector.waiting(0)
        assert (listing.receipt.outcome, listing.documents) == (Outcome.DELIVERED, ("d-1", "d-2"))
    assert collector.acknowledge("d-1", Verdict(taken=True)).outcome is Outcome.DELIVERED
    assert collector.waiting(0).documents == ("d-2",)
    sent = bench.office.fields(LIST)
    assert (sent["fromOrganId"], sent["fromTime"], sent["top"]) == ("000.00.00.H03", "2025/02/01 08:00:00", "50")
    assert collector.longest == bench.target().longest


@pytest.mark.parametrize(("known", "top"), [(0, "50"), (7, "57"), (50, "100"), (900, "100")])
def test_what_is_known_already_takes_no_room_in_the_list(bench: Bench, collector: Collector, known: int, top: str) -> None:
    collector.waiting(known)
    assert bench.office.fields(LIST)["top"] == top


def test_an_empty_list_and_one_without_a_code_are_lists(bench: Bench, collector: Collector) -> None:
    bench.will(LIST, told(LIST), told(LIST, document=[{"docId": "d-7"}, {"docId": ""}]), answer(envelope(LIST, {})))
    assert [collector.waiting(0).documents for _ in range(3)] == [(), ("d-7",), ()]


def test_a_list_that_cannot_be_had_says_why(bench: Bench, collector: Collector) -> None:
    bench.will(LIST, told(LIST, resultCode="15"), told(LIST, resultCode="20"), *[fault("s:Client", "x")] * 3, *[reset] * 3)
    outcomes = [collector.waiting(0).receipt.outcome for _ in range(4)]
    assert outcomes == [Outcome.UNAUTHORISED, Outcome.UNAVAILABLE, Outcome.UNAVAILABLE, Outcome.UNAVAILABLE]


def test_what_is_said_of_a_list_or_document_that_cannot_be_had_is_left_out(bench: Bench, collector: Collector) -> None:
    said = "Lỗi ở hồ sơ của bà Đàm Thị Mẫu"
    for operation in (LIST, GET):
        bench.will(operation, told(operation, resultCode="20", resultMessage=said), *[fault("s:Server", said)] * 3)
    receipts = [collector.waiting(0).receipt, collector.waiting(0).receipt, refused(collector, "d-1"), refused(collector, "d-1")]
    assert [receipt.message for receipt in receipts] == [f"I-office answers with code {code}" for code in ("20", "fault:Server")] * 2
    bench.will(ACKNOWLEDGE, told(ACKNOWLEDGE, resultCode="20", resultMessage=said))
    assert collector.acknowledge("d-1", Verdict(taken=True)).message == said, "who knows the dossier takes its citizen out"


# ---- packages


def test_an_issued_document_comes_whole(bench: Bench, collector: Collector) -> None:
    listed = {"dossierCode": CODE, "codeNumber": "9", "codeNotation": "X", "promulgationDate": "2025/01/01", "resultType": "01", "correlation": SUBJECT}
    bench.office.waiting = {"d-1": (listed, PACKAGE)}
    collector.waiting(0)
    found = fetched(collector)
    assert (found.id, found.stage, found.dossier, found.draft, found.number) == ("d-1", Stage.ISSUED, CODE, "77", "123/QĐ-UBND")
    assert (found.issued_on, found.signer, found.files[0].content) == (date(2025, 3, 7), "Hà Thị Mến", PDF)
    assert len(bench.office.calls(LIST)) == 1


@pytest.mark.parametrize(("kind", "stage"), [("01", Stage.ISSUED), ("2", Stage.UNNUMBERED), ("03", Stage.REJECTED), ("04", Stage.SIGNED), ("09", Stage.ISSUED)])
def test_the_list_says_of_what_type_a_result_is_also_after_a_restart(bench: Bench, kind: str, stage: Stage) -> None:
    bench.office.waiting = {"d-1": ({"resultType": kind}, PACKAGE)}
    first, second = bench.collector(), bench.collector()
    (key,) = first.waiting(0).documents
    assert fetched(first, key).stage is stage
    assert fetched(second, key).stage is stage
    assert bench.office.fields(LIST)["top"] == "100"


def test_what_is_listed_as_signed_and_then_as_issued_under_one_id_is_two_documents(bench: Bench, collector: Collector) -> None:
    bench.office.waiting = {"d-1": ({"resultType": "4"}, status("05"))}
    assert collector.waiting(0).documents == ("d-1#04",)
    signed = fetched(collector, "d-1#04")
    assert (signed.id, signed.memo, signed.stage) == ("d-1#04", "d-1", Stage.SIGNED)
    bench.office.waiting = {"d-1": ({"resultType": "01"}, PACKAGE)}
    assert collector.acknowledge("d-1#04", Verdict(taken=True)).outcome is Outcome.DELIVERED
    assert bench.office.calls(ACKNOWLEDGE) == [], "it would have been the issued one's"
    assert collector.waiting(0).documents == ("d-1",)
    issued_ = fetched(collector)
    assert (issued_.memo, issued_.stage) == ("d-1", Stage.ISSUED)
    assert collector.acknowledge("d-1", Verdict(taken=True)).outcome is Outcome.DELIVERED
    assert bench.office.waiting == {}


def test_word_on_the_way_is_acknowledged_once_the_list_has_nothing_later(bench: Bench, collector: Collector) -> None:
    bench.office.waiting = {"d-1": ({"resultType": "04"}, status("05"))}
    bench.will(LIST, told(LIST, resultCode="20"))
    bench.will(ACKNOWLEDGE, reset)
    assert collector.acknowledge("d-1#04", Verdict(taken=True)).outcome is Outcome.UNAVAILABLE
    assert bench.office.calls(ACKNOWLEDGE) == []
    assert collector.acknowledge("d-1#04", Verdict(taken=True)).outcome is Outcome.UNAVAILABLE
    assert len(bench.office.calls(ACKNOWLEDGE)) == 1, "before it goes again the list is asked again"
    assert collector.acknowledge("d-1#04", Verdict(taken=True)).outcome is Outcome.DELIVERED
    assert bench.office.fields(ACKNOWLEDGE)["docId"] == "d-1"
    assert bench.office.waiting == {}


def test_an_id_may_have_the_mark_in_it(bench: Bench, collector: Collector) -> None:
    bench.office.waiting = {"a#b": ({"resultType": "01"}, PACKAGE), "c#d": ({}, PACKAGE)}
    for key, own in zip(collector.waiting(0).documents, ("a#b", "c#d"), strict=True):
        assert fetched(collector, key).memo == own
        assert collector.acknowledge(key, Verdict(taken=True)).outcome is Outcome.DELIVERED
    assert bench.office.waiting == {}


def test_a_document_is_understood_without_any_list(bench: Bench, collector: Collector) -> None:
    bench.office.waiting = {"d-1": ({"resultType": "04"}, PACKAGE)}
    bench.will(LIST, told(LIST, resultCode="20"))
    assert fetched(collector).stage is Stage.ISSUED


def test_what_the_package_lacks_the_list_gives(bench: Bench, collector: Collector) -> None:
    listed = {"codeNumber": "55", "codeNotation": "QĐ", "promulgationDate": "06/03/2025", "resultType": "01", "correlation": f"{CODE}/a/b"}
    bench.office.waiting = {"d-1": (listed, issued(number="", notation="", date="", references="", files=[attachment(PDF)]))}
    found = fetched(collector)
    assert (found.number, found.issued_on, found.dossier, found.draft) == ("55/QĐ", date(2025, 3, 6), CODE, "a/b")


def test_a_refusal_carries_its_reason(bench: Bench, collector: Collector) -> None:
    bench.office.waiting = {"d-1": ({}, status("02", description="Sai thể thức"))}
    found = fetched(collector)
    assert (found.stage, found.dossier, found.reason) == (Stage.REJECTED, DOSSIER.code, "Sai thể thức")


def test_a_signed_file_of_20_mb_comes_byte_for_byte_and_once(bench: Bench) -> None:
    content = b"%PDF-1.7" + os.urandom(20_000_000 - 8)
    collector = bench.collector(timeout="30s")
    bench.office.waiting = {"d-1": ({}, issued(files=[attachment(content)]))}
    collector.waiting(0)
    bench.office.will(GET, *[answer(envelope(GET, {"resultCode": "0", "edXml": bench.office.waiting["d-1"][1]}))] * 2)
    assert fetched(collector).files[0].content == content
    tracemalloc.start()
    assert len(fetched(collector).files) == 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 9 * len(content)


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("{}", True),
        ("\n  {}\n", True),
        ("<![CDATA[{}]]>", True),
        ("%%%", False),
        ("{}x", False),
        ("<b>{}</b>", False),
    ],
)
def test_the_package_is_taken_out_of_whatever_surrounds_it(bench: Bench, collector: Collector, inner: str, expected: bool) -> None:
    encoded = base64.b64encode(PACKAGE).decode()
    broken = "&#13;\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))
    body = envelope(GET, {"resultCode": "0", "edXml": b"abc"}, prefix="x").decode().replace("YWJj", inner.format(broken if "CDATA" not in inner else encoded))
    bench.will(GET, *[answer(body.encode())] * 3)
    found = collector.fetch("d-1")
    assert isinstance(found, IssuedDocument) is expected
    assert expected or (isinstance(found, Receipt) and found.outcome in (Outcome.REJECTED, Outcome.UNAVAILABLE))


@pytest.mark.parametrize(
    ("package", "code"),
    [
        (b"<html/>", "edxml:no_edxml"),
        (b"not xml", "edxml:no_xml"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "edxml:doctype"),
        (issued(), "edxml:no_file"),
        (status("99"), "edxml:unknown_status"),
        (issued(files=[attachment(bytes(1_100_000))]), "edxml:file_too_large"),
    ],
)
def test_what_can_never_be_read_is_rejected_with_a_reason(bench: Bench, package: bytes, code: str) -> None:
    collector = bench.collector(largest=1)
    bench.office.waiting = {"d-1": ({}, package)}
    receipt = refused(collector)
    assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, code)
    assert receipt.message
    assert receipt.hint


def test_a_success_without_a_package_is_final_and_silence_is_not(bench: Bench, collector: Collector) -> None:
    bench.will(GET, told(GET, resultCode="0"), told(GET), told(GET, resultCode="31"), told(GET, resultCode="20"), *[answer(b"", 500)] * 3)
    receipts = [refused(collector) for _ in range(5)]
    assert [(receipt.outcome, receipt.code) for receipt in receipts] == [
        (Outcome.REJECTED, "no_document"),
        (Outcome.UNAVAILABLE, "no_document"),
        (Outcome.REJECTED, "31"),
        (Outcome.UNAVAILABLE, "20"),
        (Outcome.UNAVAILABLE, "500"),
    ]


def test_a_document_that_is_larger_than_may_be_is_given_up(bench: Bench) -> None:
    collector = bench.collector(largest=1, timeout="30s")
    bench.office.waiting = {"d-1": ({}, b"x" * 9_000_000)}
    receipt = refused(collector)
    assert (receipt.outcome, receipt.code, receipt.message) == (Outcome.REJECTED, "too_large", "the answer is larger than 8 MB")
    assert receipt.hint == "raise largest, if that is wanted"


def test_an_answer_without_a_code_may_carry_a_package(bench: Bench, collector: Collector) -> None:
    bench.will(GET, told(GET, edXml=PACKAGE))
    assert fetched(collector).number == "123/QĐ-UBND"


# ---- acknowledgements


def test_what_became_of_a_document_is_told(bench: Bench, collector: Collector) -> None:
    bench.office.waiting = {"d-1": ({}, PACKAGE), "d-2": ({}, PACKAGE)}
    assert collector.acknowledge("d-1", Verdict(taken=True)).outcome is Outcome.DELIVERED
    assert collector.acknowledge("d-2", Verdict(taken=False, reason="không đọc được")).outcome is Outcome.DELIVERED
    told_so = [bench.office.fields(ACKNOWLEDGE, at) for at in (0, 1)]
    assert [(fields["docId"], fields["outcome"], fields.get("reason")) for fields in told_so] == [("d-1", "done", None), ("d-2", "fail", "không đọc được")]


def test_a_document_that_is_gone_needs_no_acknowledgement(bench: Bench, collector: Collector) -> None:
    receipt = collector.acknowledge("gone", Verdict(taken=True))
    assert (receipt.outcome, receipt.code) == (Outcome.DELIVERED, "31")


def test_an_acknowledgement_that_fails_is_repeated(bench: Bench, collector: Collector) -> None:
    bench.office.waiting = {"d-1": ({}, PACKAGE)}
    bench.will(ACKNOWLEDGE, reset, reset, reset, told(ACKNOWLEDGE, resultCode="21"), reset)
    outcomes = [collector.acknowledge("d-1", Verdict(taken=True)).outcome for _ in range(3)]
    assert outcomes == [Outcome.UNAVAILABLE, Outcome.UNAVAILABLE, Outcome.DELIVERED]


def test_nothing_is_pushed(collector: Collector) -> None:
    collector.listen(lambda document: "")
    collector.close()
    collector.close()
