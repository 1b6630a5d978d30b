from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from llava_vsd.config import load_config
from llava_vsd.data.images import ImageStore
from llava_vsd.jsonl import read_rows
from llava_vsd.model.adapters import prepare
from llava_vsd.model.load import load
from llava_vsd.schema import Conversation
from llava_vsd.train.check import check
from llava_vsd.train.memory import GIB
from stand_ins import conversations, pictures, vsd

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


def test_the_figures_are_those_of_the_encoded_conversations(run_file: Path, tmp_path: Path) -> None:
    config = load_config(run_file)
    report = check(config, config.stages[0], config.model, tmp_path, lambda done, total: None)
    loaded = load(config.model, dtype="float32", device="cpu")
    store = ImageStore(config.images)
    alone = text = learned = 0
    images: dict[str, int] = {}
    rows = list(read_rows(config.stages[0].data[0], Conversation))
    for row in rows:
        content = [{"type": "text", "text": row.turns[0].text}]
        if row.image:
            content.insert(0, {"type": "image"})
        asked = [{"role": "user", "content": content}]
        answer = [{"role": "assistant", "content": [{"type": "text", "text": row.turns[1].text}]}]
        pictures = {"images": [store.open(row.image)]} if row.image else {}
        ids = loaded.processor(
            text=[loaded.processor.apply_chat_template(asked + answer).rstrip() + "</s>"], **pictures
        )["input_ids"][0]
        prompt = loaded.processor(
            text=[loaded.processor.apply_chat_template(asked, add_generation_prompt=True)], **pictures
        )["input_ids"][0]
        image_id = loaded.model.config.image_token_index
        prefix = len(ids) - ids[::-1].index(image_id) if row.image else 0
        alone += len(ids)
        text += len(ids) - prefix
        learned += len(ids) - len(prompt)
        images[row.image or ""] = prefix
    assert report.alone == alone
    assert (report.tokens["text"], report.tokens["learned"]) == (text, learned)
    assert report.tokens["padding"] == 0
    pictured = [row for row in rows if row.image]
    assert (report.conversations, report.images) == (len(rows), len(images) - 1)
    assert report.tokens["image"] >= sum(images.values())  # a picture that is torn apart counts twice
    assert report.share_saved == pytest.approx(
        1 - report.tokens["image"] / sum(images[row.image or ""] for row in pictured)
    )
    assert report.steps == len(rows) // 8
    model = prepare(loaded, config.stages[0])
    assert report.trained == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert sum(report.parameters.values()) == sum(
        p.numel() for p in load(config.model, device="cpu").model.parameters()
    )
    part = check(
        load_config(run_file, ["max_steps=2"]),
        config.stages[0].model_copy(update={"max_steps": 2}),
        config.model,
        tmp_path,
        lambda done, total: None,
    )
    assert part.steps == 2
    assert part.alone < report.alone
    assert 0 < part.share_saved < 1
    assert report.longest[0]["tokens"] == max(row["tokens"] for row in report.longest) <= 400


def test_what_a_tower_that_learns_keeps_is_counted(
    run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["train", str(run_file), "--dry-run", "--json", "max_steps=1", "gradient_checkpointing=false"]

    def report(*more: str) -> Any:
        assert vsd(*arguments, *more) == 0
        return json.loads(capsys.readouterr().out)[0]

    frozen, learning = report(), report("vision=full")
    rows = learning["longest"]
    assert frozen["patches"] == 0
    assert len(rows) == learning["rows_a_step"]  # all of them
    assert learning["patches"] == (1 + (32 // 8) ** 2) * max(row["pictures"] for row in rows)
    kept = [one["memory"]["ddp"]["1"]["activations"] * GIB for one in (frozen, learning)]
    layer = 4 * 2 * 24 + 2 * (8 * 24 + 3 * 32)  # bytes of a patch, the tower's three layers 24 and 32 wide
    assert kept[1] - kept[0] == pytest.approx(3 * layer * learning["patches"])
    monkeypatch.setattr("llava_vsd.model.features._LAYERED", ())
    assert report("vision=full")["patches"] is None
    assert vsd("train", str(run_file), "--dry-run", "vision=full") == 0
    assert "without what the vision tower of LLaVA keeps: not known" in capsys.readouterr().out


def test_every_bad_sample_is_listed_with_its_id(
    run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "images"
    data = conversations(tmp_path / "data.jsonl", pictures(images, 3), each=2)
    whole = (images / "2.png").read_bytes()
    (images / "2.png").write_bytes(whole[: len(whole) // 2])  # its head is whole, its pixels are not
    turns = [{"role": "user", "text": "x"}, {"role": "assistant", "text": "a cat. " * 300}]
    with data.open("a") as file:
        for name, image, said in (
            ("long", "1", turns),
            ("lost", "9", turns[:1] + turns[1:]),
            ("mute", "3", turns[:1]),
        ):
            file.write(json.dumps({"id": name, "task": "chat", "image": image, "turns": said}) + "\n")
        file.write('{"id": "broken"\n')
    arguments = ["train", str(run_file), f"data=[{data}]", f"images=[{images}]", "--dry-run"]
    assert vsd(*arguments) == 1
    out, err = capsys.readouterr()
    told = [line for line in out.splitlines() if line.startswith("bad sample: ")]
    of_broken = sum('"image": "2"' in line for line in data.read_text().splitlines())
    assert len(told) == 4 + of_broken
    assert (
        sum("image 2 cannot be decoded" in line and "vsd-2/describe/" in line for line in told) == of_broken
    )
    for name, reason in (
        ("long", "tokens, 16 of them the image's; expected 400 at most"),
        ("lost", "images are not there: 9"),
        ("mute", "no answer at the end"),
    ):
        assert any(f": {name}: " in line and reason in line for line in told), (name, told)
    assert any("not JSON" in line or "JSON" in line for line in told)
    assert f"vsd: {len(told)} samples cannot be learned from" in err
    assert vsd(*arguments, "skip_bad=true", "--json") == 0
    report = json.loads(capsys.readouterr().out)[0]
    assert len(report["faults"]) == len(told)
    assert not (run_file.parent / "out").exists()


def test_entries_of_llava_json_that_are_no_conversations_are_listed_too(
    run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [{"from": "human", "value": "<image>\nwhere?"}, {"from": "gpt", "value": "on it"}]
    entries = [{"id": f"e{place}", "image": "1.png", "conversations": said} for place in range(5)]
    entries[1]["image"] = ["1.png", "2.png"]
    entries[3]["conversations"] = said[:1]
    data = tmp_path / "llava.json"
    data.write_text(json.dumps(entries))
    one = f"{{stage: connector, data: [{data}], skip_bad: true, max_tokens: 400}}"
    assert vsd("train", run_file, f"data=[{data}]", "--dry-run") == 1
    out, err = capsys.readouterr()
    assert f"bad sample: {data}: entry 1 (id e1): image: 2 images; expected one at most" in out
    assert f"bad sample: {data}: entry 3 (id e3): conversations: turns of user" in out
    assert "3 conversations, 1 pictures, 2 bad samples" in out
    assert "vsd: 2 samples cannot be learned from" in err
    two = load_config(run_file).stages[0].data[0]
    # What one stage leaves out does not count against another that leaves out nothing.
    stages = f"stages=[{one}, {{stage: vsd, data: [{two}], max_tokens: 400}}]"
    assert vsd("train", run_file, stages, "--dry-run") == 0


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_that_ships_can_be_run(
    path: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a tiny model and a little data in place of the published ones."""
    own = load_config(path)
    assert own.stages[-1].stage == "vsd"
    data = f"data=[{made / 'data.jsonl'}]"
    model, images = f"model={made / 'model'}", f"images=[{made / 'images'}]"
    assert vsd("train", path, model, data, images, "workers=0", "--dry-run") == 0
    out = capsys.readouterr().out
    assert out.count("stage ") == len(own.stages)
    assert "share of the image saved" in out


def test_the_papers_config_holds_the_papers_settings() -> None:
    path = next(path for path in CONFIGS if path.stem == "llava-v1.6-vicuna-13b")
    config = load_config(path)
    (stage,) = config.stages
    assert config.model == "llava-hf/llava-v1.6-vicuna-13b-hf"
    assert (stage.epochs, stage.learning_rate, stage.batch_conversations) == (1, 2e-4, 16)
    assert (stage.warmup_share, stage.schedule) == (0.03, "cosine")
    assert (stage.lora.rank, stage.lora.alpha, stage.connector_learning_rate) == (128, 256, 2e-5)
    assert (stage.vision, stage.language, stage.boxes, stage.mirror) == ("frozen", "lora", False, False)


def test_a_picture_without_its_pixels_is_found_only_by_opening_it_whole(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (1, 2, 3)).save(tmp_path / "1.png")
    whole = (tmp_path / "1.png").read_bytes()
    (tmp_path / "1.png").write_bytes(whole[:-20])
    assert ImageStore(tmp_path).size("1") == (64, 64)
