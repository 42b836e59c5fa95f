"""Keywords that other programs wrote into pictures (tagged/README.md)."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from PIL import Image

from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.keywords import read_keywords
from clipsearch.files.xmp.merging import merge, new
from clipsearch.files.xmp.packet import Keywords
from tests.pictures import black_png, jpeg, paint

FOLDER = Path(__file__).parent / "tagged"
NESTED = ("Animals|Birds",)


@pytest.mark.parametrize(
    ("name", "flat", "nested"),
    [
        ("xmp.jpg", ("Birds", "Übung"), NESTED),
        ("avif.avif", ("Birds", "Übung"), NESTED),
        ("exiv2.jpg", ("Birds", "Übung"), NESTED),
        ("iptc.jpg", ("Birds", "Übung"), ()),
        ("latin.jpg", ("Übung",), ()),
        ("xp.jpg", ("Birds", "Übung"), ()),
        ("iptc.tif", ("Birds", "Übung", "Third"), ()),
        ("heic.heic", ("Birds", "Übung", "Third"), NESTED),
        ("webp.webp", ("Birds", "Übung", "Third"), NESTED),
        ("raw.dng", ("Birds", "Übung", "Third"), NESTED),
        ("xmp-behind-picture.png", ("Birds", "Übung", "Third"), NESTED),
        ("xmp-before-picture.png", ("Birds", "Übung"), NESTED),
    ],
)
def test_keywords_of_other_programs_are_found(name: str, flat: tuple[str, ...], nested: tuple[str, ...]) -> None:
    assert read_keywords(FOLDER / name) == Keywords(flat, nested)


def test_packed_xmp_in_a_png_is_found(tmp_path: Path) -> None:
    xmp = merge(new(Keywords()), Keywords(("Birds",))).data
    chunk = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp)
    picture = black_png(8, 8)
    chunk = len(chunk).to_bytes(4, "big") + b"iTXt" + chunk + bytes(4)
    (tmp_path / "packed.png").write_bytes(picture[:33] + chunk + picture[33:])
    assert read_keywords(tmp_path / "packed.png") == Keywords(("Birds",))


@pytest.mark.parametrize("name", ["none.jpg", "none.png", "none.tif", "none.webp", "none.gif", "none.bmp"])
def test_most_pictures_have_none(name: str, tmp_path: Path) -> None:
    assert read_keywords(paint(tmp_path / name)) == Keywords()


@pytest.mark.parametrize("name", ["film.mp4", "odd.cr3"])
def test_what_is_not_looked_into_has_none(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\0\0\0\x18ftypcrx " + bytes(100))
    assert read_keywords(tmp_path / name) == Keywords()


def test_a_bad_file_is_told_in_words(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    for content, reason in {
        b"rubbish": "This is not a picture",
        with_xmp(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>"): "keywords in the file cannot be read: line 1 is not valid",
        with_xmp(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"): "it has a document type",
    }.items():
        bad.write_bytes(content)
        with pytest.raises(UnreadablePhotoError, match=reason):
            read_keywords(bad)
    with pytest.raises(UnreadablePhotoError, match="no longer there"):
        read_keywords(tmp_path / "gone.jpg")


def test_cut_files_raise_nothing_else(tmp_path: Path) -> None:
    for sample in sorted(FOLDER.iterdir()):
        if sample.suffix in {".md", ".xmp"}:
            continue
        whole, cut = sample.read_bytes(), tmp_path / sample.name
        for part in range(1, 40):
            cut.write_bytes(whole[: len(whole) * part // 40])
            try:
                read_keywords(cut)
            except UnreadablePhotoError as error:
                assert error.message.endswith((".", ")."))


def with_xmp(xmp: bytes) -> bytes:
    """Return a JPEG with this packet in it."""
    segment = b"http://ns.adobe.com/xap/1.0/\0" + xmp
    return b"\xff\xd8\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + jpeg()[2:]


def test_no_pixel_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Image.Image, "load", refuse)
    for name in ("xmp.jpg", "iptc.tif", "heic.heic", "xmp-behind-picture.png"):
        assert "Birds" in read_keywords(FOLDER / name).flat
