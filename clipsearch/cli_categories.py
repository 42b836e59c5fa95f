"""The commands `clipsearch categories ...`: categories that the user invents; `cli_teaching` fills them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipsearch.cli_teaching import NameArgument, bring_up_to_date, teaching
from clipsearch.errors import ClipsearchError
from clipsearch.nouns import noun
from clipsearch.terminal import JsonOption, LibraryOption, YesOption, agree, one_line, open_library, print_json

if TYPE_CHECKING:
    from clipsearch.library.library import Library
    from clipsearch.records import CategoryInfo, Step

categories = typer.Typer(name="categories", help="Put photos into categories of your own.", no_args_is_help=True)
categories.add_typer(teaching)

NewNameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")]
PromptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--prompt", metavar="TEXT", help="What belongs; may be given several times. By default what the name suggests."
    ),
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
    """Make a category; one of this name may be there already.

    Without --prompt it looks for what its name suggests, as in the window: a plural's singular, too, and each thing of
    a list by itself, but no years.
    """
    from clipsearch.library.categories import editing
    from clipsearch.records import Category

    with open_library(library) as opened:
        told = _told(
            opened,
            prompts=prompts,
            negatives=negatives,
            templates=templates,
            group=group,
            threshold=threshold,
            colour=colour,
            parent=parent,
        )
        if prompts is None:
            told |= _suggested(opened, name)
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
        told = _told(
            opened,
            prompts=prompts,
            negatives=negatives,
            templates=templates,
            group=group,
            threshold=threshold,
            colour=colour,
            parent=parent,
        )
        known = editing.named(opened, name)
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
        bring_up_to_date(opened)
        infos = editing.categories(opened)
    names = {info.category.id: info.name for info in infos}
    for info in infos:
        if as_json:
            print_json(_values(info) | _description(info, names))
        else:
            counts = f"{info.assigned} put in, {info.found} found, {info.rejected} taken out"
            typer.echo(f"{info.name:30} {counts}{_recognised(info)}")


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
        photos = f"{info.assigned} {noun(info.assigned, 'photo')} in and {info.rejected} out"
        agree(f"Forget the category {info.name}, with {photos}?", yes)
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
    *,
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
        told["parent_id"] = editing.named(library, parent).id if parent else None
    return told


def _suggested(library: Library, name: str) -> dict[str, Any]:
    """Return the prompts that the name of a new category suggests, and say so; nothing where the name says it all."""
    from clipsearch.library.categories import editing, suggesting

    prompts = tuple(suggesting.prompts_for(library, name))
    if prompts == (name.strip(),) or editing.known_as(library, name) is not None:
        return {}
    typer.echo(f"It looks for {', '.join(map(one_line, prompts))}; --prompt tells it otherwise.", err=True)
    return {"prompts": prompts}


def _probability(text: str) -> float | None:
    if text in {"", "auto"}:
        return None
    try:
        return float(text)
    except ValueError:
        message = f"The threshold {text!r} is no number; it is a probability such as 0.5, or auto."
        raise ClipsearchError("Threshold not usable", message) from None


def _values(info: CategoryInfo) -> dict[str, object]:
    return {"category": info.name, "members": info.members, "rejected": info.rejected}


def _description(info: CategoryInfo, names: dict[int, str]) -> dict[str, object]:
    category = info.category
    told = asdict(category) | {"in": names.get(category.parent_id or 0), "group": category.exclusive_group}
    fields = ("in", "prompts", "negatives", "templates", "group", "threshold", "colour")
    numbers = {"assigned": info.assigned, "found": info.found}
    recognition = None if info.recognition is None else asdict(info.recognition)
    return numbers | {"recognition": recognition} | {field: told[field] for field in fields}


def _recognised(info: CategoryInfo) -> str:
    """Say how the examples fare, each left out of what was learned; nothing for too few."""
    known = info.recognition
    if known is None:
        return ""
    found = [f"find {known.found} of {known.put_in} put in"] if known.put_in else []
    mistaken = [f"wrongly take {known.mistaken} of {known.taken_out} taken out"] if known.taken_out else []
    return f"; by itself it would {' and '.join(found + mistaken)}"


def _show_step(done: str, step: Step | None, as_json: bool) -> None:
    if as_json:
        print_json({} if step is None else {"action": step.action, "category": step.subject, "photos": step.photos})
    elif step is None:
        typer.echo("There is nothing left to do so.")
    else:
        photos = f", {step.photos} {noun(step.photos, 'photo')}" if step.photos else ""
        typer.echo(f"{done}: {step.action} {step.subject}{photos}.")
