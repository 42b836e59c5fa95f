"""The bundled starter model as a package, and the parts it is made from that need no torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from clipsearch.paths import resource_path

STARTER = Path(resource_path("models/starter"))


@pytest.fixture(scope="module")
def encoder():
    from training.starter.evaluate import PackageEncoder

    return PackageEncoder(STARTER)


def test_package_is_small_and_complete() -> None:
    names = {"model.json", "tokenizer.json", "image.onnx", "text.onnx", "background.npy"}
    assert {path.name for path in STARTER.iterdir()} == names
    assert sum(path.stat().st_size for path in STARTER.iterdir()) <= 40_000_000


def test_background_is_of_unit_vectors_of_the_model() -> None:
    description = json.loads((STARTER / "model.json").read_text("utf-8"))
    background = np.load(STARTER / "background.npy").astype(np.float32)
    assert background.shape[1] == description["dim"] <= 768
    np.testing.assert_allclose(np.linalg.norm(background, axis=1), 1, atol=5e-3)


def test_scores_of_any_text_are_z_scores_over_ordinary_photos(encoder) -> None:
    from training.starter.calibrate import COSINE_OF_ONE, LEVEL_IN_PICTURE

    background = np.load(STARTER / "background.npy").astype(np.float32)
    scores = encoder.encode_texts(["a dog", "happiness", "snow", "my old bicycle in the garden"]) @ background.T
    one = COSINE_OF_ONE / (1 + LEVEL_IN_PICTURE**2) ** 0.5
    np.testing.assert_allclose(scores.mean(axis=1) / one, 0, atol=0.1)
    np.testing.assert_allclose(scores.std(axis=1) / one, 1, atol=0.15)


def test_a_text_means_the_same_alone_and_in_a_batch(encoder) -> None:
    alone = encoder.encode_texts(["a dog"])
    batch = encoder.encode_texts(["a dog", "an old lighthouse by the sea at night"])
    np.testing.assert_allclose(alone[0], batch[0], atol=1e-4)


@pytest.mark.parametrize(
    ("query", "photo"),
    [
        ("a hot air balloon", "balloon.jpg"),
        ("an astronaut", "astronaut.jpg"),
        ("a windmill", "windmill.jpg"),
        ("a moose", "moose.jpg"),
    ],
)
def test_finds_the_demo_photo(encoder, query: str, photo: str) -> None:
    from training.starter.pixels import read_pixels

    files = sorted(Path(resource_path("demo")).glob("*.jpg"))
    scores = encoder.encode_texts([query]) @ encoder.encode_images(map(read_pixels, files)).T
    best_three = [files[index].name for index in np.argsort(-scores[0])[:3]]
    assert photo in best_three


def test_light_is_read_from_words() -> None:
    pytest.importorskip("onnx")
    from training.starter import light

    moods = dict(zip(light.NAMES, light.of_text("a red house at night"), strict=True))
    assert moods["red"] == moods["night"] == 1
    assert not light.of_text("a chair").any()


def test_quantised_weights_come_back() -> None:
    pytest.importorskip("onnx")
    from training.starter.graph import quantise

    values = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
    stored, scale = quantise(values, axis=1)
    np.testing.assert_allclose(stored * scale, values, atol=float(scale.max()) / 2 + 1e-6)


def test_tags_keep_what_the_photos_are_told_apart_by() -> None:
    pytest.importorskip("onnx")
    from training.starter import tags

    rng = np.random.default_rng(0)
    features = rng.random((40, 1280))
    labels = [{"photo", ("sea", "forest", "street", "kitchen")[row % 4], f"caption {row}"} for row in range(40)]
    words = tags.vocabulary(labels)
    vectors = rng.normal(size=(len(words), 384))
    whole, cut = (tags.fit(features, labels, words, vectors, dim) for dim in (39, 8))
    inputs = (np.sqrt(features) - whole.mean) / whole.spread
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    answers, kept = (inputs @ fitted.picture @ fitted.text.T for fitted in (whole, cut))
    places = [words.index(word) for word in ("sea", "forest", "street", "kitchen")]
    np.testing.assert_array_equal(answers[:, places].argmax(1), kept[:, places].argmax(1))
