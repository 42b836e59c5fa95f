"""Stand-ins where the real thing would be slow: an encoder that sees colours, and a pool without processes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import Encoder, unit
from clipsearch.encode.package import Package
from clipsearch.encode.preprocess import Preprocess
from clipsearch.errors import ClipsearchError, PackageError
from clipsearch.library.installed import Installed
from clipsearch.library.library import Library
from clipsearch.settings import Settings
from clipsearch.store.catalog import Catalog

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}

_PREPROCESS = Preprocess(1, 16, "squash", "bilinear", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


class FakeEncoder(Encoder):
    """Maps a picture to its mean colour and a colour's name to that colour: unit vectors, float32 [n, 4]."""

    batch_size = 4
    engine_known = "a fake, which needs no model."

    def __init__(self, revision: str = "1", name: str = "fake") -> None:
        self.package = Package(Path(), name, revision, "Fake", "", 4, _PREPROCESS, 8, 0)
        self.encoded = 0

    def encode_images(self, squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        self.encoded += len(squares)
        means = squares.reshape(len(squares), -1, 3).mean(axis=1) / 255
        return unit(np.hstack([means, np.full((len(squares), 1), 0.1)]).astype(np.float32))

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return unit(np.array([[*COLOURS.get(text, (1, 1, 1)), 0] for text in texts], np.float32))

    @cached_property
    def background(self) -> npt.NDArray[np.float32]:
        return unit(np.random.default_rng(0).random((50, 4), np.float32))


class InlinePool:
    """Runs the work in this process, one item after the other; counts what it was given."""

    items = 0

    def __init__(self, function: Callable[[Any], Any], *_limits: float) -> None:
        self._function = function

    def run(self, items: Iterable[Any]) -> Generator[tuple[Any, Any], None, None]:
        for item in items:
            InlinePool.items += 1
            try:
                yield item, self._function(item)
            except ClipsearchError as error:
                yield item, error


class OtherEncoder(FakeEncoder):
    """Sees the same in another way: larger squares and another space, float32 [n, 6], in which the first's vectors lie
    the wrong way round, so that mixing the two gives wrong answers."""

    def __init__(self, name: str = "other", revision: str = "1") -> None:
        super().__init__(revision, name)
        self.package = replace(self.package, dim=6, preprocess=replace(_PREPROCESS, size=24))

    def encode_images(self, squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        assert squares.shape[1:] == (24, 24, 3)
        return _turned(super().encode_images(squares))

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return _turned(super().encode_texts(texts))

    @cached_property
    def background(self) -> npt.NDArray[np.float32]:
        return _turned(unit(np.random.default_rng(0).random((50, 4), np.float32)))


def _turned(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.pad(vectors[:, ::-1], ((0, 0), (2, 0)))


class FakeInstalled(Installed):
    """Encoders by the name of their package; taking one out removes the package from this machine."""

    def __init__(self, **encoders: Encoder) -> None:
        self.encoders = encoders

    def names(self) -> list[str]:
        return list(self.encoders)

    def open(self, name: str) -> Encoder:
        if name not in self.encoders:
            raise PackageError(f"There is no model package {name}.")
        return self.encoders[name]

    def keep(self, models: Collection[str]) -> None:
        pass


def fake_library(
    folder: Path, revision: str = "1", settings: Settings | None = None, installed: Installed | None = None
) -> Library:
    """Open a library whose starter is the fake encoder; two decode workers unless the settings say otherwise."""
    installed = installed or FakeInstalled(starter=FakeEncoder(revision))
    return Library(folder, settings or Settings(decode_workers=2), Catalog(folder / "catalog.sqlite"), installed)
