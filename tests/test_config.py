from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.config import Config, Stage, load_config
from llava_vsd.errors import FileError, RowError, UsageError

RUN = """\
model: some/model
output: out
stages:
  - stage: connector
    data: [captions.json]
  - stage: vsd
    data: [a.jsonl, b.jsonl]
    lora:
      rank: 8
"""


def written(folder: Path, text: str = RUN) -> Path:
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_a_stage_does_not_say_comes_from_its_preset(tmp_path: Path) -> None:
    config = load_config(written(tmp_path))
    connector, vsd = config.stages
    assert (connector.language, connector.learning_rate, connector.batch_conversations) == (
        "frozen",
        1e-3,
        256,
    )
    assert (vsd.language, vsd.learning_rate, vsd.connector_learning_rate) == ("lora", 2e-4, 2e-5)
    assert (vsd.batch_conversations, vsd.epochs, vsd.warmup_share, vsd.schedule) == (16, 1, 0.03, "cosine")
    assert (vsd.lora.rank, vsd.lora.alpha) == (8, 256)
    assert vsd.data == [Path("a.jsonl"), Path("b.jsonl")]


def test_overrides_go_to_their_place_or_to_every_stage(tmp_path: Path) -> None:
    config = load_config(
        written(tmp_path),
        [
            "seed=3",
            "stages.1.learning_rate=1e-5",
            "lora.alpha=4",
            "max_steps=2",
            "images=[x, y]",
            "attention=sdpa",
        ],
    )
    assert (config.seed, config.attention) == (3, "sdpa")
    assert [stage.learning_rate for stage in config.stages] == [1e-3, 1e-5]
    assert [stage.lora.alpha for stage in config.stages] == [4, 4]
    assert [stage.lora.rank for stage in config.stages] == [128, 8]
    assert [stage.max_steps for stage in config.stages] == [2, 2]
    assert [config.folders(stage) for stage in config.stages] == [[Path("x"), Path("y")]] * 2


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        (
            RUN.replace("seed", "x") + "sed: 1\n",
            [],
            r"run.yaml: line 10: sed: unknown key; did you mean seed\?",
        ),
        (RUN.replace("rank", "rnk"), [], r"line 9: stages\[1\].lora.rnk: unknown key; did you mean rank\?"),
        (RUN.replace("rank: 8", "xyz: 8"), [], r"line 9: .*known are rank, alpha, dropout, targets"),
        (
            RUN.replace("rank: 8", "rank: many"),
            [],
            r"line 9: stages\[1\].lora.rank: .*integer.*found \"many\"",
        ),
        (
            RUN.replace("stage: vsd", "stage: vds"),
            [],
            r"line 6: stages\[1\].stage: .*'connector', 'instruct' or 'vsd'",
        ),
        (RUN.replace("output: out\n", ""), [], r"line 1: output: missing; expected a value"),
        (
            RUN.replace("    data: [captions.json]\n", ""),
            [],
            r"line 4: stages\[0\].data: missing; expected a list",
        ),
        (
            RUN,
            ["workers=-1"],
            r"workers=-1 on the command line: workers: .*greater than or equal to 0, found -1",
        ),
        (RUN, ["lerning_rate=1"], r"lerning_rate=1 on the command line: lerning_rate: unknown key"),
        (RUN, ["stages.0.lora.rank=0"], r"stages.0.lora.rank=0 on the command line: stages\[0\].lora.rank: "),
        (RUN.replace("stage: connector", "stage: vsd"), [], r"stages: vsd, vsd; expected each stage once"),
        (RUN, ["connector=frozen"], r"stages\[0\]: every part is frozen"),
        (RUN, ["row_tokens=100"], r"row_tokens is 100; expected at least max_tokens \(4096\)"),
        (RUN, ["quantize=4bit"], r"expected language: lora"),
    ],
)
def test_a_fault_names_file_place_key_and_what_was_expected(
    tmp_path: Path, text: str, overrides: list[str], message: str
) -> None:
    with pytest.raises(RowError, match=message) as caught:
        load_config(written(tmp_path, text), overrides)
    assert caught.value.path == tmp_path / "run.yaml"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: [a\n", r"line 2, column 1: not YAML"),
        ("", "no settings; expected a YAML mapping"),
        ("- a\n", "no settings; expected a YAML mapping"),
    ],
)
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FileError, match=message):
        load_config(written(tmp_path, text))
    with pytest.raises(FileError, match="no such file"):
        load_config(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "expected key=value"),
        ("=1", "expected key=value"),
        ("stages.5.seed=1", "leads nowhere: stages holds 2 entries"),
        ("model.x=1", "leads nowhere: model holds no settings"),
        ("seed=[", "not YAML"),
    ],
)
def test_an_override_that_leads_nowhere_is_wrong_usage(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_config(written(tmp_path), [override])


@given(st.sampled_from(sorted({*Config.model_fields, *Stage.model_fields})), st.integers(0, 30))
def test_a_mistyped_key_is_answered_with_the_right_one(key: str, at: int) -> None:
    import tempfile

    at %= len(key)
    mistyped = key[:at] + "q" + key[at:]
    owner = "stages.0." if key in Stage.model_fields else ""
    with tempfile.TemporaryDirectory() as folder, pytest.raises(RowError) as caught:
        load_config(written(Path(folder)), [f"{owner}{mistyped}=1"])
    assert f"did you mean {key}?" in str(caught.value)
