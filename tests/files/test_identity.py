from __future__ import annotations

from pathlib import Path

import pytest
import xxhash

from clipsearch.files.identity import WHOLE_BYTES, content_hash, is_sampled, whole_hash


def write(path: Path, size: int, *changes: tuple[int, bytes]) -> Path:
    """Write `size` bytes, all zero but for `changes` at their offsets (negative: from the end)."""
    with path.open("wb") as stream:
        stream.truncate(size)
        for offset, data in changes:
            stream.seek(offset if offset >= 0 else size + offset)
            stream.write(data)
    return path


def test_contents_are_told_apart_and_nothing_else(tmp_path: Path) -> None:
    for name, content in {"a": b"one", "copy of a": b"one", "b": b"two", "empty": b""}.items():
        (tmp_path / name).write_bytes(content)
    one, copy, other, empty = (content_hash(tmp_path / name) for name in ("a", "copy of a", "b", "empty"))
    assert one == copy
    assert len({one, other, empty}) == 3


def test_a_file_up_to_the_limit_is_hashed_whole(tmp_path: Path) -> None:
    middle = WHOLE_BYTES // 2 + 300_000
    plain, changed = (write(tmp_path / name, WHOLE_BYTES, (middle, data)) for name, data in (("a", b"1"), ("b", b"2")))
    assert content_hash(plain) == whole_hash(plain) == xxhash.xxh3_128(plain.read_bytes()).hexdigest()
    assert content_hash(plain) != content_hash(changed)
    assert not is_sampled(content_hash(plain))


@pytest.mark.parametrize("offset", [0, 262_143, WHOLE_BYTES // 15, -262_144, -1])
def test_a_large_file_is_told_by_its_samples(tmp_path: Path, offset: int) -> None:
    plain, changed = write(tmp_path / "a", WHOLE_BYTES + 1), write(tmp_path / "b", WHOLE_BYTES + 1, (offset, b"!"))
    assert is_sampled(content_hash(plain))
    assert content_hash(plain) != content_hash(changed)


def test_large_files_of_other_sizes_differ(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a", WHOLE_BYTES + 1), write(tmp_path / "b", WHOLE_BYTES + 2)
    assert content_hash(one) != content_hash(other)


def test_the_whole_hash_settles_what_the_samples_leave_open(tmp_path: Path) -> None:
    plain = write(tmp_path / "a", WHOLE_BYTES + 1)
    changed = write(tmp_path / "b", WHOLE_BYTES + 1, (WHOLE_BYTES // 15 + 500_000, b"!"))
    assert content_hash(plain) == content_hash(changed)
    assert whole_hash(plain) != whole_hash(changed)
