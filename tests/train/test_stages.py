from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from PIL import Image
from transformers import AutoModelForImageTextToText

from llava_vsd.config import load_config
from llava_vsd.data.images import ImageStore
from llava_vsd.errors import FileError, TrainingError, UsageError, VsdError
from llava_vsd.jsonl import read_rows
from llava_vsd.model.adapters import prepare
from llava_vsd.model.load import load
from llava_vsd.schema import Conversation
from llava_vsd.train import ready as readiness
from llava_vsd.train import stages
from llava_vsd.train.data import Index
from llava_vsd.train.ready import Ready, get_ready, known_index
from llava_vsd.train.trainer import Point
from stand_ins import checkpoint, conversations, pictures, settings

EXACT = [
    "lora.dropout=0",
    "warmup_share=0",
    "schedule=constant",
    "gradient_checkpointing=false",
    "max_steps=4",
]


def curve(out: Path, stage: str = "vsd") -> list[Point]:
    return list(read_rows(out / stage / "curve.jsonl", Point))


def plain_losses(model: Any, ready: Ready, plan: Any, known: Any, rates: dict[str, float]) -> list[float]:
    """The same steps in a loop of its own: one conversation at a time through the model's own loss."""
    groups = [
        {"params": [p for n, p in model.named_parameters() if p.requires_grad and part(n)], "lr": rate}
        for part, rate in (
            (lambda name: "projector" in name, rates["connector"]),
            (lambda name: "projector" not in name, rates["language"]),
        )
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.0)
    losses = []
    for step in range(plan.steps):
        total, count = torch.zeros(()), 0
        for place in plan.members(step).tolist():
            conversation = known.conversations[place]
            store, inputs, size = ready.samples.store, {}, None
            if conversation.image is not None and store is not None:
                image = store.open(conversation.image)
                size = (image.height, image.width)
                made = ready.processor(text=["<image>"], images=[image], return_tensors="pt")
                inputs = {"pixel_values": made["pixel_values"]}
            encoded = ready.samples.encoder.encode(conversation, size)
            ids = torch.tensor([encoded.prefix + encoded.ids])
            labels = torch.tensor([(-100,) * len(encoded.prefix) + encoded.labels])
            learned = int((labels >= 0).sum())
            total = total + model(input_ids=ids, labels=labels, **inputs).loss * learned
            count += learned
        (total / count).backward()
        torch.nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(total.detach() / count))
    return losses


@pytest.mark.parametrize("row_tokens", [400, 4000])
def test_the_curve_is_that_of_a_plain_loop(run_file: Path, row_tokens: int) -> None:
    config = load_config(run_file, [*EXACT, f"row_tokens={row_tokens}"])
    stages.run(config)
    ready = get_ready(config, config.stages[0], config.model, run_file.parent / "scratch")
    known = known_index(ready, run_file.parent, lambda done, total: None)
    plan = ready.plan(known, 1)
    torch.manual_seed(config.seed)
    loaded = load(config.model, dtype="float32", device="cpu")
    stages.set_seed(config.seed)
    model = prepare(loaded, config.stages[0])
    expected = plain_losses(model, ready, plan, known, {"connector": 1e-3, "language": 1e-2})
    assert [point.loss for point in curve(config.output)] == pytest.approx(expected, rel=2e-5)
    assert expected[-1] < expected[0]


def test_the_result_loads_on_the_base_model_and_its_card_tells_the_run(run_file: Path) -> None:
    config = load_config(run_file)
    (result,) = stages.run(config)
    base = AutoModelForImageTextToText.from_pretrained(config.model)
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    model = PeftModel.from_pretrained(base, result)
    merged = model.merge_and_unload().state_dict()
    changed = {name for name in before if not torch.equal(before[name], merged[name])}
    assert any("language_model" in name for name in changed)
    assert any("multi_modal_projector" in name for name in changed)
    assert not any("vision_tower" in name for name in changed)
    card = (result / "README.md").read_text()
    assert "library_name: peft" in card
    assert config.stages[0].data[0].name in card
    digest = readiness.file_hash(config.stages[0].data[0])
    assert digest in card
    assert f"torch {torch.__version__}" in card
    points = curve(config.output)
    assert f"of the last {sum(point.loss for point in points) / len(points):.4f}" in card


def test_three_stages_each_start_from_the_last_ones_result(tmp_path: Path) -> None:
    images = pictures(tmp_path / "images/00453", 8)
    vsd = conversations(tmp_path / "vsd.jsonl", images, each=3)
    captions = [
        {
            "id": name,
            "image": f"00453/{name}.png",
            "conversations": [
                {"from": "human", "value": "Say what is there.\n<image>"},
                {"from": "gpt", "value": "a cat on a sofa"},
            ],
        }
        for name in images
    ]
    chats = [
        {
            "id": f"c{name}",
            "image": f"00453/{name}.png",
            "conversations": [
                {"from": "human", "value": "<image>\nthe cat?"},
                {"from": "gpt", "value": "on the sofa."},
                {"from": "human", "value": "the lamp?"},
                {"from": "gpt", "value": "behind the chair."},
            ],
        }
        for name in images
    ] + [
        {"id": "t", "conversations": [{"from": "human", "value": "say"}, {"from": "gpt", "value": "a lamp"}]}
    ]
    (tmp_path / "captions.json").write_text(json.dumps(captions))
    (tmp_path / "chats.json").write_text(json.dumps(chats))
    start = checkpoint(tmp_path / "start")
    path = tmp_path / "run.yaml"
    path.write_text(
        f"model: {start}\noutput: {tmp_path / 'out'}\nimages: [{tmp_path / 'images'}]\ndtype: float32\nworkers: 0\n"
        f"stages:\n  - {{stage: connector, data: [{tmp_path / 'captions.json'}]}}\n"
        f"  - {{stage: instruct, data: [{tmp_path / 'chats.json'}]}}\n"
        f"  - {{stage: vsd, data: [{vsd}], lora: {{rank: 4}}}}\n"
    )
    config = load_config(
        path, ["batch_conversations=4", "warmup_share=0", "max_tokens=400", "row_tokens=800"]
    )
    notes: list[str] = []
    connector, instruct, third = stages.run(config, note=notes.append)
    first = load(start, dtype="float32", device="cpu").model.state_dict()
    second = load(tmp_path / "out/connector-merged", dtype="float32", device="cpu").model.state_dict()
    changed = {name for name in first if not torch.equal(first[name], second[name])}
    assert changed == {name for name in first if "multi_modal_projector" in name}
    fourth = load(instruct, dtype="float32", device="cpu").model.state_dict()
    changed = {name for name in second if not torch.equal(second[name], fourth[name])}
    assert any("language_model" in name for name in changed)
    assert not any("vision_tower" in name for name in changed)
    told = json.loads((third / "adapter_config.json").read_text())
    assert told["base_model_name_or_path"] == str(instruct)
    assert json.loads((connector / "adapter_config.json").read_text())["base_model_name_or_path"] == str(
        start
    )
    rows = list(read_rows(next((tmp_path / "out/state/instruct/data").glob("chats-*.jsonl")), Conversation))
    assert [len(row.turns) for row in rows] == [4] * 8 + [2]
    assert [len(curve(tmp_path / "out", stage.stage)) for stage in config.stages] == [
        2,
        2,
        len(curve(tmp_path / "out")),
    ]
    assert notes == [f"merging {connector} into {tmp_path / 'out/connector-merged'}"]


def test_a_family_without_shared_rows_is_trained_unpacked_and_says_so(
    run_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    shared = load_config(run_file, EXACT)
    stages.run(shared)
    own = readiness.read_config
    monkeypatch.setattr(
        readiness, "read_config", lambda spec: (own(spec)[0], replace(own(spec)[1], shares_image=False))
    )
    notes: list[str] = []
    unpacked = load_config(run_file, [*EXACT, f"output={run_file.parent / 'unpacked'}"])
    stages.run(unpacked, note=notes.append)
    assert notes == [
        "stage vsd: LLaVA is trained unpacked: each conversation has its own copy of the picture"
    ]
    ours, theirs = ([point.loss for point in curve(config.output)] for config in (unpacked, shared))
    assert ours == pytest.approx(theirs, rel=2e-5)


def test_half_of_the_pictures_are_shown_mirrored(run_file: Path) -> None:
    config = load_config(run_file, ["mirror=true", "epochs=2"])
    ready = get_ready(config, config.stages[0], config.model, run_file.parent)
    known = known_index(ready, run_file.parent, lambda done, total: None)
    rows = stages.Rows(known, ready.plan(known, 1), ready.samples, ready.model_config, config.seed)
    flipped = [
        {name.split("/")[0] for name in row["ids"] if name.endswith("/mirrored")}
        for row in (rows[i] for i in range(len(rows)))
    ]
    half = len(rows) // 2
    first, second = set().union(*flipped[:half]), set().union(*flipped[half:])
    assert 2 <= len(first) <= 10  # of 12
    assert first != second
    for place in range(len(rows)):  # the plan knows the lengths of what is shown
        row = rows[place]["row"]
        assert rows[place]["learned"] == sum(
            rows[other]["row"].learned
            for other in range(len(rows))
            if other // rows.plan.rows == place // rows.plan.rows
        )
        assert row.learned == sum(row.counts)
    again = known_index(ready, run_file.parent, lambda done, total: None)
    assert again.mirrored is not None
    assert (again.flips(1, 0) == known.flips(1, 0)).all()


def test_bad_samples_stop_the_run_before_it_begins(run_file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    good = load_config(run_file).stages[0].data[0].read_text()
    bad.write_text(
        good
        + json.dumps(
            {
                "id": "lost",
                "task": "chat",
                "image": "77",
                "turns": [{"role": "user", "text": "x"}, {"role": "assistant", "text": "y"}],
            }
        )
        + "\n"
    )
    config = load_config(run_file, [f"data=[{bad}]"])
    with pytest.raises(TrainingError, match=r"1 of \d+ samples cannot .*bad.jsonl: line \d+: lost: .*77"):
        stages.run(config)
    notes: list[str] = []
    # Nothing was learned yet: other settings may take the place of those that were refused.
    skipping = load_config(run_file, [f"data=[{bad}]", "skip_bad=true", "seed=1", "max_steps=1"])
    stages.run(skipping, note=notes.append)
    assert notes == ["stage vsd: 1 bad samples are left out"]


def test_an_index_with_bad_samples_is_made_once_a_run(
    run_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process makes it, the others read it; the next run looks whether the samples are mended."""
    data, more = tmp_path / "data.jsonl", tmp_path / "more"
    more.mkdir()
    turns = [{"role": "user", "text": "where?"}, {"role": "assistant", "text": "on the sofa."}]
    data.write_text(
        "".join(
            json.dumps({"id": f"of-{image}", "task": "chat", "image": image, "turns": turns}) + "\n"
            for image in ("1", "77", "2")
        )
    )
    folders = load_config(run_file).images
    config = load_config(run_file, [f"data=[{data}]", "skip_bad=true"])
    config = config.model_copy(update={"images": [*folders, more]})

    def found(made: bool) -> Index:
        ready = get_ready(config, config.stages[0], config.model, tmp_path)
        return known_index(ready, tmp_path, lambda done, total: None, made=made)

    known = found(made=False)
    assert [(fault.id, fault.where) for fault in known.faults] == [("of-77", f"{data}: line 2")]
    with monkeypatch.context() as other:
        other.setattr(readiness, "index", None)
        again = found(made=True)
    assert again.faults == known.faults
    assert [again.conversations[place].id for place in range(2)] == ["of-1", "of-2"]
    assert (again.plain.rest == known.plain.rest).all()
    Image.new("RGB", (64, 64)).save(more / "77.png")
    assert len(found(made=False).conversations) == 3
    assert found(made=False).faults == []


def test_conversations_of_a_picture_keep_what_stands_before_it(run_file: Path, tmp_path: Path) -> None:
    """A system turn stands before the picture: rows of those without one must not share its prefix."""
    data = tmp_path / "data.jsonl"
    turns = [{"role": "user", "text": "where?"}, {"role": "assistant", "text": "on the sofa."}]
    systems = [[], [{"role": "system", "text": "You see."}], [], [{"role": "system", "text": "You hear."}]]
    data.write_text(
        "".join(
            json.dumps({"id": f"c{place}", "task": "chat", "image": "1", "turns": system + turns}) + "\n"
            for place, system in enumerate(systems)
        )
    )
    config = load_config(run_file, [f"data=[{data}]"])
    ready = get_ready(config, config.stages[0], config.model, tmp_path)
    known = known_index(ready, tmp_path, lambda done, total: None)
    assert (len(known.images), len(set(known.images))) == (3, 1)
    rows = stages.Rows(known, ready.plan(known, 1), ready.samples, ready.model_config, config.seed)
    found = {}
    for place in range(len(rows)):
        row = rows[place]["row"]
        segments = row.inputs["input_ids"][0].split(list(row.layout.sizes))
        told = iter(row.ids)
        for segment, parent in zip(segments, row.layout.parents, strict=True):
            if parent >= 0:
                found[next(told)] = [*segments[parent].tolist(), *segment.tolist()]
    size = ready.samples.size("1")
    for number in range(4):
        alone = ready.samples.encoder.encode(known.conversations[number], size)
        assert found[f"c{number}"] == [*alone.prefix, *alone.ids]


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("attention=eager", "attention: eager cannot share .* expected one of .*, or packing: false"),
        ("report_to=[none_such]", "report_to: none_such is not supported"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_weights_are_read(
    run_file: Path, monkeypatch: pytest.MonkeyPatch, setting: str, told: str
) -> None:
    monkeypatch.setattr(stages, "load", None)
    with pytest.raises(UsageError, match=told):
        stages.run(load_config(run_file, [setting]))


def test_a_folder_that_is_no_result_is_not_taken_for_one(run_file: Path) -> None:
    config = load_config(run_file)
    (config.output / "vsd").mkdir(parents=True)
    (config.output / "vsd/mine").touch()
    with pytest.raises(FileError, match=r"out/vsd: is there already"):
        stages.run(config)
    other = load_config(run_file, [f"output={run_file}"])
    with pytest.raises(FileError, match=r"run.yaml: cannot be written to: .*; expected a folder"):
        stages.run(other)


def test_processes_need_pictures_in_every_row(run_file: Path, tmp_path: Path) -> None:
    data = conversations(tmp_path / "data.jsonl", pictures(tmp_path / "images", 2), each=2, texts=30)
    settings = [f"data=[{data}]", f"images=[{tmp_path / 'images'}]"]
    config = load_config(run_file, settings)
    ready = get_ready(config, config.stages[0], config.model, tmp_path)
    known = known_index(ready, tmp_path, lambda done, total: None)
    assert ready.plan(known, 1).steps > 1
    with pytest.raises(TrainingError, match=r"a step has 0 conversations about pictures for 4 rows"):
        ready.plan(known, 4)
    with pytest.raises(
        TrainingError, match=r"8 conversations in a step for 9 processes.*batch_conversations"
    ):
        ready.plan(known, 9)
    frozen = load_config(run_file, [*settings, "connector=frozen"])
    ready = get_ready(frozen, frozen.stages[0], frozen.model, tmp_path)
    assert ready.plan(known, 4).rows == 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_quantized_weights_need_a_gpu(run_file: Path) -> None:
    with pytest.raises(VsdError, match="GPU") as caught:
        stages.run(load_config(run_file, ["quantize=4bit"]))
    assert "\n" not in str(caught.value)


def test_boxes_need_a_known_convention(run_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    own = readiness.read_config
    monkeypatch.setattr(
        readiness, "read_config", lambda spec: (own(spec)[0], replace(own(spec)[1], boxes=None))
    )
    with pytest.raises(UsageError, match="how LLaVA writes boxes is not known"):
        stages.run(load_config(run_file, ["boxes=true"]))


@pytest.mark.parametrize("family", ["llava-next-mistral", "qwen2.5-vl"])
@pytest.mark.parametrize("vision", ["frozen", "full"])
def test_other_families_train_in_half_precision(tmp_path: Path, family: str, vision: str) -> None:
    path = settings(tmp_path, family=family, images=4, each=2)
    config = load_config(path, ["max_steps=2", "dtype=bfloat16", "batch_conversations=4", f"vision={vision}"])
    (result,) = stages.run(config)
    assert len(curve(config.output)) == 2
    assert (result / "language/adapter_config.json").is_file()
    assert ImageStore(config.images).missing(["1", "2", "3", "4"]) == []
