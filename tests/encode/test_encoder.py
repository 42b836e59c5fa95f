from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from clipsearch.encode.encoder import Encoder, unit
from clipsearch.errors import PackageError
from clipsearch.paths import resource_path

STARTER = resource_path("models/starter")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.from_folder(STARTER)


def noise(encoder: Encoder, count: int) -> np.ndarray:
    size = encoder.preprocess.size
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def test_pictures_become_unit_vectors_whatever_the_batch(encoder: Encoder) -> None:
    squares = noise(encoder, 3)
    together = encoder.encode_images(squares)
    alone = np.vstack([encoder.encode_images(square[None]) for square in squares])
    assert (together.shape, together.dtype) == ((3, encoder.dim), np.float32)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(np.sum(together * alone, axis=1), 1, atol=1e-3)


def test_texts_become_unit_vectors_whatever_their_company(encoder: Encoder) -> None:
    texts = ["a dog", "a boat on a lake in the evening light", ""]
    together = encoder.encode_texts(texts)
    alone = np.vstack([encoder.encode_texts([text]) for text in texts])
    assert (together.shape, together.dtype) == ((3, encoder.dim), np.float32)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.sum(together * alone, axis=1).min() > 0.98


def test_like_texts_find_like_pictures(encoder: Encoder) -> None:
    dog, puppy, bridge = encoder.encode_texts(["a dog", "a puppy", "a bridge over a river"]) @ encoder.background.T
    assert np.corrcoef(dog, puppy)[0, 1] > np.corrcoef(dog, bridge)[0, 1] + 0.3


def test_a_row_of_zeros_stays_zeros() -> None:
    assert unit(np.array([[0, 0], [3, 4]], np.float32)).tolist() == [[0, 0], [0.6000000238418579, 0.800000011920929]]


@pytest.mark.parametrize("name", ["image.onnx", "text.onnx"])
def test_a_damaged_tower_is_told_when_it_is_used(tmp_path: Path, name: str) -> None:
    for part in ("model.json", "tokenizer.json"):
        shutil.copy(STARTER / part, tmp_path)
    for part in ("image.onnx", "text.onnx"):
        (tmp_path / part).write_bytes(b"damaged")
    encoder = Encoder.from_folder(tmp_path)
    with pytest.raises(PackageError, match=name):
        encoder.encode_images(noise(encoder, 1)) if name == "image.onnx" else encoder.encode_texts(["a dog"])
