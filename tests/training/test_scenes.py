"""The generated benchmark: pure, true, held out, and more than one picture."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageChops

from training.errors import TrainingError
from training.scenes import ASPECTS, exams, held_out, scene, texts
from training.scenes.captions import background, caption, named
from training.scenes.content import Background, Content, Thing, Word, combinations_of, imagine
from training.scenes.drawing import FACES, draw
from training.scenes.folder import write
from training.scenes.parts import (
    COLOURS,
    COUNTS,
    GROUNDS,
    HELD_OUT,
    HELD_OUT_ASPECTS,
    RELATIONS,
    SHAPES,
    SIZES,
    TEXTURES,
    WORDS,
    contrasts,
)

PLAIN = Background("plain", "white")


def picture(seed: int, index: int, held_out: bool = False) -> Image.Image:
    drawn = scene(seed, index, held_out).picture
    assert isinstance(drawn, Image.Image)
    return drawn


def training_scenes(count: int) -> list[Content]:
    return [imagine(Random(index)) for index in range(count)]


def test_a_scene_depends_on_nothing_but_its_seed_and_index() -> None:
    first = [(picture(3, index).tobytes(), scene(3, index).text) for index in range(20)]
    again = [(picture(3, index).tobytes(), scene(3, index).text) for index in reversed(range(20))]
    assert first == again[::-1]


def test_no_two_scenes_are_alike() -> None:
    pictures = {picture(seed, index, out).tobytes() for seed in (0, 1) for index in range(200) for out in (False, True)}
    assert len(pictures) == 800


def test_pictures_are_rgb_of_any_size() -> None:
    assert [(picture(0, 1).mode, picture(0, 1).size)] == [("RGB", (64, 64))]
    assert [scene(0, index, size=96).picture.size for index in range(40)] == [(96, 96)] * 40  # type: ignore[union-attr]


def test_captions_alone_are_those_of_the_scenes() -> None:
    assert list(texts(5, 50)) == [scene(5, index).text for index in range(50)]


def test_training_never_shows_what_is_held_out() -> None:
    shown = {combination for content in training_scenes(4000) for combination in combinations_of(content)}
    assert shown.isdisjoint(HELD_OUT)


def test_training_shows_every_part_of_what_is_held_out() -> None:
    """Also each part in its aspect: each number, each relation with each shape, each texture."""
    shown = {
        (combination[0], part)
        for content in training_scenes(4000)
        for combination in combinations_of(content)
        for part in combination[1:]
    }
    assert {(out[0], part) for out in HELD_OUT for part in out[1:]} <= shown


def test_a_part_of_each_aspect_is_held_out() -> None:
    counts = Counter(combination[0] for combination in HELD_OUT)
    pairs = len(SHAPES) * (len(SHAPES) - 1) // 2
    assert counts["object"] == len(COLOURS) * len(SHAPES) // 4
    assert counts["size"] == len(SIZES) * len(COLOURS) // 6
    assert counts["count"] == len(COUNTS) * len(SHAPES) // 4
    assert counts["background"] == len(TEXTURES) * len(GROUNDS) // 4
    assert counts["word"] == len(WORDS) * len(COLOURS) // 4
    assert counts["relation"] < pairs * len(RELATIONS) / 3
    assert set(counts) == set(HELD_OUT_ASPECTS)


@pytest.mark.parametrize("aspect", HELD_OUT_ASPECTS)
def test_a_held_out_scene_holds_out_its_aspect_and_no_other(aspect: str) -> None:
    for index in range(100):
        held = {one[0] for one in combinations_of(imagine(Random(index), aspect)) if one in HELD_OUT}
        assert held == {aspect}


def test_held_out_scenes_take_the_aspects_in_turns() -> None:
    turns = len(HELD_OUT_ASPECTS)
    word = HELD_OUT_ASPECTS.index("word")
    said = [scene(0, word + turns * number, held_out=True).text for number in range(20)]
    assert sum(any(written in text for written in WORDS) for text in said) > 15


def test_things_can_be_seen_on_what_they_lie_on() -> None:
    for content in training_scenes(2000):
        own = [thing.colour for thing in content.things] + ([content.word.colour] if content.word else [])
        assert all(contrasts(COLOURS[colour], GROUNDS[content.background.colour]) for colour in own)
        assert content.background.colour not in own
        if content.relation == "inside":
            assert contrasts(*(COLOURS[colour] for colour in own))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_drawn_in_its_colour_and_with_smooth_edges(shape: str) -> None:
    drawn = draw(Content(PLAIN, (Thing("blue", shape, "large"),)), Random(1), 64)
    blueness = np.asarray(drawn, int)[..., 2] - np.asarray(drawn, int)[..., 0]
    assert 0.05 < (blueness > 120).mean() < 0.6
    assert ((blueness > 50) & (blueness < 120)).sum() > 20  # neither blue nor white


def test_no_two_shapes_look_the_same() -> None:
    drawn = {shape: draw(Content(PLAIN, (Thing("black", shape, "large"),)), Random(1), 64) for shape in SHAPES}
    least = min(
        np.asarray(ImageChops.difference(drawn[one], drawn[other])).mean()
        for place, one in enumerate(SHAPES)
        for other in SHAPES[:place]
    )
    assert least > 10


def centre(drawn: Image.Image, channel: int) -> tuple[float, float]:
    """Where the things of a colour are that is all in one channel, as parts of the side: across and down."""
    values = np.asarray(drawn, int)
    rest = values.sum(axis=2) - values[..., channel]
    down, across = np.nonzero((values[..., channel] > 150) & (rest < 220))
    return across.mean() / drawn.width, down.mean() / drawn.height


@pytest.mark.parametrize("index", range(20))
def test_relations_are_drawn_as_they_are_told(index: int) -> None:
    things = (Thing("red", "square"), Thing("blue", "circle"))
    drawn = {relation: draw(Content(PLAIN, things, relation), Random(index), 64) for relation in RELATIONS}
    assert centre(drawn["left of"], 0)[0] < centre(drawn["left of"], 2)[0] - 0.3
    assert centre(drawn["above"], 0)[1] < centre(drawn["above"], 2)[1] - 0.3
    assert np.allclose(centre(drawn["inside"], 0), centre(drawn["inside"], 2), atol=0.1)


@pytest.mark.parametrize("number", COUNTS)
def test_as_many_things_are_drawn_as_are_told(number: int) -> None:
    one = (0.9 * 0.1325) ** 2 * np.pi  # of a circle, as a part of the picture
    for index in range(10):
        drawn = draw(Content(PLAIN, (Thing("blue", "circle"),) * number), Random(index), 64)
        blue = (np.asarray(drawn, int)[..., 0] < 140).mean()
        assert abs(blue / one - number) < 0.3 * number


def test_sizes_do_not_overlap() -> None:
    areas: dict[str, list[float]] = {}
    for size in SIZES:
        drawn = (draw(Content(PLAIN, (Thing("black", "circle", size),)), Random(index), 64) for index in range(20))
        areas[size] = [(np.asarray(one, int).mean(axis=2) < 128).mean() for one in drawn]
    assert max(areas["small"]) < min(areas["medium"]) and max(areas["medium"]) < min(areas["large"])


def test_words_are_written_and_differ() -> None:
    drawn = {word: draw(Content(PLAIN, word=Word("black", word)), Random(4), 64) for word in WORDS}
    assert all((np.asarray(one) < 100).mean() > 0.02 for one in drawn.values())
    assert len({one.tobytes() for one in drawn.values()}) == len(WORDS)


@pytest.mark.parametrize("texture", TEXTURES)
def test_textures_can_be_seen_through_the_noise(texture: str) -> None:
    spread = np.mean(
        [
            np.asarray(draw(Content(Background(texture, "blue")), Random(index), 64).resize((16, 16)))[..., 2].std()
            for index in range(10)
        ]
    )
    assert spread < 2 if texture == "plain" else spread > 7


def test_captions_say_one_scene_in_many_ways_and_nothing_that_is_not_there() -> None:
    content = Content(Background("striped", "green"), (Thing("orange", "star", "small"),))
    said = {caption(content, Random(index)) for index in range(300)}
    words = {word.strip(",") for text in said for word in text.split()}
    assert len(said) > 60
    assert words & set(COLOURS) == {"orange", "green"} and words & set(SHAPES) == {"star"}
    assert words & set(SIZES) == {"small"} and words & set(TEXTURES) == {"striped"}
    assert "a orange" not in " ".join(said)
    assert any(text.index("green") < text.index("orange") for text in said if {"green", "orange"} <= set(text.split()))


def test_a_relation_is_told_from_both_sides() -> None:
    content = Content(PLAIN, (Thing("red", "square"), Thing("blue", "circle")), "left of")
    said = {caption(content, Random(index)) for index in range(400)}
    assert {"a red square left of a blue circle", "a blue circle right of a red square"} <= said
    assert not {"a blue circle left of a red square", "a red square right of a blue circle"} & said


def test_names_read_well() -> None:
    assert named(Thing("orange", "arrow")) == "an orange arrow"
    assert background(PLAIN) == "a plain white background" and background(PLAIN, brief=True) == "a white background"


@pytest.mark.parametrize("aspect", ASPECTS)
def test_questions_are_about_what_is_held_out(aspect: str) -> None:
    exam, again, other = (held_out(30, seed, aspect) for seed in (1, 1, 2))
    told = [question.classes[question.answer] for question in exam.questions]
    assert told == [question.classes[question.answer] for question in again.questions]
    assert told != [question.classes[question.answer] for question in other.questions]
    assert all(len(set(question.classes)) == len(question.classes) for question in exam.questions)
    if aspect == "object":
        assert all(("object", *text.split()[1:]) in HELD_OUT for text in told)
    if aspect == "background":
        assert all(("background", *text.split()[1:3]) in HELD_OUT for text in told)


def test_chance_is_one_over_the_number_of_classes() -> None:
    chances = {exam.aspect: exam.chance for exam in exams(70, seed=0)}
    wanted = {
        **{"object": 1 / 192, "size": 1 / 3, "count": 1 / 4, "background": 1 / 40},
        **{"word": 1 / 16, "relation": 1 / 3, "order": 1 / 2},
    }
    assert chances == pytest.approx(wanted)


def test_exams_share_the_pictures_and_none_of_them_is_for_training() -> None:
    assert [len(exam.questions) for exam in exams(10, seed=0)] == [2, 2, 2, 1, 1, 1, 1]
    training = {picture(0, index).tobytes() for index in range(100)}
    asked = [question.picture for exam in exams(100, seed=0) for question in exam.questions]
    assert training.isdisjoint(one.tobytes() for one in asked if isinstance(one, Image.Image))


def test_no_bag_of_words_can_tell_the_order() -> None:
    exam = held_out(200, 0, "order")
    assert all(sorted(one.split()) == sorted(other.split()) for one, other in (q.classes for q in exam.questions))
    answers = Counter(question.answer for question in exam.questions)
    first = Counter(
        question.classes[question.answer] < question.classes[1 - question.answer] for question in exam.questions
    )
    assert min(answers.values()) > 70 and min(first.values()) > 70  # neither the place nor the alphabet tells it


def test_scenes_become_a_folder_with_a_table(tmp_path: Path) -> None:
    write(tmp_path / "scenes", 5, seed=2, held_out=False, size=32)
    with (tmp_path / "scenes" / "captions.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["title"] for row in rows] == list(texts(2, 5))
    with Image.open(tmp_path / "scenes" / rows[3]["filepath"]) as image:
        assert image.tobytes() == scene(2, 3, size=32).picture.tobytes()  # type: ignore[union-attr]


@pytest.mark.parametrize(("count", "size"), [(0, 64), (1, 8)])
def test_scenes_too_few_or_too_small_are_refused(tmp_path: Path, count: int, size: int) -> None:
    with pytest.raises(TrainingError, match="one scene or more"):
        write(tmp_path / "scenes", count, seed=0, held_out=False, size=size)
    assert not (tmp_path / "scenes").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(TrainingError, match="not empty"):
        write(tmp_path, 5, seed=2, held_out=False, size=32)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_words_are_written_in_several_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    content = Content(Background("plain", "white"), word=Word("red", "lamp"))
    seen = set()
    for face in FACES:
        monkeypatch.setattr("training.scenes.drawing.FACES", (face,))
        seen.add(draw(content, Random(3), 64).tobytes())
    assert len(seen) == len(FACES) > 2
