from __future__ import annotations

from pathlib import Path

import pytest

from clipsearch import settings
from clipsearch.errors import ClipsearchError
from clipsearch.settings import Settings


def test_a_missing_file_gives_the_defaults(tmp_path: Path) -> None:
    assert settings.load(tmp_path / "none.toml") == Settings()


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "settings.toml"
    chosen = Settings(
        decode_workers=3, decode_timeout_s=1.5, batch_size=8, hub_mirror="https://hub.example.org:8443/m",
        ignore=("*.tmp.jpg", "/Scans/", "!a \"b\" ü"), skip_hidden=False, min_file_kb=20, follow_links=True,
        on_battery="pause", under_load="full",
    )  # fmt: skip
    settings.save(chosen, path)
    settings.save(chosen, path)
    assert settings.load(path) == chosen
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(ClipsearchError, match=r"settings\.toml cannot be written"):
        settings.save(Settings(), tmp_path / "a file" / "settings.toml")


def test_unknown_keys_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('colour = "mauve"\nbatch_size = 9\n')
    assert settings.load(tmp_path / "s.toml") == Settings(batch_size=9)


@pytest.mark.parametrize(
    "content",
    [b"batch_size = ", b"batch_size = -1", b"batch_size = 0", b"batch_size = 1.5", b"batch_size = true",
     b'batch_size = "many"', b'engine = "steam"', b"engine = 1", b"decode_timeout_s = 0.0", b"max_megapixels = nan",
     b"\xff\xfe", b"hub_mirror = 1", b'hub_mirror = "hub.example.org"', b'hub_mirror = "https://"', b'hub_mirror = "http://[::1"',
     b"skip_hidden = 1", b'follow_links = "yes"', b"min_file_kb = true", b"min_file_kb = -1", b'ignore = "*.jpg"',
     b'on_battery = "stop"', b"under_load = 1", b"ignore = [1]", b'ignore = [""]', b'ignore = ["a\\nb"]'],
)  # fmt: skip
def test_a_bad_value_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    with pytest.raises(ClipsearchError, match=r"settings\.toml"):
        settings.load(path)


def test_no_chosen_workers_means_one_a_core_at_least() -> None:
    assert Settings().workers >= 1
    assert Settings(decode_workers=5).workers == 5
