"""Formats from the folder to the answer; tests/files has what is inside them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from clipsearch.files.formats import registry as formats
from clipsearch.library import overview
from clipsearch.library.library import Library
from clipsearch.library.search import search_text
from clipsearch.paths import resource_path
from clipsearch.records import IndexCounts, Relevance
from tests.conftest import Index
from tests.files.deep import dng
from tests.pictures import paint

SAMPLES = Path(__file__).parents[1] / "files" / "samples"

pytestmark = pytest.mark.usefixtures("inline")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "bmp", "tif", "avif", "heic", "jxl"])
def test_a_photo_is_found_in_every_format(colours: Library, folder: Path, index: Index, suffix: str) -> None:
    if suffix == "jxl":
        pytest.importorskip("pillow_jxl")
    if suffix == "heic":
        pillow_heif.from_pillow(Image.new("RGB", (48, 32), "lime")).save(folder / "leaf.heic", format="HEIF")
    else:
        paint(folder / f"leaf.{suffix}", "lime")
    paint(folder / "apple.jpg", "red")
    assert index(colours, folder) == IndexCounts(added=2)
    assert search_text(colours, "green")[0].photo.path == folder / f"leaf.{suffix}"


def test_what_needs_an_extra_is_a_problem_until_it_is_there(
    colours: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rawpy")
    (folder / "a.dng").write_bytes(dng((64, 48)))
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "rawpy", None)
        assert index(colours, folder) == IndexCounts(problems=1)
        (problem,) = overview.problems(colours)
        assert problem.reason == str(formats.missing_extra("RAW", "raw"))
    assert index(colours, folder) == IndexCounts(added=1)
    assert list(overview.problems(colours)) == []


def test_files_of_other_programs_are_found_by_what_they_show(tmp_path: Path, index: Index) -> None:
    for extra in ("pillow_jxl", "rawpy"):
        pytest.importorskip(extra)
    others = tmp_path / "others"
    others.mkdir()
    for demo in (resource_path("demo") / name for name in ("dog.jpg", "beach.jpg", "car.jpg", "sushi.jpg", "owl.jpg")):
        shutil.copy(demo, others)
    with Library.open(tmp_path / "library") as library:  # the starter model
        assert index(library, SAMPLES, others) == IndexCounts(added=len(list(SAMPLES.iterdir())) - 1 + 5)  # - README
        hits = search_text(library, "a parrot", 1000)
    parrots, rest = hits[:-5], hits[-5:]
    assert {hit.photo.path.parent for hit in parrots} == {SAMPLES}
    assert {hit.photo.path.parent for hit in rest} == {others}
    weak = [hit.photo.path.name for hit in parrots if hit.relevance is Relevance.WEAK]
    assert weak in ([], ["raw.dng"])  # a dark one
