"""Invented people and firms, with the family names that are common in Bắc Kạn (Tày, Nùng, Dao, Kinh).

Nobody here exists: telephone numbers begin with 0900, mail goes to `.example.vn`, and identity numbers are random behind
the province's prefix.
"""

from __future__ import annotations

import unicodedata
from random import Random
from typing import Final, NamedTuple


def words(text: str) -> tuple[str, ...]:
    """What the commas separate."""
    return tuple(text.split(", "))


_FAMILIES: Final = (
    *("Hoàng", "Nông", "Triệu", "Nguyễn", "Hà", "Đặng", "Bàn", "Lý", "Ma", "Dương") * 3,
    *("Lường", "Phùng", "Vi", "Lộc", "Đinh", "Sằm", "Mã", "Chu", "Trần", "Lê", "Phạm", "Vũ", "Đồng", "Quách", "Lục", "Cà"),
)
_MALE_MIDDLE: Final = ("Văn", "Đình", "Quang", "Minh", "Đức", "Xuân", "Ngọc", "Hữu", "Công", "Tiến")
_MALE: Final = words("Hùng, Dũng, Tuấn, Thắng, Cường, Hải, Long, Nam, Sơn, Kiên, Duy, Chiến, Hiếu, Toản, Phúc, Lâm, Khánh, Tùng")
_FEMALE_MIDDLE: Final = ("Thị", "Thị", "Thị Thu", "Thị Hồng", "Thị Bích", "Ngọc", "Thuỳ", "Thị Kim", "Mai", "Thanh")
_FEMALE: Final = words("Hương, Lan, Hoa, Nga, Thảo, Huyền, Yến, Hằng, Liên, Mến, Chuyên, Duyên, Nhung, Trang, Ánh, Quyên, Uyên, Xuyến")
_FORMS: Final = ("Công ty TNHH", "Công ty Cổ phần", "Hợp tác xã", "Doanh nghiệp tư nhân", "Công ty TNHH MTV")
_TRADES: Final = ("Nông lâm nghiệp", "Xây dựng", "Thương mại và Dịch vụ", "Chế biến gỗ", "Miến dong", "Khoáng sản", "Vận tải", "Du lịch Hồ", "Dược liệu")
_BRANDS: Final = (
    "Việt Bắc",
    "Phja Bjoóc",
    "Nà Phặc",
    "Sông Cầu",
    "Thác Giềng",
    "Tân Sơn",
    "Cứu Quốc",
    "Phương Viên",
    "Đông Bắc",
    "Nặm Cắt",
    "An Phát",
    "Hồng Lĩnh",
)


class Party(NamedTuple):
    """Someone who hands in a dossier."""

    kind: str  #: citizen | business
    name: str
    identity: str  #: 12 digits CCCD, 9 digits CMND, or 10 digits tax code
    phone: str
    email: str


def chance(random: Random, odds: float) -> bool:
    """True with that probability."""
    return random.random() < odds


def person_name(random: Random) -> str:
    """A full name."""
    middle, given = (_MALE_MIDDLE, _MALE) if chance(random, 0.5) else (_FEMALE_MIDDLE, _FEMALE)
    return f"{random.choice(_FAMILIES)} {random.choice(middle)} {random.choice(given)}"


def business_name(random: Random) -> str:
    """The name of a firm or a co-operative."""
    return f"{random.choice(_FORMS)} {random.choice(_TRADES)} {random.choice(_BRANDS)}"


def citizen(random: Random) -> Party:
    """A citizen, most with the new identity number, a few of them without mail."""
    name = person_name(random)
    identity = f"006{random.randrange(10**9):09}" if chance(random, 0.85) else f"095{random.randrange(10**6):06}"
    return Party("citizen", name, identity, _phone(random), _email(name, random) if chance(random, 0.7) else "")


def business(random: Random) -> Party:
    """A firm with its tax code."""
    name = business_name(random)
    return Party("business", name, f"4700{random.randrange(10**6):06}", _phone(random), _email(name, random))


def party(random: Random) -> Party:
    """A citizen, or one time in eight a business."""
    return business(random) if chance(random, 0.125) else citizen(random)


def unaccented(text: str) -> str:
    """The text in ASCII, as people write their mail addresses."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(character for character in plain if character.isascii())


def _phone(random: Random) -> str:
    return f"0900{random.randrange(10**6):06}"


def _email(name: str, random: Random) -> str:
    return f"{unaccented(name).lower().replace(' ', '.')}.{random.randrange(1000)}@example.vn"
