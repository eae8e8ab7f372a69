"""What the sandbox LGSP refuses: the field tables of its dossier service, taken at their strictest.

Mandatory fields are there and filled, numbers are numbers, dates say their offset, lists hold what they must, and no field
is one that nobody knows. The placeholder for "no date" stands only where something has not happened yet. Counts of a
statistic must add up. Refusals name the field, never its content.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from syncd.sandbox.checks import Refused

Kind = Literal["text", "int", "number", "bool", "date", "base64", "any", "list"]
NO_DATE: Final = "0000-00-00T00:00:00.000+0700"
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?\+07:?00")
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "text": (str,), "base64": (str,), "date": (str,), "int": (int,), "number": (int, float), "bool": (bool,), "list": (list,), "any": (str, int, float),
}  # fmt: skip


class Field(NamedTuple):
    """What a field must be."""

    kind: Kind = "text"
    there: bool = False  #: it must be there
    filled: bool = False  #: and say something
    among: Collection[object] = ()
    none: bool = False  #: of a date: the placeholder may stand
    of: str = ""  #: of a list: the shape of what it holds


_M: Final = Field(there=True, filled=True)
_TEXT: Final = Field()
_INT: Final = Field("int", there=True)
_COUNT: Final = Field("int", there=True)
_SHARE: Final = Field("number", there=True)
_DAY: Final = Field("date", there=True)
_DAY_OR_NONE: Final = Field("date", there=True, none=True)
_OPTIONAL_DAY: Final = Field("date", none=True)

SHAPES: Final[Mapping[str, Mapping[str, Field]]] = {
    "SyncDocument": {
        **dict.fromkeys(("DocTypeCode", "DocTypeName", "DocCode", "CitizenName", "Phone", "ApplicantsId"), _M),
        **dict.fromkeys(("CitizenInfo", "Address", "Email", "Compendium", "SuccessNote", "ApproverName", "ApproverPosition", "ReturnNote", "Note"), _TEXT),
        "ApplicantsType": Field("int", there=True, among=(1, 2, 3, 4)),
        "DateReceived": _DAY,
        "DateAppointed": _DAY_OR_NONE,
        "IsSuccess": Field("bool", there=True),
        "SuccessDate": _DAY_OR_NONE,
        "IsReturned": Field("bool", there=True),
        "ReturnedDate": _DAY_OR_NONE,
        "ReturnedType": Field("int", there=True, among=(0, 1)),
        "FinishedDate": _OPTIONAL_DAY,
        "Status": Field("int", there=True, among=(1, 2)),
        **dict.fromkeys(("ProcessingOrganName", "OrganInchargeIdLevel1", "OrganInchargeName"), _M),
        "HasSupplementary": Field("bool"),
        "RequireSupplementaryDate": _OPTIONAL_DAY,
        "Attachments": Field("list", there=True, filled=True, of="Attachment"),
        "DocFees": Field("list", of="Fee"),
        "DocPapers": Field("list", of="Paper"),
        "Supplementaries": Field("list", of="Supplementary"),
        **dict.fromkeys(("vnpostalStatus", "vnpostalProfile", "fromViaPostal"), Field("any")),
    },
    "Attachment": {
        "AttachmentId": Field("int"),
        "Attachmentld": Field("int"),  # the schema spells it with a small L
        "AttachmentName": _M,
        "IsDeleted": Field("bool", there=True),
        "Base64": Field("base64", there=True),
        "IsVerified": Field("bool", there=True),
    },
    "Fee": {"FeeName": _M, "FeeType": _INT, "Price": Field("any", there=True)},
    "Paper": {"PaperName": _M, "Amount": Field("any", there=True), "PaperType": Field("any", there=True)},
    "Supplementary": {
        "SupplementaryId": Field("any", there=True),
        **dict.fromkeys(("SendUser", "SendComment", "ReceivedUser", "ReceivedComment"), _TEXT),
        "SendDate": _DAY,
        "ReceivedDate": _OPTIONAL_DAY,
        "IsReceived": Field("bool", there=True),
        "Papers": Field("list", of="Paper"),
        "Fees": Field("list", of="Fee"),
        "OldDateAppointed": _OPTIONAL_DAY,
        "NewDateAppointed": _OPTIONAL_DAY,
    },
    "UpdateDocumentTraces": {
        "DocumentId": Field("any", there=True),
        "DocCode": _M,
        **dict.fromkeys(("UserName", "UserPosition", "Comment", "OrganizationInchargeIdLevel1", "OrganizationInchargeName"), Field(there=True)),
        "DateCreated": _DAY,
        "Status": Field("int", there=True, among=(0,)),
    },
    "UpdateStatistic": {
        **dict.fromkeys(("Month", "Year", "NewReception", "PreExtisting", "Total", "TotalSolved", "SolvedInTime", "SolvedLate"), _COUNT),
        **dict.fromkeys(("TotalPending", "Pending", "PendingLate"), _COUNT),
        **dict.fromkeys(("SolvedInTimePercent", "SolvedLatePercent", "PendingPercent", "PendingLatePercent"), _SHARE),
        "IsMonthStatistic": Field("bool", there=True),
        "Note": _TEXT,
        "OrganizationInchargeIdlevel1": _M,  # a small l here
        "OrganizationInchargeName": _M,
    },
}
_SUMS: Final = (("Total", ("NewReception", "PreExtisting")), ("TotalSolved", ("SolvedInTime", "SolvedLate")), ("TotalPending", ("Pending", "PendingLate")))


def check(service: str, body: object) -> dict[str, Any]:
    """The body, if it breaks no rule of that service; refused otherwise."""
    given = _check(body, service, "")
    if service == "SyncDocument":
        _check_events(given)
    if service == "UpdateStatistic":
        _check_counts(given)
    return given


def _check(value: object, shape: str, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"{path or 'body'} phải là đối tượng")
    fields = SHAPES[shape]
    for name in value.keys() - fields.keys():
        raise Refused(f"Trường {path}{name} không có trong quy định")
    for name, field in fields.items():
        if name in value:
            _check_field(value[name], field, path + name)
        elif field.there:
            raise Refused(f"Thiếu trường {path}{name}")
    if shape == "Attachment" and len(value.keys() & {"AttachmentId", "Attachmentld"}) != 1:
        raise Refused(f"Thiếu trường {path}AttachmentId")
    return value


def _check_field(value: object, field: Field, path: str) -> None:
    if not isinstance(value, _TYPES[field.kind]) or (isinstance(value, bool) and field.kind != "bool"):
        raise Refused(f"{path} không đúng kiểu dữ liệu ({field.kind})")
    if field.filled and not (value.strip() if isinstance(value, str) else value):
        raise Refused(f"{path} không được để trống")
    if field.among and value not in field.among:
        raise Refused(f"{path} không có trong danh mục")
    if isinstance(value, str):
        _check_text(value, field, path)
    elif isinstance(value, list):
        for number, element in enumerate(value):
            _check(element, field.of, f"{path}[{number}].")
    elif isinstance(value, (int, float)) and value < 0:
        raise Refused(f"{path} không được âm")


def _check_text(value: str, field: Field, path: str) -> None:
    if field.kind == "date" and not (is_date(value) or (field.none and value == NO_DATE)):
        raise Refused(f"{path} không đúng định dạng ngày giờ có múi giờ +07:00")
    if field.kind == "base64":
        try:
            b64decode(value, validate=True)
        except binascii.Error:
            raise Refused(f"{path} không phải Base64") from None


def is_date(value: str) -> bool:
    """Whether it names an instant of Việt Nam's own time and says so."""
    if not _DATE.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _check_events(record: Mapping[str, Any]) -> None:
    """What has happened has a date, and what has a date has happened."""
    for happened, when in (("IsSuccess", "SuccessDate"), ("IsReturned", "ReturnedDate")):
        if record[happened] == (record[when] == NO_DATE):
            raise Refused(f"{when} không khớp với {happened}")


def _check_counts(statistic: Mapping[str, Any]) -> None:
    for total, parts in _SUMS:
        if statistic[total] != sum(statistic[part] for part in parts):
            raise Refused(f"{total} không bằng tổng các thành phần")
    if statistic["Total"] != statistic["TotalSolved"] + statistic["TotalPending"]:
        raise Refused("Total không bằng số đã giải quyết cộng số đang giải quyết")
    if not (1 <= statistic["Month"] <= 12 if statistic["IsMonthStatistic"] else statistic["Month"] == 0):
        raise Refused("Month không khớp với IsMonthStatistic")
    for name, value in statistic.items():
        if name.endswith("Percent") and value > 100:
            raise Refused(f"{name} vượt quá 100")
