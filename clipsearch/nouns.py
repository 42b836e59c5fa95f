"""How a thing is called that is counted, in the sentences of the command line and of errors. The window has Qt's."""

from __future__ import annotations


def noun(count: float, one: str) -> str:
    """Return `one`, such as "photo" or "category", as it stands behind this count: "1 photo", "0 photos"."""
    if count == 1:
        return one
    return f"{one[:-1]}ies" if one.endswith("y") and one[-2] not in "aeiou" else f"{one}s"
