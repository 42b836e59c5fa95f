"""What a run tells while it goes: a progress bar, a table of numbers, TensorBoard, and curves as a picture."""

from __future__ import annotations

import csv
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from training.data.pairs import Batch
from training.errors import TrainingError

TABLE, CURVES, BAD_PAIRS, TENSORBOARD = "log.csv", "curves.png", "bad-pairs.txt", "tensorboard"
ACCURACY, SCALE, RATE = "zero_shot_accuracy", "scale", "learning_rate"
QUIET_S = 15.0  # between lines where there is no terminal for a progress bar
DRAWING_S = 30.0  # between two pictures of the curves
Row = dict[str, float]


class Log:
    """The log of a run in its folder; `first` is the step it goes on from, and what was logged after it is dropped.

    Of several processes only the first writes; the others' pairs that were passed over are their own file.
    """

    def __init__(self, out: Path, steps: int, first: int = 0, rank: int = 0, console: Console | None = None) -> None:
        self.out, self.first, self.is_first = out, first, rank == 0
        self.bad_pairs = out / (BAD_PAIRS if rank == 0 else f"bad-pairs-{rank}.txt")
        self.console = console or Console(stderr=True, quiet=not self.is_first)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[told]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.progress.add_task("training", total=steps, completed=first, told="")
        self.said_at = 0.0
        self.drawn_at = time.monotonic()
        self.writer: Any = None

    def __enter__(self) -> Log:
        with _written(self.bad_pairs):
            _cut_text(self.bad_pairs, self.first)
        if self.is_first:
            with _written(self.out / TABLE):
                _cut(self.out / TABLE, self.first)
            with self._dispensable(TENSORBOARD):
                self.writer = _tensorboard(self.out / TENSORBOARD, self.first)
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()
        with self._dispensable(TENSORBOARD):
            if self.writer is not None:
                self.writer.close()

    def bad(self, step: int, batch: Batch) -> None:
        """Note the pairs that were passed over for a batch. Raises TrainingError."""
        if batch.bad:
            told = Counter(" ".join(reason.split()) for reason in batch.bad)
            with _written(self.bad_pairs), self.bad_pairs.open("a", encoding="utf-8") as file:
                file.writelines(f"{step}\t{one}{f' ({n} times)' if n > 1 else ''}\n" for one, n in told.items())

    def row(self, row: Row) -> None:
        """Note the numbers of a step, the first of which is its number. Raises TrainingError."""
        if self.is_first:
            with _written(self.out / TABLE):
                _append(self.out / TABLE, row)
            self._show(row)

    def add(self, row: Row) -> None:
        """Note further numbers of the step that was noted last, whose number is the first. Raises TrainingError."""
        if self.is_first:
            with _written(self.out / TABLE):
                _extend(self.out / TABLE, row)
            self._show(row)

    def warn(self, text: str) -> None:
        """Say what went wrong without ending the run."""
        self.console.print(f"warning: {text}", highlight=False, markup=False, soft_wrap=True)

    def _show(self, row: Row) -> None:
        with self._dispensable(TENSORBOARD):
            for name, value in row.items():
                if name != "step" and self.writer is not None:
                    self.writer.add_scalar(name, value, int(row["step"]))

    @contextmanager
    def _dispensable(self, what: str) -> Iterator[None]:
        """Let what only shows the run fail: tell it, and do without TensorBoard from then on."""
        try:
            yield
        except OSError as error:
            self.writer = None if what == TENSORBOARD else self.writer
            self.warn(f"{self.out / what} cannot be written any more ({error}); training goes on without it.")

    def advance(self, step: int, told: Mapping[str, float]) -> None:
        """Show how far the run is; where there is no terminal, a line now and then."""
        text = "  ".join(f"{name} {value:.4g}" for name, value in told.items())
        self.progress.update(self.task, completed=step, told=text)
        if not self.console.is_terminal and time.monotonic() - self.said_at > QUIET_S:
            self.said_at = time.monotonic()
            self.console.print(f"step {step}  {text}", highlight=False)

    def draw(self, is_last: bool = False) -> None:
        """Draw the curves of all that was logged so far; not too often, unless it is the last time."""
        if not self.is_first or (not is_last and time.monotonic() - self.drawn_at < DRAWING_S):
            return
        with self._dispensable(CURVES):
            if rows := read(self.out / TABLE):
                draw(rows, self.out / CURVES)
        self.drawn_at = time.monotonic()


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Write a file that a run cannot do without. Raises TrainingError for an OSError."""
    try:
        yield
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror or error}); make room, then start the run again"
        raise TrainingError(f"{message}: it goes on from its last checkpoint.") from error


def _tensorboard(folder: Path, first: int) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=first + 1 if first else None)


def read(path: Path) -> list[Row]:
    """Read a table of numbers; a line that a kill has cut off is left out, an empty cell is no value."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [_numbers(row) for row in rows if row.get("step") and None not in row and None not in row.values()]


def _numbers(row: Mapping[str, str]) -> Row:
    return {name: float(value) for name, value in row.items() if value}


def _append(path: Path, row: Row) -> None:
    """Add a row; a name that the table does not have yet becomes a new column."""
    names = _names(path)
    if missing := [name for name in row if name not in names]:
        rows, names = read(path), [*names, *missing]
        _write(path, names, rows)
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerow([_cell(row, name) for name in names])


def _extend(path: Path, row: Row) -> None:
    """Add numbers to the last row, which is that of the same step; else as a row of their own."""
    rows = read(path)
    if not rows or rows[-1]["step"] != row["step"]:
        _append(path, row)
    else:
        rows[-1] |= row
        names = _names(path)
        _write(path, [*names, *(name for name in row if name not in names)], rows)


def _names(path: Path) -> list[str]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file), [])


def _write(path: Path, names: Sequence[str], rows: Sequence[Row]) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [names, *([_cell(row, name) for name in names] for row in rows)]
        )
    part.replace(path)


def _cell(row: Row, name: str) -> str:
    value = row.get(name)
    return (
        "" if value is None else str(int(value)) if name in {"step", "pairs", "bad_pairs", "skipped"} else repr(value)
    )


def _cut(path: Path, first: int) -> None:
    """Drop the rows behind the step from which a run goes on."""
    if path.exists():
        _write(path, _names(path), [row for row in read(path) if row["step"] <= first])


def _cut_text(path: Path, first: int) -> None:
    if path.exists():
        lines = path.read_text("utf-8", errors="replace").splitlines(keepends=True)
        kept = [line for line in lines if line.partition("\t")[0].isdigit() and int(line.partition("\t")[0]) <= first]
        path.write_text("".join(kept), "utf-8")


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw losses, accuracy, temperature and learning rate over the steps, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    losses = sorted({name for row in rows for name in row if name.startswith("loss")})
    panels = [("loss", losses), ("zero-shot accuracy", [ACCURACY]), ("logit scale", [SCALE]), ("learning rate", [RATE])]
    shown = [(title, names) for title, names in panels if any(name in row for row in rows for name in names)]
    figure = Figure(
        figsize=(4.5 * len(shown), 3.2),
    )
    FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.05, right=0.98, bottom=0.16, wspace=0.22)
    for place, (title, names) in enumerate(shown, 1):
        axes = figure.add_subplot(1, len(shown), place)
        axes.set_title(title)
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        for name in names:
            points = [(row["step"], row[name]) for row in rows if math.isfinite(row.get(name, math.nan))]
            axes.plot(*zip(*points, strict=True), label=name, marker="o" if title.endswith("accuracy") else None)
        if len(names) > 1:
            axes.legend()
    part = path.with_name(f".{path.name}")
    figure.savefig(part, format="png", dpi=100)
    part.replace(path)
