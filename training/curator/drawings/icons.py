"""Icons in Iconify's form: one JSON with the body of an SVG for each name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.curator.drawings.drawing import Drawing

#: Endings that tell of a form, not of what is shown, and names that show nothing.
_FORM = re.compile(r"([- ](\d+|x\d+|\d+px|alt|outline|negative|one|two|three|four|five))+$")
_NOTHING = re.compile(r"^(abstract|letter|untitled|icon)?[- ]?\d*$")
_LEFT_OUT = ("-negative", "-24px")  # the same drawing once more


def drawings(package: Path, _: Path) -> Iterator[Drawing]:
    """Yield the icons that are named after what they show; black where they take the colour of the text."""
    values = json.loads((package / "package/icons.json").read_text("utf-8"))
    size = {"left": 0, "top": 0, "width": values.get("width", 16), "height": values.get("height", 16)}
    for name, icon in values["icons"].items():
        shown = _shown(name)
        if not (icon.get("hidden") or name.endswith(_LEFT_OUT) or _NOTHING.match(shown)):
            yield Drawing(name, _svg({**size, **icon}), shown)


def _shown(name: str) -> str:
    return _FORM.sub("", name).replace("-", " ")


def _svg(icon: dict[str, Any]) -> str:
    box = f"{icon['left']} {icon['top']} {icon['width']} {icon['height']}"
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {names} viewBox="{box}">{icon["body"]}</svg>'
