"""Small random models of every family, made in a moment from their real configuration and processor classes."""

from __future__ import annotations

import functools
import json
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlamaTokenizer,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    LlavaProcessor,
    MistralConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2Config,
    Qwen2Tokenizer,
    Qwen2VLImageProcessorPil,
    SiglipImageProcessorPil,
    SiglipVisionConfig,
)

from llava_vsd.model.processors import pictures_only

# Chat templates of the published checkpoints, in their public form.
VICUNA = (
    "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor %}"
    "{% if message['role'] != 'assistant' %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] + ' '}}{% endfor %}"
    "{% else %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{% generation %}{{ content['text'] + ' '}}{% endgeneration %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
MISTRAL = (
    "{% for message in messages %}{% if message['role'] == 'system' %}{{ '<<SYS>>\n' + message['content'][0]['text'] + '\n<</SYS>>\n\n' }}"
    "{% elif message['role'] == 'user' %}{{ '[INST] ' }}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] }}{% endfor %}{{ ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'][0]['text'] + '</s> ' }}{% endif %}{% endfor %}"
)
CHATML = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% for content in message['content'] %}{% if content['type'] == 'image' %}{{ IMAGE }}{% else %}{{ content['text'] }}{% endif %}"
    "{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
QWEN2 = CHATML.replace("IMAGE", "'<image>\n'")
QWEN2_5_VL = CHATML.replace("IMAGE", "'<|vision_start|><|image_pad|><|vision_end|>'")

# What the tokenizers are trained on: the words of spatial descriptions and of the templates.
TEXT = [
    "USER: ASSISTANT: [INST] [/INST] system user assistant You are a helpful assistant.",
    "Given the image, choose the most fitting preposition for The cat is [BLANK] the sofa from the nine options.",
    "on, in, next to, under, above, behind, in front of, to the left of, to the right of",
    "a cat is sitting on the sofa. the small grey cat next to the lamp is on the wooden chair.",
    "Give three detailed and diverse descriptions of the spatial relationship between man and horse.",
    "there is a yellow ball in the water. The yellow ball in front of the ship is in the water.",
] * 3


class Tiny(NamedTuple):
    """A model and its processor."""

    model: Any
    processor: Any


@functools.cache
def _merges(byte_level: bool) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges trained on `TEXT`: byte-level as Qwen2's, or with "▁" and bytes as Llama's."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=not byte_level, unk_token=None if byte_level else "<unk>"))
    if byte_level:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        special, alphabet = ["<|endoftext|>"], pre_tokenizers.ByteLevel.alphabet()
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        special, alphabet = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))], []
    trainer = trainers.BpeTrainer(
        vocab_size=560, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    state = json.loads(tokenizer.to_str())["model"]
    return state["vocab"], [tuple(pair) for pair in state["merges"]]


def llama_tokenizer(*added: str) -> LlamaTokenizer:
    """As Vicuna's and Mistral's: beginning token, "▁" for spaces; `added` are special tokens."""
    vocab, merges = _merges(byte_level=False)
    return LlamaTokenizer(
        vocab=dict(vocab),
        merges=list(merges),
        pad_token="<unk>",
        add_bos_token=True,
        extra_special_tokens=list(added),
        model_max_length=4096,
    )


def qwen2_tokenizer(*added: str) -> Qwen2Tokenizer:
    """As Qwen2's: byte-level, `<|im_end|>` ends a turn, no beginning token."""
    vocab, merges = _merges(byte_level=True)
    return Qwen2Tokenizer(
        vocab=dict(vocab),
        merges=list(merges),
        eos_token="<|im_end|>",
        extra_special_tokens=["<|im_start|>", *added],
        model_max_length=4096,
    )


def text_config(kind: type, tokenizer: Any, **more: Any) -> Any:
    """Of a language model with two layers."""
    return kind(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **more,
    )


_TOWER = {
    "hidden_size": 24,
    "intermediate_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "patch_size": 8,
}


def _llava(siglip: bool) -> Tiny:
    tokenizer = llama_tokenizer("<image>")
    vision = (SiglipVisionConfig if siglip else CLIPVisionConfig)(image_size=32, **_TOWER)
    strategy = "full" if siglip else "default"
    config = LlavaConfig(
        vision_config=vision,
        text_config=text_config(LlamaConfig, tokenizer),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy=strategy,
        image_seq_length=16,
    )
    size = {"height": 32, "width": 32}
    images = (
        SiglipImageProcessorPil(size=size)
        if siglip
        else CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=size)
    )
    processor = LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy=strategy,
        num_additional_image_tokens=0 if siglip else 1,
        chat_template=VICUNA,
    )
    return Tiny(LlavaForConditionalGeneration(config), processor)


def _llava_next(language: str) -> Tiny:
    tokenizer = qwen2_tokenizer("<image>") if language == "qwen2" else llama_tokenizer("<image>")
    text = {
        "vicuna": lambda: text_config(LlamaConfig, tokenizer),
        "mistral": lambda: text_config(MistralConfig, tokenizer, sliding_window=None),
        "qwen2": lambda: text_config(Qwen2Config, tokenizer),
    }[language]()
    pinpoints = [[32, 64], [64, 32], [64, 64], [96, 32], [32, 96]]
    config = LlavaNextConfig(
        vision_config=CLIPVisionConfig(image_size=32, **_TOWER),
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=pinpoints,
        image_seq_length=16,
    )
    processor = LlavaNextProcessor(
        image_processor=LlavaNextImageProcessorPil(
            size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, image_grid_pinpoints=pinpoints
        ),
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template={"vicuna": VICUNA, "mistral": MISTRAL, "qwen2": QWEN2}[language],
    )
    return Tiny(LlavaNextForConditionalGeneration(config), processor)


def _qwen2_5_vl() -> Tiny:
    tokenizer = qwen2_tokenizer("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    ids = tokenizer.convert_tokens_to_ids
    text = {
        key: value
        for key, value in text_config(Qwen2Config, tokenizer).to_dict().items()
        if key not in ("model_type", "architectures", "transformers_version", "rope_parameters")
    }
    config = Qwen2_5_VLConfig(
        text_config={
            **text,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]},
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 2,
            "patch_size": 4,
            "window_size": 16,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [1],
        },
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
    )
    images = Qwen2VLImageProcessorPil(patch_size=4, size={"shortest_edge": 16 * 16, "longest_edge": 64 * 64})
    processor = pictures_only(Qwen2_5_VLProcessor)(
        image_processor=images, tokenizer=tokenizer, chat_template=QWEN2_5_VL
    )
    return Tiny(Qwen2_5_VLForConditionalGeneration(config), processor)


_MAKERS = {
    "llava-clip-vicuna": lambda: _llava(siglip=False),
    "llava-siglip-vicuna": lambda: _llava(siglip=True),
    "llava-next-vicuna": lambda: _llava_next("vicuna"),
    "llava-next-mistral": lambda: _llava_next("mistral"),
    "llava-next-qwen2": lambda: _llava_next("qwen2"),
    "qwen2.5-vl": _qwen2_5_vl,
}
FAMILIES = tuple(_MAKERS)


def tiny(name: str, *, seed: int = 0) -> Tiny:
    """A model of family `name` with weights drawn from `seed`, float32, in evaluation mode, and its processor."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = _MAKERS[name]()
    made.model.eval()
    return made
