"""What a file is by its name: a picture, a camera's RAW, a video."""

from __future__ import annotations

import os

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
    return os.path.splitext(name)[1].lower()


def stem(name: str) -> str:
    """Return a file's name without its suffix, in small letters: what files of one shot have in common."""
    return os.path.splitext(name)[0].lower()
