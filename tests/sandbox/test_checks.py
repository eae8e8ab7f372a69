"""What the portal refuses, rule by rule."""

from __future__ import annotations

import re
from typing import Any

import pytest

from syncd.sandbox.checks import BASE, Refused, check_record, check_status, check_step, is_date
from tests.sandbox.caller import fee, paper, record, result, status, step

PROCEDURES = ("1.001193",)
REQUIRED = ("MaHoSo", "MaTTHC", "TenTTHC", "MaLinhVuc", "TenLinhVuc", "LoaiDoiTuong", "NgayTiepNhan", "TrangThaiHoSo", "HinhThuc", "DonViXuLy")


def refuse(value: Any, naming: str, **options: Any) -> None:
    with pytest.raises(Refused, match=re.escape(naming)):
        check_record(value, PROCEDURES, **options)


def test_a_whole_record_passes_in_either_profile() -> None:
    check_record(record(), PROCEDURES, later=False)
    later = {"KenhThucHien": "2", "NgayNopHoSo": "20250225080000", "NgayTuChoi": "", "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "006000000001"}]}
    check_record(record(TaiLieuNop=[paper(DuocSoHoa="1")], DanhSachLePhi=[fee()], DanhSachGiayToKetQua=[result()], **later), PROCEDURES)


@pytest.mark.parametrize("name", BASE["record"])
def test_every_base_field_must_be_there(name: str) -> None:
    given = record()
    del given[name]
    refuse(given, name)


def test_there_are_27_base_fields_and_9_of_a_step() -> None:
    assert len(BASE["record"]) == 27
    assert len(BASE["step"]) == 9


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("blank", ["", "  "])
def test_required_fields_must_be_filled(name: str, blank: str) -> None:
    refuse(record(**{name: blank}), f"{name} không được để trống")


@pytest.mark.parametrize("value", [None, 2, True, ["2"], {}])
def test_every_scalar_is_a_string(value: Any) -> None:
    refuse(record(TrangThaiHoSo=value), "TrangThaiHoSo phải là chuỗi")


@pytest.mark.parametrize("value", ["0", "11", "02", "x", "4 "])
def test_a_status_is_one_of_ten(value: str) -> None:
    refuse(record(TrangThaiHoSo=value), "TrangThaiHoSo không có trong danh mục")


@pytest.mark.parametrize("value", ["2025-02-25", "20250225", "20250230080000", "20250225250000", "2025022508000", "２０２５０２２５０８００００"])
def test_dates_are_fourteen_digits_that_name_an_instant(value: str) -> None:
    assert not is_date(value)
    refuse(record(NgayHenTra=value), "NgayHenTra không đúng định dạng")


def test_an_unknown_procedure_is_refused() -> None:
    refuse(record(MaTTHC="9.999999"), "MaTTHC không có trong danh mục")


@pytest.mark.parametrize(("name", "longest"), [("GhiChu", 2000), ("TrichYeuHoSo", 1000), ("MaHoSo", 50)])
def test_texts_have_a_greatest_length(name: str, longest: int) -> None:
    check_record(record(**{name: "x" * longest}), PROCEDURES)
    refuse(record(**{name: "x" * (longest + 1)}), f"{name} dài quá {longest}")


@pytest.mark.parametrize("name", ["SoBienNhanMoi", "maHoSo"])
def test_a_field_nobody_knows_is_refused(name: str) -> None:
    refuse(record(**{name: ""}), name)


def test_the_base_profile_refuses_what_came_later() -> None:
    refuse(record(KenhThucHien="2"), "KenhThucHien không có trong quy định", later=False)


@pytest.mark.parametrize(
    ("changes", "naming"),
    [
        ({"TaiLieuNop": {}}, "TaiLieuNop phải là danh sách"),
        ({"TaiLieuNop": ["x"]}, "TaiLieuNop[0]. phải là đối tượng"),
        ({"TaiLieuNop": [paper(TenTepDinhKem="")]}, "TaiLieuNop[0].TenTepDinhKem không được để trống"),
        ({"TaiLieuNop": [paper(), paper(IsDeleted="false")]}, "TaiLieuNop[1].IsDeleted không có trong danh mục"),
        ({"TaiLieuNop": [paper(DuocSoHoa=1)]}, "TaiLieuNop[0].DuocSoHoa phải là chuỗi"),
        ({"DanhSachLePhi": [fee(Gia="8.000")]}, "DanhSachLePhi[0].Gia phải gồm các chữ số"),
        ({"DanhSachLePhi": [fee(Gia=8000)]}, "DanhSachLePhi[0].Gia phải là chuỗi"),
        ({"DanhSachGiayToKetQua": [result(TenGiayTo="")]}, "DanhSachGiayToKetQua[0].TenGiayTo không được để trống"),
        ({"KenhThucHien": "4"}, "KenhThucHien không có trong danh mục"),
        ({"NgayNopHoSo": ""}, "NgayNopHoSo không được để trống"),
        ({"DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "095000001"}]}, "DinhDanhCHS[0].SoDinhDanh không đúng độ dài"),
        ({"DinhDanhCHS": [{"LoaiDinhDanh": "3", "SoDinhDanh": "1"}]}, "DinhDanhCHS[0].LoaiDinhDanh không có trong danh mục"),
    ],
)
def test_what_is_inside_lists_is_checked_and_named(changes: dict[str, Any], naming: str) -> None:
    refuse(record(**changes), naming)


def test_a_record_is_an_object() -> None:
    refuse("x", "data phải là đối tượng")


def test_a_refusal_never_quotes_the_value() -> None:
    with pytest.raises(Refused) as refusal:
        check_record(record(NgayHenTra="Nông Văn Mẫu"), PROCEDURES)
    assert "Mẫu" not in refusal.value.message


@pytest.mark.parametrize(
    ("changes", "naming"),
    [
        ({"NoiDungXuLy": None}, "NoiDungXuLy phải là chuỗi"),
        ({"NoiDungXuLy": ""}, "NoiDungXuLy không được để trống"),
        ({"NguoiXuLy": "x" * 51}, "NguoiXuLy dài quá 50"),
        ({"NguoiXuLy": ""}, "NguoiXuLy không được để trống"),
        ({"ThoiDiemXuLy": "2025"}, "ThoiDiemXuLy không đúng định dạng"),
        ({"TrangThai": "11"}, "TrangThai không có trong danh mục"),
    ],
)
def test_a_step_is_checked(changes: dict[str, Any], naming: str) -> None:
    check_step(step())
    with pytest.raises(Refused, match=re.escape(naming)):
        check_step(step(**changes))


@pytest.mark.parametrize(("changes", "naming"), [({"NgayXuLy": ""}, "NgayXuLy không được để trống"), ({"TrangThai": "4"}, "TrangThai không có trong danh mục")])
def test_a_status_of_a_dossier_of_the_portal_is_checked(changes: dict[str, Any], naming: str) -> None:
    assert check_status(status())["TrangThai"] == "2"
    with pytest.raises(Refused, match=re.escape(naming)):
        check_status(status(**changes))
