"""edXML packages for tests, as the kits of others write them: put together here by hand, not by the code under test."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Sequence

from connectors._edxml.limits import Limits
from connectors._edxml.values import NAMESPACE, Business, Document, Organ, Trace
from syncd.documents import Attachment

CODE = "000.00.14.H03-250303-0001"
PDF = b"%PDF-1.7\n" + bytes(range(256)) + b"\n%%EOF"
LIMITS = Limits.of(1)
SENDER = Organ(
    id="000.00.00.H03",
    in_charge="UBND tỉnh Bắc Kạn",
    name="Trung tâm Phục vụ hành chính công",
    address="Số 9, đường Trường Chinh",
    email="hcc@tinh.example",
    telephone="02090000000",
    fax="02090000001",
    website="https://hcc.tinh.example",
)
RECEIVER = Organ(id="000.00.14.H03", name="UBND phường Đức Xuân")
DRAFT = Document(
    sender=SENDER,
    receivers=(RECEIVER,),
    id="beb66a99-e5ec-55e0-bba8-81efe5581ff6",
    type="2",
    type_name="Quyết định",
    subject="Cấp phép xây dựng cho hộ ông Lý Văn Tài <lô 5 & 6>",
    signer="Hà Thị Mến",
    due="2025/03/10",
    references=(CODE,),
    places=("UBND phường Đức Xuân",),
    traces=(Trace(organ="000.00.00.H03", at="2025/03/03 08:00:00"),),
    business=Business(document=CODE, staff="Hoàng Thị Lan"),
    files=(Attachment(name="Dự thảo.pdf", content=PDF), Attachment(name="phụ lục.docx", content=b"PK\x03\x04 no archive")),
)


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP with these entries."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return into.getvalue()


def issued(*, prefixes: str = "java", order: str = "java", files: Sequence[str] = (), **texts: str) -> bytes:
    """An issued document. `prefixes`: java (all of the envelope prefixed), plain (none), all (everything). Texts replace the usual ones."""
    said = {
        "number": "123",
        "notation": "QĐ-UBND",
        "date": "2025/03/07",
        "subject": "Cấp phép xây dựng",
        "references": f"<ReferenceCodes><ReferenceCode>{CODE}</ReferenceCode></ReferenceCodes>",
        "business": "",
    } | texts
    organ = "<OrganId>000.00.14.H03</OrganId><OrganName>UBND phường Đức Xuân</OrganName>"
    parts = {
        "From": f"<From>{organ}</From>",
        "To": "<To><OrganId>000.00.00.H03</OrganId></To>",
        "DocumentId": "<DocumentId>000.00.14.H03,2025/03/07,123/QĐ-UBND</DocumentId>",
        "Code": f"<Code><CodeNumber>{said['number']}</CodeNumber><CodeNotation>{said['notation']}</CodeNotation></Code>",
        "Info": f"<PromulgationInfo><Place>Bắc Kạn</Place><PromulgationDate>{said['date']}</PromulgationDate></PromulgationInfo>",
        "Type": "<DocumentType><Type>2</Type><TypeDetail>0</TypeDetail><TypeName>Quyết định</TypeName></DocumentType>",
        "Subject": f"<Subject>{said['subject']}</Subject><Content>{said['subject']}</Content>",
        "Signer": "<SignerInfo><Competence>TM. UBND</Competence><Position>Chủ tịch</Position><FullName>Hà Thị Mến</FullName></SignerInfo>",
        "Other": f"<OtherInfo><Priority>1</Priority>{said['references']}<Appendixes/></OtherInfo>",
        "Places": "<ToPlaces><Place>Lưu VT</Place></ToPlaces>",
    }
    names = list(parts) if order == "java" else ["Code", "Places", "Other", "Signer", "Subject", "Type", "Info", "To", "From", "DocumentId"]
    header = f"<MessageHeader>{''.join(parts[name] for name in names)}</MessageHeader>"
    trace = "<TraceHeaderList><TraceHeader><OrganId>000.00.14.H03</OrganId><Timestamp>2025/03/07 09:00:00</Timestamp></TraceHeader>"
    trace += f"<Bussiness>{said['business']}<BussinessDocType>0</BussinessDocType></Bussiness></TraceHeaderList>"
    references = "".join(
        f"<Reference><ContentId>cid:f{n}</ContentId><AttachmentName>từ bản kê {n}.pdf</AttachmentName></Reference>" for n in range(1, len(files) + 1)
    )
    body = f'<edXMLBody><edXMLManifest version="1.0">{references}</edXMLManifest></edXMLBody>'
    return _dressed(f"<edXMLEnvelope><edXMLHeader>{header}{trace}</edXMLHeader>{body}</edXMLEnvelope>", "".join(files), prefixes)


def attachment(
    content: bytes, name: str = "quyết định.pdf", *, key: str = "cid:f1", kind: str = "application/pdf", tag: str = "edXML:ContentTransferEncoded"
) -> str:
    """A file of a package."""
    bound = f' xmlns:edXML="{NAMESPACE}"' if tag.startswith("edXML:") else ""
    told = f"<ContentId>{key}</ContentId>" + (f"<AttachmentName>{name}</AttachmentName>" if name else "") + f"<ContentType>{kind}</ContentType>"
    return f"<Attachment>{told}<{tag}{bound}>{base64.b64encode(content).decode()}</{tag}></Attachment>"


def status(code: str, about: str = CODE, description: str = "Đã xem", *, prefixes: str = "java") -> bytes:
    """A status package."""
    answered = f"<OrganId>000.00.00.H03</OrganId><Code>{about}</Code><DocumentId>d1</DocumentId>"
    told = f"<From><OrganId>000.00.14.H03</OrganId></From><ResponseFor>{answered}</ResponseFor><StaffInfo><Staff>Văn thư</Staff></StaffInfo>"
    told += f"<StatusCode>{code}</StatusCode><Description>{description}</Description><Timestamp>2025/03/04 10:00:00</Timestamp>"
    return _dressed(f"<edXMLEnvelope><edXMLHeader><MessageHeader>{told}</MessageHeader></edXMLHeader></edXMLEnvelope>", "", prefixes)


def _dressed(envelope: str, files: str, prefixes: str) -> bytes:
    attachments = f"<AttachmentEncoded>{files}</AttachmentEncoded>" if files else ""
    if prefixes != "plain":
        envelope = _prefixed(envelope).replace("<edXML:edXMLEnvelope>", f'<edXML:edXMLEnvelope xmlns:edXML="{NAMESPACE}">', 1)
    if prefixes == "all":
        whole = _prefixed(f"<edXML>{attachments}</edXML>").replace("<edXML:edXML:", "<edXML:").replace("</edXML:edXML:", "</edXML:")
        whole = whole.replace("<edXML:edXML>", f'<edXML:edXML xmlns:edXML="{NAMESPACE}">{envelope}', 1)
        return f'<?xml version="1.0" encoding="utf-8"?>{whole}'.encode()
    return f'<?xml version="1.0" encoding="utf-8"?><edXML xmlns="{NAMESPACE}">{envelope}{attachments}</edXML>'.encode()


def _prefixed(text: str) -> str:
    return text.replace("</", "\0").replace("<", "<edXML:").replace("\0", "</edXML:")
