"""XML of others into a small tree of names and texts, in bounded memory.

lxml parses it in pieces and builds no tree: each element and each piece of text is counted as it comes, and the content of
files is decoded on the way, so that base64 is never held whole. A document type is refused when it begins, before anything in it
is declared. So there are no entities to expand and nothing to fetch, and libxml2's own limit on the length of a text, which a file
of 8 MB would reach, is not needed.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lxml import etree

from connectors._edxml.limits import Limits, Unreadable

if TYPE_CHECKING:

    class _Target(etree.ParserTarget["Node"]):
        """What lxml asks of a target; there only for the type checker."""

else:
    _Target = object

_PIECE = 64 * 1024
_PATIENCE = 4  #: pieces that may bring nothing: libxml2 waits for the end of a tag, however long it is
_CONTENT = "contenttransferencoded"
_SPACE = str.maketrans("", "", " \t\r\n")


class Node:
    """An element by its local name in lower case, its texts trimmed; of one that carries a file, the content decoded."""

    __slots__ = ("children", "content", "name", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.content: bytes | None = None
        self.children: list[Node] = []

    def child(self, *path: str) -> Node:
        """The first element at that path; an empty one where there is none."""
        node: Node | None = self
        for name in path:
            node = next((child for child in node.children if child.name == name), None) if node else None
        return node or Node("")

    def all(self, *names: str) -> Iterator[Node]:
        """Every element of one of these names below this one, in their order."""
        for child in self.children:
            if child.name in names:
                yield child
            yield from child.all(*names)

    def said(self, *path: str) -> str:
        """The text at that path, on one line."""
        return " ".join(self.child(*path).text.split())


def parse(package: bytes, limits: Limits) -> Node:
    """The root of a package. Raises `Unreadable`."""
    if len(package) > limits.package:
        raise Unreadable("too_large", f"the package has {len(package) / 1e6:.1f} MB, more than {limits.package / 1e6:.1f}", "raise largest, if that is wanted")
    builder = _Builder(limits)
    parser = etree.XMLParser(target=builder, huge_tree=True, resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False)
    try:
        for start in range(0, len(package), _PIECE):
            piece = package[start : start + _PIECE]
            parser.feed(piece)
            builder.fed(piece)
        return parser.close()
    except (etree.XMLSyntaxError, LookupError, ValueError) as error:
        raise Unreadable("no_xml", f"the package is not well-formed XML (line {getattr(error, 'lineno', None) or 1})") from None


class _Builder(_Target):
    """Told by the parser what it meets."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: list[Node] = [Node("")]
        self._pieces: list[list[str]] = [[]]
        self._content: _Content | None = None
        self._elements = self._text = self._files = self._together = self._silent = 0

    def fed(self, piece: bytes) -> None:
        """A piece of the package went to the parser. Of content in a CDATA section nothing is heard before its end; it has no
        quotation marks, without which no tag is costly."""
        if self._content is None or b'"' in piece or b"'" in piece:
            self._silent += 1
        if self._silent > _PATIENCE:
            raise Unreadable("too_long_tag", f"the package has a tag or a comment of more than {_PATIENCE * _PIECE // 1024} KB")

    def doctype(self, name: str | None, public: str | None, system: str | None) -> None:
        raise Unreadable("doctype", "the package declares a document type; entities are never expanded")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._silent = 0
        self._elements += 1 + len(attributes)
        if self._elements > self._limits.elements or len(self._open) > self._limits.depth:
            raise Unreadable("too_many_elements", f"the package has more than {self._limits.elements} elements and attributes, or they lie too deep")
        node = Node(tag.rpartition("}")[2].lower())
        self._open[-1].children.append(node)
        self._open.append(node)
        self._pieces.append([])
        if node.name == _CONTENT:
            self._files += 1
            if self._files > self._limits.files:
                raise Unreadable("too_many_files", f"the package has more than {self._limits.files} files")
            self._content = _Content(self._limits.file, self._limits.together - self._together)

    def data(self, text: str) -> None:
        self._silent = 0
        if self._content is not None:
            self._content.add(text)
            return
        self._text += len(text)
        if self._text > self._limits.text:
            raise Unreadable("too_much_text", f"the package has more than {self._limits.text} characters beside its files")
        self._pieces[-1].append(text)

    def end(self, tag: str) -> None:
        node = self._open.pop()
        node.text = "".join(self._pieces.pop()).strip()
        if node.name == _CONTENT and self._content is not None:
            node.content = self._content.whole()
            self._together += len(node.content)
            self._content = None

    def close(self) -> Node:
        """The root. Called after an error too, and what is raised here would hide it."""
        return next(iter(self._open[0].children), self._open[0])


class _Content:
    """Base64 that comes in pieces."""

    def __init__(self, largest: int, left: int) -> None:
        self._largest = largest
        self._left = left
        self._bytes = bytearray()
        self._rest = ""
        self._ended = False

    def add(self, text: str) -> None:
        text = self._rest + text.translate(_SPACE)
        whole = len(text) // 4 * 4
        self._rest = text[whole:]
        self._decode(text[:whole])

    def whole(self) -> bytes:
        """All of it, the padding made good where it was left out."""
        if self._rest:
            self._decode(self._rest + "=" * (-len(self._rest) % 4))
        return bytes(self._bytes)

    def _decode(self, text: str) -> None:
        if not text:
            return
        if self._ended:
            raise Unreadable("no_base64", "the content of a file goes on after its end")
        try:
            self._bytes += binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
        except ValueError:
            raise Unreadable("no_base64", "the content of a file is not base64") from None
        self._ended = text.endswith("=")
        if len(self._bytes) > self._largest:
            raise Unreadable("file_too_large", f"a file has more than {self._largest / 1e6:g} MB", "raise largest, if that is wanted")
        if len(self._bytes) > self._left:
            raise Unreadable("files_too_large", "the files together have more than may be", "raise largest, if that is wanted")
