"""Text models by transformers: any causal language model, in batches, each text independent of its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessorList

from llava_vsd.errors import UsageError, VsdError
from llava_vsd.inference.decode import Draw
from llava_vsd.inference.text import Prompt, Sampling
from llava_vsd.model.language import read_language
from llava_vsd.model.load import device_of, digest, move
from llava_vsd.model.out_of_memory import RAISED, is_out_of_memory, release

DTYPES = ("bfloat16", "float16", "float32")


def has_gpu() -> bool:
    """Whether torch can use a GPU here."""
    return torch.cuda.is_available()


class TransformersText:
    """A causal language model with its tokenizer.

    Prompts are sorted by length, padded on the left and run in batches. In float32 a text does not depend on what
    else is in its batch; in shorter types it can where two tokens are as likely as makes no difference to the type.

    Args:
        spec: `small`, a folder, a GGUF file, or a name on the hub; stands in rows.
        device: e.g. `cuda:0`; default: the GPU if there is one, else the CPU.
        dtype: one of `DTYPES`; default: bfloat16.
        batch_size: prompts at once.

    Raises:
        UsageError: another dtype, a batch of none, or a device that this machine lacks.
        CheckpointError: there is no such model, it cannot be read, or has no chat template; or it is too large for the
            memory.
    """

    def __init__(self, spec: str, *, device: str = "", dtype: str = "", batch_size: int = 16) -> None:
        dtype = dtype or DTYPES[0]
        if dtype not in DTYPES:
            raise UsageError(f"dtype: {dtype!r}, expected one of {', '.join(DTYPES)}")
        if batch_size < 1:
            raise UsageError(f"batch size: {batch_size}, expected 1 or more")
        self.name, self.batch_size = spec, batch_size
        self.device = device_of(device or "auto")
        self.settings: dict[str, Any] = {"engine": "transformers", "model": spec, "dtype": dtype}
        language = read_language(spec, getattr(torch, dtype))
        self._tokenizer, self._model = language.tokenizer, language.model
        move(spec, self._model.eval(), self.device)
        self.settings["weights"] = digest(self._model)
        self._tokenizer.padding_side = "left"
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[int]) -> list[str]:
        """One text a prompt, in their order; see `TextModel.complete`. Out of memory, it halves the batch for good.

        Raises:
            VsdError: memory does not suffice for a single prompt.
        """
        encoded = [self._encode(prompt) for prompt in prompts]
        order = sorted(range(len(prompts)), key=lambda place: len(encoded[place]))
        texts = [""] * len(prompts)
        start = 0
        while start < len(order):
            places = order[start : start + self.batch_size]
            try:
                said = self._generate(
                    [encoded[place] for place in places], sampling, [seeds[place] for place in places]
                )
            except RAISED as error:
                if not is_out_of_memory(error):
                    raise
                said = []  # what was tried is let go of with the error, before the next try
            if not said:
                if len(places) == 1:
                    raise VsdError(
                        f"{self.name}: memory does not suffice for one prompt; "
                        "expected a smaller model or a larger device"
                    )
                self.batch_size = len(places) // 2
                release()
                continue
            start += len(places)
            for place, text in zip(places, said, strict=True):
                texts[place] = text
        return texts

    def _encode(self, prompt: Prompt) -> list[int]:
        """Token ids of the conversation in the model's own template."""
        turns = [{"role": turn.role, "content": turn.text} for turn in prompt]
        text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _generate(self, encoded: Sequence[list[int]], sampling: Sampling, seeds: Sequence[int]) -> list[str]:
        batch = self._tokenizer.pad({"input_ids": list(encoded)}, return_tensors="pt").to(self.device)
        drawing = LogitsProcessorList()
        if sampling.temperature:
            drawing.append(Draw(seeds, sampling.temperature, sampling.top_p))
        with torch.inference_mode():
            found = self._model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                logits_processor=drawing,
                max_new_tokens=sampling.max_tokens,
                do_sample=False,
                num_beams=1,
                temperature=None,
                top_p=None,
                top_k=None,
                repetition_penalty=1.0,
                pad_token_id=self._tokenizer.pad_token_id,
            )
        new = found[:, batch["input_ids"].shape[1] :]
        return [text.strip() for text in self._tokenizer.batch_decode(new, skip_special_tokens=True)]
