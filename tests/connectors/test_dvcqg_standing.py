"""What the portal answers about a dossier, held against the dossier: fields, steps, and the list of all there are."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from connectors._dvcqg.mapping import load
from connectors._dvcqg.standing import Compared, Comparing
from syncd.calls import Difference, Operation, Outcome, Portion, Standing, StepsFound
from syncd.model import Dossier, Problem, Status, Step
from syncd.ports import Target
from syncd.redact import MASK
from tests.connectors.conftest import Make
from tests.connectors.dossiers import CODE, DOSSIER, OWNER, PORTALS, STEPS
from tests.connectors.portal import PASSWORD, ScriptedPortal, answer, reset

MAPPING = load("dvcqg", "extended", None)
FIND, LIST = "TraCuuHoSo", "DanhSachHoSo"
RECORD: dict[str, Any] = MAPPING.record(Portion(operation=Operation.LOOKUP, dossier=DOSSIER)) or {}
SCALARS = {field: value for field, value in RECORD.items() if isinstance(value, str)}
HISTORY: list[dict[str, Any]] = [step for step in MAPPING.steps(Portion(operation=Operation.LOOKUP, dossier=DOSSIER, steps=STEPS)) if step]


def asked(dossier: Dossier = DOSSIER, steps: tuple[Step, ...] = STEPS) -> Portion:
    return Portion(operation=Operation.LOOKUP, dossier=dossier, subject=dossier.code, steps=steps)


def compared(said: Mapping[str, object], portion: Portion | None = None) -> Compared:
    return Comparing(MAPPING).compare(portion or asked(), {name.upper(): value for name, value in said.items()})


def steps(*entries: object, portion: Portion | None = None) -> StepsFound | None:
    return compared({"TienDoXuLy": list(entries)}, portion).steps


# ---- fields


def test_every_scalar_that_the_answer_has_is_compared_and_no_list() -> None:
    found = compared(RECORD)
    assert found.fields == tuple(SCALARS)
    assert found.differences == ()
    assert {"TaiLieuNop", "DanhSachLePhi"}.isdisjoint(found.fields)


def test_what_the_answer_leaves_out_is_not_compared() -> None:
    assert compared({"MaHoSo": CODE, "DonViXuLy": None, "TaiLieuNop": [], "TenGi": "x"}).fields == ("MaHoSo",)


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("NgayTiepNhan", "2025-03-03T08:30:15"),
        ("NgayTiepNhan", "2025-03-03T01:30:15Z"),
        ("NgayTiepNhan", "2025-03-03T08:30:15.120+07:00"),
        ("NgayTiepNhan", "2025-03-03 08:30"),
        ("NgayTiepNhan", "2025-03-03"),
        ("NgayTiepNhan", "03/03/2025"),
        ("NgayTiepNhan", "3/3/2025 08:30"),
        ("NgayTiepNhan", "03/03/2025 08:30:15"),
        ("NgayTiepNhan", 20250303083015),
        ("TrangThaiHoSo", "010"),
        ("TrangThaiHoSo", 10),
        ("TenTTHC", unicodedata.normalize("NFD", "Đăng  ký khai\nsinh ")),
    ],
)
def test_one_value_may_be_written_in_many_ways(field: str, found: object) -> None:
    assert compared({field: found}) == Compared((field,))


@pytest.mark.parametrize(
    ("field", "found", "read"),
    [
        ("NgayTiepNhan", "2025-03-03T08:31:15", "20250303083115"),
        ("NgayTiepNhan", "04/03/2025", "20250304"),
        ("NgayTiepNhan", "", ""),
        ("TrangThaiHoSo", "4", "4"),
        ("DonViXuLy", "UBND phường đức xuân", "UBND phường đức xuân"),
        ("Fax", "12", "12"),
    ],
)
def test_another_value_is_a_difference(field: str, found: object, read: str) -> None:
    (difference,) = compared({field: found}).differences
    assert difference == Difference(field=field, expected=SCALARS[field], found=read)


@pytest.mark.parametrize(
    ("field", "found"), [("NgayTiepNhan", "ngày 3"), ("NgayTiepNhan", "2025-13-01"), ("TrangThaiHoSo", "Đã trả kết quả"), ("MaTTHC", ["x"])]
)
def test_what_cannot_be_read_is_not_compared(field: str, found: object) -> None:
    assert compared({field: found}).fields == ()


def test_a_date_that_is_missing_here_or_there_differs() -> None:
    without = asked(replace(DOSSIER, due_at=None))
    assert [each.found for each in compared({"NgayHenTra": "06/03/2025"}, without).differences] == ["20250306"]
    assert compared({"NgayHenTra": ""}, without) == Compared(("NgayHenTra",))


def test_the_sister_services_names_stand_for_the_portals() -> None:
    found = compared({"MaTrangThai": "09", "TrangThaiHoSo": "Đã xử lý xong", "HoTenNguoiNop": OWNER.name})
    assert found.fields == ("ChuHoSo", "TrangThaiHoSo")
    assert found.differences == (Difference(field="TrangThaiHoSo", expected="10", found="9"),)


def test_of_personal_data_only_the_difference_is_told() -> None:
    found = compared({"HoTenNguoiNop": "Người Khác", "SoDienThoai": "", "Email": OWNER.email})
    assert found.differences == (Difference(field="ChuHoSo", expected=MASK, found=MASK), Difference(field="SoDienThoai", expected=MASK, found=""))


def test_a_dossier_that_cannot_be_composed_is_not_compared_but_its_steps_are() -> None:
    for broken in (replace(DOSSIER, status=None), replace(DOSSIER, problems=(Problem(field="x", reason="y"),))):
        found = compared({**RECORD, "TienDoXuLy": HISTORY}, asked(broken))
        assert (found.fields, found.differences, found.steps) == ((), (), StepsFound())


# ---- steps


def test_steps_are_not_compared_where_the_answer_lists_none() -> None:
    assert compared(RECORD).steps is None
    assert compared({"TienDoXuLy": None}).steps is None


def test_all_steps_are_there() -> None:
    shouted = [{name.upper(): unicodedata.normalize("NFD", value) for name, value in step.items()} for step in reversed(HISTORY)]
    assert steps(*shouted) == StepsFound()


def test_steps_that_are_missing_doubled_or_foreign_are_told() -> None:
    first, second = HISTORY
    assert steps() == StepsFound(missing=(0, 1))
    assert steps(second) == StepsFound(missing=(0,))
    assert steps(first, second, second, second) == StepsFound(doubled=(1,))
    assert steps(first, second, {**first, "NoiDungXuLy": "việc khác"}, {**first, "TrangThai": "7"}) == StepsFound(foreign=2)


def test_steps_that_are_alike_are_counted() -> None:
    twins = asked(steps=(STEPS[0], STEPS[0], STEPS[1]))
    first, second = HISTORY
    assert steps(first, second, portion=twins) == StepsFound(missing=(1,))
    assert steps(first, first, first, second, portion=twins) == StepsFound(doubled=(1,))


def test_steps_are_known_by_what_every_entry_says() -> None:
    short = [{"ThoiDiemXuLy": "03/03/2025", "TrangThai": "Được tiếp nhận", "NoiDungXuLy": "Tiếp nhận"}, {"ThoiDiemXuLy": "05/03/2025", "NoiDungXuLy": "khác"}]
    assert steps(*short) == StepsFound(missing=(1,), foreign=1)
    assert steps({"NoiDungXuLy": "Tiếp nhận"}) is None
    assert steps(HISTORY[0], "x") is None


def test_a_step_that_cannot_be_composed_was_never_sent() -> None:
    broken = asked(steps=(STEPS[0], replace(STEPS[1], officer=""), replace(STEPS[1], problems=(Problem(field="x", reason="y"),))))
    assert steps(HISTORY[0], portion=broken) == StepsFound(missing=(1, 2))


# ---- the target


def look_up(target: Target, portal: ScriptedPortal, entry: object, portion: Portion | None = None) -> Standing:
    portal.will(FIND, answer({"error_code": "0", "data": [entry]}))
    standing = target.look_up(portion or asked())
    assert standing is not None
    return standing


def test_a_look_up_tells_what_differs(portal: ScriptedPortal, target: Target) -> None:
    standing = look_up(target, portal, {**RECORD, "TrangThaiHoSo": "9", "QuaTrinhXuLy": HISTORY[:1]})
    assert (standing.outcome, standing.exists, standing.status) == (Outcome.DELIVERED, True, Status.PROCESSED)
    assert standing.compared == tuple(SCALARS)
    assert standing.differences == (Difference(field="TrangThaiHoSo", expected="10", found="9"),)
    assert standing.steps == StepsFound(missing=(1,))


def test_a_difference_holds_neither_a_citizens_data_nor_a_secret(portal: ScriptedPortal, target: Target) -> None:
    standing = look_up(target, portal, {"DonViXuLy": f"{OWNER.name} {PASSWORD} 038088009999"})
    assert [each.found for each in standing.differences] == [f"{MASK} {MASK} {MASK}"]


def test_of_a_dossier_from_the_portal_nothing_is_compared(portal: ScriptedPortal, target: Target) -> None:
    standing = look_up(target, portal, {**RECORD, "TrangThaiHoSo": "9", "TienDoXuLy": HISTORY}, asked(PORTALS))
    assert (standing.exists, standing.compared, standing.differences, standing.steps) == (True, (), (), None)


def test_an_answer_about_another_dossier_is_not_compared(portal: ScriptedPortal, target: Target) -> None:
    standing = look_up(target, portal, {**RECORD, "MaHoSo": "another", "TienDoXuLy": []})
    assert (standing.compared, standing.steps) == ((), None)


# ---- the list of all there are

DAYS = date(2025, 3, 1), date(2025, 3, 31)


def test_a_portal_that_lists_is_asked_by_days(portal: ScriptedPortal, make: Make) -> None:
    portal.will(LIST, answer({"error_code": 0, "data": [{"MAHOSO": CODE}, {"MaHoSo": f" {CODE}9"}]}), answer({"error_code": 0, "data": []}))
    target = make(list_service=LIST)
    assert target.holdings(*DAYS) == [CODE, f"{CODE}9"]
    assert target.holdings(*DAYS) == []
    body = portal.calls(LIST)[0].body
    assert (body["ngayNhan1"], body["ngayNhan2"]) == ("2025-03-01", "2025-03-31")


def test_a_portal_that_cannot_list_is_not_asked(portal: ScriptedPortal, target: Target, make: Make) -> None:
    gateway = make(transport="gateway", create_url=f"{portal.root}/c", update_url=f"{portal.root}/u", progress_url=f"{portal.root}/p", list_service=LIST)
    assert (target.holdings(*DAYS), gateway.holdings(*DAYS), portal.calls(LIST)) == (None, None, [])


@pytest.mark.parametrize(
    "body", [{"error_code": -1, "message": f"{OWNER.phone} không hỗ trợ"}, {"error_code": 0}, {"error_code": 0, "data": [{"MaTTHC": "x"}]}, reset]
)
def test_no_list_is_not_an_empty_list(portal: ScriptedPortal, make: Make, body: Any) -> None:
    behaviour = body if callable(body) else answer(body)
    portal.will(LIST, *[behaviour] * 3)
    with capture_logs() as logged:
        assert make(list_service=LIST).holdings(*DAYS) is None
    (line,) = [line for line in logged if line["event"] == "holdings_unknown"]
    assert line["error"]
    assert OWNER.phone not in str(line)
