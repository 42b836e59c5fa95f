"""What decides how a model is tuned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from training.errors import TrainingError

#: from harmless to strong -> the highest learning rate that it begins with
RATES = {"head": 1e-3, "lora": 2e-4, "locked-image": 1e-5, "locked-text": 1e-5, "full": 1e-5}

_TINY = 1e-9  # a loss of exactly what is allowed is allowed, however it rounds


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is tuned; the same settings and data give the same weights.

    `shots`: pictures a class to learn from, 0 for all that are not needed otherwise; `validation`: the share of a
    class's pictures, or of all pairs, by which epochs and the interpolation are chosen. `layer_decay`: how much slower
    each layer below learns (1: all alike). `allowed_loss`: how much zero-shot accuracy on the watched half of the
    retention set may fall, 0..1; what falls further is rolled back, and goes on at half the rate, at most `rollbacks`
    times. `draws`: how often all is done, each time with the next seed and thus with other pictures drawn. `rates`
    replaces the learning rates of methods.
    """

    epochs: int = 10
    batch_size: int = 64
    shots: int = 0
    validation: float = 0.25
    weight_decay: float = 0.1
    layer_decay: float = 0.75
    rank: int = 4
    lora_on_mlp: bool = True
    allowed_loss: float = 0.02
    rollbacks: int = 3
    alphas: int = 10
    seed: int = 0
    draws: int = 1
    device: str = "cpu"
    rates: Mapping[str, float] = field(default_factory=dict)

    def least(self, retention: float) -> float:
        """Return what zero-shot accuracy on the retention set must stay at, given what it was."""
        return retention - self.allowed_loss - _TINY

    def rate(self, method: str) -> float:
        """Return the learning rate of a method."""
        return self.rates.get(method, RATES[method])


def check(settings: Settings) -> None:
    """Raise TrainingError for a value that makes no sense."""
    if unknown := settings.rates.keys() - RATES.keys():
        raise TrainingError(f"There is no method {min(unknown)}; there are {', '.join(RATES)}.")
    limits = {
        "epochs": settings.epochs >= 0,
        "batch_size": settings.batch_size >= 1,
        "shots": settings.shots >= 0,
        "validation": 0 < settings.validation < 1,
        "weight_decay": settings.weight_decay >= 0,
        "layer_decay": 0 < settings.layer_decay <= 1,
        "rank": settings.rank >= 0,
        "allowed_loss": 0 <= settings.allowed_loss <= 1,
        "rollbacks": settings.rollbacks >= 0,
        "alphas": settings.alphas >= 1,
        "seed": settings.seed >= 0,
        "draws": settings.draws >= 1,
        "rates": all(rate >= 0 for rate in settings.rates.values()),
    }
    if wrong := [name for name, right in limits.items() if not right]:
        raise TrainingError(f"The setting {wrong[0]} cannot be {getattr(settings, wrong[0])}.")
