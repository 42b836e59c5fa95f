"""What a drag carries beside plain files: photos or a category of a library, for windows on the same library only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData

from clipsearch.ui.dragging.files import file_url

PHOTOS = "application/x-clipsearch-photos"
CATEGORY = "application/x-clipsearch-category"


@dataclass(frozen=True, slots=True)
class DraggedPhotos:
    """Photos of a library; `source_id` is the category from whose view they are dragged, if it is from one."""

    photo_ids: Sequence[int]
    source_id: int | None = None


def photos_data(library: Path, dragged: DraggedPhotos) -> QMimeData:
    """Wrap photos of the library in the folder `library`. Their files are added by `set_files`."""
    data = QMimeData()
    _put(data, PHOTOS, {"library": _name(library), "photos": list(dragged.photo_ids), "source": dragged.source_id})
    return data


def set_files(data: QMimeData, paths: Sequence[Path]) -> None:
    """Let other programs have these files."""
    data.setUrls([file_url(path) for path in paths])


def photos_in(data: QMimeData, library: Path) -> DraggedPhotos | None:
    """Return the photos of `library` that are dragged; None for anything else, also for those of another library."""
    content = _get(data, PHOTOS, library)
    ids, source = content.get("photos"), content.get("source")
    if not isinstance(ids, list) or not isinstance(source, int | None):
        return None
    return DraggedPhotos(ids, source) if ids and set(map(type, ids)) == {int} else None


def category_data(library: Path, category_id: int) -> QMimeData:
    """Wrap a category of the library in the folder `library`."""
    data = QMimeData()
    _put(data, CATEGORY, {"library": _name(library), "category": category_id})
    return data


def category_in(data: QMimeData, library: Path) -> int | None:
    """Return the id of the category of `library` that is dragged; None for anything else."""
    category_id = _get(data, CATEGORY, library).get("category")
    return category_id if isinstance(category_id, int) else None


def _put(data: QMimeData, kind: str, content: dict[str, Any]) -> None:
    data.setData(kind, json.dumps(content).encode())


def _get(data: QMimeData, kind: str, library: Path) -> dict[str, Any]:
    """Return what a drag says of this library, {} where it is of another one or not to be read."""
    try:
        content = json.loads(bytes(data.data(kind).data()) or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) and content.get("library") == _name(library) else {}


def _name(library: Path) -> str:
    return str(library.absolute())
