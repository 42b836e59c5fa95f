"""A checkpoint -> a model package, in a process of its own, so that torch's memory goes when it is done.

A package is accepted only if ONNX Runtime gives torch's vectors for the demo photos and some texts. Training, which has
torch loaded anyway, does it in its own process.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
import signal
import warnings
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from clipsearch.encode.encoder import unit
from clipsearch.encode.engine_onnx import OnnxEngine
from clipsearch.encode.layouts import cleaning, token_id
from clipsearch.encode.package import CLEANINGS, Package, revision_of
from clipsearch.encode.preprocess import Preprocess, normalise, to_square
from clipsearch.encode.tokenizer import END_OF_TEXT, PAD, Tokenizer, pad
from clipsearch.errors import ClipsearchError, ConversionError
from clipsearch.paths import resource_path
from clipsearch.records import ModelProgress, ModelStage

if TYPE_CHECKING:
    from torch import Tensor

    from clipsearch.model import CLIPConfig

SAME = 0.9999  # the least cosine between torch's vector and ONNX Runtime's

#: beside a tokenizer.json that training made: the `text` part of a model.json
TEXT_FORM = "text.json"

_SPAWN = multiprocessing.get_context("spawn")
_HEARTBEAT_S = 0.25
_CLIP_VOCABULARY = 49408
_PHOTOS, _BATCH = 8, 4
_TEXTS = [
    "a dog",
    "sunset",
    "a photo of a cat lying on a sofa",
    "two children building a sand castle on the beach in summer",
    "the red car in front of our old house, 1998",
    "grandmother's birthday cake with candles!",
    "mountains with snow & a frozen lake",
    "ein altes Fahrrad an einer Backsteinmauer",
    "un mercado con frutas y verduras",
    "犬と海岸を散歩する人",
    "screenshot of an e-mail from 12/03/2021",
    "a very long description of a picture, which goes on and on about the light, the colours, the people in it, what "
    "they wear, where they stand, what the weather is like, and how much everybody enjoyed that afternoon by the river",
]

Steps = Generator[ModelProgress, None, None]
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TextForm:
    """How a checkpoint's texts become tokens: a tokenizer.json, and the `text` part of a model.json."""

    tokenizer: Path
    context_length: int
    pad_id: int
    cleaning: str
    eot_id: int | None

    def open(self) -> Tokenizer:
        """Return the tokenizer. Raises PackageError."""
        return Tokenizer(self.tokenizer, self.context_length, self.pad_id, self.cleaning, self.eot_id)


@dataclass(frozen=True, slots=True)
class _Job:
    source: Path
    folder: Path
    name: str
    title: str
    licence: str
    architecture: str | None


def convert(
    source: Path, folder: Path, *, name: str, title: str, licence: str, architecture: str | None = None
) -> Steps:
    """Make the checkpoint `source` (a file or folder) a package in the new folder `folder`; yields each step.

    `architecture` names the network where the checkpoint does not. Closing the generator stops the work within a
    moment; then, as after an error, nothing is left behind. Nothing in a checkpoint is executed.

    Raises ConversionError where packages are missing, something fails or the result gives other vectors, and
    CheckpointError for a checkpoint that cannot be read.
    """
    check_installed()
    job = _Job(source, folder, name, title, licence, architecture)
    yield from _whole(job, _watched(job))


def convert_here(source: Path, folder: Path, *, name: str, title: str, licence: str) -> Steps:
    """Do what `convert` does, with the same errors, in this process."""
    check_installed()
    job = _Job(source, folder, name, title, licence, None)
    yield from _whole(job, _told(job))


def text_form(source: Path, config: CLIPConfig) -> TextForm:
    """Tell how the texts of the checkpoint `source` (a file or folder) of this architecture become tokens.

    Raises ConversionError if it has a vocabulary of its own and no tokenizer.json, or one that says too little.
    """
    tokenizer, is_clip = _tokenizer_of(source, config)
    if tokenizer.with_name(TEXT_FORM).is_file():
        return _stated(tokenizer, config)
    return TextForm(
        tokenizer,
        config.text.context_length,
        PAD if config.text.ends_early else _pad_id(tokenizer),
        "clip" if is_clip else _cleaning(tokenizer.parent, config),
        END_OF_TEXT if is_clip else None,
    )


def check_installed() -> None:
    """Raise ConversionError unless everything that a conversion needs is there."""
    missing = [package for package in ("torch", "onnx", "safetensors") if find_spec(package) is None]
    if missing:
        raise ConversionError(
            f'Converting a model needs {" and ".join(missing)}, not installed here: pip install "clipsearch[convert]".'
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ConversionError(f"{folder} is not empty; please choose a new folder.", folder)
    except OSError as error:
        raise ConversionError(f"{folder} cannot be made: {error.strerror or error}.", folder) from error


def _whole(job: _Job, steps: Steps) -> Steps:
    """Take the steps in a new folder; if they do not come to their end, nothing is left of it."""
    _make(job.folder)
    done = False
    try:
        yield from steps
        done = True
    finally:
        if not done:
            steps.close()
            shutil.rmtree(job.folder, ignore_errors=True)


def _watched(job: _Job) -> Steps:
    """Run the job in a process; yields its steps, the last one again while it is busy with it."""
    pipe, theirs = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_serve, args=(theirs, job), daemon=True)
    process.start()
    theirs.close()
    step: ModelProgress | None = ModelProgress(ModelStage.CONVERTING, 0, None, job.source.name)
    try:
        while step is not None:
            yield step
            step = _answer(pipe, step)
    finally:
        process.kill()
        process.join()
        pipe.close()


def _answer(pipe: Connection, step: ModelProgress) -> ModelProgress | None:
    """Wait a moment for the next step; None is the end."""
    if not pipe.poll(_HEARTBEAT_S):
        return step
    try:
        answer: ModelProgress | ClipsearchError | None = pipe.recv()
    except (EOFError, OSError):
        message = "The conversion crashed, or ran out of memory: close other programs and try again."
        raise ConversionError(message) from None
    if isinstance(answer, ClipsearchError):
        raise answer
    return answer


# In the process


def _serve(pipe: Connection, job: _Job) -> None:
    """Do the job and tell the other end of each step, and how it ended; an interrupt is the other end's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    try:
        pipe.send(_outcome(pipe, job))
    except BrokenPipeError:
        return


def _outcome(pipe: Connection, job: _Job) -> ClipsearchError | None:
    steps = _told(job)
    while True:
        try:
            step = next(steps, None)
        except ClipsearchError as error:
            return error
        if step is None:
            return None
        pipe.send(step)


def _told(job: _Job) -> Steps:
    """Take the steps; whatever a strange checkpoint can cause becomes one sentence."""
    try:
        yield from _steps(job)
    except ClipsearchError:
        raise
    except MemoryError as error:
        message = "The memory does not suffice for this model: close other programs and try again."
        raise ConversionError(message) from error
    except OSError as error:
        raise ConversionError(f"The package cannot be written: {error.strerror or error}.", job.folder) from error
    except Exception as error:
        message = f"{job.source.name} cannot be converted: {type(error).__name__}, {error}"
        raise ConversionError(message, job.source) from error


def _steps(job: _Job) -> Iterator[ModelProgress]:
    from clipsearch.encode.onnx_graph import WeightsFile
    from clipsearch.encode.onnx_towers import write_image_tower, write_text_tower
    from clipsearch.model.checkpoint import read_checkpoint

    checkpoint = read_checkpoint(job.source, job.architecture)
    config, state = checkpoint.config, checkpoint.state
    total = sum(tensor.nbytes for tensor in state.values())
    yield ModelProgress(ModelStage.CONVERTING, 0, total, "weights.safetensors")
    package = _describe(job, config)
    _write_weights(state, job.folder / package.files.weights)
    weights = WeightsFile(job.folder / package.files.weights)
    yield ModelProgress(ModelStage.CONVERTING, total, total, package.files.image)
    write_image_tower(config, weights, package.image_model)
    write_text_tower(config, weights, package.text_model)
    _sealed(package).write()
    for file in _check(package, config, state):
        yield ModelProgress(ModelStage.CHECKING, 0, None, file)


def _describe(job: _Job, config: CLIPConfig) -> Package:
    """Describe the package, and put its tokenizer into the folder."""
    vision, text = config.vision, text_form(job.source, config)
    shutil.copyfile(text.tokenizer, job.folder / "tokenizer.json")
    return Package(
        folder=job.folder,
        name=job.name,
        revision="0",
        title=job.title,
        licence=job.licence,
        dim=config.embed_dim,
        preprocess=Preprocess(1, vision.image_size, config.resize, config.interpolation, config.mean, config.std),
        context_length=text.context_length,
        pad_id=text.pad_id,
        cleaning=text.cleaning,
        eot_id=text.eot_id,
        architecture=config.to_json(),
    )


def _tokenizer_of(source: Path, config: CLIPConfig) -> tuple[Path, bool]:
    """Return the tokenizer.json for a checkpoint, and whether it is CLIP's own, which comes with the program."""
    is_clip = config.text.vocab_size == _CLIP_VOCABULARY
    beside = (source if source.is_dir() else source.parent) / "tokenizer.json"
    if beside.is_file() and (source.is_dir() or not is_clip):
        return beside, is_clip
    if is_clip:
        return resource_path("tokenizers/clip") / "tokenizer.json", is_clip
    message = (
        f"{source.name} has a vocabulary of its own; please put its tokenizer.json into the folder of its weights."
    )
    raise ConversionError(message, source)


def _stated(tokenizer: Path, config: CLIPConfig) -> TextForm:
    """Read what training wrote beside its tokenizer. Raises ConversionError."""
    path = tokenizer.with_name(TEXT_FORM)
    try:
        values = json.loads(path.read_text("utf-8"))
        cleaning, eot_id = values["cleaning"], values["eot_id"]
        numbers = int(values["context_length"]), int(values["pad_id"])
        if cleaning not in CLEANINGS or not 0 < numbers[0] <= config.text.context_length:
            raise ValueError(f"cleaning {cleaning!r}, {numbers[0]} positions")
        return TextForm(tokenizer, *numbers, cleaning, None if eot_id is None else int(eot_id))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConversionError(f"{TEXT_FORM} beside the weights is not understood ({error}).", path) from error


def _pad_id(tokenizer: Path) -> int:
    """Return the token with which a model that sees its padding was trained. Raises ConversionError."""
    try:
        values = json.loads(tokenizer.read_text("utf-8"))
        beside = tokenizer.with_name("tokenizer_config.json")
        if beside.is_file() and (token := json.loads(beside.read_text("utf-8")).get("pad_token")):
            return token_id(values, token)
        return int(values["padding"]["pad_id"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = "The tokenizer.json does not say which token fills short texts, nor is a tokenizer_config.json there."
        raise ConversionError(message, tokenizer) from error


def _cleaning(folder: Path, config: CLIPConfig) -> str:
    """How texts were cleaned in training: as OpenCLIP's configuration says, else as SigLIP's were, else not at all."""
    try:
        text = json.loads((folder / "open_clip_config.json").read_text("utf-8"))["model_cfg"]["text_cfg"]
        return cleaning(text)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "canonical" if config.text.pool == "last" else "none"


def _write_weights(state: dict[str, Tensor], path: Path) -> None:
    """Write the weights as stored, in fp32 what has neither that nor half its precision. Raises ConversionError."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    kept = {torch.float32, torch.float16, torch.bfloat16, torch.int64}
    own = {name: _alone(tensor if tensor.dtype in kept else tensor.float()) for name, tensor in state.items()}
    try:
        save_file(own, path)
        path.chmod(0o644)
    except SafetensorError as error:
        raise ConversionError(f"The weights cannot be written: {error}", path) from error


def _alone(tensor: Tensor) -> Tensor:
    """Return a tensor that shares its memory with no other, as the format wants."""
    tensor = tensor.contiguous()
    return tensor if tensor.untyped_storage().nbytes() == tensor.nbytes else tensor.clone()


def _sealed(package: Package) -> Package:
    """Give the package a revision that changes whenever a vector could."""
    digest = hashlib.sha256(revision_of(package.folder).encode())
    with (package.folder / package.files.weights).open("rb") as file:
        digest.update(hashlib.file_digest(file, "sha256").digest())
    return replace(package, revision=digest.hexdigest()[:12])


def _check(package: Package, config: CLIPConfig, state: dict[str, Tensor]) -> Iterator[str]:
    """Compare ONNX Runtime with torch on photos and texts; yields the file at hand. Raises ConversionError."""
    paths = sorted(resource_path("demo").glob("*.jpg"))[:_PHOTOS]
    pixels = np.concatenate([_pixels(path, package.preprocess) for path in paths])
    ids, mask = _tokens(package, config)
    yield package.files.weights
    images, texts = _torch_features(config, state, pixels, ids)
    engine = OnnxEngine(package)
    yield package.files.image
    _compare([f"the photo {path.name}" for path in paths], engine.image_features(pixels), images)
    yield package.files.text
    _compare([f"the text “{text[:40]}”" for text in _TEXTS], engine.text_features(ids, mask), texts)


def _pixels(path: Path, spec: Preprocess) -> Vectors:
    with Image.open(path) as image:
        return normalise(to_square(image.convert("RGB"), spec)[None], spec)


def _tokens(package: Package, config: CLIPConfig) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return ids and mask [n, l] of the texts, as the program will make them. Raises ConversionError."""
    parts = (package.context_length, package.pad_id, package.cleaning, package.eot_id)
    ids, mask = Tokenizer(package.tokenizer, *parts)(_TEXTS)
    if ids.max() >= config.text.vocab_size:
        raise ConversionError("The tokenizer.json beside the weights does not belong to this model.", package.tokenizer)
    return pad(ids, mask, 1 if config.text.ends_early else config.text.context_length, package.pad_id)


def _torch_features(
    config: CLIPConfig, state: dict[str, Tensor], pixels: Vectors, ids: npt.NDArray[np.int64]
) -> tuple[Vectors, Vectors]:
    """Return torch's features of photos and texts, in fp32, straight from the checkpoint's weights."""
    import torch

    from clipsearch.model import as_parameter, assemble

    model = assemble(config, {name: as_parameter(tensor) for name, tensor in state.items()})
    with torch.inference_mode():
        images = torch.cat([model.encode_image(part) for part in torch.split(torch.from_numpy(pixels), _BATCH)])
        texts = model.encode_text(torch.from_numpy(ids))
    return images.numpy(), texts.numpy()


def _compare(what: Sequence[str], made: Vectors, wanted: Vectors) -> None:
    """Raise ConversionError, naming the worst, unless each pair of vectors [n, dim] points the same way."""
    cosines = np.nan_to_num(np.sum(unit(made) * unit(wanted), axis=1), nan=-1.0)
    worst = int(cosines.argmin())
    if cosines[worst] < SAME:
        raise ConversionError(
            f"The converted model gives another vector than torch for {what[worst]}: the cosine is "
            f"{cosines[worst]:.6f}, not {SAME} or more."
        )
