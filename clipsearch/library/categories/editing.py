"""Adding, changing, nesting and forgetting categories; each is a step that can be undone."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace

from clipsearch.encode.prompts import template_set
from clipsearch.errors import CatalogError, ClipsearchError
from clipsearch.library.categories.limits import LONGEST_NAME, refuse_unfit_texts
from clipsearch.library.categories.nesting import refuse_too_deep, within
from clipsearch.library.categories.shown import Shown
from clipsearch.library.library import Library
from clipsearch.records import Action, Category, CategoryInfo
from clipsearch.store.tables.history import CategoryEdit, Edit, JudgementEdit

_NEW = -1  # stands for the category to be, in the step that makes it
_COLOUR = re.compile(r"#[0-9a-f]{6}")


def categories(library: Library) -> list[CategoryInfo]:
    """Return the categories, with their numbers, in the order in which they were added.

    What the model found is as of the last `applying.refresh`.
    """
    return Shown.of(library).infos()


def add(library: Library, category: Category | str, photo_ids: Collection[int] = ()) -> Category:
    """Add a category (or one of this name); return it, or the one that has this name already in any letters.

    The user puts these photos into it, in the same step.

    Raises ClipsearchError for what cannot be kept (see `checked`), and for one of this name that is not as described.
    """
    wanted = Category(0, category) if isinstance(category, str) else category
    wanted = checked(library, replace(wanted, id=0))
    known = known_as(library, wanted.name)
    if known is None:
        try:
            edits: list[Edit] = [CategoryEdit(_NEW, wanted)]
            edits += [JudgementEdit(_NEW, int(photo_id), True) for photo_id in photo_ids]
            (made,) = library.catalog.labels.history.change(Action.ADD, wanted.name, edits)
            return replace(wanted, id=made)
        except CatalogError:
            known = known_as(library, wanted.name)
            if known is None:  # else another process has just added it
                raise
    if wanted not in (Category(0, wanted.name), replace(known, id=0, name=wanted.name)):
        raise ClipsearchError("Category not added", f"There is a category {known.name} already; change that one.")
    library.catalog.labels.judge(known.id, photo_ids, True)
    return known


def change(library: Library, category: Category, seen: Category | None = None) -> Category:
    """Let the category of this id be as told: another name, prompts, threshold, colour, group; return it as it is kept.

    With `seen`, only what differs from that is changed: somebody else may have changed the rest meanwhile.

    Raises ClipsearchError for a category that is gone, a name that another one has, and what `checked` refuses.
    """
    before = get(library, category.id)
    after = checked(library, _only_changed(category, seen, before) if seen else category)
    _refuse_taken(library, after)
    if _words(after) != _words(before):
        after = replace(after, shared="")  # what came with it was learned beside other words, and would hide these
    try:
        library.catalog.labels.history.change(Action.EDIT, before.name, [CategoryEdit(after.id, after)])
    except CatalogError:
        _refuse_taken(library, after)  # another process has just given this name to another category
        raise
    return after


def _refuse_taken(library: Library, category: Category) -> None:
    """Raise ClipsearchError if another category has the name of this one."""
    known = known_as(library, category.name)
    if known is not None and known.id != category.id:
        raise ClipsearchError("Category not changed", f"There is a category {known.name} already; take another name.")


def _only_changed(category: Category, seen: Category, now: Category) -> Category:
    """Return the category as it is now with what differs between the one that was seen and the one that is wanted."""
    wanted, old = asdict(category), asdict(seen)
    return replace(now, **{field: value for field, value in wanted.items() if value != old[field]})


def nest(library: Library, category_id: int, parent_id: int | None) -> None:
    """Put a category into another one, or (None) at the top. Raises ClipsearchError where that would be a circle."""
    category = get(library, category_id)
    after = checked(library, replace(category, parent_id=parent_id))
    library.catalog.labels.history.change(Action.NEST, category.name, [CategoryEdit(category_id, after)])


def remove(library: Library, name: str) -> CategoryInfo:
    """Forget a category with the user's judgements; return what it was. Raises ClipsearchError for an unknown name."""
    info = find(library, name)
    library.catalog.labels.remove(info.category.id)
    return info


def find(library: Library, name: str) -> CategoryInfo:
    """Return a category by its name, upper or lower case. Raises ClipsearchError, which offers near names."""
    category = named(library, name)
    return Shown.of(library, category.id).info(category)


def named(library: Library, name: str) -> Category:
    """Return what `find` does without its numbers, which take longer. Raises as `find` does."""
    found = known_as(library, name)
    if found is None:
        raise ClipsearchError("Category not found", f"There is no category {name!r}.{_hint(library, name)}")
    return found


def known_as(library: Library, name: str) -> Category | None:
    """Return the category that has this name in any letters, as the catalog has it, None where there is none."""
    by_letters = {known.casefold(): id_ for known, id_ in library.catalog.labels.categories().items()}
    return library.catalog.labels.get(by_letters.get(tidy(name).casefold(), 0))


def get(library: Library, category_id: int) -> Category:
    """Return a category by its id. Raises ClipsearchError for one that is gone."""
    found = library.catalog.labels.get(category_id)
    if found is None:
        raise ClipsearchError("Category not found", "This category is gone; it may have been removed meanwhile.")
    return found


def checked(library: Library, category: Category) -> Category:
    """Return a category as it is stored: texts without what nobody sees, each once.

    Raises ClipsearchError for a name that is blank, too long or not printable, an unknown template set, a threshold
    that is no probability, a colour that is none, texts beyond the `limits`, and a category inside itself or too many
    others.
    """
    if category.templates:
        template_set(category.templates)
    if category.threshold is not None and not 0 < category.threshold < 1:
        raise ClipsearchError("Threshold not usable", "A threshold is a probability between 0 and 1, such as 0.5.")
    colour = category.colour.strip().lower()
    if colour and not _COLOUR.fullmatch(colour):
        raise ClipsearchError("Colour not usable", f"The colour {category.colour!r} is not like #3366cc.")
    _refuse_place(library, category)
    tidied = replace(
        category,
        name=_checked_name(category.name),
        prompts=_texts(category.prompts),
        negatives=_texts(category.negatives),
        exclusive_group=tidy(category.exclusive_group),
        colour=colour,
    )
    refuse_unfit_texts(tidied)
    return tidied


def _words(category: Category) -> tuple[object, ...]:
    """Return what a category's zero-shot head is made of."""
    return category.prompts, category.negatives, category.templates


def _refuse_place(library: Library, category: Category) -> None:
    """Raise ClipsearchError where a category cannot lie where it is to."""
    if category.parent_id is None:
        return
    known = {one.id: one for one in library.catalog.labels.all()}
    if category.parent_id not in known:
        raise ClipsearchError("Category not nested", "The category to put it in is gone.")
    if category.id and category.parent_id in within(list(known.values()))[category.id]:
        message = (
            f"{category.name} cannot lie in {known[category.parent_id].name}, which is {category.name} or lies in it."
        )
        raise ClipsearchError("Category not nested", message)
    refuse_too_deep(list((known | {category.id: category}).values()))


def _hint(library: Library, name: str) -> str:
    known = {one.casefold(): one for one in library.catalog.labels.categories()}
    near = [known[one] for one in difflib.get_close_matches(tidy(name).casefold(), known, n=3, cutoff=0.5)]
    if near:
        return f" The nearest names are {', '.join(near)}."
    return f" `clipsearch categories {'list` shows those there are' if known else 'add` makes one'}."


def _checked_name(name: str) -> str:
    name = tidy(name)
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        message = f"A category needs a name of 1 to {LONGEST_NAME} characters that can be printed on one line."
        raise ClipsearchError("Category not added", message)
    return name


def _texts(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the texts in order, each once, without those that say nothing."""
    return tuple(dict.fromkeys(filter(None, map(tidy, texts))))


def tidy(text: str) -> str:
    """Return a text in one form of its letters (NFC), since an accent may be typed in two ways."""
    return unicodedata.normalize("NFC", text.strip())
