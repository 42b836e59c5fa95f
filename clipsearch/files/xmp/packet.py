"""The keywords in XMP (ISO 16684-1), as this and other programs write them.

Keywords stand in the bag dc:subject; nested ones, "Animals|Birds", also in the bag lr:hierarchicalSubject. What this
program puts there it notes in bags of the same names in a namespace of its own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clipsearch.files.xmp.markup import Element, MarkupError, Name, parse, utf8

LARGEST_BYTES = 16 * 1024 * 1024

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC = "http://purl.org/dc/elements/1.1/"
LR = "http://ns.adobe.com/lightroom/1.0/"
OWN = "urn:clipsearch:xmp/1.0/"

FLAT, NESTED = Name(DC, "subject"), Name(LR, "hierarchicalSubject")
OWN_FLAT, OWN_NESTED = Name(OWN, "subject"), Name(OWN, "hierarchicalSubject")
_CONTAINERS = tuple(Name(RDF, kind) for kind in ("Bag", "Seq", "Alt"))


class Keywords(NamedTuple):
    """Keywords of a photo: `flat` ones, and `nested` ones with those around them, "Animals|Birds"."""

    flat: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Packet:
    """The keywords in some XMP, and which of them are `own`: put there by this program."""

    keywords: Keywords
    own: Keywords


def read(data: bytes) -> Packet:
    """Return the keywords in some XMP. Raises MarkupError where it is not valid."""
    return packet_in(rdf_in(parse(utf8(bounded(data))[0])))


def same(keyword: str) -> str:
    """Return what keywords that are one have in common."""
    return unicodedata.normalize("NFC", keyword).casefold()


def unique(keywords: Iterable[str]) -> tuple[str, ...]:
    """Return the keywords without those that are one with another before them."""
    found: dict[str, str] = {}
    for keyword in keywords:
        found.setdefault(same(keyword), keyword)
    return tuple(found.values())


def bounded(data: bytes) -> bytes:
    """Return what is to be read. Raises MarkupError for what is too large."""
    if len(data) > LARGEST_BYTES:
        raise MarkupError("it is too large to be read")
    return data


def rdf_in(root: Element) -> Element:
    """Return the element in which all properties stand. Raises MarkupError where there is none."""
    found = next((element for element in root.walk() if element.name == Name(RDF, "RDF")), None)
    if found is None:
        raise MarkupError("it is not XMP")
    return found


def descriptions_in(rdf: Element) -> list[Element]:
    """Return the elements whose children and attributes are the properties."""
    return rdf.find(Name(RDF, "Description"))


def items_in(element: Element) -> list[Element]:
    """Return the items of a property that is a bag or list."""
    return [item for container in element.find(*_CONTAINERS) for item in container.find(Name(RDF, "li"))]


def packet_in(rdf: Element) -> Packet:
    """Return the keywords among all properties."""
    descriptions = descriptions_in(rdf)
    flat, nested, own_flat, own_nested = (
        tuple(_values(descriptions, name)) for name in (FLAT, NESTED, OWN_FLAT, OWN_NESTED)
    )
    return Packet(Keywords(flat, nested), Keywords(own_flat, own_nested))


def _values(descriptions: Sequence[Element], name: Name) -> list[str]:
    found = [description.attributes[name] for description in descriptions if name in description.attributes]
    for description in descriptions:
        for element in description.find(name):
            found += [item.text for item in items_in(element)] or [element.text]
    return [value.strip() for value in found if value.strip()]
