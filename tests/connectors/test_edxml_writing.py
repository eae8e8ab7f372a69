"""edXML as it goes out: the golden file, the schema written from the contract, what is refused, and that it reads back the same."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from connectors._edxml.limits import Limits
from connectors._edxml.reading import read
from connectors._edxml.values import UPDATE, Business, Document, Organ, Trace
from connectors._edxml.writing import show, write
from syncd.documents import Attachment
from syncd.errors import Unmappable
from tests.connectors.packages import DRAFT, LIMITS, PDF, RECEIVER, zipped
from tests.examples import examples

GOLDEN = Path(__file__).parents[1] / "golden" / "edxml"
SCHEMA = etree.XMLSchema(etree.parse(GOLDEN / "document.xsd"))
ISSUED = replace(
    DRAFT, number="123", notation="QĐ-UBND", place="Bắc Kạn", issued="2025/03/07", position="Chủ tịch", competence="TM. UBND", copies="2", pages="1"
)
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"], exclude_characters="\ufffd"), min_size=1, max_size=10)
TEXTS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
OPTIONAL = st.just("") | TEXTS
ORGANS = st.builds(
    Organ,
    id=WORDS,
    in_charge=OPTIONAL,
    name=OPTIONAL,
    address=OPTIONAL,
    email=OPTIONAL,
    telephone=st.just("0209"),
    fax=OPTIONAL.map(lambda t: t[:20].strip()),
    website=OPTIONAL,
)
FILES = st.builds(
    Attachment, name=WORDS.map(lambda word: "tệp" + word.replace("/", "-").replace("\\", "-") + ".doc"), content=st.binary(min_size=1, max_size=300)
)
DOCUMENTS = st.builds(
    Document,
    sender=ORGANS,
    receivers=st.lists(ORGANS, min_size=1, max_size=3, unique_by=lambda organ: organ.id).map(tuple),
    id=TEXTS,
    type=st.sampled_from("12"),
    type_name=TEXTS,
    subject=TEXTS,
    number=OPTIONAL.map(lambda t: t[:11].strip()),
    notation=OPTIONAL.map(lambda t: t[:30].strip()),
    place=OPTIONAL,
    issued=OPTIONAL,
    competence=OPTIONAL,
    position=OPTIONAL,
    signer=OPTIONAL,
    due=OPTIONAL,
    sphere=OPTIONAL,
    typist=OPTIONAL.map(lambda t: t[:10].strip()),
    copies=OPTIONAL,
    pages=OPTIONAL,
    references=st.lists(TEXTS, max_size=2).map(tuple),
    places=st.lists(TEXTS, min_size=1, max_size=2).map(tuple),
    traces=st.lists(st.builds(Trace, organ=WORDS, at=TEXTS), max_size=3).map(tuple),
    business=st.builds(Business, document=OPTIONAL, kind=st.sampled_from(["0", "2"]), reason=OPTIONAL, department=OPTIONAL, staff=OPTIONAL),
    files=st.lists(FILES, min_size=1, max_size=3).map(tuple),
)


def problems(document: Document, *, draft: bool = True) -> dict[str, str]:
    with pytest.raises(Unmappable) as caught:
        write(document, draft=draft)
    return {problem.field: problem.reason for problem in caught.value.problems}


@pytest.mark.parametrize(("name", "document"), [("draft", DRAFT), ("issued", ISSUED)])
def test_a_package_is_as_the_golden_file_shows_and_as_the_schema_demands(name: str, document: Document) -> None:
    written = write(replace(document, files=document.files[:1]), draft=name == "draft")
    assert written == (GOLDEN / f"{name}.xml").read_bytes()
    SCHEMA.assertValid(etree.fromstring(written))


def test_the_envelope_is_prefixed_and_the_rest_is_not() -> None:
    text = write(DRAFT, draft=True).decode()
    assert '<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXML:edXMLEnvelope xmlns:edXML=' in text
    assert "<AttachmentEncoded><Attachment><ContentId>cid:file1" in text
    assert '<edXML:ContentTransferEncoded xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">JVBER' in text
    assert "\n" not in text.partition("?>\n")[2]


def test_an_issued_document_leaves_no_mandatory_element_empty() -> None:
    root = etree.fromstring(write(replace(ISSUED, sphere="Tỉnh", typist="VT", receivers=(replace(DRAFT.sender, id="X"),)), draft=False))
    assert [etree.QName(element).localname for element in root.iter() if len(element) == 0 and not (element.text or "").strip()] == ["Appendixes", "Department"]


def test_only_pdf_and_zip_travel_as_they_are() -> None:
    archive = zipped({"a.txt": b"a"})
    files = (
        Attachment(name="a.PDF", content=PDF),
        Attachment(name="b.ZIP", content=archive),
        Attachment(name="c.docx", content=archive),
        Attachment(name="d", content=b"d"),
    )
    root = etree.fromstring(write(replace(DRAFT, files=files), draft=True))
    types = [element.text for element in root.iter("{*}ContentType")]
    assert types == ["application/pdf", "application/zip", "application/zip", "application/zip"] * 2
    assert read(write(replace(DRAFT, files=files[:2]), draft=True), LIMITS) == replace(
        DRAFT, files=tuple(replace(file, kind=kind) for file, kind in zip(files[:2], types, strict=False))
    )
    wrapped = [zipfile.ZipFile(io.BytesIO(_content(root, number))).namelist() for number in (2, 3)]
    assert [[name.rpartition(".")[2] for name in names] for names in wrapped] == [["docx"], ["bin"]]
    assert write(replace(DRAFT, files=files), draft=True) == write(replace(DRAFT, files=files), draft=True)


def _content(root: etree._Element, number: int) -> bytes:
    return base64.b64decode(list(root.iter("{*}ContentTransferEncoded"))[number].text or "")


def test_an_update_says_what_changed() -> None:
    written = write(replace(DRAFT, business=Business(kind=UPDATE, document="a", reason="Sửa lỗi")), draft=True)
    SCHEMA.assertValid(etree.fromstring(written))
    assert b"BussinessDocReason>S" in written
    assert b"<edXML:DocumentInfo>1<" in written


def test_everything_wrong_is_named_at_once() -> None:
    wrong = replace(DRAFT, receivers=(), id="", subject="x" * 501, type_name="", files=(), notation="Q" * 31)
    assert problems(wrong) == {
        "edXML.DocumentId": "is required and empty",
        "edXML.CodeNotation": "has 31 characters, at most 30 are allowed",
        "edXML.TypeName": "is required and empty",
        "edXML.Subject": "has 501 characters, at most 500 are allowed",
        "edXML.Attachment": "is required and empty",
        "edXML.To": "is required and empty",
    }
    assert problems(replace(DRAFT, receivers=(RECEIVER, RECEIVER))) == {"edXML.To": "names an agency twice"}
    assert set(problems(DRAFT, draft=False)) == {
        f"edXML.{name}" for name in ("CodeNumber", "CodeNotation", "PromulgationPlace", "PromulgationDate", "Position")
    }
    assert problems(replace(DRAFT, position="\x00")) == {"edXML": "holds characters that XML cannot carry"}


def test_a_person_sees_the_package_without_its_content() -> None:
    shown = show(replace(DRAFT, files=(Attachment(name="a.pdf", content=b""),)))
    assert "  <edXML:Subject>Cấp phép xây dựng" in shown.replace("      ", "  ")
    assert shown.count(">…</edXML:ContentTransferEncoded>") == 1


@settings(max_examples=examples(150), deadline=None)
@given(DOCUMENTS)
def test_what_is_written_reads_back_the_same(document: Document) -> None:
    found = read(write(document, draft=True), Limits.of(1))
    assert isinstance(found, Document)
    told = [(file.name, file.content) for file in found.files]
    assert told == [(file.name, file.content) for file in document.files]
    assert replace(found, files=document.files) == document
