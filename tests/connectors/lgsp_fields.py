"""The objects of the SyncDocument family, field by field: name, type, mandatory. Written from the contract, not from the mapping."""

from __future__ import annotations

import re
from typing import Any, NamedTuple


class Field(NamedTuple):
    """One field: its type, whether it must be filled, what values it may have, or the shape of its entries."""

    name: str
    type: str  #: string | int | bool | number | datetime | list
    mandatory: bool = False
    values: tuple[object, ...] = ()
    entries: str = ""
    placeholder: bool = False  #: the contract's own word for "none" may stand there

    @property
    def may_lack(self) -> bool:
        """Whether it is left out where there is none."""
        return self.type == "datetime" and not self.mandatory


PLACEHOLDER = "0000-00-00T00:00:00.000+0700"
_DATE = re.compile(r"(?:19[9]\d|20\d\d)-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}\+07:?00")


def _all(kind: str, *names: str, mandatory: bool = False) -> list[Field]:
    return [Field(name, kind, mandatory) for name in names]


TABLE: dict[str, list[Field]] = {
    "document": [
        *_all("string", "DocTypeCode", "DocTypeName", "DocCode", "CitizenName", mandatory=True),
        *_all("string", "CitizenInfo", "Address", "Email"),
        *_all("string", "Phone", "ApplicantsId", mandatory=True),
        Field("ApplicantsType", "int", mandatory=True, values=(1, 2, 3, 4)),
        Field("Compendium", "string"),
        *_all("datetime", "DateReceived", "DateAppointed", mandatory=True),
        Field("IsSuccess", "bool", mandatory=True),
        Field("SuccessDate", "datetime", mandatory=True, placeholder=True),
        *_all("string", "SuccessNote", "ApproverName", "ApproverPosition"),
        Field("IsReturned", "bool", mandatory=True),
        Field("ReturnedDate", "datetime", mandatory=True, placeholder=True),
        Field("ReturnNote", "string"),
        Field("ReturnedType", "int", mandatory=True, values=(0, 1)),
        Field("FinishedDate", "datetime"),
        Field("Status", "int", mandatory=True, values=(1, 2)),
        *_all("string", "ProcessingOrganName", "OrganInchargeIdLevel1", "OrganInchargeName", mandatory=True),
        Field("HasSupplementary", "bool"),
        Field("RequireSupplementaryDate", "datetime"),
        Field("Note", "string"),
        Field("Attachments", "list", mandatory=True, entries="attachment"),
        Field("DocFees", "list", entries="fee"),
        Field("DocPapers", "list", entries="paper"),
        Field("Supplementaries", "list", entries="supplementary"),
    ],
    "attachment": [
        Field("AttachmentId", "int", mandatory=True),
        Field("AttachmentName", "string", mandatory=True),
        Field("IsDeleted", "bool", mandatory=True),
        Field("Base64", "string"),
        Field("IsVerified", "bool", mandatory=True),
    ],
    "fee": [Field("FeeName", "string", mandatory=True), Field("FeeType", "int", values=(4,)), Field("Price", "number", mandatory=True)],
    "paper": [],
    "supplementary": [],
    "trace": [
        Field("DocumentId", "int", mandatory=True),
        Field("DocCode", "string", mandatory=True),
        *_all("string", "UserName", "UserPosition"),
        Field("DateCreated", "datetime", mandatory=True),
        Field("Comment", "string"),
        Field("Status", "int", mandatory=True, values=(0,)),
        *_all("string", "OrganizationInchargeIdLevel1", "OrganizationInchargeName"),
    ],
    "statistic": [
        Field("Month", "int", mandatory=True, values=tuple(range(13))),
        Field("Year", "int", mandatory=True),
        Field("IsMonthStatistic", "bool", mandatory=True),
        *_all("int", "NewReception", "PreExtisting", "Total", "TotalSolved", "SolvedInTime", mandatory=True),
        Field("SolvedInTimePercent", "number", mandatory=True),
        Field("SolvedLate", "int", mandatory=True),
        Field("SolvedLatePercent", "number", mandatory=True),
        *_all("int", "TotalPending", "Pending", mandatory=True),
        Field("PendingPercent", "number", mandatory=True),
        Field("PendingLate", "int", mandatory=True),
        Field("PendingLatePercent", "number", mandatory=True),
        Field("Note", "string"),
        *_all("string", "OrganizationInchargeIdlevel1", "OrganizationInchargeName", mandatory=True),
    ],
}
assert sum(field.mandatory for field in TABLE["document"]) == 19
_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "int": (int,), "bool": (bool,), "number": (int, float), "datetime": (str,), "list": (list,)}


def faults(value: dict[str, Any], shape: str) -> list[str]:
    """What of the object is not as the contract says, order and completeness included."""
    fields = TABLE[shape]
    wanted = [field.name for field in fields if field.name in value or not field.may_lack]
    found = [] if list(value) == wanted else [f"{shape}: fields {list(value)}"]
    return found + [fault for field in fields if field.name in value for fault in _faults(value[field.name], field)]


def _faults(value: Any, field: Field) -> list[str]:
    if value == "" and field.type == "string":
        return [f"{field.name} is empty"] if field.mandatory else []
    if not _is(value, field.type):
        return [f"{field.name} is no {field.type}"]
    if field.values and value not in field.values:
        return [f"{field.name}: {value!r}"]
    if field.type == "datetime":
        return [] if _DATE.fullmatch(value) or (field.placeholder and value == PLACEHOLDER) else [f"{field.name}: {value!r}"]
    if field.type == "list":
        return ([] if value or not field.mandatory else [f"{field.name} is empty"]) + [fault for entry in value for fault in faults(entry, field.entries)]
    return []


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (not isinstance(value, bool) or kind == "bool")
