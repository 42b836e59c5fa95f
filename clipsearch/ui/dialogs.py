"""The few dialogs: they choose or decide something; everything else is told inside the window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget

from clipsearch import __version__
from clipsearch.records import Folder, ModelInfo
from clipsearch.ui import wording


def choose_folder(parent: QWidget, start: Path, then: Callable[[Path], None]) -> QFileDialog:
    """Let the user choose a folder, then call `then` with it."""
    dialog = QFileDialog(parent, QCoreApplication.translate("dialogs", "Add a folder of photos"), str(start))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
    return _open_file_dialog(dialog, then)


def choose_target(parent: QWidget, title: str, then: Callable[[Path], object]) -> QFileDialog:
    """Let the user choose a folder to write to, or make one, then call `then` with it."""
    dialog = QFileDialog(parent, title, str(Path.home()))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
    return _open_file_dialog(dialog, then)


def choose_new_file(
    parent: QWidget, title: str, name: str, kinds: Mapping[str, str], then: Callable[[Path], object]
) -> QFileDialog:
    """Let the user choose where to save a file, of one of `kinds` (suffix: name filter), then call `then` with it.

    The user is asked before a file is replaced.
    """
    dialog = QFileDialog(parent, title, str(Path.home()))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(list(kinds.values()))
    suffix_of = {text: suffix for suffix, text in kinds.items()}
    dialog.setDefaultSuffix(next(iter(kinds)))
    dialog.filterSelected.connect(lambda text: dialog.setDefaultSuffix(suffix_of[text]))
    dialog.selectFile("".join(" " if letter in '/\\:*?"<>|' else letter for letter in name))
    return _open_file_dialog(dialog, then)


def choose_file(parent: QWidget, title: str, kinds: Sequence[str], then: Callable[[Path], object]) -> QFileDialog:
    """Let the user choose a file to open, of one of `kinds` (name filters), then call `then` with it."""
    dialog = QFileDialog(parent, title, str(Path.home()))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters(list(kinds))
    return _open_file_dialog(dialog, then)


def choose_picture(parent: QWidget, start: Path, then: Callable[[Path], None]) -> QFileDialog:
    """Let the user choose a picture file, then call `then` with it."""
    dialog = QFileDialog(parent, QCoreApplication.translate("dialogs", "Find photos like this picture"), str(start))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    name = QCoreApplication.translate("dialogs", "Pictures")
    dialog.setNameFilters([f"{name} ({_picture_patterns()})", QCoreApplication.translate("dialogs", "All files (*)")])
    return _open_file_dialog(dialog, then)


def confirm_removal(parent: QWidget, folder: Folder, then: Callable[[], None]) -> QMessageBox:
    """Ask whether the library should forget `folder`, and call `then` if so."""
    title = QCoreApplication.translate("dialogs", "Remove “{name}” from the library?")
    text = QCoreApplication.translate("dialogs", "Its photos are no longer found. The files stay on disk as they are.")
    name = wording.one_line(wording.folder_name(folder))
    return _confirm(parent, title.format(name=name), text, QCoreApplication.translate("dialogs", "Remove"), then)


def confirm_forgetting(parent: QWidget, folder: Folder, then: Callable[[], None]) -> QMessageBox:
    """Ask whether the library should forget the photos that are missing from `folder`, and call `then` if so."""
    title = QCoreApplication.translate("dialogs", "Forget the photos that are missing from “{name}”?")
    text = QCoreApplication.translate(
        "dialogs",
        "They are no longer found. Should they come back, the categories that you put them into are known again.",
    )
    name = wording.one_line(wording.folder_name(folder))
    return _confirm(parent, title.format(name=name), text, QCoreApplication.translate("dialogs", "Forget them"), then)


def confirm_download(parent: QWidget, model: ModelInfo, then: Callable[[], None]) -> QMessageBox:
    """Show where a model comes from, its size and its licence, and call `then` if the user wants it."""
    title = QCoreApplication.translate("dialogs", "Download {name}?").format(name=model.title)
    agree = QCoreApplication.translate("dialogs", "Accept and download")
    return _confirm(parent, title, wording.model_terms(model), agree, then)


def confirm_model_removal(parent: QWidget, model: ModelInfo, then: Callable[[], None]) -> QMessageBox:
    """Ask whether a model should be deleted, and call `then` if so."""
    title = QCoreApplication.translate("dialogs", "Remove the model {name}?").format(name=model.title)
    text = QCoreApplication.translate(
        "dialogs",
        "This frees {size}. What the model knows of your photos stays, should you install it again.",
    ).format(size=wording.file_size(model.disk_bytes or 0))
    return _confirm(parent, title, text, QCoreApplication.translate("dialogs", "Remove"), then)


def choose_model(parent: QWidget, start: Path, then: Callable[[Path], None]) -> QFileDialog:
    """Let the user choose a model's file, or a file in its folder, then call `then` with what to import."""
    dialog = QFileDialog(parent, QCoreApplication.translate("dialogs", "Import a model"), str(start))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    name = QCoreApplication.translate("dialogs", "Models")
    dialog.setNameFilters(
        [f"{name} (*.safetensors *.bin *.pt *.pth *.ckpt model.json config.json open_clip_config.json)"]
    )
    return _open_file_dialog(dialog, lambda path: then(path.parent if path.suffix == ".json" else path))


def choose_architecture(parent: QWidget, path: Path, names: Sequence[str], then: Callable[[str], None]) -> QInputDialog:
    """Let the user say which architecture a file of weights is of, then call `then` with its name."""
    text = QCoreApplication.translate("dialogs", "The file {name} fits several architectures. Which one is it?")
    dialog = QInputDialog(parent)
    dialog.setWindowTitle(QCoreApplication.translate("dialogs", "Import a model"))
    dialog.setLabelText(text.format(name=wording.one_line(path.name)))
    dialog.setComboBoxItems(names)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowModality(Qt.WindowModality.WindowModal)
    dialog.textValueSelected.connect(then)
    dialog.open()
    return dialog


def show_about(parent: QWidget) -> QMessageBox:
    """Say what this program is."""
    text = QCoreApplication.translate("dialogs", "clipsearch {version}").format(version=__version__)
    box = QMessageBox(parent)
    box.setWindowModality(Qt.WindowModality.WindowModal)
    box.setText(text)
    box.setInformativeText(
        QCoreApplication.translate("dialogs", "Finds photos by what is in them. Everything stays on this computer.")
    )
    box.setIconPixmap(parent.windowIcon().pixmap(64, 64))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box


def _confirm(parent: QWidget, title: str, text: str, agree: str, then: Callable[[], None]) -> QMessageBox:
    """Ask; `then` is called only when the user agrees, and not agreeing is what Return and Escape do."""
    box = QMessageBox(parent)
    box.setWindowModality(Qt.WindowModality.WindowModal)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(title)
    box.setInformativeText(text)
    button = box.addButton(agree, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.buttonClicked.connect(lambda clicked: then() if clicked is button else None)
    box.open()
    return box


def _picture_patterns() -> str:
    from clipsearch.library.overview import PICTURE_SUFFIXES

    return " ".join(f"*{suffix}" for suffix in sorted(PICTURE_SUFFIXES))


def _open_file_dialog(dialog: QFileDialog, then: Callable[[Path], object]) -> QFileDialog:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowModality(Qt.WindowModality.WindowModal)
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    dialog.open()
    return dialog
