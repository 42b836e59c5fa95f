"""python -m training compare: the paper's figure 2 of one's own runs, as a picture, tables and a line of JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.errors import TrainingError
from training.evaluation.curves import Method, methods_of
from training.evaluation.efficiency import Gain, gains


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs; seeds share their name")
    parser.add_argument("--out", type=Path, required=True, help="PNG to draw accuracy against examples seen into")


def run(options: argparse.Namespace) -> None:
    """Do what the command line says."""
    compare(options.runs, options.out)


def compare(folders: Sequence[Path], out: Path) -> None:
    """Draw the methods of these runs into `out` and print how many pairs they need, the best one first.

    Raises TrainingError for runs that cannot be read or compared, and where the picture cannot be written.
    """
    methods = sorted(methods_of(folders), key=lambda method: -method.mean.final)
    found = gains(methods)
    draw(methods, out)
    print(accuracies(methods))
    if found:
        print(f"\n{ratios(found)}")
    print(f"\n{json.dumps(to_json(methods, found, out))}")


def accuracies(methods: Sequence[Method]) -> str:
    """Return a table of the methods and how they ended, in Markdown."""
    lines = ["| method | seeds | pairs | final zero-shot accuracy (range over seeds) |", "|---" * 4 + "|"]
    for one in methods:
        span = f" ({one.least[-1]:.3f} to {one.greatest[-1]:.3f})" if len(one.curves) > 1 else ""
        lines.append(f"| {one.name} | {len(one.curves)} | {one.pairs[-1]:,.0f} | {one.mean.final:.3f}{span} |")
    return "\n".join(lines)


def ratios(found: Sequence[Gain]) -> str:
    """Return a table of how many times fewer pairs methods need, in Markdown."""
    heads = ["method", "than", "times fewer pairs (single seeds)", "at accuracy", "the other's highest", "paper"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for gain in found:
        highest = f"{gain.other.mean.best:.3f}{'' if gain.is_reached else ', not reached'}"
        paper = f"{gain.paper:g}" if gain.paper else ""
        cells = [gain.method.name, gain.other.name, _times(gain), f"{gain.times.accuracy:.3f}", highest, paper]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _times(gain: Gain) -> str:
    if len(gain.by_seed) < 2:
        return str(gain.times)
    ordered = sorted(gain.by_seed.values(), key=lambda times: times.value)
    return f"{gain.times} ({ordered[0]} to {ordered[-1]})"


def to_json(methods: Sequence[Method], found: Sequence[Gain], out: Path) -> dict[str, Any]:
    """Return plain values."""
    return {"figure": str(out), "methods": [_ended(one) for one in methods], "gains": [_gained(one) for one in found]}


def _ended(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "kind": method.kind,
        "seeds": sorted(method.curves),
        "pairs": int(method.pairs[-1]),
        "zero_shot_accuracy": round(method.mean.final, 4),
        "range": [round(float(method.least[-1]), 4), round(float(method.greatest[-1]), 4)],
    }


def _gained(gain: Gain) -> dict[str, Any]:
    return {
        "method": gain.method.name,
        "than": gain.other.name,
        "times": round(gain.times.value, 3),
        "at_least": gain.times.is_least,
        "at_most": gain.times.is_most,
        "by_seed": {seed: round(times.value, 3) for seed, times in gain.by_seed.items()},
        "accuracy": round(gain.times.accuracy, 4),
        "reached": gain.is_reached,
        "paper": gain.paper,
    }


def draw(methods: Sequence[Method], out: Path) -> None:
    """Draw accuracy over pairs, their axis logarithmic as in the paper: the mean of the seeds, and their range."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for method in methods:
        (line,) = axes.plot(method.pairs, method.mean.accuracy, marker="o", markersize=3.5, label=method.name)
        axes.fill_between(method.pairs, method.least, method.greatest, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("pairs seen")
    axes.set_ylabel("zero-shot accuracy (mean and range of seeds)")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    part = out.with_name(f".{out.name}.part")
    try:
        figure.savefig(part, format="png", dpi=110)
        part.replace(out)
    except OSError as error:
        raise TrainingError(f"The picture {out} cannot be written ({error.strerror or error}).") from error
