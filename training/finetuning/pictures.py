"""Pictures to learn from and to be measured with: folders of folders named after classes, and pairs with texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from clipsearch.encode.preprocess import Preprocess, normalise, to_square
from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import decode
from training.data.pairs import BadPairError, Pair
from training.errors import TrainingError
from training.evaluation.folder import pictures_in

MOST_TOLD = 20  # pairs that are left out


@dataclass(frozen=True, slots=True)
class Files:
    """Pictures on disk, and what each of them is: the number of its class, or of its text among `texts`."""

    texts: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, numbers: Sequence[int]) -> Files:
        """Return some of the pictures, in this order."""
        return replace(self, paths=tuple(self.paths[n] for n in numbers), labels=tuple(self.labels[n] for n in numbers))

    def of(self, label: int) -> list[int]:
        """Return the numbers of the pictures with this label."""
        return [number for number, one in enumerate(self.labels) if one == label]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures in memory: `squares` uint8 [n, size, size, 3] as `to_square` makes them, `labels` int64 [n]."""

    squares: Tensor
    labels: Tensor
    preprocess: Preprocess

    def __len__(self) -> int:
        return len(self.labels)

    def pixels(self, rows: Tensor) -> Tensor:
        """Return the model's input, float32 [n, 3, size, size]."""
        return torch.from_numpy(normalise(self.squares[rows].numpy(), self.preprocess))


@dataclass(frozen=True)
class Split:
    """Files to learn from, to choose by and, where any are left, to report on."""

    train: Files
    validation: Files
    test: Files


def read_classes(folder: Path) -> Files:
    """Find the pictures in a folder of folders, each named after its class ("_" is a space). Raises TrainingError."""
    try:
        places = sorted(place for place in folder.iterdir() if place.is_dir() and not place.name.startswith("."))
        found = [(place, pictures_in(place)) for place in places]
    except OSError as error:
        raise TrainingError(f"{folder} cannot be read: {error.strerror or error}.") from error
    classes = [(place, paths) for place, paths in found if paths]
    if not classes:
        raise TrainingError(f"{folder} holds no folders with pictures; there should be one for each class.")
    names = tuple(" ".join(place.name.replace("_", " ").split()) for place, _ in classes)
    paths = tuple(path for _, inside in classes for path in inside)
    return Files(names, paths, tuple(label for label, (_, inside) in enumerate(classes) for _ in inside))


def read_pairs(path: Path, warnings: list[str]) -> Files:
    """Find the pictures with texts in a table (columns `filepath` and `title`) or a folder with caption files.

    What has no picture or no text is left out and told. Raises TrainingError.
    """
    from training.data.sources.folders import Folder
    from training.data.sources.source import Source
    from training.data.sources.tables import Table

    source: Source = Folder(path) if path.is_dir() else Table(path, "filepath", "title")
    found: list[tuple[Path, str]] = []
    lost = list(source.told)
    for number in range(source.count or 0):
        try:
            found.append(_whole(source.pair(number)))
        except BadPairError as error:
            lost.append(str(error))
    warnings += lost[:MOST_TOLD]
    if len(lost) > MOST_TOLD:
        warnings.append(f"{len(lost):,} pairs are left out in all; these were the first {MOST_TOLD}.")
    texts = tuple(dict.fromkeys(text for _, text in found))
    numbers = {text: number for number, text in enumerate(texts)}
    return Files(texts, tuple(one for one, _ in found), tuple(numbers[text] for _, text in found))


def _whole(pair: Pair) -> tuple[Path, str]:
    """Return a pair's picture and text. Raises BadPairError where one is missing."""
    if not (isinstance(pair.picture, Path) and pair.picture.is_file()):
        raise BadPairError(f"{pair.key} is left out: the file is not there.")
    if not (text := pair.text.strip()):
        raise BadPairError(f"{pair.key} is left out: it has no text.")
    return pair.picture, text


def split_classes(files: Files, shots: int, share: float, seed: int) -> Split:
    """Deal out the pictures of each class: a share to choose by, `shots` to learn from, the others to report on.

    With `shots` 0 all but the share are learned from. Of each class at least one picture is chosen by, and at least
    one learned from.
    """
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for label in range(len(files.texts)):
        numbers = _shuffled(files.of(label), seed, label)
        wanted = len(numbers) if not shots else min(len(numbers), round(shots / (1 - share)))
        kept = min(max(1, round(share * wanted)), len(numbers) - 1)
        learned = len(numbers) - kept if not shots else min(shots, len(numbers) - kept)
        for part, chosen in zip(parts, np.split(numbers, [learned, learned + kept]), strict=True):
            part.extend(int(number) for number in chosen)
    return Split(*(files.take(sorted(part)) for part in parts))


def split_pairs(files: Files, share: float, seed: int) -> Split:
    """Deal out pairs: a share of the texts to choose by, at least two, the others to learn from.

    Pictures with the same text stay together.
    """
    texts = _shuffled(range(len(files.texts)), seed, 0)
    kept = set(texts[: max(2, round(share * len(texts)))].tolist())
    numbers = range(len(files))
    train, validation = ([n for n in numbers if (files.labels[n] in kept) == side] for side in (False, True))
    return Split(files.take(train), files.take(validation), files.take([]))


def some(files: Files, most: int, seed: int) -> Files:
    """Return at most so many of the pictures, drawn at random."""
    return files.take(sorted(_shuffled(range(len(files)), seed, 0)[:most].tolist()))


def halves(files: Files, seed: int) -> tuple[Files, Files]:
    """Deal out pictures evenly at random, class by class; the odd ones of all classes are dealt out together.

    The second half has one more where the number is odd.
    """
    parts: tuple[list[int], list[int]] = ([], [])
    odd: list[int] = []
    for label in range(len(files.texts)):
        numbers = _shuffled(files.of(label), seed, label).tolist()
        half = len(numbers) // 2
        parts[0].extend(numbers[:half])
        parts[1].extend(numbers[half : 2 * half])
        odd += numbers[2 * half :]
    odd = _shuffled(odd, seed, len(files.texts)).tolist()
    parts[0].extend(odd[: len(odd) // 2])
    parts[1].extend(odd[len(odd) // 2 :])
    return files.take(sorted(parts[0])), files.take(sorted(parts[1]))


def load_pictures(files: Files, preprocess: Preprocess, warnings: list[str]) -> Pictures:
    """Read pictures into memory; what cannot be read is left out and told. Raises TrainingError if none is left."""
    squares, labels = [], []
    for path, label in zip(files.paths, files.labels, strict=True):
        try:
            squares.append(to_square(decode(path, preprocess.size).image, preprocess))
            labels.append(label)
        except UnreadablePhotoError as error:
            warnings.append(f"{path} is left out: {error.message}")
    if not squares:
        raise TrainingError("None of the pictures can be read." if len(files) else "There are no pictures.")
    return Pictures(torch.from_numpy(np.stack(squares)), torch.tensor(labels), preprocess)


def batches(count: int, size: int, seed: int, epoch: int) -> Iterator[Tensor]:
    """Yield the numbers 0..count-1 in a random order, in batches of nearly equal size, at most `size`: int64 [n]."""
    order = torch.from_numpy(_shuffled(range(count), seed, epoch + 1))
    yield from torch.tensor_split(order, max(1, -(-count // size)))


def _shuffled(numbers: Sequence[int], seed: int, stream: int) -> np.ndarray:
    return np.random.default_rng([seed, stream]).permutation(np.array(numbers, np.int64))
