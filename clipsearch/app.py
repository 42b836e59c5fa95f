"""The composition root of the window: the one place where all layers meet."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from clipsearch import paths
from clipsearch.ui.display import check_qt, has_display

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from clipsearch.ui.main_window import MainWindow
    from clipsearch.ui.session import Session

__all__ = ["has_display", "run_window"]

_LISTEN_MS = 500
_ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # a system has some of them


def run_window(library_folder: Path, first_folders: Sequence[Path] = (), first_query: str = "") -> int:
    """Open the window on a library and stay until it is closed; return the exit code.

    The window shows at once; the library opens and the model loads behind it. `first_folders` are indexed and
    `first_query` is asked as soon as that is possible. Raises ClipsearchError when there can be no window.
    """
    check_qt()
    application = _application()
    window, session = _compose(application, library_folder)
    _report_failures_to(window)
    _close_on_signals(window)
    window.show()
    session.start()
    if first_folders:
        session.index(list(first_folders))
    if first_query:
        window.search_bar.ask(first_query)
    try:
        return application.exec()
    finally:
        session.close()
        sys.excepthook = sys.__excepthook__


def _application() -> QApplication:
    from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
    from PySide6.QtWidgets import QApplication

    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    if QLocale().language() == QLocale.Language.C:  # no language is set: numbers and dates as in English
        QLocale.setDefault(QLocale(QLocale.Language.English))
    application = QApplication(sys.argv[:1])
    application.setApplicationName("clipsearch")
    application.setDesktopFileName("clipsearch")
    for name, folder in (
        ("qtbase", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)),
        ("clipsearch", str(paths.resource_path("translations"))),
    ):
        translator = QTranslator(application)
        if translator.load(QLocale(), name, "_", folder) or translator.load(f"{name}_en", folder):
            application.installTranslator(translator)
    return application


def _compose(application: QApplication, library_folder: Path) -> tuple[MainWindow, Session]:
    from PySide6.QtCore import QSettings

    from clipsearch.ui.library_access import LibraryAccess
    from clipsearch.ui.main_window import MainWindow
    from clipsearch.ui.session import Session
    from clipsearch.ui.theme import Theme

    store = QSettings(str(paths.settings_file().with_name("window.ini")), QSettings.Format.IniFormat)
    session = Session(LibraryAccess(library_folder))
    return MainWindow(session, Theme(application, store), store), session


def _report_failures_to(window: MainWindow) -> None:
    """Show what no part of the window has caught, beside printing it."""

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        window.messages.show_failure(error)

    sys.excepthook = report


def _close_on_signals(window: MainWindow) -> None:
    """Let Ctrl+C in the terminal, and whoever asks the program to end, close the window as the user would.

    Python sees a signal only when Qt lets it run now and then. What is ignored, as nohup leaves it, stays so.
    """
    from PySide6.QtCore import QTimer

    for name in _ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: QTimer.singleShot(0, window.close))  # once Qt runs: it may be starting
    timer = QTimer(window, interval=_LISTEN_MS)
    timer.timeout.connect(lambda: None)
    timer.start()
