"""Measures a model package the way the program uses it: vectors through ONNX Runtime, ranking by dot product."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

BATCH = 16


class PackageEncoder:
    """The two towers of a package; unit vectors out."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self.image = onnxruntime.InferenceSession(folder / "image.onnx", providers=["CPUExecutionProvider"])
        self.text = onnxruntime.InferenceSession(folder / "text.onnx", providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_padding(pad_id=0)

    def encode_images(self, pictures: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """Return unit vectors [n,dim] of pictures, each float32 [3,260,260]."""
        return unit(
            np.concatenate([self.image.run(None, {"pixels": np.stack(batch)})[0] for batch in _batches(pictures)])
        )

    def encode_texts(self, texts: list[str]) -> npt.NDArray[Any]:
        encoded = self.tokenizer.encode_batch(texts)
        ids = np.array([entry.ids for entry in encoded], np.int64)
        mask = np.array([entry.attention_mask for entry in encoded], np.int64)
        return unit(self.text.run(None, {"input_ids": ids, "attention_mask": mask})[0])


@dataclass(frozen=True)
class Scores:
    """Means over queries."""

    precision_at_one: float
    average_precision: float

    def __str__(self) -> str:
        return f"P@1 {self.precision_at_one:.3f}  mAP {self.average_precision:.3f}"


def measure(scores: npt.NDArray[Any], wanted: list[set[int]]) -> Scores:
    """Return the mean P@1 and average precision of scores [queries,photos]; `wanted`: each query's relevant columns."""
    firsts, precisions = [], []
    for row, answers in zip(scores, wanted, strict=True):
        good = np.isin(np.argsort(-row, kind="stable"), list(answers))
        ranks = np.flatnonzero(good) + 1
        firsts.append(good[0])
        precisions.append((np.arange(1, len(ranks) + 1) / ranks).mean())
    return Scores(float(np.mean(firsts)), float(np.mean(precisions)))


def within(scores: npt.NDArray[Any], queries: dict[str, set[int]], columns: npt.NDArray[Any]) -> Scores:
    """Measure over some photos only; queries with no answer among them do not count."""
    place = {int(column): index for index, column in enumerate(columns)}
    wanted = [{place[row] for row in answers if row in place} for answers in queries.values()]
    kept = [index for index, answers in enumerate(wanted) if answers]
    return measure(scores[np.ix_(np.array(kept), columns)], [wanted[index] for index in kept])


def the_other_way(scores: npt.NDArray[Any], queries: dict[str, set[int]], columns: npt.NDArray[Any]) -> Scores:
    """Measure which texts fit each photo: are the scores of different texts comparable?"""
    answered = [{number for number, answers in enumerate(queries.values()) if column in answers} for column in columns]
    kept = [index for index, wanted in enumerate(answered) if wanted]
    return measure(scores.T[columns[kept]], [answered[index] for index in kept])


def unit(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    scaled: npt.NDArray[Any] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def _batches(pictures: Iterable[npt.NDArray[Any]]) -> Iterable[list[npt.NDArray[Any]]]:
    batch: list[npt.NDArray[Any]] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
