"""Folders as training leaves them: tiny random models, a tokenizer of whole words, a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from clipsearch.model import CLIP, CLIPConfig
from clipsearch.model.checkpoint import save
from clipsearch.model.configs import TextConfig, VisionConfig
from tests.encode.tiny_packages import random_model
from training import run as runs
from training.data.texts import Texts

WORDS = ["a", "photo", "of", "dog", "cat", "red", "green", "blue", "yellow", "square", "circle", "and", "the", "."]
CONTEXT, VOCABULARY = 12, 32
TEXT = TextConfig(context_length=CONTEXT, vocab_size=VOCABULARY, width=32, heads=2, layers=2)
VIT = CLIPConfig("tiny", 32, VisionConfig("vit", 32, width=48, layers=2, heads=2, patch_size=8), TEXT)
RESNET = replace(
    VIT, vision=VisionConfig("resnet", 32, width=8, layers=(1, 1, 1, 1), heads=4, class_token=False, pre_norm=False)
)
BAG = replace(VIT, text=replace(TEXT, kind="bag-of-words"))
EOT = VOCABULARY - 1


def run_of(config: CLIPConfig, kind: str = "contrastive") -> runs.Run:
    """Describe a run of scenes that trains this architecture."""
    return runs.Run(
        name="tiny run",
        model=config.to_json(),
        data=runs.Data(kind="scenes", workers=0),
        text=runs.Text(
            tokenizer="learned", vocabulary=config.text.vocab_size, context_length=config.text.context_length
        ),
        objective=runs.Objective(kind=kind),  # type: ignore[arg-type]
        optimiser=runs.Optimiser(learning_rate=1e-3),
        loop=runs.Loop(steps=20, batch_size=8),
        evaluation=runs.Evaluation(pictures=8),
    )


def write_run(folder: Path, config: CLIPConfig = VIT, kind: str = "contrastive", model: CLIP | None = None) -> Path:
    """Lay out a finished run."""
    folder.mkdir(parents=True, exist_ok=True)
    Texts.of(run_of(config, kind), [" ".join(WORDS)]).save(folder)
    runs.write(run_of(config, kind), folder / "run.toml")
    save(model or random_model(config), folder / "model")
    return folder


def colours(folder: Path, names: tuple[str, ...] = ("red", "green", "blue"), count: int = 6) -> Path:
    """Paint pictures of noisy colours into a folder for each class."""
    from PIL import Image

    shades = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200), "yellow": (200, 200, 30)}
    generator = torch.Generator().manual_seed(3)
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            noise = torch.randint(-25, 26, (40, 40, 3), generator=generator)
            pixels = (torch.tensor(shades[name]) + noise).clamp(0, 255).to(torch.uint8).numpy()
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder
