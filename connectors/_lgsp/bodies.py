"""What stands in the body of an answer, whatever its headers say. Pure.

Gateways send JSON as text/html and XML as JSON, put a byte order mark before it, and wrap a JSON document into a JSON string,
sometimes twice. So the first character that is not blank decides, and strings are opened.
"""

from __future__ import annotations

from typing import Any

import msgspec

_BOM = b"\xef\xbb\xbf"
_DEEPEST = 3
_LARGEST_XML = 256 * 1024


def bare(body: bytes) -> bytes:
    """The body without byte order mark and surrounding space."""
    return body.removeprefix(_BOM).strip()


def opened(body: bytes | str) -> Any:
    """The JSON in a body, also where it stands in a JSON string; None where there is none."""
    value: Any = body if isinstance(body, str) else bare(body)
    for _ in range(_DEEPEST):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return None
        if not isinstance(value, str):
            return value
    return None


def lowered(value: Any) -> dict[str, Any]:
    """A JSON object with its keys in lower case; empty for everything else."""
    return {str(key).lower(): part for key, part in value.items()} if isinstance(value, dict) else {}


def element(body: bytes, name: str) -> dict[str, str] | None:
    """The children of the XML element of that local name, the root or one below it: text by local name in lower case.

    None where there is no such element. A document type, and with it every entity, is refused.
    """
    text = bare(body)
    if not text.startswith(b"<") or len(text) > _LARGEST_XML:
        return None
    from lxml import etree

    try:
        root = etree.fromstring(text, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True))
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root.getroottree().docinfo.doctype:
        return None
    found = next((part for part in (root, *root) if _local(part.tag) == name), None)
    return None if found is None else {_local(part.tag): (part.text or "").strip() for part in found}


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2].lower()


def spelt(value: Any) -> str:
    """One spelling for a code that comes as number or text: 200, 200.0 and "200" are "200"; "" for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
