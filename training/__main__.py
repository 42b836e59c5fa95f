"""python -m training COMMAND"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from clipsearch.errors import ClipsearchError

CACHE = Path.home() / ".cache" / "clipsearch-training"
STARTER = Path(__file__).parent.parent / "resources" / "models" / "starter"
CLIP_TOKENIZER = STARTER.parent.parent / "tokenizers" / "clip" / "tokenizer.json"

INTERRUPTED = 130  # how a shell counts a program that Ctrl+C ended


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


def _add_scenes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="new folder for the pictures and captions.csv")
    parser.add_argument("--count", type=int, required=True, help="how many scenes")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other scenes")
    parser.add_argument("--size", type=int, default=64, help="pixels a side")
    parser.add_argument("--held-out", action="store_true", help="only scenes with a combination held out of training")


def _run_scenes(options: argparse.Namespace) -> None:
    from training.scenes.folder import write

    write(options.out, options.count, options.seed, options.held_out, options.size)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="a run's folder model/")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--classes", type=Path, help="folder of folders of pictures, each named after what they show")
    asked.add_argument("--scenes", action="store_true", help="the held-out combinations of the scenes; the default")
    parser.add_argument("--pictures", type=int, default=2000, help="how many pictures at most")
    parser.add_argument("--templates", default="default", help="set of prompts for --classes, such as imagenet-80")


def _run_evaluate(options: argparse.Namespace) -> None:
    from training.evaluation.command import evaluate
    from training.run import Evaluation

    classes = "" if options.classes is None else str(options.classes)
    evaluate(options.model, Evaluation(classes=classes, pictures=options.pictures, templates=options.templates))


def _add_finetune(parser: argparse.ArgumentParser) -> None:
    from training.finetuning.command import add_options

    add_options(parser)


def _run_finetune(options: argparse.Namespace) -> None:
    from training.finetuning.command import run

    run(options)


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="a run as TOML, such as training/configs/smoke.toml")
    parser.add_argument("--out", type=Path, required=True, help="new folder, or that of the same run, which goes on")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="change a setting")
    changes = "go on with the run in --out although its rate, warm-up, decay, clipping, precision or steps were others"
    parser.add_argument("--adjust", action="store_true", help=changes)


def _run_train(options: argparse.Namespace) -> None:
    from training.loop.command import run

    run(options.config, options.out, options.set, options.adjust)


def _add_curate(parser: argparse.ArgumentParser) -> None:
    from training.curator.command import add_options

    add_options(parser)


def _run_curate(options: argparse.Namespace) -> None:
    from training.curator.command import run

    run(options)


def _add_compare(parser: argparse.ArgumentParser) -> None:
    from training.evaluation.compare import add_options

    add_options(parser)


def _run_compare(options: argparse.Namespace) -> None:
    from training.evaluation.compare import run

    run(options)


def _add_caption(parser: argparse.ArgumentParser) -> None:
    from training.captions import add_options

    add_options(parser)


def _run_caption(options: argparse.Namespace) -> None:
    from training.captions import run

    run(options)


Command = tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], None]]
COMMANDS: dict[str, Command] = {
    "caption": ("write captions for pictures, by a model that learned to", _add_caption, _run_caption),
    "clip-tokenizer": ("make CLIP's tokenizer.json from the released merges", _add_clip_tokenizer, _run_clip_tokenizer),
    "compare": ("draw accuracy over pairs seen, and tell which method needs fewer", _add_compare, _run_compare),
    "curate": ("choose pairs for training by queries, balanced, without doubles", _add_curate, _run_curate),
    "evaluate": ("measure a model's zero-shot accuracy, as a line of JSON", _add_evaluate, _run_evaluate),
    "export": ("make a trained model a package that clipsearch installs", _add_export, _run_export),
    "scenes": ("draw scenes with captions into a folder", _add_scenes, _run_scenes),
    "finetune": ("fit a model to pictures of one's own, and see what it forgets", _add_finetune, _run_finetune),
    "starter": ("make the bundled starter model again from package downloads", _add_starter, _run_starter),
    "train": ("train what a file describes, or go on with it; ends with a line of JSON", _add_train, _run_train),
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
    try:
        main()
    except ClipsearchError as error:
        sys.exit(f"error: {error.message}")
    except KeyboardInterrupt as stop:
        print(stop if stop.args else "Stopped.", file=sys.stderr)
        sys.exit(INTERRUPTED)
