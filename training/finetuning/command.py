"""The options of `python -m training finetune`."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.errors import TrainingError
from training.finetuning.settings import RATES, Settings

_NUMBERS = {
    "epochs": "passes over the pictures",
    "batch_size": "pictures a step",
    "shots": "pictures a class to learn from, 0 for all but those to choose by",
    "validation": "share of the pictures by which epochs and interpolation are chosen",
    "weight_decay": "of the matrices",
    "layer_decay": "how much slower each layer below learns",
    "rank": "of LoRA's products",
    "allowed_loss": "how much zero-shot accuracy on the retention set may fall, 0 to 1",
    "rollbacks": "how often a method may be taken back before it ends",
    "alphas": "steps between the original and the tuned model that are tried",
    "seed": "of the split, the order and LoRA's first weights",
    "draws": "how often all is done, each time with other pictures drawn; the models are those of the first",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("model", help="an installed package's name, or the path of a package, run or checkpoint")
    parser.add_argument("pictures", type=Path, help="a folder of folders named after classes; pairs with --pairs")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the tuned models and the report")
    parser.add_argument(
        "--pairs", action="store_true", help="learn from pairs: a table, or a folder with caption files"
    )
    parser.add_argument("--methods", default=",".join(RATES), help="which of them, in this order: %(default)s")
    parser.add_argument("--retention", type=Path, help="folder of folders with what must not be forgotten")
    parser.add_argument(
        "--retained",
        type=int,
        default=500,
        help="pictures of it to look at, half of them only to be reported on: %(default)s",
    )
    parser.add_argument("--test", type=Path, help="folder of folders with the same classes to report on")
    parser.add_argument("--templates", default="default", help="of class names: a set, or one with {}: %(default)s")
    parser.add_argument("--rate", action="append", default=[], metavar="METHOD=RATE", help="another learning rate")
    parser.add_argument("--device", default="cpu", help="where to compute: %(default)s or cuda")
    for name, summary in _NUMBERS.items():
        usual = getattr(Settings(), name)
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=type(usual), default=usual, help=f"{summary}: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Tune and print the table; `results.json` beside the models holds the same and more. Raises ClipsearchError."""
    from training.finetuning.finetune import finetune
    from training.finetuning.prepare import Data

    numbers = {name: getattr(options, name) for name in _NUMBERS}
    settings = Settings(**numbers, device=options.device, rates=_rates(options.rate))
    data = Data(options.pictures, options.pairs, options.retention, options.retained, options.test, options.templates)
    methods = [method for method in options.methods.split(",") if method]
    report = finetune(options.model, data, options.out, methods, settings, lambda line: print(line, flush=True))
    print(f"\n{report.table()}\n\n{report.caption()}")
    if spread := report.spread():
        print(f"\n{spread}\n\nMean and range of all draws; the models are those of the first one.")
    print(f"`python -m training export {options.out}/METHOD --out PACKAGE` makes one a package.")


def _rates(given: list[str]) -> dict[str, float]:
    try:
        return {method: float(rate) for method, rate in (one.split("=") for one in given)}
    except ValueError as error:
        raise TrainingError(f"A rate is given as METHOD=RATE, such as lora=1e-4, not as {' '.join(given)}.") from error
