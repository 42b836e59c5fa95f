"""Parameter names: other programs' state dicts turned into the native one, tensor by tensor.

The native names are OpenAI's and OpenCLIP's. A rule is a pattern and its replacement; the name it gives may end in
"#n" (the n-th of the parts that are concatenated into that parameter) or in "^T" (the transpose is that parameter).
An empty name drops the tensor.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

Rules = Sequence[tuple[str, str]]
#: what training wraps around a network: DistributedDataParallel, torch.compile
WRAPPERS = ("module.", "_orig_mod.")

OPENCLIP: Rules = (  # SigLIP's image tower is timm's VisionTransformer; any text tower may stand below "text."
    (r"^text\.", ""),
    (r"^visual\.trunk\.patch_embed\.proj\.", "visual.conv1."),
    (r"^visual\.trunk\.pos_embed$", "visual.positional_embedding"),
    (r"^visual\.trunk\.blocks\.(\d+)\.norm([12])\.", r"visual.transformer.resblocks.\1.ln_\2."),
    (r"^visual\.trunk\.blocks\.(\d+)\.attn\.qkv\.", r"visual.transformer.resblocks.\1.attn.in_proj_"),
    (r"^visual\.trunk\.blocks\.(\d+)\.attn\.proj\.", r"visual.transformer.resblocks.\1.attn.out_proj."),
    (r"^visual\.trunk\.blocks\.", "visual.transformer.resblocks."),
    (r"^visual\.trunk\.norm\.", "visual.ln_post."),
    (r"^visual\.trunk\.attn_pool\.latent$", "visual.attn_pool.probe"),
    (r"^visual\.trunk\.attn_pool\.q\.(weight|bias)$", r"visual.attn_pool.attn.in_proj_\1#0"),
    (r"^visual\.trunk\.attn_pool\.kv\.(weight|bias)$", r"visual.attn_pool.attn.in_proj_\1#1"),
    (r"^visual\.trunk\.attn_pool\.proj\.", "visual.attn_pool.attn.out_proj."),
    (r"^visual\.trunk\.attn_pool\.norm\.", "visual.attn_pool.ln."),
    (r"^visual\.trunk\.attn_pool\.", "visual.attn_pool."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
)
HUGGING_FACE: Rules = (  # CLIPModel and SiglipModel
    (r"^.*\.position_ids$", ""),
    (r"^visual_projection\.weight$", "visual.proj^T"),
    (r"^text_projection\.weight$", "text_projection^T"),
    (r"^vision_model\.embeddings\.patch_embedding\.", "visual.conv1."),
    (r"^vision_model\.embeddings\.class_embedding$", "visual.class_embedding"),
    (r"^vision_model\.embeddings\.position_embedding\.weight$", "visual.positional_embedding"),
    (r"^vision_model\.pre_layrnorm\.", "visual.ln_pre."),
    (r"^vision_model\.post_layernorm\.", "visual.ln_post."),
    (r"^vision_model\.head\.attention\.", "visual.attn_pool.attn."),
    (r"^vision_model\.head\.layernorm\.", "visual.attn_pool.ln."),
    (r"^vision_model\.head\.", "visual.attn_pool."),
    (r"^vision_model\.encoder\.layers\.", "visual.transformer.resblocks."),
    (r"^text_model\.embeddings\.token_embedding\.", "token_embedding."),
    (r"^text_model\.embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^text_model\.final_layer_norm\.", "ln_final."),
    (r"^text_model\.head\.", "text_projection."),
    (r"^text_model\.encoder\.layers\.", "transformer.resblocks."),
    (r"\.self_attn\.q_proj\.(weight|bias)$", r".attn.in_proj_\1#0"),
    (r"\.self_attn\.k_proj\.(weight|bias)$", r".attn.in_proj_\1#1"),
    (r"\.self_attn\.v_proj\.(weight|bias)$", r".attn.in_proj_\1#2"),
    (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
    (r"\.layer_norm([12])\.", r".ln_\1."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
)
#: the way back; "{}" stands for q, k and v, which Hugging Face keeps apart
TO_HUGGING_FACE: Rules = (
    (r"^visual\.proj$", "visual_projection.weight^T"),
    (r"^text_projection\.", "text_model.head."),
    (r"^text_projection$", "text_projection.weight^T"),
    (r"^visual\.conv1\.", "vision_model.embeddings.patch_embedding."),
    (r"^visual\.class_embedding$", "vision_model.embeddings.class_embedding"),
    (r"^visual\.positional_embedding$", "vision_model.embeddings.position_embedding.weight"),
    (r"^visual\.ln_pre\.", "vision_model.pre_layrnorm."),
    (r"^visual\.ln_post\.", "vision_model.post_layernorm."),
    (r"^visual\.attn_pool\.attn\.", "vision_model.head.attention."),
    (r"^visual\.attn_pool\.ln\.", "vision_model.head.layernorm."),
    (r"^visual\.attn_pool\.", "vision_model.head."),
    (r"^visual\.transformer\.resblocks\.", "vision_model.encoder.layers."),
    (r"^token_embedding\.", "text_model.embeddings.token_embedding."),
    (r"^positional_embedding$", "text_model.embeddings.position_embedding.weight"),
    (r"^ln_final\.", "text_model.final_layer_norm."),
    (r"^transformer\.resblocks\.", "text_model.encoder.layers."),
    (r"\.attn\.in_proj_", ".self_attn.{}_proj."),
    (r"\.attn\.out_proj\.", ".self_attn.out_proj."),
    (r"\.ln_([12])\.", r".layer_norm\1."),
    (r"\.mlp\.c_fc\.", ".mlp.fc1."),
    (r"\.mlp\.c_proj\.", ".mlp.fc2."),
)


def native(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights under their native names; `state` is emptied on the way, so that memory is not doubled."""
    unwrap(state)
    hugging_face = any(name.startswith(("text_model.", "vision_model.")) for name in state)
    renamed = rename(state, HUGGING_FACE if hugging_face else OPENCLIP)
    for name in ("logit_scale", "logit_bias"):  # a number; some programs store a vector of one
        if name in renamed and renamed[name].numel() == 1:
            renamed[name] = renamed[name].reshape(())
    positions = renamed.get("visual.positional_embedding")
    if positions is not None and positions.ndim == 3 and len(positions) == 1:  # timm: [1, positions, width]
        renamed["visual.positional_embedding"] = positions[0]
    return renamed


def unwrap(state: dict[str, Tensor]) -> None:
    """Take off the prefixes that training leaves on every name."""
    while prefix := next((wrap for wrap in WRAPPERS if state and all(name.startswith(wrap) for name in state)), None):
        for name in list(state):
            state[name.removeprefix(prefix)] = state.pop(name)


def rename(state: dict[str, Tensor], rules: Rules) -> dict[str, Tensor]:
    """Apply the rules to every name, joining parts and transposing; `state` is emptied."""
    renamed: dict[str, Tensor] = {}
    parts: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for name in list(state):
        new, _, part = rewrite(name, rules).partition("#")
        tensor = state.pop(name)
        if part:
            parts[new][part] = tensor
        elif new.endswith("^T"):
            renamed[new.removesuffix("^T")] = tensor.T
        elif new:
            renamed[new] = tensor
    for new in list(parts):
        found = parts.pop(new)
        renamed[new] = torch.cat([found[part] for part in sorted(found)])
    return renamed


def hugging_face(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return native weights under the names of CLIPModel or SiglipModel."""
    renamed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        new = rewrite(name, TO_HUGGING_FACE)
        if "{}" in new:
            renamed |= {new.format(part): piece for part, piece in zip("qkv", tensor.chunk(3), strict=True)}
        elif new.endswith("^T"):
            renamed[new.removesuffix("^T")] = tensor.T
        else:
            renamed[new] = tensor
    return renamed


def rewrite(name: str, rules: Rules) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
