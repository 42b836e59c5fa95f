from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clipsearch.errors import ClipsearchError, LibraryBusyError
from clipsearch.library import overview
from clipsearch.library.indexing import reading
from clipsearch.library.indexing.prepare import PendingFile, prepare
from clipsearch.library.indexing.run import index_folders
from clipsearch.library.indexing.tally import Pace
from clipsearch.library.library import Library
from clipsearch.library.search import search_text
from clipsearch.library.verify import verify
from clipsearch.records import IndexCounts, Stage
from clipsearch.settings import Settings
from tests.conftest import Index
from tests.fakes import InlinePool, fake_library
from tests.pictures import change_unseen, jpeg, paint, truncated_jpeg

pytestmark = pytest.mark.usefixtures("inline")


@pytest.fixture(autouse=True)
def stored_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Store every batch, so that a few photos suffice to look into the middle of a run."""
    monkeypatch.setattr(reading, "_STORED_EVERY_S", -1.0)


def names(library: Library) -> set[str]:
    return {path.name for photo in overview.photos(library, overview.photo_ids(library)) for path in photo.paths}


def fill(folder: Path, count: int) -> None:
    for number in range(count):
        paint(folder / f"{number:02}.png", (number, 255 - number, 5 * number))


# What a run counts


def test_new_photos_are_added_and_found(colours: Library, folder: Path, index: Index) -> None:
    paint(folder / "apple.jpg", "red")
    paint(folder / "sub" / "leaf.png", "lime")
    assert index(colours, folder) == IndexCounts(added=2)
    assert search_text(colours, "green")[0].photo.path == folder / "sub" / "leaf.png"


def test_a_second_run_reads_nothing(colours: Library, folder: Path, index: Index, inline: type[InlinePool]) -> None:
    fill(folder, 5)
    (folder / "empty.jpg").touch()
    index(colours, folder)
    for path in folder.iterdir():
        change_unseen(path)
    inline.items = 0
    assert index(colours, folder) == IndexCounts(unchanged=5, problems=1)
    assert inline.items == 0
    assert verify(colours).ok


def test_a_folder_is_remembered(colours: Library, folder: Path, index: Index) -> None:
    index(colours, folder)
    fill(folder, 2)
    assert index(colours).added == 2


def test_an_edited_file_is_read_again(colours: Library, folder: Path, index: Index) -> None:
    paint(folder / "a.png", "red")
    index(colours, folder)
    paint(folder / "a.png", "blue", (60, 60))
    assert index(colours) == IndexCounts(updated=1)
    assert search_text(colours, "blue")[0].score > 0.9
    assert len(overview.photo_ids(colours)) == 1


def test_a_deleted_file_is_removed(colours: Library, folder: Path, index: Index) -> None:
    fill(folder, 3)
    index(colours, folder)
    (folder / "01.png").unlink()
    assert index(colours) == IndexCounts(unchanged=2, removed=1)
    assert names(colours) == {"00.png", "02.png"}
    assert len(search_text(colours, "red")) == 2


def test_a_moved_file_has_moved_and_is_not_encoded_again(colours: Library, folder: Path, index: Index) -> None:
    fill(folder, 3)
    index(colours, folder)
    (before,) = [hit.photo.id for hit in search_text(colours, "blue", 1)]
    encoded = colours.encoder.encoded
    for path in list(folder.iterdir()):
        (folder / "new").mkdir(exist_ok=True)
        path.rename(folder / "new" / path.name)
    assert index(colours) == IndexCounts(moved=3)
    assert search_text(colours, "blue", 1)[0].photo.id == before
    assert colours.encoder.encoded == encoded


def test_a_copy_is_the_same_photo(colours: Library, folder: Path, index: Index) -> None:
    paint(folder / "a.png")
    index(colours, folder)
    shutil.copy(folder / "a.png", folder / "b.png")
    assert index(colours) == IndexCounts(added=1, unchanged=1)
    (hit,) = search_text(colours, "red")
    assert hit.photo.paths == (folder / "a.png", folder / "b.png")
    assert colours.encoder.encoded == 1


def test_two_new_copies_are_encoded_once(colours: Library, folder: Path, index: Index) -> None:
    for name in "abc":
        paint(folder / f"{name}.png")
    assert index(colours, folder).added == 3
    assert colours.encoder.encoded == 1


def test_copies_in_two_batches_of_one_commit_are_encoded_once(
    colours: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_STORED_EVERY_S", 60.0)
    for number in range(3 * colours.encoder.batch_size):
        paint(folder / f"{number}.png")
    assert index(colours, folder).added == 3 * colours.encoder.batch_size
    assert colours.encoder.encoded == 1
    assert verify(colours).ok


def test_closing_keeps_what_was_encoded_but_not_yet_stored(
    colours: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_STORED_EVERY_S", 60.0)
    fill(folder, 7)
    (folder / "6.jpg").touch()
    run = index_folders(colours, [folder])
    next(step for step in run if step.counts.problems)
    run.close()
    assert overview.status(colours).embedded == colours.encoder.batch_size


def test_a_file_that_comes_back_needs_no_encoding(colours: Library, folder: Path, index: Index) -> None:
    picture = paint(folder / "a.png").read_bytes()
    index(colours, folder)
    paint(folder / "b.png", "blue")
    index(colours)
    (folder / "a.png").unlink()
    index(colours)
    (folder / "a.png").write_bytes(picture)
    assert index(colours).added == 1
    assert colours.encoder.encoded == 2
    assert search_text(colours, "red")[0].photo.path == folder / "a.png"


def test_a_new_model_encodes_all_again_but_counts_them_unchanged(
    colours: Library, folder: Path, tmp_path: Path, index: Index
) -> None:
    fill(folder, 3)
    shutil.copy(folder / "00.png", folder / "copy.png")
    index(colours, folder)
    with fake_library(tmp_path / "library", revision="2") as newer:
        assert overview.status(newer).pending == 3
        assert index(newer) == IndexCounts(unchanged=4)
        assert newer.encoder.encoded == 3
        assert overview.status(newer).pending == 0
        assert len(search_text(newer, "red")) == 3


# Problems


def test_bad_files_become_problems_and_good_ones_are_found(colours: Library, folder: Path, index: Index) -> None:
    fill(folder, 3)
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("Dear diary")
    (folder / "cut.jpg").write_bytes(truncated_jpeg())
    assert index(colours, folder) == IndexCounts(added=3, problems=3)
    assert {problem.path.name for problem in overview.problems(colours)} == {"empty.jpg", "text.jpg", "cut.jpg"}
    assert all(problem.reason.endswith(".") for problem in overview.problems(colours))
    assert verify(colours).ok


def test_a_mended_file_is_no_problem_any_more(colours: Library, folder: Path, index: Index) -> None:
    (folder / "a.jpg").write_text("not yet")
    index(colours, folder)
    paint(folder / "a.jpg")
    assert index(colours) == IndexCounts(added=1)
    assert overview.problems(colours) == []


def test_a_spoilt_file_is_a_photo_no_more(colours: Library, folder: Path, index: Index) -> None:
    paint(folder / "a.jpg")
    index(colours, folder)
    (folder / "a.jpg").write_text("spoilt")
    assert index(colours) == IndexCounts(problems=1)
    assert search_text(colours, "red") == []


def test_a_deleted_problem_is_forgotten(colours: Library, folder: Path, index: Index) -> None:
    (folder / "a.jpg").touch()
    index(colours, folder)
    (folder / "a.jpg").unlink()
    assert index(colours) == IndexCounts()
    assert overview.problems(colours) == []


def test_problems_are_read_again_on_demand(
    colours: Library, folder: Path, index: Index, inline: type[InlinePool]
) -> None:
    (folder / "a.jpg").touch()
    index(colours, folder)
    inline.items = 0
    assert index(colours, retry_problems=True).problems == 1
    assert inline.items == 1


def test_what_could_not_be_opened_is_tried_again(
    colours: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(folder / "a.png")
    refuse = PermissionError(13, "Permission denied")
    with monkeypatch.context() as patch:
        patch.setattr("clipsearch.files.decode.Image.open", lambda *_, **__: (_ for _ in ()).throw(refuse))
        index(colours, folder)
    (problem,) = overview.problems(colours)
    assert problem.reason == "You do not have permission to read this file."
    assert index(colours) == IndexCounts(added=1)


def test_photos_in_a_folder_that_refuses_for_now_are_kept(
    colours: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(folder / "sub" / "deep" / "a.png")
    index(colours, folder)
    scandir = os.scandir

    def refuse(path: Path) -> Any:
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        assert index(colours) == IndexCounts(problems=1)
    assert len(search_text(colours, "red")) == 1
    assert index(colours) == IndexCounts(unchanged=1)
    assert overview.problems(colours) == []


def test_a_file_written_while_it_is_read_is_left_for_the_next_run(
    colours: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = paint(folder / "a.png", "red")

    def hash_late(path: Path) -> str:
        paint(path, "blue", (99, 99))
        return "0" * 32

    with monkeypatch.context() as patch:
        patch.setattr("clipsearch.library.indexing.prepare.content_hash", hash_late)
        assert index(colours, folder).problems == 1
    assert index(colours) == IndexCounts(added=1)
    assert search_text(colours, "blue")[0].score > 0.9
    assert overview.problems(colours) == []
    assert path.exists()


def test_a_picture_of_one_row_does_not_stop_the_run(colours: Library, folder: Path, index: Index) -> None:
    paint(folder / "line.png", "red", (9000, 1))
    paint(folder / "ok.png", "blue")
    assert index(colours, folder) == IndexCounts(added=2)


def test_a_time_far_in_the_future_does_not_stop_the_run(colours: Library, folder: Path, index: Index) -> None:
    path = paint(folder / "a.png")
    try:
        os.utime(path, (0, 2**34 - 2**32))
    except (OSError, OverflowError):
        pytest.skip("the file system does not keep such times")
    assert index(colours, folder).added == 1
    assert index(colours) == IndexCounts(unchanged=1)
    assert verify(colours).ok


# Folders


def test_a_missing_folder_is_told_before_anything_is_done(colours: Library, folder: Path, index: Index) -> None:
    fill(folder, 1)
    with pytest.raises(ClipsearchError, match="is not there"):
        index(colours, folder, folder / "missing")
    assert overview.folders(colours) == []


@pytest.mark.parametrize("inside", ["", "sub"])
def test_a_known_folder_that_is_away_is_told_to_be_not_connected(
    inside: str, colours: Library, folder: Path, index: Index
) -> None:
    paint(folder / "sub" / "a.png")
    index(colours, folder)
    folder.rename(folder.with_name("away"))
    with pytest.raises(ClipsearchError, match="is not connected; its photos are kept") as caught:
        index(colours, folder / inside)
    assert (caught.value.title, caught.value.path) == ("Folder not connected", folder)
    assert overview.status(colours).offline == 1


def test_a_file_is_no_folder(colours: Library, folder: Path, index: Index) -> None:
    with pytest.raises(ClipsearchError, match="is a file"):
        index(colours, paint(folder / "a.png"))


def test_a_folder_within_a_known_one_adds_nothing(colours: Library, folder: Path, index: Index) -> None:
    paint(folder / "sub" / "a.png")
    index(colours, folder)
    assert index(colours, folder / "sub") == IndexCounts(unchanged=1)
    assert [known.path for known in overview.folders(colours)] == [folder]


def test_a_folder_around_a_known_one_takes_it_in_and_reads_nothing_again(
    colours: Library, folder: Path, index: Index, inline: type[InlinePool]
) -> None:
    paint(folder / "sub" / "a.png")
    (folder / "sub" / "bad.png").touch()
    index(colours, folder / "sub")
    paint(folder / "b.png", "blue")
    inline.items = 0
    assert index(colours, folder) == IndexCounts(added=1, unchanged=1, problems=1)
    assert inline.items == 1
    assert [known.path for known in overview.folders(colours)] == [folder]
    assert verify(colours).ok


def test_folders_may_be_given_twice_and_within_each_other(colours: Library, folder: Path, index: Index) -> None:
    paint(folder / "sub" / "a.png")
    assert index(colours, folder / "sub", folder, folder / ".", folder / "sub") == IndexCounts(added=1)


def test_a_folder_that_is_away_is_offline_and_loses_nothing(
    colours: Library, folder: Path, tmp_path: Path, index: Index
) -> None:
    fill(folder, 3)
    index(colours, folder)
    folder.rename(tmp_path / "elsewhere")
    assert index(colours) == IndexCounts()
    assert overview.status(colours).offline == 3
    assert len(search_text(colours, "red")) == 3
    (tmp_path / "elsewhere").rename(folder)
    assert index(colours) == IndexCounts(unchanged=3)


def test_a_library_within_its_own_photos_is_left_out(folder: Path, index: Index) -> None:
    fill(folder, 2)
    with fake_library(folder / "library") as library:
        assert index(library, folder) == IndexCounts(added=2)
        assert index(library, folder) == IndexCounts(unchanged=2)


def test_removing_a_folder_forgets_its_photos(colours: Library, folder: Path, tmp_path: Path, index: Index) -> None:
    paint(folder / "a.png", "red")
    paint(tmp_path / "other" / "b.png", "blue")
    index(colours, folder, tmp_path / "other")
    (first,) = [known.id for known in overview.folders(colours) if known.path == folder]
    overview.remove_folder(colours, first)
    assert names(colours) == {"b.png"}
    assert len(search_text(colours, "red")) == 1
    assert (folder / "a.png").exists()
    assert verify(colours).ok


# A run's course


def test_progress_counts_up_to_the_end(colours: Library, folder: Path) -> None:
    fill(folder, 10)
    steps = list(index_folders(colours, [folder]))
    assert [step.stage for step in steps] == sorted((step.stage for step in steps), key=list(Stage).index)
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert (steps[-1].done, steps[-1].total, steps[-1].stage) == (10, 10, Stage.DONE)


def test_photos_are_found_while_the_run_goes_on(colours: Library, folder: Path) -> None:
    fill(folder, 10)
    run = index_folders(colours, [folder])
    done = next(step.done for step in run if step.done)
    assert 0 < done < 10
    assert len(search_text(colours, "red")) == done
    run.close()


def test_a_run_does_not_ask_for_all_photos_with_every_batch(
    colours: Library, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder, 40)
    asked = []
    embeddings = colours.catalog.embeddings
    searchable_ids = embeddings.searchable_ids
    monkeypatch.setattr(embeddings, "searchable_ids", lambda *_: asked.append(1) or searchable_ids(*_))
    index(colours, folder)
    assert len(asked) <= 3


@pytest.mark.parametrize("bad", [False, True], ids=["good files", "bad files"])
def test_closing_keeps_what_is_done_and_lets_the_next_run_in(
    colours: Library, folder: Path, index: Index, bad: bool
) -> None:
    fill(folder, 40)
    if bad:
        for path in folder.iterdir():
            path.write_text("spoilt")
    run = index_folders(colours, [folder])
    done = next(step.done for step in run if step.done)
    run.close()
    status = overview.status(colours)
    assert status.files + status.problems == done < 40
    assert verify(colours).ok
    counts = index(colours)
    assert counts.added + counts.problems + counts.unchanged == 40


def test_a_run_may_be_closed_by_another_thread(colours: Library, folder: Path, index: Index) -> None:
    fill(folder, 20)
    run = index_folders(colours, [folder])
    thread = threading.Thread(target=lambda: next(step for step in run if step.done))
    thread.start()
    thread.join()
    run.close()
    assert index(colours).added > 0


def test_two_runs_at_once_are_refused(colours: Library, folder: Path, tmp_path: Path, index: Index) -> None:
    fill(folder, 3)
    first = index_folders(colours, [folder])
    next(first)
    refused = pytest.raises(LibraryBusyError, match="has been indexing this library since")
    with fake_library(tmp_path / "library") as other, refused:
        index(other, folder)
    first.close()
    assert index(colours, folder).added == 3


def test_a_lost_index_file_is_made_again(colours: Library, folder: Path, tmp_path: Path, index: Index) -> None:
    fill(folder, 5)
    index(colours, folder)
    (file,) = (tmp_path / "library" / "index").iterdir()
    for damage in (file.unlink, partial(file.write_bytes, b"damaged")):
        damage()
        with fake_library(tmp_path / "library") as again:
            assert len(search_text(again, "red")) == 5
            assert verify(again).ok
            assert index(again) == IndexCounts(unchanged=5)


# Worker processes


def prepare_or_die(pending: PendingFile, **options: Any) -> Any:
    """Prepare a file, or do what its name says."""
    match Path(pending.found.relative_path).stem:
        case "die":
            os._exit(1)
        case "hang":
            time.sleep(600)
        case "bug":
            raise KeyError("a bug")
    return prepare(pending, **options)


@pytest.fixture
def processes(inline: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode in real worker processes, which die, hang or fail where a file's name says so."""
    from clipsearch.files.workers import WorkerPool

    monkeypatch.setattr(reading, "WorkerPool", WorkerPool)
    monkeypatch.setattr(reading, "prepare", prepare_or_die)


@pytest.mark.usefixtures("processes")
def test_a_worker_that_dies_or_hangs_costs_one_file(tmp_path: Path, folder: Path, index: Index) -> None:
    fill(folder, 6)
    paint(folder / "die.png")
    paint(folder / "hang.png")
    with fake_library(tmp_path / "library", settings=Settings(decode_workers=2, decode_timeout_s=1.0)) as library:
        assert index(library, folder) == IndexCounts(added=6, problems=2)
        reasons = {problem.path.stem: problem.reason for problem in overview.problems(library)}
    assert reasons == {
        "die": "Reading the file made the reader crash or run out of memory.",
        "hang": "Reading the file took longer than 1 seconds.",
    }
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("processes")
def test_a_bug_ends_the_run_with_an_error_and_blames_no_photo(colours: Library, folder: Path, index: Index) -> None:
    fill(folder, 3)
    paint(folder / "bug.png")
    with pytest.raises(ClipsearchError, match="a bug"):
        index(colours, folder)
    assert overview.problems(colours) == []
    assert multiprocessing.active_children() == []
    (folder / "bug.png").unlink()
    assert index(colours).problems == 0


@pytest.mark.usefixtures("processes")
def test_closing_leaves_no_process(colours: Library, folder: Path) -> None:
    fill(folder, 30)
    paint(folder / "hang.png")  # comes last, and keeps a process alive until the run is closed
    run = index_folders(colours, [folder])
    done = next(step.done for step in run if step.done)
    assert multiprocessing.active_children()
    run.close()
    assert multiprocessing.active_children() == []
    assert overview.status(colours).files >= done


# Any history of a folder

NAMES = st.sampled_from(["a.jpg", "b.jpg", "sub/a.jpg", "sub/c.jpg", "sub/deep/d.jpg"])
SHADES = [jpeg((40 * number, 255 - 40 * number, 99)) for number in range(5)]
OPERATIONS = st.one_of(
    st.tuples(st.just("write"), NAMES, st.integers(0, 4)),
    st.tuples(st.just("spoil"), NAMES),
    st.tuples(st.just("delete"), NAMES),
    st.tuples(st.just("move"), NAMES, NAMES),
    st.tuples(st.just("copy"), NAMES, NAMES),
    st.tuples(st.just("index")),
)


def apply(operation: tuple[Any, ...], folder: Path, clock: int) -> None:
    """Do to the folder what the operation says, where there is something to do it to."""
    kind, places = operation[0], [folder / name for name in operation[1:] if isinstance(name, str)]
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
    if kind in {"write", "spoil"}:
        places[0].write_bytes(SHADES[operation[2]] if kind == "write" else b"spoilt")
        os.utime(places[0], ns=(clock, clock))
    elif kind != "index" and places[0].exists():
        if kind == "delete":
            places[0].unlink()
        elif kind == "move":
            places[0].replace(places[1])
        elif places[0] != places[1]:
            shutil.copy(*places)
            os.utime(places[1], ns=(clock, clock))


@given(history=st.lists(OPERATIONS, max_size=12))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_history_the_library_is_what_the_folder_is(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[Any, ...]], index: Index
) -> None:
    folder = tmp_path_factory.mktemp("photos")
    paint(folder / "kept.jpg")  # a folder that becomes empty is another story
    with fake_library(tmp_path_factory.mktemp("library")) as library:
        library.catalog.folders.add(folder)
        for clock, operation in enumerate(history, 1):
            apply(operation, folder, clock * 10**9)
            if operation[0] == "index":
                index(library)
        counts = index(library)
        content = {path: path.read_bytes() for path in folder.rglob("*.jpg")}
        good = {path for path, data in content.items() if data != b"spoilt"}
        photos = overview.photos(library, overview.photo_ids(library))
        assert {path for photo in photos for path in photo.paths} == good
        assert len(photos) == len({content[path] for path in good})
        assert {problem.path for problem in overview.problems(library)} == set(content) - good
        assert {hit.photo.id for hit in search_text(library, "red")} == {photo.id for photo in photos}
        assert counts.added + counts.updated + counts.moved + counts.unchanged == len(good)
        assert verify(library).ok
        assert index(library) == IndexCounts(unchanged=len(good), problems=len(content) - len(good))


def test_a_hidden_or_linked_folder_inside_an_added_one_is_added_for_itself(
    colours: Library, folder: Path, tmp_path: Path, index: Index
) -> None:
    for number, place in enumerate((folder, folder / ".hidden", tmp_path / "elsewhere")):
        paint(place / "photo.png", (number, 0, 0))
    (folder / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    index(colours, folder)
    assert index(colours, folder / ".hidden") == IndexCounts(added=1)
    assert index(colours, folder / "link") == IndexCounts(added=1)
    assert index(colours, folder) == IndexCounts(unchanged=1)


def test_the_pace_is_the_recent_one_and_leaves_pauses_out() -> None:
    pace = Pace()
    assert pace.photos_per_second(0.0, 0) is None
    assert pace.photos_per_second(1.0, 4) == pytest.approx(4)
    assert pace.photos_per_second(1.5, 4) == pytest.approx(4)
    assert pace.photos_per_second(100.0, 8) == pytest.approx(4)
    assert pace.photos_per_second(101.0, 16) == pytest.approx(6)


def test_a_folder_that_is_suddenly_empty_keeps_its_photos_until_that_is_confirmed(
    colours: Library, folder: Path, index: Index
) -> None:
    fill(folder, 10)
    index(colours, folder)
    for path in folder.iterdir():
        path.unlink()
    assert index(colours, folder) == IndexCounts(problems=1)
    assert overview.status(colours).files == 10
    assert "Is its drive connected?" in overview.problems(colours)[0].reason
    assert verify(colours, repair=True).ok
    assert index(colours, folder) == IndexCounts()
    assert overview.status(colours).files == overview.status(colours).problems == 0


def test_a_thumbnail_that_cannot_be_written_costs_only_itself(colours: Library, folder: Path, index: Index) -> None:
    paint(folder / "a.png", "red")
    colours.thumbnails.folder.parent.mkdir(parents=True, exist_ok=True)
    colours.thumbnails.folder.write_text("no folder")
    assert index(colours, folder) == IndexCounts(added=1)
    photo = overview.photos(colours, overview.photo_ids(colours))[0]
    assert overview.thumbnail(colours, photo) is None
    colours.thumbnails.folder.unlink()
    assert overview.thumbnail(colours, photo) is not None


def test_files_that_were_found_are_pending_until_they_are_read(colours: Library, folder: Path, index: Index) -> None:
    fill(folder, 10)
    (folder / "spoilt.png").touch()
    run = index_folders(colours, [folder])
    while next(run).done < 4:
        pass
    run.close()
    before = overview.status(colours)
    assert before.photos + before.pending + before.problems == 11
    assert before.pending > 0
    index(colours)
    assert (overview.status(colours).photos, overview.status(colours).pending) == (10, 0)
