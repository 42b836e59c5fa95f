"""The commands of `clipsearch categories` that take categories to other programs and people, and from them."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from clipsearch.cli_teaching import bring_up_to_date
from clipsearch.nouns import noun
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
    from clipsearch.records import ExchangeProgress, ImportReport, Problem

Report = TypeVar("Report")

exchange = typer.Typer()

NamesArgument = Annotated[list[str], typer.Argument(metavar="NAME...", help="Names that `categories list` shows.")]
SomeNamesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="NAME...", help="Names that `categories list` shows; by default all.")
]
MineOption = Annotated[bool, typer.Option("--mine", help="Only what you put in yourself.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]


@exchange.command()
def export(
    names: NamesArgument,
    *,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where to; it is made if it is not there.")],
    link: Annotated[
        bool, typer.Option("--link", help="Hard links instead of copies, where the disk allows it.")
    ] = False,
    mine: MineOption = False,
    dry_run: DryRunOption = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the photos of categories into folders, a nested category's into a folder inside."""
    from clipsearch.library.categories.exchange.folders import export as run

    with open_library(library) as opened:
        ids = _ids(opened, names, fresh=not mine) or []
        report = _followed(run(opened, ids, to.absolute(), link=link, mine=mine, dry_run=dry_run), "Copying")
    for file in report.files if as_json or dry_run else ():
        if as_json:
            print_json({"source": str(file.source), "target": str(file.target), "how": file.how})
        else:
            typer.echo(f"{file.how:6}{one_line(file.source)} -> {one_line(file.target)}")
    counts = [f"{report.count(how)} {words}" for how, words in _HOW.items() if report.count(how)]
    _say(", ".join(counts) or "No photos", dry_run, as_json)
    _tell_problems(report.problems)


@exchange.command()
def table(
    names: SomeNamesArgument = None,
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values with headings (the default).")] = False,
    as_json: JsonOption = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write a file.")] = None,
    mine: MineOption = False,
    yes: YesOption = False,
    library: LibraryOption = None,
) -> None:
    """List the files in categories with their scores, and who put them there.

    A nested category is told as "Animals|Birds"; a bar in a name becomes a slash.
    """
    from clipsearch.library.categories.exchange import tables

    if as_csv and as_json:
        raise typer.BadParameter("give either --csv or --json")
    form = tables.JSON if as_json else tables.CSV
    with open_library(library) as opened:
        ids = _ids(opened, names, fresh=not mine)
        if out is None:
            tables.write(sys.stdout, tables.rows(opened, ids, mine=mine), form)
            return
        _agree_to_replace(out, yes)
        count = tables.write_table(opened, out, form, ids, mine=mine)
    typer.echo(f"{count} {noun(count, 'row')} written to {one_line(out)}.", err=True)


@exchange.command("write-xmp")
def write_xmp(
    names: SomeNamesArgument = None,
    *,
    mine: MineOption = False,
    naming: Annotated[
        str,
        typer.Option(
            metavar="auto|adobe|full",
            help="New sidecars: photo.xmp (adobe), photo.jpg.xmp (full), or (auto) the first for RAW files only.",
        ),
    ] = "auto",
    dry_run: DryRunOption = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write categories as keywords into XMP sidecars, for Lightroom, darktable, digiKam. Photos are never written.

    A bar in a name becomes a slash. Exits with 1 where a sidecar could not be written.
    """
    from clipsearch.library.categories.exchange.sidecars import NAMINGS
    from clipsearch.library.categories.exchange.sidecars import write_xmp as run

    if naming not in NAMINGS:
        raise typer.BadParameter(f"--naming is one of {', '.join(NAMINGS)}")
    with open_library(library) as opened:
        ids = _ids(opened, names, fresh=not mine)
        report = _followed(run(opened, ids, mine=mine, naming=naming, dry_run=dry_run), "Writing")
    for change in report.changes if as_json or dry_run else ():
        if as_json:
            told = {"added": change.added, "removed": change.removed, "new": change.is_new}
            print_json({"path": str(change.path), **told})
        else:
            words = [f"+{one_line(one)}" for one in change.added] + [f"-{one_line(one)}" for one in change.removed]
            typer.echo(f"{one_line(change.path)}: {', '.join(words)}")
    written = f"{len(report.changes)} {noun(len(report.changes), 'sidecar')} written"
    _say(f"{written}, {report.unchanged} left unchanged", dry_run, as_json)
    _tell_problems(report.problems)
    if report.problems:
        raise typer.Exit(1)


@exchange.command("import-keywords")
def import_keywords(
    least: Annotated[int, typer.Option("--min", metavar="N", min=1, help="Only keywords of at least N photos.")] = 1,
    own: Annotated[
        bool,
        typer.Option("--own", help="Also those that `write-xmp` wrote, from categories that this library has not."),
    ] = False,
    dry_run: DryRunOption = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make categories of the keywords that other programs gave to photos, and put these photos in, as if by your hand.

    With --own, keywords that clipsearch wrote come back, after a library is lost or on another computer. What a model
    had found counts as your own word then, too, since sidecars do not tell.
    """
    from clipsearch.library.categories.exchange import importing

    with open_library(library) as opened:
        found = _followed(importing.survey(opened), "Reading")
        enough = [keyword for keyword in found.keywords if keyword.photos >= least]
        keywords = [keyword for keyword in enough if own or not keyword.own]
        if not dry_run:
            done = importing.import_keywords(opened, keywords)
    for keyword in keywords if as_json or dry_run else ():
        if as_json:
            print_json({"keyword": keyword.name, "photos": keyword.photos, "own": keyword.own})
        else:
            typer.echo(f"{keyword.photos:6} {one_line(keyword.name)}")
    if dry_run:
        _say(f"{len(keywords)} {noun(len(keywords), 'keyword')}", dry_run, as_json)
    else:
        _say(_imported(done), dry_run, as_json)
    _tell_own(sum(keyword.own for keyword in enough), own)
    _tell_problems(found.problems)


@exchange.command()
def share(
    names: NamesArgument,
    *,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The file to write.")],
    alone: Annotated[bool, typer.Option("--alone", help="Without the categories nested in it.")] = False,
    yes: YesOption = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write categories to a small file for other people: names, prompts, what they have learned; nothing of a photo."""
    from clipsearch.library.categories.exchange import sharing

    _agree_to_replace(to, yes)
    with open_library(library) as opened:
        size = sharing.share(
            opened, _ids(opened, names, fresh=not opened.catalog.read_only) or [], to, nested=not alone
        )
    if as_json:
        print_json({"path": str(to), "bytes": size})
    else:
        typer.echo(f"{one_line(to)} is written ({size:,} bytes).")


@exchange.command()
def receive(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="What `categories share` wrote.")],
    dry_run: DryRunOption = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add the categories of a shared file. Names that are taken get a number, and so do exclusive groups."""
    from clipsearch.library.categories.exchange import sharing

    with open_library(library) as opened:
        report = sharing.receive(opened, file, dry_run=dry_run)
    for category in report.categories:
        if as_json:
            print_json({"category": category.name, "group": category.exclusive_group})
        elif dry_run:
            typer.echo(f"There would be a category {one_line(category.name)}.")
        else:
            typer.echo(f"There is a category {one_line(category.name)} now.")
    for group, here in report.groups:
        told = f"The group {one_line(group)} is called {one_line(here)} here, since you have one of that name."
        typer.echo(told, err=as_json)


_HOW = {"copy": "copied", "link": "linked", "there": "there already"}


def _ids(library: Library, names: Sequence[str] | None, *, fresh: bool) -> list[int] | None:
    """Return the ids of categories by name, None for all; `fresh`: what the model finds is brought up to date,
    or, where the library may only be read, told to be of an earlier moment.
    """
    from clipsearch.library.categories import editing

    ids = [editing.named(library, name).id for name in names] if names else None
    if fresh:
        bring_up_to_date(library, *(ids or ()))
    return ids


def _followed(run: Generator[ExchangeProgress, None, Report], title: str) -> Report:
    """Take a run to its end with a bar on stderr."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

    def shown(step: ExchangeProgress) -> dict[str, Any]:
        return {"completed": step.done, "total": step.total}

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return with_progress(run, columns, title, shown, "what is done is kept")


def _agree_to_replace(file: Path, yes: bool) -> None:
    if file.exists():
        agree(f"Replace {one_line(file)}?", yes)


def _say(sentence: str, dry_run: bool, as_json: bool) -> None:
    """Tell the outcome: beside the data, where there is any."""
    typer.echo(f"{'Dry run: ' if dry_run else ''}{sentence}.", err=as_json or dry_run)


def _imported(done: ImportReport) -> str:
    added = f"{len(done.categories)} {noun(len(done.categories), 'category')} added"
    put_in = f"{done.photos} {noun(done.photos, 'photo')} put in"
    stand = "stands" if done.kept == 1 else "stand"
    kept = f"; {done.kept} {noun(done.kept, 'judgement')} of yours said otherwise and {stand}" if done.kept else ""
    return f"{added}, {put_in}{kept}"


def _tell_own(count: int, are_taken: bool) -> None:
    """Say what becomes of keywords that clipsearch itself has written."""
    were = "was" if count == 1 else "were"
    told = f"{count} of the keywords {were} written by clipsearch, from categories that this library has not"
    if count and are_taken:
        typer.echo(f"{told}; what a model had found among them counts as your own word.", err=True)
    elif count:
        typer.echo(f"{told}: they are left out; `--own` takes them, too.", err=True)


def _tell_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        typer.echo(f"{one_line(problem.path)}: {problem.reason}", err=True)
