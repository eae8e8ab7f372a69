"""Tiny PDFs for tests, written by hand: a page with lines of text, and signatures with or without a certificate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

HEAD = ("UBND TỈNH BẮC KẠN", "Số: 123/QĐ-UBND", "Bắc Kạn, ngày 12 tháng 3 năm 2025", "QUYẾT ĐỊNH", "Căn cứ Luật số 77/2015/QH13 ngày 19 tháng 6 năm 2015")
_AT = datetime(2025, 1, 1, tzinfo=UTC)


def pdf(lines: Sequence[str] = HEAD, signatures: Sequence[str] = ()) -> bytes:
    """A page with these lines, and a field for each signature (the inside of its dictionary)."""
    letters = sorted({letter for line in lines for letter in line})
    codes = {letter: number for number, letter in enumerate(letters, start=1)}
    shown = " ".join(f"<{''.join(f'{codes[letter]:04x}' for letter in line)}> Tj T*" for line in lines)
    content = f"BT /F1 12 Tf 14 TL 50 800 Td {shown} ET".encode()
    table = "\n".join(f"<{number:04x}> <{letter.encode('utf-16-be').hex()}>" for letter, number in codes.items())
    unicode = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def 1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{len(codes)} beginbfchar\n{table}\nendbfchar endcmap end end"
    ).encode()
    fields = [f"<< /FT /Sig /T (S{place}) /V << /Type /Sig {inside} >> >>".encode() for place, inside in enumerate(signatures)]
    numbers = range(8, 8 + len(fields))
    return _assembled(
        [
            f"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [{' '.join(f'{number} 0 R' for number in numbers)}] >> >>".encode(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
            _stream(content),
            b"<< /Type /Font /Subtype /Type0 /BaseFont /Vidu /Encoding /Identity-H /DescendantFonts [6 0 R] /ToUnicode 7 0 R >>",
            b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Vidu /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 500 >>",
            _stream(unicode),
            *fields,
        ]
    )


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def _assembled(objects: Sequence[bytes]) -> bytes:
    whole, places = b"%PDF-1.7\n", []
    for number, inside in enumerate(objects, start=1):
        places.append(len(whole))
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, inside)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return whole + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, table, count, len(whole))


def contents(name: str, issuer: str = "CA vi du", room: int = 4096) -> str:
    """The `/Contents` of a signature: a signature by a certificate of that name, beside the one of its issuer, and empty room."""
    key, issuing = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    above = _certificate(issuer, issuer, issuing, issuing)
    own = _certificate(name, issuer, key, issuing)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"vidu").add_signer(own, key, hashes.SHA256()).add_certificate(above)
    return f"/Contents <{builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature]).hex()}{'00' * room}>"


def _certificate(name: str, issuer: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(_named(name)).issuer_name(_named(issuer)).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(_AT).not_valid_after(_AT + timedelta(days=9)).sign(by, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
