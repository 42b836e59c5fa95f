"""XML -> its elements, each with its place in the text, so that a part can be changed and the rest stays as it is.

Nothing outside the text is ever read: a document type, which could define entities or name other files, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

_MOST_ELEMENTS = 50_000
_DEEPEST = 200
_TAG_END = re.compile(rb"""(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ENCODINGS = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252"}
_SEPARATOR = " "  # between namespace and name; in no URI


class MarkupError(ValueError):
    """A text is not XML, or of a kind that is not read; the message says what is wrong."""


class Name(NamedTuple):
    """The name of an element or attribute: its namespace ("" for none) and what it is called there."""

    namespace: str
    local: str


class Edit(NamedTuple):
    """Bytes from `start` to `end` that are to be replaced by others."""

    start: int
    end: int
    text: bytes


@dataclass(slots=True)
class Element:
    """An element and its place: the text from `start` to `end`, what is in it from `inner_start` to `inner_end`.

    All are offsets in bytes. `declared` are the prefixes that it declares, with their namespaces; `text` is its own
    text, without that of its children.
    """

    name: Name
    attributes: Mapping[Name, str]
    declared: Mapping[str, str]
    parent: Element | None
    start: int
    inner_start: int = 0
    inner_end: int = 0
    end: int = 0
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def prefixes(self) -> dict[str, str]:
        """The prefixes that hold inside it, with their namespaces."""
        around = self.parent.prefixes if self.parent else {}
        return {**around, **self.declared}

    @property
    def is_closed_at_once(self) -> bool:
        """Whether it is written as one tag, `<a/>`."""
        return self.inner_start == self.end

    def walk(self) -> Iterator[Element]:
        """Yield this element and all in it, in the order of the text."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting += reversed(element.children)

    def find(self, *names: Name) -> list[Element]:
        """Return the children with one of these names."""
        return [child for child in self.children if child.name in names]


def utf8(data: bytes) -> tuple[bytes, str]:
    """Return a document in UTF-8, without the padding of some programs, and the encoding to write it in again.

    Raises MarkupError.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16-le" if data[:1] == b"\xff" else "utf-16-be"
    else:
        declared = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf"))
        encoding = declared[1].decode("ascii").lower() if declared else "utf-8"
        if encoding not in _ENCODINGS:
            raise MarkupError(f"it is in the encoding {encoding}, which is not read")
    try:
        return data.decode(encoding).rstrip("\0").encode("utf-8"), encoding
    except UnicodeError as error:
        raise MarkupError(f"it is not in {encoding}, though it should be") from error


def parse(data: bytes) -> Element:
    """Return the outermost element of a document in UTF-8. Raises MarkupError for what is not well-formed XML."""
    try:
        return _Reader(data).root()
    except expat.ExpatError as error:
        raise MarkupError(f"line {error.lineno} is not valid XML ({expat.errors.messages[error.code]})") from error


def edited(data: bytes, edits: Sequence[Edit]) -> bytes:
    """Return the text with these parts replaced, which must not overlap; those at one place keep their order."""
    pieces, at = [], 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        pieces += [data[at : edit.start], edit.text]
        at = edit.end
    return b"".join([*pieces, data[at:]])


class _Reader:
    """One pass over a document."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._parser = expat.ParserCreate(encoding="utf-8", namespace_separator=_SEPARATOR)
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartNamespaceDeclHandler = self._declare
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._finish
        self._parser.CharacterDataHandler = self._write
        self._open: list[Element] = []
        self._root: Element | None = None
        self._declared: dict[str, str] = {}
        self._count = 0

    def root(self) -> Element:
        self._parser.Parse(self._data, True)
        if self._root is None:
            raise MarkupError("it is empty")
        return self._root

    def _refuse(self, *_: object) -> None:
        raise MarkupError("it has a document type, which is not read, since it may hide what it does")

    def _declare(self, prefix: str | None, namespace: str | None) -> None:
        self._declared[prefix or ""] = namespace or ""

    def _begin(self, name: str, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_ELEMENTS or len(self._open) >= _DEEPEST:
            raise MarkupError("it is too large to be read")
        named = {_name(key): value for key, value in attributes.items()}
        parent, start = self._open[-1] if self._open else None, self._parser.CurrentByteIndex
        element = Element(_name(name), named, self._declared, parent, start, self._end_of_tag(start))
        self._declared = {}
        if parent:
            parent.children.append(element)
        self._root = self._root or element
        self._open.append(element)

    def _finish(self, _: str) -> None:
        element, at = self._open.pop(), self._parser.CurrentByteIndex
        if self._data[element.inner_start - 2 : element.inner_start] == b"/>":
            element.inner_end = element.end = element.inner_start
        else:
            element.inner_end, element.end = at, self._end_of_tag(at)

    def _write(self, text: str) -> None:
        if self._open:
            self._open[-1].pieces.append(text)

    def _end_of_tag(self, start: int) -> int:
        found = _TAG_END.match(self._data, start)
        return found.end() if found else len(self._data)


def _name(written: str) -> Name:
    namespace, _, local = written.rpartition(_SEPARATOR)
    return Name(namespace, local)
