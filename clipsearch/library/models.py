"""Which models there are; installing, importing, choosing and removing them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from clipsearch.encode import shelf
from clipsearch.encode.offers import Offer, find_offer, offers
from clipsearch.encode.package import Package, load_package
from clipsearch.errors import ClipsearchError, PackageError
from clipsearch.library.acquire import UNKNOWN, bring, fetch, find_way, size_bytes, suggested_name
from clipsearch.library.library import Library
from clipsearch.library.trial import try_out
from clipsearch.records import ModelInfo, ModelProgress, ModelStage
from clipsearch.settings import Settings

Install = Generator[ModelProgress, None, ModelInfo]


def models(library: Library | None = None) -> list[ModelInfo]:
    """Return the starter, what is on offer and what was imported; `library` knows which is chosen and which answers."""
    chosen = library.choice.name if library else ""
    answering = library.answering.package.name if library else ""
    installed = shelf.names()
    offered = {offer.name.casefold() for offer in offers()}
    infos = [_info(shelf.STARTER)]
    infos += [_info(offer.name) if shelf.is_installed(offer.name) else _offered(offer) for offer in offers()]
    infos += [_info(name) for name in installed if name.casefold() not in offered]
    return [replace(info, chosen=info.name == chosen, answering=info.name == answering) for info in infos]


def find_model(name: str) -> ModelInfo:
    """Return the model of this name, installed or on offer. Raises ClipsearchError."""
    return find_installed(name) if shelf.is_installed(name) else _offered(find_offer(name))


def find_installed(name: str) -> ModelInfo:
    """Return the installed model of this name. Raises ClipsearchError."""
    return _info(shelf.find(name).name)


def ask_for(name: str, settings: Settings) -> ModelInfo:
    """Ask the hub for a model on offer: where it would come from, at which revision, and how many bytes it takes.

    Raises ClipsearchError for an unknown name, or if the hub cannot be reached.
    """
    offer = find_offer(name)
    way, repository, paths = find_way(offer, settings)
    return replace(
        _offered(offer),
        repository=repository.name,
        revision=repository.revision,
        needs_conversion=way.form == "checkpoint",
        download_bytes=size_bytes(repository, paths),
    )


def install(name: str, settings: Settings) -> Install:
    """Download a model on offer, convert it if need be, try it and install it; yields each step, returns what it is.

    Closing the generator stops it; what was downloaded is kept, and the next install goes on from there. Raises
    ClipsearchError with nothing left behind, unless trying again may use it.
    """
    offer = find_offer(name)
    if shelf.is_installed(offer.name):
        message = f"The model {offer.name} is installed already; to install it anew, remove it first."
        raise ClipsearchError("Model installed already", message)
    with shelf.staging(offer.name) as staged:
        try:
            with _named_for_the_user(staged, None):
                made = yield from fetch(offer, staged, settings)
                yield from try_out(made)
        except ClipsearchError as error:
            if not getattr(error, "resumable", False):
                shelf.discard(staged)
            raise
        shelf.put(made, offer.name)
    info = _info(offer.name)
    yield _done(info)
    return info


def import_model(path: Path, settings: Settings, name: str | None = None, architecture: str | None = None) -> Install:
    """Install a model from this machine: a package, a folder of ONNX towers, or a checkpoint, which is converted.

    `path` is left as it is. Raises ClipsearchError, or when closed stops, with nothing left behind.
    """
    path = path.absolute()
    name = name or suggested_name(path)
    with shelf.staging(name) as staged:
        try:
            made = staged / "package"
            with _named_for_the_user(staged, path):
                yield from bring(path, made, name, architecture)
                yield from try_out(made)
            shelf.put(made, name)
        finally:
            shelf.discard(staged)
    info = _info(name)
    yield _done(info)
    return info


def use(library: Library, name: str) -> None:
    """Choose the model that the library is indexed and searched with. Until it knows every photo, the old one answers.

    Raises ClipsearchError for a model that is not installed or not usable.
    """
    library.choose_model(shelf.find(name).name)


def remove(library: Library | None, name: str) -> int:
    """Delete an installed model from this machine; return the bytes freed. Its vectors stay in the libraries.

    Raises ClipsearchError as `find_removable` does.
    """
    find_removable(library, name)
    return shelf.remove(name)


def find_removable(library: Library | None, name: str) -> ModelInfo:
    """Return the installed model of this name, if it may be removed.

    Raises ClipsearchError for the starter, and for a model that `library` has chosen or is answered by.
    """
    info = find_installed(name)
    if info.name == shelf.STARTER:
        raise ClipsearchError("Model not removable", "The starter model comes with the program and cannot be removed.")
    if library is not None and info.name in {library.choice.name, library.answering.package.name}:
        message = f"The model {info.name} is in use; choose another with `clipsearch models use` first."
        raise ClipsearchError("Model in use", message)
    return info


@contextmanager
def _named_for_the_user(staged: Path, source: Path | None) -> Iterator[None]:
    """Let an error about the staging folder, which is gone when it is told, be about what the user named instead."""
    try:
        yield
    except ClipsearchError as error:
        if error.path is not None and error.path.is_relative_to(staged):
            error.path = source
        raise


def _info(name: str) -> ModelInfo:
    """Return an installed model, with what its offer says of it if it came from there."""
    folder = shelf.find(name)
    name = folder.name  # as it was installed, in upper and lower case
    try:
        package = load_package(folder)
    except PackageError as error:
        return _unusable(name, folder, error)
    source = package.source.repository if package.source else None
    offer = next((offer for offer in offers() if source in {way.repository for way in offer.ways}), None)
    return ModelInfo(
        name=name,
        title=package.title,
        licence=package.licence,
        source=_kind(name, package),
        repository=source,
        revision=package.source.revision if package.source else None,
        dim=package.dim,
        size_px=package.preprocess.size,
        languages=package.languages,
        accuracy=offer.accuracy if offer else None,
        speed="fast" if name == shelf.STARTER else offer.speed if offer else "",
        needs_conversion=False,
        download_bytes=None,
        installed=True,
        disk_bytes=shelf.size_bytes(folder),
        chosen=False,
        answering=False,
        recommended=offer.recommended if offer else False,
    )


def _unusable(name: str, folder: Path, error: PackageError) -> ModelInfo:
    """Return a damaged package as a model that can only be removed."""
    nothing = Offer(name, f"{name} (not usable: {error.message})", "", UNKNOWN, None, 0, 0, (), None, "", False, ())
    size = shelf.size_bytes(folder)
    return replace(_offered(nothing), source="imported", needs_conversion=False, installed=True, disk_bytes=size)


def _offered(offer: Offer) -> ModelInfo:
    way = offer.ways[0] if offer.ways else None
    return ModelInfo(
        name=offer.name,
        title=offer.title,
        licence=offer.licence,
        source="hub",
        repository=way.repository if way else None,
        revision=way.revision if way else None,
        dim=offer.dim,
        size_px=offer.size_px,
        languages=offer.languages,
        accuracy=offer.accuracy,
        speed=offer.speed,
        needs_conversion=offer.needs_conversion,
        download_bytes=None,
        installed=False,
        disk_bytes=None,
        chosen=False,
        answering=False,
        recommended=offer.recommended,
    )


def _kind(name: str, package: Package) -> str:
    if name == shelf.STARTER:
        return "starter"
    return "hub" if package.source else "imported"


def _done(info: ModelInfo) -> ModelProgress:
    return ModelProgress(ModelStage.DONE, info.disk_bytes or 0, info.disk_bytes)
