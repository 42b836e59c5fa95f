"""Models of Hugging Face's transformers, saved and read back here, answer within 1e-5, and so does the way back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from clipsearch.errors import CheckpointError
from clipsearch.model import CLIP, load
from clipsearch.model.checkpoint.export import save_hugging_face
from clipsearch.model.configs import CONFIGS, CLIPConfig
from tests.model.checkpoint_files import same
from tests.model.tiny import BAG_OF_WORDS, CLIP_RESNET, CLIP_VIT, SIGLIP, pixels, random_clip, texts

TEXT = {
    "hidden_size": 48,
    "intermediate_size": 100,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 16,
    "vocab_size": 120,
}
VISION = {
    "hidden_size": 64,
    "intermediate_size": 130,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 42,
    "patch_size": 10,
}


def clip_model(activation: str = "quick_gelu", end: int = 119, **more: Any) -> Any:
    from transformers import CLIPConfig, CLIPModel

    text = {**TEXT, "hidden_act": activation, "eos_token_id": end, "bos_token_id": 1, "pad_token_id": 0}
    vision = {**VISION, "hidden_act": activation}
    return randomised(CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=40, **more)))


def siglip_model(activation: str = "gelu_pytorch_tanh", image_size: int = 42) -> Any:
    from transformers import SiglipConfig, SiglipModel

    same_width = {**TEXT, "hidden_size": 64, "hidden_act": activation}
    text = {**same_width, "eos_token_id": 1, "bos_token_id": 1, "pad_token_id": 1}
    vision = {**VISION, "hidden_act": activation, "image_size": image_size}
    return randomised(SiglipModel(SiglipConfig(text_config=text, vision_config=vision)))


def randomised(model: Any) -> Any:
    """Make every number random, the logits' scale and bias too."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise * 0.15 + (1 if "norm" in name and name.endswith("weight") else 0))
        model.logit_scale.fill_(2.0)
    return model.eval()


def inputs(model: Any) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    size = model.config.vision_config.image_size
    pixels = torch.randn(3, 3, size, size, generator=generator)
    tokens = torch.randint(2, 118, (4, 16), generator=generator)
    tokens[0, 5], tokens[0, 6:] = 119, 0
    tokens[1, 15] = 119
    tokens[2, 3:] = 119  # padded with the end token, as CLIPTokenizer does
    tokens[3, 9] = 119
    return pixels, tokens


@torch.no_grad()
def assert_parity(theirs: Any, ours: CLIP) -> None:
    pixels, tokens = inputs(theirs)
    images = theirs.get_image_features(pixel_values=pixels).pooler_output
    texts = theirs.get_text_features(input_ids=tokens).pooler_output
    torch.testing.assert_close(ours.encode_image(pixels), images, rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.encode_text(tokens), texts, rtol=0, atol=1e-5)
    logits = theirs(pixel_values=pixels, input_ids=tokens).logits_per_image
    torch.testing.assert_close(ours(pixels, tokens), logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu", "gelu_pytorch_tanh"])
def test_clip_folders(activation: str, tmp_path: Path) -> None:
    model = clip_model(activation)
    model.save_pretrained(tmp_path)
    ours = load(tmp_path)
    assert ours.config.activation == activation.replace("_pytorch", "")
    assert_parity(model, ours)


@pytest.mark.parametrize("activation", ["gelu_pytorch_tanh", "gelu"])
@pytest.mark.parametrize("image_size", [40, 42], ids=["whole patches", "a cut edge"])
def test_siglip_folders(activation: str, image_size: int, tmp_path: Path) -> None:
    model = siglip_model(activation, image_size)
    model.save_pretrained(tmp_path)
    ours = load(tmp_path)
    assert (ours.config.vision.pool, ours.config.resize, ours.config.mean) == ("attention", "squash", (0.5, 0.5, 0.5))
    assert_parity(model, ours)


def test_the_activations_are_told_apart(tmp_path: Path) -> None:
    """The parity above means something only where the wrong activation would break it."""
    clip_model("gelu").save_pretrained(tmp_path)
    with pytest.raises(AssertionError):
        assert_parity(clip_model("quick_gelu"), load(tmp_path))


def test_half_precision_is_read_in_full(tmp_path: Path) -> None:
    model = clip_model().half()
    model.save_pretrained(tmp_path)
    assert_parity(model.float(), load(tmp_path))


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_file_of_the_folder_stands_for_it(file: str, tmp_path: Path) -> None:
    model = clip_model()
    model.save_pretrained(tmp_path)
    if file == "config.json":
        with pytest.raises(CheckpointError, match="not a file of model weights"):
            load(tmp_path / file)
    else:
        assert_parity(model, load(tmp_path / file))


def test_old_folders_hold_a_pickle_and_positions(tmp_path: Path) -> None:
    model = clip_model()
    model.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    state = {**model.state_dict(), "text_model.embeddings.position_ids": torch.arange(16)[None]}
    torch.save(state, tmp_path / "pytorch_model.bin")
    assert_parity(model, load(tmp_path))


def test_sharded_folders(tmp_path: Path) -> None:
    model = clip_model()
    model.save_pretrained(tmp_path, max_shard_size="100KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    assert_parity(model, load(tmp_path))
    assert_parity(model, load(tmp_path / "model.safetensors.index.json"))
    next(tmp_path.glob("model-00002*")).unlink()
    with pytest.raises(CheckpointError, match=r"model-00002.* is missing"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["../secret.safetensors", "/etc/passwd", "a/b.safetensors", "..\\secret", ".."])
def test_shards_lie_beside_their_index(name: str, tmp_path: Path) -> None:
    clip_model().save_pretrained(tmp_path, max_shard_size="100KB")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"logit_scale": name}}), "utf-8")
    with pytest.raises(CheckpointError, match="outside its folder"):
        load(tmp_path)


def test_bare_weights_under_hugging_faces_names_need_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = clip_model("gelu")
    model.save_pretrained(tmp_path / "folder")
    monkeypatch.setitem(CONFIGS, "tiny", load(tmp_path / "folder").config)
    torch.save(model.state_dict(), tmp_path / "weights.bin")
    assert_parity(model, load(tmp_path / "weights.bin", "tiny"))


# --- config.json ----------------------------------------------------------------------------------------------------


def edit(folder: Path, change: Any, file: str = "config.json") -> None:
    values = json.loads((folder / file).read_text("utf-8"))
    change(values)
    (folder / file).write_text(json.dumps(values), "utf-8")


def test_the_legacy_end_token_means_the_largest(tmp_path: Path) -> None:
    model = clip_model(end=2)
    model.save_pretrained(tmp_path)
    assert_parity(model, load(tmp_path))


def test_an_end_token_that_is_not_the_largest_is_refused(tmp_path: Path) -> None:
    clip_model(end=100).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="end with token 100"):
        load(tmp_path)


def test_values_left_out_are_the_defaults(tmp_path: Path) -> None:
    """Google's own files leave out most of what is as in SiglipConfig."""
    model = siglip_model()
    model.save_pretrained(tmp_path)
    defaults = {"hidden_act", "layer_norm_eps", "vision_use_head", "num_channels"}
    edit(
        tmp_path,
        lambda values: [values[f"{tower}_config"].pop(key, None) for key in defaults for tower in ("text", "vision")],
    )
    assert_parity(model, load(tmp_path))


def test_old_files_repeat_their_towers(tmp_path: Path) -> None:
    model = clip_model("gelu")
    model.save_pretrained(tmp_path)

    def repeat(values: Any) -> None:
        for tower in ("text_config", "vision_config"):
            values[f"{tower}_dict"] = dict(values[tower])
            values[tower]["hidden_act"] = "relu"

    edit(tmp_path, repeat)
    assert_parity(model, load(tmp_path))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda values: values.update(model_type="siglip2"), "siglip2"),
        (lambda values: values.update(model_type="bert"), "bert"),
        (lambda values: values.pop("model_type"), "None"),
        (lambda values: values["text_config"].update(hidden_act="relu"), "relu"),
        (lambda values: values["text_config"].update(layer_norm_eps=1e-3), "normalise differently"),
        (lambda values: values["vision_config"].update(image_size=[42, 52]), "not square"),
        (lambda values: values["vision_config"].update(num_hidden_layers=5), "2 image layers of width 64; .* 5 image"),
        (lambda values: values["text_config"].update(vocab_size=60), "vocabulary of 120"),
        (lambda values: values["vision_config"].update(image_size="large"), "describes no model"),
        (lambda values: values.update(text_config=[1]), "describes no model"),
    ],
)
def test_a_configuration_that_does_not_fit_is_named(change: Any, reason: str, tmp_path: Path) -> None:
    clip_model().save_pretrained(tmp_path)
    edit(tmp_path, change)
    with pytest.raises(CheckpointError, match=reason) as caught:
        load(tmp_path)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        (
            {"size": {"shortest_edge": 42}, "crop_size": {"height": 42, "width": 42}, "resample": 3},
            ("shortest", "bicubic"),
        ),
        ({"size": 42, "crop_size": 42, "resample": 2}, ("shortest", "bilinear")),
        ({"size": {"height": 42, "width": 42}, "resample": 2}, ("squash", "bilinear")),
        ({}, ("shortest", "bicubic")),
    ],
)
@pytest.mark.parametrize("file", ["preprocessor_config.json", "processor_config.json"])
def test_pictures_are_prepared_as_their_file_says(pictures: Any, expected: Any, file: str, tmp_path: Path) -> None:
    clip_model().save_pretrained(tmp_path)
    pictures = {**pictures, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.7, 0.8, 0.9]}
    content = pictures if file.startswith("pre") else {"image_processor": pictures}
    (tmp_path / file).write_text(json.dumps(content), "utf-8")
    config = load(tmp_path).config
    assert (config.resize, config.interpolation) == expected
    assert (config.mean, config.std) == ((0.1, 0.2, 0.3), (0.7, 0.8, 0.9))


def test_pictures_of_another_size_than_the_models_are_refused(tmp_path: Path) -> None:
    clip_model().save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"size": {"shortest_edge": 64}}), "utf-8")
    with pytest.raises(CheckpointError, match="resized to 64 pixels, but used at 42"):
        load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.pop("visual_projection.weight"),
        lambda state: state.pop("text_model.encoder.layers.1.self_attn.k_proj.bias"),
    ],
)
def test_a_missing_tensor_is_noticed(change: Any, tmp_path: Path) -> None:
    model = clip_model()
    model.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    state = model.state_dict()
    change(state)
    torch.save(state, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError):
        load(tmp_path)


# --- the way back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [CLIP_VIT, SIGLIP], ids=lambda config: config.name)
@pytest.mark.parametrize("activation", ["gelu", "quick_gelu", "gelu_tanh"])
def test_transformers_opens_what_is_exported(config: CLIPConfig, activation: Any, tmp_path: Path) -> None:
    from transformers import AutoImageProcessor, AutoModel

    ours = random_clip(config.with_activation(activation))
    save_hugging_face(ours, tmp_path)
    theirs, report = AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    picture, tokens = pixels(config), texts(context=config.text.context_length)
    with torch.no_grad():
        images = theirs.eval().get_image_features(pixel_values=picture).pooler_output
        words = theirs.get_text_features(input_ids=tokens).pooler_output
        logits = theirs(pixel_values=picture, input_ids=tokens).logits_per_image
        torch.testing.assert_close(ours.encode_image(picture), images, rtol=0, atol=1e-5)
        torch.testing.assert_close(ours.encode_text(tokens), words, rtol=0, atol=1e-5)
        torch.testing.assert_close(ours(picture, tokens), logits, rtol=0, atol=1e-5)
    processor = AutoImageProcessor.from_pretrained(tmp_path)
    assert list(processor.image_mean) == list(config.mean)


@pytest.mark.parametrize("config", [CLIP_VIT, SIGLIP], ids=lambda config: config.name)
def test_what_is_exported_is_read_again(config: CLIPConfig, tmp_path: Path) -> None:
    config = replace(config, name=tmp_path.name, resize="squash", interpolation="bilinear", mean=(0.1, 0.2, 0.3))
    ours = random_clip(config)
    save_hugging_face(ours, tmp_path)
    again = load(tmp_path)
    starts = {"logit_scale_init": config.logit_scale_init, "logit_bias_init": config.logit_bias_init}
    assert replace(again.config, **starts) == config
    assert same(again.state_dict(), ours.state_dict())


@pytest.mark.parametrize(
    "config",
    [CLIP_RESNET, BAG_OF_WORDS, replace(CLIP_VIT, logit_bias_init=-10.0)],
    ids=["resnet", "bag of words", "with a bias"],
)
def test_what_transformers_does_not_have_is_refused(config: CLIPConfig, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no architecture like"):
        save_hugging_face(random_clip(config), tmp_path)
    assert list(tmp_path.iterdir()) == []
