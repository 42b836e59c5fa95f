"""Keywords merged into XMP of other programs: nothing of theirs is lost, and ours go again without a trace."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import xml.etree.ElementTree as ET
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from clipsearch.files.xmp.markup import MarkupError
from clipsearch.files.xmp.merging import merge, new
from clipsearch.files.xmp.packet import DC, LARGEST_BYTES, LR, OWN, Keywords, read

TAGGED = Path(__file__).parent.parent / "tagged"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
BIRDS = Keywords(("Animals", "Birds"), ("Animals|Birds",))

LIGHTROOM = """<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0-c000 1.000000">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <!-- a comment -->
  <rdf:Description rdf:about=""
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
   crs:Exposure2012="+0.35"
   crs:Instructions="one&#xA;two > three">
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Old &amp; worn</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li><![CDATA[Things|Old & worn]]></rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
DARKTABLE = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:darktable="http://darktable.sf.net/"
   darktable:history_end="1">
   <darktable:history>
    <rdf:Seq>
     <rdf:li
      darktable:num="0"
      darktable:params="gz02eJxjYGBgYAFiCQYYOOHEgAZY0QWAgBGLGANDgz0Ej1Q+dlAx68oBEMbFxwX+AwGIBgCbGCeh"/>
    </rdf:Seq>
   </darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""
ONE_LINE = f'<r:RDF xmlns:r="{RDF}" xmlns:dc="urn:other" xmlns:rdf="urn:third"><r:Description a="b"/></r:RDF>'
DEFAULT_NAMESPACE = f'<RDF xmlns="{RDF}"><Description><x xmlns="y"/></Description></RDF>'
EMPTY = f'<rdf:RDF xmlns:rdf="{RDF}"></rdf:RDF>'


def samples() -> dict[str, bytes]:
    texts = {"lightroom": LIGHTROOM, "darktable": DARKTABLE, "one-line": ONE_LINE, "default": DEFAULT_NAMESPACE}
    files = {path.stem: path.read_bytes() for path in TAGGED.glob("*.xmp")}
    windows = {"crlf": LIGHTROOM.replace("\n", "\r\n").encode(), "utf-16": LIGHTROOM.encode("utf-16")}
    with_mark = {"mark": b"\xef\xbb\xbf" + DARKTABLE.encode(), "empty": EMPTY.encode()}
    return {name: text.encode() for name, text in texts.items()} | files | windows | with_mark


@pytest.mark.parametrize("name", samples())
def test_what_was_there_stays_and_what_came_goes_again(name: str) -> None:
    before = samples()[name]
    merged = merge(before, BIRDS)
    assert merged.added == BIRDS
    packet, old = read(merged.data), read(before).keywords
    assert packet.own == BIRDS
    assert packet.keywords == Keywords((*old.flat, *BIRDS.flat), (*old.nested, *BIRDS.nested))
    assert merge(merged.data, BIRDS).data is merged.data

    again = merge(merged.data, Keywords())
    assert again.removed == BIRDS
    assert read(again.data).keywords == old
    assert b"clipsearch" not in again.data
    if name not in {"one-line", "empty"}:  # a tag was opened there, to hold ours
        assert again.data == before


@pytest.mark.parametrize("name", samples())
def test_only_text_of_ours_is_added(name: str) -> None:
    before = samples()[name]
    after = merge(before, BIRDS).data
    kept = [block for block in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks() if block.size]
    assert sum(block.size for block in kept) >= len(before) - len(b"/")  # of a tag that was opened


def test_keywords_of_other_programs_are_never_removed() -> None:
    merged = merge(LIGHTROOM.encode(), Keywords(("OLD & WORN", "Birds")))
    assert merged.added == Keywords(("Birds",))  # the other is there, in other letters
    assert read(merged.data).own == Keywords(("Birds",))
    assert merge(merged.data, Keywords()).data == LIGHTROOM.encode()


def test_a_keyword_that_another_program_removed_is_ours_no_more() -> None:
    merged = merge(DARKTABLE.encode(), Keywords(("Birds", "Cats"))).data
    without = merged.replace(b"     <rdf:li>Birds</rdf:li>\n", b"", 1)
    assert read(without).keywords.flat == ("Cats",)
    after = merge(without, Keywords(("Cats",)))
    assert (after.added, after.removed) == (Keywords(), Keywords())
    assert read(after.data).own.flat == ("Cats",)
    assert merge(without, Keywords(("Birds", "Cats"))).added == Keywords(("Birds",))


def test_only_what_is_managed_is_removed() -> None:
    merged = merge(DARKTABLE.encode(), Keywords(("Birds", "Cats")))
    after = merge(merged.data, Keywords(), lambda keyword: keyword == "Cats")
    assert after.removed == Keywords(("Cats",))
    assert read(after.data).own == Keywords(("Birds",))


def test_a_bag_that_is_none_becomes_one() -> None:
    text = (
        f'<r:RDF xmlns:r="{RDF}" xmlns:d="http://purl.org/dc/elements/1.1/"><r:Description>{{}}</r:Description></r:RDF>'
    )
    for loose, kept in {
        "<d:subject>a</d:subject>": ("a",),
        "<d:subject/>": (),
        "<d:subject><r:Bag/></d:subject>": (),
    }.items():
        merged = merge(text.format(loose).encode(), Keywords(("Birds",)))
        assert read(merged.data).keywords.flat == (*kept, "Birds")


def test_special_characters_stay_what_they_are() -> None:
    keywords = Keywords(("a < b & c > d", "\"quoted\" 'too'", "日本 🐦"))
    assert read(merge(DARKTABLE.encode(), keywords).data).keywords == keywords
    latin = DARKTABLE.replace("UTF-8", "ISO-8859-1").replace("sf.net/", "sf.net/é").encode("latin-1")
    merged = merge(latin, keywords).data
    assert read(merged).keywords == keywords
    assert "sf.net/é".encode("latin-1") in merged


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not valid XML"),
        (b"<a>", "not valid XML"),
        (b"<a/>", "it is not XMP"),
        (b"not xml", "not valid XML"),
        (b"<?xml version='1.0' encoding='utf-7'?><a/>", "encoding utf-7"),
        (b"\xff\xfe<", "not in utf-16"),
        (b"<a>\xe9</a>", "not in utf-8"),
        (b"<!DOCTYPE a [<!ENTITY b 'b'><!ENTITY c '&b;&b;'>]><a>&c;</a>", "document type"),
        (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "document type"),
        (b"<a>" * 1000 + b"</a>" * 1000, "too large"),
        (b"<a>" + b"<b/>" * 60_000 + b"</a>", "too large"),
        (b" " * (LARGEST_BYTES + 1), "too large"),
        (
            f'<r:RDF xmlns:r="{RDF}"><r:Description xmlns:d="http://purl.org/dc/elements/1.1/" d:subject="a"/></r:RDF>',
            "a form that this program does not change",
        ),
    ],
)
def test_what_cannot_be_merged_is_told_in_words(text: bytes | str, reason: str) -> None:
    with pytest.raises(MarkupError, match=reason):
        merge(text.encode() if isinstance(text, str) else text, BIRDS)


def test_new_xmp_holds_what_it_carries_as_not_ours() -> None:
    carried = Keywords(("Old",), ("Things|Old",))
    packet = read(merge(new(carried), BIRDS).data)
    assert packet.keywords == Keywords(("Old", *BIRDS.flat), ("Things|Old", *BIRDS.nested))
    assert packet.own == BIRDS


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs ExifTool")
@pytest.mark.parametrize("name", sorted(samples().keys() - {"one-line", "default", "utf-16"}))  # which it cannot read
def test_another_program_reads_what_we_wrote(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    path.write_bytes(samples()[name])
    before = exiftool(path)
    path.write_bytes(merge(samples()[name], BIRDS).data)
    after = exiftool(path)
    assert after.pop("XMP-dc:Subject", [])[-2:] == ["Animals", "Birds"]
    assert "Animals|Birds" in after.pop("XMP-lr:HierarchicalSubject")
    ours = {"XMP-dc:Subject", "XMP-lr:HierarchicalSubject"}
    assert {key: value for key, value in before.items() if key not in ours} == {
        key: value for key, value in after.items() if "clipsearch" not in key.lower()
    }


def exiftool(path: Path) -> dict[str, object]:
    """Return what ExifTool finds in a file, but its name, size and times."""
    done = subprocess.run(["exiftool", "-json", "-G1", "-a", str(path)], check=True, capture_output=True)
    values: dict[str, object] = json.loads(done.stdout)[0]
    return {key: value for key, value in values.items() if key.startswith("XMP-")}


WANTED = (BIRDS, Keywords(("x & <", "Cats")), Keywords(), Keywords(("Old",), ("Things|Old",)))
PIECES = (b"<", b">", b"/", b'"', b"&", b"rdf:", b"dc:subject", b"<rdf:li>a</rdf:li>", b"<rdf:Bag/>", b" ", b"\n")
PIECES += (b"<!--x-->", b"<?p?>", b"<![CDATA[>]]>", b"\0", b"\xff", b"<dc:subject/>", b"<rdf:Description/>")


@pytest.mark.parametrize("seed", range(8))
def test_any_change_leaves_all_else_as_it_was(seed: int) -> None:
    choose = random.Random(seed)
    whole = [sample for name, sample in samples().items() if name != "utf-16"]
    for _ in range(150):
        now = mutated(choose, choose.choice(whole))
        try:
            for wanted in choose.sample(WANTED, 3):
                before, now = now, merge(now, wanted).data
                old, new_ = read(before), read(now)
                assert rest(ET.fromstring(now)) == rest(ET.fromstring(before.rstrip(b"\0")))
                assert {*wanted.flat} <= {*new_.keywords.flat}
                assert {*old.keywords.flat} - {*new_.keywords.flat} <= {*old.own.flat}
        except MarkupError:
            continue


def mutated(choose: random.Random, sample: bytes) -> bytes:
    """Return a sample with a few pieces put in, taken out, or doubled."""
    data = bytearray(sample)
    for _ in range(choose.randint(0, 2)):
        at = choose.randrange(len(data))
        match choose.randrange(3):
            case 0:
                data[at:at] = choose.choice(PIECES)
            case 1:
                del data[at : at + choose.randint(1, 40)]
            case _:
                start = choose.randrange(len(data))
                data[at:at] = data[start : start + choose.randint(1, 200)]
    return bytes(data)


def rest(element: ET.Element) -> object:
    """Return what an element holds, without white space, keywords, and descriptions of nothing else."""
    return (
        element.tag,
        sorted(element.attrib.items()),
        own_text(element),
        [rest(child) for child in element if not is_ours(child)],
    )


def own_text(element: ET.Element) -> str:
    return "".join("".join([element.text or "", *(child.tail or "" for child in element)]).split())


def is_ours(element: ET.Element) -> bool:
    if element.tag == f"{{{RDF}}}Description":
        return not {*element.attrib} - {f"{{{RDF}}}about"} and all(map(is_ours, element)) and not own_text(element)
    return element.tag in {f"{{{DC}}}subject", f"{{{LR}}}hierarchicalSubject"} or element.tag.startswith(f"{{{OWN}}}")
