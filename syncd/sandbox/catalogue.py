"""The procedures, sectors and states of the invented one-stop.

Names of procedures are those a citizen meets every day; their codes have the national shape and are invented. The same
list is the sandbox portal's catalogue, as the real portal's is what a province must map its local codes to.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Procedure(NamedTuple):
    """An administrative procedure (thủ tục hành chính)."""

    local: str  #: code in the one-stop
    code: str  #: national code
    name: str
    sector: str  #: code of the sector (lĩnh vực)
    level: str  #: province | district | commune: who receives it
    days: int  #: working days promised
    fee: int  #: whole đồng, 0 = free
    papers: tuple[str, ...]
    result: str

    @property
    def signed(self) -> bool:
        """Whether its result is a document with a number, which the document system issues."""
        return self.level != "commune" or self.result.startswith("Quyết định")

    @property
    def mapped(self) -> bool:
        """Whether the one-stop uses a code of its own, so that a mapping row stands."""
        return self.local != self.code

    @property
    def process(self) -> int:
        """Key of its process in the one-stop."""
        return 1000 + PROCEDURES.index(self)


SECTORS: Final = {
    "G15-HT01": "Hộ tịch",
    "G15-CT02": "Chứng thực",
    "G15-LT03": "Lý lịch tư pháp",
    "G05-DN01": "Thành lập và hoạt động của doanh nghiệp",
    "G05-HK02": "Hộ kinh doanh",
    "G13-DD01": "Đất đai",
    "G13-MT02": "Môi trường",
    "G09-DB01": "Đường bộ",
    "G17-XD01": "Hoạt động xây dựng",
    "G11-NC01": "Người có công",
    "G11-BT02": "Bảo trợ xã hội",
}
#: codes, sector, level, days and fee; then name, papers and result
_PROCEDURES: Final = """
KS-01 1.001193 G15-HT01 commune 1 0
Đăng ký khai sinh
Tờ khai theo mẫu; Giấy chứng sinh; Bản sao căn cước công dân
Giấy khai sinh

KH-01 1.000894 G15-HT01 commune 1 0
Đăng ký kết hôn
Tờ khai theo mẫu; Bản sao căn cước công dân; Giấy xác nhận tình trạng hôn nhân
Giấy chứng nhận kết hôn

KT-01 1.000656 G15-HT01 commune 1 0
Đăng ký khai tử
Tờ khai theo mẫu; Giấy báo tử
Trích lục khai tử

HN-02 1.004873 G15-HT01 commune 3 15000
Cấp giấy xác nhận tình trạng hôn nhân
Tờ khai theo mẫu; Bản sao căn cước công dân
Giấy xác nhận tình trạng hôn nhân

TL-03 2.000635 G15-HT01 commune 1 8000
Cấp bản sao trích lục hộ tịch
Tờ khai theo mẫu
Bản sao trích lục hộ tịch

CT-01 2.000815 G15-CT02 commune 1 4000
Chứng thực bản sao từ bản chính giấy tờ, văn bản
Bản chính giấy tờ
Bản sao có chứng thực

CT-02 2.000884 G15-CT02 commune 1 10000
Chứng thực chữ ký trong các giấy tờ, văn bản
Bản sao căn cước công dân; Văn bản cần chứng thực
Văn bản có chứng thực chữ ký

BT-01 1.001776 G11-BT02 commune 15 0
Thực hiện trợ cấp xã hội hằng tháng
Tờ khai theo mẫu; Bản sao căn cước công dân; Giấy tờ chứng minh nơi cư trú
Quyết định trợ cấp xã hội

NC-01 1.010833 G11-NC01 commune 3 0
Cấp giấy xác nhận thân nhân của người có công
Đơn đề nghị; Bản sao căn cước công dân
Giấy xác nhận thân nhân

HT-04 2.000528 G15-HT01 district 1 75000
Đăng ký khai sinh có yếu tố nước ngoài
Tờ khai theo mẫu; Giấy chứng sinh; Bản sao hộ chiếu
Giấy khai sinh

HK-01 1.001612 G05-HK02 district 3 100000
Đăng ký thành lập hộ kinh doanh
Giấy đề nghị đăng ký hộ kinh doanh; Bản sao căn cước công dân
Giấy chứng nhận đăng ký hộ kinh doanh

HK-02 2.000720 G05-HK02 district 3 100000
Đăng ký thay đổi nội dung đăng ký hộ kinh doanh
Thông báo thay đổi nội dung
Giấy chứng nhận đăng ký hộ kinh doanh

DD-01 1.012753 G13-DD01 district 20 120000
Đăng ký, cấp Giấy chứng nhận quyền sử dụng đất lần đầu
Đơn đề nghị; Trích đo địa chính; Bản sao căn cước công dân; Giấy tờ chứng minh nơi cư trú
Giấy chứng nhận quyền sử dụng đất

DD-02 1.012781 G13-DD01 district 10 50000
Đăng ký biến động quyền sử dụng đất do chuyển nhượng
Đơn đề nghị; Giấy chứng nhận quyền sử dụng đất; Hợp đồng chuyển nhượng
Giấy chứng nhận quyền sử dụng đất

DD-03 1.012756 G13-DD01 district 15 50000
Tách thửa hoặc hợp thửa đất
Đơn đề nghị; Giấy chứng nhận quyền sử dụng đất
Giấy chứng nhận quyền sử dụng đất

XD-02 1.009994 G17-XD01 district 15 75000
Cấp giấy phép xây dựng nhà ở riêng lẻ
Đơn đề nghị; Giấy chứng nhận quyền sử dụng đất; Bản vẽ thiết kế
Giấy phép xây dựng

LL-01 2.000488 G15-LT03 province 10 200000
Cấp Phiếu lý lịch tư pháp cho công dân Việt Nam
Tờ khai theo mẫu; Bản sao căn cước công dân
Phiếu lý lịch tư pháp

DN-01 2.001610 G05-DN01 province 3 50000
Đăng ký thành lập doanh nghiệp tư nhân
Giấy đề nghị đăng ký doanh nghiệp; Bản sao căn cước công dân
Giấy chứng nhận đăng ký doanh nghiệp

DN-02 2.001996 G05-DN01 province 3 50000
Đăng ký thay đổi ngành, nghề kinh doanh
Thông báo thay đổi; Nghị quyết của chủ sở hữu
Giấy xác nhận thay đổi

MT-01 1.010733 G13-MT02 province 30 6500000
Thẩm định báo cáo đánh giá tác động môi trường
Văn bản đề nghị; Báo cáo đánh giá tác động môi trường
Quyết định phê duyệt

GP-01 1.002801 G09-DB01 province 5 115000
Đổi giấy phép lái xe
Đơn đề nghị; Giấy khám sức khỏe; Bản sao giấy phép lái xe
Giấy phép lái xe

1.002820 1.002820 G09-DB01 province 5 115000
Cấp lại giấy phép lái xe
Đơn đề nghị; Giấy khám sức khỏe
Giấy phép lái xe

1.013239 1.013239 G17-XD01 province 25 1800000
Thẩm định báo cáo nghiên cứu khả thi đầu tư xây dựng
Tờ trình thẩm định; Hồ sơ dự án
Thông báo kết quả thẩm định

1.009974 1.009974 G17-XD01 province 14 300000
Cấp chứng chỉ hành nghề hoạt động xây dựng hạng II
Đơn đề nghị; Bằng tốt nghiệp; Kê khai kinh nghiệm
Chứng chỉ hành nghề

1.001731 1.001731 G11-BT02 commune 5 0
Hỗ trợ chi phí mai táng cho đối tượng bảo trợ xã hội
Tờ khai theo mẫu; Bản sao giấy chứng tử
Quyết định hỗ trợ mai táng phí
"""


def _procedure(lines: str) -> Procedure:
    codes, name, papers, result = lines.strip().splitlines()
    local, code, sector, level, days, fee = codes.split()
    return Procedure(local, code, name, sector, level, int(days), int(fee), tuple(papers.split("; ")), result)


_DOCUMENTS: Final = ("Quyết định", "Giấy phép", "Giấy chứng nhận", "Giấy xác nhận", "Giấy khai sinh", "Chứng chỉ", "Thông báo")


def document_type(result: str) -> str:
    """The type of document that a result is (loại văn bản)."""
    return next((kind for kind in _DOCUMENTS if result.startswith(kind)), "Công văn")


PROCEDURES: Final = tuple(_procedure(lines) for lines in _PROCEDURES.split("\n\n"))

#: rows of the status table (status, sub-status, code at the portal); what is not here falls to the default of the contract
STATUS_ROWS: Final = (
    ("new", "", "2"),
    ("receiving", None, "1"),
    ("processing", "", "4"),
    ("processing", "processing_tax", "6"),
    ("waiting", "", "5"),
    ("paying", "", "6"),
    ("denied", "", "3"),
    ("releasing", "", "9"),
    ("done", "", "10"),
    ("cancelled", "", "7"),
    ("unresolved", "", "8"),
)
#: statuses that the contract maps where the table has no row
STATUS_DEFAULTS: Final = {
    **dict.fromkeys(("processing", "correcting", "pausing", "cancelling", "interoperating"), "4"),
    **dict.fromkeys(("releasing", "posting"), "9"),
    "receiving": "1",
    "new": "2",
    "denied": "3",
    "waiting": "5",
    "paying": "6",
    "cancelled": "7",
    "unresolved": "8",
    "done": "10",
}
