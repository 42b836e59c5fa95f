"""The training loop: a run in, weights out.

`train` makes everything a run names and hands it to `fit`, which goes step by step. Fine-tuning calls `fit` with a
learner of its own.
"""

from __future__ import annotations

import copy
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from clipsearch.encode.convert import TEXT_FORM
from clipsearch.encode.prompts import template_set
from clipsearch.errors import ClipsearchError
from clipsearch.model import CLIP
from clipsearch.model.checkpoint import save as save_model
from clipsearch.model.checkpoint.own import replace
from training.data.pairs import Batch
from training.data.texts import TOKENIZER, Texts
from training.errors import TrainingError
from training.loop import checkpoints, logs, optimiser, precision, processes, random_states, schedule
from training.loop.accumulation import backward, random_state, replayed
from training.loop.averaging import Average
from training.loop.beginning import Beginning, open_beginning
from training.loop.checkpoints import Training
from training.loop.folder import CHECKPOINTS, MODEL, RESULT, open_folder
from training.loop.processes import Processes
from training.objectives.objective import Learner
from training.run import Run

LEAST_SCALE = 2.0**-10  # fp16's scaler starts at 2^16 and halves with each step that it leaves out


class Score(Protocol):
    """What a judge says: shares of right answers."""

    @property
    def accuracy(self) -> float: ...
    @property
    def chance(self) -> float: ...


Batches = Callable[
    [int], AbstractContextManager[Iterator[Batch]]
]  # the first step -> this process's batches from it on
Judge = Callable[[Learner], Score]


@dataclass(frozen=True)
class Result:
    """How a run ended; `checkpoint` is its last one, `seconds` those of all its parts together."""

    zero_shot_accuracy: float | None
    chance: float | None
    steps: int
    seconds: float
    checkpoint: Path

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "seconds": round(self.seconds, 1), "checkpoint": str(self.checkpoint)}


def train(run: Run, out: Path, adjust: bool = False) -> Result:
    """Train what a run describes into the folder `out`, or go on where a run of the same settings has stopped there.

    To `adjust` allows some of them to be others: see `training.loop.folder.ADJUSTABLE`.

    Under torchrun every process calls it. Raises TrainingError; what was learned up to the last checkpoint is kept.
    """
    from training import card
    from training.data.batches import open_batches
    from training.evaluation.scoring import score
    from training.objectives import build

    with processes.joined(run.device) as group:
        begun = None if checkpoints.latest(out / CHECKPOINTS) else open_beginning(run)
        if group.is_first:
            _try_exam(run)
            optimiser.check(run)
            open_folder(run, out, adjust)
            _save_texts(run, out, begun)
        group.wait()
        texts = Texts.load(out)
        random_states.begin(run.seed)
        clip = CLIP(run.network)
        if begun is not None:
            begun.fill(clip)
        learner = Learner(clip, build(run, clip))
        batches = partial(open_batches, run, group.rank, group.world, texts=texts)
        result = fit(run, out, learner, batches, lambda judged: score(judged, texts, run.evaluation, group), group)
        if group.is_first:
            card.write(out)
        group.wait()
    return result


def _try_exam(run: Run) -> None:
    """Look for what accuracy is to be measured with. Raises ClipsearchError now rather than after long training."""
    from training.evaluation.folder import classes_of

    templates = template_set(run.evaluation.templates)
    if run.evaluation.classes:
        classes_of(Path(run.evaluation.classes), templates, run.evaluation.pictures)


def _save_texts(run: Run, out: Path, begun: Beginning | None) -> None:
    """Settle how texts become tokens, before anything is learned from them; text.json is the last to appear."""
    from training.data.batches import run_texts

    if not (out / TEXT_FORM).exists():
        texts = (begun.texts() if begun is not None else None) or run_texts(run)
        with tempfile.TemporaryDirectory(prefix=".texts.", dir=out) as work:
            texts.save(Path(work))
            for name in (TOKENIZER, TEXT_FORM):
                (Path(work) / name).replace(out / name)


def fit(
    run: Run,
    out: Path,
    learner: Learner,
    batches: Batches,
    judge: Judge | None = None,
    group: Processes | None = None,
    rates: optimiser.Rates | None = None,
) -> Result:
    """Train a learner, step by step, into the run's folder, which is there already.

    `judge` measures it now and then, `rates` lets parameters learn at different rates. At the end `model/` holds the
    weights (their average where the run keeps one), `result.json` the result.

    A measurement that fails on the way is told, and training goes on; at the very end it is raised, when the weights
    are written: the same run, started again, then only measures.

    Raises TrainingError where the loss or a gradient is not finite; the checkpoints before it stay. An interrupt says
    from which of them the run will go on.
    """
    group = group or Processes()
    learner.to(group.device)
    judged = _judged(run, learner, group)
    if run.optimiser.half_text_tower:
        optimiser.halve_text_tower(learner.clip)
    precision.prepare_blocks(learner, run.loop)
    parallel = processes.spread(learner, run, group)
    training = Training(
        learner=learner,
        optimiser=optimiser.make(run, learner, rates),
        scaler=precision.scaler(run.loop, group.device),
        average=Average(learner, run.loop.ema) if run.loop.ema else None,
    )
    random_states.begin(run.seed + 1_000_003 * (group.rank + 1))
    _go_on(training, out, group)
    going = _Fit(run, out, training, parallel, batches, judge, judged, group)
    try:
        with precision.compiling(run.loop):
            return going.run_through()
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(going.stopped()) from stop


def _judged(run: Run, learner: Learner, group: Processes) -> Learner:
    """Return a learner to be judged: the one that learns, or a copy where other weights are to be put in."""
    is_divided = group.world > 1 and run.loop.parallel == "fsdp"
    return copy.deepcopy(learner) if is_divided or run.loop.ema else learner


def _go_on(training: Training, out: Path, group: Processes) -> None:
    """Bring back the latest checkpoint, if there is one."""
    folder = out / CHECKPOINTS
    if group.is_first:
        checkpoints.clear(folder)
    group.wait()
    if path := checkpoints.latest(folder):
        checkpoints.load(path, training, group)


class _Fit:
    """A run while it goes."""

    def __init__(
        self,
        run: Run,
        out: Path,
        training: Training,
        parallel: nn.Module,
        batches: Batches,
        judge: Judge | None,
        judged: Learner,
        group: Processes,
    ) -> None:
        self.run, self.out, self.group = run, out, group
        self.training, self.parallel, self.batches = training, parallel, batches
        self.judge, self.judged = judge, judged
        self.score: Score | None = None
        self.saved: Path | None = None

    def run_through(self) -> Result:
        """Make all steps that are left, then write what came out."""
        counts, loop, first = self.training.counts, self.run.loop, self.training.counts.step
        before, began = counts.seconds, time.monotonic()

        def spent() -> float:
            return before + time.monotonic() - began

        self.training.learner.train()
        with logs.Log(self.out, loop.steps, first, self.group.rank) as log:
            if 0 < first < loop.steps and _due(first - 1, self.run.evaluation.every):
                self.measure_on_the_way(log)  # it may have been stopped between the checkpoint and this
            pace = _Pace()
            with self.batches(first) as source:
                for step in range(first, loop.steps):
                    batch = pace.waiting(source)
                    log.bad(step + 1, batch)
                    row = self.step(step, batch)
                    counts.seconds = spent()
                    pace.count(loop.batch_size)
                    is_last = step + 1 == loop.steps
                    is_measured = self.judge is not None and _due(step, self.run.evaluation.every)
                    if is_last or is_measured or _due(step, loop.log_every):
                        log.row(
                            {"step": step + 1, "pairs": counts.pairs, "seconds": counts.seconds} | row | pace.told()
                        )
                    log.advance(step + 1, {"loss": row["loss"]} | counts.best)
                    if is_last or _due(step, loop.checkpoint_every):
                        self.saved = self.save()
                        log.draw()
                    if is_measured and not is_last:
                        self.measure_on_the_way(log)
                        counts.seconds = spent()
            return self.finish(log)

    def stopped(self) -> str:
        """Say where a run that is interrupted stands, and how it goes on."""
        kept = checkpoints.latest(self.out / CHECKPOINTS)
        on = f"goes on from the checkpoint of step {checkpoints.step_of(kept)}" if kept else "begins anew"
        return f"Stopped at step {self.training.counts.step}; the same command {on}."

    def step(self, step: int, batch: Batch) -> logs.Row:
        """Make one step; return its numbers, which are those of all processes together."""
        training, group, learner = self.training, self.group, self.training.learner
        rate = schedule.set_rate(training.optimiser, self.run, step)
        losses = backward(
            self.parallel,
            batch.to(group.device),
            self.run.loop.micro_batch_size,
            processes=group,
            precision=partial(precision.autocast, self.run.loop.precision, group.device),
            scale=training.scaler.scale,
        )
        processes.average_undivided(learner, group)
        processes.average_statistics(learner, group)
        training.scaler.unscale_(training.optimiser)
        norm = processes.gradient_norm(learner, group)
        numbers = self.numbers(losses, norm, batch)
        is_finite = self.check(step, numbers)
        if self.run.optimiser.clip_norm is not None:
            processes.clip_gradients(learner, numbers["gradient_norm"], self.run.optimiser.clip_norm)
        training.scaler.step(training.optimiser)
        training.scaler.update()
        training.optimiser.zero_grad(set_to_none=True)
        learner.after_step()
        if training.average is not None and is_finite:
            training.average.update(learner)
        training.counts.step = step + 1
        training.counts.pairs += self.run.loop.batch_size
        training.counts.skipped += not is_finite
        training.counts.bad_pairs += int(numbers.pop("bad"))
        told = {"bad_pairs": training.counts.bad_pairs, "skipped": training.counts.skipped}
        return {logs.RATE: rate} | numbers | told

    def numbers(self, losses: dict[str, Tensor], norm: Tensor, batch: Batch) -> logs.Row:
        """Bring a step's numbers to this side in one go, the only time in a step that it waits for the device.

        They are the means of the losses, their sum, the gradients' norm, and what cosines were multiplied with.
        """
        bad = torch.full((), float(len(batch.bad)), device=self.group.device)
        mine = torch.stack([*(loss.float() for loss in losses.values()), bad])
        ours = torch.stack([norm, self.training.learner.clip.logit_scale.detach().float().exp()])
        *means, bad_pairs, length, scale = torch.cat([self.group.sum(mine), ours]).tolist()
        means = [value / self.group.world for value in means]
        parts = {f"loss_{name}": value for name, value in zip(losses, means, strict=True)} if len(means) > 1 else {}
        return {"loss": sum(means)} | parts | {"gradient_norm": length, logs.SCALE: scale, "bad": bad_pairs}

    def check(self, step: int, numbers: logs.Row) -> bool:
        """Say whether a step's gradients are finite. Raises TrainingError where training must not go on."""
        is_finite = math.isfinite(numbers["gradient_norm"])
        if math.isfinite(numbers["loss"]) and (is_finite or self.is_scaling()):
            return is_finite
        what = f"loss is {numbers['loss']}" if not math.isfinite(numbers["loss"]) else "gradient is not finite"
        raise TrainingError(f"The {what} at step {step + 1}; {self.way_on()}")

    def way_on(self) -> str:
        """Say what may help, and how to go on with it; a checkpoint no step was made from is not called good."""
        there, steps = checkpoints.found(self.out / CHECKPOINTS), self.training.counts.step
        good = next(
            (path for path in there if checkpoints.step_of(path) < steps and not checkpoints.damage(path)), None
        )
        told = f"the last good checkpoint is {good}" if good else "no good checkpoint yet"
        on = (
            f"goes on from there, and a new run begins with its weights by start.path={good}" if good else "begins anew"
        )
        spoiled = [path for path in there if checkpoints.step_of(path) == steps]
        first = f" First move {spoiled[0]} away, with whose weights it happened." if spoiled else ""
        return (
            f"{told}. A lower learning rate, a longer warm-up, clip_norm = 1.0 or precision “bf16” may help: "
            f"with one of them set, --adjust {on}.{first}"
        )

    def is_scaling(self) -> bool:
        """Say whether fp16's scaler may yet find a scale at which gradients are finite."""
        scaler = self.training.scaler
        return scaler.is_enabled() and scaler.get_scale() > LEAST_SCALE

    def measure_on_the_way(self, log: logs.Log) -> None:
        """Measure, but let training go on where that cannot be done."""
        try:
            self.measure(log)
        except (ClipsearchError, OSError) as error:
            told = error.message if isinstance(error, ClipsearchError) else str(error)
            log.warn(f"Accuracy after step {self.training.counts.step} is not known: {told}")

    def measure(self, log: logs.Log) -> None:
        """Measure the weights to use, note it, and remember the best."""
        if self.judge is None:
            return
        with torch.no_grad(), replayed(random_state()):
            if self.judged is not self.training.learner:
                self.judged.load_state_dict(checkpoints.weights(self.training))
            self.score = self.judge(self.judged)
        counts, accuracy = self.training.counts, self.score.accuracy
        if accuracy > counts.best.get(logs.ACCURACY, -1.0):
            counts.best[logs.ACCURACY], counts.best_step[logs.ACCURACY] = accuracy, counts.step
        log.add({"step": counts.step, logs.ACCURACY: accuracy})

    def save(self) -> Path:
        """Write a checkpoint, unless a weight in it would not be finite."""
        weights = [weight for weight in self.training.learner.state_dict().values() if weight.is_floating_point()]
        bad = sum((~torch.isfinite(processes.local(weight))).any().float() for weight in weights)
        if self.group.sum(torch.as_tensor(bad, device=self.group.device)) > 0:
            raise TrainingError(f"A weight is not finite after step {self.training.counts.step}; {self.way_on()}")
        return checkpoints.save(self.out / CHECKPOINTS, self.training, self.group, self.run.loop.checkpoints_kept)

    def finish(self, log: logs.Log) -> Result:
        """Write the final model, measure it and write the result."""
        path = self.saved or checkpoints.latest(self.out / CHECKPOINTS) or self.save()
        weights = checkpoints.weights(self.training)
        if self.group.is_first:
            with torch.device("meta"):
                final = CLIP(self.training.learner.clip.config)
            final.load_state_dict(checkpoints.belonging(weights, checkpoints.CLIP), assign=True)
            save_model(final, self.out / MODEL)
        began, counts = time.monotonic(), self.training.counts
        self.measure(log)
        counts.seconds += time.monotonic() - began
        accuracy, chance = (self.score.accuracy, self.score.chance) if self.score else (None, None)
        result = Result(accuracy, chance, counts.step, counts.seconds, path)
        if self.group.is_first:
            text = json.dumps(result.to_json(), indent=2) + "\n"
            try:
                replace(self.out / RESULT, lambda file: file.write_text(text, "utf-8"))
            except OSError as error:
                raise TrainingError(f"The result cannot be written to {self.out} ({error}).") from error
            log.draw(is_last=True)
        return result


def _due(step: int, every: int) -> bool:
    return every > 0 and (step + 1) % every == 0


class _Pace:
    """How many pairs a second, and how much of the time went by waiting for them, since it was last told."""

    def __init__(self) -> None:
        self.began, self.waited, self.pairs = time.monotonic(), 0.0, 0

    def waiting(self, source: Iterator[Batch]) -> Batch:
        """Take the next batch."""
        began = time.monotonic()
        batch = next(source)
        self.waited += time.monotonic() - began
        return batch

    def count(self, pairs: int) -> None:
        """Count what was computed."""
        self.pairs += pairs

    def told(self) -> logs.Row:
        """Return the numbers, and begin anew."""
        seconds = max(1e-9, time.monotonic() - self.began)
        numbers = {"pairs_per_second": self.pairs / seconds, "waiting": self.waited / seconds}
        self.began, self.waited, self.pairs = time.monotonic(), 0.0, 0
        return numbers
