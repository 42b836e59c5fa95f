"""Pairs without end, from rendered scenes: the same for the same seed, on any machine, without a download."""

from __future__ import annotations

from collections.abc import Iterator

from training.data.pairs import Pair
from training.data.sources.source import Source

_ENOUGH = 5_000  # captions hold few words


class Rendered(Source):
    """The scenes of `training.scenes`, none of the held-out combinations among them."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def pair(self, number: int) -> Pair:
        from training.scenes import scene

        return scene(self._seed, number)

    def texts(self, most: int) -> Iterator[str]:
        """Yield the captions of the first scenes, of which none is drawn."""
        from training.scenes import texts

        return texts(self._seed, min(most, _ENOUGH))
