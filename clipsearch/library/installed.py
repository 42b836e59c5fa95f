"""The models on this machine as encoders; those in use stay open."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from pathlib import Path

from clipsearch.encode import shelf
from clipsearch.encode.encoder import Encoder
from clipsearch.encode.package import Package, load_package
from clipsearch.errors import PackageError
from clipsearch.settings import Settings


class Installed:
    """The starter and the packages that the user installed. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._encoders: dict[tuple[str, Path], Encoder] = {}

    def names(self) -> Sequence[str]:
        """Return the names of the packages, the starter first."""
        return [shelf.STARTER, *shelf.names()]

    def open(self, name: str) -> Encoder:
        """Return the package's encoder, the same while it is kept and no other revision is installed.

        Raises ClipsearchError for a package that is missing or damaged.
        """
        try:
            package = load_package(shelf.find(name))
        except FileNotFoundError as error:
            raise PackageError(str(error)) from error
        with self._lock:
            key = (package.model_id, package.folder)
            if key not in self._encoders:
                self._encoders[key] = _encoder(package, self._settings)
            return self._encoders[key]

    def keep(self, models: Collection[str]) -> None:
        """Let go of the others' memory and files, which Windows could not delete while they are open."""
        with self._lock:
            self._encoders = {key: encoder for key, encoder in self._encoders.items() if key[0] in models}


class OnePackage(Installed):
    """A single package, whatever is installed and chosen."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        super().__init__(settings)
        self._encoder = _encoder(load_package(folder), settings)

    def names(self) -> Sequence[str]:
        return [self._encoder.package.name]

    def open(self, name: str) -> Encoder:
        return self._encoder


def _encoder(package: Package, settings: Settings) -> Encoder:
    return Encoder(package, settings.encode_threads, settings.engine, settings.batch_size)
