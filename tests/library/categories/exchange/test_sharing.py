"""Categories as files for other people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.library.calibration import Head
from clipsearch.library.categories import applying, editing, history
from clipsearch.library.categories.exchange import sharing
from clipsearch.library.categories.exchange.sharing import receive, share
from clipsearch.library.categories.exchange.weights import as_values, heads_from, shared_heads
from clipsearch.library.library import Library
from clipsearch.records import Action, Category
from clipsearch.store.tables.history import CategoryEdit
from tests.conftest import Index
from tests.fakes import fake_library
from tests.library.categories.exchange.conftest import id_of
from tests.pictures import paint

FULL = Category(
    0, "Vögel", None, ("a bird", "ein Vogel"), ("a plane",), "short", "flying", threshold=0.7, colour="#3366cc"
)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Library]:
    """The library of somebody else, with the same model."""
    with fake_library(tmp_path / "other") as library:
        yield library


def test_a_category_arrives_as_it_was(colours: Library, other: Library, tmp_path: Path) -> None:
    outer = editing.add(colours, FULL)
    editing.add(colours, Category(0, "Möwen", outer.id, threshold=0.2))
    file = tmp_path / "birds.json"
    size = share(colours, [outer.id], file)
    assert size == file.stat().st_size < 2000
    received = receive(other, file).categories
    assert [replace(one, id=0, parent_id=None) for one in received] == [FULL, Category(0, "Möwen", threshold=0.2)]
    assert received[1].parent_id == received[0].id
    assert tuple(other.catalog.labels.all()) == received
    assert history.next_steps(other)[0] is not None
    step = history.undo(other)
    assert step
    assert step.action is Action.IMPORT
    assert other.catalog.labels.all() == []


def test_what_is_nested_stays_at_home_if_wanted(colours: Library, other: Library, tmp_path: Path) -> None:
    outer = editing.add(colours, "Birds")
    inner = editing.add(colours, Category(0, "Gulls", outer.id))
    share(colours, [outer.id], tmp_path / "a.json", nested=False)
    assert [one.name for one in receive(other, tmp_path / "a.json").categories] == ["Birds"]
    share(colours, [inner.id], tmp_path / "b.json")
    assert [(one.name, one.parent_id) for one in receive(other, tmp_path / "b.json").categories] == [("Gulls", None)]


def test_a_taken_name_gets_a_number(colours: Library, tmp_path: Path) -> None:
    outer = editing.add(colours, "Birds")
    editing.add(colours, Category(0, "Gulls", outer.id))
    share(colours, [outer.id], tmp_path / "a.json")
    received = receive(colours, tmp_path / "a.json").categories
    assert [(one.name, one.prompts) for one in received] == [("Birds (2)", ("Birds",)), ("Gulls (2)", ("Gulls",))]
    assert [one.name for one in receive(colours, tmp_path / "a.json").categories] == ["Birds (3)", "Gulls (3)"]


def test_a_group_of_the_users_gets_no_rivals(colours: Library, other: Library, tmp_path: Path) -> None:
    for name in ("red", "blue"):
        mine = editing.add(colours, Category(0, name, exclusive_group="Colours"))
    editing.add(colours, Category(0, "green", exclusive_group="colours"))
    share(colours, [one.id for one in colours.catalog.labels.all()], tmp_path / "a.json")
    editing.add(other, Category(0, "birds", exclusive_group="Colours"))
    told = receive(other, tmp_path / "a.json", dry_run=True)
    assert [one.name for one in other.catalog.labels.all()] == ["birds"]
    report = receive(other, tmp_path / "a.json")
    assert [one.exclusive_group for one in report.categories] == ["Colours (2)", "Colours (2)", "colours (3)"]
    assert report.groups == told.groups == (("Colours", "Colours (2)"), ("colours", "colours (3)"))
    assert [one.name for one in told.categories] == [one.name for one in report.categories]
    assert editing.find(colours, "blue").category == mine  # at home nothing has changed


def test_words_that_came_stay_in_a_group_of_their_own(colours: Library, other: Library, tmp_path: Path) -> None:
    editing.add(colours, Category(0, "red", exclusive_group="Colours"))
    share(colours, [id_of(colours, "red")], tmp_path / "a.json")
    report = receive(other, tmp_path / "a.json")
    assert (report.categories[0].exclusive_group, report.groups) == ("Colours", ())


@pytest.mark.parametrize("names", [[f"c{number}" for number in range(33)], [f"c{number}" for number in range(1000)]])
def test_what_is_nested_too_deep_is_refused(names: list[str], colours: Library, tmp_path: Path) -> None:
    values = valid()
    (one,) = values["categories"]
    deep = [one | {"name": name, "parent": place - 1 if place else None} for place, name in enumerate(names)]
    values["categories"] = deep
    (tmp_path / "a.json").write_text(json.dumps(values), "ascii")
    with pytest.raises(ClipsearchError, match="32"):
        receive(colours, tmp_path / "a.json")
    values["categories"] = deep[:32]
    (tmp_path / "a.json").write_text(json.dumps(values), "ascii")
    assert len(receive(colours, tmp_path / "a.json").categories) == 32


@pytest.mark.parametrize("prompts", [("n" * 501,), ("a\nb",), tuple(f"a {number}" for number in range(201))])
def test_nothing_is_shared_that_nobody_could_receive(
    prompts: tuple[str, ...], colours: Library, tmp_path: Path
) -> None:
    unfit = CategoryEdit(0, Category(0, "Birds", prompts=prompts))  # as an earlier version would have kept it
    made = colours.catalog.labels.history.change(Action.ADD, "Birds", [unfit])
    with pytest.raises(ClipsearchError, match="Nobody could receive this"):
        share(colours, made, tmp_path / "a.json")
    assert not (tmp_path / "a.json").exists()


def test_only_what_is_current_is_shared(colours: Library, folder: Path, tmp_path: Path, index: Index) -> None:
    for name, colour in {"one": "red", "two": "blue"}.items():
        paint(folder / f"{name}.png", colour)
    index(colours, folder)
    taught = editing.add(colours, Category(0, "mine", prompts=("green",)))
    colours.catalog.labels.judge(taught.id, by_name(colours, "one"), True)
    applying.refresh(colours)
    model = colours.answering.model_id
    memberships = colours.catalog.memberships
    old = memberships.heads(model)[taught.id]
    memberships.store_heads("another model", len(old.weights[0]), [old])
    editing.change(colours, replace(taught, prompts=("white",)))
    colours.catalog.labels.judge(taught.id, by_name(colours, "two"), True)
    share(colours, [taught.id], tmp_path / "a.json")
    heads = heads_from(json.loads((tmp_path / "a.json").read_bytes())["categories"][0]["heads"])
    assert heads.keys() == {model}
    applying.refresh(colours)
    np.testing.assert_array_equal(heads[model].weights, memberships.heads(model)[taught.id].weights[0])
    assert not np.array_equal(heads[model].weights, old.weights[0])


def test_a_library_that_may_only_be_read_shares_what_is_current(
    colours: Library, folder: Path, tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(folder / "one.png", "red")
    index(colours, folder)
    taught = editing.add(colours, Category(0, "mine", prompts=("green",)))
    colours.catalog.labels.judge(taught.id, by_name(colours, "one"), True)
    share(colours, [taught.id], tmp_path / "a.json")
    colours.catalog.memberships.forget([taught.id])
    monkeypatch.setattr(type(colours.catalog), "read_only", True)
    share(colours, [taught.id], tmp_path / "b.json")
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()


def test_what_was_learned_is_worth_the_same_elsewhere(
    colours: Library, other: Library, folder: Path, tmp_path: Path, index: Index
) -> None:
    for name, colour in {"one": "red", "two": (200, 10, 10), "three": "blue", "four": "green"}.items():
        paint(folder / f"{name}.png", colour)
    index(colours, folder)
    index(other, folder)
    taught = editing.add(colours, Category(0, "mine", prompts=("green",)))
    one, two, three, _ = (photo_id for photo_id in by_name(colours, "one", "two", "three", "four"))
    colours.catalog.labels.judge(taught.id, [one, two], True)
    colours.catalog.labels.judge(taught.id, [three], False)
    applying.refresh(colours)
    model = colours.answering.model_id
    head = colours.catalog.memberships.heads(model)[taught.id]

    share(colours, [taught.id], tmp_path / "a.json")
    (received,) = receive(other, tmp_path / "a.json").categories
    heads = shared_heads(received)
    assert heads.keys() == {model}
    np.testing.assert_array_equal(heads[model].weights, head.weights[0])
    assert heads[model].bias == pytest.approx(float(head.biases[0]))
    applying.refresh(other)
    stored = other.catalog.memberships.heads(model)[received.id]
    np.testing.assert_array_equal(stored.weights[0], head.weights[0])

    text = (tmp_path / "a.json").read_text("utf-8")
    assert not any(word in text for word in ("one", "png", str(folder), "photos"))
    share(other, [received.id], tmp_path / "b.json")  # what came is passed on
    assert json.loads((tmp_path / "b.json").read_bytes()) == json.loads(text)


def by_name(library: Library, *names: str) -> list[int]:
    photos = {photo.path.stem: photo.id for photo in library.catalog.photos.get(library.catalog.photos.ids())}
    return [photos[name] for name in names]


def test_words_alone_carry_no_weights(colours: Library, folder: Path, tmp_path: Path, index: Index) -> None:
    paint(folder / "a.png")
    index(colours, folder)
    category = editing.add(colours, "red")
    applying.refresh(colours)
    share(colours, [category.id], tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_bytes())["categories"][0]["heads"] == {}


def test_heads_survive_being_text() -> None:
    heads = {"a model": Head(np.array([0.1, -2.5, 1e-30], np.float32), -3.25)}
    again = heads_from(json.loads(json.dumps(as_values(heads))))
    np.testing.assert_array_equal(again["a model"].weights, heads["a model"].weights)
    assert again["a model"].bias == -3.25


def valid() -> dict[str, Any]:
    """Return what a shared file holds."""
    heads = as_values({"model": Head(np.ones(4, np.float32), 1.0)})
    texts = {"name": "Birds", "parent": None, "prompts": ["a"], "negatives": [], "templates": "", "group": ""}
    return {
        "format": "clipsearch category",
        "version": 1,
        "categories": [{**texts, "threshold": 0.5, "colour": "#123456", "heads": heads}],
    }


def changed(**parts: Any) -> Callable[[dict[str, Any]], object]:
    return lambda values: values["categories"][0].update(parts)


def of_head(**parts: Any) -> Callable[[dict[str, Any]], object]:
    return lambda values: values["categories"][0]["heads"]["model"].update(parts)


HOSTILE: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda values: values.update(format="other"), "does not say that it is one"),
    (lambda values: values.update(version=2), "another version"),
    (lambda values: values.update(more=1), "other names"),
    (lambda values: values.update(categories={}), "other names"),
    (lambda values: values.update(categories=[]), "not 1 to 1000"),
    (lambda values: values.update(categories=[1]), "other names"),
    (lambda values: values.update(categories=values["categories"] * 1001), "not 1 to 1000"),
    (lambda values: values["categories"][0].pop("group"), "other names"),
    (changed(path="/etc/passwd"), "other names"),
    (changed(name=""), "needs a name"),
    (changed(name="a\nb"), "not printable"),
    (changed(name="\ud800"), "not printable"),
    (changed(name=["a"]), "no text"),
    (changed(name="n" * 101), "needs a name"),
    (changed(parent=0), "nested in none that comes before"),
    (changed(parent=-1), "nested in none that comes before"),
    (changed(parent=True), "nested in none that comes before"),
    (changed(prompts="a"), "not a list"),
    (changed(prompts=["a"] * 201), "not a list"),
    (changed(prompts=["n" * 501]), "longer than 500"),
    (changed(templates="evil"), "no prompts named 'evil'"),
    (changed(threshold=1.0), "threshold"),
    (changed(threshold=True), "threshold"),
    (changed(threshold="0.5"), "threshold"),
    (changed(threshold=float("nan")), "NaN is no number"),
    (changed(threshold=10**400), "threshold"),
    (changed(colour="url(evil)"), "colour"),
    (changed(heads=[]), "heads are not of"),
    (changed(heads={str(number): {} for number in range(17)}), "heads are not of"),
    (changed(heads={"": {"bias": 0, "weights": "AAAA"}}), "model's id"),
    (changed(heads={"m": 1}), "not made of bias and weights"),
    (of_head(more=1), "not made of bias and weights"),
    (of_head(bias=None), "bias is not a sensible number"),
    (of_head(bias=1e300), "bias is not a sensible number"),
    (of_head(bias=10**400), "bias is not a sensible number"),
    (of_head(weights=1), "no text"),
    (of_head(weights="*"), "not in base64"),
    (of_head(weights="ü"), "not in base64"),
    (of_head(weights=""), "cut short"),
    (of_head(weights="AAA="), "cut short"),
    (of_head(weights="AADAfw=="), "weight is not a sensible number"),  # NaN
    (of_head(weights="AACAfw=="), "weight is not a sensible number"),  # infinity
    (of_head(weights="A" * 200_000), "too long"),
]


@pytest.mark.parametrize(("harm", "reason"), HOSTILE)
def test_a_hostile_file_is_refused_in_words(
    harm: Callable[[dict[str, Any]], object], reason: str, colours: Library, tmp_path: Path
) -> None:
    values = valid()
    harm(values)
    (tmp_path / "a.json").write_text(json.dumps(values), "ascii")
    with pytest.raises(ClipsearchError, match=reason):
        receive(colours, tmp_path / "a.json")
    assert colours.catalog.labels.all() == []


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b"[1]", b"1" * 5000, b"{}", b'{"a":'])
def test_rubbish_is_refused_in_words(data: bytes, colours: Library, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(ClipsearchError, match="This is not a shared category"):
        receive(colours, tmp_path / "a.json")


def test_the_valid_one_is_taken(colours: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(valid()), "ascii")
    (received,) = receive(colours, file).categories
    assert shared_heads(received)["model"].weights.tolist() == [1.0] * 4
    monkeypatch.setattr(sharing, "_LARGEST_BYTES", 100)
    with pytest.raises(ClipsearchError, match="too large"):
        receive(colours, file)
    with pytest.raises(ClipsearchError, match="cannot be read"):
        receive(colours, tmp_path / "gone.json")
    with pytest.raises(ClipsearchError, match="it is too large"):
        share(colours, [id_of(colours, "Birds")], tmp_path / "b.json")
    monkeypatch.undo()
    with pytest.raises(ClipsearchError, match="cannot be written"):
        share(colours, [id_of(colours, "Birds")], tmp_path / "nowhere" / "a.json")


def test_heads_of_another_size_do_no_harm(colours: Library, folder: Path, tmp_path: Path, index: Index) -> None:
    paint(folder / "a.png")
    index(colours, folder)
    values = valid()
    heads = {colours.answering.model_id: Head(np.ones(7, np.float32), 0.0)}
    values["categories"][0]["heads"] = as_values(heads)
    (tmp_path / "a.json").write_text(json.dumps(values), "ascii")
    (received,) = receive(colours, tmp_path / "a.json").categories
    applying.refresh(colours)
    assert len(applying.all_scores(colours, received.id)[0]) == 1


def test_other_words_count_instead_of_what_came(colours: Library, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(valid()), "ascii")
    (received,) = receive(colours, tmp_path / "a.json").categories
    renamed = editing.change(colours, replace(received, name="Parrots", threshold=0.3))
    assert renamed.shared == received.shared
    assert editing.change(colours, replace(renamed, prompts=("a parrot",))).shared == ""
    history.undo(colours)
    assert editing.get(colours, received.id) == renamed
