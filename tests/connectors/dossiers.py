"""Invented dossiers for tests of the connector to the national portal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from syncd.calls import Element, Operation, Portion
from syncd.model import Agency, Dossier, Fee, Origin, Owner, Paper, Status, Step
from syncd.ports import Target

AT = datetime(2025, 3, 3, 1, 30, 15, tzinfo=UTC)
CODE = "000.00.14.H03-250303-0001"
OWNER = Owner(
    kind="citizen", name="Nông Văn Bình", identity="006088001234", account="1f0e-77", email="binh.nong@vidu.example", phone="0912345678", address="tổ 4"
)
DOSSIER = Dossier(
    code=CODE,
    source_id=1,
    procedure_code="1.001193",
    procedure_name="Đăng ký khai sinh",
    domain_code="G15-HT01",
    domain_name="Hộ tịch",
    owner=OWNER,
    agency=Agency(code="000.00.14.H03", name="UBND phường Đức Xuân"),
    status=Status.RETURNED,
    abstract="Khai sinh cho bé Nông Thị Mận",
    note="Nộp tại bộ phận một cửa",
    channel="online",
    return_by_post=True,
    paid_online="portal",
    submitted_at=AT - timedelta(hours=20),
    received_at=AT,
    due_at=AT + timedelta(days=3),
    processed_at=AT + timedelta(days=2),
    returned_at=AT + timedelta(days=2, hours=4),
    papers=(
        Paper(id="701", name="Tờ khai theo mẫu", component="KQ.G15.000123", link="https://mc.vidu.example/f/701", digitised=True),
        Paper(id="702", name="Giấy chứng sinh", removed=True),
    ),
    results=(Paper(id="801", name="Giấy khai sinh", kind="KQ.1.001193", link="https://mc.vidu.example/f/801"), Paper(id="802", name="Bản nháp", removed=True)),
    fees=(Fee(name="Lệ phí khai sinh", amount=8000, kind="fee"), Fee(name="Phí bản sao", amount=0, code="P02", kind="charge", collected="result")),
)
PORTALS = replace(DOSSIER, origin=Origin.PORTAL, portal_code="G22.99-250303-000007")
STEPS = (
    Step(id=11, at=AT, officer="Hoàng Thị Lan", unit="Bộ phận một cửa", content="Tiếp nhận", status=Status.RECEIVED, due_at=AT + timedelta(hours=4)),
    Step(id=12, at=AT + timedelta(days=2), officer="Triệu Văn Sơn", content="Ký kết quả – đã xong", status=Status.PROCESSED),
)


def element(target: Target, operation: Operation = Operation.CREATE, dossier: Dossier = DOSSIER, memo: str = "") -> Element:
    """A portion of the dossier, composed."""
    steps = STEPS if operation is Operation.STEPS else ()
    return target.compose(Portion(operation=operation, dossier=dossier, steps=steps, memo=memo))


def another(number: int) -> Dossier:
    """Another dossier."""
    return replace(DOSSIER, code=f"000.00.14.H03-250303-{number:04}", source_id=number)


def asked(dossier: Dossier) -> Portion:
    """The portion by which a target is asked about a dossier."""
    return Portion(operation=Operation.LOOKUP, dossier=dossier, subject=dossier.code)
