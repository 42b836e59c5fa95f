"""What became of the pairs: how many are left after each step, what was thrown out and why, and what was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.curator.queries import Query

#: In this order.
STEPS = ("reading", "captions", "queries", "balance", "pictures", "scores", "doubles")
EXAMPLES = 5  # of each reason
MOST_SHOWN = 50  # queries
_BINS = 400  # scores from -1 to 1


@dataclass
class Report:
    """Counts of one run. `kept_of` holds, for each query, how many of its pairs the set has."""

    queries: int
    rows: int = 0
    lost: dict[str, Counter[str]] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    kept: int = 0
    kept_of: Counter[int] = field(default_factory=Counter)
    scores: Counter[int] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)

    def lose(self, step: str, reason: str, example: str) -> None:
        """Count a pair that a step does not keep; the first few are told."""
        self.lost.setdefault(step, Counter())[reason] += 1
        told = self.examples.setdefault(reason, [])
        if len(told) < EXAMPLES:
            told.append(example)

    def keep(self, found: Sequence[int]) -> None:
        """Count a pair of the set, which holds these queries."""
        self.kept += 1
        self.kept_of.update(found)

    def score(self, score: float) -> None:
        """Count a score of a pair, kept or not."""
        self.scores[int((min(max(score, -1.0), 1.0) + 1) / 2 * (_BINS - 1))] += 1

    def to_json(self, queries: Sequence[Query], found: Sequence[int]) -> dict[str, Any]:
        """Return the report; `found` is how many pairs each query matched."""
        left, steps = self.rows, []
        for step in STEPS:
            reasons = self.lost.get(step, Counter())
            left -= reasons.total()
            steps.append({"step": step, "left": left, "lost": dict(reasons.most_common())})
        return {
            "rows": self.rows,
            "pairs": self.kept,
            "steps": steps,
            "examples": self.examples,
            "queries": {"all": self.queries, "found": sum(map(bool, found)), "kept": len(self.kept_of)},
            "most_frequent_queries": [
                {"query": queries[number].text, "found": found[number], "kept": self.kept_of[number]}
                for number in _largest(found, MOST_SHOWN)
            ],
            "score_deciles": self._deciles(),
            "seconds": {part: round(seconds, 2) for part, seconds in self.seconds.items()},
        }

    def _deciles(self) -> list[float]:
        """Return the scores that 10 %, 20 % ... 90 % of the scored pairs do not exceed."""
        if not self.scores:
            return []
        bins = np.array([self.scores[number] for number in range(_BINS)]).cumsum()
        places = np.searchsorted(bins, bins[-1] * np.arange(1, 10) / 10)
        return [round(float(place) / (_BINS - 1) * 2 - 1, 3) for place in places]


def as_text(report: dict[str, Any]) -> str:
    """Return the report to be read, from what `Report.to_json` returns."""
    lines = [f"{report['rows']:>12,}  rows"]
    for step in report["steps"]:
        lines.append(f"{step['left']:>12,}  after {step['step']}")
        for reason, count in step["lost"].items():
            lines.append(f"{'':14}- {count:,} {reason}; such as {report['examples'][reason][0]}")
    asked = report["queries"]
    lines += [
        f"{report['pairs']:>12,}  pairs in the set",
        f"{asked['all']:>12,}  queries, of which {asked['found']:,} were found and {asked['kept']:,} are in the set",
    ]
    if report["score_deciles"]:
        lines.append(f"scores, in tenths of the pairs: {' '.join(map(str, report['score_deciles']))}")
    lines += ["", "The most frequent queries: found, kept"]
    lines += [f"{row['found']:>12,} {row['kept']:>12,}  {row['query']}" for row in report["most_frequent_queries"]]
    return "\n".join(lines) + "\n"


def _largest(found: Sequence[int], most: int) -> list[int]:
    """Return the places of the largest counts above 0, the largest first."""
    counts = np.asarray(found, np.int64)
    order = np.argsort(-counts, kind="stable")[:most]
    return [int(place) for place in order if counts[place]]
