"""AdamW whose statistics, and whatever weights come in half precision, take half the memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from training.loop.rounding import pack, round_stochastically, unpack

FIRST, SECOND = "exp_avg", "exp_avg_sq"  # torch's own names


class HalfAdamW(Optimizer):
    """Decoupled weight decay as in `torch.optim.AdamW`, computed in fp32, kept in fp16 (paper, section 2.5).

    With `half_statistics` the mean of the gradients and the root of the mean of their squares are fp16 with a scale a
    row, for parameters of two dimensions or more; the others are few. Weights in half precision are rounded
    stochastically, since nearest rounding would lose every update below half a step. The noise follows from `seed`
    and the step alone: it is the same in all processes and after going on from a checkpoint.
    """

    def __init__(
        self,
        groups: list[dict[str, Any]],
        learning_rate: float,
        betas: tuple[float, float],
        eps: float,
        *,
        half_statistics: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__(groups, {"lr": learning_rate, "betas": betas, "eps": eps, "weight_decay": 0.0})
        self.half_statistics = half_statistics
        self.seed = seed
        self.generators: dict[torch.device, torch.Generator] = {}

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Make one step with the gradients there are."""
        started: set[torch.device] = set()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self._state(parameter)
                state["step"] += 1
                device = parameter.device
                generator = self.generators.setdefault(device, torch.Generator(device))
                if device not in started:
                    generator.manual_seed(self.seed * 1_000_003 + int(state["step"]))
                    started.add(device)
                self._update(parameter, state, group, generator)

    def _state(self, parameter: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            for name in (FIRST, SECOND):
                self._keep(state, name, torch.zeros_like(parameter, dtype=torch.float32), None)
        return state

    def _update(
        self, parameter: Tensor, state: dict[str, Tensor], group: dict[str, Any], generator: torch.Generator
    ) -> None:
        (beta1, beta2), step, gradient = group["betas"], int(state["step"]), parameter.grad
        assert gradient is not None
        gradient = gradient.float()
        mean = self._kept(state, FIRST).lerp_(gradient, 1 - beta1)
        square = self._kept(state, SECOND).mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        weights = parameter.float() * (1 - group["lr"] * group["weight_decay"])
        root = (square / (1 - beta2**step)).sqrt_().add_(group["eps"])
        weights.addcdiv_(mean, root, value=-group["lr"] / (1 - beta1**step))
        is_half = parameter.dtype != torch.float32
        parameter.copy_(round_stochastically(weights, parameter.dtype, generator) if is_half else weights)
        self._keep(state, FIRST, mean, generator)
        self._keep(state, SECOND, square, generator)

    def _keep(self, state: dict[str, Tensor], name: str, values: Tensor, generator: torch.Generator | None) -> None:
        """Store statistics; of the squares the root is kept, whose range is half as wide."""
        if self.half_statistics and values.ndim > 1:
            values = values.sqrt() if name == SECOND else values
            state[name], state[f"{name}_scale"] = pack(values, generator)
        else:
            state[name] = values

    def _kept(self, state: dict[str, Tensor], name: str) -> Tensor:
        if f"{name}_scale" not in state:
            return state[name]
        values = unpack(state[name], state[f"{name}_scale"])
        return values.square_() if name == SECOND else values
