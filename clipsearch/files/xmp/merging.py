"""Keywords put into XMP, and taken out again; whatever else is in it stays as it is, byte for byte.

Only what the XMP notes as this program's own is ever taken out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from xml.sax.saxutils import escape

from clipsearch.files.xmp.markup import Edit, Element, MarkupError, Name, edited, parse, utf8
from clipsearch.files.xmp.packet import (
    DC,
    FLAT,
    LR,
    NESTED,
    OWN,
    OWN_FLAT,
    OWN_NESTED,
    RDF,
    Keywords,
    Packet,
    bounded,
    descriptions_in,
    items_in,
    packet_in,
    rdf_in,
    same,
    unique,
)

_PREFIXES = {RDF: "rdf", DC: "dc", LR: "lr", OWN: "clipsearch"}
_LEAD = re.compile(rb"\r?\n[ \t]*\Z")
_WIDEST_LEAD = 256
_WRITTEN_NAME = re.compile(rb"[^\s/>]+")
_NEW = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="clipsearch">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""/>
 </rdf:RDF>
</x:xmpmeta>
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """Some XMP with its keywords brought up to date: what was added and removed; nothing if it is as it was."""

    data: bytes
    added: Keywords
    removed: Keywords


def merge(data: bytes, wanted: Keywords, is_managed: Callable[[str], bool] = lambda _: True) -> Merged:
    """Add the keywords that are `wanted` to some XMP, and remove those of its own that are not.

    Only keywords, flat or nested, for which `is_managed` holds are removed. Keywords that differ in capital letters or
    in the form of an accent are one. A nested keyword that is a part of another program's, such as "Birds" of
    "Animals|Birds", is told by that. Raises MarkupError where the XMP is not valid or holds keywords in another form.
    """
    text, encoding = utf8(bounded(data))
    rdf = rdf_in(parse(text))
    packet = packet_in(rdf)
    flat = _Difference.of(packet.keywords.flat, packet.own.flat, wanted.flat, is_managed)
    asked = _not_told(wanted.nested, packet)
    nested = _Difference.of(packet.keywords.nested, packet.own.nested, asked, is_managed)
    if flat.is_none and nested.is_none:
        return Merged(data, Keywords(), Keywords())
    bags = [_Bag(FLAT, flat.added, flat.removed), _Bag(NESTED, nested.added, nested.removed)]
    bags += [_exactly(OWN_FLAT, packet.own.flat, flat.own), _exactly(OWN_NESTED, packet.own.nested, nested.own)]
    new = edited(text, _edits(text, rdf, bags)).decode("utf-8").encode(encoding, "xmlcharrefreplace")
    added, removed = Keywords(flat.added, nested.added), Keywords(flat.removed, nested.removed)
    return Merged(new, added, removed)


def new(carried: Keywords) -> bytes:
    """Return XMP that holds these keywords as if another program had put them there, and nothing else."""
    text = _NEW.encode("utf-8")
    bags = [_Bag(FLAT, carried.flat, ()), _Bag(NESTED, carried.nested, ())]
    return edited(text, _edits(text, rdf_in(parse(text)), bags))


@dataclass(frozen=True, slots=True)
class _Difference:
    """How keywords change: what is added and removed, and what is this program's own afterwards."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    own: tuple[str, ...]
    is_none: bool

    @classmethod
    def of(
        cls, present: Sequence[str], own: Sequence[str], wanted: Sequence[str], is_managed: Callable[[str], bool]
    ) -> _Difference:
        there, asked = set(map(same, present)), set(map(same, wanted))
        still_own = [one for one in own if same(one) in there]
        removed = tuple(one for one in still_own if same(one) not in asked and is_managed(one))
        added = unique(one for one in wanted if same(one) not in there)
        after = (*(one for one in still_own if one not in removed), *added)
        return cls(added, removed, after, is_none=after == tuple(own) and not removed)


def _not_told(wanted: Iterable[str], packet: Packet) -> tuple[str, ...]:
    """Return the nested keywords that are no part of a longer one that another program has put there."""
    own = set(map(same, packet.own.nested))
    others = [f"|{one}|" for one in map(same, packet.keywords.nested) if one not in own]
    return tuple(one for one in wanted if not any(_is_part(f"|{same(one)}|", other) for other in others))


def _is_part(one: str, other: str) -> bool:
    return one in other and one != other


class _Bag(NamedTuple):
    """A change of one property: keywords to add and to remove."""

    property: Name
    added: tuple[str, ...]
    removed: tuple[str, ...]


def _exactly(name: Name, before: Sequence[str], after: Sequence[str]) -> _Bag:
    added = tuple(one for one in after if one not in before)
    return _Bag(name, added, tuple(one for one in before if one not in after))


# The text


def _edits(text: bytes, rdf: Element, bags: Iterable[_Bag]) -> list[Edit]:
    """Return what is to be replaced in the text for these bags to be as they should."""
    edits: list[Edit] = []
    missing: list[_Bag] = []
    for bag in bags:
        element = _element_of(rdf, bag.property)
        if element is not None:
            edits += _edits_of(text, element, bag)
        elif bag.added:
            missing.append(bag)
    return [*edits, _insertion(text, rdf, missing)] if missing else edits


def _element_of(rdf: Element, name: Name) -> Element | None:
    """Return the property's element, None where there is none. Raises MarkupError where it is an attribute."""
    if any(name in description.attributes for description in descriptions_in(rdf)):
        raise MarkupError("its keywords are in a form that this program does not change")
    found = [element for description in descriptions_in(rdf) for element in description.find(name)]
    return next((element for element in found if items_in(element)), next(iter(found), None))


def _edits_of(text: bytes, element: Element, bag: _Bag) -> list[Edit]:
    items = items_in(element)
    removed = set(map(same, bag.removed))
    gone = [item for item in items if same(item.text.strip()) in removed]
    if len(gone) == len(items):
        return [_replaced(text, element, bag)]
    edits = [Edit(item.start - len(_lead(text, item)), item.end, b"") for item in gone]
    new = b"".join(_lead(text, items[-1]) + _item(value, items[-1].prefixes) for value in bag.added)
    return [*edits, Edit(items[-1].end, items[-1].end, new)]


def _replaced(text: bytes, element: Element, bag: _Bag) -> Edit:
    """Write a property anew of which no item stays, with its text if it has no items; without any value it goes."""
    loose = "" if items_in(element) else element.text.strip()
    values = (loose, *bag.added) if loose else bag.added
    lead = _lead(text, element)
    outside = element.parent.prefixes if element.parent else {}
    return Edit(element.start - len(lead), element.end, _property(bag.property, values, outside, lead))


def _insertion(text: bytes, rdf: Element, bags: Sequence[_Bag]) -> Edit:
    """Put properties that are missing into the first description, which is made if there is none."""
    description = next(iter(descriptions_in(rdf)), None)
    around = description or rdf
    lead = _lead_inside(text, around)
    inner = _deeper(lead) if description is None else lead
    new = b"".join(_property(bag.property, bag.added, around.prefixes, inner) for bag in bags)
    if description is None:
        new = lead + _description(new + lead)
    return _put_into(text, around, new)


def _put_into(text: bytes, element: Element, new: bytes) -> Edit:
    """Put text behind the last child of an element; one that is a single tag gets a second one."""
    if not element.is_closed_at_once:
        at = element.children[-1].end if element.children else element.inner_start
        return Edit(at, at, new)
    written = _WRITTEN_NAME.match(text, element.start + 1)
    tag = written[0] if written else b""
    return Edit(element.end - 2, element.end, b">" + new + _lead(text, element) + b"</" + tag + b">")


def _description(inner: bytes) -> bytes:
    return f'<rdf:Description xmlns:rdf="{RDF}" rdf:about="">'.encode() + inner + b"</rdf:Description>"


def _property(name: Name, values: Sequence[str], prefixes: Mapping[str, str], lead: bytes) -> bytes:
    """Return a property with its bag as text, behind `lead`, its line break and indentation; nothing without values."""
    if not values:
        return b""
    start, end = _tags(name, prefixes)
    inner = {**prefixes, _PREFIXES[name.namespace]: name.namespace}
    bag, bag_end = _tags(Name(RDF, "Bag"), inner)
    items = b"".join(_deeper(lead, 2) + _item(value, inner) for value in values)
    return lead + start + _deeper(lead) + bag + items + _deeper(lead) + bag_end + lead + end


def _item(value: str, prefixes: Mapping[str, str]) -> bytes:
    start, end = _tags(Name(RDF, "li"), prefixes)
    return start + escape(value).encode("utf-8") + end


def _tags(name: Name, prefixes: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Return the tags of an element, with a prefix that means its namespace there, else with one that it declares."""
    usual = _PREFIXES[name.namespace]
    fitting = sorted((prefix != usual, prefix) for prefix, uri in prefixes.items() if uri == name.namespace and prefix)
    tag = f"{fitting[0][1] if fitting else usual}:{name.local}"
    declaration = "" if fitting else f' xmlns:{usual}="{name.namespace}"'
    return f"<{tag}{declaration}>".encode(), f"</{tag}>".encode()


def _lead(text: bytes, element: Element) -> bytes:
    """Return the line break and indentation before an element, nothing where it does not begin a line."""
    found = _LEAD.search(text, max(0, element.start - _WIDEST_LEAD), element.start)
    return found[0] if found else b""


def _lead_inside(text: bytes, element: Element) -> bytes:
    return _lead(text, element.children[-1]) if element.children else _deeper(_lead(text, element))


def _deeper(lead: bytes, levels: int = 1) -> bytes:
    return lead + b" " * levels if lead else b""
