"""The page of models: what it offers, and what a click leads to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QInputDialog, QLabel, QMessageBox

from clipsearch.errors import ClipsearchError
from clipsearch.records import ModelProgress, ModelStage, Status
from clipsearch.ui import dialogs, wording
from clipsearch.ui.main_window import MainWindow
from clipsearch.ui.models_page import ModelCard, ModelsPage
from clipsearch.ui.session import Session
from clipsearch.ui.sidebar import Place
from tests.ui.fake_library import OFFERED, STARTER, FakeLibrary


@pytest.fixture
def page(qtbot, window: MainWindow, session: Session):
    session.start()
    window.show_place(Place.MODELS)
    qtbot.waitUntil(lambda: len(window.pages.models.cards) == 2)
    return window.pages.models


def answer(qtbot, window: MainWindow, text: str) -> QMessageBox:
    """Wait for a question, and press its button that has this text."""

    def questions() -> list[QMessageBox]:
        return [box for box in window.findChildren(QMessageBox) if box.isVisible()]

    qtbot.waitUntil(lambda: len(questions()) == 1)
    (box,) = questions()
    next(button for button in box.buttons() if text in button.text().replace("&", "")).click()
    return box


def offers(page: ModelsPage, name: str, button: str) -> Callable[[], bool]:
    """Tell, whenever asked, whether the model's card (made anew with each change) shows a button."""
    return lambda: getattr(page.cards[name], button).isVisible()


def texts(card: ModelCard) -> str:
    return " | ".join(part.text() for part in card.findChildren(QLabel))


def test_installed_models_come_first_and_say_what_they_are(page) -> None:
    assert list(page.cards) == ["starter", "large"]
    assert "answers now" in texts(page.cards["starter"])
    assert "recommended" in texts(page.cards["large"])
    for fact in ("English", "medium speed", "72.8 % on ImageNet", "600.0 MB", "to download", "MIT"):
        assert fact in texts(page.cards["large"])


def test_the_starter_can_neither_be_downloaded_nor_removed(page) -> None:
    card = page.cards["starter"]
    assert not any(button.isVisible() for button in (card.install, card.use, card.remove, card.cancel))


def test_nothing_is_downloaded_before_the_licence_was_accepted(qtbot, window: MainWindow, page) -> None:
    page.cards["large"].install.click()
    assert "MIT" in answer(qtbot, window, "Cancel").informativeText()
    assert page.cards["large"].install.isVisible()
    page.cards["large"].install.click()
    box = answer(qtbot, window, "Accept")
    assert "someone/large" in box.informativeText() and "600.0 MB" in box.informativeText()
    qtbot.waitUntil(offers(page, "large", "use"))
    assert page.cards["large"].remove.isVisible()
    assert "Large model is ready" in window.status._counts.text()


def test_a_download_shows_its_progress_and_can_be_cancelled(
    qtbot, window: MainWindow, library: FakeLibrary, page
) -> None:
    library.may_download.clear()
    page.cards["large"].install.click()
    answer(qtbot, window, "Accept")
    card = page.cards["large"]
    qtbot.waitUntil(lambda: "300" in card._step.text())
    assert card._bar.value() == 500
    assert card.cancel.isVisible() and not card.install.isVisible()
    card.cancel.click()
    qtbot.waitUntil(offers(page, "large", "install"))
    assert not page.cards["large"].use.isVisible()


def test_without_a_network_no_licence_is_asked_for(qtbot, window: MainWindow, library: FakeLibrary, page) -> None:
    library.network_error = ClipsearchError("Download failed", "The hub cannot be reached.")
    page.cards["large"].install.click()
    qtbot.waitUntil(window.messages.isVisible)
    assert "The hub cannot be reached." in window.messages.text
    assert not window.findChildren(QMessageBox)


def test_a_failed_download_is_told(qtbot, window: MainWindow, session: Session, page) -> None:
    session.models.install("broken")
    qtbot.waitUntil(window.messages.isVisible)
    assert "The download is damaged." in window.messages.text


def test_using_a_model_has_all_photos_seen_by_it_while_the_old_one_answers(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, page
) -> None:
    library.known_models = [STARTER, replace(OFFERED, installed=True)]
    session.models.refresh()
    qtbot.waitUntil(offers(page, "large", "use"))
    page.cards["large"].use.click()
    qtbot.waitUntil(lambda: library.indexed == [(None, False)])
    qtbot.waitUntil(lambda: "is catching up" in texts(page.cards["large"]))
    assert "Starter answers until Large model has seen all photos" in window.status._counts.text()
    assert not page.cards["large"].remove.isVisible()


def test_a_chosen_model_that_is_not_usable_is_told(qtbot, window: MainWindow, session: Session, page) -> None:
    note = "The model large cannot be used; starter answers."
    window.status.show_status(Status(30, 30, 30, 0, 0, 0, "starter-1-p1", "large-1-p1", note))
    assert note in window.status._counts.text()


def test_the_tooltip_says_what_runs_the_model_and_why(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, page
) -> None:
    tooltip = window.status._counts.toolTip
    qtbot.waitUntil(lambda: tooltip() == "Model: fake")  # not known yet
    library.engine = "ONNX Runtime on the CPU: this machine has no GPU."
    session.feed.refresh()
    qtbot.waitUntil(lambda: "no GPU" in tooltip())
    assert tooltip() == "Model: fake\nPhotos are encoded with ONNX Runtime on the CPU: this machine has no GPU."


def test_photos_that_another_model_finds_are_not_called_unsearchable(window: MainWindow) -> None:
    window.status.show_status(Status(30, 30, 10, 20, 0, 0, "starter-1-p1", "large-1-p1", "20 photos to go."))
    assert window.status._counts.text() == "30 photos · 20 photos to go."
    window.status.show_status(Status(30, 30, 10, 20, 0, 0, "large-1-p1", "large-1-p1"))
    assert "20 not searchable yet" in window.status._counts.text()


def test_a_model_that_had_not_caught_up_goes_on_when_the_window_opens(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary
) -> None:
    library.chosen_model = "large"
    session.start()
    qtbot.waitUntil(lambda: library.indexed == [(None, False)])
    library.chosen_model = "fake"
    qtbot.waitUntil(lambda: not session.runs.is_running)
    with qtbot.waitSignal(session.feed.changed):
        session.feed.refresh()
    assert library.indexed == [(None, False)]


def test_listing_the_models_does_not_turn_progress_back(
    qtbot, session: Session, library: FakeLibrary, page: ModelsPage
) -> None:
    library.may_download.clear()
    session.models.install("large")
    qtbot.waitUntil(lambda: "300" in page.cards["large"]._step.text())
    seen: list[object] = []
    session.models.progressed.connect(lambda _, step: seen.append(step))
    with qtbot.waitSignal(session.models.listed):
        session.models.refresh()
    assert seen and None not in seen
    library.may_download.set()


def test_a_model_is_removed_after_asking(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, page
) -> None:
    library.known_models = [STARTER, replace(OFFERED, installed=True, disk_bytes=1_000_000)]
    session.models.refresh()
    qtbot.waitUntil(offers(page, "large", "remove"))
    page.cards["large"].remove.click()
    assert "1.0 MB" in answer(qtbot, window, "Remove").informativeText()
    qtbot.waitUntil(offers(page, "large", "install"))


def test_a_model_is_imported_from_a_file(qtbot, window: MainWindow, session: Session, page, tmp_path: Path) -> None:
    session.models.import_from(tmp_path / "mine.safetensors")
    qtbot.waitUntil(lambda: "mine" in page.cards)
    assert not page._import_step.isVisible()


def test_an_import_can_be_cancelled_and_the_next_one_then(
    qtbot, session: Session, library: FakeLibrary, page, tmp_path: Path
) -> None:
    library.may_download.clear()
    assert not page.cancel_import.isVisible()
    for name in ("first.pt", "second.pt"):
        session.models.import_from(tmp_path / name)
    qtbot.waitUntil(lambda: page._import_step.text() == "first.pt: Checking…")
    for name in ("first.pt", "second.pt"):
        qtbot.waitUntil(lambda name=name: page._import_step.text().startswith(name))
        with qtbot.waitSignal(session.models.ended) as ended:
            page.cancel_import.click()
        assert ended.args == [str(tmp_path / name)]
    assert not page.cancel_import.isVisible() and not page._import_step.isVisible()
    assert set(page.cards) == {"starter", "large"}


def test_the_end_of_a_download_leaves_an_import_shown(page) -> None:
    page.show_progress("/a/mine.pt", None)
    page.show_ended("large")
    assert page.cancel_import.isVisible()
    page.show_ended("/a/mine.pt")
    assert not page.cancel_import.isVisible()


def test_files_of_one_name_in_two_places_are_two_models(session: Session, page, tmp_path: Path) -> None:
    steps: list[str] = []
    session.models.progressed.connect(lambda name, step: steps.append(name))
    for place in ("one", "two"):
        session.models.import_from(tmp_path / place / "model.safetensors")
    assert steps == [str(tmp_path / place / "model.safetensors") for place in ("one", "two")]
    assert page._import_step.text().startswith("model.safetensors: ")


def test_weights_of_several_architectures_are_asked_about(
    qtbot, window: MainWindow, session: Session, library: FakeLibrary, page
) -> None:
    session.models.import_from(Path("unclear.pt"))
    qtbot.waitUntil(lambda: any(dialog.isVisible() for dialog in window.findChildren(QInputDialog)))
    (dialog,) = window.findChildren(QInputDialog)
    assert dialog.comboBoxItems() == ["ViT-B-32", "ViT-B-32-quickgelu"]
    dialog.setTextValue("ViT-B-32-quickgelu")
    dialog.accept()
    qtbot.waitUntil(lambda: "unclear" in page.cards)
    assert library.asked[-1] == "ViT-B-32-quickgelu"
    assert not window.messages.isVisible()


def test_a_configuration_file_stands_for_its_folder(window: MainWindow, tmp_path: Path) -> None:
    chosen: list[Path] = []
    dialog = dialogs.choose_model(window, tmp_path, chosen.append)
    for name in ("weights.safetensors", "model.json"):
        dialog.fileSelected.emit(str(tmp_path / name))
    dialog.close()
    assert chosen == [tmp_path / "weights.safetensors", tmp_path]


def test_progress_of_a_model_in_words() -> None:
    assert wording.model_progress(None) == "Waiting…"
    assert wording.model_progress(ModelProgress(ModelStage.CONVERTING, 0, None)) == "Converting…"
    step = ModelProgress(ModelStage.DOWNLOADING, 1_000_000, 2_000_000)
    assert wording.model_progress(step) == "Downloading: 1.0 MB of 2.0 MB"


def test_a_model_of_many_languages_says_so() -> None:
    model = replace(OFFERED, languages=("multi",), speed="slow")
    assert wording.model_facts(model).startswith("Many languages · slow")
