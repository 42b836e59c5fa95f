"""What is learned from pairs: each objective says what it needs of a pair, and what is lost over all of them."""

from __future__ import annotations

from training.objectives.building import build
from training.objectives.objective import Learner, Objective

__all__ = ["Learner", "Objective", "build"]
