"""Bắc Kạn as it was until July 2025: its districts, communes and the units that take dossiers.

The agency codes follow the national scheme of the time (three groups, then the province's H03); which unit has which
number is invented.
"""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple

from syncd.sandbox.names import words

PROVINCE: Final = "Bắc Kạn"
PROVINCE_CODE: Final = "06"

COMMUNES: Final = {
    "Thành phố Bắc Kạn": words(
        "Phường Đức Xuân, Phường Sông Cầu, Phường Phùng Chí Kiên, Phường Nguyễn Thị Minh Khai, Phường Huyền Tụng, "
        "Phường Xuất Hóa, Xã Nông Thượng, Xã Dương Quang"
    ),
    "Huyện Ba Bể": words("Thị trấn Chợ Rã, Xã Bành Trạch, Xã Cao Thượng, Xã Địa Linh, Xã Hà Hiệu, Xã Khang Ninh, Xã Nam Mẫu, Xã Quảng Khê, Xã Yến Dương"),
    "Huyện Bạch Thông": words("Thị trấn Phủ Thông, Xã Cẩm Giàng, Xã Cao Sơn, Xã Đôn Phong, Xã Lục Bình, Xã Mỹ Thanh, Xã Quang Thuận, Xã Vi Hương"),
    "Huyện Chợ Đồn": words("Thị trấn Bằng Lũng, Xã Bản Thi, Xã Bình Trung, Xã Đồng Lạc, Xã Lương Bằng, Xã Nam Cường, Xã Nghĩa Tá, Xã Ngọc Phái, Xã Yên Thịnh"),
    "Huyện Chợ Mới": words("Thị trấn Đồng Tâm, Xã Bình Văn, Xã Cao Kỳ, Xã Hòa Mục, Xã Nông Hạ, Xã Như Cố, Xã Quảng Chu, Xã Thanh Thịnh, Xã Yên Hân"),
    "Huyện Na Rì": words("Thị trấn Yến Lạc, Xã Côn Minh, Xã Cư Lễ, Xã Cường Lợi, Xã Đổng Xá, Xã Kim Lư, Xã Liêm Thủy, Xã Quang Phong, Xã Văn Lang"),
    "Huyện Ngân Sơn": words("Thị trấn Nà Phặc, Thị trấn Vân Tùng, Xã Bằng Vân, Xã Cốc Đán, Xã Đức Vân, Xã Thuần Mang, Xã Thượng Quan, Xã Trung Hòa"),
    "Huyện Pác Nặm": words("Xã Bộc Bố, Xã An Thắng, Xã Bằng Thành, Xã Cao Tân, Xã Cổ Linh, Xã Công Bằng, Xã Giáo Hiệu, Xã Nghiên Loan, Xã Xuân La"),
}
_OFFICES: Final = (
    ("Trung tâm Phục vụ hành chính công tỉnh Bắc Kạn", "000.00.01.H03"),
    ("Sở Tư pháp tỉnh Bắc Kạn", "000.00.14.H03"),
    ("Sở Kế hoạch và Đầu tư tỉnh Bắc Kạn", "000.00.07.H03"),
    ("Sở Tài nguyên và Môi trường tỉnh Bắc Kạn", "000.00.12.H03"),
    ("Sở Giao thông vận tải tỉnh Bắc Kạn", "000.00.05.H03"),
    ("Sở Xây dựng tỉnh Bắc Kạn", "000.00.18.H03"),
    ("Sở Lao động - Thương binh và Xã hội tỉnh Bắc Kạn", "000.00.09.H03"),
)
_VILLAGES: Final = ("Nà", "Bản", "Khuổi", "Pác", "Cốc")
_NAMES: Final = ("Pài", "Cà", "Diềng", "Lẹng", "Ngoà", "Mu", "Chom")


class Unit(NamedTuple):
    """An authority that takes dossiers."""

    level: str  #: province | district | commune
    name: str
    code: str


class Place(NamedTuple):
    """Where somebody lives."""

    district: str
    district_code: str
    commune: str
    commune_code: str


def _units() -> tuple[Unit, ...]:
    units = [Unit("province", *office) for office in _OFFICES]
    for number, (district, communes) in enumerate(COMMUNES.items(), start=31):
        units.append(Unit("district", f"UBND {district[0].lower()}{district[1:]}", f"000.00.{number}.H03"))
        units.extend(Unit("commune", f"UBND {name[0].lower()}{name[1:]}", f"000.{at:02}.{number}.H03") for at, name in enumerate(communes, start=1))
    return tuple(units)


UNITS: Final = _units()
UNITS_OF: Final = {level: tuple(unit for unit in UNITS if unit.level == level) for level in ("province", "district", "commune")}
_PLACES: Final = tuple(
    Place(district, f"{58 + number:03}", commune, f"{1840 + 20 * number + at:05}")
    for number, (district, communes) in enumerate(COMMUNES.items())
    for at, commune in enumerate(communes)
)


def place(random: Random) -> Place:
    """Some commune."""
    return random.choice(_PLACES)


def address(random: Random, at: Place) -> str:
    """An address in that commune."""
    if at.commune.startswith("Phường"):
        return f"Tổ {random.randrange(1, 15)}, {at.commune}, {at.district}, tỉnh {PROVINCE}"
    return f"Thôn {random.choice(_VILLAGES)} {random.choice(_NAMES)}, {at.commune}, {at.district}, tỉnh {PROVINCE}"
