"""The commands `clipsearch categories ...`: categories that the user invents, fills and teaches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipsearch.errors import ClipsearchError
from clipsearch.terminal import (
    JsonOption,
    LibraryOption,
    YesOption,
    agree,
    one_line,
    open_library,
    print_json,
    with_progress,
)

if TYPE_CHECKING:
    from clipsearch.library.library import Library
    from clipsearch.records import ApplyCounts, ApplyProgress, CategoryInfo, Member, Step

categories = typer.Typer(name="categories", help="Put photos into categories of your own.", no_args_is_help=True)

NewNameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A name that `categories list` shows.")]
FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE...", readable=False, help="Photos of the library, or copies of them.")
]
PromptOption = Annotated[
    list[str] | None,
    typer.Option("--prompt", metavar="TEXT", help="What belongs; may be given several times. By default the name."),
]
NotOption = Annotated[
    list[str] | None,
    typer.Option("--not", metavar="TEXT", help="What is meant not to be; may be given several times."),
]
TemplatesOption = Annotated[
    str | None,
    typer.Option("--templates", metavar="SET", help="Phrases around prompts; by default what suits the model."),
]
GroupOption = Annotated[
    str | None, typer.Option("--group", metavar="TEXT", help="Categories of one group exclude each other.")
]
ThresholdOption = Annotated[
    str | None,
    typer.Option("--threshold", metavar="P", help="The probability from which on a photo belongs; auto is 0.5."),
]
ColourOption = Annotated[str | None, typer.Option("--colour", metavar="#RRGGBB", help="Its colour in the window.")]
ParentOption = Annotated[str | None, typer.Option("--in", metavar="NAME", help="The category that it is a part of.")]
LimitOption = Annotated[int | None, typer.Option("-n", "--limit", min=1, help="How many files; by default all.")]


@categories.command()
def add(
    name: NewNameArgument,
    *,
    prompts: PromptOption = None,
    negatives: NotOption = None,
    templates: TemplatesOption = None,
    group: GroupOption = None,
    threshold: ThresholdOption = None,
    colour: ColourOption = None,
    parent: ParentOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a category; one of this name may be there already."""
    from clipsearch.library.categories import editing
    from clipsearch.records import Category

    with open_library(library) as opened:
        told = _told(opened, prompts, negatives, templates, group, threshold, colour, parent)
        added = editing.add(opened, replace(Category(0, name), **told)).name
    if as_json:
        print_json({"category": added})
    else:
        typer.echo(f"There is a category {added} now.")


@categories.command()
def edit(
    name: NameArgument,
    *,
    new_name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="What to call it from now on.")] = None,
    prompts: PromptOption = None,
    negatives: NotOption = None,
    templates: TemplatesOption = None,
    group: GroupOption = None,
    threshold: ThresholdOption = None,
    colour: ColourOption = None,
    parent: ParentOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is told of a category; an empty text ("") takes back what was told before."""
    from clipsearch.library.categories import editing

    with open_library(library) as opened:
        told = _told(opened, prompts, negatives, templates, group, threshold, colour, parent)
        known = editing.find(opened, name).category
        changed = editing.change(opened, replace(known, name=new_name or known.name, **told)).name
    if as_json:
        print_json({"category": changed})
    else:
        typer.echo(f"The category {changed} is changed.")


@categories.command("list")
def list_categories(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Show the categories: the photos that you put in, those that the model found, and those that you took out."""
    from clipsearch.library.categories import editing

    with open_library(library) as opened:
        _bring_up_to_date(opened)
        infos = editing.categories(opened)
    names = {info.category.id: info.name for info in infos}
    for info in infos:
        if as_json:
            print_json(_values(info) | _description(info, names))
        else:
            sure = "" if info.precision is None else f", {info.precision:.0%} of your examples confirmed"
            typer.echo(f"{info.name:30} {info.assigned} put in, {info.found} found, {info.rejected} taken out{sure}")


@categories.command()
def apply(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Learn from the prompts and from what you put in and took out, and find what belongs to the categories."""
    started = time.monotonic()
    with open_library(library) as opened:
        summary = asdict(_apply(opened)) | {"seconds": round(time.monotonic() - started, 3)}
    if as_json:
        print_json(summary)
    else:
        typer.echo(", ".join(f"{value} {name}" for name, value in summary.items()))


@categories.command()
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
        category = editing.find(opened, name).category
        _bring_up_to_date(opened, category.id)
        listed = applying.everything if everything else applying.members
        _show(category.name, listed(opened, category.id, limit), limit, as_json)


@categories.command()
def suggest(
    name: NameArgument,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many photos.")] = 10,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the photos that would teach a category most, if you put them in or took them out."""
    from clipsearch.library.categories import editing, suggesting

    with open_library(library) as opened:
        category = editing.find(opened, name).category
        photos = opened.catalog.photos.get(suggesting.to_judge(opened, category.id, limit))
    for photo in photos:
        if as_json:
            print_json({"path": str(photo.path), "category": category.name})
        else:
            typer.echo(one_line(photo.path))


@categories.command()
def assign(
    name: NameArgument, files: FilesArgument, library: LibraryOption = None, as_json: JsonOption = False
) -> None:
    """Put photos in. This holds for the photo, also when its file is moved, renamed, edited, or away for a while."""
    from clipsearch.library.categories import judging

    with open_library(library) as opened:
        category = judging.assign(opened, name, files)
    _show_judged(category, files, True, as_json)


@categories.command()
def reject(
    name: NameArgument, files: FilesArgument, library: LibraryOption = None, as_json: JsonOption = False
) -> None:
    """Take photos out, for good: they do not belong there."""
    from clipsearch.library.categories import judging

    with open_library(library) as opened:
        category = judging.reject(opened, name, files)
    _show_judged(category, files, False, as_json)


@categories.command("take-back")
def take_back(
    name: NameArgument, files: FilesArgument, library: LibraryOption = None, as_json: JsonOption = False
) -> None:
    """Forget that you put photos in, or took them out: the model decides about them again."""
    from clipsearch.library.categories import judging

    with open_library(library) as opened:
        category = judging.take_back(opened, name, files)
    _show_judged(category, files, None, as_json)


@categories.command()
def remove(
    name: NameArgument,
    yes: YesOption = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a category and what you put in and took out. The photos stay."""
    from clipsearch.library.categories import editing

    with open_library(library) as opened:
        info = editing.find(opened, name)
        agree(f"Forget the category {info.name}, with {info.assigned} photos in and {info.rejected} out?", yes)
        editing.remove(opened, name)
    if as_json:
        print_json(_values(info))
    else:
        typer.echo(f"The category {info.name} is forgotten.")


@categories.command()
def undo(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Take back the last change of the categories; again for the one before."""
    from clipsearch.library.categories import history

    with open_library(library) as opened:
        _show_step("Undone", history.undo(opened), as_json)


@categories.command()
def redo(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Make the change again that was undone last."""
    from clipsearch.library.categories import history

    with open_library(library) as opened:
        _show_step("Redone", history.redo(opened), as_json)


def _told(
    library: Library,
    prompts: Sequence[str] | None,
    negatives: Sequence[str] | None,
    templates: str | None,
    group: str | None,
    threshold: str | None,
    colour: str | None,
    parent: str | None,
) -> dict[str, Any]:
    """Return what the user told of a category, by field; what was not told is left out. Raises ClipsearchError."""
    from clipsearch.library.categories import editing

    told: dict[str, Any] = {
        "prompts": None if prompts is None else tuple(prompts),
        "negatives": None if negatives is None else tuple(negatives),
        "templates": templates,
        "exclusive_group": group,
        "colour": colour,
    }
    told = {field: value for field, value in told.items() if value is not None}
    if threshold is not None:
        told["threshold"] = _probability(threshold)
    if parent is not None:
        told["parent_id"] = editing.find(library, parent).category.id if parent else None
    return told


def _probability(text: str) -> float | None:
    if text in {"", "auto"}:
        return None
    try:
        return float(text)
    except ValueError:
        message = f"The threshold {text!r} is no number; it is a probability such as 0.5, or auto."
        raise ClipsearchError("Threshold not usable", message) from None


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


def _bring_up_to_date(library: Library, *category_ids: int) -> None:
    """Let what is shown be right without `apply`; a library that may only be read shows what was found last."""
    if library.catalog.read_only:
        typer.echo("The library can only be read, so this is as of the last `categories apply`.", err=True)
    else:
        _apply(library, category_ids or None)


def _show(category: str, members: Sequence[Member], limit: int | None, as_json: bool) -> None:
    places = [(member, path) for member in members for path in member.photo.paths]
    for member, path in places[:limit]:
        if as_json:  # with all digits, since many photos differ in the last ones only
            print_json({"path": str(path), "category": category, "score": member.score, "source": member.source})
        else:
            typer.echo(one_line(path))


def _values(info: CategoryInfo) -> dict[str, object]:
    return {"category": info.name, "members": info.members, "rejected": info.rejected}


def _description(info: CategoryInfo, names: dict[int, str]) -> dict[str, object]:
    category = info.category
    told = asdict(category) | {"in": names.get(category.parent_id or 0), "group": category.exclusive_group}
    fields = ("in", "prompts", "negatives", "templates", "group", "threshold", "colour")
    numbers = {"assigned": info.assigned, "found": info.found, "precision": info.precision}
    return numbers | {field: told[field] for field in fields}


def _show_judged(category: str, files: list[Path], is_member: bool | None, as_json: bool) -> None:
    done = {True: "put into", False: "taken out of", None: "left to the model in"}[is_member]
    if as_json:
        for file in files:
            print_json({"path": str(file), "category": category, "member": is_member})
    else:
        typer.echo(f"{len(files)} {done} {category}.")


def _show_step(done: str, step: Step | None, as_json: bool) -> None:
    if as_json:
        print_json({} if step is None else {"action": step.action, "category": step.subject, "photos": step.photos})
    elif step is None:
        typer.echo("There is nothing left to do so.")
    else:
        photos = f", {step.photos} photos" if step.photos else ""
        typer.echo(f"{done}: {step.action} {step.subject}{photos}.")
