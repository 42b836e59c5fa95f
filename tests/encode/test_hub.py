"""The hub's real client library against a small server that speaks its protocol."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clipsearch.encode import download as downloads
from clipsearch.encode.download import download
from clipsearch.encode.hub import RemoteFile, Repository, look_up
from clipsearch.errors import DownloadError
from clipsearch.records import ModelStage
from tests.hub_server import REVISION, Hub, serving

NAME = "someone/model"
LARGE = os.urandom(1_000_000)
SMALL = b'{"a": "b"}\n'
DIGESTS = {"towers/image.onnx": hashlib.sha256(LARGE).hexdigest(), "config.json": hashlib.sha256(SMALL).hexdigest()}
PATHS = list(DIGESTS)
posix = pytest.mark.skipif(os.name == "nt", reason="needs a device that is always full")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(downloads, "_PAUSE_S", 0.0)
    with serving(**{NAME: {"towers/image.onnx": LARGE, "config.json": SMALL, "weights.bin": b"not wanted"}}) as hub:
        yield hub


def fetch(hub: Hub, folder: Path, paths: list[str] | None = None) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    run = download(look_up(NAME, None, hub.url), paths or PATHS, folder)
    while True:
        try:
            next(run)
        except StopIteration as end:
            digests: dict[str, str] = end.value
            return digests


def held(folder: Path) -> dict[str, int]:
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def test_the_wanted_files_arrive_whole_and_nothing_else(hub: Hub, tmp_path: Path) -> None:
    assert fetch(hub, tmp_path) == DIGESTS
    assert held(tmp_path) == {"towers/image.onnx": len(LARGE), "config.json": len(SMALL)}
    assert (tmp_path / "towers/image.onnx").read_bytes() == LARGE
    assert hub.asked("weights.bin") == []


def test_the_revision_is_resolved_to_a_commit(hub: Hub) -> None:
    assert look_up(NAME, None, hub.url).revision == REVISION
    assert look_up(NAME, "main", hub.url).revision == REVISION
    with pytest.raises(DownloadError, match="does not have someone/model"):
        look_up(NAME, "of yesterday", hub.url)


def test_progress_counts_the_bytes_of_all_files(hub: Hub, tmp_path: Path) -> None:
    steps = list(download(look_up(NAME, None, hub.url), PATHS, tmp_path))
    total = len(LARGE) + len(SMALL)
    assert {step.total_bytes for step in steps} == {total}
    assert [step.done_bytes for step in steps] == sorted(step.done_bytes for step in steps)
    assert steps[-1].done_bytes == total
    assert [step.file for step in steps if step.stage is ModelStage.CHECKING] == PATHS


def test_a_lost_connection_is_taken_up_where_it_broke(hub: Hub, tmp_path: Path) -> None:
    hub.drop_after["towers/image.onnx"] = [400_000, 300_000]
    assert fetch(hub, tmp_path) == DIGESTS
    first, _, second, _, third, _ = hub.asked("towers/image.onnx")  # each is asked again behind the redirect
    assert first is None
    assert 200_000 < int((second or "")[6:-1]) <= 400_000
    assert 300_000 < int((third or "")[6:-1]) <= 700_000
    assert hub.sent < len(LARGE) + 600_000


def test_a_closed_download_goes_on_next_time(hub: Hub, tmp_path: Path) -> None:
    run = download(look_up(NAME, None, hub.url), PATHS, tmp_path)
    while next(run).done_bytes < 500_000:
        pass
    run.close()
    assert held(tmp_path)["towers/image.onnx.part"] >= 500_000
    hub.requests.clear()
    assert fetch(hub, tmp_path) == DIGESTS
    assert hub.asked("towers/image.onnx")[0] is not None
    assert set(held(tmp_path)) == set(PATHS)


def test_a_server_that_knows_no_ranges_sends_the_whole_file_again(hub: Hub, tmp_path: Path) -> None:
    hub.ranges, hub.drop_after["towers/image.onnx"] = False, [600_000]
    assert fetch(hub, tmp_path) == DIGESTS


def test_what_is_there_is_not_asked_for_again(hub: Hub, tmp_path: Path) -> None:
    fetch(hub, tmp_path)
    hub.requests.clear()
    assert fetch(hub, tmp_path) == DIGESTS
    assert hub.asked("towers/image.onnx") == hub.asked("config.json") == []


@pytest.mark.parametrize("path", PATHS)
def test_a_file_changed_on_disk_is_fetched_again(hub: Hub, tmp_path: Path, path: str) -> None:
    fetch(hub, tmp_path)
    (tmp_path / path).write_bytes(b"older revision")
    assert fetch(hub, tmp_path) == DIGESTS
    assert hashlib.sha256((tmp_path / path).read_bytes()).hexdigest() == DIGESTS[path]


def test_what_the_revision_does_not_have_is_deleted(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "towers").mkdir()
    (tmp_path / "towers" / "old_tensor").touch()
    fetch(hub, tmp_path)
    assert set(held(tmp_path)) == set(PATHS)


def test_more_on_disk_than_the_file_has_is_no_beginning_of_it(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "config.json.part").write_bytes(b"x" * 1000)
    assert fetch(hub, tmp_path) == DIGESTS


@pytest.mark.parametrize("path", PATHS)
def test_the_beginning_of_another_revision_costs_no_more_than_itself(hub: Hub, tmp_path: Path, path: str) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / f"{path}.part").write_bytes(b"old")
    assert fetch(hub, tmp_path) == DIGESTS
    assert set(held(tmp_path)) == set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_a_damaged_file_is_refused_and_deleted(hub: Hub, tmp_path: Path, path: str) -> None:
    hub.damaged.add(path)
    with pytest.raises(DownloadError, match="damaged") as caught:
        fetch(hub, tmp_path)
    assert not caught.value.resumable
    assert path not in held(tmp_path)
    assert f"{path}.part" not in held(tmp_path)


def test_a_file_larger_than_stated_is_cut_short(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stated = [{**sibling, "lfs": None, "size": 5} for sibling in hub.siblings(NAME)]
    monkeypatch.setattr(Hub, "siblings", lambda *_: stated)
    with pytest.raises(DownloadError, match="larger than the hub states"):
        fetch(hub, tmp_path)
    assert hub.sent < len(LARGE) + 10_000


def test_a_busy_server_is_asked_again(hub: Hub, tmp_path: Path) -> None:
    hub.status["config.json"] = [503, 429]
    assert fetch(hub, tmp_path) == DIGESTS
    hub.status["config.json"] = [503] * 9
    (tmp_path / "config.json").unlink()
    with pytest.raises(DownloadError, match="cannot be reached") as caught:
        fetch(hub, tmp_path)
    assert caught.value.resumable


def test_a_server_that_goes_away_is_one_sentence_and_keeps_what_came(hub: Hub, tmp_path: Path) -> None:
    hub.drop_after["towers/image.onnx"] = [300_000, 0, 0, 0, 0, 0]
    with pytest.raises(DownloadError, match=r"cannot be reached; check the connection, or set a mirror") as caught:
        fetch(hub, tmp_path)
    assert caught.value.resumable
    assert 0 < held(tmp_path)["towers/image.onnx.part"] <= 300_000


def test_no_network_is_one_sentence() -> None:
    with pytest.raises(DownloadError, match=r"^127\.0\.0\.1:9 cannot be reached; check the connection") as caught:
        look_up(NAME, None, "http://127.0.0.1:9")
    assert caught.value.resumable
    with pytest.raises(DownloadError, match=r"cannot be reached"):
        look_up(NAME, None, "http://no-such-host.invalid")


def test_an_unknown_repository_and_a_refusal_say_so(hub: Hub) -> None:
    with pytest.raises(DownloadError, match="does not have someone/else"):
        look_up("someone/else", None, hub.url)
    hub.status[NAME] = [403]
    with pytest.raises(DownloadError, match=r"refused someone/model \(HTTP status 403\)"):
        look_up(NAME, None, hub.url)


def test_a_server_that_is_no_hub_says_so(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.status[NAME] = [200]  # with an empty body
    with pytest.raises(DownloadError, match="does not answer as a model hub does"):
        look_up(NAME, None, hub.url)


@pytest.mark.parametrize(
    "path",
    ["../x.onnx", "a/../../x", "/etc/x", "C:/x", "c:x", "a\\..\\x", "a//x", "NUL", "sub/com1.onnx", "x.", "x ", "a\0b",
     "a\nb"],
)  # fmt: skip
def test_a_hostile_name_stops_the_download(hub: Hub, tmp_path: Path, path: str) -> None:
    hub.repositories[NAME][path] = b"evil"
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(DownloadError, match="not safe"):
        fetch(hub, tmp_path, [path])
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_hostile_names_nobody_asks_for_do_no_harm(hub: Hub, tmp_path: Path) -> None:
    hub.repositories[NAME]["../x"] = b"evil"
    assert fetch(hub, tmp_path) == DIGESTS


def test_a_file_without_a_checksum_is_not_downloaded(hub: Hub, tmp_path: Path) -> None:
    repository = Repository(NAME, REVISION, (RemoteFile("a", 1, None, None),), hub.url, True)
    with pytest.raises(DownloadError, match="no checksum"):
        next(download(repository, ["a"], tmp_path))


def test_a_disk_too_small_is_noticed_before(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage: Any = type("Usage", (), {"free": 65_000_000})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DownloadError, match=r"too full: 68 MB are needed in .*, 65 MB are free"):
        fetch(hub, tmp_path)
    assert hub.asked("towers/image.onnx") == []


@posix
def test_a_disk_that_fills_up_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "config.json.part").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match=r"^The disk with .* is full; please free some space") as caught:
        fetch(hub, tmp_path)
    assert not caught.value.resumable


@posix
def test_a_folder_that_may_not_be_written_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "config.json.part").mkdir()
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch(hub, tmp_path)


def test_a_mirror_never_gets_the_users_token(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch(hub, tmp_path)
    assert set(hub.tokens) == {None}


def test_nothing_is_loaded_or_asked_before_it_is_needed() -> None:
    code = (
        "import sys, clipsearch.encode.download; assert not {'huggingface_hub', 'httpx', 'requests'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_environments_endpoint_is_asked_when_no_mirror_is_set(hub: Hub) -> None:
    code = f"from clipsearch.encode.hub import look_up; print(look_up({NAME!r}).revision)"
    environment = {**os.environ, "HF_ENDPOINT": hub.url}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == REVISION
    assert [path for _, path, _ in hub.requests] == [f"/api/models/{NAME}"]


def test_offline_mode_is_respected(hub: Hub) -> None:
    code = f"from clipsearch.encode.hub import look_up; look_up({NAME!r}, None, {hub.url!r})"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "switched off by HF_HUB_OFFLINE" in done.stderr
    assert hub.requests == []
