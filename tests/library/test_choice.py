"""Changing the model never breaks search: an old model answers until the new one has caught up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clipsearch.errors import ClipsearchError, PackageError, UnreadablePhotoError
from clipsearch.library import overview
from clipsearch.library.indexing import comparing, reading
from clipsearch.library.indexing.prepare import prepare
from clipsearch.library.indexing.run import index_folders
from clipsearch.library.library import Library
from clipsearch.library.search import search_image, search_photo, search_text
from clipsearch.library.verify import verify
from clipsearch.records import IndexCounts, Progress, Unreadable
from tests.conftest import Index
from tests.fakes import FakeEncoder, FakeInstalled, OtherEncoder, fake_library
from tests.pictures import paint

pytestmark = pytest.mark.usefixtures("inline")

STARTER, OTHER = "starter-1-p1", "other-1-p1"
COLOURS = {"red": "red", "green": "lime", "blue": "blue"}
Reopen = Callable[[], Library]


def encoders() -> dict[str, FakeEncoder]:
    return {"starter": FakeEncoder(name="starter"), "other": OtherEncoder()}


@pytest.fixture(autouse=True)
def stored_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_STORED_EVERY_S", -1.0)


@pytest.fixture
def installed() -> FakeInstalled:
    return FakeInstalled(**encoders())


@pytest.fixture
def reopen(tmp_path: Path) -> Iterator[Reopen]:
    """Open the library again as another process would, with encoders of its own unless some are given."""
    opened: list[Library] = []

    def another(installed: FakeInstalled | None = None) -> Library:
        opened.append(fake_library(tmp_path / "library", installed=installed or FakeInstalled(**encoders())))
        return opened[-1]

    yield another
    for library in opened:
        library.close()


@pytest.fixture
def library(folder: Path, installed: FakeInstalled, reopen: Reopen, index: Index) -> Library:
    """Seventeen greys and three colours, known to the starter."""
    for name, colour in COLOURS.items():
        paint(folder / f"{name}.png", colour)
    for grey in range(17):
        paint(folder / "greys" / f"{grey:02}.png", (10 * grey, 10 * grey, 10 * grey))
    opened = reopen(installed)
    index(opened, folder)
    return opened


def assert_answers(library: Library, model: str | None = None, count: int = 20) -> None:
    """Hold that every photo is found, the right ones first, by text, picture and photo."""
    if model is not None:
        assert overview.status(library).model == library.answering.model_id == model
    for colour in COLOURS:
        hits = search_text(library, colour)
        assert (len(hits), hits[0].photo.path.stem) == (count, colour)
        assert search_image(library, hits[0].photo.path, 1)[0].photo == hits[0].photo
        assert len(search_photo(library, hits[0].photo.id)) == count - 1


def encoded(installed: FakeInstalled) -> dict[str, int]:
    """Return how many photos each model has encoded since the last call."""
    counts = {name: encoder.encoded for name, encoder in installed.encoders.items()}
    for encoder in installed.encoders.values():
        encoder.encoded = 0
    return counts


def break_off(run: Iterator[Progress]) -> None:
    """Stop a run after its first photos."""
    next(step for step in run if step.done)
    run.close()


class Damaged(OtherEncoder):
    """A package whose towers do not load."""

    def encode_images(self, squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        raise PackageError("The model package's image.onnx cannot be loaded: it is cut short.")

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        raise PackageError("The model package's text.onnx cannot be loaded: it is cut short.")


# Catching up


def test_the_old_model_answers_until_the_new_one_has_caught_up(library: Library, reopen: Reopen) -> None:
    elsewhere = reopen()
    library.choose_model("other")
    for step in index_folders(library):
        if step.done < step.total:
            assert_answers(library, STARTER)
            assert_answers(elsewhere, STARTER)
    assert_answers(library, OTHER)
    assert_answers(elsewhere, OTHER)
    assert verify(library).ok


def test_status_says_which_model_answers_and_what_is_left(library: Library, index: Index) -> None:
    library.choose_model("other")
    status = overview.status(library)
    assert (status.model, status.chosen, status.embedded, status.pending) == (STARTER, OTHER, 0, 20)
    assert status.note == "starter answers until other has caught up: 20 photos to go."
    index(library)
    status = overview.status(library)
    assert (status.model, status.chosen, status.embedded, status.pending, status.note) == (OTHER, OTHER, 20, 0, "")


def test_catching_up_reads_every_photo_once_and_counts_it_unchanged(
    library: Library, installed: FakeInstalled, folder: Path, index: Index
) -> None:
    (folder / "copy of red.png").write_bytes((folder / "red.png").read_bytes())
    index(library)
    encoded(installed)
    library.choose_model("other")
    assert index(library) == IndexCounts(unchanged=21)
    assert encoded(installed) == {"starter": 0, "other": 20}


def test_switching_back_and_forth_is_instant(library: Library, installed: FakeInstalled, index: Index) -> None:
    library.choose_model("other")
    index(library)
    encoded(installed)
    for name, model in [("starter", STARTER), ("other", OTHER), ("starter", STARTER)]:
        library.choose_model(name)
        assert_answers(library, model)
        assert overview.status(library).pending == 0
    assert index(library) == IndexCounts(unchanged=20)
    assert encoded(installed) == {"starter": 3 * 1 + 3 * 1, "other": 3}  # the pictures asked about, no photo


def test_turning_back_half_way_is_instant_and_loses_nothing(
    library: Library, installed: FakeInstalled, index: Index
) -> None:
    library.choose_model("other")
    break_off(index_folders(library))
    done = overview.status(library).embedded
    library.choose_model("starter")
    assert_answers(library, STARTER)
    library.choose_model("other")
    assert overview.status(library).embedded == done > 0
    encoded(installed)
    index(library)
    assert encoded(installed) == {"starter": 0, "other": 20 - done}


def test_an_interrupted_run_goes_on_where_it_was(library: Library, installed: FakeInstalled, reopen: Reopen) -> None:
    library.choose_model("other")
    for _ in range(2):
        break_off(index_folders(library))
        assert_answers(library, STARTER)
        assert verify(library).ok
    total = encoded(installed)["other"]
    again = reopen(installed)
    assert_answers(again, STARTER)
    encoded(installed)
    list(index_folders(again))
    assert total + encoded(installed)["other"] == 20
    assert_answers(library, OTHER)


def test_photos_that_come_meanwhile_are_found_at_once_and_known_to_both(
    library: Library, installed: FakeInstalled, folder: Path, index: Index
) -> None:
    library.choose_model("other")
    encoded(installed)
    paint(folder / "a new one.png", (255, 200, 0))
    run = index_folders(library)
    for _ in islice((step for step in run if step.done), 2):
        pass
    found = len(search_text(library, "red"))
    assert (library.answering.model_id, found) == (STARTER, 21)
    run.close()
    index(library)
    assert_answers(library, OTHER, 21)
    assert encoded(installed)["starter"] == 1
    library.choose_model("starter")
    assert_answers(library, STARTER, 21)


def test_an_edited_photo_is_known_to_both(library: Library, folder: Path, index: Index) -> None:
    library.choose_model("other")
    paint(folder / "red.png", (255, 0, 10), (60, 60))
    assert index(library) == IndexCounts(updated=1, unchanged=19)
    assert_answers(library, OTHER)
    library.choose_model("starter")
    assert_answers(library, STARTER)


def test_photos_added_since_are_not_lost_by_switching_back(
    library: Library, installed: FakeInstalled, folder: Path, index: Index
) -> None:
    library.choose_model("other")
    index(library)
    paint(folder / "a new one.png", (255, 200, 0))
    index(library)
    library.choose_model("starter")
    assert_answers(library, OTHER, 21)
    encoded(installed)
    index(library)
    assert encoded(installed) == {"starter": 1, "other": 0}
    assert_answers(library, STARTER, 21)


def test_choosing_the_model_that_answers_keeps_it_answering(library: Library, index: Index) -> None:
    for name in ("other", "starter"):
        library.choose_model(name)
        index(library)
    with library.catalog._database.write() as connection:
        connection.exec_driver_sql("UPDATE vector SET data = x'00' WHERE photo_id = 1 AND length(data) = 8")
    assert library.catalog.embeddings.remove_wrong() == 1
    library.choose_model("starter")
    assert overview.status(library).pending == 1
    assert library.answering.model_id == STARTER


def test_of_several_the_one_that_caught_up_last_answers(
    library: Library, installed: FakeInstalled, index: Index
) -> None:
    installed.encoders["third"] = OtherEncoder("third")
    library.choose_model("other")
    index(library)
    library.choose_model("third")
    assert_answers(library, OTHER)
    library.choose_model("starter")
    library.choose_model("third")
    assert_answers(library, STARTER)


def test_a_model_that_never_knew_all_answers_while_it_knows_most(folder: Path, reopen: Reopen, index: Index) -> None:
    library = reopen()
    for number in range(20):
        paint(folder / f"{number}.png", (number, 0, 0))
    break_off(index_folders(library, [folder]))
    library.choose_model("other")
    assert library.answering.model_id == STARTER
    assert len(search_text(library, "red")) > 0
    index(library)
    assert library.answering.model_id == OTHER


def test_an_empty_library_has_nothing_to_catch_up_with(reopen: Reopen, folder: Path, index: Index) -> None:
    library = reopen()
    index(library, folder)
    library.choose_model("other")
    assert overview.status(library).model == OTHER
    paint(folder / "red.png")
    installed = reopen()
    assert index(installed) == IndexCounts(added=1)
    assert encoded_by(installed) == {STARTER: 0, OTHER: 1}


def encoded_by(library: Library) -> dict[str, int]:
    return {model: library.catalog.embeddings.count(model) for model in (STARTER, OTHER)}


def test_a_new_revision_is_another_model(library: Library, reopen: Reopen, index: Index) -> None:
    newer = reopen(FakeInstalled(starter=FakeEncoder("2", "starter")))
    assert overview.status(newer).pending == 20
    assert index(newer) == IndexCounts(unchanged=20)
    assert_answers(newer, "starter-2-p1")
    assert_answers(library, STARTER)


# What cannot be encoded now


def test_photos_that_cannot_be_read_do_not_hold_up_the_switch(library: Library, folder: Path, index: Index) -> None:
    library.choose_model("other")
    for number in range(5):
        (folder / "greys" / f"{number:02}.png").write_text("spoilt")
    assert index(library).problems == 5
    assert overview.status(library).pending == 0
    assert_answers(library, OTHER, 15)


@pytest.mark.parametrize(("away", "model"), [(1, OTHER), (10, STARTER)])
def test_only_few_photos_out_of_reach_are_left_behind(
    library: Library, tmp_path: Path, index: Index, away: int, model: str
) -> None:
    for number in range(away):
        paint(tmp_path / "disk" / f"{number}.png", (number, 60, 60))
    index(library, tmp_path / "disk")
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    library.choose_model("other")
    index(library)
    status = overview.status(library)
    assert (status.model, status.pending) == (model, away)
    assert status.note.endswith("connected and indexed.") == (model == STARTER)
    assert_answers(library, model, 20 + away if model == STARTER else 20)
    (tmp_path / "unplugged").rename(tmp_path / "disk")
    index(library)
    assert_answers(library, OTHER, 20 + away)


@pytest.mark.parametrize(("lost", "model"), [(1, OTHER), (20, STARTER)])
def test_photos_whose_disk_is_lost_half_way_are_found_all_the_same(
    library: Library, index: Index, monkeypatch: pytest.MonkeyPatch, lost: int, model: str
) -> None:
    library.choose_model("other")
    gone = iter(range(lost))

    def read(pending: Any, **options: Any) -> Any:
        if next(gone, None) is not None:
            raise UnreadablePhotoError("The connection was lost.", temporary=True)
        return prepare(pending, **options)

    monkeypatch.setattr(reading, "prepare", read)
    assert index(library) == IndexCounts(unchanged=20)
    assert overview.problems(library) == []
    assert (library.answering.model_id, overview.status(library).pending) == (model, lost)
    assert index(library) == IndexCounts(unchanged=20)
    assert_answers(library, OTHER)


@pytest.mark.parametrize(("bad", "models"), [(1, [OTHER, OTHER]), (5, [STARTER, OTHER]), (15, [STARTER, STARTER])])
def test_a_reader_that_fails_at_known_photos_hides_none_and_holds_up_the_switch_once(
    library: Library, index: Index, monkeypatch: pytest.MonkeyPatch, bad: int, models: list[str]
) -> None:
    library.choose_model("other")
    read: list[str] = []

    def fail(pending: Any, **options: Any) -> Any:
        read.append(pending.found.relative_path)
        if read[-1] in {f"greys/{grey:02}.png" for grey in range(bad)}:
            raise UnreadablePhotoError("Reading the file took longer than 20 seconds.", by_reader=True)
        return prepare(pending, **options)

    monkeypatch.setattr(reading, "prepare", fail)
    for model in models:
        assert index(library) == IndexCounts(unchanged=20 - bad, problems=bad)
        assert len(read) == len(set(read))
        status = overview.status(library)
        assert (status.model, status.photos, status.pending, status.problems) == (model, 20, bad, bad)
        assert_answers(library, model, 20 if model == STARTER else 20 - bad)
        read.clear()
    assert {problem.reason for problem in overview.problems(library)} == {
        "Reading the file took longer than 20 seconds."
    }
    monkeypatch.setattr(reading, "prepare", prepare)
    assert index(library) == IndexCounts(unchanged=20)
    assert overview.problems(library) == []
    assert_answers(library, OTHER)


def test_a_problem_listed_beside_a_known_photo_can_be_retried_when_no_model_lacks_it(
    library: Library, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.choose_model("other")

    def crash(*_: Any, **__: Any) -> Any:
        raise UnreadablePhotoError("Reading the file made the reader crash or run out of memory.", by_reader=True)

    monkeypatch.setattr(reading, "prepare", crash)
    assert index(library).problems == 20
    library.choose_model("starter")
    monkeypatch.setattr(reading, "prepare", prepare)
    assert index(library) == IndexCounts(unchanged=20)
    assert overview.status(library).problems == 20
    assert index(library, retry_problems=True) == IndexCounts(unchanged=20)
    assert overview.problems(library) == []
    assert_answers(library, STARTER)


def test_photos_in_a_place_that_refuses_for_now_are_out_of_reach(
    library: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(folder / "closed" / "a.png", (9, 9, 60))
    index(library)
    library.choose_model("other")
    scan = comparing.scan

    def refuse(path: Path, *options: object) -> Iterator[object]:
        for found in scan(path, *options):
            if found.relative_path.startswith("closed/"):
                yield Unreadable(path, "closed", "You may not open this folder.")
            else:
                yield found

    monkeypatch.setattr(comparing, "scan", refuse)
    index(library)
    assert overview.status(library).pending == 1
    assert_answers(library, OTHER)


def test_a_folder_that_was_not_looked_at_holds_up_the_switch(
    library: Library, folder: Path, tmp_path: Path, index: Index
) -> None:
    paint(tmp_path / "more" / "a.png", (9, 9, 60))
    index(library, tmp_path / "more")
    library.choose_model("other")
    index(library, folder)
    assert_answers(library, STARTER, 21)
    index(library, tmp_path / "more")
    assert_answers(library, OTHER, 21)


# Packages that are gone or damaged


def test_a_chosen_model_that_is_gone_is_told_and_the_old_one_answers(
    library: Library, reopen: Reopen, folder: Path, index: Index
) -> None:
    library.choose_model("other")
    index(library)
    without = reopen(FakeInstalled(starter=FakeEncoder(name="starter")))
    status = overview.status(without)
    assert (status.model, status.chosen, status.pending) == (STARTER, STARTER, 0)
    assert status.note == (
        "The model other cannot be used: There is no model package other. "
        "Install it again or choose another; until then starter answers."
    )
    assert_answers(without)
    paint(folder / "a new one.png", (255, 200, 0))
    assert index(without) == IndexCounts(added=1, unchanged=20)
    assert_answers(without, STARTER, 21)
    assert verify(without).ok
    assert_answers(library, OTHER, 20)
    index(library)
    assert_answers(library, OTHER, 21)


def test_a_model_that_is_gone_half_way_leaves_the_old_one_answering(
    library: Library, reopen: Reopen, index: Index
) -> None:
    library.choose_model("other")
    break_off(index_folders(library))
    without = reopen(FakeInstalled(starter=FakeEncoder(name="starter")))
    assert index(without) == IndexCounts(unchanged=20)
    assert_answers(without, STARTER)
    index(library)
    assert_answers(library, OTHER)


def test_a_model_that_is_damaged_hands_over_while_encoding(
    library: Library, installed: FakeInstalled, folder: Path, index: Index
) -> None:
    installed.encoders["other"] = Damaged()
    library.choose_model("other")
    paint(folder / "a new one.png", (255, 200, 0))
    assert index(library) == IndexCounts(added=1, unchanged=20)
    assert "image.onnx cannot be loaded" in overview.status(library).note
    assert_answers(library, STARTER, 21)
    installed.encoders["other"] = OtherEncoder()
    library.choose_model("other")
    index(library)
    assert_answers(library, OTHER, 21)


def test_a_model_that_is_damaged_hands_over_while_searching(library: Library, reopen: Reopen, index: Index) -> None:
    library.choose_model("other")
    index(library)
    damaged = reopen(FakeInstalled(starter=FakeEncoder(name="starter"), other=Damaged()))
    damaged.warm_up()
    assert_answers(damaged, STARTER)
    assert "text.onnx cannot be loaded" in overview.status(damaged).note


def test_an_answering_model_that_is_damaged_leaves_what_the_chosen_one_knows(library: Library, reopen: Reopen) -> None:
    library.choose_model("other")
    break_off(index_folders(library))
    damaged = reopen(FakeInstalled(starter=Damaged("starter"), other=OtherEncoder()))
    assert len(search_text(damaged, "red")) == overview.status(damaged).embedded > 0
    assert overview.status(damaged).note.startswith("The model starter cannot be used: ")


def test_with_no_usable_model_the_reason_is_told(library: Library, reopen: Reopen, index: Index) -> None:
    damaged = reopen(FakeInstalled(starter=Damaged("starter")))
    with pytest.raises(PackageError, match=r"text\.onnx cannot be loaded"):
        search_text(damaged, "red")
    with pytest.raises(PackageError, match="cannot be loaded"):
        overview.status(damaged)
    with pytest.raises(PackageError, match="no model package"):
        overview.status(reopen(FakeInstalled()))


def test_a_model_that_is_not_installed_cannot_be_chosen(library: Library) -> None:
    with pytest.raises(ClipsearchError, match="no model package"):
        library.choose_model("missing")
    assert_answers(library, STARTER)


# At the same time


def test_a_run_reads_no_more_for_a_model_that_is_chosen_no_more(
    library: Library, installed: FakeInstalled, reopen: Reopen, folder: Path, index: Index
) -> None:
    library.choose_model("other")
    for number in range(4):
        paint(folder / f"zz new {number}.png", (255, 200, number))
    run = index_folders(library)
    next(step for step in run if step.done)
    encoded(installed)
    reopen().choose_model("starter")
    counts = list(run)[-1].counts
    assert counts == IndexCounts(added=4, unchanged=20)
    assert encoded(installed)["other"] < 16
    assert_answers(library, STARTER, 24)
    assert verify(library).ok


def test_a_model_chosen_during_a_run_comes_to_know_what_is_new(
    library: Library, reopen: Reopen, folder: Path, index: Index
) -> None:
    library.choose_model("other")
    index(library)
    library.choose_model("starter")
    paint(folder / "zz new.png", (255, 200, 9))
    run = index_folders(library)
    next(run)
    reopen().choose_model("other")  # which knows all that is in the catalog by now, so it answers at once
    assert list(run)[-1].counts == IndexCounts(added=1, unchanged=20)
    assert_answers(library, OTHER, 21)


def test_a_choice_elsewhere_is_seen(library: Library, reopen: Reopen, index: Index) -> None:
    elsewhere = reopen()
    assert_answers(elsewhere, STARTER)
    library.choose_model("other")
    assert overview.status(elsewhere).chosen == OTHER
    index(elsewhere)
    assert_answers(library, OTHER)


def test_searches_go_on_in_other_threads(library: Library, index: Index) -> None:
    failures: list[Exception] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                assert search_text(library, "red")[0].photo.path.stem == "red"
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for name in ("other", "starter", "other"):
        library.choose_model(name)
        index(library)
    over.set()
    for thread in threads:
        thread.join()
    assert failures == []


# Vectors and indices


def test_every_model_keeps_its_vectors_and_its_index(library: Library, tmp_path: Path, index: Index) -> None:
    library.choose_model("other")
    index(library)
    assert encoded_by(library) == {STARTER: 20, OTHER: 20}
    assert {path.stem for path in (tmp_path / "library" / "index").iterdir()} == {STARTER, OTHER}


def test_the_index_of_every_model_is_verified_and_mended(library: Library, reopen: Reopen, index: Index) -> None:
    library.choose_model("other")
    index(library)
    library.choose_model("starter")
    file = library.indices.of(OTHER, 6)
    photo_id = file.ids()[:1]
    file._index.remove(photo_id)
    file._index.add(photo_id, np.eye(1, 6))
    file._saved_generation = -1
    file.save()
    again = reopen(FakeInstalled(starter=FakeEncoder(name="starter")))
    assert verify(again).findings == [f"The search index of {OTHER} has wrong vectors for 1 photo."]
    assert verify(again, repair=True).ok
    assert verify(reopen()).ok


def test_only_the_indices_in_use_are_kept_in_memory(library: Library, index: Index) -> None:
    library.choose_model("other")
    assert set(library.indices._open) <= {STARTER, OTHER}
    index(library)
    search_text(library, "red")
    assert set(library.indices._open) == {OTHER}
    verify(library)
    assert set(library.indices._open) == {OTHER}


# Any history

STEPS = st.one_of(
    st.tuples(st.just("paint"), st.integers(0, 9)),
    st.tuples(st.just("delete"), st.integers(0, 9)),
    st.tuples(st.just("choose"), st.sampled_from(["starter", "other", "third"])),
    st.tuples(st.sampled_from(["index", "index", "break off", "reopen"])),
)


def found(library: Library) -> set[str]:
    return {hit.photo.path.name for hit in search_text(library, "red")}


@given(history=st.lists(STEPS, max_size=20))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_choice_and_no_interruption_ever_hides_a_photo(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[Any, ...]], index: Index
) -> None:
    folder, place = tmp_path_factory.mktemp("photos"), tmp_path_factory.mktemp("library")
    installed = FakeInstalled(**encoders(), third=OtherEncoder("third"))
    library = fake_library(place, installed=installed)
    library.catalog.folders.add(folder)
    paint(folder / "always.png")  # a folder without any photo left would count as not connected
    for step in history:
        before = found(library)
        match step:
            case "paint", number:
                paint(folder / f"{number}.png", (20 * number, 90, 90))
            case "delete", number:
                (folder / f"{number}.png").unlink(missing_ok=True)
            case "choose", name:
                library.choose_model(name)
                assert found(library) == before
            case ("index",):
                index(library)
                assert found(library) == {path.name for path in folder.iterdir()}
                assert library.answering.package.name == library.choice.name
            case ("break off",):
                run = index_folders(library)
                next((step for step in run if step.done), None)
                run.close()
                assert found(library) >= before & {path.name for path in folder.iterdir()}
            case ("reopen",):
                library.close()
                library = fake_library(place, installed=installed)
                assert found(library) == before
    index(library)
    assert verify(library).ok
    library.close()
