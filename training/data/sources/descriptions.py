"""What people wrote about a picture with other programs: the description in XMP or IPTC, in its file or beside it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

from clipsearch.files.keywords import blocks_of
from clipsearch.files.sidecars import existing, read_sidecar
from clipsearch.files.xmp.markup import Name, parse, utf8
from clipsearch.files.xmp.packet import DC, bounded, descriptions_in, items_in, rdf_in, unique
from clipsearch.paths import extended
from training.data.tabular import decoded

_DESCRIPTION = Name(DC, "description")
_ENDS = ".!?…"  # of a sentence
_IIM_CAPTION = (2, 120)  # IPTC-IIM 4.2, Caption/Abstract


def description_of(picture: Path) -> str:
    """Return the description in a picture's sidecars or else in itself, in one line; "" where none can be read.

    EXIF's is left out, where cameras put their own name.
    """
    for read in (_beside, _inside):
        with suppress(Exception):  # damaged metadata raises nearly anything
            if found := " ".join(read(picture).split()):
                return found
    return ""


def text_of(description: str, words: Iterable[str]) -> str:
    """Return a description and keywords, each once, as one text; either may be missing."""
    listed = ", ".join(unique(words))
    if not (description and listed):
        return description or listed
    return f"{description}{'' if description[-1] in _ENDS else '.'} {listed}"


def _beside(picture: Path) -> str:
    found = (_in_xmp(read_sidecar(path)[0]) for path in existing(picture))
    return next(filter(None, found), "")


def _inside(picture: Path) -> str:
    with catch_warnings():
        simplefilter("ignore", UserWarning)  # Pillow's, about metadata that is damaged
        blocks = blocks_of(extended(picture))
    return (_in_xmp(blocks.xmp) if blocks.xmp.strip(b"\0 ") else "") or _in_iim(blocks.iim.get(_IIM_CAPTION))


def _in_xmp(data: bytes) -> str:
    """Return the description, of several languages the first, which is the default one."""
    for properties in descriptions_in(rdf_in(parse(utf8(bounded(data))[0]))):
        texts = [properties.attributes.get(_DESCRIPTION, "")]
        for element in properties.find(_DESCRIPTION):
            texts += [item.text for item in items_in(element)] or [element.text]
        if found := next((text for text in texts if text.strip()), ""):
            return found
    return ""


def _in_iim(value: Any) -> str:
    first = value[0] if isinstance(value, list) and value else value
    return decoded(first).strip("\0") if isinstance(first, bytes) else ""
