"""A model package on disk: a folder with model.json, a tokenizer, two ONNX towers and, perhaps, background and weights.

model.json (format 1; what has a default may be left out):

    format, name, revision, licence, dim   name is also a folder's name; dim is the length of a vector
    title ("<name>"), languages ([])
    preprocess                             see `Preprocess`
    text        context_length, pad_id, cleaning ("none"), eot_id (null): see `Tokenizer`
    files       image ("image.onnx"), text ("text.onnx"), tokenizer ("tokenizer.json"), weights ("weights.safetensors",
                which need not exist): relative paths with "/", inside the folder
    prompt      the template of a free-text query ("{}")
    source      repository, revision (null), files ({}: name -> SHA-256): where it was downloaded
    architecture                           a name of `clipsearch.model`, or a configuration; for the torch engine (null)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from clipsearch.encode.names import is_plain
from clipsearch.encode.preprocess import Preprocess
from clipsearch.errors import PackageError

FORMAT = 1

#: How a text is prepared, see `clipsearch.encode.tokenizer`: as it is, as OpenCLIP, CLIP or SigLIP does, or for words.
CLEANINGS = ("none", "whitespace", "clip", "canonical", "subject")

_LAST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Files:
    """Where a package's parts lie: relative paths with "/". Weights are optional."""

    image: str = "image.onnx"
    text: str = "text.onnx"
    tokenizer: str = "tokenizer.json"
    weights: str = "weights.safetensors"

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Raises PackageError if a path leads out of the folder."""
        return cls(**{part: _inside(str(values[part])) for part in cls.__slots__ if part in values})


@dataclass(frozen=True, slots=True)
class Source:
    """Where a package was downloaded: a hub's repository, its revision, and the SHA-256 of each file."""

    repository: str
    revision: str | None = None
    files: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        revision = values.get("revision")
        files = {str(name): str(digest) for name, digest in dict(values.get("files", {})).items()}
        return cls(str(values["repository"]), None if revision is None else str(revision), files)


@dataclass(frozen=True, slots=True)
class Package:
    """What model.json says. `model_id` names its vectors: another revision or preprocessing is another model."""

    folder: Path
    name: str
    revision: str
    title: str
    licence: str
    dim: int
    preprocess: Preprocess
    context_length: int
    pad_id: int
    cleaning: str = "none"
    eot_id: int | None = None
    files: Files = Files()
    languages: tuple[str, ...] = ()
    prompt: str = "{}"
    source: Source | None = None
    architecture: str | Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def model_id(self) -> str:
        return f"{self.name}-{self.revision}-p{self.preprocess.version}"

    @property
    def image_model(self) -> Path:
        return self.folder / self.files.image

    @property
    def text_model(self) -> Path:
        return self.folder / self.files.text

    @property
    def tokenizer(self) -> Path:
        return self.folder / self.files.tokenizer

    @property
    def weights(self) -> Path | None:
        """The weights for the torch engine (safetensors), if the package has them."""
        path = self.folder / self.files.weights
        return path if path.is_file() else None

    def background(self) -> npt.NDArray[np.float32]:
        """Return the unit vectors of the background pictures, float32 [m, dim]; m is 0 if the package has none.

        Raises PackageError.
        """
        path = self.folder / "background.npy"
        if not path.exists():
            return np.zeros((0, self.dim), np.float32)
        try:
            vectors: npt.NDArray[np.float32] = np.load(path, allow_pickle=False).astype(np.float32)
            return vectors.reshape(-1, self.dim)
        except (OSError, ValueError, EOFError) as error:
            raise PackageError(f"The model package's background.npy cannot be read: {error}", path) from error

    def to_json(self) -> dict[str, Any]:
        """Return the values of model.json."""
        return {
            "format": FORMAT,
            "name": self.name,
            "revision": self.revision,
            "title": self.title,
            "licence": self.licence,
            "languages": list(self.languages),
            "dim": self.dim,
            "preprocess": asdict(self.preprocess),
            "text": {
                "context_length": self.context_length,
                "pad_id": self.pad_id,
                "cleaning": self.cleaning,
                "eot_id": self.eot_id,
            },
            "files": asdict(self.files),
            "prompt": self.prompt,
            "source": asdict(self.source) if self.source else None,
            "architecture": self.architecture,
        }

    def write(self) -> None:
        """Write model.json into the folder. Raises OSError."""
        text = json.dumps(self.to_json(), indent=1, ensure_ascii=False)
        (self.folder / "model.json").write_text(text + "\n", "utf-8")


def load_package(folder: Path) -> Package:
    """Read and check the package in `folder`. Raises PackageError with what is wrong."""
    values = _description(folder)
    found = values.get("format") if isinstance(values, dict) else None
    if found != FORMAT:
        raise PackageError(f"The model package has format {found!r}; this program reads {FORMAT}.", folder)
    try:
        package = _package(folder, values)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise PackageError(f"The model package's model.json lacks or misstates {error}.", folder) from error
    for path in (package.image_model, package.text_model, package.tokenizer):
        if not path.is_file():
            raise PackageError(f"The model package is incomplete: {path.name} is missing.", folder)
    return package


def revision_of(folder: Path, files: Files = Files()) -> str:
    """Return 12 hexadecimal digits that change whenever a vector could: SHA-256 over towers and tokenizer.

    A large tower keeps its weights in files beside it, named after it ("image.onnx.data"): they count. Raises OSError.
    """
    digest = hashlib.sha256()
    for part in (files.image, files.text, files.tokenizer):
        path = folder / part
        for file in (path, *sorted(path.parent.glob(f"{path.name}[._]*"))):
            with file.open("rb") as stream:
                hashlib.file_digest(stream, lambda: digest)  # goes on with the digest of the files before
    return digest.hexdigest()[:12]


def _description(folder: Path) -> Any:
    try:
        return json.loads((folder / "model.json").read_text("utf-8"))
    except FileNotFoundError:
        raise PackageError(f"There is no model package in {folder} (model.json is missing).", folder) from None
    except (OSError, ValueError, RecursionError) as error:
        raise PackageError(f"The model package's model.json cannot be read: {error}", folder) from error


def _package(folder: Path, values: Mapping[str, Any]) -> Package:
    text, files = _object(values, "text"), _object(values, "files", {})
    source, architecture, eot_id = values.get("source"), values.get("architecture"), text.get("eot_id")
    return Package(
        folder=folder,
        name=_plain("name", values["name"]),
        revision=_plain("revision", values["revision"]),
        title=str(values.get("title", values["name"])),
        licence=str(values["licence"]),
        dim=_count("dim", values["dim"], 1, 65_536),
        preprocess=Preprocess.from_json(_object(values, "preprocess")),
        context_length=_count("context_length", text["context_length"], 1, 65_536),
        pad_id=_count("pad_id", text["pad_id"], 0, _LAST_ID),
        cleaning=_one_of("cleaning", text.get("cleaning", "none"), CLEANINGS),
        eot_id=None if eot_id is None else _count("eot_id", eot_id, 0, _LAST_ID),
        files=Files.from_json(files),
        languages=tuple(str(language) for language in values.get("languages", ())),
        prompt=_template(values.get("prompt", "{}")),
        source=None if source is None else Source.from_json(_object(values, "source")),
        architecture=architecture if architecture is None or isinstance(architecture, str) else dict(architecture),
    )


def _object(values: Mapping[str, Any], key: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
    part = values[key] if default is None else values.get(key, default)
    if not isinstance(part, dict):
        raise ValueError(f"{key} ({part!r} is not an object)")
    return part


def _inside(path: str) -> str:
    """Return a relative path as it is, if no operating system would look for it outside the folder."""
    drive_or_root = PurePosixPath(path).is_absolute() or PureWindowsPath(path).anchor
    if not path or drive_or_root or "\\" in path or ":" in path or "\0" in path or ".." in PurePosixPath(path).parts:
        raise PackageError(f"The model package's model.json names a file outside the package: {path!r}.")
    return path


def _count(key: str, value: Any, least: int, most: int) -> int:
    if not least <= int(value) <= most:
        raise ValueError(f"{key} ({value!r} is not between {least} and {most})")
    return int(value)


def _plain(key: str, value: Any) -> str:
    if not is_plain(str(value)):
        raise ValueError(f"{key} ({value!r} may hold letters, digits and . _ + - only)")
    return str(value)


def _one_of(key: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{key} ({value!r} is not one of {', '.join(known)})")
    return str(value)


def _template(value: Any) -> str:
    if str(value).count("{}") != 1:
        raise ValueError(f"prompt ({value!r} needs one {{}} for the query)")
    return str(value)
