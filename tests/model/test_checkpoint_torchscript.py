"""OpenAI's TorchScript archives are read bit by bit, and nothing that lies in one can do harm."""

from __future__ import annotations

import os
import pickle
import random
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from clipsearch.errors import ArchitectureUnknownError, CheckpointError
from clipsearch.model import load
from clipsearch.model.checkpoint import read_checkpoint
from clipsearch.model.checkpoint.archive import Archive
from clipsearch.model.checkpoint.pickles import Module, PickleRefusedError, TensorRecord, read_pickle
from clipsearch.model.checkpoint.torchscript import DTYPES, read_torchscript
from clipsearch.model.configs import CONFIGS
from tests.model.checkpoint_files import (
    RESNET,
    VIT,
    half,
    logits,
    random_model,
    rewrite_zip,
    same,
    save_torchscript,
)

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning", "ignore:`torch.jit:FutureWarning")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return save_torchscript(half(random_model(VIT).state_dict()), tmp_path / "ViT-tiny.pt")


@pytest.mark.parametrize("config", [VIT, RESNET], ids=lambda config: config.name)
def test_an_archive_is_read_as_stored(config: Any, tmp_path: Path) -> None:
    state = half(random_model(config).state_dict())
    checkpoint = read_checkpoint(save_torchscript(state, tmp_path / "model.pt"))
    assert same(checkpoint.state, state)
    assert {name: tensor.dtype for name, tensor in checkpoint.state.items()} == {
        name: tensor.dtype for name, tensor in state.items()
    }
    assert checkpoint.config.activation == "quick_gelu"
    assert (checkpoint.config.vision, checkpoint.config.text) == (config.vision, config.text)


def test_a_loaded_archive_answers_in_full_precision(archive: Path) -> None:
    model = load(archive)
    expected = random_model(model.config)
    expected.load_state_dict({name: tensor.float() for name, tensor in half(random_model(VIT).state_dict()).items()})
    assert model.visual.proj.dtype == torch.float32
    assert torch.equal(logits(model), logits(expected))


def test_without_openais_marks_a_name_decides_the_activation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONFIGS, "tiny", VIT)
    state = random_model(VIT).state_dict()
    unmarked = save_torchscript(state, tmp_path / "unmarked.pt", marked=False)
    marked = save_torchscript(state, tmp_path / "marked.pt")
    assert load(unmarked, "tiny").config.activation == "gelu"
    assert load(unmarked).config.activation == "quick_gelu"
    assert load(marked, "tiny").config.activation == "quick_gelu"  # all of OpenAI's are


def test_only_openais_archives_have_heads_of_a_known_width(tmp_path: Path) -> None:
    unmarked = save_torchscript(random_model(VIT).state_dict(), tmp_path / "unmarked.pt", marked=False)
    with pytest.raises(ArchitectureUnknownError, match="attention heads"):
        load(unmarked)


def test_other_tensors_of_a_program_are_left_out(tmp_path: Path) -> None:
    state = random_model(VIT).state_dict()
    path = save_torchscript(
        {**state, "transformer.attn_mask": torch.ones(2), "table": torch.ones(3)}, tmp_path / "a.pt"
    )
    assert same(read_checkpoint(path).state, state)


def test_scripted_programs_are_read_like_traced_ones(tmp_path: Path) -> None:
    class Inner(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3).T)  # not contiguous
            self.shared = self.weight
            self.sizes, self.eps, self.name, self.note = [1, 2], 1e-5, "inner", None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.eps + self.sizes[0]

    path = tmp_path / "scripted.pt"
    torch.jit.script(torch.nn.Sequential(Inner(), Inner())).save(path)
    with Archive(path) as archive:
        state = read_torchscript(archive)
    assert torch.equal(state["0.weight"], torch.arange(6.0).reshape(2, 3).T)
    assert {"0.weight", "1.weight"} <= state.keys()


def test_big_endian_numbers_are_turned(archive: Path, tmp_path: Path) -> None:
    swapped = {}
    with zipfile.ZipFile(archive) as old:
        root = old.namelist()[0].split("/")[0]
        sizes = {tuple(t.shape): t.element_size() for t in read_checkpoint(archive).state.values()}
        assert set(sizes.values()) == {2, 4}
        counts = storage_sizes(old.read(f"{root}/data.pkl"))
        for key, size in counts.items():
            content = old.read(f"{root}/data/{key}")
            swapped[f"{{root}}/data/{key}"] = b"".join(
                content[at : at + size][::-1] for at in range(0, len(content), size)
            )
    big = rewrite_zip(archive, tmp_path / "big.pt", {**swapped, "{root}/byteorder": b"big"})
    assert same(read_checkpoint(big).state, read_checkpoint(archive).state)


def storage_sizes(data: bytes) -> dict[str, int]:
    """Find each storage's bytes a number in a TorchScript pickle."""
    found, pending = {}, [read_pickle(data)]
    while pending:
        for value in pending.pop().attributes.values():
            if isinstance(value, Module):
                pending.append(value)
            elif isinstance(value, TensorRecord):
                found[value.storage.key] = DTYPES[value.storage.kind].itemsize
    return found


# --- nothing in an archive can do harm -----------------------------------------------------------------------------


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f'echo > "{self.marker}"',)


@pytest.mark.parametrize("protocol", range(6))
def test_a_malicious_pickle_in_an_archive_runs_nothing(protocol: int, archive: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    evil = pickle.dumps(Evil(marker), protocol)
    path = rewrite_zip(archive, tmp_path / "evil.pt", {"{root}/data.pkl": evil, "{root}/constants.pkl": evil})
    with pytest.raises(CheckpointError, match="damaged"):
        load(path)
    assert not marker.exists()
    pickle.loads(evil)
    assert marker.exists()  # it would have run


@pytest.mark.parametrize("suffix", [".bin", ".pt"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_pickle_of_torch_save_runs_nothing(suffix: str, zipped: bool, tmp_path: Path) -> None:
    marker, path = tmp_path / "marker", tmp_path / f"evil{suffix}"
    torch.save({"state_dict": Evil(marker)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="nothing in it was run"):
        load(path, "ViT-B-32")
    assert not marker.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n)\x81.",  # an object of a class that is not the archive's own
        b"cos\nsystem\n(X\x02\x00\x00\x00lstR.",
        b"cbuiltins\neval\n(X\x01\x00\x00\x001tR.",
        b"(X\x02\x00\x00\x00lsios\nsystem\n.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.",
        b"c__torch__\nA\n)R.",  # the archive's own classes are not called either
        b"c__torch__\nA\n)\x81c__torch__\nA\nb.",  # attributes that are no dict
        b"ccollections\nOrderedDict\n}b.",  # attributes of something that is no object
        b"cbuiltins\ngetattr\n(c__torch__\nA\nX\x01\x00\x00\x00atR.",
        b"}]K\x01s.",  # a key that is no text
        b"",
        b".",
        b"(((((((",
        b"h\x00.",
        b"\x82\x01.",
    ],
)
def test_a_pickle_that_no_archive_holds_is_refused(data: bytes) -> None:
    with pytest.raises(PickleRefusedError):
        read_pickle(data)


def test_names_that_point_elsewhere_are_only_names(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    names = ["../marker", f"{tmp_path}/marker", "{root}/../../marker", "C:\\marker", "..\\marker", "{root}/data/../x"]
    path = rewrite_zip(archive, folder / "hostile.pt", dict.fromkeys(names, b"hello"))
    before = sorted(tmp_path.rglob("*"))
    assert same(load(path).state_dict(), load(archive).state_dict())
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("key", ["../../secret", "/etc/hostname", "0/../0", ""])
def test_a_storage_is_only_ever_an_entry_of_the_archive(key: str, archive: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="missing in it"):
        load(with_tensor(archive, tmp_path, key=key))


@pytest.mark.parametrize(
    "numbers",
    [
        {"count": 10**12},
        {"count": -4},
        {"shape": (10**12,)},
        {"shape": (10**12,), "strides": (0,)},
        {"offset": 1},
        {"strides": (2,)},
        {"strides": (-1,)},
        {"shape": (2, 2)},
        {"kind": "torch.ComplexFloatStorage"},
        {"kind": "os.system"},
    ],
    ids=str,
)
def test_a_tensor_stays_within_its_numbers(numbers: dict[str, Any], archive: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="damaged"):
        load(with_tensor(archive, tmp_path, **numbers))


def with_tensor(archive: Path, tmp_path: Path, **changes: Any) -> Path:
    """Write an archive whose only tensor, four numbers in `data/new`, is described as told."""
    data = tensor_pickle(**changes)
    return rewrite_zip(archive, tmp_path / "strange.pt", {"{root}/data.pkl": data, "{root}/data/new": bytes(16)})


def tensor_pickle(
    *,
    key: str = "new",
    count: int = 4,
    offset: int = 0,
    shape: tuple[int, ...] = (4,),
    strides: tuple[int, ...] = (1,),
    kind: str = "torch.FloatStorage",
) -> bytes:
    def number(value: int) -> bytes:
        raw = value.to_bytes(9, "little", signed=True)
        return b"\x8a\x09" + raw

    def word(value: str) -> bytes:
        return b"X" + len(value).to_bytes(4, "little") + value.encode()

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    module, _, name = kind.rpartition(".")
    storage = b"(" + word("storage") + f"c{module}\n{name}\n".encode() + word(key) + word("cpu") + number(count) + b"tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + numbers(shape) + numbers(strides)
    tensor += b"\x89ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02c__torch__\nCLIP\n)\x81}(" + word("weight") + tensor + b"ub."


def test_the_hostile_pickles_differ_from_a_good_one_only_where_they_say(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="whole CLIP model"):
        load(with_tensor(archive, tmp_path))


def test_a_module_inside_itself_ends_the_walk(archive: Path, tmp_path: Path) -> None:
    data = b"\x80\x02c__torch__\nA\n)\x81q\x00}(X\x01\x00\x00\x00ah\x00ub."
    with pytest.raises(CheckpointError):
        load(rewrite_zip(archive, tmp_path / "loop.pt", {"{root}/data.pkl": data}))


def test_modules_nested_without_end_are_refused(archive: Path, tmp_path: Path) -> None:
    deep = 100_000
    data = b"\x80\x02" + b"c__torch__\nA\n)\x81}(X\x01\x00\x00\x00a" * deep + b"N" + b"ub" * deep + b"."
    with pytest.raises(CheckpointError, match="no network"):
        load(rewrite_zip(archive, tmp_path / "deep.pt", {"{root}/data.pkl": data}))


def test_a_zip_bomb_is_refused_unread(archive: Path, tmp_path: Path) -> None:
    content = {"{root}/data/0": bytes(50_000_000), "{root}/data.pkl": bytes(17 * 2**20)}
    for name, packed in content.items():
        bomb = rewrite_zip(archive, tmp_path / "bomb.pt", {name: packed}, compress_type=zipfile.ZIP_DEFLATED)
        with pytest.raises(CheckpointError, match="damaged"):
            load(bomb)


def test_a_compressed_torch_file_is_refused_unread(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(4)}, tmp_path / "plain.pt")
    bomb = rewrite_zip(
        tmp_path / "plain.pt",
        tmp_path / "bomb.pt",
        {"{root}/data/0": bytes(50_000_000)},
        compress_type=zipfile.ZIP_DEFLATED,
    )
    with pytest.raises(CheckpointError, match="not one that torch writes"):
        load(bomb, "ViT-B-32")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "double.pt"
    path.write_bytes(archive.read_bytes())
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr(opened.namelist()[0], b"other")
    with pytest.raises(CheckpointError, match="two entries of one name"):
        load(path)


def test_a_wrong_checksum_is_noticed(archive: Path, tmp_path: Path) -> None:
    content = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        largest = max(opened.infolist(), key=lambda entry: entry.file_size)
    content[largest.header_offset + 4096] ^= 1
    path = tmp_path / "flipped.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_a_truncated_archive_says_so(share: float, archive: Path, tmp_path: Path) -> None:
    content = archive.read_bytes()
    path = tmp_path / "cut.pt"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError, match=r"damaged|not a file of model weights"):
        load(path)


def test_no_damage_to_the_pickle_escapes_as_another_error(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        good = opened.read(f"{opened.namelist()[0].split('/')[0]}/data.pkl")
    chance = random.Random(0)
    for _ in range(150):
        data = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path = rewrite_zip(archive, tmp_path / "fuzz.pt", {"{root}/data.pkl": bytes(data)})
        try:
            load(path)
        except CheckpointError:
            continue


def test_an_empty_mapping_in_a_pickle_is_plain_data() -> None:
    assert read_pickle(b"ccollections\nOrderedDict\n)R.") == OrderedDict()
