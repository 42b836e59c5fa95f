"""The commands `clipsearch models ...`: what models there are; installing, choosing and removing them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipsearch.errors import ArchitectureUnknownError, ClipsearchError
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
    from clipsearch.records import ModelInfo, ModelProgress

models = typer.Typer(name="models", help="List, install, choose and remove models.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A name that `models list` shows.")]


@models.command("list")
def list_models(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Show the models on offer and on this machine, and which one answers. Needs no network."""
    from clipsearch.library.models import models as all_models

    with open_library(library) as opened:
        infos = all_models(opened)
    for info in infos:
        if as_json:
            print_json(asdict(info))
        else:
            typer.echo(f"{one_line(info.name):42} {_state(info):28} {_facts(info)}")


@models.command()
def install(name: NameArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Download a model, once its licence was shown. Interrupted, it goes on where it stopped the next time."""
    from clipsearch import settings
    from clipsearch.library import models as use_cases
    from clipsearch.paths import settings_file

    chosen = settings.load(settings_file())
    if not use_cases.find_model(name).installed:
        typer.echo(_terms(use_cases.ask_for(name, chosen)), err=True)
        agree("Download it?", yes)
    _show_installed(_with_progress(use_cases.install(name, chosen), "what is downloaded is kept"), as_json)


@models.command("import")
def import_(
    path: Annotated[Path, typer.Argument(metavar="PATH", readable=False, help="A checkpoint, or a model's folder.")],
    name: Annotated[
        str | None, typer.Option("--name", help="What to call it; by default as the file or folder.")
    ] = None,
    architecture: Annotated[
        str | None, typer.Option("--architecture", help="OpenCLIP's name, where the checkpoint does not say it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Install a model from this machine: a checkpoint, a folder of ONNX towers, or a model package."""
    from clipsearch import settings
    from clipsearch.library.models import import_model
    from clipsearch.paths import settings_file

    run = import_model(path, settings.load(settings_file()), name, architecture)
    try:
        _show_installed(_with_progress(run, "nothing was installed"), as_json)
    except ArchitectureUnknownError as error:
        hint = " Say it by --architecture." if error.choices else ""
        raise ClipsearchError(error.title, error.message + hint, error.path) from error


@models.command()
def use(name: NameArgument, library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Choose the model for a library. The old one answers until the new one has seen all photos."""
    from clipsearch.library.models import use as choose

    with open_library(library) as opened:
        choose(opened, name)
        chosen, answering = opened.choice.name, opened.answering.package.name
    if as_json:
        print_json({"chosen": chosen, "answering": answering})
    elif chosen == answering:
        typer.echo(f"{chosen} answers now.")
    else:
        typer.echo(f"{chosen} will encode your photos at the next `clipsearch index`; until then {answering} answers.")


@models.command()
def remove(
    name: NameArgument, yes: YesOption = False, library: LibraryOption = None, as_json: JsonOption = False
) -> None:
    """Delete a model from this machine. What it knows of your photos stays, should you install it again."""
    from clipsearch.library import models as use_cases

    with open_library(library) as opened:
        info = use_cases.find_removable(opened, name)
        agree(f"Delete {info.name} ({_size(info.disk_bytes)})?", yes)
        freed = use_cases.remove(opened, name)
    if as_json:
        print_json({"name": info.name, "freed_bytes": freed})
    else:
        typer.echo(f"{info.name} is removed; {_size(freed)} are free again.")


def _terms(info: ModelInfo) -> str:
    facts = f"{info.title}: {_size(info.download_bytes)} from {info.repository}. Licence: {info.licence}."
    return f"{facts} It is converted here after the download." if info.needs_conversion else facts


def _show_installed(info: ModelInfo, as_json: bool) -> None:
    if as_json:
        print_json(asdict(info))
    else:
        typer.echo(
            f"{info.name} is installed ({_size(info.disk_bytes)}); `clipsearch models use {info.name}` chooses it."
        )


def _with_progress(run: Generator[ModelProgress, None, ModelInfo], if_stopped: str) -> ModelInfo:
    """Show each step on stderr; an interrupt stops it, and `if_stopped` says what becomes of what was done."""
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

    def shown(step: ModelProgress) -> dict[str, Any]:
        numbers = {"completed": step.done_bytes, "total": step.total_bytes}
        return {"description": step.stage.capitalize(), **numbers}

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return with_progress(run, columns, "Looking up", shown, if_stopped)


def _state(info: ModelInfo) -> str:
    words = {"installed": info.installed, "chosen": info.chosen, "answering": info.answering}
    words["recommended"] = info.recommended and not info.installed
    return ", ".join(word for word, holds in words.items() if holds) or "-"


def _facts(info: ModelInfo) -> str:
    size = _size(info.disk_bytes) if info.installed else "needs conversion" if info.needs_conversion else ""
    accuracy = f"ImageNet {info.accuracy:.1f} %" if info.accuracy is not None else ""
    languages = "many languages" if "mul" in info.languages else ", ".join(info.languages)
    return "; ".join(part for part in (languages, accuracy, info.speed, size, info.licence) if part)


def _size(size_bytes: int | None) -> str:
    return f"{(size_bytes or 0) / 1e6:,.1f} MB"
