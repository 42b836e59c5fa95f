"""Categories as a small file for other people: what they are called and what teaches them, and no photo.

The file is JSON in UTF-8, {"format": "clipsearch category", "version": 1, "categories": [...]}, at most 8 MiB. Each
category is an object; an outer one comes before those nested in it:

- "name": text, 1 to 100 characters;
- "parent": the place in the list, from 0, of the category that it is nested in, or null; at most 32 levels;
- "prompts", "negatives": lists of texts; "templates", "group": text; "threshold": number between 0 and 1, or null;
  "colour": "#rrggbb" or ""; all as in `records.Category`;
- "heads": what it has learned, by the id of the model: {model id: {"bias": number, "weights": base64 of little-endian
  float32}} (see `weights`). They are of the same model on any computer, and worth nothing to another one. They are what
  it has learned in the model that answers, besides what came with it. A category without judgements has none, since its
  words say all.

Paths, names and numbers of photos are nowhere in it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from clipsearch.encode.encoder import Encoder
from clipsearch.errors import ClipsearchError
from clipsearch.files.replacing import replacing
from clipsearch.library.calibration import Head
from clipsearch.library.categories import applying
from clipsearch.library.categories.editing import checked
from clipsearch.library.categories.exchange.placement import path_of
from clipsearch.library.categories.exchange.weights import as_values, heads_from, shared_heads
from clipsearch.library.categories.heads import Truth, current_heads
from clipsearch.library.categories.limits import LONGEST_TEXT, MOST_TEXTS
from clipsearch.library.categories.nesting import refuse_too_deep, within
from clipsearch.library.library import Library
from clipsearch.paths import extended
from clipsearch.records import Action, Category, ReceiveReport
from clipsearch.store.tables.history import CategoryEdit

FORMAT, VERSION = "clipsearch category", 1

_LARGEST_BYTES = 8 * 1024 * 1024
_MOST_CATEGORIES = 1000
_KEYS = {"name", "parent", "prompts", "negatives", "templates", "group", "threshold", "colour", "heads"}


def share(library: Library, category_ids: Collection[int], file: Path, *, nested: bool = True) -> int:
    """Write categories, and what is nested in them, to a file, in place of one that is there; return its bytes.

    What they have learned is of this moment, and of the model that answers: what an earlier one has kept may be out of
    date. Raises ClipsearchError, also for what `receive` would refuse.
    """
    categories = library.catalog.labels.all()
    inner = within(categories)
    asked = {one for id_ in category_ids for one in (inner.get(id_, []) if nested else [id_])}
    chosen = sorted((one for one in categories if one.id in asked), key=lambda one: len(path_of(one, categories)))
    learned = _learned(library, chosen)
    places = {one.id: place for place, one in enumerate(chosen)}
    values = [_values(one, places.get(one.parent_id or 0), learned[one.id]) for one in chosen]
    whole = {"format": FORMAT, "version": VERSION, "categories": values}
    data = json.dumps(whole, ensure_ascii=False, indent=1).encode()
    try:
        _read(data)
    except ValueError as error:
        raise ClipsearchError("Category not shared", f"Nobody could receive this: {error}.", file) from error
    _write(file, data)
    return len(data)


def receive(library: Library, file: Path, *, dry_run: bool = False) -> ReceiveReport:
    """Add the categories of a shared file, in one step; tell what was added, or (`dry_run`) what would be.

    A name that is taken gets a number, and so does a group's: in a group of the user's, categories that come would take
    photos from those that are in it. Raises ClipsearchError, in words, for a file that is not of this format.
    """
    try:
        with extended(file).open("rb") as stream:
            shared = _read(stream.read(_LARGEST_BYTES + 1))
        tidied = [checked(library, replace(one, id=0, parent_id=None)) for one in shared]
    except OSError as error:
        raise ClipsearchError("File not readable", f"{file} cannot be read: {error.strerror}.", file) from error
    except ValueError as error:
        raise ClipsearchError("File not usable", f"This is not a shared category: {error}.", file) from error
    known = library.catalog.labels.all()
    groups = _free_groups(tidied, known)
    new = _as_new(shared, tidied, groups, {one.name.casefold() for one in known})
    renamed = tuple((group, here) for group, here in groups.items() if group != here)
    if dry_run:
        return ReceiveReport(tuple(new), renamed)
    edits = [CategoryEdit(one.id, one) for one in new]
    made = library.catalog.labels.history.change(Action.IMPORT, tidied[0].name, edits)
    added = {one.id: one for one in library.catalog.labels.all()}
    return ReceiveReport(tuple(added[id_] for id_ in made), renamed)


def _as_new(
    shared: Sequence[Category], tidied: Sequence[Category], groups: Mapping[str, str], taken: set[str]
) -> list[Category]:
    """Return the categories, nested as they are in the file, under names that are free."""
    new = []
    for read, one in zip(shared, tidied, strict=True):
        name = _free_name(one.name, taken)
        prompts = one.prompts or ((one.name,) if name != one.name else ())  # the number is no word for the model
        group = groups.get(one.exclusive_group, "")
        place = replace(one, id=read.id, parent_id=read.parent_id)
        new.append(replace(place, name=name, prompts=prompts, exclusive_group=group))
    return new


def _free_groups(tidied: Sequence[Category], known: Sequence[Category]) -> dict[str, str]:
    """Return what the exclusive groups of a file are called here, where none of theirs may be the user's."""
    taken = {one.exclusive_group.casefold() for one in known}
    groups = dict.fromkeys(one.exclusive_group for one in tidied if one.exclusive_group)
    return {group: _free_name(group, taken) for group in groups}


# Writing


def _learned(library: Library, categories: Sequence[Category]) -> dict[int, dict[str, Head]]:
    """Return the heads of categories by model, of those that judgements have taught here or somewhere else."""
    learned = {one.id: shared_heads(one) for one in categories}
    judged = library.catalog.labels.all_judgements()
    if taught := [one for one in categories if one.id in judged]:
        applying.refresh(library, [one.id for one in taught])
        encoder, heads = library.ask(lambda encoder: _taught(library, encoder, taught))
        for category_id, head in heads.items():
            learned[category_id][encoder.model_id] = head
    return learned


def _taught(library: Library, encoder: Encoder, categories: Sequence[Category]) -> dict[int, Head]:
    """Return the heads, up to date, of categories that photos known to the encoder's model have taught."""
    truth = Truth.of(library, encoder.model_id)
    heads = current_heads(library, encoder, truth, [one for one in categories if truth.judgements.get(one.id)])
    return {category_id: Head(one.weights[0], float(one.biases[0])) for category_id, one in heads.items()}


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


# Reading: a ValueError or ClipsearchError says in words what is wrong


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
    read = [_category(value, place) for place, value in enumerate(categories)]
    refuse_too_deep(read)
    return read


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
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
        raise ValueError(f"a text is longer than {LONGEST_TEXT} characters, not printable, or no text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_TEXTS:
        raise ValueError(f"prompts are not a list of at most {MOST_TEXTS} texts")
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
