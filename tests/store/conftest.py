from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clipsearch.store.catalog import Catalog
from tests.store.rows import PHOTOS


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Catalog]:
    """A catalog with one folder."""
    catalog = Catalog(tmp_path / "filled.sqlite")
    catalog.folders.add(PHOTOS)
    yield catalog
    catalog.close()
