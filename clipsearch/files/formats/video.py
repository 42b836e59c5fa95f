"""A video -> one picture that stands for it: a keyframe at about a tenth of its length."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from datetime import datetime
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from PIL import ExifTags, Image, UnidentifiedImageError

from clipsearch.files.formats.code_points import profile_of
from clipsearch.files.formats.registry import missing_extra
from clipsearch.files.metadata import Metadata, of_tags

# Only what cameras and phones write: FFmpeg would also follow a playlist's addresses, in whatever file it finds one.
_CONTAINERS = "mov,matroska,webm,avi,mpeg,mpegts,mpegvideo,asf"
_MOST_PACKETS = 2000  # to be read until a keyframe comes out
_PART = 10  # the beginning is often black, or a title
_UNSPECIFIED = 2  # ITU-T H.273
_HD_LINES = 720
_QUARTER_TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
_APPLE = "com.apple.quicktime."


class Still(NamedTuple):
    """An upright picture, perhaps smaller than the video, whose size in pixels (upright) and metadata are beside it."""

    image: Image.Image
    size: tuple[int, int]
    metadata: Metadata


def can_read_videos() -> bool:
    """Tell whether the extra for videos is installed, without loading it."""
    return importlib.util.find_spec("av") is not None


def read_video(path: Path, min_side: int, hold: Callable[[tuple[int, int]], None]) -> Still:
    """Return a keyframe, its shorter side at least `min_side` if the video has as much; its colours by a profile.

    `hold` is called with the size as stored before anything is decoded, and may raise. Raises UnreadablePhotoError
    where the extra is not installed, UnidentifiedImageError for what is no video, ValueError for a damaged one.
    """
    av = _av()
    try:
        with path.open("rb") as file, av.open(file, options={"format_whitelist": _CONTAINERS}) as container:
            stream = next((stream for stream in container.streams.video if not _is_cover(stream)), None)
            if stream is None:
                raise UnidentifiedImageError
            hold((stream.codec_context.width, stream.codec_context.height))
            frame = _keyframe(container, stream)
            image, size = _upright(frame, stream, min_side)
            return Still(image, size, _metadata(container.metadata))
    except av.error.FFmpegError as error:
        raise ValueError(error.strerror) from error


def _av() -> ModuleType:
    try:
        import av
    except ImportError:
        raise missing_extra("Video", "video") from None
    return av


def _is_cover(stream: Any) -> bool:
    """Tell a picture that is attached to a film from the film."""
    return "attached_pic" in stream.disposition.name if stream.disposition else False


def _keyframe(container: Any, stream: Any) -> Any:
    """Return the keyframe before a tenth of the length, else the first one. Raises ValueError if there is none."""
    stream.codec_context.thread_count = 1  # the workers are the threads
    stream.codec_context.skip_frame = "NONKEY"
    if container.duration:
        container.seek((container.start_time or 0) + container.duration // _PART)
    frame = next(_frames(container, stream), None)
    if frame is None:
        container.seek(container.start_time or 0)
        frame = next(_frames(container, stream), None)
    if frame is None:
        raise ValueError("it has no whole picture")
    return frame


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    for packet in islice(container.demux(stream), _MOST_PACKETS):
        yield from (frame for frame in packet.decode() if not frame.is_corrupt)


def _upright(frame: Any, stream: Any, min_side: int) -> tuple[Image.Image, tuple[int, int]]:
    """Return the frame as a picture with square pixels, reduced, and the video's own size, both upright."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    size = max(1, round(frame.width * aspect)), frame.height
    scale = min(1.0, 2 * min_side / min(size))  # the thumbnail is made of it, too
    width, height = (max(1, round(side * scale)) for side in size)
    rgb = frame.reformat(width, height, "rgb24", src_colorspace=_matrix(frame), interpolation="AREA")
    image = Image.fromarray(rgb.to_ndarray())
    if profile := profile_of(stream.codec_context.color_primaries, stream.codec_context.color_trc):
        image.info["icc_profile"] = profile
    turn = round(frame.rotation / 90) * 90 % 360
    upright = image.transpose(_QUARTER_TURNS[turn]) if turn in _QUARTER_TURNS else image
    return upright, size[::-1] if turn in {90, 270} else size


def _matrix(frame: Any) -> str | None:
    """Return the matrix from YCbCr where the video does not say: by custom that of its number of lines."""
    if frame.colorspace != _UNSPECIFIED:
        return None
    return "ITU709" if frame.height >= _HD_LINES else "ITU601"


def _metadata(texts: dict[str, str]) -> Metadata:
    """Return what phones and cameras write: Apple the local time and the camera, others the time of Greenwich."""
    moment = texts.get(f"{_APPLE}creationdate") or _local(texts.get("creation_time", ""))
    return of_tags(
        {
            ExifTags.Base.DateTimeOriginal: moment,
            ExifTags.Base.Make: texts.get(f"{_APPLE}make") or texts.get("make"),
            ExifTags.Base.Model: texts.get(f"{_APPLE}model") or texts.get("model"),
        }
    )


def _local(moment: str) -> str:
    """Return the time in this computer's zone, "" for a clock that was not set (1904, 1970) or another text."""
    try:
        utc = datetime.fromisoformat(moment)
        return utc.astimezone().isoformat() if utc.year > 1970 else ""
    except (ValueError, OSError, OverflowError):
        return ""
