"""The import rules of ARCHITECTURE.md, held against the code; a broken rule is named with its file and line."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GROUND = {
    "clipsearch",
    "clipsearch.records",
    "clipsearch.errors",
    "clipsearch.nouns",
    "clipsearch.settings",
    "clipsearch.paths",
}

#: room -> the rooms it may import, besides itself. A room is a module or folder of clipsearch, or training.
MAY_IMPORT = {
    "clipsearch": set(),
    "clipsearch.records": set(),
    "clipsearch.errors": set(),
    "clipsearch.nouns": set(),
    "clipsearch.paths": {"clipsearch.errors"},
    "clipsearch.settings": {"clipsearch.errors", "clipsearch.paths"},
    "clipsearch.model": GROUND,
    "clipsearch.files": GROUND,
    "clipsearch.encode": GROUND,
    "clipsearch.store": GROUND,
    "clipsearch.library": GROUND | {"clipsearch.files", "clipsearch.encode", "clipsearch.store"},
    "clipsearch.ui": GROUND | {"clipsearch.library"},
    "clipsearch.app": GROUND | {"clipsearch.library", "clipsearch.ui"},
    "clipsearch.terminal": GROUND | {"clipsearch.library"},
    "clipsearch.cli_categories": GROUND | {"clipsearch.library", "clipsearch.terminal", "clipsearch.cli_teaching"},
    "clipsearch.cli_teaching": GROUND | {"clipsearch.library", "clipsearch.terminal"},
    "clipsearch.cli_exchange": GROUND | {"clipsearch.library", "clipsearch.terminal", "clipsearch.cli_teaching"},
    "clipsearch.cli_folders": GROUND | {"clipsearch.library", "clipsearch.terminal"},
    "clipsearch.cli_models": GROUND | {"clipsearch.library", "clipsearch.terminal"},
    "clipsearch.cli_watch": GROUND | {"clipsearch.library", "clipsearch.terminal"},
    "clipsearch.cli": GROUND
    | {
        "clipsearch.library",
        "clipsearch.app",
        "clipsearch.cli_categories",
        "clipsearch.cli_exchange",
        "clipsearch.cli_folders",
        "clipsearch.cli_models",
        "clipsearch.cli_watch",
        "clipsearch.terminal",
    },
    "clipsearch.__main__": {"clipsearch.cli"},
    "training": GROUND | {"clipsearch.model", "clipsearch.encode", "clipsearch.files.decode"},
}
#: modules with a wider door than their room's
ALSO = {
    "clipsearch.encode.engine_torch": {"clipsearch.model"},
    "clipsearch.encode.convert": {"clipsearch.model"},
    "clipsearch.encode.onnx_towers": {"clipsearch.model"},
    "training.data.sources.captions": {
        "clipsearch.files.keywords",
        "clipsearch.files.sidecars",
        "clipsearch.files.xmp.packet",
    },
    "training.data.sources.descriptions": {
        "clipsearch.files.keywords",
        "clipsearch.files.sidecars",
        "clipsearch.files.xmp",
    },
    "training.data.sources.folders": {"clipsearch.files.kinds"},
    "training.data.sources.shards": {"clipsearch.files.kinds"},
    "training.data.sources.photos": {"clipsearch.library"},
    "training.evaluation.folder": {"clipsearch.files.kinds"},
}
#: a heavy package -> where it may be imported
ONLY_IN = {
    "PySide6": ("clipsearch.ui", "clipsearch.app"),
    "torch": ("clipsearch.model", "clipsearch.encode.engine_torch", "clipsearch.encode.convert", "training"),
    "faiss": ("clipsearch.store.index.kinds",),
    "sqlalchemy": ("clipsearch.store",),
    "alembic": ("clipsearch.store",),
    "onnx": ("clipsearch.encode.onnx_graph", "clipsearch.encode.onnx_towers", "training"),
    "onnxruntime": ("clipsearch.encode.engine_onnx", "training"),
    "huggingface_hub": ("clipsearch.encode.hub",),
    "ftfy": ("clipsearch.encode.tokenizer",),
    "tokenizers": ("clipsearch.encode.tokenizer", "training"),
    "pathspec": ("clipsearch.files.ignore",),
    "watchdog": ("clipsearch.files.watching",),
    "pi_heif": ("clipsearch.files.formats.registry",),
    "pillow_jxl": ("clipsearch.files.formats.registry",),
    "rawpy": ("clipsearch.files.formats.raw",),
    "av": ("clipsearch.files.formats.video",),
    "PIL": (
        "clipsearch.files",
        "clipsearch.encode.preprocess",
        "clipsearch.encode.convert",
        "clipsearch.library.display",
        "training",
    ),
}
#: packages that no module of clipsearch may load just by being imported
LAZY = {
    "torch",
    "faiss",
    "onnxruntime",
    "tokenizers",
    "ftfy",
    "huggingface_hub",
    "alembic",
    "pi_heif",
    "pillow_jxl",
    "rawpy",
    "pathspec",
    "psutil",
    "watchdog",
    "av",
}


@dataclass(frozen=True)
class Import:
    importer: str
    imported: str
    line: int
    at_top: bool


def test_rooms_import_only_what_they_may() -> None:
    assert [str(step) for step in project_imports() if not allowed_room(step)] == []


def test_heavy_packages_stay_in_their_rooms() -> None:
    wrong = [
        str(step)
        for step in project_imports()
        for package, rooms in ONLY_IN.items()
        if within(step.imported, package) and not any(within(step.importer, room) for room in rooms)
    ]
    assert wrong == []


def test_heavy_packages_load_where_the_work_happens() -> None:
    wrong = [
        str(step)
        for step in project_imports()
        if step.at_top and step.imported.split(".")[0] in LAZY and not lives_with(step)
    ]
    assert wrong == []


def test_every_module_belongs_to_a_room() -> None:
    assert [module for module, _ in modules() if room_of(module) is None] == []


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--help"], ["torch", "PySide6", "numpy", "sqlalchemy", "onnxruntime", "faiss", "PIL"]),
        (["search", "--help"], ["torch", "PySide6", "numpy", "sqlalchemy", "onnxruntime", "faiss", "PIL"]),
        (["status", "--library", "{library}"], ["torch", "PySide6", "onnxruntime", "faiss", "alembic.command"]),
        (["search", "a dog", "--library", "{library}"], ["torch", "PySide6"]),
    ],
)
def test_commands_load_no_more_than_they_need(arguments: list[str], unwanted: list[str], tmp_path: Path) -> None:
    library = str(tmp_path / "library")
    run = [sys.executable, "-X", "importtime", "-m", "clipsearch"]
    subprocess.run([*run, "status", "--library", library], check=True, capture_output=True)  # makes the catalog
    command = [*run, *(argument.format(library=library) for argument in arguments)]
    report = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stderr
    loaded = {line.rsplit("|", 1)[1].strip() for line in report.splitlines() if line.startswith("import time:")}
    assert loaded & set(unwanted) == set()


def allowed_room(step: Import) -> bool:
    if step.imported.split(".")[0] not in {"clipsearch", "training"}:
        return True
    room = room_of(step.importer) or ""
    rooms = MAY_IMPORT[room] | ALSO.get(step.importer, set()) | {room}
    return any(step.imported == name or (name != "clipsearch" and within(step.imported, name)) for name in rooms)


def lives_with(step: Import) -> bool:
    """torch is at home in the model and in training; migrations are scripts that only Alembic loads."""
    return any(within(step.importer, room) for room in ("clipsearch.model", "training", "clipsearch.store.migrations"))


def room_of(module: str) -> str | None:
    """Return the innermost room that holds the module."""
    fitting = [room for room in MAY_IMPORT if module == room or (room != "clipsearch" and within(module, room))]
    return max(fitting, key=len, default=None)


def within(name: str, outer: str) -> bool:
    return name == outer or name.startswith(f"{outer}.")


def project_imports() -> list[Import]:
    return [step for module, path in modules() for step in imports_of(module, path)]


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("clipsearch", "training"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports_of(module: str, path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text("utf-8"))
    guarded = {id(node) for block in type_checking_blocks(tree) for node in ast.walk(block)}
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [submodule(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        for name in names:
            yield Import(module, name, node.lineno, at_top=id(node) in top and id(node) not in guarded)


def submodule(package: str, name: str) -> str:
    """Resolve `from package import name`: a module of the project is meant where there is one."""
    path = ROOT.joinpath(*package.split("."), name)
    return f"{package}.{name}" if path.is_dir() or path.with_suffix(".py").exists() else package


def type_checking_blocks(tree: ast.Module) -> Iterator[ast.If]:
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield node
