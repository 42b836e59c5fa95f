from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError, LibraryBusyError, UnreadablePhotoError


@pytest.mark.parametrize(
    "error",
    [UnreadablePhotoError("bad", Path("/a"), temporary=True), LibraryBusyError("busy"), ClipsearchError("a", "b")],
)
def test_errors_cross_process_borders_whole(error: ClipsearchError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
