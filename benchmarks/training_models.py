"""Models and data for benchmarks/training.py: SmolLM2-135M's geometry behind a small tower, and drawn pictures."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    LlavaProcessor,
)

from llava_vsd.data.build import conversations
from llava_vsd.data.images import is_image
from llava_vsd.data.vsd import read_items
from llava_vsd.jsonl import write_rows
from llava_vsd.model.language import SMALL, read_tokenizer

TOWER = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 10, "num_attention_heads": 4}
TOKENS = {49: (224, 32), 576: (336, 14), 2880: (336, 14)}
"""Side of a picture (or tile) and of a patch in pixels; 2,880 are five tiles of LLaVA-NeXT, and 48 ends of lines."""

TEMPLATE = (  # ChatML; it ends with the end token, so that all sides learn the same tokens
    "{% for message in messages %}{% if not loop.first %}{{ '\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>\n' }}{% else %}{{ part['text'] }}"
    "{% endif %}{% endfor %}{{ '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '\n<|im_start|>assistant\n' }}{% endif %}"
)


def processor_of(tokens: int, template: str = TEMPLATE) -> Any:
    """LLaVA's processor for so many tokens a picture (LLaVA-NeXT's for 2,880), with SmolLM2's tokenizer."""
    tokenizer = read_tokenizer(SMALL)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    tokenizer.padding_side = "right"
    side, patch = TOKENS[tokens]
    size = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
    tiles = _tiles(tokens)
    return (LlavaNextProcessor if tiles else LlavaProcessor)(
        image_processor=(LlavaNextImageProcessorPil if tiles else CLIPImageProcessorPil)(**size, **tiles),
        tokenizer=tokenizer,
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    )


def _tiles(tokens: int) -> dict[str, Any]:
    """What LLaVA-NeXT's classes are told besides; nothing where LLaVA's are taken."""
    side, _ = TOKENS[tokens]
    return {"image_grid_pinpoints": [[2 * side, 2 * side]]} if tokens == 2880 else {}


def write_model(folder: Path, tokens: int, layers: int) -> int:
    """Saves a random model with its processor; returns its parameters."""
    torch.manual_seed(0)
    processor, tiles = processor_of(tokens), _tiles(tokens)
    tokenizer = processor.tokenizer
    side, patch = TOKENS[tokens]
    text = LlamaConfig(
        vocab_size=-(-len(tokenizer) // 64) * 64,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=layers,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    config = (LlavaNextConfig if tiles else LlavaConfig)(
        vision_config=CLIPVisionConfig(image_size=side, patch_size=patch, **TOWER),
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(side // patch) ** 2,
        tie_word_embeddings=True,
        **tiles,
    )
    model = (LlavaNextForConditionalGeneration if tiles else LlavaForConditionalGeneration)(config)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def picture_file(folder: Path, image: str) -> Path:
    """Where the picture of an image id is: a number, or the name of a file."""
    return folder / "images" / (image if is_image(image) else f"{image}.png")


def write_data(folder: Path, data: Path, count: int) -> tuple[int, int]:
    """Writes `count` conversations about randomly drawn items of VSD val, and a picture for each item.

    A picture is square and shows the two boxes of its item.

    Returns:
        numbers of conversations and pictures.
    """
    items = read_items(data / "vsdv1_val.json", data / "vsdv2_val.json")
    random.Random(0).shuffle(items)
    rows: list[Any] = []
    (folder / "images").mkdir(parents=True)
    pictures = 0
    while len(rows) < count:
        item = items[pictures]
        pictures += 1
        triple = item.pair
        picture = Image.new("RGB", (480, 480), "gray")
        draw = ImageDraw.Draw(picture)
        for (top, bottom, left, right), colour in ((triple.object_box, "navy"), (triple.subject_box, "gold")):
            draw.rectangle((left * 0.6, top * 0.6, max(left, right) * 0.6, max(top, bottom) * 0.6), colour)
        picture.save(picture_file(folder, item.image))
        rows += conversations(item)
    write_rows(folder / "conversations.jsonl", rows[:count])
    return count, pictures
