"""The commands `clipsearch folders ...`: which folders were added, and taking one out again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clipsearch.terminal import (
    JsonOption,
    LibraryOption,
    YesOption,
    agree,
    named_folder,
    one_line,
    open_library,
    print_json,
)

folders = typer.Typer(name="folders", help="List the added folders, and take one out again.", no_args_is_help=True)

AddedArgument = Annotated[
    Path, typer.Argument(metavar="DIR", parser=named_folder, help="A folder that `folders list` shows.")
]


@folders.command("list")
def list_folders(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Show the folders that were added, and which of them cannot be reached now."""
    from clipsearch.library import roots

    with open_library(library) as opened:
        for folder in roots.check(opened):
            if as_json:
                print_json({"path": str(folder.path), "offline": folder.offline})
            else:
                typer.echo(f"{one_line(folder.path)}{' (offline)' if folder.offline else ''}")


@folders.command()
def remove(
    folder: AddedArgument, yes: YesOption = False, library: LibraryOption = None, as_json: JsonOption = False
) -> None:
    """Take a folder out of the library. Its photos are no longer found; the files stay on disk as they are.

    What you said of its photos is kept, should they come back.
    """
    from clipsearch.library import overview
    from clipsearch.library.indexing.lock import indexing_lock

    with open_library(library) as opened:
        added = overview.added_folder(opened, folder)
        agree(f"Take {one_line(added.path)} out of the library? The files stay on disk as they are.", yes)
        with indexing_lock(opened.folder, "folders"):
            overview.remove_folder(opened, added.id)
    if as_json:
        print_json({"path": str(added.path)})
    else:
        typer.echo(f"{one_line(added.path)} is no longer in the library; its files are as they were.")
