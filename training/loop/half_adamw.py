"""AdamW whose statistics, and whatever weights come in half precision, take half the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from training.loop.processes import like, local
from training.loop.rounding import pack, round_stochastically, unpack

FIRST, SECOND = "exp_avg", "exp_avg_sq"  # torch's own names
AT_ONCE = {"cpu": 1 << 18}  # values that are updated at once on a device
AT_ONCE_ELSEWHERE = 1 << 24


class HalfAdamW(Optimizer):
    """Decoupled weight decay as in `torch.optim.AdamW`, computed in fp32, kept in fp16 (paper, section 2.5).

    With `half_statistics` the mean of the gradients and the root of the mean of their squares are fp16 with a scale a
    row, for parameters of two dimensions or more; the others are few. Weights in half precision are rounded
    stochastically, since nearest rounding would lose every update below half a step. The noise follows from `seed`
    and the step alone: it is the same in all processes and after going on from a checkpoint.

    Of parameters that FSDP2 has divided by their rows, each process updates its own ones.
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
            is_half = self.half_statistics and parameter.ndim > 1
            for name in (FIRST, SECOND):
                state[name] = torch.zeros_like(parameter, dtype=torch.float16 if is_half else torch.float32)
                if is_half:
                    rows = (parameter.shape[0], *[1] * (parameter.ndim - 1))
                    state[f"{name}_scale"] = like(torch.ones(rows), parameter)
        return state

    def _update(
        self, parameter: Tensor, state: dict[str, Tensor], group: dict[str, Any], generator: torch.Generator
    ) -> None:
        """Update a parameter some rows at a time, so that what is computed in fp32 stays small beside it."""
        assert parameter.grad is not None
        weights, gradient = local(parameter), local(parameter.grad)
        for rows in _rows(weights):
            part = {name: local(value)[rows] for name, value in state.items() if name != "step"}
            self._update_rows(weights[rows], gradient[rows].float(), part, int(state["step"]), group, generator)

    def _update_rows(
        self,
        parameter: Tensor,
        gradient: Tensor,
        state: dict[str, Tensor],
        step: int,
        group: dict[str, Any],
        generator: torch.Generator,
    ) -> None:
        """Update views of a parameter and of its statistics."""
        beta1, beta2 = group["betas"]
        mean = self._kept(state, FIRST).lerp_(gradient, 1 - beta1)
        square = self._kept(state, SECOND).mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        weights = parameter.float() * (1 - group["lr"] * group["weight_decay"])
        root = (square / (1 - beta2**step)).sqrt_().add_(group["eps"])
        weights.addcdiv_(mean, root, value=-group["lr"] / (1 - beta1**step))
        is_half = parameter.dtype != torch.float32
        parameter.copy_(round_stochastically(weights, parameter.dtype, generator) if is_half else weights)
        self._keep(state, FIRST, mean, generator)
        self._keep(state, SECOND, square, generator)

    def _keep(self, state: dict[str, Tensor], name: str, values: Tensor, generator: torch.Generator) -> None:
        """Store statistics; of the squares the root is kept, whose range is half as wide."""
        if f"{name}_scale" in state:
            half, scale = pack(values.sqrt() if name == SECOND else values, generator)
            state[name].copy_(half)
            state[f"{name}_scale"].copy_(scale)

    def _kept(self, state: dict[str, Tensor], name: str) -> Tensor:
        """Return statistics in fp32: new ones, or, where they are kept so, those themselves."""
        if f"{name}_scale" not in state:
            return state[name]
        values = unpack(state[name], state[f"{name}_scale"])
        return values.square_() if name == SECOND else values


def _rows(parameter: Tensor) -> Iterator[Any]:
    """Yield what cuts a parameter of two dimensions or more into parts of some rows; others stay whole.

    A process may have no row at all.
    """
    if parameter.ndim < 2:
        yield ...
        return
    size = AT_ONCE.get(parameter.device.type, AT_ONCE_ELSEWHERE)
    count = max(1, size // parameter.shape[1:].numel())
    for start in range(0, parameter.shape[0], count):
        yield slice(start, start + count)
