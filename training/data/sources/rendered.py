"""Pairs without end, from rendered scenes: the same for the same seed, on any machine, without a download."""

from __future__ import annotations

from training.data.pairs import Pair
from training.data.sources.source import Source


class Rendered(Source):
    """The scenes of `training.scenes`, none of the held-out combinations among them."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def pair(self, number: int) -> Pair:
        from training.scenes import scene

        return scene(self._seed, number)
