"""What ships of the small model, made from a run of `vsd train`: vision tower, connector, one adapter, all in float16.

python recipes/small_model/pack.py RUN -o FOLDER --items train/items.jsonl --calibration calibration.json

RUN is the output of the run: the results of its stages (connector, instruct, vsd; one may be missing) with the merged
models between them. The language model's change is the sum of the stages' products of low rank; laid side by side
their factors are one standard adapter that says the same, with nothing left out. `--rank` makes a smaller one of it:
the best of that rank (Eckart and Young 1936). What was written is read again and compared with the run's own model.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from safetensors.torch import load_file, save_file
from torch import Tensor

from llava_vsd.errors import CheckpointError, FileError, UsageError, VsdError
from llava_vsd.folders import refuse_filled, writing_folder
from llava_vsd.jsonl import read_rows
from llava_vsd.model.adapters import WEIGHTS_FILE
from llava_vsd.model.families import parameters_of, plain_name
from llava_vsd.model.language import SMALL
from llava_vsd.model.load import base_of, load
from llava_vsd.model.merge import merged
from llava_vsd.model.small import ADAPTER_FILES, PARTS_FILE, About, assembled, parts_to_ship
from llava_vsd.schema import Item

STAGES = ("connector", "instruct", "vsd")
LIMIT = 40_000_000
"""Most bytes of the folder: history keeps every copy."""

Factors = dict[str, tuple[Tensor, Tensor]]
"""By the name of a linear layer: A of shape [rank, inputs] and B of shape [outputs, rank], float32; B A is added."""


def factors(adapter: Path) -> Factors:
    """The low-rank factors of an adapter, its scaling folded into B.

    Raises:
        CheckpointError: the adapter is of another kind than `vsd train` writes.
    """
    config = json.loads((adapter / ADAPTER_FILES[0]).read_text(encoding="utf-8"))
    for field in ("use_dora", "fan_in_fan_out", "rank_pattern", "alpha_pattern"):
        if config.get(field):
            raise CheckpointError(adapter, f"has {field}; expected plain LoRA")
    if config.get("bias", "none") != "none":
        raise CheckpointError(adapter, "learned biases too; expected bias: none")
    rank, alpha = config["r"], config["lora_alpha"]
    scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    weights = load_file(adapter / WEIGHTS_FILE)
    found: Factors = {}
    for name, a in weights.items():
        if name.endswith(".lora_A.weight"):
            b = weights[name.replace(".lora_A.", ".lora_B.")]
            found[plain_name(name).removesuffix(".lora_A.weight")] = (a.float(), b.float() * scale)
    return found


def summed(parts: Sequence[Factors], rank: int | None = None) -> tuple[Factors, float]:
    """One pair of factors a layer whose product is the sum of the parts' products.

    Args:
        parts: of the stages.
        rank: of the result; None: the sum of the parts' ranks, which is exact.

    Returns:
        the factors, and the share of the change that is lost, 0-1 (Frobenius norms over all layers).
    """
    layers = {name: [part[name] for part in parts if name in part] for part in parts for name in part}
    full = max((sum(len(a) for a, _ in pairs) for pairs in layers.values()), default=0)
    wanted = min(rank or full, full)
    made: Factors = {}
    lost = whole = 0.0
    for name, pairs in sorted(layers.items()):
        a, b = torch.cat([a for a, _ in pairs]), torch.cat([b for _, b in pairs], dim=1)
        if wanted < len(a):
            (q_b, r_b), (q_a, r_a) = torch.linalg.qr(b.double()), torch.linalg.qr(a.double().T)
            u, values, v = torch.linalg.svd(r_b @ r_a.T)
            lost, whole = lost + float((values[wanted:] ** 2).sum()), whole + float((values**2).sum())
            root = values[:wanted].sqrt()
            b, a = ((q_b @ u[:, :wanted]) * root).float(), (root[:, None] * (v[:wanted] @ q_a.T)).float()
        empty = wanted - len(a)  # a layer that fewer stages adapt
        made[name] = _balanced(
            torch.nn.functional.pad(a, (0, 0, 0, empty)), torch.nn.functional.pad(b, (0, empty))
        )
    return made, math.sqrt(lost / whole) if whole else 0.0


def _balanced(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The same product of factors that are as large as each other, so that float16 rounds neither more than the other.

    By a power of two, which rounds nothing.
    """
    largest = float(a.abs().max()), float(b.abs().max())
    if not all(largest):
        return a, b
    shift = 2.0 ** round(math.log2(largest[1] / largest[0]) / 2)
    return a * shift, b / shift


def pack(run: Path, output: Path, about: About, *, language: str = SMALL, rank: int | None = None) -> None:
    """Writes the folder.

    Args:
        run: output of `vsd train`.
        output: a free name; it appears whole or not at all.
        about: what ships beside the weights.
        language: the language model that the run began with, as `read_language` takes it.
        rank: of the adapter; None: nothing is left out.

    Raises:
        CheckpointError: the run is not whole, or what was written does not make its model again.
        UsageError: more than `LIMIT` bytes.
    """
    refuse_filled(output)
    stages = [run / stage for stage in STAGES if (run / stage).is_dir()]
    for stage in stages:
        if not (stage / ADAPTER_FILES[0]).is_file():
            raise CheckpointError(stage, "is no adapter; expected a language model frozen or adapted by LoRA")
    if not stages:
        raise CheckpointError(run, f"holds none of {', '.join(STAGES)}; expected the output of vsd train")
    last = stages[-1]
    base = base_of(last)
    if base is None:
        raise CheckpointError(last, "names no base model")
    loaded = load(base, adapter=last, dtype="float32", device="cpu")
    final = merged(loaded.model)
    total, lost = summed([factors(stage) for stage in stages], rank)
    weights = {
        f"base_model.model.{name}.lora_{letter}.weight": one.half().contiguous()
        for name, pair in total.items()
        for letter, one in zip("AB", pair, strict=True)
    }
    if not total:
        raise CheckpointError(run, "no stage adapted the language model; expected language: lora")
    size = len(next(iter(total.values()))[0])
    last_names = sorted({name.rpartition(".")[2] for name in total})
    config = LoraConfig(
        r=size,
        lora_alpha=size,
        target_modules=rf"model\.language_model\.(.*\.)?({'|'.join(last_names)})",
        base_model_name_or_path=None,
        inference_mode=True,
    )
    parts = {name: one.half().contiguous() for name, one in parts_to_ship(final).items()}
    with writing_folder(output) as folder:
        save_file(weights, folder / ADAPTER_FILES[1], metadata={"format": "pt"})
        config.save_pretrained(str(folder))
        save_file(parts, folder / PARTS_FILE, metadata={"format": "pt"})
        final.config.name_or_path = ""
        final.config.save_pretrained(folder)
        loaded.processor.image_processor.save_pretrained(folder)
        about.write(folder)
        _compare(assembled(folder, language=language), (final, loaded.processor), exact=not lost)
        written = sum(file.stat().st_size for file in folder.iterdir())
        (folder / "README.md").write_text(_readme(stages, size, lost, written), encoding="utf-8")
        if written > LIMIT:
            raise UsageError(
                f"{written / 1e6:.1f} MB, {len(parts)} weights of tower and connector and an adapter of rank {size}; "
                f"expected {LIMIT / 1e6:.0f} MB at most (--rank makes the adapter smaller)"
            )


def _compare(made: tuple[Any, Any], wanted: tuple[Any, Any], *, exact: bool) -> None:
    """Refuses a folder that does not make the run's model again, to rounding: another language model, another form."""
    weights = {name: one for name, _, one in parameters_of(wanted[0])}
    for name, _, one in parameters_of(made[0]):
        if name not in weights or weights[name].shape != one.shape:
            raise CheckpointError(name, "is not in the run's model; expected the same language model")
        if part_differs(one, weights[name]) and (exact or ".language_model." not in name):
            raise CheckpointError(name, "differs from the run's model; expected the same language model")
    ours, theirs = (
        {"template": processor.chat_template, **processor.image_processor.to_dict()}
        for _, processor in (made, wanted)
    )
    if different := [key for key in theirs if ours.get(key) != theirs[key]]:
        raise CheckpointError(different[0], "of the processor differs from the run's")


def part_differs(one: Tensor, other: Tensor) -> bool:
    """Whether two weights differ by more than rounding to float16 explains: 11 bits of the largest value."""
    one, other = one.detach().float(), other.detach().float()
    return float((one - other).abs().max()) > 2.0**-10 * max(float(other.abs().max()), 1e-3)


def _readme(stages: Sequence[Path], rank: int, lost: float, size: int) -> str:
    told = f", of which {100 * lost:.1f} % of the change is left out" if lost else ""
    return f"""# The small model

Vision tower, connector and adapter of the model that `vsd describe` uses where no other is named. Written by

    python recipes/small_model/pack.py RUN -o FOLDER --items ITEMS --calibration FILE

from the stages {", ".join(stage.name for stage in stages)}; {size / 1e6:.1f} MB, float16.

- `{PARTS_FILE}`: vision tower and connector, whole.
- `{ADAPTER_FILES[1]}`: what the stages changed in the language model, as one LoRA adapter of rank {rank}{told}.
- `about.json`: the names that it was trained on, and the temperature of its nine scores.
- `config.json`, `preprocessor_config.json`, `{ADAPTER_FILES[0]}`: as transformers and PEFT read them.

The language model, SmolLM2-135M-Instruct (Apache-2.0), is not here. The pictures that it was trained on show models
whose makers `../rooms/NOTICE.md` names.
"""


def fitted(file: Path) -> float:
    """The temperature in a file of `vsd calibrate --json`; FileError where there is none."""
    try:
        return float(json.loads(file.read_text(encoding="utf-8"))["temperature"])
    except OSError as error:
        raise FileError(file, f"cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise FileError(file, "holds no temperature; expected what vsd calibrate --json prints") from None


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="output of vsd train")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write, a free name")
    parser.add_argument("--items", type=Path, required=True, help="items of training: their names are known")
    parser.add_argument("--calibration", type=Path, help="what vsd calibrate --json prints; default: 1")
    parser.add_argument("--language", default=SMALL, help="what the run began with; default: small")
    parser.add_argument("--rank", type=int, help="of the adapter; default: all that the stages learned")
    given = parser.parse_args()
    try:
        names = {
            name
            for item in read_rows(given.items, Item)
            for triple in item.triples
            for name in (triple.subject, triple.object)
        }
        temperature = fitted(given.calibration) if given.calibration else 1.0
        about = About(tuple(sorted(names)), temperature)
        pack(given.run, given.output, about, language=given.language, rank=given.rank)
    except VsdError as error:
        print(f"pack: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    size = sum(file.stat().st_size for file in given.output.iterdir())
    print(
        f"{given.output}: {size / 1e6:.1f} MB, {len(about.names)} names, temperature {about.temperature:.3g}"
    )


if __name__ == "__main__":
    main()
