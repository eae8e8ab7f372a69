"""The referee finds each kind of injury, and none where there is none."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from syncd.sandbox.compare import compare
from syncd.sandbox.expectation import References, Rows, expect, portal_status
from syncd.sandbox.holdings import Body, Entry, Holdings
from syncd.sandbox.life import MISHAPS, Life
from syncd.sandbox.onestop import build, connect, portal_codes
from syncd.sandbox.referee import Comparison, dossiers, references
from syncd.sandbox.schema import tables_in
from tests.clocks import TurnedClock
from tests.sandbox.caller import publish_all, status

REFERENCES = References(
    {"KS-01": "1.001193"},
    {"KS-01": ("G15-HT01", "Hộ tịch")},
    {("processing", ""): "4", ("processing", "processing_tax"): "6", ("denied", ""): "3"},
    {(7, "200"): ("processing", ""), (7, "220"): ("processing", "processing_tax"), (7, "900"): ("denied", ""), (7, "110"): ("new", "")},
)


at = datetime.fromisoformat  # the one-stop's times have no zone


def dossier(**changes: Any) -> dict[str, Any]:
    return {
        "dossierNo": "000.00.14.H03-250225-0001", "serviceCode": "KS-01", "serviceName": "Đăng ký khai sinh", "govAgencyName": "UBND xã Cao Kỳ",
        "applicantName": "Nông  Văn Mẫu", "applicantIdType": "citizen", "applicantIdNo": "006000000001", "contactEmail": "mau@example.vn",
        "contactTelNo": "0900000001", "dossierName": None, "briefNote": None, "applicantNote": None, "receiveDate": at("2025-02-25T08:05:06.999000"),
        "dueDate": at("2025-02-26T17:00:00"), "extendDate": None, "submitDate": None, "releaseDate": None, "finishDate": None, "dossierStatus": "processing",
        "dossierSubStatus": "processing_tax", "viaPostal": 2, "online_": False, "fromViaPostal": 2, "dossierActionId": 2, **changes,
    }  # fmt: skip


def action(key: int, code: str, **changes: Any) -> dict[str, Any]:
    return {
        "dossierActionId": key, "serviceProcessId": 7, "stepCode": code, "stepName": "Một cửa", "actionUser": "x" * 60, "actionName": "Chuyển",
        "actionNote": "", "createDate": at(f"2025-02-25T09:00:{key:02}"), "dueDate": None, **changes,
    }  # fmt: skip


def file(name: str, kind: int, *, removed: bool = False, signed: int | None = 1) -> dict[str, Any]:
    return {"displayName": name, "dossierPartType": kind, "removed": removed, "signCheck": signed}


ROWS = Rows(
    dossier(),
    [action(1, "110", actionNote="đủ"), action(2, "220", dueDate=at("2025-02-27T00:00:00"))],
    [
        file("Tờ khai", 1),
        file("Biểu mẫu", 6),
        file("Rút", 1, removed=True),
        file("Giấy khai sinh", 2),
        file("Bản in", 7, signed=0),
        file("Khác", 3),
        file("Dự thảo", 2, signed=0),
    ],
    [{"paymentFee": "Lệ phí", "feeAmount": 8000, "serviceAmount": 0}, {"paymentFee": "Phí", "feeAmount": 0, "serviceAmount": 5000}],
    "tai-khoan",
)


def reason(**changes: Any) -> str:
    return expect(ROWS._replace(dossier=dossier(**changes)), REFERENCES).reason


def test_a_record_is_expected_as_the_contract_says() -> None:
    assert expect(ROWS, REFERENCES).fields == {
        "MaHoSo": "000.00.14.H03-250225-0001", "MaTTHC": "1.001193", "TenTTHC": "Đăng ký khai sinh", "MaLinhVuc": "G15-HT01", "TenLinhVuc": "Hộ tịch",
        "ChuHoSo": "Nông Văn Mẫu", "LoaiDoiTuong": "1", "MaDoiTuong": "tai-khoan", "Email": "mau@example.vn", "SoDienThoai": "0900000001",
        "TrichYeuHoSo": "Đăng ký khai sinh", "GhiChu": "", "NgayTiepNhan": "20250225080506", "NgayHenTra": "20250226170000",
        "NgayNopHoSo": "20250225080506", "NgayKetThucXuLy": "", "NgayTra": "", "NgayTuChoi": "", "TrangThaiHoSo": "6", "HinhThuc": "1",
        "KenhThucHien": "3", "DonViXuLy": "UBND xã Cao Kỳ",
    }  # fmt: skip


def test_lists_and_steps_are_expected_as_the_contract_says() -> None:
    expected = expect(ROWS, REFERENCES)
    assert expected.lists == {
        "TaiLieuNop": [("Tờ khai",), ("Biểu mẫu",)],
        "DanhSachGiayToKetQua": [("Giấy khai sinh",), ("Bản in",)],
        "DanhSachLePhi": [("Lệ phí", "8000"), ("Phí", "5000")],
        "DinhDanhCHS": [("1", "006000000001")],
    }
    assert expected.steps == [
        ("20250225090001", "x" * 49 + "…", "Một cửa", "Chuyển – đủ", "2", ""),
        ("20250225090002", "x" * 49 + "…", "Một cửa", "Chuyển", "6", "20250227000000"),
    ]
    assert expected.reason == ""


@pytest.mark.parametrize(("identity", "expected"), [("095000001", [("2", "095000001")]), ("4700000001", []), ("00600000000x", []), (None, [])])
def test_only_known_identity_numbers_are_expected(identity: str | None, expected: list[tuple[str, str]]) -> None:
    assert expect(ROWS._replace(dossier=dossier(applicantIdNo=identity)), REFERENCES).lists["DinhDanhCHS"] == expected


def test_the_time_of_a_refusal_is_that_of_its_step() -> None:
    rows = ROWS._replace(dossier=dossier(dossierStatus="denied", dossierSubStatus=None), actions=[action(1, "110"), action(2, "900")])
    assert expect(rows, REFERENCES).fields["NgayTuChoi"] == "20250225090002"


def test_the_last_step_borrows_the_status_of_the_dossier_where_its_own_is_not_known() -> None:
    assert expect(ROWS._replace(actions=[action(1, "110"), action(2, "999")]), REFERENCES).steps[-1][4] == "6"
    assert expect(ROWS._replace(actions=[action(1, "999"), action(2, "220")]), REFERENCES).reason == "a step without status"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"dossierStatus": "handover", "dossierSubStatus": ""}, "TrangThaiHoSo is empty"),
        ({"serviceCode": ""}, "MaTTHC is empty"),
        ({"govAgencyName": None}, "DonViXuLy is empty"),
        ({"applicantIdType": "robot"}, "LoaiDoiTuong is empty"),
        ({"applicantName": "Ho\ufffdng"}, "broken text"),
        ({"dueDate": at("3025-01-01T00:00:00")}, "absurd date"),
        ({"receiveDate": at("0202-02-25T00:00:00")}, "absurd date"),
    ],
)
def test_what_a_person_must_correct_is_told(changes: dict[str, Any], why: str) -> None:
    assert reason(**changes) == why


def test_new_without_reception_has_no_status() -> None:
    row = dossier(dossierStatus="new", dossierSubStatus="", receiveDate=None)
    assert portal_status(row, REFERENCES) == ""


@pytest.mark.parametrize(("word", "code"), [("processing", "2"), ("waiting", "5"), ("done", "2"), ("unresolved", "5"), ("receiving", "1")])
def test_statuses_are_folded_for_dossiers_of_the_portal(word: str, code: str) -> None:
    assert portal_status(dossier(dossierStatus=word, dossierSubStatus=""), REFERENCES) == code


class Synced:
    """A one-stop and a portal that agree."""

    def __init__(self, engine: Engine, clock: TurnedClock) -> None:
        self.engine = engine
        self.life = Life(engine, clock, Random(1))
        self.holdings = Holdings()
        with engine.connect() as connection:
            layout = tables_in(engine)
            codes = references(connection, layout)
            publish_all(dossiers(connection, layout), codes, self.holdings)
            self.holdings.file(*portal_codes(engine))
            for rows in dossiers(connection, layout):
                if rows.dossier["systemId"] == 5:
                    code = portal_status(rows.dossier, codes)
                    self.holdings.tell(status(MaHoSo=rows.dossier["referenceUid"], MaHoSoDonVi=rows.dossier["dossierNo"], TrangThai=code))
        self.code = next(code for code in self.holdings.records() if len(self.holdings.steps(code)) > 2)
        self.dossier_id = self.keys()[self.code]

    def keys(self) -> dict[str, int]:
        table = tables_in(self.engine).dossier
        with self.engine.connect() as connection:
            return {code: key for code, key in connection.execute(table.select().with_only_columns(table.c.dossierNo, table.c.dossierId)) if code}

    def entries(self) -> list[Entry]:
        return self.holdings._steps[self.code]

    def compare(self) -> Comparison:
        return compare(self.engine, self.holdings)

    def found(self) -> list[tuple[str, str]]:
        """Kind and field of each difference, all of them of the one dossier."""
        comparison = self.compare()
        assert {difference.dossier for difference in comparison.differences} <= {self.code}
        assert comparison.equal == comparison.dossiers - bool(comparison.differences)
        return [(difference.kind, difference.field) for difference in comparison.differences]


@pytest.fixture
def synced(onestop: Engine, clock: TurnedClock) -> Synced:
    return Synced(onestop, clock)


def test_a_portal_that_has_everything_is_in_sync(synced: Synced) -> None:
    comparison = synced.compare()
    assert comparison.in_sync
    assert comparison.dossiers == comparison.equal == len(synced.holdings.records()) > 40
    assert comparison.steps == synced.holdings.count()[1]
    assert comparison.filed > 0
    assert comparison.held == {}


def test_an_empty_portal_misses_everything(onestop: Engine) -> None:
    comparison = compare(onestop, Holdings())
    assert not comparison.in_sync
    assert {difference.kind for difference in comparison.differences} == {"missing", "status"}
    assert compare(onestop, Holdings(), statuses=False).filed == 0


@pytest.mark.parametrize(
    "name",
    ["TrangThaiHoSo", "NgayTiepNhan", "NgayHenTra", "ChuHoSo", "MaTTHC", "DonViXuLy", "SoDienThoai", "KenhThucHien", "HinhThuc", "MaLinhVuc", "TrichYeuHoSo"],
)
def test_a_field_that_differs_is_named(synced: Synced, name: str) -> None:
    synced.holdings.record(synced.code)[name] = "khác"  # type: ignore[index]
    assert synced.found() == [("field", name)]


@pytest.mark.parametrize("name", ["TaiLieuNop", "DanhSachLePhi", "DanhSachGiayToKetQua", "DinhDanhCHS"])
def test_a_list_that_differs_is_named(synced: Synced, name: str) -> None:
    body: Body = synced.holdings.record(synced.code) or {}
    extra = {"TenTepDinhKem": "x", "IsDeleted": "False", "TenPhiLePhi": "x", "Gia": "1", "TenGiayTo": "x", "LoaiDinhDanh": "1", "SoDinhDanh": "1"}
    body[name] = [*body[name], extra]
    assert synced.found() == [("field", name)]


def test_a_withdrawn_paper_may_stay_as_deleted(synced: Synced) -> None:
    body: Body = synced.holdings.record(synced.code) or {}
    body["TaiLieuNop"] = [*body["TaiLieuNop"], {"TenTepDinhKem": "Đã rút", "IsDeleted": "True"}]
    assert synced.found() == []


def test_what_the_profile_leaves_out_is_not_compared(synced: Synced) -> None:
    body: Body = synced.holdings.record(synced.code) or {}
    for name in ("KenhThucHien", "NgayNopHoSo", "NgayTuChoi", "DinhDanhCHS"):
        del body[name]
    assert synced.found() == []


def test_a_text_may_be_shortened_but_not_changed(synced: Synced) -> None:
    body: Body = synced.holdings.record(synced.code) or {}
    whole = body["TrichYeuHoSo"]
    body["TrichYeuHoSo"] = whole[:9] + "…"
    assert synced.found() == []
    body["TrichYeuHoSo"] = "khác…"
    assert synced.found() == [("field", "TrichYeuHoSo")]


def test_text_may_be_decomposed(synced: Synced) -> None:
    body: Body = synced.holdings.record(synced.code) or {}
    body["ChuHoSo"] = unicodedata.normalize("NFD", body["ChuHoSo"])
    assert synced.found() == []


def test_a_dossier_that_is_not_there_is_missing(synced: Synced) -> None:
    del synced.holdings._records[synced.code]
    assert synced.found() == [("missing", "")]


@pytest.mark.parametrize("channel", ["child", "draft", "portal"])
def test_a_dossier_that_must_not_be_there_is_extra(synced: Synced, channel: str) -> None:
    arrived = synced.life.arrive(channel)
    record = dict(synced.holdings.record(synced.code) or {}, MaHoSo=arrived.code)
    synced.holdings.put([record], updating=False)
    assert (arrived.code, "extra") in [(difference.dossier, difference.kind) for difference in synced.compare().differences]


STEP_FAULTS: dict[str, tuple[Callable[[list[Entry]], None], list[str]]] = {
    "missing": (lambda entries: entries.remove(entries[1]), ["step_missing"]),
    "swapped": (lambda entries: entries.insert(0, entries.pop(1)), ["step_order"]),
    "repeated": (lambda entries: entries.append(entries[0]), ["step_repeated"]),
    "repeated at once": (lambda entries: entries.insert(0, entries[0]), ["step_repeated"]),
    "invented": (lambda entries: entries.append(Entry({**entries[0].body, "NoiDungXuLy": "bịa"}, answered=True)), ["step_extra"]),
    "altered": (lambda entries: entries.append(Entry({**entries.pop().body, "TrangThai": "1"}, answered=True)), ["step_missing", "step_extra"]),
    "unanswered but never again": (lambda entries: entries.insert(0, Entry(entries.pop(0).body, answered=False)), []),
}


@pytest.mark.parametrize("kind", STEP_FAULTS)
def test_steps_that_differ_are_told_apart(synced: Synced, kind: str) -> None:
    spoil, expected = STEP_FAULTS[kind]
    spoil(synced.entries())
    assert [kind for kind, _ in synced.found()] == expected
    assert synced.compare().excused == 0


def test_steps_sent_again_after_a_lost_answer_are_excused_and_counted(synced: Synced) -> None:
    entries = synced.entries()
    lost = [Entry(entry.body, answered=False) for entry in entries[:2]]
    entries[:2] = [*lost, *entries[:2]]
    assert synced.found() == []
    assert synced.compare().excused == 2


def test_one_lost_answer_excuses_one_repeat(synced: Synced) -> None:
    entries = synced.entries()
    entries[:1] = [Entry(entries[0].body, answered=False), entries[0], entries[0]]
    assert [kind for kind, _ in synced.found()] == ["step_repeated"]


@pytest.mark.parametrize("kind", MISHAPS)
def test_a_dossier_that_a_person_must_correct_is_held_not_missing(synced: Synced, kind: str) -> None:
    del synced.holdings._records[synced.code]
    synced.life.spoil(synced.dossier_id, kind)
    comparison = synced.compare()
    assert list(comparison.held) == [synced.code]
    assert comparison.in_sync


@pytest.mark.parametrize(("changes", "found"), [({"TrangThai": "11"}, "11"), ({"MaHoSoDonVi": "x"}, "")])
def test_the_status_of_a_dossier_of_the_portal_is_compared(synced: Synced, changes: Body, found: str) -> None:
    code, told = next(iter(synced.holdings._statuses.items()))
    synced.holdings.tell({**told[-1], **changes})
    (difference,) = synced.compare().differences
    assert (difference.kind, difference.field) == ("status", "TrangThai")
    assert difference.found == (found or told[-1]["TrangThai"])
    assert code


def test_an_unmapped_dossier_of_the_portal_is_held(synced: Synced) -> None:
    key = synced.life.arrive("portal")
    synced.life.spoil(key.dossier_id)
    assert synced.compare().held == {key.code: "TrangThai is empty"}


@pytest.mark.parametrize("server", ["postgresql", "mariadb"])
def test_every_database_can_be_compared(request: pytest.FixtureRequest, clock: TurnedClock, server: str) -> None:
    engine = connect(request.getfixturevalue(f"{server}_url"))
    build(engine, dossiers=25, clock=clock)
    assert Synced(engine, clock).compare().in_sync
    engine.dispose()
