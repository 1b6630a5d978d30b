"""A LLaVA from parts: a vision tower, a new connector and a language model, written as a standard checkpoint."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import AddedToken
from torch import nn
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    CLIPVisionModel,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

from llava_vsd.errors import CheckpointError, UsageError
from llava_vsd.folders import refuse_filled, writing_folder
from llava_vsd.model.families import PARTS, Part, parameters_of
from llava_vsd.model.language import SMALL, Language, read_language
from llava_vsd.model.load import DTYPES, read_checkpoint
from llava_vsd.model.merge import write_checkpoint

CLIP_TINY = "clip-tiny"
IMAGE = "<image>"

# 6 to 7 million parameters: beside the language model, a step of training costs little in it.
_TINY: dict[str, Any] = {
    "hidden_size": 256,
    "intermediate_size": 1024,
    "num_hidden_layers": 8,
    "num_attention_heads": 4,
    "hidden_act": "gelu",
}

# Kinds of vision tower, by the model type of their configuration: how many tokens stand before the patches, which the
# strategy "default" drops.
_CLASS_TOKENS: dict[str, int] = {"clip_vision_model": 1, "siglip_vision_model": 0}

# Goes before the language model's own chat template, which reads texts alone: a list of pictures and texts becomes one
# text with the pictures first.
_FLATTEN = (
    "{%- set plain = namespace(messages=[]) -%}"
    "{%- for message in messages -%}"
    "{%- if message['content'] is string -%}"
    "{%- set text = message['content'] -%}"
    "{%- else -%}"
    "{%- set images = message['content'] | selectattr('type', 'equalto', 'image') | list -%}"
    "{%- set texts = message['content'] | selectattr('type', 'equalto', 'text') | map(attribute='text') -%}"
    "{%- set text = '<image>\n' * (images | length) + (texts | join) -%}"
    "{%- endif -%}"
    "{%- set plain.messages = plain.messages + [dict(message, content=text)] -%}"
    "{%- endfor -%}"
    "{%- set messages = plain.messages -%}"
)


@dataclass(frozen=True)
class Assembled:
    """What was made: the number of tokens that an image takes, and the parameters of each part."""

    image_tokens: int
    parameters: dict[Part, int]


@dataclass(frozen=True)
class Vision:
    """A vision tower.

    Attributes:
        model: a `CLIPVisionModel` or `SiglipVisionModel`.
        images: its image processor.
        layer: the hidden state that the connector reads (-1: the last).
    """

    model: Any
    images: Any
    layer: int

    @property
    def class_tokens(self) -> int:
        """Tokens before the patches, which the connector does not get."""
        return _CLASS_TOKENS[self.model.config.model_type]

    @property
    def strategy(self) -> Literal["default", "full"]:
        """How a LLaVA drops them."""
        return "default" if self.class_tokens else "full"

    @property
    def image_tokens(self) -> int:
        """Tokens of a picture."""
        return int(self.model.config.image_size // self.model.config.patch_size) ** 2


def assemble(
    output: str | Path,
    *,
    vision: str = CLIP_TINY,
    language: str = SMALL,
    image_size: int | None = None,
    patch_size: int | None = None,
    seed: int = 0,
    dtype: str = "float32",
) -> Assembled:
    """Writes a `LlavaForConditionalGeneration` checkpoint with its processor.

    The language model answers text as before: new rows of its vocabulary (`<image>`, and what fills up to a multiple
    of 64) are the mean of the others, so that they never score highest.

    Args:
        output: a free name or an empty folder; it appears whole or not at all.
        vision: `clip-tiny` (new, random), or a folder or hub name that holds a CLIP or SigLIP vision tower.
        language: as `read_language` takes it.
        image_size: side of the square, in pixels, that a picture is resized to; for clip-tiny, default 224.
        patch_size: side of a patch, in pixels; for clip-tiny, default 16, which gives 196 tokens (32: 49).
        seed: of the new weights.
        dtype: of all weights: float32, bfloat16 or float16.

    Raises:
        UsageError: an option that there is not, or that does not go with another.
        CheckpointError: a part cannot be read, or is of another kind.
        FileError: `output` holds something, or cannot be written.
    """
    refuse_filled(output)
    if dtype not in DTYPES:
        raise UsageError(f"dtype {dtype!r}; expected {', '.join(DTYPES)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if vision == CLIP_TINY:
            tower = _tiny(224 if image_size is None else image_size, 16 if patch_size is None else patch_size)
        elif image_size is not None or patch_size is not None:
            raise UsageError(f"image size and patch size are for {CLIP_TINY}; {vision} has its own")
        else:
            tower = _read_vision(vision)
        words = read_language(language, DTYPES[dtype])
        processor = processor_of(tower, words)
        model = join(tower, words, processor.image_token_id).to(DTYPES[dtype])
    parameters = dict.fromkeys(PARTS, 0)
    for _, part, parameter in parameters_of(model):
        if part is not None:
            parameters[part] += parameter.numel()
    with writing_folder(output) as folder:
        write_checkpoint(model, processor, folder)
    return Assembled(tower.image_tokens, parameters)


def _tiny(image_size: int, patch_size: int) -> Vision:
    if patch_size < 1 or image_size < patch_size or image_size % patch_size:
        raise UsageError(f"an image of {image_size} pixels is not cut into whole patches of {patch_size}")
    config = CLIPVisionConfig(image_size=image_size, patch_size=patch_size, **_TINY)
    # The last layer is read, since all of them are to be trained.
    return Vision(CLIPVisionModel(config), _whole_picture(CLIPImageProcessorPil(), image_size), layer=-1)


def _read_vision(spec: str) -> Vision:
    config: Any = read_checkpoint(spec, "config", lambda: AutoConfig.from_pretrained(spec))
    config = getattr(config, "vision_config", config)
    if config.model_type not in _CLASS_TOKENS:
        raise CheckpointError(
            spec, f"is of type {config.model_type}; expected one of {', '.join(_CLASS_TOKENS)}"
        )
    kind = type(AutoModel.from_config(config))
    tower, report = read_checkpoint(
        spec, "weights", lambda: kind.from_pretrained(spec, config=config, output_loading_info=True)
    )
    if report["missing_keys"]:
        raise CheckpointError(
            spec, f"weights of the vision tower are missing, e.g. {min(report['missing_keys'])}"
        )
    images = read_checkpoint(spec, "image processor", lambda: AutoImageProcessor.from_pretrained(spec))
    # The layer before the last, as LLaVA: the last one is shaped by the contrast with texts.
    return Vision(tower, _whole_picture(images, config.image_size), layer=-2)


def _whole_picture(images: Any, size: int) -> Any:
    """Resizes to the square and crops nothing: what stands left and right in a picture must stay in it."""
    images.size = {"height": size, "width": size}
    images.crop_size = {"height": size, "width": size}
    images.do_center_crop = False
    return images


def processor_of(tower: Vision, words: Language) -> Any:
    """The processor of both; the tokenizer gets the token `<image>`."""
    tokenizer = words.tokenizer
    tokenizer.add_tokens([AddedToken(IMAGE, special=True, normalized=False)], special_tokens=True)
    tokenizer.padding_side = "left"  # answers of a batch start together
    return LlavaProcessor(
        image_processor=tower.images,
        tokenizer=tokenizer,
        patch_size=tower.model.config.patch_size,
        vision_feature_select_strategy=tower.strategy,
        num_additional_image_tokens=tower.class_tokens,
        chat_template=_FLATTEN + tokenizer.chat_template,
    )


def join(tower: Vision, words: Language, image_token: int) -> Any:
    """A LLaVA of both parts, with a new connector; `image_token` is the id of `<image>`."""
    text = deepcopy(words.model.config)
    text.name_or_path = ""
    rows = max(text.vocab_size, -(-len(words.tokenizer) // 64) * 64)
    text.vocab_size = rows
    config = LlavaConfig(
        vision_config=tower.model.config,
        text_config=text,
        image_token_index=image_token,
        image_seq_length=tower.image_tokens,
        vision_feature_layer=tower.layer,
        vision_feature_select_strategy=tower.strategy,
        tie_word_embeddings=text.tie_word_embeddings,
    )
    model = LlavaForConditionalGeneration(config)
    model.model.vision_tower.load_state_dict(tower.model.state_dict())
    weights = words.model.base_model.state_dict()
    weights["embed_tokens.weight"] = _grown(weights["embed_tokens.weight"], rows)
    model.model.language_model.load_state_dict(weights)
    if not text.tie_word_embeddings:
        _fill(model.lm_head, _grown(words.model.get_output_embeddings().weight, rows))
    model.generation_config = deepcopy(words.model.generation_config)
    model.generation_config._from_model_config = False  # else it is made anew from the configuration
    return model.eval()


def _grown(weight: torch.Tensor, rows: int) -> torch.Tensor:
    """A matrix [vocabulary, width] with rows added that are the mean of all."""
    mean = weight.float().mean(dim=0, keepdim=True).to(weight.dtype)
    return torch.cat([weight, mean.expand(rows - len(weight), -1)])


def _fill(layer: nn.Linear, weight: torch.Tensor) -> None:
    with torch.no_grad():
        layer.weight.copy_(weight)
