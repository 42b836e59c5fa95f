"""Real photos in kinds: the photographic stamps of Debian's tuxpaint-stamps-default."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("CLIPSEARCH_BENCHMARK_CACHE", Path.home() / ".cache" / "clipsearch-bench"))

_PACKAGE = "tuxpaint-stamps-default"
_NO_PHOTOS = r"cartoon|alphabets|symbols/(math|music|shapes|chess|faces)"

KINDS = {  # what a user would type -> regular expression on the stamp's path
    "a bird": r"animals/birds/",
    "fish": r"animals/fish/",
    "an insect": r"animals/insects/",
    "a dog": r"animals/mammals/(canines|dogs)",
    "a cat": r"animals/mammals/cats/",
    "a horse or a zebra": r"animals/mammals/equines/",
    "cattle": r"animals/mammals/bovines/",
    "a reptile": r"animals/reptiles/",
    "fruit": r"food/fruit/",
    "vegetables": r"food/vegetables/",
    "food": r"food/",
    "flowers": r"plants/flowers/",
    "a tree": r"plants/trees/",
    "a car": r"vehicles/auto",
    "an aeroplane": r"vehicles/(plane|air)",
    "a ship or a boat": r"vehicles/(ship|boat)",
    "a train": r"vehicles/(locomotive|train)",
    "clothes": r"clothes/",
    "a hat": r"clothes/hats/",
    "a musical instrument": r"hobbies/music/",
    "tools": r"household/tools/",
    "kitchen dishes": r"household/dishes/",
    "a planet in space": r"space/planets/",
    "coins": r"money/.*/?coins/",
    "sports equipment": r"sports/",
    "Christmas decoration": r"seasonal/christmas/",
    "nuts": r"food/nuts/",
}


def stamps() -> list[Path]:
    """Return the pictures, fetching and unpacking the package once; skip the test where that cannot be done."""
    root = CACHE / "stamps" / "usr/share/tuxpaint/stamps"
    if not root.is_dir():
        _fetch()
    found = sorted(path for path in root.rglob("*.png") if not re.search(_NO_PHOTOS, path.as_posix()))
    return [path for path in found if path.with_suffix(".txt").exists()]


def of_kind(path: Path, kind: str) -> bool:
    return re.search(KINDS[kind], path.as_posix()) is not None


def _fetch() -> None:
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        pytest.skip(f"needs Debian's {_PACKAGE}")
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(["apt-get", "download", _PACKAGE], cwd=CACHE, check=True, stdout=subprocess.DEVNULL)
        package = next(CACHE.glob(f"{_PACKAGE}_*.deb"))
        subprocess.run(["dpkg", "-x", str(package), str(CACHE / "stamps")], check=True)
    except (OSError, subprocess.CalledProcessError, StopIteration) as error:
        pytest.skip(f"{_PACKAGE} cannot be fetched: {error}")
