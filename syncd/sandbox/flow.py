"""The process that every dossier of the invented one-stop goes through: its stages and the moves between them.

The weights say how often an officer makes a move where several are open; they are chosen so that most dossiers end
well and every status of the national list occurs. Where a procedure's result is issued by the document system, an officer
submits a draft instead of finishing, and the dossier waits (`SIGNING`): from there only what the document system answers
leads on (`ANSWERS`).
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Stage(NamedTuple):
    """One step of the procedure's process, and the status a dossier has there."""

    code: str
    name: str
    status: str
    substatus: str = ""


class Move(NamedTuple):
    """One thing an officer can do."""

    kind: str
    origins: tuple[str, ...]
    to: str  #: stage afterwards, "" = stays where it is
    text: str
    weight: int
    signed: bool | None = None  #: only of procedures whose result the document system issues, or only of others


SIGNING: Final = "380"  #: stage in which a draft waits to be signed and issued
STAGES: Final = {
    stage.code: stage
    for stage in (
        Stage("100", "Tiếp nhận hồ sơ trực tuyến", "receiving"),
        Stage("110", "Bộ phận Tiếp nhận và Trả kết quả", "new"),
        Stage("200", "Phòng chuyên môn", "processing"),
        Stage("210", "Thẩm định hồ sơ", "processing", "processing_appraisal"),
        Stage("220", "Chi cục Thuế", "processing", "processing_tax"),
        Stage("250", "Lấy ý kiến cơ quan phối hợp", "interoperating"),
        Stage("300", "Chờ bổ sung hồ sơ", "waiting"),
        Stage("310", "Chờ nộp phí, lệ phí", "paying"),
        Stage("320", "Đính chính kết quả", "correcting"),
        Stage("330", "Tạm dừng", "pausing"),
        Stage(SIGNING, "Chờ ký ban hành", "processing", "processing_signing"),
        Stage("400", "Trả kết quả", "releasing"),
        Stage("410", "Chuyển phát kết quả", "posting"),
        Stage("500", "Kết thúc", "done"),
        Stage("900", "Từ chối tiếp nhận", "denied"),
        Stage("910", "Rút hồ sơ", "cancelled"),
        Stage("920", "Dừng xử lý", "unresolved"),
    )
}
MOVES: Final = (
    Move("receive", ("100",), "110", "Tiếp nhận hồ sơ", 9),
    Move("refuse", ("100", "110"), "900", "Từ chối tiếp nhận hồ sơ", 1),
    Move("assign", ("110",), "200", "Chuyển phòng chuyên môn", 18),
    Move("appraise", ("200",), "210", "Trình thẩm định", 6),
    Move("consult", ("210",), "250", "Gửi lấy ý kiến", 2),
    Move("advised", ("250",), "210", "Nhận ý kiến phối hợp", 9),
    Move("tax", ("200",), "220", "Chuyển thông tin nghĩa vụ tài chính", 1),
    Move("taxed", ("220",), "200", "Xác nhận hoàn thành nghĩa vụ tài chính", 9),
    Move("supplement", ("200", "210"), "300", "Yêu cầu bổ sung hồ sơ", 2),
    Move("supplied", ("300",), "200", "Tiếp nhận hồ sơ bổ sung", 9),
    Move("charge", ("210",), "310", "Thông báo nộp phí, lệ phí", 2),
    Move("pay", ("310",), "210", "Xác nhận đã nộp phí, lệ phí", 9),
    Move("pause", ("210",), "330", "Tạm dừng xử lý", 2),
    Move("resume", ("330",), "210", "Tiếp tục xử lý", 9),
    Move("extend", ("200", "210"), "", "Gia hạn thời gian xử lý", 1),
    Move("finish", ("200", "210"), "400", "Phê duyệt kết quả", 14, signed=False),
    Move("submit", ("200", "210"), SIGNING, "Trình ký ban hành kết quả", 14, signed=True),
    Move("post", ("400",), "410", "Chuyển bưu điện trả kết quả", 2),
    Move("amend", ("400",), "320", "Đề nghị đính chính", 1),
    Move("amended", ("320",), "400", "Phê duyệt bản đính chính", 9),
    Move("return", ("400", "410"), "500", "Trả kết quả cho công dân", 12),
    Move("withdraw", ("110", "200", "300"), "910", "Công dân rút hồ sơ", 1),
    Move("stop", ("200", "300"), "920", "Dừng giải quyết hồ sơ", 1),
)
ANSWERS: Final = {
    answer.kind: answer
    for answer in (
        Move("issued", (SIGNING,), "400", "Nhận văn bản đã ban hành", 9),
        Move("rejected", (SIGNING,), "210", "Văn bản không được duyệt ký", 1),
        Move("signed", (SIGNING,), "", "Lãnh đạo đã ký, chờ văn thư ban hành", 1),
    )
}
MOVES_FROM: Final = {code: tuple(move for move in MOVES if code in move.origins) for code in STAGES}
LEADING_ON: Final = frozenset(origin for move in (*MOVES, *ANSWERS.values()) for origin in move.origins)  #: stages that are not the end


def moves_from(stage: str, *, signed: bool, answers: bool = False) -> tuple[Move, ...]:
    """What is usual there, of a procedure whose result is `signed` by the document system or not; with `answers` also what
    that system does."""
    standing = tuple(ANSWERS.values()) if answers and stage == SIGNING else ()
    return (*(move for move in MOVES_FROM[stage] if move.signed in (None, signed)), *standing)
