from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from clipsearch.files.thumbnails import ThumbnailCache


@pytest.fixture
def cache(tmp_path: Path) -> ThumbnailCache:
    return ThumbnailCache(tmp_path / "thumbnails", 320)


@pytest.mark.parametrize(
    ("size", "small"), [((1000, 500), (320, 160)), ((500, 1000), (160, 320)), ((9000, 3), (320, 1)), ((9, 5), (9, 5))]
)
def test_the_longer_side_has_the_size_asked_at_most(
    cache: ThumbnailCache, size: tuple[int, int], small: tuple[int, int]
) -> None:
    cache.write("abcd", Image.new("RGB", size))
    with Image.open(cache.path("abcd")) as image:
        assert (image.format, image.size) == ("JPEG", small)


def test_one_that_exists_is_kept(cache: ThumbnailCache) -> None:
    cache.write("abcd", Image.new("RGB", (50, 50)))
    before = cache.path("abcd").read_bytes()
    cache.write("abcd", Image.new("RGB", (60, 60), "red"))
    assert cache.path("abcd").read_bytes() == before


def test_many_threads_may_make_the_same_one(cache: ThumbnailCache) -> None:
    image = Image.effect_noise((600, 600), 50).convert("RGB")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: cache.write("abcd", image), range(16)))
    assert list(cache.folder.rglob("*.*")) == [cache.path("abcd")]


def test_removing_is_quiet_about_what_is_not_there(cache: ThumbnailCache) -> None:
    cache.write("abcd", Image.new("RGB", (50, 50)))
    cache.remove("abcd")
    cache.remove("abcd")
    assert not cache.path("abcd").exists()
