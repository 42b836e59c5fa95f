from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import decode
from clipsearch.files.formats import video
from clipsearch.files.kinds import is_video
from clipsearch.files.metadata import Metadata
from tests.files.test_samples import FOLDER as PICTURES
from tests.files.test_samples import corners_differ, thumbnail

FOLDER = Path(__file__).parent / "videos"
VIDEOS = sorted(path.name for path in FOLDER.iterdir())


@pytest.fixture(autouse=True)
def extra() -> None:
    pytest.importorskip("av")


@pytest.mark.parametrize("name", VIDEOS)
def test_a_keyframe_is_upright_and_in_its_colours(name: str) -> None:
    assert is_video(name)
    decoded = decode(FOLDER / name, 32)
    assert (decoded.format, decoded.width, decoded.height) == ("VIDEO", 128, 96)
    assert corners_differ(decoded.image) <= 24
    assert np.abs(thumbnail(decoded.image) - thumbnail(decode(PICTURES / "png.png", 32).image)).mean() <= 6


def test_it_is_reduced_while_it_is_read() -> None:
    assert decode(FOLDER / "h264.mp4", 16).image.size == (43, 32)


def test_phones_tell_when_and_with_what_they_filmed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert decode(FOLDER / "hevc.mov", 32).metadata == Metadata("2024-05-01T12:34:56", "Apple iPhone 15")


def test_other_cameras_tell_the_time_of_greenwich() -> None:
    captured_at = decode(FOLDER / "h264-rotated-270.mov", 32).metadata.captured_at
    assert captured_at == video._local("2024-05-01T12:34:56.000000Z")[:19]


@pytest.mark.parametrize("moment", ["1904-01-01T00:00:00.000000Z", "1970-01-01T00:00:00Z", "yesterday", ""])
def test_a_clock_that_was_not_set_tells_nothing(moment: str) -> None:
    assert video._local(moment) == ""


@pytest.mark.parametrize("name", ["h264.mp4", "hevc.mov", "vp9.webm", "mjpeg.avi", "mpeg2.mpg", "h264.mts", "wmv2.wmv"])
@pytest.mark.parametrize("cut", [20, 600])
def test_a_video_cut_short_is_told_in_words(tmp_path: Path, name: str, cut: int) -> None:
    (tmp_path / name).write_bytes((FOLDER / name).read_bytes()[:cut])
    with pytest.raises(UnreadablePhotoError) as caught:
        decode(tmp_path / name, 32)
    assert not caught.value.temporary


def test_what_is_no_video_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("Dear diary, " * 1000)
    with pytest.raises(UnreadablePhotoError):
        decode(tmp_path / "a.mp4", 32)


def test_a_playlist_under_a_video_s_name_is_not_followed(tmp_path: Path) -> None:
    elsewhere = FOLDER / "h264.mts"
    (tmp_path / "a.mp4").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{elsewhere}\n#EXT-X-ENDLIST\n")
    with pytest.raises(UnreadablePhotoError):
        decode(tmp_path / "a.mp4", 32)


def test_the_limit_on_pixels_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "_keyframe", None)
    with pytest.raises(UnreadablePhotoError, match="very large"):
        decode(FOLDER / "h264.mp4", 32, max_megapixels=0.01)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_the_bytes_only_one_error_comes_out(data: st.DataObject) -> None:
    from tempfile import TemporaryDirectory

    name = data.draw(st.sampled_from(["h264.mp4", "vp9.webm", "mpeg2.mpg", "wmv2.wmv", "h264.mts"]))
    content = bytearray((FOLDER / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, min(len(content), 4000) - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as scratch:
        path = Path(scratch, name)
        path.write_bytes(content)
        try:
            assert decode(path, 32, max_megapixels=1).image.mode == "RGB"
        except UnreadablePhotoError as error:
            assert error.message


def test_a_missing_extra_is_named_and_the_file_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UnreadablePhotoError, match=r'pip install "clipsearch\[video\]"') as caught:
        decode(FOLDER / "h264.mp4", 32)
    assert caught.value.temporary
