"""The menu bar: every action of the window with its name and its key."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from clipsearch.ui.theme import Appearance


class Menus(QObject):
    """Fills a menu bar; what the actions do is connected by the window."""

    appearance_chosen = Signal(object)  # Appearance

    def __init__(self, bar: QMenuBar) -> None:
        super().__init__(bar)
        keys = QKeySequence.StandardKey
        library = bar.addMenu(self.tr("&Library"))
        self.add_folder = _action(library, self.tr("&Add folder…"), keys.Open)
        self.update_all = _action(library, self.tr("&Update all folders"), "F5")
        self.settings = _action(library, self.tr("&Settings…"), "Ctrl+,")
        self.settings.setMenuRole(QAction.MenuRole.PreferencesRole)
        library.addSeparator()
        self.quit = _action(library, self.tr("&Quit"), "Ctrl+Q")
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)
        self._add_editing(bar.addMenu(self.tr("&Edit")))
        search = bar.addMenu(self.tr("&Search"))
        self.find = _action(search, self.tr("&Find"), keys.Find)
        self.find_picture = _action(search, self.tr("Find by &picture…"), "Ctrl+Shift+F")
        view = bar.addMenu(self.tr("&View"))
        self.photos = _action(view, self.tr("All &photos"), "Ctrl+1")
        self.problems = _action(view, self.tr("P&roblems"), "Ctrl+2")
        self.models = _action(view, self.tr("&Models"), "Ctrl+3")
        view.addSeparator()
        self.larger = _action(view, self.tr("&Larger photos"), "Ctrl++")
        self.larger.setShortcuts([QKeySequence("Ctrl++"), QKeySequence("Ctrl+=")])
        self.smaller = _action(view, self.tr("&Smaller photos"), "Ctrl+-")
        self.sidebar = _action(view, self.tr("Side&bar"), "F9")
        self.sidebar.setCheckable(True)
        self.sidebar.setChecked(True)
        view.addSeparator()
        self._add_appearances(view.addMenu(self.tr("&Appearance")))
        self._add_categories(bar.addMenu(self.tr("&Categories")))
        about = bar.addMenu(self.tr("&Help"))
        self.shortcuts = _action(about, self.tr("&Keyboard shortcuts"), keys.HelpContents)
        self.about = _action(about, self.tr("&About clipsearch"), "")
        self.about.setMenuRole(QAction.MenuRole.AboutRole)

    def mark_appearance(self, appearance: Appearance) -> None:
        """Show which appearance holds."""
        self._appearances[appearance].setChecked(True)

    def show_steps(self, undoable: str, redoable: str) -> None:
        """Name the steps that would be undone and redone; "": there is none."""
        self.undo.setText(self.tr("&Undo: {step}").format(step=_plain(undoable)) if undoable else self.tr("&Undo"))
        self.redo.setText(self.tr("&Redo: {step}").format(step=_plain(redoable)) if redoable else self.tr("&Redo"))
        self.undo.setEnabled(bool(undoable))
        self.redo.setEnabled(bool(redoable))

    def _add_editing(self, menu: QMenu) -> None:
        keys = QKeySequence.StandardKey
        self.undo = _action(menu, self.tr("&Undo"), keys.Undo)
        self.redo = _action(menu, self.tr("&Redo"), keys.Redo)
        usual = [key.toString() for key in QKeySequence.keyBindings(keys.Redo)]
        wanted = dict.fromkeys([*usual, "Ctrl+Shift+Z", "Ctrl+Y"])  # a key given twice would do nothing
        self.redo.setShortcuts([QKeySequence(key) for key in wanted])
        menu.addSeparator()
        self.select_all = _action(menu, self.tr("Select &all photos"), keys.SelectAll)

    def _add_categories(self, menu: QMenu) -> None:
        menu.setToolTipsVisible(True)
        self.new_category = _action(menu, self.tr("&New category…"), QKeySequence.StandardKey.New)
        self.put = _action(menu, self.tr("&Put the chosen photos into…") + "\tC", "")
        menu.addSeparator()
        self.export = _action(menu, self.tr("&Export to a folder…"), "")
        self.write_table = _action(menu, self.tr("Save as a &table…"), "")
        self.write_sidecars = _action(menu, self.tr("&Write keywords beside the photos…"), "")
        self.import_keywords = _action(menu, self.tr("&Import the photos' keywords…"), "")
        menu.addSeparator()
        self.receive = _action(menu, self.tr("&Open a shared category…"), "")

    def _add_appearances(self, menu: QMenu) -> None:
        names = {
            Appearance.SYSTEM: self.tr("Like the &system"),
            Appearance.LIGHT: self.tr("&Light"),
            Appearance.DARK: self.tr("&Dark"),
        }
        group = QActionGroup(menu)
        self._appearances = {appearance: group.addAction(name) for appearance, name in names.items()}
        menu.addActions(group.actions())
        for appearance, action in self._appearances.items():
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, chosen=appearance: self.appearance_chosen.emit(chosen))


def _action(menu: QMenu, text: str, key: QKeySequence.StandardKey | str) -> QAction:
    action = menu.addAction(text)
    if key:
        action.setShortcut(QKeySequence(key))
    return action


def _plain(text: str) -> str:
    """A text for a menu, in which "&" would underline the letter after it."""
    return text.replace("&", "&&")
