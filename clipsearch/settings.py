"""The user's settings: one typed object, loaded from and saved to a TOML file."""

from __future__ import annotations

import os
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tomli_w

from clipsearch.errors import ClipsearchError

CHOICES = {
    "engine": ("auto", "onnx", "torch"),
    "on_battery": ("slow", "pause", "full"),
    "under_load": ("slow", "full"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user can choose. Sizes and limits carry their unit in the name; 0 workers or threads: decide for me.

    `hub_mirror` is the address of a server that speaks the Hugging Face hub's protocol, asked for models instead of
    the hub; "" means the hub itself. `engine` runs the model: "auto", "onnx" (on the CPU) or "torch" (on a GPU).

    What is passed over in the folders: `ignore` holds patterns in gitignore syntax, each relative to an added folder;
    `skip_hidden` files and folders; those smaller than `min_file_kb` (units of 1024 bytes). `follow_links` enters links
    to folders. With `watch` the window follows changes in the folders by itself.

    With `backups` the catalog is saved once a day beside itself.

    How the window indexes while the computer runs `on_battery` ("slow", "pause" or "full") and `under_load` of other
    programs ("slow" or "full"); the command line always takes all it can get.
    """

    decode_workers: int = 0
    encode_threads: int = 0
    batch_size: int = 4
    decode_timeout_s: float = 60.0
    max_megapixels: float = 250.0
    worker_memory_mb: int = 3072
    thumbnail_px: int = 320
    hub_mirror: str = ""
    engine: str = "auto"
    ignore: tuple[str, ...] = ()
    skip_hidden: bool = True
    min_file_kb: int = 0
    follow_links: bool = False
    watch: bool = True
    backups: bool = True
    on_battery: str = "slow"
    under_load: str = "slow"

    def __post_init__(self) -> None:
        for field in fields(self):
            _check(field.name, getattr(self, field.name), field.default)
        _check_address("hub_mirror", self.hub_mirror)
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"the setting {name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}")

    @property
    def workers(self) -> int:
        """Processes that decode photos: one a core unless chosen."""
        return self.decode_workers or max(1, os.cpu_count() or 1)


def _check(name: str, value: Any, default: Any) -> None:
    """Raise ValueError unless the value is of its default's kind."""
    match default:
        case bool():
            if not isinstance(value, bool):
                raise ValueError(f"the setting {name} must be true or false, not {value!r}")
        case int() | float():
            _check_number(name, value, default)
        case tuple():
            _check_texts(name, value)


def _check_texts(name: str, value: Any) -> None:
    if not isinstance(value, tuple):
        raise ValueError(f'the setting {name} must be a list of texts such as ["one", "two"], not {value!r}')
    for text in value:
        if not isinstance(text, str) or not text.strip() or "\n" in text:
            raise ValueError(f"the setting {name} must hold texts of one line each, not {text!r}")


def _check_number(name: str, value: Any, default: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ValueError(f"the setting {name} must be a number of zero or more, not {value!r}")
    if value == 0 and default != 0:
        raise ValueError(f"the setting {name} must be more than zero")
    if isinstance(default, int) and not isinstance(value, int):
        raise ValueError(f"the setting {name} must be a whole number, not {value!r}")


def _check_address(name: str, value: Any) -> None:
    """Raise ValueError unless the value is "" or a web address."""
    if not isinstance(value, str):
        raise ValueError(f"the setting {name} must be text, not {value!r}")
    if value and not (value.startswith(("http://", "https://")) and urlsplit(value).hostname):
        raise ValueError(f'the setting {name} must be an address such as "https://example.org", not {value!r}')


def load(path: Path) -> Settings:
    """Read settings from `path`; a missing file gives the defaults, unknown keys are left alone.

    Raises ClipsearchError when the file is not TOML or a value is out of range.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
        known = {field.name for field in fields(Settings)}
        return Settings(**{key: _frozen(value) for key, value in values.items() if key in known})
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        raise ClipsearchError("Settings not readable", f"Please mend or delete {path}: {error}", path) from error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def save(settings: Settings, path: Path) -> None:
    """Write `settings` to `path`, whole or not at all. Raises ClipsearchError when it cannot be written."""
    values: dict[str, Any] = asdict(settings)
    scratch = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(tomli_w.dumps(values), "utf-8")
        scratch.replace(path)
    except OSError as error:
        reason = f"{path} cannot be written: {error.strerror}."
        raise ClipsearchError("Settings not saved", reason, path) from error
