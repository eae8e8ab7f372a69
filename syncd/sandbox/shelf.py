"""Where the invented one-stop keeps files: a folder with one PDF for each file entry.

Only what a document system touches is there, drafts that wait and results that came back signed; nobody reads the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from syncd.sandbox.names import unaccented

_PAGE: Final = "BT /F1 14 Tf 60 760 Td ({}) Tj ET"
_PARTS: Final = (
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
)


class Shelf:
    """The files of one one-stop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, entry: int) -> Path:
        """Where the file of that entry is, or would be."""
        return self.folder / f"{entry}.pdf"

    def drafts(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Make the files of drafts, rows of the table of files."""
        for row in rows:
            self.keep(row["fileEntryId"], page(f"DU THAO {row['fileEntryId']}: {row['displayName']}"))

    def sha256(self, entry: int) -> str:
        """Of the file of that entry, in hex; empty without one."""
        path = self.path(entry)
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""

    def keep(self, entry: int, content: bytes) -> None:
        """Keep a file as it is."""
        self.path(entry).write_bytes(content)


def page(text: str) -> bytes:
    """A PDF of one page that says so, without accents."""
    shown = unaccented(text).replace("\\", "").replace("(", "[").replace(")", "]")
    drawn = _PAGE.format(shown)
    parts = [*_PARTS, f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream"]
    body = "%PDF-1.4\n"
    places = []
    for number, part in enumerate(parts, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{part}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"trailer\n<< /Size {len(parts) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return f"{body}xref\n0 {len(parts) + 1}\n0000000000 65535 f \n{table}{trailer}".encode("ascii")
