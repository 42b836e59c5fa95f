"""The set of drawings, from made-up packages that lie where they would have been unpacked: no network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from training.curator import tables
from training.curator.drawings import clip_art, emoji, fetch, icons, stamps
from training.curator.drawings.fetch import fetch_drawings
from training.curator.drawings.recipe import COLLECTIONS, EMOJI_NAMES, Collection
from training.errors import TrainingError
from training.starter.downloads import Source

CLIP_ART_SVG = """<svg xmlns="http://www.w3.org/2000/svg"><metadata>
<rdf:RDF xmlns:cc="http://web.resource.org/cc/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><cc:Work>
<dc:title>{title}</dc:title><dc:subject><rdf:Bag>{subjects}</rdf:Bag></dc:subject>
<dc:creator><cc:Agent><dc:title>Jane Doe</dc:title></cc:Agent></dc:creator>
<cc:license rdf:resource="http://web.resource.org/cc/{licence}"/></cc:Work></rdf:RDF></metadata></svg>"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="3"/></svg>'


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 40), "red").save(path)


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")


def captions(collection: Collection, folder: Path) -> dict[str, str]:
    """Return the captions of a set of one collection, by the pictures' names."""
    table = fetch_drawings(folder, print, [collection])
    rows = [row.fields for row in tables.read([table]) if isinstance(row, tables.Row)]
    assert all((folder / row["filepath"]).is_file() for row in rows)
    assert {(row["licence"], row["source"]) for row in rows} == {(collection.licence, collection.title)}
    return {Path(row["filepath"]).name: row["title"] for row in rows}


@pytest.fixture
def renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for resvg-py, which the tests do not ask for: a picture for what begins like an SVG."""

    def svg_to_bytes(svg_string: str, **_: object) -> bytes:
        if not svg_string.startswith("<svg") or "broken" in svg_string:
            raise ValueError("not an SVG")
        return b"rendered " + svg_string.encode()

    monkeypatch.setitem(sys.modules, "resvg_py", SimpleNamespace(svg_to_bytes=svg_to_bytes))


def test_emoji_are_called_what_unicode_calls_them(tmp_path: Path) -> None:
    names = [
        {
            "hexcode": "1F44B",
            "label": "waving hand",
            "tags": ["hello"],
            "skins": [{"hexcode": "1F44B-1F3FB", "label": "waving hand: light skin tone"}],
        },
        {"hexcode": "2764-FE0F", "label": "red heart"},
    ]
    text(tmp_path / "packages/npm-names/package/en/data.json", json.dumps(names))
    for name in ("1f44b.png", "1f44b-1f3fb.png", "2764.png", "ffff.png"):
        picture(tmp_path / "packages/npm-faces/package/img" / name)
    collection = Collection(
        Source("npm", "faces", "1", "x"), "MIT", emoji.reader("package/img"), Source("npm", "names", "1", "x")
    )
    assert captions(collection, tmp_path) == {
        "1f44b.png": "waving hand",
        "1f44b-1f3fb.png": "waving hand: light skin tone",
        "2764.png": "red heart",
    }


def test_openmoji_is_rendered_once(tmp_path: Path, renderer: None) -> None:
    package = tmp_path / "packages/npm-open/package"
    entry = {"annotation": "goldfish", "tags": "", "openmoji_tags": "fish, water"}
    listed = [{**entry, "hexcode": "E000"}, {**entry, "hexcode": "E001"}, {**entry, "hexcode": "E002"}]
    text(package / "data/openmoji.json", json.dumps(listed))
    text(package / "color/svg/E000.svg", SVG)
    text(package / "color/svg/E001.svg", "broken")
    collection = Collection(Source("npm", "open", "1", "x"), "CC-BY-SA-4.0", emoji.openmoji)
    assert captions(collection, tmp_path) == {"E000.png": "goldfish"}
    rendered = tmp_path / "rendered/open/E000.png"
    rendered.write_bytes(b"kept")
    captions(collection, tmp_path)
    assert rendered.read_bytes() == b"kept"


def test_icons_are_named_after_what_they_show(tmp_path: Path, renderer: None) -> None:
    body = {"body": '<path d="M0 0"/>'}
    shown = {"basset-hound": {**body, "width": 32}, "anchor-one": body, "family-2": body}
    hidden = {"old": {**body, "hidden": True}, "cat-negative": body, "abstract-099": body, "42": body}
    package = tmp_path / "packages/npm-some-icons/package"
    text(package / "icons.json", json.dumps({"prefix": "x", "icons": {**shown, **hidden}, "height": 24}))
    collection = Collection(Source("npm", "@some/icons", "1", "x"), "MIT", icons.drawings)
    assert captions(collection, tmp_path) == {
        "basset-hound.png": "basset hound",
        "anchor-one.png": "anchor",
        "family-2.png": "family",
    }
    svg = (tmp_path / "rendered/_some_icons/basset-hound.png").read_text()
    assert 'viewBox="0 0 32 24"' in svg


def test_clip_art_has_title_and_keywords_of_its_source(tmp_path: Path) -> None:
    pictures = tmp_path / "packages/debian-art" / "usr/share/openclipart/png"
    sources = tmp_path / "packages/debian-art-svg" / "usr/share/openclipart/svg"
    series = [(f"icons/red_car_jane_{number}", "Some theme", ["icons", "car"], "PublicDomain") for number in range(4)]
    ones = [
        ("a/bulb_jane_doe_01", "Clipart by Jane Doe - Light bulb", ["light", "jane doe", "idea", "12"], "PublicDomain"),
        ("a/owned", "Owned", ["x"], "GPL"),
        *series,
    ]
    for place, title, subjects, licence in ones:
        picture(pictures / f"{place}.png")
        listed = "".join(f"<rdf:li>{subject}</rdf:li>" for subject in subjects)
        text(sources / f"{place}.svg", CLIP_ART_SVG.format(title=title, subjects=listed, licence=licence))
    picture(pictures / "untold.png")
    picture(pictures / "damaged.png")
    text(sources / "damaged.svg", "<svg")
    collection = Collection(
        Source("debian", "art", "1", None), "public domain", clip_art.drawings, Source("debian", "art-svg", "1", None)
    )
    assert captions(collection, tmp_path) == {
        "bulb_jane_doe_01.png": "Light bulb, idea",
        **{f"red_car_jane_{number}.png": "red car" for number in range(4)},
    }


def test_stamps_are_described_in_their_first_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    folder = tmp_path / "packages/debian-stamps/usr/share/tuxpaint/stamps"
    picture(folder / "animals/owl.png")
    text(folder / "animals/owl.txt", "An owl.\nde.utf8=Eine Eule.\n")
    text(folder / "animals/cat.svg", SVG)
    text(folder / "animals/cat.txt", "A cat.\n")
    text(folder / "animals/lost.txt", "Nothing.\n")
    told: list[str] = []
    table = fetch_drawings(
        tmp_path, told.append, [Collection(Source("debian", "stamps", "1", None), "GPL-2.0", stamps.drawings)]
    )
    assert table.read_text("utf-8").splitlines()[1:] == [
        "packages/debian-stamps/usr/share/tuxpaint/stamps/animals/owl.png,An owl.,animals,GPL-2.0,debian:stamps@1"
    ]
    assert told == ["debian:stamps@1: 1 drawings (GPL-2.0), without 1 SVGs, which need the package resvg-py"]


def test_packages_that_cannot_be_had_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: Source, _: Path) -> Path:
        if source.name == "gone":
            raise subprocess.CalledProcessError(1, "npm")
        if source.name == "changed":
            raise ValueError("changed.tgz has the SHA-256 00, expected 11")
        raise FileNotFoundError("apt-get")

    monkeypatch.setattr(fetch, "fetch", fail)
    names = ("gone", "changed", "nowhere")
    collections = [Collection(Source("npm", name, "1", "x"), "MIT", icons.drawings) for name in names]
    told: list[str] = []
    with pytest.raises(TrainingError, match="No package of drawings"):
        fetch_drawings(tmp_path, told.append, collections)
    assert [line for line in told if "left out" in line and "expected 11" in line] == [
        "npm:changed@1 is left out: changed.tgz has the SHA-256 00, expected 11"
    ]
    assert len([line for line in told if "left out" in line]) == 3


def test_the_recipe_is_complete() -> None:
    sources = [source for one in COLLECTIONS for source in (one.source, one.names) if source]
    assert all(len(source.sha256 or "") == 64 for source in sources if source.registry == "npm")
    assert len({one.source.name for one in COLLECTIONS}) == len(COLLECTIONS)
    page = (Path(fetch.__file__).parent / "SOURCES.md").read_text("utf-8")
    for one in COLLECTIONS:
        assert f"{one.source.registry.replace('debian', 'Debian')} {one.source.name} | {one.source.version}" in page
        assert one.licence in page
    assert f"{EMOJI_NAMES.name} {EMOJI_NAMES.version}" in page
