# ruff: noqa: N802 - Qt's own names
"""The list of files that could not be indexed, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from clipsearch.records import Problem
from clipsearch.ui import wording
from clipsearch.ui.empty_state import EmptyState
from clipsearch.ui.widgets import label, push_button

Index = QModelIndex | QPersistentModelIndex


class ProblemModel(QAbstractTableModel):
    """One row a problem: name, folder, reason."""

    def __init__(self) -> None:
        super().__init__()
        self._problems: Sequence[Problem] = []

    def show_problems(self, problems: Sequence[Problem]) -> None:
        self.beginResetModel()
        self._problems = problems
        self.endResetModel()

    def problem(self, row: int) -> Problem | None:
        return self._problems[row] if 0 <= row < len(self._problems) else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._problems)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 3

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        problem = self.problem(index.row())
        if problem is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            name, folder = wording.one_line(problem.path.name), wording.elided_path(problem.path.parent)
            return (name, problem.reason, folder)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{wording.one_line(str(problem.path))}\n{problem.reason}"
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return (self.tr("File"), self.tr("Reason"), self.tr("Folder"))[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None


class ProblemsView(QWidget):
    """Path and reason of each problem, with ways to look at the file and to try again."""

    retry_wanted = Signal()
    reveal_wanted = Signal(object)  # Path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ProblemModel()
        self.table = self._make_table()
        self._shown: list[Problem] = []
        self._retry = push_button("refresh", self.tr("Try again"), self.retry_wanted.emit)
        self._retry.setToolTip(self.tr("Index the folders again; files that can be read now leave this list"))
        self._reveal = push_button("reveal", self.tr("Show in folder"), self._reveal_current)
        self._reveal.setEnabled(False)
        self._stack = QStackedWidget()
        self._lay_out()
        self.show_problems([])

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Show these; the same ones again change nothing."""
        self._stack.setCurrentIndex(0 if problems else 1)
        if list(problems) == self._shown:
            return
        self._shown = list(problems)
        self.model.show_problems(self._shown)
        self._on_selected()

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("problems")
        table.setModel(self.model)
        table.setAccessibleName(self.tr("Problems"))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setShowGrid(False)
        table.setWordWrap(True)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(46)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        for column, width in ((0, 240), (2, 280)):
            table.setColumnWidth(column, width)
        table.activated.connect(lambda index: self._reveal_row(index.row()))
        table.selectionModel().selectionChanged.connect(lambda *_: self._on_selected())
        return table

    def _lay_out(self) -> None:
        remark = label(self.tr("These files could not be read. Everything else was indexed."), "muted")
        remark.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label(self.tr("Problems"), "title"))
        row.addWidget(remark, 1)
        row.addWidget(self._reveal)
        row.addWidget(self._retry)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(20, 4, 20, 16)
        layout.setSpacing(12)
        layout.addLayout(row)
        layout.addWidget(self.table, 1)
        empty = EmptyState()
        empty.show_text("info", self.tr("No problems"), self.tr("Every file in your folders could be read."))
        self._stack.addWidget(page)
        self._stack.addWidget(empty)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._stack)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.table.currentIndex().isValid():
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.addAction(self._reveal.icon(), self._reveal.text(), self._reveal.click)
            menu.addAction(self._retry.icon(), self._retry.text(), self._retry.click)
            menu.popup(event.globalPos())

    def _on_selected(self) -> None:
        self._reveal.setEnabled(self.table.selectionModel().hasSelection())

    def _reveal_current(self) -> None:
        self._reveal_row(self.table.currentIndex().row())

    def _reveal_row(self, row: int) -> None:
        problem = self.model.problem(row)
        if problem is not None:
            self.reveal_wanted.emit(problem.path)
