"""A run's table `objective` -> what is learned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from torch import Tensor

from clipsearch.model import CLIP
from clipsearch.model.vision import VisionTransformer
from training.objectives.bag_of_words_prediction import BagOfWordsPrediction
from training.objectives.captioning import Captioning
from training.objectives.composite import Composite
from training.objectives.contrastive import Contrastive
from training.objectives.language_model import LanguageModel
from training.objectives.n_grams import count
from training.objectives.objective import Objective, freeze
from training.objectives.pseudo_labels import PseudoLabels
from training.objectives.self_supervision import SelfSupervision
from training.objectives.sigmoid import Sigmoid
from training.objectives.visual_n_grams import VisualNGrams
from training.run import Run, check

ORDER = 5  # words of the longest n-grams (Li et al. 2017)
TEXTS_AT_ONCE = 1024


def build(run: Run, clip: CLIP, texts: Iterable[Tensor] | None = None) -> Objective:
    """Make what a run learns, and prepare the model for it: what is locked or not used at all is frozen.

    The model must have its first weights already, as pseudo-labels begin with a copy of them. `texts`, tokens int64
    [n, l], are those in which n-grams are counted; None: some of the run's own, the same in every
    process. Raises TrainingError for a run that `training.run.check` refuses.
    """
    check(run)
    first = _first(run, clip, texts)
    further = _further(run, clip)
    objective = Composite([(first, 1.0), *further]) if further else first
    if run.objective.locked_image_tower:
        freeze(clip.visual)
    if isinstance(clip.visual, VisionTransformer):
        clip.visual.patch_dropout = run.objective.patch_dropout
    if not objective.reads_texts:
        freeze(clip.text)
        clip.logit_scale.requires_grad_(False)
    return objective


def _first(run: Run, clip: CLIP, texts: Iterable[Tensor] | None) -> Objective:
    match run.objective.kind:
        case "contrastive":
            return Contrastive()
        case "sigmoid":
            return Sigmoid()
        case "pseudo-labels":
            return PseudoLabels(clip, run.optimiser.warmup_steps)
        case "language-model":
            return LanguageModel(clip.config)
        case "bag-of-words-prediction":
            return BagOfWordsPrediction(clip.config)
    counted = _texts(run) if texts is None else texts
    return VisualNGrams(clip.config, count(counted, clip.config.text.vocab_size, ORDER, run.objective.ngrams))


def _further(run: Run, clip: CLIP) -> list[tuple[Objective, float]]:
    parts: list[tuple[Objective, float]] = []
    if run.objective.captioning:
        parts.append((Captioning(clip.config), run.objective.captioning))
    if run.objective.self_supervision:
        parts.append((SelfSupervision(clip.config), run.objective.self_supervision))
    return parts


def _texts(run: Run) -> Iterator[Tensor]:
    """Yield tokens of texts from all over the run's source."""
    from training.data.batches import run_texts
    from training.data.sources.opening import some_texts

    tokens, texts = run_texts(run), some_texts(run)
    while some := list(islice(texts, TEXTS_AT_ONCE)):
        yield tokens(some)
