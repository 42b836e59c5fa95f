"""What the commands share: their common options, opening a library, and lines that any terminal or script can read."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from clipsearch.errors import ClipsearchError

if TYPE_CHECKING:
    from clipsearch.library.library import Library

Step = TypeVar("Step")
Result = TypeVar("Result")


def _named_before(context: typer.Context, library: Path | None) -> Path | None:
    """Let `--library` stand before the command as well as after it."""
    if context.parent is None:
        context.obj = library
    return library or context.find_root().obj


def named_folder(name: str) -> Path:
    """Return the folder of that name. An empty one, of a script's unset variable, would be the current folder."""
    if not name:
        raise ClipsearchError("Folder not found", "The name of a folder is empty; `.` is the current folder.")
    return Path(name)


FoldersArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="DIR", parser=named_folder, help="Folders of photos; by default those already added."),
]
LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--library", metavar="DIR", callback=_named_before, help="The library folder; by default the user's own."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for scripts.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def chosen_folder(library: Path | None) -> Path:
    """Return the library folder that the user named, or the usual one."""
    from clipsearch.paths import library_folder

    return library or library_folder()


def open_library(library: Path | None) -> Library:
    """Open the library that the user named, or the usual one, with the user's settings. Raises ClipsearchError."""
    from clipsearch import settings
    from clipsearch.library.library import Library
    from clipsearch.paths import settings_file

    return Library.open(chosen_folder(library), settings.load(settings_file()))


def tell_if_read_only(library: Library) -> None:
    """Say on stderr, of a library that may only be read, that what is told of its categories was found before."""
    if library.catalog.read_only:
        typer.echo("The library can only be read, so this is as of the last `categories apply`.", err=True)


def agree(question: str, yes: bool) -> None:
    """Ask on a terminal, and leave if the answer is no; a script that runs the command has agreed by running it."""
    if not yes and sys.stdin.isatty() and not typer.confirm(question, err=True):
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(1)


@contextmanager
def _interrupts_held_back() -> Iterator[threading.Event]:
    """Note the first interrupt instead of raising it, which could break a library that is just being loaded.

    A second one is raised at once. Off the main thread, and where interrupts are ignored, nothing changes.
    """
    interrupted = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def note(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        interrupted.set()

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def print_json(values: dict[str, Any]) -> None:
    """Print one JSON object on a line of its own."""
    sys.stdout.write(json.dumps(values) + "\n")


def one_line(path: Path | str) -> str:
    """Show a path or sentence on one line, whatever its name holds."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in str(path))


def with_progress(
    run: Generator[Step, None, Result],
    columns: Sequence[Any],
    first: str,
    shown: Callable[[Step], dict[str, Any]],
    if_stopped: str,
) -> Result:
    """Take a run to its end and show each step on stderr: `shown` tells what the bar's task is updated with.

    `first` stands there before the first step. An interrupt stops the run after the step that it is at, a second one
    at once, and `if_stopped` says what becomes of what was done.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
        _interrupts_held_back() as interrupted,
    ):
        task = bar.add_task(first, total=None, pace="")
        try:
            while True:
                bar.update(task, **shown(next(run)))
                if interrupted.is_set():
                    raise KeyboardInterrupt
        except StopIteration as finished:
            result: Result = finished.value
            return result
        except KeyboardInterrupt:
            typer.echo(f"Stopped; {if_stopped}.", err=True)
            raise
        finally:
            run.close()
