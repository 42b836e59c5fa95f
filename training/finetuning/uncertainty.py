"""How far chance alone moves a share of right answers."""

from __future__ import annotations

import math


def standard_error(share: float, count: int) -> float:
    """Return the standard error of a share 0..1 of `count` independent answers.

    It is half the width of Wilson's interval at one standard deviation: nearly the binomial sqrt(p (1 - p) / n), but
    not zero where all of a few answers were right.
    """
    return math.sqrt(share * (1 - share) / count + 1 / (4 * count**2)) / (1 + 1 / count)
