"""What stands over the grid, and in its place when there is nothing to show, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QCoreApplication

from clipsearch.records import Hit
from clipsearch.ui import wording
from clipsearch.ui.library_access import Overview
from clipsearch.ui.questions import BurstQuestion, PhotoQuestion, PictureQuestion, Question, TextQuestion


class Emptiness(NamedTuple):
    """An icon, a title, a text, and perhaps a button."""

    icon: str
    title: str
    text: str
    button: str = ""


def heading(question: Question | None, hits: Sequence[Hit] | None, sure: int, overview: Overview | None) -> str:
    """What is shown; `sure` are the hits that are not folded."""
    match question:
        case PhotoQuestion(photo):
            return QCoreApplication.translate("headings", "Similar to {name}").format(
                name=wording.one_line(photo.path.name)
            )
        case BurstQuestion():
            return wording.burst_count(len(hits or []))
        case PictureQuestion(path):
            return QCoreApplication.translate("headings", "Similar to {name}").format(name=wording.one_line(path.name))
        case TextQuestion():
            return wording.match_count(sure) if sure else QCoreApplication.translate("headings", "No sure match")
    folder = overview.folder if overview else None
    return (
        wording.one_line(wording.folder_name(folder))
        if folder
        else QCoreApplication.translate("headings", "All photos")
    )


def remark(question: Question | None, hits: Sequence[Hit] | None, sure: int, rows: int) -> str:
    """What is said beside the heading; `rows` stand in the grid."""
    match question:
        case None:
            return wording.photo_count(rows)
        case TextQuestion(text):
            return (
                QCoreApplication.translate("headings", "for “{text}”")
                if sure
                else QCoreApplication.translate("headings", "The closest to “{text}”")
            ).format(text=text)
        case BurstQuestion(photo):
            return QCoreApplication.translate("headings", "around {name}").format(
                name=wording.one_line(photo.path.name)
            )
    return wording.match_count(sure) if hits else ""


def emptiness(overview: Overview, is_indexing: bool) -> Emptiness:
    """Why the grid is empty, and what can be done about it."""
    if overview.photo_ids:
        text = QCoreApplication.translate(
            "headings", "Try other words: what is in the photo, where it is, what happens."
        )
        return Emptiness(
            "search",
            QCoreApplication.translate("headings", "Nothing found"),
            text,
            QCoreApplication.translate("headings", "Show all photos"),
        )
    if is_indexing:
        return Emptiness(
            "photos",
            QCoreApplication.translate("headings", "Looking at your photos…"),
            QCoreApplication.translate("headings", "The first ones appear in a moment."),
        )
    if not overview.folders:
        text = QCoreApplication.translate(
            "headings", "Then describe a photo in your own words to find it.\nYour photos stay on this computer."
        )
        return Emptiness(
            "folder-add",
            QCoreApplication.translate("headings", "Drop a folder of photos here"),
            text,
            QCoreApplication.translate("headings", "Add folder…"),
        )
    if overview.folder is not None:
        text = QCoreApplication.translate("headings", "There are no pictures in it that can be read.")
        return Emptiness("photos", QCoreApplication.translate("headings", "No photos in this folder"), text)
    text = QCoreApplication.translate("headings", "The folders that you added hold no pictures that can be read.")
    return Emptiness(
        "photos",
        QCoreApplication.translate("headings", "No photos yet"),
        text,
        QCoreApplication.translate("headings", "Add folder…"),
    )


def no_members() -> Emptiness:
    """Why no photo is in a category."""
    return Emptiness(
        "category",
        QCoreApplication.translate("headings", "No photos in it yet"),
        QCoreApplication.translate("headings", "Drag photos onto its name, or lower its threshold."),
    )
