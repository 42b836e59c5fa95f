# ruff: noqa: N802 - Qt's own names
"""The list of files that could not be indexed, each with its reason; above it, folders that miss many photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

from clipsearch.records import Folder, Problem
from clipsearch.ui import wording
from clipsearch.ui.empty_state import EmptyState
from clipsearch.ui.missing_notice import MissingNotice
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
    update_wanted = Signal(object)  # Folder
    forget_wanted = Signal(object)  # Folder: its missing photos were deleted

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ProblemModel()
        self.table = self._make_table()
        self._shown: tuple[list[Problem], list[Folder]] = ([], [])
        self.notices: list[MissingNotice] = []
        self._notice_rows = QVBoxLayout()
        self._notice_rows.setSpacing(8)
        self._remark = label(self.tr("These files could not be read. Everything else was indexed."), "muted")
        self._remark.setWordWrap(True)
        self._retry = push_button("refresh", self.tr("Try again"), self.retry_wanted.emit)
        self._retry.setToolTip(self.tr("Index the folders again; files that can be read now leave this list"))
        self._reveal = push_button("reveal", self.tr("Show in folder"), self._reveal_current)
        self._reveal.setEnabled(False)
        self._stack = QStackedWidget()
        self._lay_out()
        self.show_problems([])

    def show_problems(self, problems: Sequence[Problem], held_back: Sequence[Folder] = ()) -> None:
        """Show these, those of the folders `held_back` as questions; the same ones again change nothing."""
        self._stack.setCurrentIndex(0 if problems else 1)
        if (list(problems), list(held_back)) == self._shown:
            return
        self._shown = (list(problems), list(held_back))
        folders = {folder.path: folder for folder in held_back}
        self._ask({folders[one.path]: one.reason for one in problems if one.path in folders})
        others = [problem for problem in problems if problem.path not in folders]
        self.model.show_problems(others)
        for widget in (self.table, self._remark, self._reveal):
            widget.setVisible(bool(others))
        self._on_selected()

    def _ask(self, reasons: Mapping[Folder, str]) -> None:
        """Ask about the folders, in place of those asked about before."""
        for notice in self.notices:
            notice.deleteLater()
        self.notices = [MissingNotice(folder, reason) for folder, reason in reasons.items()]
        for notice in self.notices:
            notice.forget_wanted.connect(self.forget_wanted)
            notice.update_wanted.connect(self.update_wanted)
            self._notice_rows.addWidget(notice)

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
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label(self.tr("Problems"), "title"))
        row.addWidget(self._remark, 1)
        row.addWidget(self._reveal)
        row.addWidget(self._retry)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(20, 4, 20, 16)
        layout.setSpacing(12)
        layout.addLayout(row)
        layout.addLayout(self._notice_rows)
        layout.addWidget(self.table, 1)
        layout.addStretch()
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
