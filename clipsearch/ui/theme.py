"""Light and dark, following the system: two sets of colours, one palette, one short style sheet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, QSettings, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

_KEY = "appearance"


class Appearance(StrEnum):
    """What the user chose."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Colours:
    """One look. `muted` is for text of lesser weight, `placeholder` for tiles whose picture is still to come."""

    window: str
    base: str
    text: str
    muted: str
    disabled: str
    border: str
    hover: str
    placeholder: str
    accent: str
    on_accent: str
    notice: str
    alarm: str


LIGHT = Colours(
    window="#f4f5f7",
    base="#ffffff",
    text="#1c2026",
    muted="#5c6672",
    disabled="#a3abb5",
    border="#dcdfe4",
    hover="#e7e9ee",
    placeholder="#eceef1",
    accent="#2f62e0",
    on_accent="#ffffff",
    notice="#e6edfd",
    alarm="#fdeaea",
)
DARK = Colours(
    window="#1f2124",
    base="#17181b",
    text="#e7e9ec",
    muted="#9ba3ae",
    disabled="#5e656e",
    border="#34373c",
    hover="#2d3035",
    placeholder="#26282c",
    accent="#84a9ff",
    on_accent="#0c1a36",
    notice="#222f4b",
    alarm="#472629",
)

_STYLE = """
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QToolTip {{ background: {base}; color: {text}; border: 1px solid {border}; padding: 4px 6px; }}
QMenuBar {{ background: {window}; padding: 2px 6px; }}
QMenuBar::item {{ padding: 4px 9px; border-radius: 5px; background: transparent; }}
QMenuBar::item:selected, QMenuBar::item:pressed {{ background: {hover}; color: {text}; }}
QMenu {{ background: {base}; border: 1px solid {border}; padding: 5px; }}
QMenu::item {{ padding: 6px 26px 6px 12px; border-radius: 5px; }}
QMenu::icon {{ padding-left: 8px; }}
QMenu::item:selected {{ background: {hover}; color: {text}; }}
QMenu::item:disabled {{ color: {disabled}; }}
QMenu::separator {{ height: 1px; background: {border}; margin: 5px 8px; }}

QPushButton {{ background: {base}; color: {text}; border: 1px solid {border}; border-radius: 7px;
    padding: 6px 14px; min-height: 20px; outline: none; }}
QPushButton:hover {{ background: {hover}; }}
QPushButton:focus {{ border-color: {accent}; }}
QPushButton:disabled {{ color: {disabled}; }}
QPushButton[primary="true"] {{ background: {accent}; color: {on_accent}; border-color: {accent}; font-weight: 600; }}
QPushButton[primary="true"]:hover {{ background: {accent_hover}; }}
QPushButton[primary="true"]:disabled {{ background: {border}; color: {disabled}; border-color: {border}; }}
QPushButton[primary="true"]:focus {{ border: 2px solid {text}; padding: 5px 13px; }}
QToolButton {{ border: 1px solid transparent; border-radius: 7px; padding: 5px; background: transparent; }}
QToolButton:hover, QToolButton:pressed {{ background: {hover}; }}
QToolButton:focus {{ border-color: {accent}; }}

QWidget#sidebar, QWidget#statusBar, QWidget#photoDetails {{ background: {window}; }}
QSplitter#columns::handle {{ background: {border}; }}
QWidget#statusBar {{ border-top: 1px solid {border}; }}
QWidget#dropArea {{ border: 2px solid {window}; }}
QWidget#dropArea[dropping="true"] {{ border: 2px dashed {accent}; }}
QWidget#categorySection[dropping="true"] {{ background: {selected}; border-radius: 7px; }}
QLabel#dropWords {{ background: {accent}; color: {on_accent}; border-radius: 6px; padding: 3px 9px; font-weight: 600; }}
QLabel#dropWords[against="true"] {{ background: #d64545; color: #ffffff; }}
QLabel#takeOutZone {{ background: {window}; color: {text}; border: 2px dashed {muted}; border-radius: 7px; }}
QLabel#takeOutZone[dropping="true"] {{ background: {alarm}; border-color: {text}; font-weight: 600; }}
QWidget#content, QScrollArea, QStackedWidget {{ background: {base}; }}
QScrollArea#photoDetailsArea {{ background: {window}; border-left: 1px solid {border}; }}
QLabel[role="muted"] {{ color: {muted}; }}
QLabel[role="caption"] {{ color: {muted}; font-size: 8pt; font-weight: 600; }}
QLabel[role="alarm"] {{ background: {alarm}; color: {text}; border-radius: 6px; padding: 3px 7px; }}
QLabel[role="strong"] {{ font-weight: 600; }}
QLabel[role="badge"] {{ background: {selected}; border-radius: 6px; padding: 1px 7px; font-size: 8pt; }}
QLabel[role="key"] {{ background: {base}; border: 1px solid {disabled}; border-radius: 4px; padding: 1px 6px;
    font-size: 8pt; }}
QLabel[role="title"] {{ font-size: 13pt; font-weight: 600; }}
QLabel[role="large"] {{ font-size: 17pt; font-weight: 600; }}

QLineEdit#searchBar {{ background: {window}; border: 1px solid {border}; border-radius: 10px; padding: 0 8px;
    min-height: 40px; font-size: 11pt; selection-background-color: {accent}; selection-color: {on_accent}; }}
QLineEdit#searchBar:focus {{ border: 1px solid {accent}; background: {base}; }}
QLineEdit#searchBar[dropping="true"] {{ border: 2px dashed {accent}; background: {notice}; }}

QListView#photoGrid {{ background: {base}; border: none; }}
QPushButton#place {{ background: transparent; border: 1px solid transparent; text-align: left; padding: 7px 10px; }}
QPushButton#place:hover {{ background: {hover}; }}
QPushButton#place:checked {{ background: {selected}; font-weight: 600; }}
QPushButton#place[away="true"] {{ color: {disabled}; }}
QPushButton#place:focus {{ border-color: {accent}; }}
QToolButton#picture {{ padding: 0; border: none; }}
QScrollArea#folderArea, QWidget#folderRows {{ background: transparent; }}
QTreeWidget#categoryTree {{ background: transparent; border: none; outline: none; show-decoration-selected: 0; }}
QTreeWidget#categoryTree QLineEdit {{ border: 1px solid {accent}; border-radius: 4px; background: {base};
    padding: 0 2px; }}
QFrame#categoryEditor {{ background: {window}; border: none; border-left: 1px solid {border}; }}
QScrollArea#shortcutsArea, QScrollArea#shortcutsArea > QWidget > QWidget,
QScrollArea#editorArea, QWidget#editorBody {{ background: {window}; }}
QLineEdit#field, QLineEdit#categoryFilter {{ border: 1px solid {border}; border-radius: 6px; padding: 4px 6px;
    background: {base}; selection-background-color: {accent}; selection-color: {on_accent}; }}
QPlainTextEdit#field, QPlainTextEdit#details, QListWidget#picker {{ border: 1px solid {border}; border-radius: 6px;
    background: {base};
    selection-background-color: {accent}; selection-color: {on_accent}; }}
QLineEdit#field:focus, QPlainTextEdit#field:focus, QPlainTextEdit#details:focus, QListWidget#picker:focus,
    QLineEdit#categoryFilter:focus {{ border-color: {accent}; }}
QTableView#problems {{ background: {base}; border: none; outline: none; }}
QTableView#problems::item {{ padding: 4px 10px; border-bottom: 1px solid {border}; }}
QTableView#problems::item:selected {{ background: {selected}; color: {text}; }}
QHeaderView::section {{ background: {base}; color: {muted}; border: none; border-bottom: 1px solid {border};
    padding: 8px 13px; font-weight: 600; }}

QFrame#modelCard {{ border: 1px solid {border}; border-radius: 9px; background: {base}; }}
QWidget#modelRows {{ background: {base}; }}

QFrame#notice {{ border-radius: 8px; background: {notice}; }}
QFrame#notice QLabel {{ color: {text}; background: transparent; }}
QFrame#messageBar {{ border-radius: 8px; background: {notice}; }}
QFrame#messageBar[failure="true"] {{ background: {alarm}; }}
QFrame#messageBar QLabel {{ color: {text}; background: transparent; }}
QFrame#undoBar {{ border-radius: 10px; background: {window}; border: 1px solid {disabled}; }}
QDialog#palette {{ background: {base}; border: 1px solid {disabled}; }}
QLineEdit#paletteLine {{ background: {window}; border: 1px solid {border}; border-radius: 8px; padding: 0 8px;
    min-height: 34px; }}
QListWidget#paletteRows {{ background: {base}; border: none; outline: none; }}
QListWidget#paletteRows::item {{ padding: 0 8px; border-radius: 5px; }}
QListWidget#paletteRows::item:selected {{ background: {selected}; color: {text}; }}

QProgressBar {{ border: none; border-radius: 3px; background: {border}; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ border-radius: 3px; background: {accent}; }}
QProgressBar#busyLine {{ border-radius: 0; max-height: 2px; min-height: 2px; background: transparent; }}
QProgressBar#busyLine::chunk {{ border-radius: 0; }}

QScrollBar:vertical {{ background: transparent; width: 12px; margin: 2px; }}
QScrollBar::handle:vertical {{ background: {border}; border-radius: 4px; min-height: 36px; }}
QScrollBar::handle:vertical:hover {{ background: {disabled}; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 2px; }}
QScrollBar::handle:disabled {{ background: transparent; }}
QScrollBar::handle:horizontal {{ background: {border}; border-radius: 4px; min-width: 36px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {border}; }}
QSlider::handle:horizontal {{ width: 14px; margin: -5px 0; border-radius: 7px; background: {muted}; }}
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ background: {accent}; }}
"""


def _mixed(front: str, back: str, share: float) -> str:
    """`share` of `front` laid over `back`."""
    one, other = QColor(front), QColor(back)
    pairs = ((one.red(), other.red()), (one.green(), other.green()), (one.blue(), other.blue()))
    return QColor(*(round(share * a + (1 - share) * b) for a, b in pairs)).name()


def palette(colours: Colours) -> QPalette:
    """Return the palette that everything, delegates and icons too, takes its colours from."""
    role = QPalette.ColorRole
    roles = {
        role.Window: colours.window,
        role.WindowText: colours.text,
        role.Base: colours.base,
        role.AlternateBase: colours.placeholder,
        role.Text: colours.text,
        role.PlaceholderText: colours.muted,
        role.Button: colours.window,
        role.ButtonText: colours.text,
        role.BrightText: colours.on_accent,
        role.ToolTipBase: colours.base,
        role.ToolTipText: colours.text,
        role.Highlight: colours.accent,
        role.HighlightedText: colours.on_accent,
        role.Accent: colours.accent,
        role.Link: colours.accent,
        role.Mid: colours.border,
        role.Midlight: colours.hover,
        role.Light: colours.hover,
        role.Dark: colours.disabled,
    }
    result = QPalette()
    for name, colour in roles.items():
        result.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, name, QColor(colours.disabled))
    return result


def style_sheet(colours: Colours) -> str:
    """Return the style sheet in these colours."""
    values = {name: getattr(colours, name) for name in Colours.__slots__}
    selected = _mixed(colours.accent, colours.window, 0.16)
    return _STYLE.format(**values, selected=selected, accent_hover=_mixed(colours.accent, colours.text, 0.86))


class Theme(QObject):
    """Dresses the whole application, now and whenever the system turns from light to dark or back."""

    def __init__(self, application: QApplication, store: QSettings) -> None:
        super().__init__(application)
        self._application = application
        self._store = store
        application.setStyle("Fusion")
        application.styleHints().colorSchemeChanged.connect(self.apply)
        self.apply()

    @property
    def appearance(self) -> Appearance:
        stored = str(self._store.value(_KEY, Appearance.SYSTEM.value))
        return next((appearance for appearance in Appearance if appearance == stored), Appearance.SYSTEM)

    def choose(self, appearance: Appearance) -> None:
        """Remember what the user wants, and show it."""
        self._store.setValue(_KEY, appearance.value)
        self.apply()

    def apply(self) -> None:
        """Dress the application in the colours that hold now."""
        colours = DARK if self._is_dark() else LIGHT
        self._application.setPalette(palette(colours))
        self._application.setStyleSheet(style_sheet(colours))

    def _is_dark(self) -> bool:
        if self.appearance is Appearance.SYSTEM:
            return self._application.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self.appearance is Appearance.DARK
