"""Help with a category: prompts for its name, and the photos whose judgement would teach it most."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from clipsearch.encode.prompts import template_sets
from clipsearch.library.categories.learning import most_useful
from clipsearch.library.categories.updating import score_all
from clipsearch.library.library import Library

_CANDIDATES = 2000
_JOINTS = re.compile(r"\s*(?:[,;/&+|]|\band\b|\bor\b)\s*", re.IGNORECASE)
_DATES = re.compile(r"\b(?:19|20)\d\d(?:[-./]\d\d?)*\b|^\d+\s+|\s+\d+$|['’]\d\d\b")
_WORD_BORDERS = re.compile(r"[_\s]+|(?<=[a-z])-(?=[a-z])|(?<=[a-z])(?=[A-Z])")
_SINGULARS = (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("sses", "ss"), ("s", ""))
_NO_PLURALS = ("ss", "us", "is", "as", "os")


def prompts_for(library: Library, name: str) -> list[str]:
    """Return what a category of this name could look for, the likeliest first; templates come on top of these.

    Years and numbers say nothing about a picture; what is listed ("cats & dogs") is looked for one by one; an English
    plural is joined by its singular, since most photos show one thing.
    """
    plain = " ".join(_WORD_BORDERS.sub(" ", _DATES.sub(" ", name)).split())
    parts = [part for part in _JOINTS.split(plain) if part]
    spoken = [part if part.isupper() else part[0].lower() + part[1:] if _is_heading(part) else part for part in parts]
    return list(dict.fromkeys(one for part in spoken for one in _forms(part))) or [name.strip()]


def to_judge(library: Library, category_id: int, count: int = 10) -> list[int]:
    """Return the photos, not judged yet, whose judgement would teach a category most. Raises ClipsearchError."""
    judged = np.array(list(library.catalog.labels.judgements(category_id)), np.int64)
    encoder, scores = library.ask(lambda encoder: score_all(library, encoder, category_id))
    if category_id not in scores:
        return []
    scored = scores[category_id].without(judged)
    unsure = np.argsort(np.abs(scored.log_odds), kind="stable")[:_CANDIDATES]
    log_odds = dict(zip(scored.ids[unsure].tolist(), scored.log_odds[unsure].tolist(), strict=True))
    parts = list(library.catalog.embeddings.of(encoder.model_id, list(log_odds)))
    ids = [photo_id for part, _ in parts for photo_id in part]
    vectors = np.concatenate([np.zeros((0, encoder.dim), np.float32), *(part for _, part in parts)])
    rows = most_useful(np.array([log_odds[photo_id] for photo_id in ids], np.float32), vectors, count)
    return [ids[row] for row in rows]


def template_names() -> list[str]:
    """Return the names of the template sets that a category may choose from."""
    return list(template_sets())


def _is_heading(part: str) -> bool:
    """Tell whether only the first letter is a capital, as of a title's first word that is no name."""
    return part[:1].isupper() and part[1:] == part[1:].lower()


def _forms(text: str) -> Iterator[str]:
    """Yield a text and, if it ends with an English plural, its singular."""
    yield text
    for ending, instead in _SINGULARS:
        if len(text) > len(ending) + 1 and text.endswith(ending) and not text.endswith(_NO_PLURALS):
            yield text[: -len(ending)] + instead
            return
