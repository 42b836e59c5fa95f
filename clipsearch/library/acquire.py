"""Bring a model into a staging folder as a package: downloaded, converted, or copied from this machine."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from clipsearch.encode import shelf
from clipsearch.encode.convert import check_installed, convert
from clipsearch.encode.download import download
from clipsearch.encode.engine import gpu_sign
from clipsearch.encode.hub import Repository, look_up
from clipsearch.encode.layouts import Layout, describe_onnx, layout_of, wanted_files
from clipsearch.encode.offers import Offer, Way
from clipsearch.encode.package import Package, Source, load_package
from clipsearch.errors import ClipsearchError, ConversionError, NotOnHubError, PackageError
from clipsearch.records import ModelProgress, ModelStage
from clipsearch.settings import Settings

UNKNOWN = "unknown licence"  # the licence of a model that says nothing of it

_BLOCK = 1 << 22
_SAYS_NOTHING = {"model", "open_clip_model", "pytorch_model", "open_clip_pytorch_model", "weights"}

Steps = Generator[ModelProgress, None, None]


def fetch(offer: Offer, staged: Path, settings: Settings) -> Generator[ModelProgress, None, Path]:
    """Bring the offered model into the staging folder as a package; return where."""
    way, repository, paths = find_way(offer, settings)
    folder = staged / way.form
    ready = way.form == "onnx"
    digests = yield from download(repository, paths, folder, 0 if ready else size_bytes(repository, paths))
    yield ModelProgress(ModelStage.CHECKING, 0, None)
    made = folder if ready else staged / "package"
    if ready:
        describe_onnx(made, offer.name, title=offer.title, licence=offer.licence)
    else:
        shelf.discard(made)
        facts = {"name": offer.name, "title": offer.title, "licence": offer.licence}
        yield from convert(folder, made, **facts, architecture=offer.architecture)
    source = Source(repository.name, repository.revision, digests)
    _write(replace(load_package(made), languages=offer.languages, source=source))
    return made


def find_way(offer: Offer, settings: Settings) -> tuple[Way, Repository, list[str]]:
    """Ask the hub for the model; return the first way to it that is open here, its repository, and the files to fetch.

    Raises ClipsearchError if there is none.
    """
    problem: ClipsearchError | None = None
    for way in _ways(offer):
        try:
            if way.form == "checkpoint":
                check_installed()
            repository = look_up(way.repository, way.revision, settings.hub_mirror)
            return way, repository, wanted_files((file.path for file in repository.files), Layout(way.form))
        except (NotOnHubError, PackageError, ConversionError) as error:
            problem = error
    raise problem or PackageError(f"The model {offer.name} is not offered in any form.")


def size_bytes(repository: Repository, paths: Sequence[str]) -> int:
    """Return the bytes of these files, as far as the hub states them."""
    return sum(file.size_bytes or 0 for file in repository.files if file.path in paths)


def bring(path: Path, made: Path, name: str, architecture: str | None) -> Steps:
    """Make the file or folder at `path` the package `name` in the new folder `made`. Raises ClipsearchError."""
    shelf.discard(made)  # of an import that was killed
    layout = layout_of(path)
    if layout is Layout.CHECKPOINT:
        yield from convert(path, made, name=name, title=name, licence=UNKNOWN, architecture=architecture)
        return
    yield from _copy(path, made, layout)
    if layout is Layout.ONNX:
        describe_onnx(made, name, title=name, licence=UNKNOWN)
    else:
        _write(replace(load_package(made), name=name))


def suggested_name(path: Path) -> str:
    """Return a name for the model at `path`: its own, or its folder's where that says nothing. Raises PackageError."""
    if layout_of(path) is Layout.PACKAGE:
        return load_package(path).name
    name = path.name if path.is_dir() else path.stem
    if name in _SAYS_NOTHING:
        name = path.parent.name
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-.")


def _ways(offer: Offer) -> list[Way]:
    """The ready-made form first; with a GPU the checkpoint, as only a converted model brings weights for torch."""
    return sorted(offer.ways, key=lambda way: way.form == "checkpoint", reverse=bool(gpu_sign()))


def _write(package: Package) -> None:
    try:
        package.write()
    except OSError as error:
        raise PackageError(f"The model {package.name} cannot be written: {error.strerror or error}.") from error


def _copy(source: Path, made: Path, layout: Layout) -> Steps:
    """Copy what a package needs. Raises ClipsearchError."""
    try:
        paths = list(_visible_files(source))
        if layout is Layout.ONNX:
            paths = wanted_files(paths, layout)
        done, total = 0, sum((source / path).stat().st_size for path in paths)
        for path in paths:
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            for size in _copied(source / path, made / path):
                done += size
                yield ModelProgress(ModelStage.CHECKING, done, total, path)
    except OSError as error:
        raise PackageError(f"The model cannot be copied: {error.strerror or error}.", source) from error


def _visible_files(folder: Path) -> Iterator[str]:
    """Yield the relative paths of the files in a folder, leaving out what is hidden or in a hidden folder."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            yield relative.as_posix()


def _copied(source: Path, target: Path) -> Iterator[int]:
    """Copy a file; yields the bytes of each step. Raises OSError."""
    with source.open("rb") as reading, target.open("wb") as writing:
        while block := reading.read(_BLOCK):
            yield writing.write(block)
