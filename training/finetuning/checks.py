"""What would make tuning collapse or its numbers meaningless: refused, or told as a warning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from training.errors import TrainingError
from training.finetuning.pictures import Files, Pictures
from training.finetuning.towers import Words
from training.finetuning.tuning import Epoch
from training.finetuning.uncertainty import standard_error

LEAST_A_CLASS, FEW_A_CLASS = 2, 4  # in the paper (section 3.1.5) four examples a class only equal zero-shot
LEAST_BATCH, SMALL_BATCH = 8, 64
FEW_RETAINED = 50
LEAST_FALL = 0.05  # of the loss, from the first epoch to the last
LEAST_GAIN = 0.05  # of accuracy on the validation pictures


def check_classes(files: Files) -> list[str]:
    """Check a set of classes to learn; returns warnings. Raises TrainingError with what to change."""
    check_names(files)
    if len(files.texts) < 2:
        raise TrainingError(f"There is one class only, “{files.texts[0]}”; tuning needs at least two to tell apart.")
    counts = Counter(files.labels)
    if lacking := _named(files, counts, LEAST_A_CLASS):
        raise TrainingError(
            f"Too few pictures of {lacking}: each class needs at least {LEAST_A_CLASS}, one to learn from and one to "
            "choose by."
        )
    if few := _named(files, counts, FEW_A_CLASS):
        return [f"Few pictures of {few}: with less than {FEW_A_CLASS} a class tuning is often worse than zero-shot."]
    return []


def check_names(files: Files) -> None:
    """Raise TrainingError if two classes have the same name, letter case aside: no text could tell them apart."""
    names = Counter(name.casefold() for name in files.texts)
    if same := [name for name in files.texts if names[name.casefold()] > 1]:
        raise TrainingError(f"Two classes are called the same (“{same[0]}” and “{same[1]}”); merge or rename them.")


def check_told_apart(texts: Words) -> None:
    """Raise TrainingError if the tokenizer makes the same of two classes, as one with few words does."""
    seen: dict[bytes, str] = {}
    for name, tokens in zip(texts.names, texts.tokens, strict=True):
        other = seen.setdefault(tokens.numpy().tobytes(), name)
        if other != name:
            raise TrainingError(
                f"The model reads “{other}” and “{name}” alike, since it does not know their words; rename these "
                "classes, or take a model with a larger vocabulary."
            )


def check_pairs(count: int, batch_size: int) -> list[str]:
    """Check that the contrastive objective has enough pairs to compare: returns warnings. Raises TrainingError.

    Each pair is told apart from the others of its batch only, so that a batch of n teaches at most log n.
    """
    size = min(count, batch_size)
    if size < LEAST_BATCH:
        raise TrainingError(
            f"A batch of {size} pairs is too small for the contrastive objective, which compares each pair with the "
            f"others of its batch: it takes at least {LEAST_BATCH}. Give more pairs, a larger batch, or classes."
        )
    if size < SMALL_BATCH:
        return [
            f"A batch of {size} pairs is small for the contrastive objective: what is learned from {SMALL_BATCH} or "
            "more at once keeps better what the model knew."
        ]
    return []


def check_retention(reported: int) -> list[str]:
    """Return a warning where too few pictures are left to report on what was forgotten."""
    if reported >= FEW_RETAINED:
        return []
    points = 100 * standard_error(0.5, reported)
    return [
        f"What is forgotten is reported on only {reported} pictures, so that its standard error is up to {points:.0f} "
        f"points; give at least {2 * FEW_RETAINED} retention pictures, of which half are reported on."
    ]


def check_copies(train: Pictures, others: Mapping[str, Pictures]) -> list[str]:
    """Return a warning where pictures to learn from are, the same to the last pixel, among others too."""
    learned = set(_bytes(train))
    copies = {name: sum(one in learned for one in _bytes(pictures)) for name, pictures in others.items()}
    return [
        f"{count:,} of the {len(others[name]):,} {name} pictures are copies of some to learn from, which flatters the "
        "result; keep one of each."
        for name, count in copies.items()
        if count
    ]


def check_learned(method: str, rate: float, epochs: Sequence[Epoch]) -> list[str]:
    """Return a warning where a method was hardly able to learn: its rate is too low for the model."""
    losses = [epoch.loss for epoch in epochs if epoch.loss is not None]
    best, start = max(epoch.validation for epoch in epochs), epochs[0].validation
    if len(losses) < 2 or best == 1 or best > start + LEAST_GAIN or any(epoch.rolled_back for epoch in epochs):
        return []
    if losses[-1] < (1 - LEAST_FALL) * losses[0]:
        return []
    return [
        f"{method} learned next to nothing: from the first epoch to the last its loss went from {losses[0]:.3f} to "
        f"{losses[-1]:.3f}. The rate {rate:g} may be too low for this model or these epochs; try --rate "
        f"{method}={10 * rate:g}."
    ]


def _bytes(pictures: Pictures) -> list[bytes]:
    return [square.numpy().tobytes() for square in pictures.squares]


def _named(files: Files, counts: Counter[int], least: int) -> str:
    """Name the classes with less than `least` pictures, the first few of them."""
    lacking: Sequence[str] = [name for label, name in enumerate(files.texts) if counts[label] < least]
    shown = ", ".join(f"“{name}”" for name in lacking[:3])
    return f"{shown} and {len(lacking) - 3} more" if len(lacking) > 3 else shown
