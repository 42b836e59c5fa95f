"""The colours of categories: the user's choice, or one of twelve that tell neighbours apart in light and dark."""

from __future__ import annotations

from PySide6.QtGui import QColor

from clipsearch.records import Category

COLOURS = (
    "#d9534f",
    "#e08a2e",
    "#c9a617",
    "#7fa82c",
    "#3a9d5d",
    "#2a9d9a",
    "#3c8fd0",
    "#5b74d8",
    "#8a63c9",
    "#b857a6",
    "#c95b7c",
    "#8c7365",
)


def colour_of(category: Category) -> QColor:
    """Return the colour of a category's dot; one that has none chosen goes by its number."""
    chosen = QColor(category.colour) if category.colour else QColor()
    return chosen if chosen.isValid() else QColor(COLOURS[(5 * category.id) % len(COLOURS)])
