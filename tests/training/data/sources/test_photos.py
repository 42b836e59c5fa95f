from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from clipsearch.library.categories import editing, judging
from clipsearch.library.library import Library
from tests.pictures import paint
from training.data.pairs import BadPairError
from training.data.sources.photos import Photos
from training.errors import TrainingError

SIDECAR = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>harbour</rdf:li></rdf:Bag>
</dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""

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


def test_without_categories_keywords_are(library: Library, folder: Path) -> None:
    (folder / "red.jpg.xmp").write_text(SIDECAR)
    source = Photos(library.folder)
    assert source.count == 4
    texts = []
    for number in range(4):
        try:
            texts.append(source.pair(number).text)
        except BadPairError as error:
            texts.append(str(error).partition(":")[2])
    assert sorted(texts) == [" it has neither a caption file nor keywords."] * 3 + ["harbour"]


def test_a_photo_that_goes_is_a_bad_pair(library: Library, folder: Path) -> None:
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
