from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from clipsearch.errors import CatalogError, DamagedCatalogError
from clipsearch.store import database
from clipsearch.store.catalog import Catalog
from clipsearch.store.database import Database
from clipsearch.store.safety import backups, upgrade
from clipsearch.store.safety.backups import Backups
from clipsearch.store.tables import schema
from clipsearch.store.tables.models import KnownModel

DATA = Path(__file__).parent / "data"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


def make(path: Path) -> None:
    Database(path).close()


def run_sql(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def described(connection: Connection) -> dict[str, list[object]]:
    """Return what SQLite says of each table: columns, foreign keys, and the columns of each index."""
    tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars()
    return {name: description(connection, name) for name in tables if name != "alembic_version"}


def description(connection: Connection, table: str) -> list[object]:
    def ask(pragma: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in connection.execute(text(f"PRAGMA {pragma}"))]

    indexes = [(row[2:5], ask(f"index_info('{row[1]}')")) for row in ask(f"index_list('{table}')")]
    keys = [row[2:] for row in ask(f"foreign_key_list('{table}')")]
    return [ask(f"table_info('{table}')"), sorted(keys), sorted(indexes)]


def test_the_migrations_make_the_schema(path: Path, tmp_path: Path) -> None:
    make(path)
    fresh = create_engine(f"sqlite:///{tmp_path / 'fresh.sqlite'}")
    schema.metadata.create_all(fresh)
    migrated = create_engine(f"sqlite:///{path}")
    with fresh.connect() as one, migrated.connect() as other:
        assert described(other) == described(one)
    fresh.dispose()
    migrated.dispose()


def test_head_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(upgrade._MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == database.HEAD


def test_a_current_catalog_opens_without_alembic(path: Path) -> None:
    make(path)
    code = (
        "import sys; from pathlib import Path; from clipsearch.store.database import Database\n"
        "Database(Path(sys.argv[1])).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == 0


def test_a_newer_catalog_is_refused_and_left_as_it_is(path: Path) -> None:
    make(path)
    run_sql(path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CatalogError, match="made by a newer clipsearch"):
        Database(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_a_failed_migration_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    real = command.upgrade

    def break_off(config: Config, revision: str) -> None:
        real(config, revision)
        raise OSError("the power went off")

    monkeypatch.setattr(command, "upgrade", break_off)
    with pytest.raises(CatalogError):
        Database(path)
    monkeypatch.undo()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    make(path)


@pytest.mark.parametrize("content", [b"no database at all" * 300, b"SQLite format 3\0" * 64])
def test_another_kind_of_file_is_told(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CatalogError, match="cannot be opened"):
        Database(path)


def test_flipped_bytes_are_found(path: Path) -> None:
    make(path)
    run_sql(path, "PRAGMA journal_mode=DELETE")
    content = bytearray(path.read_bytes())
    for position in range(4096, len(content), 7):
        content[position] ^= 0xFF
    path.write_bytes(content)
    opened = None
    with pytest.raises(CatalogError):
        opened = Database(path)
        if not opened.integrity():
            pytest.fail("nothing was noticed")
        with opened.read() as connection:
            connection.execute(text("SELECT * FROM folder")).all()
            connection.execute(text("SELECT * FROM generation")).one()
    if opened:
        opened.close()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CatalogError):
        Database(tmp_path / "file" / "catalog.sqlite")


def test_an_exception_undoes_a_write(path: Path) -> None:
    opened = Database(path)
    with pytest.raises(RuntimeError), opened.write() as connection:
        connection.execute(text("INSERT INTO folder (path) VALUES ('/a')"))
        raise RuntimeError
    with opened.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM folder")).scalar_one() == 0
    opened.close()


def test_foreign_keys_and_wal_are_on(path: Path) -> None:
    opened = Database(path)
    with opened.read() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    assert opened.integrity() == []
    opened.close()


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not have")
@pytest.mark.parametrize("name", ["what? a=b&c#d%20", "Fotos 🐶", os.fsdecode(b"caf\xe9")])
def test_a_library_may_have_any_name(tmp_path: Path, name: str) -> None:
    make(tmp_path / name / "catalog.sqlite")
    make(tmp_path / name / "catalog.sqlite")
    assert (tmp_path / name / "catalog.sqlite").exists()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_two_processes_may_make_the_same_catalog(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from clipsearch.store.database import Database\n"
        "Database(Path(sys.argv[1])).close()"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, path]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]


def test_a_catalog_of_version_1_keeps_its_photos_and_knows_which_model_had_caught_up(path: Path) -> None:
    shutil.copy(DATA / "catalog-0001.sqlite", path)
    catalog = Catalog(path)
    assert catalog.models.known() == [KnownModel("starter-1-p1", 4, True), KnownModel("half-1-p1", 4, False)]
    assert catalog.models.chosen() is None
    photos = catalog.photos.get(catalog.photos.ids())
    assert sorted(len(photo.paths) for photo in photos) == [1, 1, 2]
    assert [problem.reason for problem in catalog.files.problems()] == ["The file is empty."]
    ((ids, vectors),) = catalog.embeddings.of("starter-1-p1", [photo.id for photo in photos])
    assert len(ids) == 3
    assert np.allclose(np.linalg.norm(vectors.astype(np.float32), axis=1), 1, atol=1e-2)
    assert catalog.changes.generation() == 908046207673171970
    assert catalog.integrity() == []
    catalog.close()


@pytest.mark.parametrize("version", ["0001", "0002", "0003"])
def test_an_upgraded_catalog_is_like_a_new_one(path: Path, tmp_path: Path, version: str) -> None:
    shutil.copy(DATA / f"catalog-{version}.sqlite", tmp_path / "old.sqlite")
    make(path)
    make(tmp_path / "old.sqlite")
    new, old = create_engine(f"sqlite:///{path}"), create_engine(f"sqlite:///{tmp_path / 'old.sqlite'}")
    with new.connect() as one, old.connect() as other:
        assert described(other) == described(one)
    new.dispose()
    old.dispose()


def rows_of(path: Path, columns: dict[str, list[str]]) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY 1, 2").fetchall()
            for table, names in columns.items()
        }


def columns_of(path: Path) -> dict[str, list[str]]:
    """Return the columns of each table but the version's."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for table in tables
            if table != "alembic_version"
        }


@pytest.mark.parametrize("version", ["0001", "0002", "0003"])
def test_an_upgraded_catalog_keeps_every_row_as_it_was(path: Path, version: str) -> None:
    old = DATA / f"catalog-{version}.sqlite"
    shutil.copy(old, path)
    make(path)
    columns = columns_of(old)
    assert rows_of(path, columns) == rows_of(old, columns)


def test_a_catalog_of_version_2_keeps_the_choice_the_copies_and_the_names(path: Path) -> None:
    shutil.copy(DATA / "catalog-0002.sqlite", path)
    with closing(Catalog(path)) as catalog:
        assert catalog.models.chosen() == "half"
        assert catalog.models.known() == [KnownModel("starter-1-p1", 4, True), KnownModel("half-1-p1", 4, False)]
        photos = {photo.id: photo for photo in catalog.photos.get(catalog.photos.ids())}
        assert [path.as_posix() for path in photos[1].paths] == ["/more/copy of a.jpg", "/photos/a.jpg"]
        assert [path.as_posix() for path in photos[3].paths] == ["/more/café/ü.jpg"]
        assert (photos[1].captured_at, photos[1].camera, photos[1].companions) == (None, None, ())
        assert catalog.changes.since(catalog.changes.generation()) == (catalog.changes.generation(), set())
        assert catalog.changes.since(0) == (catalog.changes.generation(), None)
        catalog.labels.judge(catalog.labels.add("Meer"), [3], True)
        assert catalog.integrity() == []


@pytest.mark.parametrize("version", ["0001", "0002", "0003"])
def test_an_upgrade_keeps_a_backup_of_what_was_before(path: Path, version: str) -> None:
    old = DATA / f"catalog-{version}.sqlite"
    shutil.copy(old, path)
    make(path)
    (backup,) = Backups(path).all()
    assert backup.schema == version
    assert columns_of(backup.path) == columns_of(old)
    assert rows_of(backup.path, columns_of(old)) == rows_of(old, columns_of(old))
    make(path)
    assert Backups(path).all() == [backup]


def test_a_new_catalog_needs_no_backup(path: Path) -> None:
    make(path)
    assert [file.name for file in path.parent.iterdir()] == ["catalog.sqlite"]


def test_without_room_for_a_backup_the_old_catalog_is_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    shutil.copy(DATA / "catalog-0002.sqlite", path)
    monkeypatch.setattr(backups, "copy_whole", no_room)
    monkeypatch.setattr(backups, "copy_without_vectors", no_room)
    with pytest.raises(CatalogError, match="since no backup of its catalog can be made: the disk is full"):
        Database(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0002",)


@pytest.mark.parametrize("position", range(100))
def test_no_flipped_byte_in_the_header_goes_unnoticed_and_does_harm(path: Path, position: int) -> None:
    with closing(Catalog(path)) as catalog:
        catalog.labels.add("Meer")
    content = bytearray(path.read_bytes())
    content[position] ^= 0x04
    path.write_bytes(content)
    try:
        with closing(Catalog(path)) as catalog:
            if not catalog.integrity():
                catalog.labels.add("Berge")
                assert list(catalog.labels.categories()) == ["Meer", "Berge"]
    except DamagedCatalogError as error:
        assert "`clipsearch verify --repair`" in error.message


@pytest.mark.parametrize("table", ["generation", "folder", "category"])
def test_rows_and_tables_that_are_gone_are_damage(path: Path, table: str) -> None:
    make(path)
    run_sql(path, "DELETE FROM generation" if table == "generation" else f"DROP TABLE {table}")
    with closing(Catalog(path)) as catalog, pytest.raises(DamagedCatalogError, match="verify --repair"):
        catalog.is_sound()
        catalog.folders.all()
        catalog.labels.categories()


def test_a_flipped_byte_in_a_text_is_damage(path: Path) -> None:
    with closing(Catalog(path)) as catalog:
        catalog.labels.add("Meer")
    run_sql(path, "UPDATE category SET name = CAST(x'4dff' AS TEXT)")
    with closing(Catalog(path)) as catalog, pytest.raises(DamagedCatalogError, match="verify --repair"):
        catalog.labels.categories()


def test_a_reference_to_a_row_that_is_gone_is_found(path: Path) -> None:
    make(path)
    run_sql(path, "INSERT INTO file VALUES (1, 7, 'a.jpg', 1, 1, 8, 0)")
    with closing(Catalog(path)) as catalog:
        assert not catalog.is_sound()
        assert "row 1 of file refers to a folder that is not there" in " ".join(catalog.integrity())


def test_a_log_with_flipped_bytes_ends_before_them(path: Path, tmp_path: Path) -> None:
    """SQLite takes what is logged as far as its checksums hold; the rest is as if it had never been written."""
    (tmp_path / "killed").mkdir()
    with closing(Catalog(path)) as catalog:
        for number in range(20):
            catalog.labels.add(f"category {number}")
        for file in path.parent.glob("catalog.sqlite*"):
            shutil.copy(file, tmp_path / "killed")
    log = tmp_path / "killed" / "catalog.sqlite-wal"
    content = bytearray(log.read_bytes())
    content[len(content) * 3 // 4] ^= 0xFF
    log.write_bytes(content)
    with closing(Catalog(tmp_path / "killed" / "catalog.sqlite")) as catalog:
        assert catalog.integrity() == []
        kept = list(catalog.labels.categories())
        assert kept == [f"category {number}" for number in range(len(kept))]
        assert 5 < len(kept) < 20
