"""Exact ranking of candidates that an index found by estimates of their scores.

Candidates are read best first. The errors of the estimates are known for those read, so it is known how far the rest
may be off; reading stops when none of the rest can be expected among the best any more. So clear questions read a few
hundred vectors and vague ones a few thousand, and no constant is tuned to one model's vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]
#: yields (ids, vectors float16 [m, dim]) of those of the photos that there are
Read = Callable[[Sequence[int]], Iterator[tuple[list[int], npt.NDArray[np.float16]]]]

#: An unread candidate is given up if it needs an error of so many standard deviations to be among the best.
SURE = 3.25
_STEP = 500


def candidates_for(limit: int) -> int:
    """Return how many candidates are enough to find the `limit` best photos among them."""
    return 2000 + 10 * limit


def rank(query: npt.NDArray[np.float32], ids: Ids, estimates: Scores, limit: int, read: Read) -> tuple[Ids, Scores]:
    """Return (ids, scores) of the `limit` best candidates, best first; those that cannot be read are left out.

    `query` is float32 [dim]; the candidates come with their estimated scores, float32 [n], best first.
    """
    scores = np.full(len(ids), -np.inf, np.float32)
    done = 0
    while done < len(ids) and not _settled(scores[:done], estimates[: done + 1], limit):
        upto = done + max(_STEP, limit)
        scores[done:upto] = _scores(query, ids[done:upto], read)
        done = upto
    best = np.argsort(-scores, kind="stable")[:limit]
    best = best[np.isfinite(scores[best])]
    return ids[best], scores[best]


def _settled(scores: Scores, estimates: Scores, limit: int) -> bool:
    """Tell whether the next candidate, whose estimate is the last one, is out of the question."""
    known = np.isfinite(scores)
    if known.sum() < limit or not limit:
        return not limit
    errors = (scores[known] - estimates[:-1][known])[-_STEP:]  # of the candidates most like the next ones
    worst_of_best = np.partition(scores, -limit)[-limit]
    return bool(estimates[-1] + errors.mean() + SURE * errors.std() < worst_of_best)


def _scores(query: npt.NDArray[np.float32], ids: Ids, read: Read) -> Scores:
    """Return the inner products, float32 [n]; minus infinity for a photo whose vector is not there."""
    scores = np.full(len(ids), -np.inf, np.float32)
    for places, vectors in placed(ids, read):
        scores[places] = vectors.astype(np.float32) @ query
    return scores


def placed(ids: Ids, read: Read) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.float16]]]:
    """Yield (places in `ids`, vectors float16 [m, dim]) piece by piece; `ids` are all different, some may not exist."""
    order = np.argsort(ids)
    for found, vectors in read(ids[order].tolist()):
        yield order[np.searchsorted(ids, found, sorter=order)], vectors
