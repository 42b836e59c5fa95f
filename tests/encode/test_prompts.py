from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from clipsearch.encode.encoder import Encoder, unit
from clipsearch.encode.preprocess import to_square
from clipsearch.encode.prompts import (
    BEST,
    DEFAULT,
    ENSEMBLE,
    SHORT,
    Classifiers,
    classifier,
    fill,
    predict,
    probabilities,
    template_set,
    template_sets,
)
from clipsearch.errors import ClipsearchError
from clipsearch.files.decode import decode
from clipsearch.paths import resource_path
from tests.fakes import FakeEncoder

#: what each bundled photo shows
CLASSES = {
    "airplane": "airplane", "astronaut": "astronaut", "balloon": "hot-air balloon", "beach": "beach",
    "blossom": "blossom", "boats": "boat", "books": "book", "car": "car", "cat": "cat", "cat-portrait": "cat",
    "chameleon": "chameleon", "cliff": "cliff", "coffee": "coffee", "dandelions": "dandelion", "dog": "dog",
    "football": "football", "galaxies": "galaxy", "goldfish": "goldfish", "house": "house", "moon-walk": "astronaut",
    "moose": "moose", "mountains": "mountain", "officer": "officer", "owl": "owl", "parrot": "parrot",
    "photographer": "photographer", "rocket": "rocket", "sunflower": "sunflower", "sushi": "sushi", "tulips": "tulip",
    "windmill": "windmill",
}  # fmt: skip
#: the other classes of CIFAR-100, as the CLIP paper names them
OTHERS = """
apple,aquarium fish,baby,bear,beaver,bed,bee,beetle,bicycle,bottle,bowl,boy,bridge,bus,butterfly,camel,can,
castle,caterpillar,cattle,chair,chimpanzee,clock,cloud,cockroach,couch,crab,crocodile,cup,dinosaur,dolphin,
elephant,flatfish,forest,fox,girl,hamster,kangaroo,keyboard,lamp,lawn mower,leopard,lion,lizard,lobster,man,
maple tree,motorcycle,mouse,mushroom,oak tree,orange,orchid,otter,palm tree,pear,pickup truck,pine tree,plain,
plate,poppy,porcupine,possum,rabbit,raccoon,ray,road,rose,sea,seal,shark,shrew,skunk,skyscraper,snail,snake,
spider,squirrel,streetcar,sweet pepper,table,tank,telephone,television,tiger,tractor,train,trout,turtle,
wardrobe,whale,willow tree,wolf,woman,worm
""".replace("\n", "")


class CountingEncoder(FakeEncoder):
    """Maps a text to a vector that only the text decides, and counts the texts."""

    texts = 0

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.texts += len(texts)
        rows = [np.random.default_rng(list(text.encode())).normal(size=4) for text in texts]
        return unit(np.array(rows, np.float32).reshape(-1, 4))


@pytest.fixture(scope="module")
def starter() -> Encoder:
    return Encoder.from_folder(resource_path("models/starter"))


@pytest.fixture(scope="module")
def photos(starter: Encoder) -> npt.NDArray[np.float32]:
    """The bundled photos' vectors, in the order of `CLASSES`."""
    spec = starter.preprocess
    folder = resource_path("demo")
    assert {path.stem for path in folder.glob("*.jpg")} == set(CLASSES)
    squares = [to_square(decode(folder / f"{name}.jpg", spec.size).image, spec) for name in CLASSES]
    return np.vstack([starter.encode_images(square[None]) for square in squares])


def test_the_ensemble_beats_the_bare_name_on_real_photos(starter: Encoder, photos: npt.NDArray[np.float32]) -> None:
    """The starter's own ensemble, on the bundled photos among their classes and a hundred others.

    By accuracy (0.935 against 0.903), mean log probability and mean margin in cosine. The published ensembles are
    made for models that learned from captions; the starter, which learned from words, loses by them.
    """
    names = sorted({*CLASSES.values(), *OTHERS.split(",")})
    right = np.array([names.index(name) for name in CLASSES.values()])
    bare, ensemble = (classifier(starter, names, templates) for templates in (["{}"], template_set(SHORT)))
    assert np.mean(predict(photos, ensemble) == right) > np.mean(predict(photos, bare) == right) > 0.85
    assert log_likelihood(photos, ensemble, right) > log_likelihood(photos, bare, right)
    assert margin(photos, ensemble, right) > margin(photos, bare, right)


def margin(photos: npt.NDArray[np.float32], classes: npt.NDArray[np.float32], right: npt.NDArray[np.int64]) -> float:
    scores = photos @ classes.T
    rows = np.arange(len(right))
    own = scores[rows, right].copy()
    scores[rows, right] = -1
    return float(np.mean(own - scores.max(axis=1)))


def log_likelihood(
    photos: npt.NDArray[np.float32], classes: npt.NDArray[np.float32], right: npt.NDArray[np.int64]
) -> float:
    return float(np.log(probabilities(photos, classes)[np.arange(len(right)), right]).mean())


def test_a_classifier_is_the_mean_of_unit_vectors_scaled_again() -> None:
    encoder, templates = CountingEncoder(), ("a {}.", "the {}", "{}")
    vectors = classifier(encoder, ["dog", "cat"], templates)
    for name, vector in zip(["dog", "cat"], vectors, strict=True):
        mean = sum(encoder.encode_texts([template.replace("{}", name)])[0] for template in templates) / 3
        assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 255, 256, 257])
@pytest.mark.parametrize("templates", [("{}",), template_set(ENSEMBLE)], ids=["one", "eighty"])
def test_each_class_keeps_its_place_whatever_their_number(count: int, templates: tuple[str, ...]) -> None:
    encoder, names = CountingEncoder(), [f"class {number}" for number in range(count)]
    vectors = classifier(encoder, names, templates)
    assert vectors.shape == (count, encoder.dim)
    assert encoder.texts == count * len(templates)
    for number in {0, count // 2, count - 1} & set(range(count)):
        assert np.allclose(vectors[number], classifier(encoder, [names[number]], templates)[0], atol=1e-6)


def test_a_second_classifier_costs_no_encoding(tmp_path: Path) -> None:
    first, names, templates = CountingEncoder(), ["dog", "cat"], template_set(ENSEMBLE)
    classifiers = Classifiers(tmp_path / "cache")
    made = classifiers.get(first, names, templates)
    assert first.texts == 160
    assert classifiers.get(first, names, templates) is made
    assert first.texts == 160
    later = CountingEncoder()  # another run of the program
    assert np.array_equal(Classifiers(tmp_path / "cache").get(later, list(names), list(templates)), made)
    assert later.texts == 0
    assert not made.flags.writeable


def test_model_names_and_templates_each_make_another_classifier(tmp_path: Path) -> None:
    encoder, other = CountingEncoder(), CountingEncoder("2")
    classifiers = Classifiers(tmp_path)
    questions = [
        (encoder, ["dog", "cat"], ["{}"]),
        (encoder, ["cat", "dog"], ["{}"]),
        (encoder, ["dog", "cat"], ["a {}"]),
        (encoder, ["dog"], ["{}"]),
        (other, ["dog", "cat"], ["{}"]),
    ]
    for question in questions:
        classifiers.get(*question)
    assert (encoder.texts, other.texts, len(list(tmp_path.iterdir()))) == (7, 2, 5)


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"PK\x03\x04", "cut", "shape", "kind", "nan", "pickle"])
def test_a_damaged_cache_file_is_made_again(tmp_path: Path, damage: bytes | str) -> None:
    encoder = CountingEncoder()
    wanted = Classifiers(tmp_path).get(encoder, ["dog", "cat"], ["{}"])
    (path,) = tmp_path.iterdir()
    match damage:
        case bytes():
            path.write_bytes(damage)
        case "cut":
            path.write_bytes(path.read_bytes()[:-5])
        case "shape":
            np.save(path, wanted[:1])
        case "kind":
            np.save(path, wanted.astype(np.float64))
        case "nan":
            np.save(path, wanted * np.float32(np.nan))
        case "pickle":
            np.save(path, np.array([[{"a": 1}]], object), allow_pickle=True)
    assert np.array_equal(Classifiers(tmp_path).get(encoder, ["dog", "cat"], ["{}"]), wanted)
    assert encoder.texts == 4
    assert np.array_equal(np.load(path), wanted)


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert Classifiers(tmp_path / "file").get(CountingEncoder(), ["dog"], ["{}"]).shape == (1, 4)


def test_probabilities_are_the_softmax_of_the_scaled_cosines() -> None:
    images = unit(np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32))
    classes = unit(np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32))
    powers = np.exp(100.0 * images.astype(float) @ classes.T.astype(float))
    shares = probabilities(images, classes)
    assert np.allclose(shares, powers / powers.sum(axis=1, keepdims=True), atol=1e-5)
    assert shares.dtype == np.float32
    assert predict(images, classes).tolist() == shares.argmax(axis=1).tolist()
    assert probabilities(images[:0], classes).shape == (0, 3)


def test_the_sets_are_the_published_ones() -> None:
    sets = template_sets()
    assert (len(sets[DEFAULT]), len(sets[BEST]), len(sets[ENSEMBLE])) == (1, 7, 80)
    assert set(sets[BEST]) <= set(sets[ENSEMBLE])
    assert {"cifar10": 18, "caltech101": 34, "ucf101": 48, "kinetics700": 28, "dtd": 8}.items() <= {
        name: len(templates) for name, templates in sets.items()
    }.items()
    for templates in sets.values():
        assert len(set(templates)) == len(templates)
        assert all(fill(template, "x") for template in templates)


def test_a_name_may_hold_anything() -> None:
    assert fill("a photo of a {}.", "{} {0} %s \\1") == "a photo of a {} {0} %s \\1."


@pytest.mark.parametrize("template", ["a photo", "{} and {}", "{0}", ""])
def test_a_template_without_a_place_for_the_name_is_told(template: str) -> None:
    with pytest.raises(ClipsearchError, match=r"needs one \{\}"):
        classifier(CountingEncoder(), ["dog"], [template])


def test_no_template_is_told() -> None:
    with pytest.raises(ClipsearchError, match="at least one"):
        classifier(CountingEncoder(), ["dog"], [])


def test_an_unknown_set_is_told_with_what_is_near() -> None:
    with pytest.raises(ClipsearchError, match="cifar10"):
        template_set("cifar-10")
