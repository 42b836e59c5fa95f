from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QCoreApplication, QLocale, QTranslator

from clipsearch import paths
from clipsearch.errors import UnreadablePhotoError
from clipsearch.records import IndexCounts, Progress, Stage
from clipsearch.ui import wording


@pytest.fixture(autouse=True)
def english(qapp):
    translator = QTranslator()
    assert translator.load("clipsearch_en", str(paths.resource_path("translations")))
    qapp.installTranslator(translator)
    QLocale.setDefault(QLocale(QLocale.Language.English))
    yield
    qapp.removeTranslator(translator)


def test_counts() -> None:
    assert wording.photo_count(1) == "1 photo"
    assert wording.photo_count(12345) == "12,345 photos"
    assert wording.match_count(1) == "1 match"
    assert wording.problem_count(2) == "2 problems"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (42, "42 s"), (61, "1 min"), (3000, "50 min"), (7800, "2 h 10 min")]
)
def test_duration(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


def test_progress() -> None:
    step = Progress(Stage.ENCODING, 1200, 25000, IndexCounts(), 10.0, 45.4, 528.0)
    assert wording.progress(step) == "23,800 photos to go, about 9 min"
    assert wording.progress_details(step) == "1,200 of 25,000 · 45 photos/s"
    scanning = Progress(Stage.SCANNING, 0, 0, IndexCounts(), 1.0)
    assert wording.progress(scanning) == "Looking for photos…"
    assert wording.progress_details(scanning) == ""


def test_progress_says_why_it_gives_way() -> None:
    slowed = Progress(Stage.ENCODING, 24, 25, IndexCounts(), 1.0, note="Slower: other programs are busy")
    assert wording.progress(slowed) == "Slower: other programs are busy · 1 photo to go"
    paused = replace(slowed, stage=Stage.SCANNING, note="Paused: the battery is low")
    assert wording.progress(paused) == "Paused: the battery is low · Looking for photos…"


def test_run_outcome() -> None:
    assert wording.run_outcome(IndexCounts(unchanged=9)) == "Everything is up to date."
    assert wording.run_outcome(IndexCounts(added=3, problems=1)) == "Indexed: 3 new. 1 file cannot be read."


def test_failure() -> None:
    assert wording.failure(UnreadablePhotoError("It is cut off.")) == "Photo not readable: It is cut off."
    assert "ValueError: boom" in wording.failure(ValueError("boom"))


def test_paths() -> None:
    assert wording.elided_path(Path.home() / "a" / "b") == str(Path("~/a/b"))
    assert wording.one_line("a\nb") == "a�b"
    assert wording.breakable("a_b/c").replace("\u200b", "") == "a_b/c"


def test_every_plural_is_in_the_english_translation() -> None:
    """Without it, Qt would write "1 photos"; make it again with `pyside6-lrelease clipsearch_en.ts`."""
    source = ElementTree.parse(paths.resource_path("translations") / "clipsearch_en.ts")
    singular = {
        (context.findtext("name"), message.findtext("source")): message.findtext(".//numerusform")
        for context in source.iter("context")
        for message in context.iter("message")
    }
    wanted = set(plurals())
    assert wanted
    assert wanted - singular.keys() == set()
    for context, text in wanted:
        one = singular[context, text].replace("%Ln", "1")
        assert QCoreApplication.translate(context, text, "", 1) == one


def plurals() -> Iterator[tuple[str, str]]:
    """Yield the context and the text of everything in the window that counts."""
    for path in Path(wording.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        owners = {id(node): owner.name for owner in classes for node in ast.walk(owner)}
        for node in ast.walk(tree):
            arguments = node.args if isinstance(node, ast.Call) else []
            texts = [one.value for one in arguments if isinstance(one, ast.Constant)]
            if any("%Ln" in str(text) for text in texts):
                yield (owners[id(node)], texts[0]) if node.func.attr == "tr" else (texts[0], texts[1])


def test_sizes_are_counted_in_thousands_as_the_hub_and_the_command_line_do() -> None:
    assert wording.file_size(629_145_600) == "629.1 MB"
