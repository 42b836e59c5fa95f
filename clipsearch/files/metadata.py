"""When a photo was taken and with what, as the camera wrote it into the picture's EXIF block."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from PIL import ExifTags, Image

_DATE = re.compile(r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_FIRST_PHOTOGRAPH = 1826  # the years that cameras without a set clock write lie before it: 0000, 0001
_UNSET = {"1969-12-31", "1970-01-01"}  # the beginning of Unix's time, here and west of Greenwich
_LONGEST_NAME = 80

# In order of trust: taken, made digital, last written; each with its fraction of a second (Exif 3.0, 4.6.6).
_DATES = (
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.SubsecTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.SubsecTimeDigitized),
    (ExifTags.Base.DateTime, ExifTags.Base.SubsecTime),
)

# What follows a maker's name in the tag Make: "NIKON CORPORATION", "OLYMPUS IMAGING CORP.", "FUJI PHOTO FILM CO., LTD."
_COMPANY = re.compile(
    r"\s+(ag|camera|co|company|corp|corporation|electric|electronics|gmbh|imaging|inc|ltd|optical|photo|techwin)\b.*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a picture tells of itself, None where it does not.

    `captured_at` is the camera's local time, "YYYY-MM-DDTHH:MM:SS" or "YYYY-MM-DDTHH:MM:SS.fff"; `camera` its maker and
    model, "Canon EOS R5".
    """

    captured_at: str | None = None
    camera: str | None = None


def read_metadata(image: Image.Image) -> Metadata:
    """Return what the EXIF block of an open picture tells; what is damaged or senseless in it is passed over."""
    try:
        return _of_exif(image.getexif())
    except Exception:  # a damaged EXIF block raises nearly anything
        return Metadata()


def read_raw_metadata(file: BinaryIO) -> Metadata:
    """Do the same for a camera's RAW file, as far as its structure is that of TIFF; most are."""
    exif = Image.Exif()
    try:
        file.seek(0)
        exif.load_from_fp(file)
        return _of_exif(exif)
    except Exception:  # as above, and other structures
        return Metadata()


def _of_exif(exif: Image.Exif) -> Metadata:
    if not exif:
        return Metadata()
    return of_tags({**exif, **exif.get_ifd(ExifTags.IFD.Exif)})


def of_tags(tags: Mapping[int, Any]) -> Metadata:
    """Return what EXIF tags tell, or texts that were found elsewhere under the numbers of such tags."""
    return Metadata(_captured_at(tags), _camera(tags))


def _captured_at(tags: Mapping[int, Any]) -> str | None:
    for date, fraction in _DATES:
        if moment := _moment(_text(tags.get(date))):
            return moment + _milliseconds(_text(tags.get(fraction)))
    return None


def _moment(text: str) -> str | None:
    if not (match := _DATE.match(text)):
        return None
    year, month, day, hour, minute, second = match.groups()
    try:
        moment = datetime.fromisoformat(f"{year}-{month}-{day}T{hour}:{minute}:{second}")
    except ValueError:
        return None
    sensible = moment.year >= _FIRST_PHOTOGRAPH and moment.date().isoformat() not in _UNSET
    return moment.isoformat() if sensible else None


def _milliseconds(digits: str) -> str:
    """Return ".fff" of the digits behind a second's decimal point, "" where they are none."""
    return f".{digits:0<3.3}" if digits.isascii() and digits.isdigit() else ""


def _camera(tags: Mapping[int, Any]) -> str | None:
    """Return maker and model, the maker once and without its company's form."""
    make, model = _text(tags.get(ExifTags.Base.Make)), _text(tags.get(ExifTags.Base.Model))
    named = model.partition(" ")[0].casefold() in make.casefold().split()
    return f"{'' if named else _COMPANY.sub('', make)} {model}".strip()[:_LONGEST_NAME] or None


def _text(value: object) -> str:
    """Return a tag's text, tidied: up to the first NUL, white space single, nothing unprintable."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    words = " ".join(value.partition("\0")[0].split())
    return words if words.isprintable() else ""
