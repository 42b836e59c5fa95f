"""The models that may be downloaded: a short list kept as data, resources/models/offers.json, read without a network.

A figure in it was published; what nobody could verify is null there. A revision that is null is resolved when the model
is downloaded, and recorded in the package's model.json.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Self

from clipsearch.errors import ClipsearchError
from clipsearch.paths import resource_path


@dataclass(frozen=True, slots=True)
class Way:
    """One way to get a model: ONNX towers ready to run, or a checkpoint, which torch must convert here first."""

    form: Literal["onnx", "checkpoint"]
    repository: str
    revision: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A model on offer.

    `parameters_m` are the image and the text tower's, in millions; `accuracy` is the zero-shot accuracy on ImageNet in
    percent; `languages` are ISO 639 codes, "mul" for very many; `ways` stand in order of preference.
    """

    name: str
    title: str
    architecture: str
    licence: str
    parameters_m: tuple[int, int] | None
    dim: int
    size_px: int
    languages: tuple[str, ...]
    accuracy: float | None
    speed: str
    recommended: bool
    ways: tuple[Way, ...]

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        lists = {key: tuple(values[key]) for key in ("languages", "parameters_m") if values[key] is not None}
        return cls(**{**values, **lists, "ways": tuple(Way(**way) for way in values["ways"])})

    @property
    def needs_conversion(self) -> bool:
        """No form of the model runs without being converted by torch first."""
        return all(way.form == "checkpoint" for way in self.ways)


@cache
def offers() -> tuple[Offer, ...]:
    """Return what is on offer, the recommended models first."""
    values = json.loads(resource_path("models/offers.json").read_text("utf-8"))
    return tuple(Offer.from_json(offer) for offer in values)


def find_offer(name: str) -> Offer:
    """Return the offer of this name; upper and lower case are one, and a beginning will do if only one model has it.

    Raises ClipsearchError with the nearest names.
    """
    wanted = name.casefold()
    exact = [offer for offer in offers() if offer.name.casefold() == wanted]
    begun = [offer for offer in offers() if wanted and offer.name.casefold().startswith(f"{wanted}__")]
    if len(exact or begun) != 1:
        raise ClipsearchError("Model unknown", f"No model on offer is called {name!r}. {_hint(wanted, begun)}")
    return (exact or begun)[0]


def _hint(wanted: str, begun: list[Offer]) -> str:
    names = {offer.name.casefold(): offer.name for offer in offers()}
    near = [offer.name for offer in begun] or [names[key] for key in difflib.get_close_matches(wanted, names, 3, 0.4)]
    return f"Did you mean {' or '.join(near)}?" if near else "`clipsearch models list` shows them."
