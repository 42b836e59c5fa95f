"""How counts, sizes, dates and times read, in the user's language and number format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale, Qt

from clipsearch.errors import ClipsearchError
from clipsearch.records import (
    Folder,
    IndexCounts,
    ModelInfo,
    ModelProgress,
    ModelStage,
    Photo,
    Progress,
    Relevance,
    Stage,
)


def number(value: int) -> str:
    """12345 -> "12,345"."""
    return QLocale().toString(value)


def photo_count(count: int) -> str:
    return QCoreApplication.translate("wording", "%Ln photos", "", count)


def selected_count(count: int) -> str:
    return QCoreApplication.translate("wording", "%Ln selected", "", count)


def match_count(count: int) -> str:
    return QCoreApplication.translate("wording", "%Ln matches", "", count)


def burst_count(count: int) -> str:
    return QCoreApplication.translate("wording", "Burst of %Ln photos", "", count)


def burst_member(count: int) -> str:
    return QCoreApplication.translate("wording", "One of a burst of {count}").format(count=number(count))


def companion_name(path: Path, photo: Photo) -> str:
    """The name of a file beside the photo, such as its RAW; the whole path where it lies elsewhere."""
    return one_line(path.name) if path.parent == photo.path.parent else elided_path(path)


def problem_count(count: int) -> str:
    return QCoreApplication.translate("wording", "%Ln problems", "", count)


def less_sure_count(count: int) -> str:
    return QCoreApplication.translate("wording", "%Ln less sure", "", count)


def file_size(size_bytes: int) -> str:
    """2500000 -> "2.5 MB"."""
    return QLocale().formattedDataSize(size_bytes, 1, QLocale.DataSizeFormat.DataSizeSIFormat)


def dimensions(photo: Photo) -> str:
    """The photo's size in pixels and megapixels; empty when it is not known."""
    if not photo.width or not photo.height:
        return ""
    megapixels = QLocale().toString(photo.width * photo.height / 1e6, "f", 1)
    text = QCoreApplication.translate("wording", "{width} × {height} ({megapixels} MP)")
    return text.format(width=photo.width, height=photo.height, megapixels=megapixels)


def changed_date(photo: Photo) -> str:
    """The day and time at which the file was last changed."""
    moment = QDateTime.fromSecsSinceEpoch(photo.mtime_ns // 1_000_000_000)
    return QLocale().toString(moment, QLocale.FormatType.ShortFormat)


def captured_date(photo: Photo) -> str:
    """The day and time at which the photo was taken, by the camera's clock; empty when it is not known."""
    moment = QDateTime.fromString(f"{photo.captured_at}Z", Qt.DateFormat.ISODateWithMs)  # Z: no hour is left out
    return QLocale().toString(moment, QLocale.FormatType.ShortFormat) if moment.isValid() else ""


def duration(seconds: float) -> str:
    """A rough time: "35 s", "4 min", "2 h 10 min"."""
    if seconds < 60:
        return QCoreApplication.translate("wording", "{seconds} s").format(seconds=max(1, round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 60:
        return QCoreApplication.translate("wording", "{minutes} min").format(minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    return QCoreApplication.translate("wording", "{hours} h {minutes} min").format(hours=hours, minutes=minutes)


def progress(step: Progress) -> str:
    """One line about an indexing run, such as "7,000 photos to go, about 12 min", after the reason why it gives way."""
    text = QCoreApplication.translate("wording", "Looking for photos…")
    if step.stage is not Stage.SCANNING:
        text = photos_to_go(step)
        if step.seconds_left:
            about = QCoreApplication.translate("wording", "{photos}, about {time}")
            text = about.format(photos=text, time=duration(step.seconds_left))
    return " · ".join(part for part in (one_line(step.note), text) if part)


def photos_to_go(step: Progress) -> str:
    return QCoreApplication.translate("wording", "%Ln photos to go", "", max(0, step.total - step.done))


def progress_details(step: Progress) -> str:
    """How far an indexing run is and how fast, such as "120 of 2,000 · 45 photos/s"; empty while it looks around."""
    if step.stage is Stage.SCANNING:
        return ""
    text = QCoreApplication.translate("wording", "{done} of {total}")
    parts = [text.format(done=number(step.done), total=number(step.total))]
    if step.photos_per_second:
        rate = QLocale().toString(step.photos_per_second, "f", 0 if step.photos_per_second >= 10 else 1)
        parts.append(QCoreApplication.translate("wording", "{rate} photos/s").format(rate=rate))
    return " · ".join(parts)


def relevance(value: Relevance) -> str:
    names = {
        Relevance.STRONG: QCoreApplication.translate("wording", "Strong match"),
        Relevance.LIKELY: QCoreApplication.translate("wording", "Likely match"),
        Relevance.WEAK: QCoreApplication.translate("wording", "Less sure"),
    }
    return names[value]


def out_of_reach() -> str:
    """Why only the thumbnail of a photo is to be seen."""
    return QCoreApplication.translate("wording", "Cannot be reached now: its drive or network share is not connected.")


def folder_name(folder: Folder | Path) -> str:
    """The folder's own name, or its whole path where it has none (a drive)."""
    path = folder.path if isinstance(folder, Folder) else folder
    return path.name or str(path)


def one_line(text: str) -> str:
    """Text, such as a file's name, without line breaks or other characters that do not print."""
    return "".join(character if character.isprintable() else "�" for character in text)


def elided_path(path: Path) -> str:
    """The path as people write it, `~` for the home folder."""
    try:
        return one_line(str(Path("~") / path.relative_to(Path.home())))
    except (ValueError, RuntimeError):
        return one_line(str(path))


def failure(error: BaseException) -> str:
    """What went wrong, in one sentence or two."""
    if isinstance(error, ClipsearchError):
        return one_line(f"{error.title}: {error.message}")
    text = QCoreApplication.translate("wording", "Something went wrong: {error}")
    return one_line(text.format(error=f"{type(error).__name__}: {error}" if str(error) else type(error).__name__))


def breakable(text: str) -> str:
    """Text that a label may break after the separators of paths and file names, not only at spaces."""
    return "".join(character + "\u200b" if character in "/\\_-." else character for character in text)


def run_outcome(counts: IndexCounts) -> str:
    """What an indexing run has changed, such as "120 new, 3 changed", and how much it could not read."""
    names = {
        QCoreApplication.translate("wording", "{count} new"): counts.added,
        QCoreApplication.translate("wording", "{count} changed"): counts.updated,
        QCoreApplication.translate("wording", "{count} moved"): counts.moved,
        QCoreApplication.translate("wording", "{count} removed"): counts.removed,
    }
    parts = [name.format(count=number(count)) for name, count in names.items() if count]
    text = QCoreApplication.translate("wording", "Everything is up to date.")
    if parts:
        text = QCoreApplication.translate("wording", "Indexed: {changes}.").format(changes=", ".join(parts))
    if counts.problems:
        text += " " + QCoreApplication.translate("wording", "%Ln files cannot be read.", "", counts.problems)
    return text


def model_facts(model: ModelInfo) -> str:
    """What is worth knowing of a model before choosing it, such as "en · fast · 72.8 % on ImageNet · 340 MB"."""
    speeds = {
        "fast": QCoreApplication.translate("wording", "fast"),
        "medium": QCoreApplication.translate("wording", "medium speed"),
        "slow": QCoreApplication.translate("wording", "slow without a graphics card"),
    }
    parts = [_languages(model), speeds.get(model.speed, model.speed)]
    if model.accuracy is not None:
        accuracy = QLocale().toString(model.accuracy, "f", 1)
        parts.append(QCoreApplication.translate("wording", "{accuracy} % on ImageNet").format(accuracy=accuracy))
    parts += [_model_size(model), model.licence]
    if model.needs_conversion and not model.installed:
        parts.append(QCoreApplication.translate("wording", "is converted here, which needs torch"))
    return " · ".join(part for part in parts if part)


def model_terms(model: ModelInfo) -> str:
    """Where a model comes from, how large the download is and its licence, for the question before it."""
    source = model.repository or QCoreApplication.translate("wording", "this machine")
    size = QCoreApplication.translate("wording", "a size told when it begins")
    if model.download_bytes:
        size = file_size(model.download_bytes)
    text = QCoreApplication.translate(
        "wording", "It comes from {source} ({size}).\nIts licence: {licence}. Your photos never leave this computer."
    )
    return text.format(source=source, size=size, licence=model.licence)


def model_progress(step: ModelProgress | None) -> str:
    """One line about a model on its way, such as "Downloading: 120 MB of 340 MB"."""
    if step is None:
        return QCoreApplication.translate("wording", "Waiting…")
    names = {
        ModelStage.DOWNLOADING: QCoreApplication.translate("wording", "Downloading"),
        ModelStage.CHECKING: QCoreApplication.translate("wording", "Checking"),
        ModelStage.CONVERTING: QCoreApplication.translate("wording", "Converting"),
        ModelStage.DONE: QCoreApplication.translate("wording", "Ready"),
    }
    if step.stage is not ModelStage.DOWNLOADING or not step.total_bytes:
        return f"{names[step.stage]}…"
    text = QCoreApplication.translate("wording", "{done} of {total}")
    amounts = text.format(done=file_size(step.done_bytes), total=file_size(step.total_bytes))
    return f"{names[step.stage]}: {amounts}"


def model_installed(model: ModelInfo) -> str:
    return QCoreApplication.translate("wording", "{name} is ready to be used.").format(name=model.title)


def answering(models: Sequence[ModelInfo]) -> str:
    """Which model answers, and which is catching up."""
    now = next((model.title for model in models if model.answering), "")
    later = next((model.title for model in models if model.chosen and not model.answering), "")
    if later:
        text = QCoreApplication.translate("wording", "{now} answers until {later} has seen all photos")
        return text.format(now=now, later=later)
    return QCoreApplication.translate("wording", "{now} answers").format(now=now) if now else ""


def model_and_engine(model: str, engine: str) -> str:
    """The model that answers and, in a second line once it is known, what encodes photos and why."""
    lines = [QCoreApplication.translate("wording", "Model: {model}").format(model=one_line(model))]
    if engine:
        text = QCoreApplication.translate("wording", "Photos are encoded with {engine}")
        lines.append(text.format(engine=one_line(engine)))
    return "\n".join(lines)


def _languages(model: ModelInfo) -> str:
    if len(model.languages) > 3:
        return QCoreApplication.translate("wording", "Many languages")
    return ", ".join(_language(code) for code in model.languages)


def _language(code: str) -> str:
    if code in {"multi", "mul"}:
        return QCoreApplication.translate("wording", "Many languages")
    language = QLocale.languageToString(QLocale(code).language())
    return language if QLocale(code).language() != QLocale.Language.C else code


def _model_size(model: ModelInfo) -> str:
    size = model.disk_bytes if model.installed else model.download_bytes
    if not size:
        return ""
    text = QCoreApplication.translate("wording", "{size} on disk" if model.installed else "{size} to download")
    return text.format(size=file_size(size))
