"""A dialog that shows what it would do, then does it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from clipsearch.errors import ClipsearchError
from clipsearch.records import ExchangeProgress
from clipsearch.ui.categories.exchange.dialog import DryRunDialog
from clipsearch.ui.categories.exchange.reports import Summary
from clipsearch.ui.tasks import Tasks


class Work:
    """Notes how it is run; waits before its second step until it may go on."""

    def __init__(self) -> None:
        self.runs: list[bool] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.closed = 0
        self.error: Exception | None = None

    def __call__(self, is_dry: bool) -> Generator[ExchangeProgress, None, str]:
        self.runs.append(is_dry)
        try:
            yield ExchangeProgress(1, 2)
            self.may_go_on.wait(5)
            if self.error:
                raise self.error
            yield ExchangeProgress(2, 2)
        finally:
            self.closed += 1
        return "12 files"


def describe(report: str, is_dry: bool) -> Summary:
    return Summary(f"{report} {'to copy' if is_dry else 'copied'}", ("a → b",), report != "nothing")


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def dialog(qtbot, tasks: Tasks) -> Iterator[DryRunDialog]:
    parent = QWidget()
    qtbot.addWidget(parent)
    made = DryRunDialog("Export", "Export", tasks, describe, parent)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    made.show()
    yield made


def shows(dialog: DryRunDialog, text: str) -> Callable[[], bool]:
    return lambda: dialog.summary.text() == text


def test_it_does_nothing_before_the_user_has_seen_what(qtbot, dialog: DryRunDialog, work: Work) -> None:
    assert not dialog.act.isEnabled()
    dialog.plan(work)
    qtbot.waitUntil(shows(dialog, "12 files to copy"))
    assert work.runs == [True]
    assert dialog.details.toPlainText() == "a → b"
    dialog.act.click()
    qtbot.waitUntil(shows(dialog, "12 files copied"))
    assert work.runs == [True, False]
    assert not dialog.act.isVisible()
    assert dialog.cancel.text() == "Close"


def test_a_choice_plans_anew_and_drops_the_plan_before(qtbot, dialog: DryRunDialog, work: Work) -> None:
    work.may_go_on.clear()
    dialog.plan(work)
    qtbot.waitUntil(lambda: dialog.progress.value() == 1)
    newer = Work()
    dialog.plan(newer)
    work.may_go_on.set()
    qtbot.waitUntil(shows(dialog, "12 files to copy"))
    assert (work.closed, newer.runs) == (1, [True])


def test_closing_stops_the_work(qtbot, dialog: DryRunDialog, work: Work) -> None:
    dialog.plan(work)
    qtbot.waitUntil(dialog.act.isEnabled)
    work.may_go_on.clear()
    dialog.act.click()
    qtbot.waitUntil(lambda: dialog.progress.value() == 1)
    dialog.cancel.click()
    work.may_go_on.set()
    qtbot.waitUntil(lambda: work.closed == 2)
    assert not dialog.isVisible()


def test_a_failure_is_told_in_words_and_the_choices_can_be_changed(qtbot, dialog: DryRunDialog, work: Work) -> None:
    dialog.plan(work)
    qtbot.waitUntil(dialog.act.isEnabled)
    work.error = ClipsearchError("Full", "The disk is full.")
    dialog.act.click()
    qtbot.waitUntil(lambda: "The disk is full." in dialog.summary.text())
    assert not dialog.act.isEnabled()
    work.error = None
    dialog.plan(work)
    qtbot.waitUntil(dialog.act.isEnabled)


def test_where_there_is_nothing_to_do_nothing_can_be_done(qtbot, dialog: DryRunDialog) -> None:
    def nothing(is_dry: bool) -> Generator[ExchangeProgress, None, str]:
        yield ExchangeProgress(0, 0)
        return "nothing"

    dialog.plan(nothing)
    qtbot.waitUntil(shows(dialog, "nothing to copy"))
    assert not dialog.act.isEnabled()
