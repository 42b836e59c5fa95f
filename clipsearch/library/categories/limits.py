"""How much a category may hold: whatever is kept here can be shared, and whatever is shared can be kept elsewhere."""

from __future__ import annotations

from clipsearch.errors import ClipsearchError
from clipsearch.records import Category

LONGEST_NAME = 100
LONGEST_TEXT = 500  # of a prompt, a negative or a group's name
MOST_TEXTS = 200  # prompts, and as many negatives
DEEPEST = 32  # levels of categories in categories


def refuse_unfit_texts(category: Category) -> None:
    """Raise ClipsearchError where prompts, negatives or the group's name are too long, too many or not printable."""
    for texts in (category.prompts, category.negatives):
        if len(texts) > MOST_TEXTS:
            raise ClipsearchError("Too many descriptions", f"A category takes at most {MOST_TEXTS} descriptions.")
    for text in (*category.prompts, *category.negatives, category.exclusive_group):
        if len(text) > LONGEST_TEXT or not text.isprintable():
            message = f"Each description, and a group's name, is one line of at most {LONGEST_TEXT} characters."
            raise ClipsearchError("Description not usable", message)
