"""python -m training COMMAND"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

CACHE = Path.home() / ".cache" / "clipsearch-training"
STARTER = Path(__file__).parent.parent / "resources" / "models" / "starter"
CLIP_TOKENIZER = STARTER.parent.parent / "tokenizers" / "clip" / "tokenizer.json"


def _add_starter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=STARTER, help="folder of the model package")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for downloads and features")
    parser.add_argument("--head", choices=["joint", "conse"], default="joint", help="conse: the baseline")


def _run_starter(options: argparse.Namespace) -> None:
    from training.starter.build import build

    build(options.out, options.cache, options.head)


def _add_clip_tokenizer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("merges", type=Path, help="bpe_simple_vocab_16e6.txt.gz from the PyPI package open-clip-torch")
    parser.add_argument("--out", type=Path, default=CLIP_TOKENIZER, help="file for the tokenizers library")


def _run_clip_tokenizer(options: argparse.Namespace) -> None:
    from training.clip_tokenizer import build

    build(options.merges, options.out)


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, help="a run's folder, its model/, one of its checkpoints, or another")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the package")
    parser.add_argument("--name", help="what the program calls it; by default the run's name")
    parser.add_argument("--title", help="what people call it")
    parser.add_argument("--licence", default="unknown licence", help="under which others may use it")
    parser.add_argument("--background", type=Path, help="folder of pictures of all kinds; by default the demo's")


def _run_export(options: argparse.Namespace) -> None:
    from training.export import export

    one = options
    package = export(one.checkpoint, one.out, one.name, one.title, one.licence, one.background)
    print(f"{package.name} is a package now; `clipsearch models import {one.out}` installs it.")


Command = tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], None]]
COMMANDS: dict[str, Command] = {
    "clip-tokenizer": ("make CLIP's tokenizer.json from the released merges", _add_clip_tokenizer, _run_clip_tokenizer),
    "export": ("make a trained model a package that clipsearch installs", _add_export, _run_export),
    "starter": ("make the bundled starter model again from package downloads", _add_starter, _run_starter),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m training", description="Makes the models that clipsearch uses.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (summary, add_options, run) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        add_options(command)
        command.set_defaults(run=run)
    options = parser.parse_args(arguments)
    options.run(options)


if __name__ == "__main__":
    main()
