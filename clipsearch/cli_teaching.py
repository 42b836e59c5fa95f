"""The commands of `clipsearch categories` that fill categories: by your word, by the model, and by teaching it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipsearch.nouns import noun
from clipsearch.terminal import (
    JsonOption,
    LibraryOption,
    one_line,
    open_library,
    print_json,
    tell_if_read_only,
    with_progress,
)

if TYPE_CHECKING:
    from clipsearch.library.categories.judging import Judged
    from clipsearch.library.library import Library
    from clipsearch.records import ApplyCounts, ApplyProgress, Member

teaching = typer.Typer()

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A name that `categories list` shows.")]
FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE...", readable=False, help="Photos of the library, or copies of them.")
]
LimitOption = Annotated[int | None, typer.Option("-n", "--limit", min=1, help="How many files; by default all.")]


@teaching.command()
def apply(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Learn from the prompts and from what you put in and took out, and find what belongs to the categories."""
    started = time.monotonic()
    with open_library(library) as opened:
        tell_if_read_only(opened)
        counts, seconds = _apply(opened), round(time.monotonic() - started, 3)
    if as_json:
        print_json(asdict(counts) | {"seconds": seconds})
    else:
        told = {"category": counts.categories, "photo": counts.photos, "member": counts.members, "second": seconds}
        typer.echo(", ".join(f"{value} {noun(value, one)}" for one, value in told.items()))


@teaching.command()
def show(
    name: NameArgument,
    limit: LimitOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Every photo, the likeliest first.")] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the photos of a category, best first, a line for each file of them."""
    from clipsearch.library.categories import applying, editing

    with open_library(library) as opened:
        category = editing.named(opened, name)
        bring_up_to_date(opened, category.id)
        listed = applying.everything if everything else applying.members
        _show(category.name, listed(opened, category.id, limit), limit, as_json)


@teaching.command()
def suggest(
    name: NameArgument,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many photos.")] = 10,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the photos that would teach a category most, if you put them in or took them out."""
    from clipsearch.library.categories import editing, suggesting

    with open_library(library) as opened:
        category = editing.named(opened, name)
        photos = opened.catalog.photos.get(suggesting.to_judge(opened, category.id, limit))
    for photo in photos:
        if as_json:
            print_json({"path": str(photo.path), "category": category.name})
        else:
            typer.echo(one_line(photo.path))


@teaching.command()
def assign(
    name: NameArgument, files: FilesArgument, library: LibraryOption = None, as_json: JsonOption = False
) -> None:
    """Put photos in. This holds for the photo, also when its file is moved, renamed, edited, or away for a while."""
    from clipsearch.library.categories import judging

    with open_library(library) as opened:
        judged = judging.assign(opened, name, files)
    _show_judged(judged, files, True, as_json)


@teaching.command()
def reject(
    name: NameArgument, files: FilesArgument, library: LibraryOption = None, as_json: JsonOption = False
) -> None:
    """Take photos out, for good: they do not belong there."""
    from clipsearch.library.categories import judging

    with open_library(library) as opened:
        judged = judging.reject(opened, name, files)
    _show_judged(judged, files, False, as_json)


@teaching.command("take-back")
def take_back(
    name: NameArgument, files: FilesArgument, library: LibraryOption = None, as_json: JsonOption = False
) -> None:
    """Forget that you put photos in, or took them out: the model decides about them again."""
    from clipsearch.library.categories import judging

    with open_library(library) as opened:
        judged = judging.take_back(opened, name, files)
    _show_judged(judged, files, None, as_json)


def _apply(library: Library, category_ids: Sequence[int] | None = None) -> ApplyCounts:
    """Bring the categories up to date, with a progress bar on stderr."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

    from clipsearch.library.categories import applying

    def shown(step: ApplyProgress) -> dict[str, Any]:
        return {
            "description": "Looking" if step.total else "Learning",
            "completed": step.done,
            "total": step.total or None,
        }

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return with_progress(applying.apply(library, category_ids), columns, "Learning", shown, "what is learned is kept")


def bring_up_to_date(library: Library, *category_ids: int) -> None:
    """Let what is shown be right without `apply`; a library that may only be read shows what was found last."""
    tell_if_read_only(library)
    if not library.catalog.read_only:
        _apply(library, category_ids or None)


def _show(category: str, members: Sequence[Member], limit: int | None, as_json: bool) -> None:
    places = [(member, path) for member in members for path in member.photo.paths]
    for member, path in places[:limit]:
        if as_json:  # with all digits, since many photos differ in the last ones only
            print_json({"path": str(path), "category": category, "score": member.score, "source": member.source})
        else:
            typer.echo(one_line(path))


def _show_judged(judged: Judged, files: list[Path], is_member: bool | None, as_json: bool) -> None:
    done = {True: "put into", False: "taken out of", None: "left to the model in"}[is_member]
    if as_json:
        for file in files:
            print_json({"path": str(file), "category": judged.category, "member": is_member})
    else:
        typer.echo(f"{judged.photos} {done} {judged.category}.")
