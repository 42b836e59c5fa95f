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

from clipsearch.errors import CatalogError
from clipsearch.store import database, schema, upgrade
from clipsearch.store.catalog import Catalog
from clipsearch.store.database import Database
from clipsearch.store.models import KnownModel


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
    shutil.copy(Path(__file__).parent / "data" / "catalog-0001.sqlite", path)
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


def test_an_upgraded_catalog_is_like_a_new_one(path: Path, tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parent / "data" / "catalog-0001.sqlite", tmp_path / "old.sqlite")
    make(path)
    make(tmp_path / "old.sqlite")
    new, old = create_engine(f"sqlite:///{path}"), create_engine(f"sqlite:///{tmp_path / 'old.sqlite'}")
    with new.connect() as one, old.connect() as other:
        assert described(other) == described(one)
    new.dispose()
    old.dispose()
