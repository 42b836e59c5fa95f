"""Shows a file in the system's file manager."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QProcess, QUrl
from PySide6.QtGui import QDesktopServices

from clipsearch.errors import ClipsearchError


def reveal(path: Path) -> None:
    """Open the file manager on `path`, selected where the system can do that.

    May wait for the file manager: call it through Tasks. Raises ClipsearchError when the file and its folder are
    gone or no file manager answers.
    """
    folder = path if path.is_dir() else path.parent
    if not folder.exists():
        raise ClipsearchError("Folder not found", f"{folder} cannot be reached now.", path)
    if not _select(path) and not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
        raise ClipsearchError("No file manager", f"No program for opening {folder} was found.", path)


def _select(path: Path) -> bool:
    """Ask the file manager to select the file; False where it cannot."""
    if not path.exists():
        return False
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
    call.setArguments([[QUrl.fromLocalFile(str(path)).toString()], ""])
    return bus.call(call, timeout=3_000).type() == QDBusMessage.MessageType.ReplyMessage
