"""A dossier, a step and a statistic in the platform's terms: the golden files, the field table, and what cannot be sent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors._lgsp.mapping import figures, load
from syncd.calls import Operation, Portion
from syncd.errors import ConfigurationError, Unmappable
from syncd.model import Agency, Dossier, Fee, Origin, Paper, Problem, Statistic, Status, Step
from tests.connectors.dossiers import AT, CODE, DOSSIER, OWNER, PORTALS, STEPS
from tests.connectors.lgsp_fields import PLACEHOLDER, TABLE, faults

GOLDEN = Path(__file__).parents[1] / "golden" / "lgsp"
NAMED, CONTENT = load("lgsp", None, contents=False), load("lgsp", None, contents=True)
MONTH = Statistic(
    agency=Agency(code="000.00.14.H03", name="UBND phường Đức Xuân"), year=2025, month=3, received=5, carried_over=4, on_time=4, late=2, pending=2, overdue=1
)
NOBODY = Dossier(code="", source_id=0)
OPEN = replace(DOSSIER, status=Status.PROCESSING, processed_at=None, returned_at=None)


def of(matter: Statistic) -> Portion:
    return Portion(operation=Operation.CREATE, dossier=NOBODY, subject=matter.key, matter=matter)


PORTIONS = {
    "document": (Portion(operation=Operation.CREATE, dossier=DOSSIER), "document"),
    "document.open": (Portion(operation=Operation.UPDATE, dossier=OPEN, memo="701,702"), "document"),
    "trace": (Portion(operation=Operation.STEPS, dossier=DOSSIER, steps=STEPS[:1]), "trace"),
    "statistic.month": (of(MONTH), "statistic"),
    "statistic.year": (of(replace(MONTH, month=0, on_time=0, late=0, pending=0, overdue=0, received=0, carried_over=0)), "statistic"),
}


def composed(portion: Portion) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(NAMED.compose(portion).body)
    return body


def document(dossier: Dossier, operation: Operation = Operation.CREATE, memo: str = "") -> dict[str, Any]:
    return composed(Portion(operation=operation, dossier=dossier, memo=memo))


def problems(portion: Portion) -> dict[str, Problem]:
    """Why it cannot be put so, by field."""
    with pytest.raises(Unmappable) as caught:
        NAMED.compose(portion)
    return {problem.field: problem for problem in caught.value.problems}


@pytest.mark.parametrize("name", PORTIONS)
def test_what_is_sent_is_as_the_golden_file_shows_and_as_the_contract_says(name: str) -> None:
    portion, shape = PORTIONS[name]
    written = msgspec.json.decode((GOLDEN / f"{name}.json").read_bytes())
    assert composed(portion) == written
    assert list(composed(portion)) == list(written)
    assert faults(written, shape) == []


@pytest.mark.parametrize(
    ("name", "lane", "subject"),
    [("document", "SyncDocument", CODE), ("trace", "UpdateDocumentTraces", CODE), ("statistic.month", "UpdateStatistic", "statistic:2025-03:000.00.14.H03")],
)
def test_each_operation_has_its_lane(name: str, lane: str, subject: str) -> None:
    element = NAMED.compose(PORTIONS[name][0])
    assert (element.lane, element.subject) == (lane, subject)


LACKS: dict[str, Dossier] = {
    "DocTypeCode": replace(DOSSIER, procedure_code=""),
    "DocTypeName": replace(DOSSIER, procedure_name=""),
    "DocCode": replace(DOSSIER, code=""),
    "CitizenName": replace(DOSSIER, owner=replace(OWNER, name=" ")),
    "Phone": replace(DOSSIER, owner=replace(OWNER, phone="")),
    "ApplicantsId": replace(DOSSIER, owner=replace(OWNER, identity="")),
    "ApplicantsType": replace(DOSSIER, owner=replace(OWNER, kind="")),
    "DateReceived": replace(DOSSIER, received_at=None),
    "DateAppointed": replace(DOSSIER, due_at=None),
    "Status": replace(DOSSIER, status=None),
    "ProcessingOrganName": replace(DOSSIER, agency=replace(DOSSIER.agency, name="")),
    "OrganInchargeIdLevel1": replace(DOSSIER, agency=replace(DOSSIER.agency, code="")),
    "OrganInchargeName": replace(DOSSIER, agency=replace(DOSSIER.agency, name="")),
    "Attachments": replace(DOSSIER, papers=()),
}


@pytest.mark.parametrize("field", LACKS)
def test_what_is_mandatory_and_absent_is_named_and_nothing_is_invented(field: str) -> None:
    problem = problems(Portion(operation=Operation.CREATE, dossier=LACKS[field]))[field]
    assert "required" in problem.reason
    assert problem.hint


def test_every_mandatory_field_either_can_be_missed_or_is_always_there() -> None:
    always = {"IsSuccess", "SuccessDate", "IsReturned", "ReturnedDate", "ReturnedType"}
    assert {field.name for field in TABLE["document"] if field.mandatory} == always | LACKS.keys() | {"OrganInchargeName"}
    assert faults(document(replace(OPEN, return_by_post=False)), "document") == []


def test_the_statuses_are_told_in_the_platforms_few_words() -> None:
    told = {status: document(replace(DOSSIER, status=status)) for status in Status}
    assert [status for status in Status if told[status]["Status"] == 2] == [Status.PROCESSED]
    assert [status for status in Status if told[status]["IsSuccess"]] == [Status.PROCESSED, Status.RETURNED]
    assert [status for status in Status if told[status]["IsReturned"]] == [Status.RETURNED]
    assert [status for status in Status if told[status]["HasSupplementary"]] == [Status.SUPPLEMENT]


@pytest.mark.parametrize("status", Status)
def test_nothing_is_dated_that_has_not_happened(status: Status) -> None:
    body = document(replace(DOSSIER, status=status))
    assert (body["SuccessDate"] != PLACEHOLDER) is body["IsSuccess"]
    assert (body["ReturnedDate"] != PLACEHOLDER) is body["IsReturned"]
    assert ("FinishedDate" in body) is body["IsReturned"]


def test_a_refusal_finishes_a_dossier() -> None:
    assert document(replace(OPEN, status=Status.REFUSED, refused_at=AT))["FinishedDate"] == "2025-03-03T08:30:15.000+0700"


@pytest.mark.parametrize(
    ("operation", "memo", "papers"),
    [
        (Operation.CREATE, "701,702", [(701, False)]),
        (Operation.UPDATE, "", [(701, False)]),
        (Operation.UPDATE, "701,702", [(701, False), (702, True)]),
    ],
)
def test_a_removed_paper_is_told_of_only_where_it_had_been_sent(operation: Operation, memo: str, papers: list[tuple[int, bool]]) -> None:
    sent = document(DOSSIER, operation, memo)["Attachments"]
    assert [(paper["AttachmentId"], paper["IsDeleted"]) for paper in sent] == papers


def test_the_key_of_a_paper_is_a_number() -> None:
    found = problems(Portion(operation=Operation.CREATE, dossier=replace(DOSSIER, papers=(Paper(id="A7", name="Đơn"),))))
    assert found["Attachments[0].AttachmentId"].reason == "is not a whole number"


def test_where_content_is_wanted_its_address_travels_in_its_place() -> None:
    papers = (*DOSSIER.papers, Paper(id="703", name="Bản sao", link="/etc/hosts"), Paper(id="704", name="Ảnh"))
    portion = Portion(operation=Operation.UPDATE, dossier=replace(DOSSIER, papers=papers), memo="701,702")
    with pytest.raises(Unmappable) as caught:
        CONTENT.compose(portion)
    assert [problem.field for problem in caught.value.problems] == ["Attachments[2].Base64", "Attachments[3].Base64"]
    body = msgspec.json.decode(CONTENT.compose(replace(portion, dossier=DOSSIER)).body)
    assert [paper["Base64"] for paper in body["Attachments"]] == ["https://mc.vidu.example/f/701", ""]
    assert [paper["Base64"] for paper in document(DOSSIER)["Attachments"]] == [""]


def test_what_the_source_could_not_read_is_not_sent() -> None:
    broken = Problem(field="receive_date", reason="no date")
    assert problems(Portion(operation=Operation.CREATE, dossier=replace(DOSSIER, problems=(broken,)))) == {"receive_date": broken}
    step = replace(STEPS[0], problems=(broken,))
    assert problems(Portion(operation=Operation.STEPS, dossier=DOSSIER, steps=(step,))) == {"receive_date": broken}


def test_a_dossier_of_the_portal_goes_by_the_one_stops_own_code() -> None:
    assert PORTALS.origin is Origin.PORTAL
    assert document(PORTALS)["DocCode"] == CODE


@pytest.mark.parametrize("field", ["DateCreated", "DocCode"])
def test_a_step_needs_its_time_and_its_dossier(field: str) -> None:
    step, dossier = replace(STEPS[0], at=None), replace(DOSSIER, code="")
    assert problems(Portion(operation=Operation.STEPS, dossier=dossier, steps=(step,)))[field].reason.startswith("is required")


def test_a_statistic_needs_its_agency() -> None:
    found = problems(of(replace(MONTH, agency=Agency())))
    assert found.keys() == {"OrganizationInchargeIdlevel1", "OrganizationInchargeName"}


counts = st.integers(0, 10_000)


@given(st.builds(Statistic, agency=st.just(MONTH.agency), year=st.just(2025), on_time=counts, late=counts, pending=counts, overdue=counts))
def test_shares_are_of_the_solved_and_of_the_pending(statistic: Statistic) -> None:
    told = figures(statistic)
    for whole, shares in ((told.solved, (told.on_time_share, told.late_share)), (told.pending, (told.pending_share, told.overdue_share))):
        assert sum(shares) == pytest.approx(100 if whole else 0, abs=0.011)
        assert all(0 <= share <= 100 and round(share, 2) == share for share in shares)


@pytest.mark.parametrize(
    ("when", "written"),
    [
        (datetime(2025, 3, 3, 1, 30, 15, 987654, tzinfo=UTC), "2025-03-03T08:30:15.987+0700"),
        (datetime(2025, 12, 31, 17, 0, tzinfo=UTC), "2026-01-01T00:00:00.000+0700"),
    ],
)
def test_instants_are_in_vietnamese_time_and_say_so(when: datetime, written: str) -> None:
    assert document(replace(DOSSIER, received_at=when))["DateReceived"] == written


@pytest.mark.parametrize("when", [datetime(2025, 3, 3), date(2025, 3, 3), AT - timedelta(days=365 * 50)])  # noqa: DTZ001  what is tested
def test_what_is_no_instant_is_refused(when: Any) -> None:
    assert problems(Portion(operation=Operation.CREATE, dossier=replace(DOSSIER, received_at=when))).keys() == {"DateReceived"}


def own(folder: Path, old: str, new: str) -> Path:
    """An administrator's folder with the mapping, changed."""
    text = files("mappings").joinpath("lgsp", "lgsp.toml").read_text("utf-8")
    assert old in text
    (folder / "lgsp").mkdir()
    (folder / "lgsp" / "lgsp.toml").write_text(text.replace(old, new), "utf-8")
    return folder


def test_the_offset_may_have_a_colon(tmp_path: Path) -> None:
    mapping = load("lgsp", own(tmp_path, '"+0700"', '"+07:00"'), contents=False)
    assert msgspec.json.decode(mapping.compose(PORTIONS["document"][0]).body)["DateReceived"] == "2025-03-03T08:30:15.000+07:00"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('offset = "+0700"', 'offset = "Z"', "settings.dates.offset"),
        ("[settings.answers.success]", "[settings.answers.good]", "settings.answers.success"),
        ('processed = "2"', 'processed = "hai"', "tables.status"),
        ("[shapes.attachment.Base64]", "[shapes.attachment.Content]", "shapes.attachment.Base64"),
        ("[shapes.trace.", "[shapes.step.", "shapes.trace"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(tmp_path: Path, old: str, new: str, field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load("lgsp", own(tmp_path, old, new), contents=False)
    assert field in " ".join(problem.field for problem in caught.value.problems)


def test_what_is_personal_is_known_by_the_mapping() -> None:
    told = NAMED.personal(NAMED.compose(PORTIONS["document"][0]))
    assert {OWNER.name, OWNER.phone, OWNER.identity, OWNER.email, OWNER.address, DOSSIER.abstract, DOSSIER.note} == told
    step = Step(id=1, at=AT, officer="Hoàng Thị Lan")
    assert NAMED.personal(NAMED.compose(Portion(operation=Operation.STEPS, dossier=DOSSIER, steps=(step,)))) == {"Hoàng Thị Lan"}


def test_a_fee_of_nothing_has_a_price() -> None:
    assert document(replace(DOSSIER, fees=(Fee(name="Phí", amount=0),)))["DocFees"] == [{"FeeName": "Phí", "FeeType": 4, "Price": 0}]
