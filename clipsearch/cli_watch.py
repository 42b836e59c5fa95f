"""The command `clipsearch watch`: index, then follow the folders; a line on stdout for every change, at once."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from clipsearch.errors import ClipsearchError
from clipsearch.nouns import noun
from clipsearch.terminal import FoldersArgument, JsonOption, LibraryOption, one_line, open_library, print_json

if TYPE_CHECKING:
    from rich.live import Live

    from clipsearch.library.library import Library
    from clipsearch.records import Change, Progress


def watch(
    folders: FoldersArgument = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring folders up to date, and keep them so as they change, until interrupted (Ctrl+C). Prints every change."""
    from clipsearch.library.upkeep import backing_up

    stop = threading.Event()
    _stop_on_signals(stop)
    with open_library(library) as opened:
        if not folders and not opened.catalog.folders.places():
            raise ClipsearchError("No folders", "No folder has been added yet; name one: `clipsearch watch DIR`.")
        with backing_up(opened):
            _follow(opened, stop, folders, as_json)
    typer.echo("Stopped; what is done is kept.", err=True)


def _follow(library: Library, stop: threading.Event, folders: list[Path] | None, as_json: bool) -> None:
    from clipsearch.library.following import Notice, Ready, follow

    progress, news = _ProgressLine(), _News(as_json)
    with closing(progress), closing(follow(library, stop, folders)) as told:
        for one in told:
            if isinstance(one, (Notice, Ready)):
                progress.close()
                typer.echo(one_line(one.sentence if isinstance(one, Notice) else _watching(one.folders)), err=True)
            else:
                if one.changes:
                    progress.close()
                news.tell(one.changes)
                progress.show(one)


def _watching(folders: int) -> str:
    return f"Watching {folders} {noun(folders, 'folder')}."


class _News:
    """Changes on stdout, each once: a place that cannot be read is met again and again."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._problems: dict[Path, str] = {}

    def tell(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            if not self._is_known(change):
                self._print(change)
        if changes:
            sys.stdout.flush()

    def _is_known(self, change: Change) -> bool:
        if change.kind != "problem":
            self._problems.pop(change.path, None)
            return False
        known = self._problems.get(change.path)
        self._problems[change.path] = change.reason
        return known == change.reason

    def _print(self, change: Change) -> None:
        if self._as_json:
            print_json(_values(change))
        else:
            origin = f"{one_line(change.came_from)} -> " if change.came_from else ""
            reason = f": {one_line(change.reason)}" if change.reason else ""
            typer.echo(f"{change.kind} {origin}{one_line(change.path)}{reason}")


def _values(change: Change) -> dict[str, Any]:
    values: dict[str, Any] = {"change": change.kind.value, "path": str(change.path)}
    if change.came_from:
        values["from"] = str(change.came_from)
    if change.reason:
        values["reason"] = change.reason
    return values


class _ProgressLine:
    """How a run gets on, on the last line of a terminal; nothing where stderr is none."""

    def __init__(self) -> None:
        self._live: Live | None = None

    def show(self, step: Progress) -> None:
        """Show a step; the last one of a run leaves nothing behind."""
        if step.stage == "done" or not sys.stderr.isatty():
            self.close()
            return
        if self._live is None:
            self._live = _new_live()
        self._live.update(_sentence(step), refresh=True)

    def close(self) -> None:
        """Take the line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def _new_live() -> Live:
    from rich.console import Console
    from rich.live import Live

    # stdout may be a file: what is printed there must not come here instead.
    live = Live(
        console=Console(stderr=True), auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    )
    live.start()
    return live


def _sentence(step: Progress) -> str:
    counts = f" {step.done} of {step.total}" if step.total else ""
    pace = f", {step.photos_per_second:.1f} photos/s" if step.photos_per_second else ""
    note = f" ({step.note})" if step.note else ""
    return f"{step.stage.capitalize()}{counts}{pace}{note}"


def _stop_on_signals(stop: threading.Event) -> None:
    """End in an orderly way when interrupted or asked to end, which is how watching ends; a second time, at once."""

    def on_signal(number: int, _frame: object) -> None:
        signal.signal(number, signal.default_int_handler)
        # Set by another thread: this one may hold the event's lock at this very moment.
        threading.Thread(target=stop.set, daemon=True).start()

    for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves it
            signal.signal(number, on_signal)
