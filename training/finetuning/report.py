"""What tuning came to: a line for each method, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from training.finetuning.settings import Settings
from training.finetuning.tuning import Epoch
from training.finetuning.uncertainty import standard_error

_COLUMNS = ("method", "before", "after", "alpha", "retention before", "after", "rolled back", "numbers learned", "time")

_DRAWN = ("method", "draws", "before", "after", "retention before", "after")

_COLUMNS_EXPLAINED = (
    "Accuracy in percent on the {set} pictures before and after, ± standard error: differences of that size may be "
    "chance. Alpha says how far the saved model lies from the original (0) to the tuned one (1), chosen on the "
    "validation pictures. Retention is zero-shot accuracy on other pictures, which shows what was forgotten. It is "
    "that of the half by which nothing was chosen: by the other half an epoch that forgot more than allowed was rolled "
    "back, and alpha limited. "
    "`python -m training export METHOD --out PACKAGE` makes a method's model a package."
)
_DRAWN_EXPLAINED = (
    "Mean and range of all draws: the same with other pictures drawn to learn from, to choose by and to report on. The "
    "models are those of the first one."
)
_LIMITS = (
    "- Everything that holds for the original model holds for these, its licence included.",
    "- What was not in the retention set may have been forgotten unseen; what the pictures have in common besides "
    "their classes (one camera, one place, one person) may have been learned instead of the classes.",
)
_QUESTIONS = (
    "- [ ] May the pictures be used for this, and do the people in them agree?",
    "- [ ] Under which licence may others use the tuned weights?",
)


@dataclass(frozen=True)
class Outcome:
    """How a method did, as shares within 0..1; `before` and `after` were measured on the set that `Report` names.

    `after` and the like are those of the model that is saved, at `alpha` between the original (0) and the tuned (1).
    `validation` holds the accuracy on the validation pictures for each alpha; they chose it, so they flatter it.
    `retention_before` and `retention_after` are of the reported half of the retention set, by which nothing is chosen;
    that of the `epochs` is of the watched half. Of the draws after the first, 0, no model is written: `folder` is None.
    """

    method: str
    draw: int
    before: float
    after: float
    alpha: float
    validation: dict[str, float]
    retention_before: float | None
    retention_after: float | None
    epochs: Sequence[Epoch]
    learned: int
    seconds: float
    folder: str | None

    @property
    def rolled_back(self) -> int:
        """How many epochs were taken back."""
        return sum(epoch.rolled_back for epoch in self.epochs)


@dataclass(frozen=True)
class Report:
    """All methods on the same pictures; `measured_on` is "test", or "validation" where no picture was left for that.

    `pictures` says how many there were: "train", "validation", "test", "retention_watched", "retention_reported".
    """

    model: str
    task: str
    data: str
    measured_on: str
    pictures: dict[str, int]
    settings: Settings
    outcomes: Sequence[Outcome]
    warnings: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        values = asdict(self)
        for outcome, told in zip(self.outcomes, values["outcomes"], strict=True):
            told["rolled_back"] = outcome.rolled_back
        return values

    def table(self) -> str:
        """Return a Markdown table of the first draw, accuracies in percent with their standard errors."""
        return _table(_COLUMNS, [self._cells(outcome) for outcome in self.outcomes if not outcome.draw])

    def spread(self) -> str:
        """Return a Markdown table of all draws, the mean and range of accuracies in percent; "" for a single one."""
        if not any(outcome.draw for outcome in self.outcomes):
            return ""
        methods = dict.fromkeys(outcome.method for outcome in self.outcomes)
        draws = [[outcome for outcome in self.outcomes if outcome.method == method] for method in methods]
        return _table(_DRAWN, [_spread(outcomes) for outcomes in draws])

    def caption(self) -> str:
        """Return a sentence on what the accuracies in the table are of."""
        measured, reported = self.pictures[self.measured_on], self.pictures["retention_reported"]
        kept = f", retention on {reported:,} by which nothing was chosen" if reported else ""
        return (
            f"Accuracy in percent ± standard error, before and after on {measured:,} {self.measured_on} pictures{kept}."
        )

    def card(self) -> str:
        """Return a page in Markdown on what was done, what it came to, and what must be asked before others use it."""
        counts = ", ".join(f"{count:,} {part.replace('_', ' ')}" for part, count in self.pictures.items())
        done = f"Tuned on the {self.task} in `{self.data}`, seed {self.settings.seed}. Pictures: {counts}."
        warnings = [f"- {warning}" for warning in self.warnings]
        parts = [f"# {self.model}, tuned", done, self.table(), _COLUMNS_EXPLAINED.format(set=self.measured_on)]
        if spread := self.spread():
            parts += [spread, _DRAWN_EXPLAINED]
        parts += ["## Limits", "\n".join([*_LIMITS, *warnings]), "## To be answered", "\n".join(_QUESTIONS)]
        return "\n\n".join(parts) + "\n"

    def _cells(self, one: Outcome) -> list[str]:
        measured, reported = self.pictures[self.measured_on], self.pictures["retention_reported"]
        kept = [_percent(one.retention_before, reported), _percent(one.retention_after, reported)]
        counts = [str(one.rolled_back), f"{one.learned:,}", f"{one.seconds:,.1f} s"]
        return [
            one.method,
            _percent(one.before, measured),
            _percent(one.after, measured),
            f"{one.alpha:g}",
            *kept,
            *counts,
        ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _spread(draws: Sequence[Outcome]) -> list[str]:
    of = ("before", "after", "retention_before", "retention_after")
    return [draws[0].method, str(len(draws)), *(_range([getattr(one, name) for one in draws]) for name in of)]


def _range(shares: Sequence[float | None]) -> str:
    """Show the mean of shares, the least and the greatest."""
    known = [100 * share for share in shares if share is not None]
    return f"{sum(known) / len(known):.1f} ({min(known):.1f} to {max(known):.1f})" if known else "-"


def _percent(share: float | None, count: int) -> str:
    """Show a share of so many answers, with its standard error."""
    return "-" if share is None else f"{100 * share:.1f} ± {100 * standard_error(share, count):.1f}"
