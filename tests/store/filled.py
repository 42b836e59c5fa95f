"""Catalogs with many photos, written straight into the tables, since they are not to be what takes the time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clipsearch.encode.encoder import unit
from clipsearch.store.catalog import Catalog
from clipsearch.store.tables.changes import note_change

MODEL = "model-1"
FOLDER = Path("/photos")


def random_vectors(count: int, dim: int, seed: int = 0) -> np.ndarray:
    """Return unit vectors in all directions, float32 [count, dim]: the hardest to tell apart."""
    return unit(np.random.default_rng(seed).standard_normal((count, dim), dtype=np.float32))


def clustered_vectors(count: int, dim: int, seed: int = 0) -> np.ndarray:
    """Return unit vectors as pictures have them: in a cone, around subjects, more in some directions than in others."""
    fixed, rng = np.random.default_rng(7), np.random.default_rng(seed)
    spread = np.arange(1, dim + 1, dtype=np.float32) ** -0.5
    spread /= np.linalg.norm(spread)
    middle = 0.7 * unit(fixed.standard_normal((1, dim), dtype=np.float32))
    subjects = fixed.standard_normal((3000, dim), dtype=np.float32)[rng.integers(0, 3000, count)]
    return unit(middle + 0.5 * spread * subjects + 0.5 * spread * rng.standard_normal((count, dim), dtype=np.float32))


def text_vectors(count: int, dim: int, seed: int = 0) -> np.ndarray:
    """Return unit vectors as texts about those pictures have them: another cone, a weak likeness to a subject."""
    fixed = np.random.default_rng(8)
    middle = 0.8 * unit(fixed.standard_normal((1, dim), dtype=np.float32))
    return unit(middle + 0.6 * clustered_vectors(count, dim, seed))


def fill(catalog: Catalog, vectors: np.ndarray, first_id: int = 1) -> None:
    """Store photos with these vectors, [n, dim], as `first_id` and the ids after it, each in a file of its own."""
    ids = range(first_id, first_id + len(vectors))
    with catalog._database.write() as connection:
        run = connection.exec_driver_sql
        run("INSERT OR IGNORE INTO folder (id, path) VALUES (1, ?)", (str(FOLDER),))
        run("INSERT OR IGNORE INTO model (id, name, dim) VALUES (1, ?, ?)", (MODEL, vectors.shape[1]))
        photo = "INSERT INTO photo (id, content_hash, width, height, format) VALUES (?, ?, 1, 1, '')"
        file = "INSERT INTO file (folder_id, relative_path, size_bytes, mtime_ns, photo_id) VALUES (1, ?, 1, 1, ?)"
        run(photo, [(one, f"{one:032x}") for one in ids])
        run(file, [(f"{one}.jpg", one) for one in ids])
        blobs = (vector.astype("<f2").tobytes() for vector in vectors)
        run("INSERT INTO vector VALUES (1, ?, ?)", list(zip(ids, blobs, strict=True)))
        note_change(connection, ids)


def remove(catalog: Catalog, ids: list[int]) -> None:
    """Forget the files of these photos."""
    catalog.files.remove(1, [f"{one}.jpg" for one in ids])
