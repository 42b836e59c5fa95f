"""The packages of which the set of drawings is made; SOURCES.md tells more of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from training.curator.drawings import clip_art, emoji, icons, stamps
from training.curator.drawings.drawing import Drawing
from training.starter.downloads import Source

#: folder of the unpacked package, folder of the names -> its drawings
Reader = Callable[[Path, Path], Iterator[Drawing]]


@dataclass(frozen=True)
class Collection:
    """A package of drawings, their licence, and who reads them; `names` is a package that knows what they show."""

    source: Source
    licence: str
    read: Reader
    names: Source | None = None

    @property
    def title(self) -> str:
        """The package in tables and messages."""
        return f"{self.source.registry}:{self.source.name}@{self.source.version}"


def _npm(name: str, version: str, sha256: str) -> Source:
    return Source("npm", name, version, sha256)


#: Names of emoji in English, from Unicode's CLDR.
EMOJI_NAMES = _npm("emojibase-data", "17.0.0", "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a")

_CLIP_ART = "1:0.18+dfsg"

COLLECTIONS: tuple[Collection, ...] = (
    Collection(
        Source("debian", "openclipart-png", _CLIP_ART, None),
        "public domain",
        clip_art.drawings,
        Source("debian", "openclipart-svg", _CLIP_ART, None),
    ),
    Collection(Source("debian", "tuxpaint-stamps-default", "2022.06.04", None), "GPL-2.0", stamps.drawings),
    Collection(
        _npm("emoji-datasource-google", "16.0.0", "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438"),
        "Apache-2.0",
        emoji.reader("package/img/google/64"),
        EMOJI_NAMES,
    ),
    Collection(
        _npm("emoji-datasource-twitter", "16.0.0", "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877"),
        "CC-BY-4.0",
        emoji.reader("package/img/twitter/64"),
        EMOJI_NAMES,
    ),
    Collection(
        _npm("@lobehub/fluent-emoji-3d", "1.1.0", "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58"),
        "MIT",
        emoji.reader("package/assets"),
        EMOJI_NAMES,
    ),
    Collection(
        _npm("openmoji", "17.0.0", "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68"),
        "CC-BY-SA-4.0",
        emoji.openmoji,
    ),
    Collection(
        _npm("@iconify-json/emojione", "1.2.3", "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e"),
        "CC-BY-4.0",
        icons.drawings,
    ),
    Collection(
        _npm(
            "@iconify-json/flat-color-icons",
            "1.2.3",
            "d8878a9b0f02d749bc8671eb7d47882eb711185cbcefbb365cbfb488773c4786",
        ),
        "MIT",
        icons.drawings,
    ),
    Collection(
        _npm(
            "@iconify-json/fluent-emoji-flat",
            "1.2.6",
            "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
        ),
        "MIT",
        icons.drawings,
    ),
    Collection(
        _npm("@iconify-json/game-icons", "1.2.4", "f5758efb34d91c4f50b941f355f16ee73938625e5996fabc25171288404460a4"),
        "CC-BY-3.0",
        icons.drawings,
    ),
    Collection(
        _npm("@iconify-json/healthicons", "1.2.13", "4c2552c45737788a6599da3c5b72610c7fb4e7f87075d401c56fa16d487d4caf"),
        "MIT",
        icons.drawings,
    ),
    Collection(
        _npm("@iconify-json/icon-park", "1.2.4", "c1a25212a31602aca93c3fa6f6b3288e89b9d7811afc132dfd78506e9d586b6f"),
        "Apache-2.0",
        icons.drawings,
    ),
    Collection(
        _npm("@iconify-json/noto-v1", "1.2.5", "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37"),
        "Apache-2.0",
        icons.drawings,
    ),
    Collection(
        _npm(
            "@iconify-json/streamline-emojis",
            "1.2.4",
            "5dac87c876b322500989828c5823143e0100d78881627a2e4081a4b897cbfdbc",
        ),
        "CC-BY-4.0",
        icons.drawings,
    ),
)
