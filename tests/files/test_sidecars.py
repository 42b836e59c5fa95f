"""Which sidecars belong to a photo, and how one is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clipsearch.files import sidecars
from clipsearch.files.sidecars import Naming, SidecarError, existing, new_path, read_sidecar, write_sidecar
from clipsearch.files.xmp.merging import new
from clipsearch.files.xmp.packet import Keywords


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"")


@pytest.mark.parametrize(
    ("there", "photo", "found"),
    [
        ((), "a.jpg", []),
        (("a.jpg.xmp",), "a.jpg", ["a.jpg.xmp"]),
        (("a.xmp",), "a.jpg", ["a.xmp"]),
        (("a.xmp",), "a.nef", ["a.xmp"]),
        (("a.xmp", "a.nef.xmp"), "a.nef", ["a.nef.xmp", "a.xmp"]),
        (("a.xmp", "a.NEF"), "a.jpg", []),  # it is the RAW file's
        (("a.xmp", "a.jpg"), "a.nef", ["a.xmp"]),
        (("a.xmp", "a.png"), "a.jpg", []),  # nobody knows whose it is
        (("a.xmp", "a.dng"), "a.nef", []),
    ],
)
def test_a_sidecar_is_known_by_either_name(
    tmp_path: Path, there: tuple[str, ...], photo: str, found: list[str]
) -> None:
    touch(tmp_path, photo, *there)
    assert [path.name for path in existing(tmp_path / photo)] == found


@pytest.mark.skipif(os.name == "nt", reason="one name there")
def test_large_letters_are_known_too(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a.XMP")
    assert [path.name for path in existing(tmp_path / "a.jpg")] == ["a.XMP"]


@pytest.mark.parametrize(
    ("naming", "photo", "there", "name"),
    [
        (Naming.AUTO, "a.jpg", (), "a.jpg.xmp"),
        (Naming.AUTO, "a.NEF", (), "a.xmp"),
        (Naming.AUTO, "a.NEF", ("a.jpg",), "a.xmp"),
        (Naming.AUTO, "a.NEF", ("a.dng",), "a.NEF.xmp"),
        (Naming.ADOBE, "a.jpg", (), "a.xmp"),
        (Naming.ADOBE, "a.jpg", ("a.nef",), "a.jpg.xmp"),
        (Naming.FULL, "a.NEF", (), "a.NEF.xmp"),
    ],
)
def test_a_new_sidecar_is_named_for_one_photo_only(
    tmp_path: Path, naming: Naming, photo: str, there: tuple[str, ...], name: str
) -> None:
    touch(tmp_path, photo, *there)
    assert new_path(tmp_path / photo, naming).name == name


def test_a_sidecar_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    data = new(Keywords(("Old",)))
    write_sidecar(path, data, None)
    path.chmod(0o600)
    before, packet = read_sidecar(path)
    assert (before, packet.keywords.flat) == (data, ("Old",))
    write_sidecar(path, b"other", before)
    assert path.read_bytes() == b"other"
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["a.xmp"]


def test_what_another_program_has_just_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    path.write_bytes(b"theirs")
    for before in (None, b"older"):
        with pytest.raises(SidecarError, match="left alone"):
            write_sidecar(path, b"ours", before)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a.xmp", b"theirs")]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.xmp").write_bytes(b"before")
    (tmp_path / "a.xmp").symlink_to("real.xmp")
    write_sidecar(tmp_path / "a.xmp", b"after", b"before")
    assert (tmp_path / "a.xmp").is_symlink()
    assert (tmp_path / "real.xmp").read_bytes() == b"after"


def test_what_cannot_be_read_or_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = tmp_path / "a.xmp"
    bad.write_bytes(b"<a>")
    with pytest.raises(SidecarError, match="left alone, since line 1 is not valid XML"):
        read_sidecar(bad)
    with pytest.raises(SidecarError, match="no longer there"):
        read_sidecar(tmp_path / "gone.xmp")
    with pytest.raises(SidecarError, match="cannot be written"):
        write_sidecar(tmp_path / "nowhere" / "a.xmp", b"", None)
    monkeypatch.setattr(sidecars, "LARGEST_BYTES", 1)
    read_sidecar_of_two_bytes = tmp_path / "b.xmp"
    read_sidecar_of_two_bytes.write_bytes(b"ab" * 100)
    with pytest.raises(SidecarError):
        read_sidecar(read_sidecar_of_two_bytes)
