"""Categories as a small file for other people: what they are called and what teaches them, and no photo.

The file is JSON in UTF-8, {"format": "clipsearch category", "version": 1, "categories": [...]}, at most 8 MiB. Each
category is an object; an outer one comes before those nested in it:

- "name": text, 1 to 100 characters;
- "parent": the place in the list, from 0, of the category that it is nested in, or null;
- "prompts", "negatives": lists of texts; "templates", "group": text; "threshold": number between 0 and 1, or null;
  "colour": "#rrggbb" or ""; all as in `records.Category`;
- "heads": what it has learned, by the id of the model: {model id: {"bias": number, "weights": base64 of little-endian
  float32}} (see `weights`). They are of the same model on any computer, and worth nothing to another one. A category
  without judgements has none, since its words say all.

Paths, names and numbers of photos are nowhere in it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from clipsearch.errors import ClipsearchError
from clipsearch.files.replacing import replacing
from clipsearch.library.calibration import Head
from clipsearch.library.categories.editing import checked
from clipsearch.library.categories.exchange.placement import path_of
from clipsearch.library.categories.exchange.weights import as_values, heads_from, shared_heads
from clipsearch.library.categories.nesting import within
from clipsearch.library.library import Library
from clipsearch.paths import extended
from clipsearch.records import Action, Category
from clipsearch.store.tables.history import CategoryEdit

FORMAT, VERSION = "clipsearch category", 1

_LARGEST_BYTES = 8 * 1024 * 1024
_MOST_CATEGORIES = 1000
_MOST_TEXTS = 200
_LONGEST_TEXT = 500
_KEYS = {"name", "parent", "prompts", "negatives", "templates", "group", "threshold", "colour", "heads"}


def share(library: Library, category_ids: Collection[int], file: Path, *, nested: bool = True) -> int:
    """Write categories, and what is nested in them, to a file, in place of one that is there; return its bytes.

    What they have learned is as of the last `applying.refresh`. Raises ClipsearchError.
    """
    categories = library.catalog.labels.all()
    inner = within(categories)
    asked = {one for id_ in category_ids for one in (inner.get(id_, []) if nested else [id_])}
    chosen = sorted((one for one in categories if one.id in asked), key=lambda one: len(path_of(one, categories)))
    learned = _learned(library, chosen)
    places = {one.id: place for place, one in enumerate(chosen)}
    values = [_values(one, places.get(one.parent_id or 0), learned[one.id]) for one in chosen]
    data = json.dumps(
        {"format": FORMAT, "version": VERSION, "categories": values}, ensure_ascii=False, indent=1
    ).encode()
    _write(file, data)
    return len(data)


def receive(library: Library, file: Path) -> list[Category]:
    """Add the categories of a shared file, in one step; return them as they were added.

    A name that is taken gets a number. Raises ClipsearchError, in words, for a file that is not of this format.
    """
    try:
        with extended(file).open("rb") as stream:
            shared = _read(stream.read(_LARGEST_BYTES + 1))
        tidied = [checked(library, replace(one, id=0, parent_id=None)) for one in shared]
    except OSError as error:
        raise ClipsearchError("File not readable", f"{file} cannot be read: {error.strerror}.", file) from error
    except ValueError as error:
        raise ClipsearchError("File not usable", f"This is not a shared category: {error}.", file) from error
    edits = _as_new(shared, tidied, {one.name.casefold() for one in library.catalog.labels.all()})
    made = library.catalog.labels.history.change(Action.IMPORT, tidied[0].name, edits)
    known = {one.id: one for one in library.catalog.labels.all()}
    return [known[id_] for id_ in made]


def _as_new(shared: Sequence[Category], tidied: Sequence[Category], taken: set[str]) -> list[CategoryEdit]:
    """Return what adds the categories, nested as they are in the file, under names that are free."""
    edits = []
    for read, one in zip(shared, tidied, strict=True):
        name = _free_name(one.name, taken)
        prompts = one.prompts or ((one.name,) if name != one.name else ())  # the number is no word for the model
        new = replace(one, id=read.id, parent_id=read.parent_id, name=name, prompts=prompts)
        edits.append(CategoryEdit(read.id, new))
    return edits


# Writing


def _learned(library: Library, categories: Sequence[Category]) -> dict[int, dict[str, Head]]:
    """Return the heads of categories by model, of those that judgements have taught here or somewhere else."""
    judged = library.catalog.labels.all_judgements()
    learned = {one.id: shared_heads(one) for one in categories}
    for model in library.catalog.models.known():
        heads = library.catalog.memberships.heads(model.name)
        for one in categories:
            if one.id in heads and one.id in judged:
                learned[one.id][model.name] = Head(heads[one.id].weights[0], float(heads[one.id].biases[0]))
    return learned


def _values(category: Category, parent: int | None, heads: Mapping[str, Head]) -> dict[str, object]:
    return {
        "name": category.name,
        "parent": parent,
        "prompts": category.prompts,
        "negatives": category.negatives,
        "templates": category.templates,
        "group": category.exclusive_group,
        "threshold": category.threshold,
        "colour": category.colour,
        "heads": as_values(heads),
    }


def _write(file: Path, data: bytes) -> None:
    try:
        with replacing(file) as new:
            new.write_bytes(data)
    except OSError as error:
        raise ClipsearchError("Category not shared", f"{file} cannot be written: {error.strerror}.", file) from error


# Reading: a ValueError says in words what is wrong


def _read(data: bytes) -> list[Category]:
    """Return the categories of a file, numbered from -1 downwards; `parent_id` is of these numbers."""
    if len(data) > _LARGEST_BYTES:
        raise ValueError("it is too large")
    try:
        values = json.loads(data, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("its parts are nested too deep") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError("it does not say that it is one")
    if values.get("version") != VERSION:
        raise ValueError("it was made by another version of this program; update this one")
    categories = values.get("categories")
    if set(values) != {"format", "version", "categories"} or not isinstance(categories, list):
        raise ValueError("its parts have other names")
    if not 0 < len(categories) <= _MOST_CATEGORIES:
        raise ValueError(f"it holds not 1 to {_MOST_CATEGORIES} categories")
    return [_category(value, place) for place, value in enumerate(categories)]


def _category(value: Any, place: int) -> Category:
    if not isinstance(value, dict) or set(value) != _KEYS:
        raise ValueError("a category's parts have other names")
    parent, heads = value["parent"], heads_from(value["heads"])
    if parent is not None and not (_is_whole(parent) and 0 <= parent < place):
        raise ValueError("a category is nested in none that comes before it")
    return Category(
        -1 - place,
        _text(value["name"]),
        None if parent is None else -1 - parent,
        _texts(value["prompts"]),
        _texts(value["negatives"]),
        _text(value["templates"]),
        _text(value["group"]),
        _threshold(value["threshold"]),
        _text(value["colour"]),
        json.dumps(as_values(heads)) if heads else "",
    )


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise ValueError(f"a text is longer than {_LONGEST_TEXT} characters, not printable, or no text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MOST_TEXTS:
        raise ValueError(f"prompts are not a list of at most {_MOST_TEXTS} texts")
    return tuple(map(_text, value))


def _threshold(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError("a threshold is no number between 0 and 1")
    return float(value)


def _free_name(name: str, taken: set[str]) -> str:
    """Return the name, with a number if it is taken, and take it."""
    numbered = (name if number == 1 else f"{name[: 100 - 8]} ({number})" for number in count(1))
    free = next(one for one in numbered if one.casefold() not in taken)
    taken.add(free.casefold())
    return free
