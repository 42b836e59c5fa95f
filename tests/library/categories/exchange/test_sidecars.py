"""Categories as keywords in sidecars."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from clipsearch.files.sidecars import read_sidecar
from clipsearch.files.xmp.merging import merge, new
from clipsearch.files.xmp.packet import Keywords
from clipsearch.library.categories import editing, judging
from clipsearch.library.categories.exchange import folders
from clipsearch.library.categories.exchange.sidecars import write_xmp
from clipsearch.library.library import Library
from clipsearch.records import SidecarChange, SidecarReport
from tests.conftest import Index
from tests.library.categories.exchange.conftest import finished, id_of
from tests.pictures import paint

TAGGED = Path(__file__).parents[3] / "files" / "tagged"
ALIEN = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:subject="one"/></rdf:RDF>"""
BIRD = Keywords(("Animals", "Birds"), ("Animals|Birds",))


def written(library: Library, *names: str, **options: bool | str) -> SidecarReport:
    ids = [id_of(library, name) for name in names] or None
    return finished(write_xmp(library, ids, **options))  # type: ignore[arg-type]


def keywords(path: Path) -> Keywords:
    return read_sidecar(path)[1].keywords


def sidecars_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.xmp")}


def test_categories_become_keywords(animals: Library, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*.png")}
    report = written(animals)
    assert set(report.changes) == {
        SidecarChange(folder / "a/one.png.xmp", ("Animals|Birds",), (), True),
        SidecarChange(folder / "b/one.png.xmp", ("Animals|Birds",), (), True),
        SidecarChange(folder / "a/two.png.xmp", ("Animals",), (), True),
    }
    assert report.problems == ()
    assert keywords(folder / "a/one.png.xmp") == BIRD
    assert keywords(folder / "a/two.png.xmp") == Keywords(("Animals",), ("Animals",))
    assert {path: path.read_bytes() for path in folder.rglob("*.png")} == before
    again = written(animals)
    assert (again.changes, again.unchanged) == ((), 3)


def test_a_dry_run_tells_the_same_and_writes_nothing(animals: Library, folder: Path) -> None:
    told = written(animals, dry_run=True)
    assert sidecars_in(folder) == {}
    assert told == written(animals)


def test_what_was_written_goes_with_the_judgement(animals: Library, folder: Path) -> None:
    sidecar = folder / "a/one.png.xmp"
    shutil.copy(TAGGED / "exiftool.xmp", sidecar)
    before = sidecar.read_bytes()
    written(animals)
    judging.reject(animals, "Birds", [folder / "a/one.png"])
    assert written(animals).changes == (SidecarChange(sidecar, (), ("Animals|Birds",), False),)
    assert sidecar.read_bytes() == before


def test_a_category_that_is_gone_takes_its_keyword_along(animals: Library, folder: Path) -> None:
    written(animals)
    editing.remove(animals, "Birds")
    written(animals)
    assert not any(keywords(folder / "a/one.png.xmp"))
    assert keywords(folder / "a/two.png.xmp").flat == ("Animals",)


def test_only_the_categories_asked_for_are_looked_after(animals: Library, folder: Path) -> None:
    editing.add(animals, "Old")
    judging.assign(animals, "Old", [folder / "a/one.png", folder / "a/three.png"])
    written(animals, "Birds")
    assert keywords(folder / "a/one.png.xmp") == BIRD
    assert not (folder / "a/three.png.xmp").exists()
    written(animals)
    judging.reject(animals, "Old", [folder / "a/one.png"])
    judging.reject(animals, "Birds", [folder / "a/one.png"])
    written(animals, "Old")
    assert keywords(folder / "a/one.png.xmp") == BIRD


def test_a_separator_in_a_name_is_none(animals: Library, folder: Path) -> None:
    editing.add(animals, "this|that")
    judging.assign(animals, "this|that", [folder / "a/three.png"])
    written(animals)
    assert keywords(folder / "a/three.png.xmp") == Keywords(("this/that",), ("this/that",))


def test_a_category_that_another_program_nests_gets_no_second_root(animals: Library, folder: Path) -> None:
    editing.add(animals, "rome")
    judging.assign(animals, "rome", [folder / "a/three.png"])
    sidecar = folder / "a/three.png.xmp"
    sidecar.write_bytes(new(Keywords((), ("Places|Rome",))))
    written(animals)
    assert keywords(sidecar) == Keywords(("rome",), ("Places|Rome",))
    judging.reject(animals, "rome", [folder / "a/three.png"])
    written(animals)
    assert keywords(sidecar) == Keywords((), ("Places|Rome",))


def test_a_category_that_was_nested_here_moves_with_its_keyword(animals: Library, folder: Path) -> None:
    written(animals)
    editing.nest(animals, id_of(animals, "Birds"), None)
    written(animals)
    assert keywords(folder / "a/one.png.xmp") == Keywords(("Birds",), ("Birds",))


def test_a_negative_beside_a_photo_is_described_too(colours: Library, folder: Path, index: Index) -> None:
    paint(folder / "one.jpg")
    (folder / "one.NEF").write_bytes(b"raw")
    (folder / "one.xmp").write_bytes(new(Keywords(("Of the negative",))))
    index(colours, folder)
    editing.add(colours, "Birds")
    judging.assign(colours, "Birds", [folder / "one.jpg"])
    written(colours)
    assert keywords(folder / "one.jpg.xmp").flat == ("Birds",)
    assert keywords(folder / "one.xmp").flat == ("Of the negative", "Birds")
    assert sidecars_in(folder).keys() == {"one.jpg.xmp", "one.xmp"}


def test_a_new_sidecar_hides_no_keyword_of_the_photo(colours: Library, folder: Path, index: Index) -> None:
    shutil.copy(TAGGED / "xmp.jpg", folder / "a.jpg")
    index(colours, folder)
    editing.add(colours, "Parrots")
    judging.assign(colours, "Parrots", [folder / "a.jpg"])
    written(colours, naming="adobe")
    _, packet = read_sidecar(folder / "a.xmp")
    assert packet.keywords == Keywords(("Birds", "Übung", "Parrots"), ("Animals|Birds", "Parrots"))
    assert packet.own == Keywords(("Parrots",), ("Parrots",))


def test_what_hinders_is_told_and_hinders_nothing_else(animals: Library, folder: Path) -> None:
    (folder / "a/one.png.xmp").write_bytes(b"<broken")
    report = written(animals)
    assert [problem.path for problem in report.problems] == [folder / "a/one.png.xmp"]
    assert "left alone, since line 1" in report.problems[0].reason
    assert (folder / "a/one.png.xmp").read_bytes() == b"<broken"
    assert len(report.changes) == 2
    (folder / "a/one.png.xmp").unlink()
    (folder / "a/one.png.xmp").mkdir()
    (folder / "b/one.png.xmp").write_bytes(ALIEN)
    for report in (written(animals, dry_run=True), written(animals)):
        reasons = {problem.path: problem.reason for problem in report.problems}
        assert reasons.keys() == {folder / "a/one.png.xmp", folder / "b/one.png.xmp"}
        assert "no file" in reasons[folder / "a/one.png.xmp"]
        assert "in a form" in reasons[folder / "b/one.png.xmp"]
        assert folder / "a/one.png.xmp" not in {change.path for change in report.changes}
    folder.rename(folder.with_name("away"))
    report = written(animals)
    assert {problem.reason for problem in report.problems} == {folders.AWAY}
    assert len(report.problems) == 3


def test_it_stops_between_photos(animals: Library, folder: Path) -> None:
    with closing(write_xmp(animals)) as run:
        assert next(run).total == 4
    for sidecar in folder.rglob("*.xmp"):
        read_sidecar(sidecar)


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs ExifTool")
def test_another_program_reads_them(animals: Library, folder: Path) -> None:
    written(animals)
    sidecar = str(folder / "a/one.png.xmp")
    done = subprocess.run(["exiftool", "-json", "-XMP-dc:all", "-XMP-lr:all", sidecar], check=True, capture_output=True)
    told = json.loads(done.stdout)[0]
    assert (told["Subject"], told["HierarchicalSubject"]) == (["Animals", "Birds"], "Animals|Birds")


def test_keywords_of_other_letters_are_one(animals: Library, folder: Path) -> None:
    (folder / "a/two.png.xmp").write_bytes(merge(new(Keywords(("ANIMALS",), ("ANIMALS",))), Keywords()).data)
    assert folder / "a/two.png.xmp" not in {change.path for change in written(animals).changes}
