"""What the portal's answers mean, row by row of the contract's table."""

from __future__ import annotations

import unicodedata

import msgspec
import pytest

from connectors._dvcqg.answers import Answer, Answers, read, spelt
from connectors._dvcqg.mapping import CREATE, STATUS, STEPS, UPDATE, load
from connectors._http.outcomes import Answered, Trouble
from syncd.calls import Outcome

ANSWERS = Answers(load("dvcqg", "extended", None).words)
GOOD = (Outcome.DELIVERED, True)
BAD = (Outcome.REJECTED, None)
THERE = (Outcome.CROSSED, True)
GONE = (Outcome.CROSSED, False)


def answered(body: object, status: int = 200) -> Answer | Trouble:
    return read(Answered(status, body if isinstance(body, bytes) else msgspec.json.encode(body)))


def said(code: object, message: object = "") -> Answer:
    found = answered({"error_code": code, "message": message})
    assert isinstance(found, Answer)
    return found


@pytest.mark.parametrize("code", [0, "0", "00", " 0 ", 0.0, "+0", "-0"])
def test_success_has_many_spellings(code: object) -> None:
    assert ANSWERS.judge(said(code, "Đồng bộ thành công"), CREATE) == GOOD


@pytest.mark.parametrize(("code", "kept"), [(3, "3"), ("-03", "-3"), ("E-17", "E-17"), (1.5, "1.5")])
def test_other_codes_are_kept(code: object, kept: str) -> None:
    assert said(code).code == kept


@pytest.mark.parametrize("code", [None, "", " ", True, [], {"a": 1}])
def test_what_is_no_code_is_none(code: object) -> None:
    assert spelt(code) == ""


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
@pytest.mark.parametrize(
    ("lane", "code", "message", "meaning"),
    [
        (CREATE, 0, "Thành công", GOOD),
        (CREATE, 0, "", GOOD),
        (CREATE, 0, "Thành công, không có lỗi", GOOD),
        (CREATE, 0, "Đồng bộ không thành công", BAD),
        (UPDATE, 0, "Cập nhật thất bại", BAD),
        (STEPS, "00", "Lỗi hệ thống", BAD),
        (CREATE, 3, "Hồ sơ đã tồn tại", THERE),
        (CREATE, "-3", "Mã hồ sơ đã tồn tại trên hệ thống", THERE),
        (CREATE, 0, "Hồ sơ đã tồn tại", THERE),
        (CREATE, 3, "", BAD),
        (CREATE, -1, "Hồ sơ đã tồn tại", BAD),
        (UPDATE, 3, "Hồ sơ đã tồn tại", BAD),
        (STEPS, 0, "Tiến độ đã tồn tại", GOOD),
        (UPDATE, -1, "Hồ sơ không tồn tại", GONE),
        (STEPS, "5", "Không tìm thấy hồ sơ", GONE),
        (STEPS, 0, "Hồ sơ chưa tồn tại", GONE),
        (CREATE, -1, "Mã TTHC không tồn tại", BAD),
        (STATUS, -1, "Hồ sơ không tồn tại", BAD),
        (STATUS, 0, "Thành công", GOOD),
        (CREATE, -1, "Có lỗi", BAD),
        (CREATE, 97, "", BAD),
    ],
)
def test_what_an_answer_means(lane: str, code: object, message: str, meaning: tuple[Outcome, bool | None], form: str, change: object) -> None:
    assert callable(change)
    text = unicodedata.normalize("NFD" if form == "NFD" else "NFC", change(message))
    assert ANSWERS.judge(said(code, text), lane) == meaning


@pytest.mark.parametrize(
    ("code", "message", "lost"),
    [
        (-2, "Phiên làm việc đã hết hạn", True),
        ("5", "Invalid SESSION", True),
        (0, "session ok", False),
        (-2, "Mã phiên sai", True),
        (-1, "Phiên bản dữ liệu không đúng", False),
        (-1, "Họ tên phiên dịch viên quá dài", False),
        (-1, "Trích yếu: phiên tòa ngày 3/3", False),
        (-1, "Sai dữ liệu", False),
    ],
)
def test_a_session_that_is_over_is_recognised(code: object, message: str, lost: bool) -> None:
    assert ANSWERS.sessionless(said(code, message)) is lost


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b"<html><body>Error</body></html>", b'{"error_code":0', b"[]", b"null", b"\xff\xfe", {}, {"message": "ok"}, {"error_code": None}, b"[" * 5000],
)
def test_what_is_no_answer_of_the_portal_leaves_everything_open(body: object) -> None:
    found = answered(body)
    assert isinstance(found, Trouble)
    assert (found.outcome, found.code) == (Outcome.UNKNOWN, "unreadable")


def test_a_mark_of_byte_order_is_overlooked() -> None:
    found = answered(b'\xef\xbb\xbf{"error_code":"0","message":null}')
    assert isinstance(found, Answer)
    assert (found.code, found.message, found.body) == ("0", "", {"error_code": "0", "message": None})


def test_a_short_answer_that_comes_again_word_for_word_is_read_once() -> None:
    said = {"error_code": "0", "message": "Thành công"}
    assert answered(said) is answered(said)
    assert answered(said) is not answered(said, 201)
    long = {**said, "result": ["x" * 1000]}
    assert answered(long) is not answered(long)


def test_a_refusal_by_status_is_read_for_its_code_first() -> None:
    assert isinstance(answered({"error_code": -1, "message": "MaHoSo\nsai"}, 400), Answer)
    refusal = answered(b"<html>", 400)
    assert isinstance(refusal, Trouble)
    assert refusal.outcome is Outcome.UNAVAILABLE, "whoever stands in between may dislike every call"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"result": [{"a": 1}]}, [{"a": 1}]),
        ({"data": [{"a": 1}]}, [{"a": 1}]),
        ({"result": None, "data": [{"a": 1}]}, [{"a": 1}]),
        ({"result": {"data": [{"a": 1}]}}, [{"a": 1}]),
        ({"result": {"data": None}}, []),
        ({"result": {"a": 1}}, [{"a": 1}]),
        ({"result": []}, []),
        ({"result": None}, []),
        ({"result": "x"}, None),
        ({}, None),
    ],
)
def test_what_was_found_stands_under_one_name_or_another(body: dict[str, object], found: object) -> None:
    assert Answer(code="0", message="", body=body).found == found


def test_a_mapping_may_leave_a_list_of_words_empty() -> None:
    words = load("dvcqg", "extended", None).words.model_copy(update={"failure": ()})
    assert Answers(words).judge(said(0, "Có lỗi"), CREATE) == GOOD
