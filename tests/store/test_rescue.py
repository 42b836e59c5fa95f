from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clipsearch.errors import CatalogError, DamagedCatalogError
from clipsearch.records import Action, Category, FoundFile
from clipsearch.store.catalog import Catalog
from clipsearch.store.database import Database
from clipsearch.store.safety import swap as swapping
from clipsearch.store.safety.backups import Backups
from clipsearch.store.safety.rescue import rescue
from clipsearch.store.tables.history import CategoryEdit
from clipsearch.store.tables.intake import NewFile

MODEL, DIM, PHOTOS, JUDGED = "model-1", 64, 1500, 100
PAGE = 4096


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of 1,500 photos in a file of its own, with names of all kinds, vectors and judgements."""
    path = tmp_path_factory.mktemp("original") / "catalog.sqlite"
    with closing(Catalog(path)) as catalog:
        folder = catalog.folders.add(Path("/Fotos ä"))
        vectors = np.random.default_rng(0).normal(size=(PHOTOS, DIM)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        for start in range(0, PHOTOS, 50):
            numbers = range(start, start + 50)
            catalog.store({MODEL: DIM}, [new_file(folder.id, number, vectors[number]) for number in numbers])
        catalog.labels.judge(catalog.labels.add("Katzen 🐈"), range(1, JUDGED + 1), True)
        catalog.models.choose("other")
        catalog.models.set_caught_up(MODEL, DIM, True)
    return path


def new_file(folder_id: int, number: int, vector: np.ndarray) -> NewFile:
    found = FoundFile(Path("/Fotos ä"), f"ö/{number}.jpg", 1000 + number, 10**18 + number)
    return NewFile(folder_id, found, f"{number:032x}", 40, 30, "JPEG", {MODEL: vector})


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    (tmp_path / "library").mkdir()
    return shutil.copy(original, tmp_path / "library" / "catalog.sqlite")


def held(path: Path) -> dict[str, int]:
    """Return what a sound catalog holds."""
    with closing(Catalog(path)) as catalog:
        assert catalog.integrity() == []
        judged = [catalog.labels.judgements(number) for number in catalog.labels.categories().values()]
        counts = catalog.counts(MODEL)
        return {"files": counts.files, "vectors": counts.embedded, "judgements": sum(map(len, judged))}


def contents(path: Path, query: str) -> set[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute(query).fetchall())


JUDGEMENTS = (
    "SELECT name, content_hash, is_member FROM judgement "
    "JOIN category ON category.id = category_id JOIN photo ON photo.id = photo_id"
)
FILES = "SELECT relative_path, size_bytes, mtime_ns, content_hash FROM file JOIN photo ON photo.id = photo_id"
VECTORS = "SELECT content_hash, data FROM vector JOIN photo ON photo.id = photo_id"


def overwrite(path: Path, start: int, data: bytes) -> None:
    with path.open("rb+") as stream:
        stream.seek(start)
        stream.write(data)


def root_page(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0])


def leaf_pages(path: Path, name: str) -> list[int]:
    """Return the leaves of a table or index of two levels, from its root page."""
    page = path.read_bytes()[(root_page(path, name) - 1) * PAGE :][:PAGE]
    assert page[0] in {2, 5}
    pointers = [int.from_bytes(page[at : at + 2]) for at in range(12, 12 + 2 * int.from_bytes(page[3:5]), 2)]
    return [int.from_bytes(page[at : at + 4]) for at in pointers]


def test_a_sound_catalog_comes_out_as_it_was(original: Path, path: Path) -> None:
    report = rescue(path)
    assert held(path) == {"files": PHOTOS, "vectors": PHOTOS, "judgements": JUDGED}
    for query in (JUDGEMENTS, FILES, VECTORS):
        assert contents(path, query) == contents(original, query)
    assert report[1:] == [
        "Read from it: 1 folder, 1,500 photos, 1,500 files, 1 category, 100 judgements, 1,500 vectors."
    ]
    with closing(Catalog(path)) as catalog:
        assert catalog.models.chosen() == "other"
        assert [model.caught_up for model in catalog.models.known()] == [True]
        assert catalog.folders.all()[0].path == Path("/Fotos ä")


def test_the_damaged_catalog_is_kept(original: Path, path: Path) -> None:
    overwrite(path, 0, bytes(100))
    damaged = path.read_bytes()
    report = rescue(path)
    (kept,) = path.parent.glob("catalog.damaged-*.sqlite")
    assert kept.read_bytes() == damaged
    assert report[0] == f"The catalog was damaged; it is kept as {kept.name}."
    rescue(path)
    assert len(list(path.parent.glob("catalog.damaged-*.sqlite"))) == 2
    assert not list(path.parent.glob("rescue*"))


@pytest.mark.parametrize("damage", [bytes(100), b"\xff" * 16, b"SQLite format 3\0" + b"\x55" * 84])
def test_a_header_costs_nothing(path: Path, original: Path, damage: bytes) -> None:
    overwrite(path, 0, damage)
    with pytest.raises(DamagedCatalogError, match="`clipsearch verify --repair`"):
        Database(path)
    rescue(path)
    assert held(path) == {"files": PHOTOS, "vectors": PHOTOS, "judgements": JUDGED}


@pytest.mark.parametrize("table", ["photo", "file", "vector", "judgement"])
def test_a_page_costs_its_own_rows_at_most(path: Path, table: str) -> None:
    page = leaf_pages(path, table)[0] if table != "judgement" else root_page(path, table)
    overwrite(path, (page - 1) * PAGE, b"\x00" * PAGE)
    report = rescue(path)
    now = held(path)
    assert now["files"] > PHOTOS - 150
    assert now["vectors"] > PHOTOS - 150
    assert now["judgements"] == (0 if table == "judgement" else JUDGED)
    lost = "categories and judgements" if table == "judgement" else "`clipsearch index` completes them"
    assert any(lost in sentence for sentence in report)


def test_a_lost_photo_keeps_its_number_and_labels_and_is_read_again(path: Path) -> None:
    overwrite(path, (leaf_pages(path, "photo")[0] - 1) * PAGE, b"\x00" * PAGE)
    rescue(path)
    assert held(path)["judgements"] == JUDGED
    again = contents(
        path, "SELECT file.id FROM file JOIN photo ON photo.id = photo_id WHERE mtime_ns = -1 AND width = 0"
    )
    assert 1 <= len(again) < 150
    assert len(contents(path, "SELECT 1, id FROM file WHERE mtime_ns = -1")) == len(again)


def test_a_photo_whose_hash_was_flipped_is_read_again(path: Path) -> None:
    with path.open("rb+") as stream:
        content = stream.read()
        page = next(page for page in leaf_pages(path, "photo") if b"%032x" % 7 in content[(page - 1) * PAGE :][:PAGE])
        stream.seek(content.index(b"%032x" % 7, (page - 1) * PAGE) + 31)
        stream.write(b"f")
    rescue(path)
    assert contents(path, "SELECT relative_path FROM file WHERE mtime_ns = -1") == {("ö/7.jpg",)}


def test_an_index_costs_nothing(path: Path) -> None:
    for name in ("ix_file_photo_id", "sqlite_autoindex_vector_1"):
        overwrite(path, (root_page(path, name) - 1) * PAGE, b"\x13" * PAGE)
    rescue(path)
    assert held(path) == {"files": PHOTOS, "vectors": PHOTOS, "judgements": JUDGED}


def test_vectors_that_cannot_be_are_left_out(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        nan = np.full(DIM, np.nan, "<f2").tobytes()
        long = np.full(DIM, 0.5, "<f2").tobytes()
        for number, data in enumerate((nan, long, b"", bytes(2 * DIM)), 1):
            connection.execute("UPDATE vector SET data = ? WHERE photo_id = ?", (data, number))
        connection.execute("UPDATE vector SET data = 'text' WHERE photo_id = 5")
    rescue(path)
    assert held(path)["vectors"] == PHOTOS - 5


def test_labels_come_back_from_the_backup(path: Path) -> None:
    made = Backups(path).make_if_due("0004")
    assert made
    overwrite(path, (root_page(path, "judgement") - 1) * PAGE, b"\x00" * PAGE)
    report = rescue(path)
    assert held(path)["judgements"] == JUDGED
    assert f"Put back from the backup of {made.day}: 100 judgements." in report


@pytest.mark.parametrize("with_backup", [True, False])
@pytest.mark.parametrize("damage", [b"\x0d\x00\x00\x00\x00", bytes(PAGE)], ids=["passes for empty", "blank"])
def test_a_category_whose_page_is_lost_keeps_its_name_and_judgements(
    path: Path, damage: bytes, with_backup: bool
) -> None:
    if with_backup:
        Backups(path).make_if_due("0004")
    overwrite(path, (root_page(path, "category") - 1) * PAGE, damage)
    rescue(path)
    assert held(path)["judgements"] == JUDGED
    assert contents(path, "SELECT id, name FROM category") == {(1, "Katzen 🐈")}


def test_a_category_comes_back_whole_from_the_backup(path: Path) -> None:
    with closing(Catalog(path)) as catalog:
        (cats,) = catalog.labels.all()
        whole = replace(cats, prompts=("a cat", "ein Kätzchen"), threshold=0.25, colour="#ff0000", parent_id=2)
        catalog.labels.history.change(Action.EDIT, "", [CategoryEdit(0, Category(0, "Tiere"))])
        catalog.labels.history.change(Action.EDIT, "", [CategoryEdit(1, whole)])
    Backups(path).make_if_due("0004")
    overwrite(path, (root_page(path, "category") - 1) * PAGE, bytes(PAGE))
    rescue(path)
    with closing(Catalog(path)) as catalog:
        assert catalog.labels.all() == [whole, Category(2, "Tiere")]


@pytest.mark.parametrize(
    ("table", "damage", "kept"),
    [
        ("problem", bytes(PAGE), True),
        ("judgement", bytes(PAGE), False),
        ("step_change", bytes(PAGE), False),
        ("step_change", b"\x0d\x00\x00\x00\x00", False),
    ],
)
def test_steps_can_be_undone_after_a_rescue_only_if_all_of_them_are_known(
    path: Path, table: str, damage: bytes, kept: bool
) -> None:
    Backups(path).make_if_due("0004")
    overwrite(path, (root_page(path, table) - 1) * PAGE, damage)
    rescue(path)
    with closing(Catalog(path)) as catalog:
        assert len(catalog.labels.judgements(1)) == JUDGED
        assert (catalog.labels.history.undo() is not None) == kept
        assert len(catalog.labels.judgements(1)) == (0 if kept else JUDGED)


def test_what_was_read_wins_over_the_backup(path: Path) -> None:
    Backups(path).make_if_due("0004")
    with closing(Catalog(path)) as catalog:
        catalog.labels.judge(1, [1], False)
        catalog.labels.remove(catalog.labels.add("Hunde"))
        catalog.files.remove(1, ["ö/3.jpg"])
    overwrite(path, (leaf_pages(path, "vector")[3] - 1) * PAGE, b"\x00" * PAGE)
    rescue(path)
    with closing(Catalog(path)) as catalog:
        assert catalog.labels.judgements(1)[1] is False
        assert catalog.counts(MODEL).files == PHOTOS - 1
    assert contents(path, "SELECT count(*), 1 FROM vector") == {(PHOTOS, 1)}


def test_a_backup_of_an_old_schema_helps(path: Path) -> None:
    Backups(path).folder.mkdir()
    old = Path(__file__).parent / "data" / "catalog-0002.sqlite"
    shutil.copy(old, Backups(path).folder / "catalog-0002-2026-01-02-1.sqlite")
    path.write_bytes(b"")
    report = rescue(path)
    assert contents(path, "SELECT content_hash, width FROM photo") == contents(
        old, "SELECT content_hash, width FROM photo"
    )
    assert any(sentence.startswith("Put back from the backup of 2026-01-02:") for sentence in report)


def test_a_damaged_backup_gives_way_to_an_older_one(path: Path) -> None:
    backups = Backups(path)
    made = backups.make_if_due("0004")
    assert made
    (backups.folder / "catalog-0004-2026-11-30-2.sqlite").write_bytes(b"no backup" * 9999)
    path.unlink()
    with pytest.raises(DamagedCatalogError, match=r"is gone; .* puts back the backup of 2026-11-30"):
        Database(path)
    rescue(path)
    assert held(path) == {"files": PHOTOS, "vectors": PHOTOS, "judgements": JUDGED}


def test_nothing_readable_and_no_backup_is_an_empty_library(path: Path) -> None:
    overwrite(path, 0, bytes(path.stat().st_size))
    report = rescue(path)
    assert held(path) == {"files": 0, "vectors": 0, "judgements": 0}
    assert "Some of your categories and judgements may be missing, for there is no sound backup." in report
    assert report[1].startswith("Nothing could be saved, so the library is empty now;")


@pytest.mark.parametrize("left", ["index/fake.faiss", f"thumbnails/0f/{64 * '0'}.jpg"])
@pytest.mark.parametrize("lost", [Path.unlink, lambda path: path.write_bytes(b"")], ids=["gone", "empty"])
def test_a_lost_catalog_without_a_backup_is_told_where_there_once_was_one(
    tmp_path: Path, left: str, lost: Callable[[Path], object]
) -> None:
    path = tmp_path / "catalog.sqlite"
    Catalog(path).close()
    lost(path)
    (tmp_path / left).parent.mkdir(parents=True)
    Catalog(path).close()  # empty folders are no sign of a catalog
    lost(path)
    (tmp_path / left).touch()
    for _ in range(2):  # the first one changes nothing
        with pytest.raises(DamagedCatalogError, match="`clipsearch verify --repair` begin an empty one"):
            Catalog(path)
    assert any("the library is empty now" in sentence for sentence in rescue(path))
    with closing(Catalog(path)) as catalog:
        assert not catalog.holds_anything()


def test_what_is_logged_and_not_in_the_file_yet_is_read(path: Path, tmp_path: Path) -> None:
    with closing(Catalog(path)) as catalog:
        catalog.labels.judge(1, [JUDGED + 1], True)
        (tmp_path / "killed").mkdir()
        for file in path.parent.glob("catalog.sqlite*"):  # as a kill leaves them
            shutil.copy(file, tmp_path / "killed")
    killed = tmp_path / "killed" / "catalog.sqlite"
    overwrite(killed, 0, bytes(100))
    overwrite(killed, (leaf_pages(path, "vector")[3] - 1) * PAGE, b"\x00" * PAGE)
    rescue(killed)
    assert held(killed)["judgements"] == JUDGED + 1
    assert len(list(killed.parent.glob("catalog.damaged-*-wal"))) == 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "damage",
    [
        lambda random, data: data[: random.randrange(len(data))],
        lambda random, data: flipped(random, data, 1),
        lambda random, data: flipped(random, data, 40),
        lambda random, data: blanked(random, data, 10),
    ],
    ids=["cut", "a byte", "40 bytes", "10 sectors"],
)
def test_whatever_the_damage_a_sound_catalog_comes_out(
    path: Path, original: Path, seed: int, damage: Callable[[random.Random, bytes], bytes]
) -> None:
    Backups(path).make_if_due("0004")
    path.write_bytes(damage(random.Random(seed), path.read_bytes()))
    rescue(path)
    now = held(path)
    assert now["judgements"] == JUDGED
    assert now["files"] == pytest.approx(PHOTOS, abs=5)
    assert now["vectors"] == pytest.approx(PHOTOS, abs=20)
    assert wrong_files(path, original) == []
    assert wrong_vectors(path, original) == []


def wrong_files(path: Path, original: Path) -> list[object]:
    """Return the places that hold another photo than they did and are not to be read again."""
    before = {row[:-1]: row[-1] for row in contents(original, FILES)}
    now = contents(path, f"{FILES} WHERE mtime_ns <> -1")
    return [row for row in now if before.get(row[:-1], row[-1]) != row[-1]]


def wrong_vectors(path: Path, original: Path) -> list[object]:
    """Return the contents whose vector is another one's."""
    before, now = dict(contents(original, VECTORS)), dict(contents(path, VECTORS))
    return [content for content in before.keys() & now.keys() if not alike(before[content], now[content])]


def alike(one: object, other: object) -> bool:
    first, second = (np.frombuffer(data, "<f2").astype(np.float32) for data in (one, other))
    return bool(first @ second > 0.6)


def flipped(random: random.Random, data: bytes, count: int) -> bytes:
    changed = bytearray(data)
    for position in random.sample(range(len(data)), count):
        changed[position] ^= 1 << random.randrange(8)
    return bytes(changed)


def blanked(random: random.Random, data: bytes, count: int) -> bytes:
    changed = bytearray(data)
    for start in random.sample(range(0, len(data), 512), count):
        changed[start : start + 512] = random.randbytes(512)
    return bytes(changed)


@pytest.mark.parametrize("step", range(4))
def test_a_kill_while_the_catalogs_change_places_loses_neither(
    path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    overwrite(path, 0, bytes(100))
    shutil.copy(path, path.with_name("catalog.sqlite-wal"))  # rubbish that must not come into the new catalog
    steps = 0

    def killed(real: Callable[..., object]) -> Callable[..., object]:
        def stop(*arguments: object, **options: object) -> object:
            nonlocal steps
            steps += 1
            if steps > step:
                raise KilledError
            return real(*arguments, **options)

        return stop

    with monkeypatch.context() as patch:
        patch.setattr(swapping.Path, "rename", killed(Path.rename))
        with suppress(KilledError):
            rescue(path)
    if step == 0:  # the damaged one is still there
        rescue(path)
    assert held(path) == {"files": PHOTOS, "vectors": PHOTOS, "judgements": JUDGED}
    assert not swapping.rescued_name(path).exists()


def test_a_window_that_is_open_goes_on_with_the_new_catalog(path: Path) -> None:
    with closing(Catalog(path)) as window:
        assert len(window.photos.ids()) == PHOTOS
        overwrite(path, (leaf_pages(path, "vector")[3] - 1) * PAGE, b"\x00" * PAGE)
        rescue(path)
        window.labels.judge(1, [JUDGED + 1], True)
        assert window.integrity() == []
    assert held(path)["judgements"] == JUDGED + 1


def test_no_room_is_told_and_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(swapping.Path, "replace", no_room)
    with pytest.raises(CatalogError, match="No space left"):
        rescue(path)
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*rescue*")) + list(path.parent.glob("*damaged*"))
