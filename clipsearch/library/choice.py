"""Which model fills the library and which one answers: they differ while a newly chosen model catches up."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.shelf import STARTER
from clipsearch.errors import ClipsearchError
from clipsearch.library.installed import Installed
from clipsearch.store.catalog import Catalog

_LEFT_BEHIND = 0.1  # share of photos out of reach without which a model may answer
_GIVEN_UP = 0.5  # the same, those included that no run can read


@dataclass(frozen=True, slots=True)
class Models:
    """`filling` encodes photos, `answering` answers searches; `note` says which model is not usable, and what to do."""

    filling: Encoder
    answering: Encoder
    note: str = ""

    @property
    def in_use(self) -> dict[str, Encoder]:
        """Each of them once, by model id, the one that is filled first."""
        return {encoder.model_id: encoder for encoder in (self.filling, self.answering)}


class Choice:
    """The library's choice of model, kept in its catalog. Safe to use from several threads and processes.

    The chosen model is filled. It answers, too, once it knows every photo within reach; until then the model that
    last did so goes on answering or, where there is none, the one that knows most photos. A model that is not
    installed, or turned out to be damaged, is passed over.
    """

    def __init__(self, catalog: Catalog, installed: Installed) -> None:
        self._catalog = catalog
        self._installed = installed
        self._lock = threading.RLock()
        self._decided: tuple[int, Models] | None = None  # with the catalog's generation
        self._damaged: dict[str, tuple[str, ClipsearchError]] = {}  # by model id: the package's name, what is wrong

    @property
    def name(self) -> str:
        """The name of the package that the user chose."""
        return self._catalog.models.chosen() or STARTER

    def models(self) -> Models:
        """Return the models in use now. Raises ClipsearchError when no installed one is usable."""
        generation = self._catalog.changes.generation()
        with self._lock:
            if self._decided is None or self._decided[0] != generation:
                self._decided = (generation, self._decide())
                self._installed.keep(self._decided[1].in_use)
            return self._decided[1]

    def choose(self, name: str) -> None:
        """Choose an installed package. It answers at once if it knows all photos in reach. Raises ClipsearchError."""
        encoder = self._installed.open(name)
        with self._lock:
            self._damaged.pop(encoder.model_id, None)
            self._decided = None
        if encoder.model_id != self.models().answering.model_id:
            self._catalog.models.set_caught_up(encoder.model_id, encoder.dim, self._knows_all(encoder))
        self._catalog.models.choose(name)

    def note_caught_up(self, encoder: Encoder, out_of_reach: Collection[int], given_up: Collection[int] = ()) -> None:
        """Record it if the model has come to know every photo but those out of reach, which are few, and given up.

        Given up are photos that no run can read; still, the model must know half of all, else little would be found.
        """
        if not self._has_caught_up(encoder) and self._knows_all(encoder, out_of_reach, given_up):
            self._catalog.models.set_caught_up(encoder.model_id, encoder.dim, True)

    def pass_over(self, encoder: Encoder, error: ClipsearchError) -> None:
        """Use the model no more, since it turned out to be damaged, until it is chosen again."""
        with self._lock:
            self._damaged[encoder.model_id] = (encoder.package.name, error)
            self._decided = None

    def _knows_all(self, encoder: Encoder, out_of_reach: Collection[int] = (), given_up: Collection[int] = ()) -> bool:
        lacking = self._catalog.embeddings.lacking(encoder.model_id)
        if not lacking:
            return True
        present = [folder.id for folder in self._catalog.folders.all() if not folder.offline]
        within_reach = self._catalog.embeddings.lacking(encoder.model_id, present).difference(out_of_reach, given_up)
        photos = self._catalog.counts(encoder.model_id).photos
        few = len(lacking.difference(given_up)) <= _LEFT_BEHIND * photos and len(lacking) <= _GIVEN_UP * photos
        return not within_reach and few

    def _decide(self) -> Models:
        name = self.name
        try:
            chosen = self._usable(name)
        except ClipsearchError as error:
            others = list(self._others())
            if not others:
                raise
            answering = self._best(others)
            return Models(answering, answering, _note(name, error, answering))
        answering = chosen if self._has_caught_up(chosen) else self._best([chosen, *self._others()])
        return Models(chosen, answering, " ".join(_note(*damage, answering) for damage in self._damaged.values()))

    def _has_caught_up(self, encoder: Encoder) -> bool:
        return any(model.caught_up and model.name == encoder.model_id for model in self._catalog.models.known())

    def _best(self, encoders: Sequence[Encoder]) -> Encoder:
        """Return the model that caught up last or, where none has, knows most photos; in doubt the first."""
        known = [
            model for model in self._catalog.models.known() if model.name in {encoder.model_id for encoder in encoders}
        ]
        if known and known[0].caught_up:
            return next(encoder for encoder in encoders if encoder.model_id == known[0].name)
        counts = {model.name: self._catalog.embeddings.count(model.name) for model in known}
        return max(encoders, key=lambda encoder: counts.get(encoder.model_id, 0))

    def _usable(self, name: str) -> Encoder:
        encoder = self._installed.open(name)
        if encoder.model_id in self._damaged:
            raise self._damaged[encoder.model_id][1]
        return encoder

    def _others(self) -> Iterator[Encoder]:
        """Yield what is usable of the installed models, the starter first."""
        for name in self._installed.names():
            try:
                yield self._usable(name)
            except ClipsearchError:  # told when it is chosen, and in the list of models
                continue


def _note(name: str, error: ClipsearchError, answering: Encoder) -> str:
    return (
        f"The model {name} cannot be used: {error.message} Install it again or choose another; "
        f"until then {answering.package.name} answers."
    )
