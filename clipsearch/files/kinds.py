"""What a file is by its name: a picture, a camera's RAW, a video."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef"}
    | {".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw"}
)
PICTURE_SUFFIXES = RAW_SUFFIXES | {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"),
    *(".heic", ".heif", ".hif", ".jxl"),
}
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mts", ".m2ts", ".3gp", ".wmv"}
)
#: the film and the still of a live photo, which phones store side by side under one name
LIVE_FILM_SUFFIXES = frozenset({".mov", ".mp4"})
LIVE_STILL_SUFFIXES = frozenset({".heic", ".heif", ".jpg", ".jpeg"})


def is_picture(name: str) -> bool:
    """Tell by its suffix whether a file is a picture that the decoder should try, RAW included."""
    return suffix(name) in PICTURE_SUFFIXES


def is_raw(name: str) -> bool:
    """Tell by its suffix whether a file comes straight from a camera's sensor; inside, many look like TIFF."""
    return suffix(name) in RAW_SUFFIXES


def is_video(name: str) -> bool:
    """Tell by its suffix whether a file is a video."""
    return suffix(name) in VIDEO_SUFFIXES


def suffix(name: str) -> str:
    """Return a file's suffix with its dot, in small letters; "" where there is none."""
    _, dot, last = name.rpartition(".")
    return dot + last.lower() if dot else ""


def stem(name: str) -> str:
    """Return a file's name without its suffix, in small letters: what files of one shot have in common."""
    return name.rpartition(".")[0].lower()


def partners(companions: Iterable[str], pictures: Iterable[str]) -> Mapping[str, str]:
    """Return which picture of the same directory each file accompanies; those that accompany none are left out.

    A RAW lies beside a picture of its name as that picture's negative, the film of a live photo beside its still.
    """
    same: dict[str, list[str]] = {}
    for picture in pictures:
        same.setdefault(stem(picture), []).append(picture)
    pairs = ((name, picture) for name in companions for picture in same.get(stem(name), ())[::-1])
    return {name: picture for name, picture in pairs if _accompanies(name, picture)}


def _accompanies(name: str, picture: str) -> bool:
    return is_raw(name) or (suffix(name) in LIVE_FILM_SUFFIXES and suffix(picture) in LIVE_STILL_SUFFIXES)
