"""Shows a file in the system's file manager."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QProcess
from PySide6.QtGui import QDesktopServices

from clipsearch.errors import ClipsearchError
from clipsearch.ui.dragging.files import file_url


def select_in_folder(path: Path) -> bool:
    """Open the file manager on `path`, selected; False where there is no way to do that.

    May wait for the file manager: call it through Tasks. Raises ClipsearchError when file and folder are gone.
    """
    if not path.exists() and not path.parent.exists():
        raise ClipsearchError("Folder not found", f"{path.parent} cannot be reached now.", path)
    return path.exists() and _select(path)


def open_folder(path: Path) -> None:
    """Open the file manager on the folder of `path`; in the GUI thread. Raises ClipsearchError if there is none."""
    if not QDesktopServices.openUrl(file_url(path.parent)):
        raise ClipsearchError("No file manager", f"No program for opening {path.parent} was found.", path)


def _select(path: Path) -> bool:
    """Ask the system's file manager to select the file."""
    if sys.platform == "win32":
        # Explorer wants its own quoting: /select,"C:\a b.jpg" as one argument.
        process = QProcess()
        process.setProgram("explorer.exe")
        process.setNativeArguments(f'/select,"{path}"')
        return bool(process.startDetached()[0])
    if sys.platform == "darwin":
        return bool(QProcess.startDetached("open", ["-R", str(path)])[0])
    return _select_by_dbus(path)


def _select_by_dbus(path: Path) -> bool:
    """The way of the freedesktop.org file managers."""
    try:
        from PySide6.QtDBus import QDBusConnection, QDBusMessage
    except ImportError:
        return False
    name, place = "org.freedesktop.FileManager1", "/org/freedesktop/FileManager1"
    bus = QDBusConnection.sessionBus()
    if not bus.isConnected():
        return False
    call = QDBusMessage.createMethodCall(name, place, name, "ShowItems")
    call.setArguments([[path.absolute().as_uri()], ""])
    return bus.call(call, timeout=3_000).type() == QDBusMessage.MessageType.ReplyMessage
