"""The signed file of a sandbox office: one small valid PDF with the text of a decision and a signature.

The text can be read out (each letter is mapped to its Unicode), and names the draft by its SHA-256. The signature is a
real one in form, detached CMS over the bytes around it, by a key that is made for the occasion and that nobody trusts.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

_ROOM: Final = 4096  #: hexadecimal digits reserved for the signature
_RANGE: Final = b"/ByteRange [0 0000000000 0000000000 0000000000]"


def signed_pdf(*, number: str, on: date, signer: str, dossier: str, draft: str) -> bytes:
    """The decision on a dossier, signed; `number` is empty where it has none."""
    lines = (
        "ỦY BAN NHÂN DÂN TỈNH BẮC KẠN",
        f"Số: {number}" if number else "Thông báo",
        f"Bắc Kạn, ngày {on.day:02} tháng {on.month:02} năm {on.year}",
        f"Hồ sơ: {dossier}",
        "ĐÃ KÝ SỐ",
        f"Người ký: {signer}",
        f"Dự thảo: {draft}",
    )
    letters = {letter: code for code, letter in enumerate(sorted(set("".join(lines))), start=1)}
    moment = f"D:{on:%Y%m%d}090000+07'00'".encode()
    bodies = (
        b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /SigFlags 3 /Fields [7 0 R] >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R /Annots [7 0 R] >>",
        _stream(_text(lines, letters)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
        _stream(_unicodes(letters)),
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Signature1) /Rect [0 0 0 0] /P 3 0 R /V 8 0 R >>",
        b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /Name <" + _hex_text(signer) + b"> /M (" + moment + b") "
        + _RANGE + b" /Contents <" + b"0" * _ROOM + b"> >>",
    )  # fmt: skip
    return _sign(_assemble(bodies), signer)


def _text(lines: Sequence[str], letters: dict[str, int]) -> bytes:
    shown = (f"<{''.join(f'{letters[letter]:02x}' for letter in line)}> Tj T*" for line in lines)
    return ("BT /F1 12 Tf 20 TL 60 780 Td\n" + "\n".join(shown) + "\nET").encode()


def _unicodes(letters: dict[str, int]) -> bytes:
    pairs = "\n".join(f"<{code:02x}> <{letter.encode('utf-16-be').hex()}>" for letter, code in letters.items())
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Letters def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <ff> endcodespacerange\n{len(letters)} beginbfchar\n{pairs}\nendbfchar\n"
        "endcmap CMapName currentdict /CMap defineresource pop end end"
    ).encode()


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def _hex_text(text: str) -> bytes:
    return (b"\xfe\xff" + text.encode("utf-16-be")).hex().encode()


def _assemble(bodies: Sequence[bytes]) -> bytes:
    """The file: objects numbered from 1, the first is the catalogue."""
    out, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    rows = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(bodies) + 1, rows)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start)
    return bytes(out)


def _sign(pdf: bytes, signer: str) -> bytes:
    opening = pdf.index(b"/Contents <") + len(b"/Contents ")
    after = opening + _ROOM + 2
    told = b"/ByteRange [0 %010d %010d %010d]" % (opening, after, len(pdf) - after)
    pdf = pdf.replace(_RANGE, told)
    certificate, key = _identity(signer)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(pdf[:opening] + pdf[after:]).add_signer(certificate, key, hashes.SHA256())
    signature = builder.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])
    return pdf[: opening + 1] + signature.hex().encode().ljust(_ROOM, b"0") + pdf[after - 1 :]


@cache
def _identity(signer: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate on that name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, signer[:64])])
    start = datetime(2025, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    return builder.not_valid_before(start).not_valid_after(start + timedelta(days=3650)).sign(key, hashes.SHA256()), key


def appendix_docx(text: str) -> bytes:
    """A small Word document, as an appendix may be."""
    space = "http://schemas.openxmlformats.org"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{space}/package/2006/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{space}/package/2006/relationships"><Relationship Id="r1" Type='
        f'"{space}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{space}/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>'
        f"{escape(text)}</w:t></w:r></w:p></w:body></w:document>",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), f'<?xml version="1.0" encoding="UTF-8"?>{content}')
    return packed.getvalue()
