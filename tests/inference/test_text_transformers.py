import json

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from llava_vsd.errors import CheckpointError, UsageError, VsdError
from llava_vsd.inference.decode import Draw
from llava_vsd.inference.text import Sampling
from llava_vsd.inference.text_transformers import TransformersText
from llava_vsd.refine.completions import Completions
from llava_vsd.refine.prompt import prompt
from llava_vsd.refine.rewrite import Refiner
from llava_vsd.schema import Prediction
from memory_errors import MEMORY_ERRORS

WORDS = ["<pad>", "<eos>", "a", "the", "cup", "dog", "table", "bench", "is", "on", "under", "behind"]
WORDS += ["there", "sits", "stands", ".", "user", "assistant", "system"]
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ' ' + message['content'] + ' ' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant ' }}{% endif %}"
)
SENTENCES = [
    "a cup is on a table .",
    "the dog .",
    "there is a dog under the bench behind the table .",
    "cup on table .",
]


@pytest.fixture(scope="module")
def text_model(tmp_path_factory):
    """A random Llama of one-word tokens, in a folder as any other model."""
    folder = tmp_path_factory.mktemp("model")
    words = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="<pad>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.decoder = decoders.WordPiece(prefix="##")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<eos>", pad_token="<pad>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(WORDS), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=512, eos_token_id=1, pad_token_id=0, bos_token_id=None, initializer_range=0.5,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    torch.set_num_threads(1)
    return TransformersText(str(folder), dtype="float32", device="cpu", batch_size=3)


@pytest.mark.parametrize(
    "sampling", [Sampling(max_tokens=12), Sampling(temperature=0.9, top_p=0.95, max_tokens=12)]
)
def test_a_text_depends_on_its_prompt_and_seed_alone(text_model, sampling):
    prompts = [prompt(sentence) for sentence in SENTENCES] * 2
    seeds = list(range(len(prompts)))
    together = text_model.complete(prompts, sampling, seeds)
    alone = [
        text_model.complete([one], sampling, [seed])[0] for one, seed in zip(prompts, seeds, strict=True)
    ]
    turned = text_model.complete(prompts[::-1], sampling, seeds[::-1])[::-1]
    assert together == alone == turned
    assert len(set(together)) >= 3  # else it would show nothing
    half = len(SENTENCES)
    assert (together[:half] == together[half:]) == (not sampling.temperature)  # other seeds draw other texts


@pytest.mark.parametrize("error", MEMORY_ERRORS[:3], ids=["cpu", "mps", "cuda"])
def test_out_of_memory_halves_the_batch(text_model, monkeypatch, error):
    generate, prompts, sizes = text_model._generate, [prompt(one) for one in SENTENCES], []
    expected = text_model.complete(prompts, Sampling(max_tokens=12), [0] * 4)

    def narrow(encoded, sampling, seeds, most=2):
        sizes.append(len(encoded))
        if len(encoded) > most:
            raise error
        return generate(encoded, sampling, seeds)

    monkeypatch.setattr(text_model, "batch_size", 4)
    monkeypatch.setattr(text_model, "_generate", narrow)
    assert text_model.complete(prompts, Sampling(max_tokens=12), [0] * 4) == expected
    assert sizes == [4, 2, 2]
    monkeypatch.setattr(text_model, "_generate", lambda *given: narrow(*given, most=0))
    with pytest.raises(VsdError, match="memory does not suffice for one prompt"):
        text_model.complete(prompts, Sampling(max_tokens=12), [0] * 4)


def test_a_model_too_large_for_its_device_is_told(text_model, monkeypatch):
    monkeypatch.setattr(torch.nn.Module, "to", lambda *_, **__: (_ for _ in ()).throw(MEMORY_ERRORS[1]))
    with pytest.raises(CheckpointError, match="memory does not suffice for its weights; expected"):
        TransformersText(text_model.name, dtype="float32", device="cpu")


def test_greedy_is_the_plain_loop_over_the_logits(text_model):
    """One token after the other, without cache, batch or padding."""
    for sentence in SENTENCES:
        ids = text_model._encode(prompt(sentence))
        start = len(ids)
        while len(ids) < start + 12:
            with torch.inference_mode():
                ids.append(int(text_model._model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
            if ids[-1] == 1:
                break
        expected = text_model._tokenizer.decode(ids[start:], skip_special_tokens=True).strip()
        assert text_model.complete([prompt(sentence)], Sampling(max_tokens=12), [0]) == [expected]


def test_drawn_tokens_have_the_models_probabilities():
    logits = torch.tensor([[2.0, 1.0, 0.0, -torch.inf]]).repeat(4000, 1)
    drawn = Draw(range(4000), 1.0, 1.0)(torch.zeros(4000, 1), logits).argmax(dim=1)
    shares = torch.bincount(drawn, minlength=4) / 4000
    expected = torch.softmax(logits[0], dim=0)
    assert shares[3] == 0
    # four standard deviations of a binomial share
    assert torch.all((shares - expected).abs() <= 4 * (expected * (1 - expected) / 4000).sqrt())


def test_the_row_is_refined_whatever_a_random_model_says(text_model):
    row = Prediction.model_validate(
        {
            "id": "a", "image": "1", "model": "m", "description": "",
            "relations": [{"subject": "cup", "object": "table", "relation": "on"}],
            "descriptions": ["cup on table.", "a cup is on a table.", "there is a cup on a table."],
        }
    )  # fmt: skip
    (found,) = Refiner(Completions(text_model), tries=2).refine([row], [0])
    assert found.refinement.outcome == "rules"
    assert found.refinement.tries == 2
    assert found.descriptions[2] == "on the table is the cup."
    assert found.settings["refine"]["settings"] == text_model.settings
    json.dumps(text_model.settings)


def test_wrong_settings_and_models_are_named(tmp_path):
    with pytest.raises(UsageError, match="dtype: 'int8', expected one of bfloat16, float16, float32"):
        TransformersText("x", dtype="int8")
    with pytest.raises(UsageError, match="device 'gpu'"):
        TransformersText("x", device="gpu")
    with pytest.raises(UsageError, match="batch size: 0"):
        TransformersText("x", batch_size=0)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match=str(tmp_path)):
        TransformersText(str(tmp_path))
