"""What an exchange of categories did, or would do, in words: a sentence or two, and a line for each file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from PySide6.QtCore import QCoreApplication

from clipsearch.records import ExportReport, ImportReport, Problem, ReceiveReport, SidecarChange, SidecarReport
from clipsearch.ui import wording

_MOST_LINES = 500


class Summary(NamedTuple):
    """`text` tells it all; `lines` go into detail; `is_something` says whether there is anything to do."""

    text: str
    lines: tuple[str, ...]
    is_something: bool


def of_export(report: ExportReport, is_dry: bool) -> Summary:
    """The files that are, or would be, put into folders."""
    copies, links, there = (report.count(how) for how in ("copy", "link", "there"))
    if is_dry:
        copied = QCoreApplication.translate("reports", "%Ln files to copy", "", copies)
        linked = QCoreApplication.translate("reports", "%Ln files to link", "", links)
    else:
        copied = QCoreApplication.translate("reports", "%Ln files copied", "", copies)
        linked = QCoreApplication.translate("reports", "%Ln files linked", "", links)
    kept = QCoreApplication.translate("reports", "%Ln files are there already", "", there)
    told = _told((copied, copies), (linked, links), (kept, there))
    lines = (f"{file.source} → {file.target}" for file in report.files if file.how != "there")
    return _summary(told, lines, report.problems, is_something=bool(copies or links))


def of_sidecars(report: SidecarReport, is_dry: bool) -> Summary:
    """The sidecars that are, or would be, written."""
    new = sum(change.is_new for change in report.changes)
    old = len(report.changes) - new
    if is_dry:
        made = QCoreApplication.translate("reports", "%Ln sidecars to make", "", new)
        changed = QCoreApplication.translate("reports", "%Ln sidecars to change", "", old)
    else:
        made = QCoreApplication.translate("reports", "%Ln sidecars made", "", new)
        changed = QCoreApplication.translate("reports", "%Ln sidecars changed", "", old)
    kept = QCoreApplication.translate("reports", "%Ln photos stay as they are", "", report.unchanged)
    told = _told((made, new), (changed, old), (kept, report.unchanged))
    return _summary(told, map(_keywords, report.changes), report.problems, is_something=bool(report.changes))


def of_import(report: ImportReport) -> str:
    """What became of keywords."""
    added = QCoreApplication.translate("reports", "%Ln categories added", "", len(report.categories))
    photos = QCoreApplication.translate("reports", "%Ln photos put in", "", report.photos)
    kept = QCoreApplication.translate("reports", "%Ln times you had said otherwise, which holds", "", report.kept)
    return _sentence([*_told((added, len(report.categories))), photos, *_told((kept, report.kept))])


def of_receiving(report: ReceiveReport) -> str:
    """What a shared file brought."""
    names = ", ".join(wording.one_line(one.name) for one in report.categories)
    told = [QCoreApplication.translate("reports", "Added: {names}").format(names=names)]
    group = QCoreApplication.translate("reports", "the group is called {here}, as you have a group {name} already")
    told += [group.format(here=wording.one_line(here), name=wording.one_line(name)) for name, here in report.groups]
    return "; ".join(told)


def _summary(told: list[str], lines: Iterable[str], problems: tuple[Problem, ...], *, is_something: bool) -> Summary:
    if problems:
        told.append(QCoreApplication.translate("reports", "%Ln cannot be reached or written", "", len(problems)))
    text = _sentence(told) if told else QCoreApplication.translate("reports", "There is nothing to do.")
    return Summary(text, tuple(_cut(_problem_lines(problems), lines)), is_something)


def _problem_lines(problems: tuple[Problem, ...]) -> Iterator[str]:
    for problem in problems:
        yield f"⚠ {problem.path}: {problem.reason}"


def _cut(*parts: Iterable[str]) -> Iterator[str]:
    """The first lines, each fit to be shown, and a sign if there are more."""
    lines = (wording.one_line(line) for part in parts for line in part)
    yield from islice(lines, _MOST_LINES)
    if next(lines, None) is not None:
        yield "…"


def _sentence(parts: list[str]) -> str:
    return f"{', '.join(parts)}."


def _told(*parts: tuple[str, int]) -> list[str]:
    """The parts that are about something."""
    return [text for text, count in parts if count]


def _keywords(change: SidecarChange) -> str:
    signed = [*(f"+{keyword}" for keyword in change.added), *(f"−{keyword}" for keyword in change.removed)]
    return f"{change.path}: {' '.join(signed)}"
