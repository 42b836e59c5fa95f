"""The commands `clipsearch categories ...`: categories of photos, by the user's own judgements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clipsearch.terminal import JsonOption, LibraryOption, YesOption, agree, one_line, open_library, print_json

if TYPE_CHECKING:
    from clipsearch.records import CategoryInfo

categories = typer.Typer(name="categories", help="Put photos into categories of your own.", no_args_is_help=True)

NewNameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A name that `categories list` shows.")]
FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE...", readable=False, help="Photos of the library, or copies of them.")
]


@categories.command()
def add(name: NewNameArgument, library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Make a category; one of this name may be there already."""
    from clipsearch.library.categories import editing

    with open_library(library) as opened:
        added = editing.add(opened, name).name
    if as_json:
        print_json({"category": added})
    else:
        typer.echo(f"There is a category {added} now.")


@categories.command("list")
def list_categories(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Show the categories, and how many photos you put in and took out."""
    from clipsearch.library.categories import editing

    with open_library(library) as opened:
        infos = editing.categories(opened)
    for info in infos:
        if as_json:
            print_json(_values(info))
        else:
            typer.echo(f"{info.name:30} {info.members} in, {info.rejected} out")


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


@categories.command()
def show(
    name: NameArgument,
    limit: Annotated[int | None, typer.Option("-n", "--limit", min=1, help="How many files; by default all.")] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the photos of a category, a line for each file of them."""
    from clipsearch.library.categories import editing, judging

    with open_library(library) as opened:
        category = editing.find(opened, name).name
        members = judging.members(opened, name, limit)
    places = [(member, path) for member in members for path in member.photo.paths][:limit]
    for member, path in places:
        if as_json:
            score = round(member.score, 6)
            print_json({"path": str(path), "category": category, "score": score, "source": member.source})
        else:
            typer.echo(one_line(path))


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
        agree(f"Forget the category {info.name}, with {info.members} photos in and {info.rejected} out?", yes)
        editing.remove(opened, name)
    if as_json:
        print_json(_values(info))
    else:
        typer.echo(f"The category {info.name} is forgotten.")


def _values(info: CategoryInfo) -> dict[str, object]:
    return {"category": info.name, "members": info.members, "rejected": info.rejected}


def _show_judged(category: str, files: list[Path], is_member: bool, as_json: bool) -> None:
    if as_json:
        for file in files:
            print_json({"path": str(file), "category": category, "member": is_member})
    else:
        typer.echo(f"{len(files)} {'put into' if is_member else 'taken out of'} {category}.")
