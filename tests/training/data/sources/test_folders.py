from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.pictures import paint
from training.data.pairs import BadPairError, Pair
from training.data.sources.folders import Folder
from training.errors import TrainingError

TAGGED = Path(__file__).parents[3] / "files" / "tagged"
SIDECAR = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>harbour</rdf:li>
<rdf:li>Evening</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""


def pairs(folder: Folder) -> list[Pair]:
    assert folder.count is not None
    return [folder.pair(number) for number in range(folder.count)]


def test_caption_files_beside_pictures(tmp_path: Path) -> None:
    captions = {
        "b.txt": "a dog\n on a  beach\n",
        "sub/a.caption": "\ufeffa cat",
        "sub/c.png.txt": "",
        "z.txt": "of no picture",
    }
    for name in ("b.jpg", "sub/a.png", "sub/c.png", "lonely.jpg", ".hidden.jpg", ".git/x.jpg"):
        paint(tmp_path / name)
    for name, text in captions.items():
        (tmp_path / name).write_text(text, "utf-8")
    folder = Folder(tmp_path)
    assert [(pair.key, pair.text) for pair in pairs(folder)] == [
        ("b.jpg", "a dog on a beach"),
        ("sub/a.png", "a cat"),
        ("sub/c.png", ""),
    ]
    assert folder.told == [f"lonely.jpg: it has no caption file, unlike others in {tmp_path.name}."]
    assert folder.pair(0).picture == tmp_path / "b.jpg"


def test_captions_that_are_not_utf8_or_too_long(tmp_path: Path) -> None:
    for name, data in {"a": "Müller".encode("cp1252"), "b": b"word " * 100_000}.items():
        paint(tmp_path / f"{name}.jpg")
        (tmp_path / f"{name}.txt").write_bytes(data)
    first, second = pairs(Folder(tmp_path))
    assert first.text == "Müller"
    assert 60_000 < len(second.text) < 70_000


def test_a_caption_file_that_goes_is_a_bad_pair(tmp_path: Path) -> None:
    paint(tmp_path / "a.jpg")
    (tmp_path / "a.txt").write_text("here")
    folder = Folder(tmp_path)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(BadPairError, match=r"a[.]txt: the caption cannot be read .No such file"):
        folder.pair(0)


def test_keywords_where_no_picture_has_a_caption(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes((TAGGED / "xmp.jpg").read_bytes())
    paint(tmp_path / "b.jpg")
    (tmp_path / "b.jpg.xmp").write_text(SIDECAR)
    paint(tmp_path / "c.jpg")
    (tmp_path / "d.jpg").write_bytes(b"rubbish")
    folder = Folder(tmp_path)
    assert folder.count == 4
    assert (
        len(folder.pair(0).text.split(", ")) == len({word.casefold() for word in folder.pair(0).text.split(", ")}) > 1
    )
    assert folder.pair(1).text == "harbour, Evening"
    for number, told in (
        (2, "c.jpg: it has neither a caption file nor a description nor keywords"),
        (3, "d.jpg: .*not a picture"),
    ):
        with pytest.raises(BadPairError, match=told):
            folder.pair(number)


def test_a_damaged_sidecar_is_a_bad_pair(tmp_path: Path) -> None:
    paint(tmp_path / "a.jpg")
    (tmp_path / "a.jpg.xmp").write_text("<x:xmpmeta>")
    with pytest.raises(BadPairError, match=r"a.jpg: .*sidecar"):
        Folder(tmp_path).pair(0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are no Unicode")
def test_names_may_hold_anything(tmp_path: Path) -> None:
    for name in (b"odd\xff.jpg", b"odd\xff.txt"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    assert pairs(Folder(tmp_path))[0].text == "x"


@pytest.mark.parametrize(("name", "told"), [("", "holds no pictures"), ("none", "none cannot be read: No such file")])
def test_folders_that_cannot_be_used(name: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a text alone")
    with pytest.raises(TrainingError, match=told):
        Folder(tmp_path / name)
