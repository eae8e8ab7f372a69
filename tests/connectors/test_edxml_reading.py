"""edXML as it comes in: every make of it, every status, and what is refused without being held in memory."""

from __future__ import annotations

import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._edxml.dates import lenient
from connectors._edxml.files import bare
from connectors._edxml.issued import Listed, understand
from connectors._edxml.limits import Limits, Unreadable
from connectors._edxml.reading import read
from connectors._edxml.values import NAMESPACE, Document, StatusPackage
from connectors._ioffice.mapping import load
from connectors._ioffice.options import IofficeOptions
from syncd.documents import IssuedDocument, Stage
from tests.connectors.packages import CODE, LIMITS, PDF, attachment, issued, status, zipped

OPTIONS = IofficeOptions.model_validate({"connector": "ioffice", "address": "http://127.0.0.1:9/", "from_organ": "H03", "username": "u", "password": "p"})
MEANINGS = load(OPTIONS, None).meanings
DOCX = zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"})


def document(package: bytes) -> Document:
    found = read(package, LIMITS)
    assert isinstance(found, Document)
    return found


def meant(package: bytes, listed: Listed | None = None) -> IssuedDocument:
    return understand(read(package, LIMITS), "d-1", MEANINGS, listed or Listed())


def refused(package: bytes, limits: Limits = LIMITS) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read(package, limits)
    assert str(caught.value) == caught.value.message
    assert caught.value.hint
    return caught.value


# ---- makes


@pytest.mark.parametrize(("prefixes", "order"), list(product(("java", "plain", "all"), ("java", "dotnet"))))
@pytest.mark.parametrize("key", ["cid:f1", "f1"])
@pytest.mark.parametrize("tag", ["edXML:ContentTransferEncoded", "ContentTransferEncoded"])
def test_every_make_reads_the_same(prefixes: str, order: str, key: str, tag: str) -> None:
    if prefixes == "all" and tag.startswith("edXML:"):
        tag = tag.removeprefix("edXML:")
    found = document(issued(prefixes=prefixes, order=order, files=[attachment(PDF, key=key, tag=tag)]))
    assert (found.number, found.notation, found.issued, found.references) == ("123", "QĐ-UBND", "2025/03/07", (CODE,))
    assert (found.signer, found.position, found.competence, found.type_name) == ("Hà Thị Mến", "Chủ tịch", "TM. UBND", "Quyết định")
    assert [(file.name, file.content, file.kind) for file in found.files] == [("quyết định.pdf", PDF, "application/pdf")]
    assert [trace.organ for trace in found.traces] == ["000.00.14.H03"]


def test_a_name_that_stands_only_in_the_manifest_is_found_by_the_id_without_cid() -> None:
    assert [file.name for file in document(issued(files=[attachment(PDF, "", key="f1")])).files] == ["từ bản kê 1.pdf"]


def test_a_file_without_any_name_gets_one() -> None:
    package = issued(files=[attachment(PDF, "", key="other")])
    assert [file.name for file in document(package).files] == ["1.pdf"]


@pytest.mark.parametrize(
    ("content", "name", "kind", "expected"),
    [
        (zipped({"0b8c.docx": DOCX}), "tờ trình.docx", "application/zip", DOCX),  # wrapped, as the rule says
        (zipped({"0b8c.docx": b"text"}), "tờ trình.docx", "application/octet-stream", b"text"),  # whatever its type says
        (DOCX, "tờ trình.docx", "application/zip", DOCX),  # newer makes do not wrap
        (zipped({"x/": b"", "x/a.txt": b"a"}), "a.txt", "application/zip", b"a"),
        (PDF, "a.pdf", "application/zip", PDF),
        (zipped({"a": b"1", "b": b"2"}), "cả hai.zip", "application/zip", zipped({"a": b"1", "b": b"2"})),
        (b"plain", "a.txt", "text/plain", b"plain"),
    ],
)
def test_the_first_bytes_say_whether_a_file_is_wrapped(content: bytes, name: str, kind: str, expected: bytes) -> None:
    assert [(file.name, file.content) for file in document(issued(files=[attachment(content, name, kind=kind)])).files] == [(name, expected)]


def test_the_type_of_a_file_is_what_it_is_or_else_what_is_declared() -> None:
    files = [attachment(b"plain", "a.txt", kind="text/plain"), attachment(zipped({"x": b"y"}), "b.txt", key="cid:f2"), attachment(PDF, "c", kind="text/plain")]
    assert [file.kind for file in document(issued(files=files)).files] == ["text/plain", "", "application/pdf"]


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "&#13;\n", " \t"])
def test_base64_may_be_broken_anywhere(breaks: str) -> None:
    content = PDF * 50
    text = attachment(content)
    start = text.index("JVBER")
    end = text.index("</edXML:Con")
    encoded = text[start:end]
    text = text[:start] + breaks + breaks.join(encoded[at : at + 71] for at in range(0, len(encoded), 71)) + breaks + text[end:]
    assert document(issued(files=[text])).files[0].content == content
    assert document(issued(files=[text.replace("==</", "</").replace("=</", "</")])).files[0].content == content
    assert document(issued(files=[text.replace(encoded[:71], f"{encoded[:30]}<!-- c -->{encoded[30:71]}")])).files[0].content == content


def test_content_may_stand_in_a_cdata_section() -> None:
    content = PDF + bytes(900_000)
    text = attachment(content)
    start, end = text.index("JVBER"), text.index("</edXML:Con")
    text = f"{text[:start]}<![CDATA[{text[start:end]}]]>{text[end:]}"
    assert document(issued(files=[text])).files[0].content == content


def test_other_encodings_and_a_mark_in_front_are_read() -> None:
    text = issued(files=[attachment(PDF)]).decode()
    assert document(b"\xef\xbb\xbf" + text.encode()).number == "123"
    assert document(text.replace("utf-8", "utf-16").encode("utf-16")).signer == "Hà Thị Mến"


def test_business_spelt_right_and_codes_in_one_text_are_read_too() -> None:
    package = issued(references=f"<ReferenceCodes>{CODE}; X-2</ReferenceCodes>", business=f"<DocumentId>{CODE}</DocumentId>")
    found = document(package.replace(b"Bussiness", b"Business"))
    assert (found.references, found.business.document, found.business.kind) == ((CODE, "X-2"), CODE, "0")


# ---- what it means


@pytest.mark.parametrize(
    ("code", "stage"),
    [
        ("01", Stage.DELIVERED),
        ("02", Stage.REJECTED),
        ("03", Stage.ACCEPTED),
        ("04", Stage.IN_PROGRESS),
        ("5", Stage.IN_PROGRESS),
        ("06", Stage.UNNUMBERED),
        ("13", Stage.RECALL_ASKED),
        ("15", Stage.RECALL_AGREED),
        ("16", Stage.RECALL_REFUSED),
    ],
)
@pytest.mark.parametrize("prefixes", ["java", "plain", "all"])
def test_every_status_package_is_understood(code: str, stage: Stage, prefixes: str) -> None:
    found = meant(status(code, prefixes=prefixes))
    assert (found.id, found.stage, found.dossier, found.reason) == ("d-1", stage, CODE, "Đã xem" if stage is Stage.REJECTED else "")
    package = read(status(code, prefixes=prefixes), LIMITS)
    assert isinstance(package, StatusPackage)
    assert (package.staff, package.document, package.at) == ("Văn thư", "d1", "2025/03/04 10:00:00")


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(Unreadable, match="'99' is not known"):
        meant(status("99"))


def test_an_issued_document_is_understood() -> None:
    found = meant(issued(files=[attachment(PDF)]))
    assert (found.stage, found.number, found.issued_on, found.signer, found.position) == (
        Stage.ISSUED,
        "123/QĐ-UBND",
        date(2025, 3, 7),
        "Hà Thị Mến",
        "Chủ tịch",
    )
    assert (found.dossier, found.agency.code, found.agency.name, found.abstract, found.kind) == (
        CODE,
        "000.00.14.H03",
        "UBND phường Đức Xuân",
        "Cấp phép xây dựng",
        "Quyết định",
    )
    assert (found.remarks, found.reason, found.signed_on, [file.content for file in found.files]) == ((), "", None, [PDF])


@pytest.mark.parametrize(
    ("listed", "number", "stage", "said", "remarks"),
    [
        (Listed(), "", Stage.SIGNED, "", ("neither number nor type of result: taken as signed",)),
        (Listed(stage=Stage.UNNUMBERED), "", Stage.UNNUMBERED, "", ()),
        (Listed(stage=Stage.SIGNED), "123", Stage.SIGNED, "123/QĐ-UBND", ()),
        (Listed(stage=Stage.ISSUED, number="77/QĐ"), "", Stage.ISSUED, "77/QĐ", ()),
        (Listed(stage=Stage.ISSUED), "", Stage.ISSUED, "", ("issued without a number",)),
        (Listed(stage=Stage.REJECTED), "", Stage.REJECTED, "", ()),
    ],
)
def test_what_the_list_says_goes_before_what_the_package_says(listed: Listed, number: str, stage: Stage, said: str, remarks: tuple[str, ...]) -> None:
    found = meant(issued(number=number, files=[attachment(PDF)]), listed)
    assert (found.stage, found.number, found.remarks) == (stage, said, remarks)
    assert found.reason == ("Cấp phép xây dựng" if stage is Stage.REJECTED else "")


def test_an_issued_document_without_its_file_is_refused() -> None:
    for package, listed in ((issued(), Listed()), (status("06"), Listed(stage=Stage.ISSUED))):
        with pytest.raises(Unreadable, match="without its file"):
            meant(package, listed)


@pytest.mark.parametrize(
    ("references", "business", "listed", "dossier"),
    [
        (f"<ReferenceCodes><Code>1/UBND</Code><Code>{CODE}</Code></ReferenceCodes>", "", "", CODE),
        ("<ReferenceCodes><Code>HS-7</Code></ReferenceCodes>", f"<DocumentId>{CODE}</DocumentId>", "", "HS-7"),
        ("", f"<DocumentId>{CODE}</DocumentId>", "other", CODE),
        ("", "<DocumentId>000.00.14.H03,2025/03/07,123/QĐ-UBND</DocumentId>", CODE, CODE),
        ("", "", "", ""),
    ],
)
def test_the_dossier_stands_in_one_of_several_places(references: str, business: str, listed: str, dossier: str) -> None:
    package = issued(references=references, business=business, number=CODE, files=[attachment(PDF)])
    assert meant(package, Listed(dossier=listed)).dossier == dossier


def test_the_number_of_a_document_is_not_taken_for_a_dossier() -> None:
    assert meant(status("01", "123/QĐ-UBND")).dossier == ""


@pytest.mark.parametrize("written", ["2026/02/31", "0001/01/01", "ngày 5 tháng 3", "99999999999999"])
def test_a_bad_date_is_a_remark(written: str) -> None:
    found = meant(issued(date=written, files=[attachment(PDF)]))
    assert (found.issued_on, found.remarks) == (None, ("PromulgationDate is no date that can be read",))


@pytest.mark.parametrize(
    ("written", "meant_day"),
    [
        ("2025/03/07", date(2025, 3, 7)),
        (" 2025-3-7 ", date(2025, 3, 7)),
        ("07/03/2025", date(2025, 3, 7)),
        ("7.3.2025 08:00", date(2025, 3, 7)),
        ("2025/03/07 23:30:00", date(2025, 3, 7)),
        ("2025-03-07T08:00:00", date(2025, 3, 7)),
        ("2025-03-06T20:00:00Z", date(2025, 3, 7)),
        ("2025-03-07T00:30:00.000+07:00", date(2025, 3, 7)),
        ("20250307", date(2025, 3, 7)),
        ("20250307093000", date(2025, 3, 7)),
        ("1741312800", date(2025, 3, 7)),
        ("1741312800000", date(2025, 3, 7)),
        ("", None),
        ("2025/03/070", None),
        ("31/02/2025", None),
        ("0", None),
    ],
)
def test_dates_come_in_many_forms(written: str, meant_day: date | None) -> None:
    assert lenient(written) == meant_day


@given(st.text())
def test_no_text_breaks_the_reading_of_dates(written: str) -> None:
    lenient(written)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("..\\..\\a/b.pdf", "b.pdf"), ("\x00\x07a\n.pdf", "a.pdf"), ("/", "3.pdf"), (" . ", "3.pdf"), ("x" * 300 + ".pdf", "x" * 190 + "…" + "xxxxx.pdf")],
)
def test_names_are_bare(name: str, expected: str) -> None:
    assert bare(name, 3, PDF) == expected


# ---- what is refused


def declared(declaration: str, text: str = "x") -> bytes:
    return f'<?xml version="1.0"?><!DOCTYPE edXML {declaration}><edXML xmlns="{NAMESPACE}" a="{text}">{text}</edXML>'.encode()


def laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return declared(f'[<!ENTITY l0 "hahaha">{entities}]', "&l11;")


SMALL = LIMITS._replace(elements=80, depth=10, files=2, text=2_000)
BOMB = zipped({"0b8c.docx": bytes(80_000_000)})


def lying(size: int) -> bytes:
    """A ZIP whose directory says that its entry is small."""
    return BOMB.replace((80_000_000).to_bytes(4, "little"), size.to_bytes(4, "little"))


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (laughs, "doctype"),
        (lambda: laughs().decode().encode("utf-16"), "doctype"),
        (lambda: declared('[<!ENTITY f SYSTEM "file:///etc/passwd">]', "&f;"), "doctype"),
        (lambda: declared('[<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]'), "doctype"),
        (lambda: declared('SYSTEM "http://127.0.0.1:9/x.dtd"'), "doctype"),
        (lambda: b"<a>" * 200_000, "too_many_elements"),
        (lambda: b"<a>" + b"<b/>" * 200_000 + b"</a>", "too_many_elements"),
        (lambda: b"<a " + b" ".join(b'a%d="x"' % number for number in range(100_000)) + b"/>", "too_long_tag"),
        (lambda: issued(files=[attachment(b"a").replace("YQ==", "<b " + " ".join(f"a{n}='x'" for n in range(100_000)) + "/>")]), "too_long_tag"),
        (lambda: b"<a><!--" + b"x" * 2_000_000 + b"--></a>", "too_long_tag"),
        (lambda: b"<a>" + b"".join(b"<b c='1' d='2'/>" for _ in range(200_000)) + b"</a>", "too_many_elements"),
        (lambda: b"<a>" + b"t" * 900_000 + b"</a>", "too_much_text"),
        (lambda: b"x" * 4_000_000, "too_large"),
        (lambda: issued(files=[attachment(bytes(1_100_000))]), "file_too_large"),
        (lambda: issued(files=[attachment(bytes(800_000), key=f"f{n}") for n in range(3)]), "files_too_large"),
        (lambda: issued(files=[attachment(b"a", key=f"f{n}") for n in range(3)]), "too_many_files"),
        (lambda: issued(files=[attachment(BOMB, "a.docx")]), "zip_bomb"),
        (lambda: issued(files=[attachment(lying(10), "a.docx")]), "bad_zip"),
    ],
)
def test_what_would_fill_the_memory_is_refused_early(make: Callable[[], bytes], code: str) -> None:
    package = make()
    limits = LIMITS if code in ("too_large", "file_too_large", "files_too_large", "zip_bomb", "bad_zip") else SMALL
    tracemalloc.start()
    error = refused(package, limits)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.code == code
    assert peak < 4_500_000
    assert "hahaha" not in error.message


def test_files_are_counted_together_as_they_come_and_once_more_unpacked() -> None:
    limits = LIMITS._replace(together=1_500_000)
    assert refused(issued(files=[attachment(bytes(800_000), key=f"f{n}") for n in range(2)]), limits).code == "files_too_large"
    packed = zipped({"a": bytes(800_000)})
    assert refused(issued(files=[attachment(packed, f"{n}.txt", key=f"f{n}") for n in range(2)]), limits).code == "files_too_large"


@pytest.mark.parametrize(
    "content",
    [
        zipped({"a": b"1", "b": b"2"}),
        zipped({}) + b"PK\x03\x04",
        b"PK\x03\x04",
        b"PK\x03\x04" + b"x" * 40,
        zipped({"a": b"1" * 500})[:80] + b"\0" * 30 + zipped({"a": b"1" * 500})[80:],
        zipped({"a": b"text" * 99}, zipfile.ZIP_LZMA),
        zipped({"a": b"1"})[:-22] + b"PK\x06\x07" + bytes(16) + zipped({"a": b"1"})[-22:],
        zipped({"a": b"1"})[:-10] + b"\xff\xff\xff\x7f" + zipped({"a": b"1"})[-6:],
        zipped({"a": b"1"})
        .replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01")
        .replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
    ],
)
def test_a_zip_that_is_not_what_the_rule_says_is_refused(content: bytes) -> None:
    if not content.startswith(b"PK\x03\x04"):
        content = b"PK\x03\x04" + content
    assert refused(issued(files=[attachment(content, "a.doc")])).code == "bad_zip"


@pytest.mark.parametrize("text", ["%%%%", "QUJD\u1ea1", "QQ==QUJD", "QQ==" + " " * 70_000 + "QUJD", "A", "Q=Q="])
def test_what_is_not_base64_is_refused(text: str) -> None:
    package = issued(files=[attachment(b"ABC").replace("QUJD", text)])
    assert refused(package).code == "no_base64"


@pytest.mark.parametrize(
    ("package", "code"),
    [
        (b"", "no_xml"),
        (b"<html><body>l\xe1\xbb\x97i", "no_xml"),
        (b"<a><b></a>", "no_xml"),
        (b"<a>&undeclared;</a>", "no_xml"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "no_xml"),
        (b"<html><body/></html>", "no_edxml"),
        (issued(files=["<Attachment><ContentId>a</ContentId></Attachment>"]), "no_content"),
        (issued(files=[attachment(b"")]), "no_content"),
    ],
)
def test_what_is_no_package_is_refused(package: bytes, code: str) -> None:
    assert refused(package).code == code


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_else(package: bytes) -> None:
    for tried in (package, issued(files=[attachment(b"PK\x03\x04" + package, "a.doc")])):
        try:
            read(tried, LIMITS)
        except Unreadable:
            continue
