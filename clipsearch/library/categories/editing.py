"""Adding, changing and forgetting categories; each is a step that can be undone."""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import replace

from clipsearch.errors import ClipsearchError
from clipsearch.library.library import Library
from clipsearch.records import Action, Category, CategoryInfo
from clipsearch.store.tables.history import CategoryEdit

_LONGEST_NAME = 100


def categories(library: Library) -> list[CategoryInfo]:
    """Return the categories, with their numbers, in the order in which they were added."""
    counts = library.catalog.labels.counts()
    return [CategoryInfo(one, *counts.get(one.id, (0, 0))) for one in library.catalog.labels.all()]


def add(library: Library, category: Category | str) -> Category:
    """Add a category (or one of this name); return it, or the one that has this name already in any letters.

    Raises ClipsearchError for a name that is blank, too long or not printable.
    """
    wanted = Category(0, category) if isinstance(category, str) else category
    name = _checked(wanted.name)
    known = _known_as(library, name)
    if known is None:
        edits = [CategoryEdit(0, replace(wanted, id=0, name=name))]
        (made,) = library.catalog.labels.history.change(Action.ADD, name, edits)
        return replace(wanted, id=made, name=name)
    return known


def remove(library: Library, name: str) -> CategoryInfo:
    """Forget a category with the user's judgements; return what it was. Raises ClipsearchError for an unknown name."""
    info = find(library, name)
    library.catalog.labels.remove(info.category.id)
    return info


def find(library: Library, name: str) -> CategoryInfo:
    """Return a category by its name, upper or lower case. Raises ClipsearchError, which offers near names."""
    known = _known_as(library, _tidy(name))
    found = next((info for info in categories(library) if info.category == known), None)
    if found is None:
        raise ClipsearchError("Category not found", f"There is no category {name!r}.{_hint(library, name)}")
    return found


def _known_as(library: Library, name: str) -> Category | None:
    """Return the category as the catalog has it, None where there is no such category."""
    by_letters = {known.name.casefold(): known for known in library.catalog.labels.all()}
    return by_letters.get(name.casefold())


def _hint(library: Library, name: str) -> str:
    known = {one.casefold(): one for one in library.catalog.labels.categories()}
    near = [known[one] for one in difflib.get_close_matches(_tidy(name).casefold(), known, n=3, cutoff=0.5)]
    if near:
        return f" The nearest names are {', '.join(near)}."
    return f" `clipsearch categories {'list` shows those there are' if known else 'add` makes one'}."


def _checked(name: str) -> str:
    """Return the name as it is stored. Raises ClipsearchError."""
    name = _tidy(name)
    if not name or not name.isprintable() or len(name) > _LONGEST_NAME:
        message = f"A category needs a name of 1 to {_LONGEST_NAME} characters that can be printed on one line."
        raise ClipsearchError("Category not added", message)
    return name


def _tidy(name: str) -> str:
    """Return the name in one form of its letters (NFC), since an accent may be typed in two ways."""
    return unicodedata.normalize("NFC", name.strip())
