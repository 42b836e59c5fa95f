"""Accuracy against examples seen, of one run or of several that differ in their seed only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training import run as runs
from training.errors import TrainingError
from training.loop.folder import changed
from training.loop.logs import ACCURACY, TABLE
from training.loop.logs import read as read_log
from training.run import Run
from training.trained import RUN

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Zero-shot accuracy float64 [n] after so many pairs float64 [n], which ascend."""

    pairs: Floats
    accuracy: Floats

    @property
    def best(self) -> float:
        """The highest accuracy."""
        return float(self.accuracy.max())

    @property
    def final(self) -> float:
        """The last accuracy."""
        return float(self.accuracy[-1])


@dataclass(frozen=True)
class Method:
    """Runs of one name: `kind` is what they learn, `curves` has one for each seed, all at the same pairs."""

    name: str
    kind: str
    curves: Mapping[int, Curve]

    @property
    def mean(self) -> Curve:
        """The mean over the seeds."""
        return Curve(self.pairs, self._accuracies.mean(axis=0))

    @property
    def pairs(self) -> Floats:
        """After how many pairs accuracy was measured."""
        return next(iter(self.curves.values())).pairs

    @property
    def least(self) -> Floats:
        """The lowest accuracy of any seed, float64 [n]."""
        return np.asarray(self._accuracies.min(axis=0))

    @property
    def greatest(self) -> Floats:
        """The highest accuracy of any seed, float64 [n]."""
        return np.asarray(self._accuracies.max(axis=0))

    @property
    def _accuracies(self) -> Floats:
        return np.stack([curve.accuracy for curve in self.curves.values()])


def methods_of(folders: Sequence[Path]) -> list[Method]:
    """Read the runs in these folders, finished or not, and sort them by name; those of one name become a method.

    Of seeds that have not come equally far, the part is taken that all have measured. Raises TrainingError for a folder
    without a run or without accuracies, and for runs that cannot be compared.
    """
    read = {folder: _run(folder) for folder in folders}
    by_name: dict[str, dict[Path, Run]] = {}
    for folder, run in read.items():
        by_name.setdefault(run.name, {})[folder] = run
    _check_exams(read)
    return [_method(name, inside) for name, inside in by_name.items()]


def kind_of(run: Run) -> str:
    """Name what a run learns as the paper's figure 2 tells methods apart."""
    is_bag = run.objective.kind == "contrastive" and run.network.text.kind == "bag-of-words"
    return "bag-of-words-contrastive" if is_bag else run.objective.kind


def _run(folder: Path) -> Run:
    if not (folder / RUN).is_file():
        raise TrainingError(f"{folder} is no folder of a run: there is no {RUN} in it.")
    return runs.read(folder / RUN)


def _check_exams(read: Mapping[Path, Run]) -> None:
    """Make sure that all runs were asked the same."""
    first, *others = read.items()
    for folder, run in others:
        one, other = (r.evaluation for r in (first[1], run))
        if (one.classes, one.pictures, one.templates) != (other.classes, other.pictures, other.templates):
            raise TrainingError(f"{first[0]} and {folder} were evaluated differently; their accuracies do not compare.")


def _method(name: str, read: Mapping[Path, Run]) -> Method:
    (first, run), curves = next(iter(read.items())), dict[int, Curve]()
    for folder, other in read.items():
        if differing := set(changed(run, other)) - {"seed"}:
            told = ", ".join(sorted(differing))
            raise TrainingError(f"{first} and {folder} are both named “{name}”, but differ in {told}; rename one.")
        if other.seed in curves:
            raise TrainingError(f"{folder} is the second run named “{name}” with the seed {other.seed}; leave one out.")
        curves[other.seed] = _curve(folder)
    return Method(name, kind_of(run), _aligned(name, curves))


def _curve(folder: Path) -> Curve:
    """Read what a run has logged."""
    path = folder / TABLE
    try:
        rows = {row["pairs"]: row[ACCURACY] for row in read_log(path) if ACCURACY in row and "pairs" in row}
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read ({error}).") from error
    if not rows:
        raise TrainingError(f"{path} holds no accuracy yet; evaluation.every says how often it is measured.")
    pairs = np.array(sorted(rows))
    return Curve(pairs, np.array([rows[count] for count in pairs]))


def _aligned(name: str, curves: Mapping[int, Curve]) -> dict[int, Curve]:
    """Leave out what not all seeds have measured."""
    common = sorted(set.intersection(*(set(curve.pairs.tolist()) for curve in curves.values())))
    if not common:
        raise TrainingError(f"The runs named “{name}” were never measured after the same number of pairs.")
    kept = {seed: np.isin(curve.pairs, common) for seed, curve in curves.items()}
    return {seed: Curve(curve.pairs[kept[seed]], curve.accuracy[kept[seed]]) for seed, curve in curves.items()}
