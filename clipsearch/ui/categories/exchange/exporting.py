"""The dialogs that take categories out: photos into folders, keywords beside the photos."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from clipsearch.records import CategoryInfo
from clipsearch.ui import wording
from clipsearch.ui.categories import places
from clipsearch.ui.categories.exchange import reports
from clipsearch.ui.categories.exchange.access import ExchangeAccess
from clipsearch.ui.categories.exchange.dialog import DryRunDialog, Work, note
from clipsearch.ui.categories.exchange.picker import Picker
from clipsearch.ui.tasks import Tasks
from clipsearch.ui.widgets import label

#: what to do with these categories, and whether only what the user put in counts
_MakeWork = Callable[[Sequence[int], bool], Work]


class Exporting(QObject):
    """Opens the dialogs over `parent`. What they begin runs in `tasks`."""

    def __init__(self, access: ExchangeAccess, tasks: Tasks, parent: QWidget) -> None:
        super().__init__(parent)
        self._access = access
        self._tasks = tasks
        self._parent = parent

    def to_folder(self, infos: Sequence[CategoryInfo], ticked: Collection[int], target: Path) -> DryRunDialog:
        """Let the user see what would be put into `target`, and put it there."""
        dialog = DryRunDialog(
            self.tr("Export to a folder"), self.tr("Export"), self._tasks, reports.of_export, self._parent
        )
        link = QCheckBox(self.tr("Save room: &link files on the same disk instead of copying them"))
        where = label(wording.elided_path(target))
        where.setToolTip(wording.one_line(str(target)))

        def work(ids: Sequence[int], mine: bool) -> Work:
            is_link = link.isChecked()
            return lambda is_dry: self._access.export(ids, target, link=is_link, mine=mine, dry_run=is_dry)

        dialog.form.addRow(self.tr("Into"), where)
        choices = _Choices(dialog, infos, ticked, work)
        dialog.form.addRow("", link)
        link.toggled.connect(choices.plan)
        choices.plan()
        dialog.open()
        return dialog

    def to_sidecars(self, infos: Sequence[CategoryInfo], ticked: Collection[int]) -> DryRunDialog:
        """Let the user see which keywords would be written beside the photos, and write them."""
        dialog = DryRunDialog(
            self.tr("Write keywords beside the photos"),
            self.tr("Write"),
            self._tasks,
            reports.of_sidecars,
            self._parent,
        )
        naming = QComboBox()
        for key, text in self._namings().items():
            naming.addItem(text, key)

        def work(ids: Sequence[int], mine: bool) -> Work:
            chosen = str(naming.currentData())
            return lambda is_dry: self._access.write_sidecars(ids, mine=mine, naming=chosen, dry_run=is_dry)

        choices = _Choices(dialog, infos, ticked, work, only_mine=True)  # what a model finds may be wrong
        dialog.form.addRow(self.tr("Names"), naming)
        dialog.form.addRow(
            note(self.tr("The keywords go into XMP files, which other programs read. Your photos stay untouched."))
        )
        naming.currentIndexChanged.connect(lambda _: choices.plan())
        choices.plan()
        dialog.open()
        return dialog

    def _namings(self) -> dict[str, str]:
        return {
            "auto": self.tr("As those that are there, else photo.xmp"),
            "adobe": "photo.xmp",
            "full": "photo.jpg.xmp",
        }


class _Choices(QObject):
    """Which categories, and whose photos; every change plans anew what `work` returns for them."""

    def __init__(
        self,
        dialog: DryRunDialog,
        infos: Sequence[CategoryInfo],
        ticked: Collection[int],
        work: _MakeWork,
        *,
        only_mine: bool = False,
    ) -> None:
        super().__init__(dialog)
        self._dialog = dialog
        self._work = work
        names = places.full_names(infos)
        self._picker = Picker(self.tr("Categories"))
        self._mine = QCheckBox(self.tr("Only photos that you put in &yourself"))
        self._mine.setChecked(only_mine)
        self._picker.show_rows((info.category.id, names[info.category.id]) for info in infos)
        self._picker.tick_only(ticked)
        dialog.form.addRow(self.tr("Categories"), self._picker)
        dialog.form.addRow("", self._mine)
        self._picker.changed.connect(self.plan)
        self._mine.toggled.connect(self.plan)

    def plan(self) -> None:
        self._dialog.plan(self._work(self._picker.ticked, self._mine.isChecked()))
