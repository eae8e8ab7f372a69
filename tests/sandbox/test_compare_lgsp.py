"""The referee of the LGSP finds each kind of injury, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from syncd.sandbox.compare_lgsp import compare_lgsp
from syncd.sandbox.expectation import Rows, expect
from syncd.sandbox.holdings import Body, Entry
from syncd.sandbox.lgsp import LgspHoldings
from syncd.sandbox.lgsp_checks import NO_DATE, check
from syncd.sandbox.life import MISHAPS, Life
from syncd.sandbox.onestop import publishable
from syncd.sandbox.referee import Comparison, dossiers, references
from syncd.sandbox.schema import tables_in
from tests.clocks import TurnedClock


def instant(digits: str) -> str:
    """Fourteen digits as the platform writes them."""
    day, time = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}", f"{digits[8:10]}:{digits[10:12]}:{digits[12:]}"
    return f"{day}T{time}.000+0700" if digits else NO_DATE


def record(rows: Rows, fields: Any, lists: Any) -> Body:
    """A record that says what should be said."""
    status = fields["TrangThaiHoSo"]
    solved = status in ("9", "10")
    return {
        "DocTypeCode": fields["MaTTHC"], "DocTypeName": fields["TenTTHC"], "DocCode": fields["MaHoSo"], "CitizenName": fields["ChuHoSo"], "CitizenInfo": "",
        "Address": rows.dossier["address"], "Email": fields["Email"], "Phone": fields["SoDienThoai"], "ApplicantsId": rows.dossier["applicantIdNo"],
        "ApplicantsType": int(fields["LoaiDoiTuong"]), "Compendium": fields["TrichYeuHoSo"], "DateReceived": instant(fields["NgayTiepNhan"]),
        "DateAppointed": instant(fields["NgayHenTra"]), "IsSuccess": solved, "SuccessDate": instant(fields["NgayKetThucXuLy"] if solved else ""),
        "IsReturned": status == "10", "ReturnedDate": instant(fields["NgayTra"]), "ReturnedType": int(fields["HinhThuc"]),
        "Status": 2 if status == "9" else 1, "ProcessingOrganName": fields["DonViXuLy"], "OrganInchargeIdLevel1": rows.dossier["govAgencyCode"],
        "OrganInchargeName": fields["DonViXuLy"], "Note": fields["GhiChu"],
        "Attachments": [paper(number, name) for number, (name,) in enumerate(lists["TaiLieuNop"])],
        "DocFees": [{"FeeName": name, "FeeType": 4, "Price": int(price)} for name, price in lists["DanhSachLePhi"]],
    }  # fmt: skip


def paper(number: int, name: str, *, deleted: bool = False) -> Body:
    return {"AttachmentId": number, "AttachmentName": name, "IsDeleted": deleted, "Base64": "", "IsVerified": False}


def trace(rows: Rows, step: tuple[str, ...]) -> Body:
    """The trace of a step of the portal."""
    return {
        "DocumentId": rows.dossier["dossierId"], "DocCode": rows.dossier["dossierNo"], "UserName": step[1], "UserPosition": "",
        "DateCreated": instant(step[0]), "Comment": step[3], "Status": 0, "OrganizationInchargeIdLevel1": rows.dossier["govAgencyCode"],
        "OrganizationInchargeName": rows.dossier["govAgencyName"],
    }  # fmt: skip


class Synced:
    """A one-stop and a platform that agree."""

    def __init__(self, engine: Engine, clock: TurnedClock) -> None:
        self.engine = engine
        self.life = Life(engine, clock, Random(1))
        self.holdings = LgspHoldings()
        self.filed = 0
        self.keys = {}
        with engine.connect() as connection:
            layout = tables_in(engine)
            codes = references(connection, layout)
            for rows in dossiers(connection, layout):
                expected = expect(rows, codes)
                if publishable({**rows.dossier, "systemId": 0}) and expected.lists["TaiLieuNop"]:
                    self.filed += rows.dossier["systemId"] == 5
                    self.keys[rows.dossier["dossierNo"]] = rows.dossier["dossierId"]
                    self.holdings.take("SyncDocument", check("SyncDocument", record(rows, expected.fields, expected.lists)), answered=True)
                    for step in expected.steps:
                        self.holdings.take("UpdateDocumentTraces", check("UpdateDocumentTraces", trace(rows, step)), answered=True)
        self.code = next(code for code in self.holdings.records() if len(self.holdings.traces(code)) > 2)

    @property
    def record(self) -> Body:
        found = self.holdings.record(self.code)
        assert found is not None
        return found

    def entries(self) -> list[Entry]:
        return self.holdings._traces[self.code]

    def compare(self) -> Comparison:
        return compare_lgsp(self.engine, self.holdings)

    def found(self) -> list[tuple[str, str]]:
        """Kind and field of each difference, all of them of the one dossier."""
        comparison = self.compare()
        assert {difference.dossier for difference in comparison.differences} <= {self.code}
        assert comparison.equal == comparison.dossiers - bool(comparison.differences)
        return [(difference.kind, difference.field) for difference in comparison.differences]


@pytest.fixture
def synced(onestop: Engine, clock: TurnedClock) -> Synced:
    return Synced(onestop, clock)


def test_a_platform_that_has_everything_is_in_sync(synced: Synced) -> None:
    comparison = synced.compare()
    assert comparison.in_sync
    assert comparison.dossiers == comparison.equal == len(synced.holdings.records()) > 40
    assert comparison.steps == synced.holdings.count()[1]
    assert synced.filed > 0, "those from the portal belong there too"


def test_an_empty_platform_misses_everything(synced: Synced) -> None:
    comparison = compare_lgsp(synced.engine, LgspHoldings())
    assert {difference.kind for difference in comparison.differences} == {"missing"}
    assert len(comparison.differences) == comparison.dossiers == len(synced.keys)


@pytest.mark.parametrize(
    "name",
    [
        *("DocTypeCode", "DocTypeName", "CitizenName", "Address", "Email", "Phone", "ApplicantsId", "Compendium", "ProcessingOrganName"),
        *("OrganInchargeIdLevel1", "OrganInchargeName", "Note"),
    ],
)
def test_a_text_that_differs_is_named(synced: Synced, name: str) -> None:
    synced.record[name] = "khác"
    assert synced.found() == [("field", name)]


@pytest.mark.parametrize("name", ["DateReceived", "DateAppointed", "ReturnedDate"])
def test_an_instant_that_differs_is_named(synced: Synced, name: str) -> None:
    synced.record[name] = "2024-01-01T00:00:00.000+0700"
    assert synced.found() == [("field", name)]


@pytest.mark.parametrize("name", ["IsSuccess", "IsReturned"])
def test_a_flag_that_differs_is_named(synced: Synced, name: str) -> None:
    synced.record[name] = not synced.record[name]
    assert synced.found() == [("field", name)]


@pytest.mark.parametrize(("name", "value"), [("ApplicantsType", 4), ("ReturnedType", 7), ("Status", 3)])
def test_a_number_that_differs_is_named(synced: Synced, name: str, value: int) -> None:
    synced.record[name] = value
    assert synced.found() == [("field", name)]


def test_the_day_of_success_counts_where_there_was_success(synced: Synced) -> None:
    synced.code = next(code for code, found in synced.holdings.records().items() if found["IsSuccess"])
    synced.record["SuccessDate"] = NO_DATE
    assert synced.found() == [("field", "SuccessDate")]


def test_an_instant_may_be_written_with_another_offset(synced: Synced) -> None:
    synced.record["DateReceived"] = synced.record["DateReceived"].replace("+0700", "+07:00")
    assert synced.found() == []


@pytest.mark.parametrize(("name", "extra"), [("Attachments", paper(9, "x")), ("DocFees", {"FeeName": "x", "FeeType": 4, "Price": 1})])
def test_a_list_that_differs_is_named(synced: Synced, name: str, extra: Body) -> None:
    synced.record[name] = [*synced.record[name], extra]
    assert synced.found() == [("field", name)]


def test_a_paper_that_was_removed_may_stand_as_deleted(synced: Synced) -> None:
    synced.record["Attachments"].append(paper(9, "Đã rút", deleted=True))
    assert synced.found() == []


def test_what_is_missing_or_too_much_is_told(synced: Synced) -> None:
    synced.holdings._records["H03-0"] = synced.holdings._records.pop(synced.code)
    assert sorted((each.dossier, each.kind) for each in synced.compare().differences) == sorted([(synced.code, "missing"), ("H03-0", "extra")])


STEP_FAULTS: dict[str, tuple[Callable[[list[Entry]], None], list[str]]] = {
    "missing": (lambda entries: entries.remove(entries[1]), ["step_missing"]),
    "swapped": (lambda entries: entries.insert(0, entries.pop(1)), ["step_order"]),
    "repeated": (lambda entries: entries.append(entries[0]), ["step_repeated"]),
    "altered": (lambda entries: entries.append(Entry({**entries.pop().body, "Comment": "bịa"}, answered=True)), ["step_missing", "step_extra"]),
}


@pytest.mark.parametrize("kind", STEP_FAULTS)
def test_traces_that_differ_are_told_apart(synced: Synced, kind: str) -> None:
    spoil, expected = STEP_FAULTS[kind]
    spoil(synced.entries())
    assert [kind for kind, _ in synced.found()] == expected


def test_a_trace_sent_again_after_a_lost_answer_is_excused_and_counted(synced: Synced) -> None:
    entries = synced.entries()
    entries.insert(0, Entry(entries[0].body, answered=False))
    assert synced.found() == []
    assert synced.compare().excused == 1


@pytest.mark.parametrize("kind", MISHAPS)
def test_a_dossier_that_a_person_must_correct_is_held(synced: Synced, kind: str) -> None:
    del synced.holdings._records[synced.code]
    synced.life.spoil(synced.keys[synced.code], kind)
    comparison = synced.compare()
    assert synced.code in comparison.held
    assert comparison.in_sync


def test_a_dossier_whose_last_paper_is_gone_is_held_unless_it_was_sent(synced: Synced) -> None:
    table = tables_in(synced.engine).file
    with synced.engine.begin() as connection:
        connection.execute(table.update().where(table.c.dossierId == synced.keys[synced.code], table.c.dossierPartType == 1).values(removed=True))
    synced.record["Attachments"] = [paper(1, "Đã rút", deleted=True)]
    assert synced.found() == []
    del synced.holdings._records[synced.code]
    assert synced.compare().held[synced.code] == "no paper stands"
