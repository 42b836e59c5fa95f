from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from clipsearch.library.categories import editing, judging
from clipsearch.library.library import Library
from tests.pictures import paint
from training.data.pairs import BadPairError
from training.data.sources.photos import Photos
from training.errors import TrainingError

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:own="urn:clipsearch:xmp/1.0/">
{}</rdf:Description></rdf:RDF></x:xmpmeta>"""
DESCRIPTION = """<dc:description><rdf:Alt><rdf:li xml:lang="x-default">Boats at
 night.</rdf:li><rdf:li xml:lang="de">Boote</rdf:li></rdf:Alt></dc:description>"""
KEYWORDS = "<dc:subject><rdf:Bag><rdf:li>harbour</rdf:li><rdf:li>found</rdf:li></rdf:Bag></dc:subject>"
OWN = "<own:subject><rdf:Bag><rdf:li>found</rdf:li></rdf:Bag></own:subject>"

Index = Callable[..., object]


@pytest.fixture
def library(colours: Library, folder: Path, index: Index, inline: object) -> Library:
    """A library of four photos."""
    for name in ("red", "green", "blue", "white"):
        paint(folder / f"{name}.jpg", name)
    index(colours, folder)
    return colours


def test_the_categories_of_a_photo_are_its_caption(library: Library, folder: Path) -> None:
    animals = editing.add(library, "Animals")
    dogs = editing.add(library, "Dogs")
    holiday = editing.add(library, "Holiday")
    editing.nest(library, dogs.id, animals.id)
    judging.assign(library, "Dogs", [folder / "red.jpg", folder / "blue.jpg"])
    judging.assign(library, "Holiday", [folder / "red.jpg"])
    photos = library.catalog.photos.get(library.catalog.photos.ids())
    judging.judge(library, holiday.id, [photo.id for photo in photos if photo.path.stem == "blue"], False)
    source = pickle.loads(pickle.dumps(Photos(library.folder)))
    pairs = {pair.key: pair.text for pair in map(source.pair, range(source.count))}
    assert pairs == {
        str(folder / "red.jpg"): "Animals, Dogs, Holiday",
        str(folder / "blue.jpg"): "Animals, Dogs",
    }


def test_a_photos_text_is_its_description_its_keywords_and_its_categories(library: Library, folder: Path) -> None:
    editing.add(library, "Harbour")
    editing.add(library, "Sea")
    for category in ("Harbour", "Sea"):
        judging.assign(library, category, [folder / "red.jpg"])
    (folder / "red.jpg.xmp").write_text(XMP.format(DESCRIPTION + KEYWORDS + OWN))
    (folder / "green.jpg.xmp").write_text(XMP.format(KEYWORDS + OWN))
    (folder / "blue.jpg.xmp").write_text(XMP.format(DESCRIPTION))
    source = Photos(library.folder)
    pairs = {Path(pair.key).stem: pair.text for pair in map(source.pair, range(source.count))}
    assert pairs == {"red": "Boats at night. harbour, Sea", "green": "harbour", "blue": "Boats at night."}
    assert source.told == [f"{folder / 'white.jpg'}: it has no description, no keywords and no category."]


def test_descriptions_in_pictures_are_read(library: Library, folder: Path) -> None:
    paint(folder / "red.jpg", "red")
    with Image.open(folder / "red.jpg") as image:
        image.save(folder / "red.jpg", xmp=XMP.format(DESCRIPTION).encode())
    caption = "Möwen".encode("cp1252")
    sets = b"\x1c\x02\x78" + len(caption).to_bytes(2, "big") + caption
    block = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + (len(sets) + len(sets) % 2).to_bytes(4, "big") + sets
    data = (folder / "green.jpg").read_bytes()
    segment = b"\xff\xed" + (len(block) + 2).to_bytes(2, "big") + block
    (folder / "green.jpg").write_bytes(data[:2] + segment + data[2:])
    (folder / "blue.jpg").write_bytes(b"rubbish")
    source = Photos(library.folder)
    assert {source.pair(number).text for number in range(source.count)} == {"Boats at night.", "Möwen"}
    assert len(source.told) == 2
    assert "blue.jpg: This is not a picture" in " ".join(source.told)


def test_a_library_of_which_nothing_is_said(library: Library) -> None:
    with pytest.raises(TrainingError, match=r"Nothing is said of any photo.*no keywords and no category"):
        Photos(library.folder)


def test_a_photo_that_goes_is_a_bad_pair(library: Library, folder: Path) -> None:
    editing.add(library, "Red")
    judging.assign(library, "Red", [folder / "red.jpg"])
    source = Photos(library.folder)
    paths = [folder / f"{name}.jpg" for name in ("red", "green", "blue", "white")]
    for path in paths:
        path.unlink()
    with pytest.raises(BadPairError, match="no longer there"):
        source.pair(0)


def test_photos_on_a_drive_that_is_away_are_told(library: Library) -> None:
    library.catalog.folders.set_offline(library.catalog.folders.all()[0].id, True)
    with pytest.raises(TrainingError, match="no photos within reach"):
        Photos(library.folder)


def test_what_is_no_library(tmp_path: Path, colours: Library) -> None:
    with pytest.raises(TrainingError, match="There is no clipsearch library"):
        Photos(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with pytest.raises(TrainingError, match="no photos within reach"):
        Photos(colours.folder)
    (tmp_path / "catalog.sqlite").write_bytes(b"rubbish" * 1000)
    with pytest.raises(TrainingError, match=r"damaged|cannot be"):
        Photos(tmp_path)
