"""The command line: one thin function per command. Data goes to stdout, messages and progress to stderr."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from multiprocessing import freeze_support
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipsearch.cli_categories import categories
from clipsearch.cli_exchange import exchange
from clipsearch.cli_folders import folders as folders_group
from clipsearch.cli_models import models
from clipsearch.cli_watch import watch
from clipsearch.errors import CatalogError, ClipsearchError
from clipsearch.nouns import noun
from clipsearch.terminal import (
    FoldersArgument,
    JsonOption,
    LibraryOption,
    chosen_folder,
    one_line,
    open_library,
    print_json,
    with_progress,
)

if TYPE_CHECKING:
    from clipsearch.library.library import Library
    from clipsearch.records import Hit, IndexCounts, Progress

_DEMO_QUERIES = ("a dog", "mountains and a lake", "something to eat or drink", "a face")
_DISK_REFUSES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_SURE = {"strong": "***", "likely": "** ", "weak": "*  "}

app = typer.Typer(
    help="Find your own photos by what is in them. Everything stays on this machine.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)
categories.add_typer(exchange)
app.add_typer(categories)
app.add_typer(folders_group)
app.add_typer(models)
app.command()(watch)


LimitOption = Annotated[int, typer.Option("-n", "--limit", min=1, help="How many hits.")]
InsideOption = Annotated[
    Path | None, typer.Option("--in", metavar="DIR", readable=False, help="Only photos in this folder, or below it.")
]


def main() -> None:
    """Run the command line; anything the user should know becomes one `error:` line and exit status 1."""
    freeze_support()
    os.environ["PYTHONSAFEPATH"] = "1"  # else worker processes would run what lies among the photos as `pickle.py`
    _write_any_name()
    try:
        _run()
    except ClipsearchError as error:
        print(f"error: {_with_path(error)}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except ImportError as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):  # which an extension module makes of an interrupt
            raise
        sys.exit(130)
    except BrokenPipeError:
        _drop_output()
        sys.exit(1)
    except OSError as error:
        if error.filename is not None or error.errno not in _DISK_REFUSES:
            raise
        _drop_output()
        print(f"error: The output cannot be written: {error.strerror}.", file=sys.stderr)
        sys.exit(1)


def _run() -> None:
    """Run the command; what is printed leaves here, where a full disk is told."""
    try:
        app()
    finally:
        if sys.stdout:
            sys.stdout.flush()


def _drop_output() -> None:
    """Let what is still to be printed go nowhere, as else the program's end would fail on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.callback(invoke_without_command=True)
def start(context: typer.Context, library: LibraryOption = None) -> None:
    """Without a command, open the window."""
    if context.invoked_subcommand is None:
        gui(library)


@app.command()
def gui(library: LibraryOption = None) -> None:
    """Open the window."""
    from clipsearch.app import run_window

    sys.exit(run_window(chosen_folder(library)))


@app.command()
def demo(
    query: Annotated[str, typer.Argument(help="What to look for.")] = "",
    limit: LimitOption = 3,
    as_json: JsonOption = False,
) -> None:
    """Try it on the bundled photos: in a window or, without a display, here in the terminal."""
    from clipsearch.app import has_display, run_window
    from clipsearch.paths import resource_path

    photos = resource_path("demo")
    with tempfile.TemporaryDirectory(prefix="clipsearch-demo-", ignore_cleanup_errors=True) as scratch:
        if has_display() and not as_json:
            try:
                sys.exit(run_window(Path(scratch), [photos], query))
            except ClipsearchError as error:
                print(f"No window: {error.message} Here is the terminal instead.", file=sys.stderr)
        with open_library(Path(scratch)) as library:
            _index(library, [photos])
            _print_hits(library, [query] if query else _DEMO_QUERIES, limit, as_json)


@app.command()
def index(
    folders: FoldersArgument = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
    retry: Annotated[bool, typer.Option("--retry", help="Read files again that had a problem.")] = False,
) -> None:
    """Add folders and bring them up to date. Files that cannot be read do not stop it; see `problems`."""
    from clipsearch.library.upkeep import backing_up

    started = time.monotonic()
    with open_library(library) as opened:
        known, answering = _encoded(opened), opened.answering.model_id
        with backing_up(opened) as backup:
            counts = _index(opened, folders, retry)
        if note := backup.wait():
            print(note, file=sys.stderr)
        if _encoded(opened) != known:
            print(f"Encoded with {opened.encoder.engine_reason}", file=sys.stderr)
        if opened.answering.model_id != answering:
            print(f"{opened.answering.package.name} answers now.", file=sys.stderr)
        _warn(opened)
        _tell_folders_away(opened)
    summary = asdict(counts) | {"seconds": round(time.monotonic() - started, 3)}
    if as_json:
        print_json(summary)
    else:
        print(_summary(summary))
    if counts.problems:
        print(f"{counts.problems} could not be read: see `clipsearch problems`.", file=sys.stderr)


@app.command()
def search(
    query: Annotated[str | None, typer.Argument(help="What the photo should show.")] = None,
    batch: Annotated[
        Path | None,
        typer.Option("--batch", metavar="FILE", readable=False, help="Ask every line of a file; - reads stdin."),
    ] = None,
    *,
    limit: LimitOption = 20,
    inside: InsideOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find photos by a text, best first."""
    if (query is None) == (batch is None):
        raise typer.BadParameter("give either a QUERY or --batch FILE")
    queries = _batch_queries(batch) if batch else [query or ""]
    with open_library(library) as opened:
        printed = _print_hits(opened, queries, limit, as_json, inside)
        _warn(opened)
        _tell_hits_away(opened, printed)


@app.command()
def similar(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", readable=False, help="A picture, in the library or not.")],
    limit: LimitOption = 20,
    inside: InsideOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find photos that look like a picture, best first."""
    from clipsearch.library.search import search_image

    with open_library(library) as opened:
        printed = _print_answer(str(image), search_image(opened, image, limit, inside), limit, as_json, inside)
        _warn(opened)
        _tell_hits_away(opened, printed)


@app.command()
def status(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Show what the library holds."""
    from clipsearch.library import overview, roots

    with open_library(library) as opened:
        folders = roots.check(opened)
        values = asdict(overview.status(opened))
    if as_json:
        print_json(values)
    else:
        note = values.pop("note")
        lines = [f"{name:10}{value}" for name, value in values.items()]
        marked = [f"{one_line(folder.path)}{' (offline)' if folder.offline else ''}" for folder in folders]
        lines += [f"{'' if number else 'folders':10}{folder}" for number, folder in enumerate(marked)]
        print("\n".join([*lines, *filter(None, [note])]))


@app.command()
def problems(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """List the files that could not be read, and why."""
    from clipsearch.library import overview

    with open_library(library) as opened:
        for problem in overview.problems(opened):
            if as_json:
                print_json({"path": str(problem.path), "reason": problem.reason})
            else:
                print(f"{one_line(problem.path)}: {problem.reason}")


@app.command()
def verify(
    library: LibraryOption = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check catalog, index and files against each other; exit status 1 if they disagree."""
    from clipsearch.library import verify as checking

    if repair:
        outcome = checking.repair(chosen_folder(library), lambda: open_library(library))
    else:
        with open_library(library) as opened:
            outcome = checking.verify(opened)
    for sentence in outcome.repaired:
        print(sentence, file=sys.stderr)
    if as_json:
        print_json({"ok": outcome.ok, "findings": list(outcome.findings)})
    else:
        print("\n".join(map(one_line, outcome.findings)) or "Everything agrees.")
    if not outcome.ok:
        sys.exit(1)


def _summary(counts: dict[str, int | float]) -> str:
    """Tell the counts of a run; "problems" and "seconds" are things that may be one."""
    things = {"problems": "problem", "seconds": "second"}
    return ", ".join(
        f"{value} {noun(value, things[name]) if name in things else name}" for name, value in counts.items()
    )


def _with_path(error: ClipsearchError) -> str:
    if error.path is None or str(error.path) in error.message:
        return error.message
    return f"{one_line(error.path)}: {error.message}"


def _index(library: Library, folders: Sequence[Path] | None, retry: bool = False) -> IndexCounts:
    """Index with a progress bar on stderr; an interrupt stops between batches and keeps what is done."""
    from clipsearch.library.indexing.run import index_folders

    if folders is None and not library.catalog.folders.all():
        raise ClipsearchError("No folders", "No folder has been added yet; name one: `clipsearch index DIR`.")
    return _with_progress(index_folders(library, folders, retry_problems=retry))


def _encoded(library: Library) -> int:
    """Return how many photos the chosen model has encoded."""
    return library.catalog.embeddings.count(library.encoder.model_id)


def _with_progress(run: Generator[Progress, None, IndexCounts]) -> IndexCounts:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

    def shown(step: Progress) -> dict[str, Any]:
        numbers = {"completed": step.done, "total": step.total or None}
        return {"description": step.stage.capitalize(), "pace": _pace(step), **numbers}

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    return with_progress(run, columns, "Scanning", shown, "what is done is kept")


def _pace(step: Progress) -> str:
    if step.photos_per_second is None or step.seconds_left is None:
        return ""
    minutes, seconds = divmod(round(step.seconds_left), 60)
    return f"{step.photos_per_second:.1f} photos/s, {minutes}:{seconds:02} left"


def _batch_queries(batch: Path) -> list[str]:
    try:
        with nullcontext(sys.stdin) if str(batch) == "-" else batch.open(encoding="utf-8-sig") as stream:
            return [line.strip() for line in stream if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ClipsearchError("Queries not readable", f"The file {batch} cannot be read: {error}", batch) from error


def _warn(library: Library) -> None:
    """Say that the chosen model is not usable and another one stands in for it."""
    if library.note:
        print(library.note, file=sys.stderr)


def _tell_folders_away(library: Library) -> None:
    """Say which added folders could not be reached by the run that has just ended."""
    for folder in library.catalog.folders.all():
        if folder.offline:
            print(f"Not connected: {one_line(folder.path)}; its photos are kept.", file=sys.stderr)


def _tell_hits_away(library: Library, printed: Sequence[Path]) -> None:
    """Say how many of the files printed cannot be opened, since their folders cannot be reached."""
    from clipsearch.library import roots

    if not printed:
        return
    try:
        folders = roots.check(library)
    except CatalogError:  # it cannot be recorded: the answer stands all the same
        folders = library.catalog.folders.all()
    away = [folder.path for folder in folders if folder.offline]
    count = sum(any(path.is_relative_to(folder) for folder in away) for path in printed)
    if count == 1:
        print("1 of these lies in a folder that is not connected now.", file=sys.stderr)
    elif count:
        print(f"{count} of these lie in folders that are not connected now.", file=sys.stderr)


def _print_hits(
    library: Library, queries: Sequence[str], limit: int, as_json: bool, inside: Path | None = None
) -> list[Path]:
    """Print the answers to all queries, and return the files printed."""
    from clipsearch.library.search import search_texts

    printed = []
    for query, hits in search_texts(library, queries, limit, inside):
        printed += _print_answer(query, hits, limit, as_json, inside, titled=len(queries) > 1)
    return printed


def _print_answer(
    query: str, hits: Iterable[Hit], limit: int, as_json: bool, inside: Path | None = None, *, titled: bool = False
) -> list[Path]:
    """Print a line for each file of the hits and return the files; copies of a photo follow each other."""
    if titled and not as_json:
        print(f"{query}:")
    files = [(hit, path) for hit in hits for path in hit.photo.paths if inside is None or _lies_in(path, inside)]
    for rank, (hit, path) in enumerate(files[:limit], 1):
        if as_json:
            score = round(hit.score, 6)
            print_json({"query": query, "rank": rank, "path": str(path), "score": score, "relevance": hit.relevance})
        else:
            print(f"{_SURE[hit.relevance]} {hit.score:6.3f}  {one_line(path)}")
    return [path for _, path in files[:limit]]


def _lies_in(path: Path, directory: Path) -> bool:
    from clipsearch.paths import way_to

    return way_to(Path(os.path.abspath(directory)), path) is not None


def _write_any_name() -> None:
    """Let names that are not valid Unicode, or not in the terminal's encoding, be printed."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
