"""The command `vsd fetch` as a user meets it: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from llava_vsd.cli import main
from llava_vsd.data.web import Patience


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["fetch", *arguments])
    return int(end.value.code or 0)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llava_vsd.data.web.Patience", lambda: Patience(tries=2, sleep=lambda seconds: None))


@pytest.fixture
def items(tmp_path: Path) -> Path:
    box = [0, 9, 0, 9]
    triple = {"subject": "cat", "object": "mat", "relation": "on", "subject_box": box, "object_box": box}
    path = tmp_path / "items.jsonl"
    images = ("5", "120", "3_ab.jpg")
    rows = ({"id": f"v1-val-{image}", "image": image, "triples": [triple]} for image in images)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_table_says_what_was_done(site: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("vsdv1", "--to", str(tmp_path / "data")) == 0
    out, err = capsys.readouterr()
    rows = [line.split() for line in out.splitlines()]
    assert rows[0][:3] == ["name", "file", "state"]
    assert ["vsdv1", "VSDv1/val.json", "fetched", "19", "published", "sha256"] in rows
    assert err == ""


def test_the_images_of_items_come_and_the_report_is_json(
    site: Any, items: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run("vg", "spatialsense", "vg", "--items", str(items), "--to", str(tmp_path / "data"), "--json") == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["images"], one["written"], one["missing"]) for one in report] == [
        ("vg", 2, 2, []),
        ("spatialsense", 1, 1, []),
    ]
    assert [file["state"] for file in report[0]["files"]] == ["ranges", "ranges"]
    assert sorted(path.name for path in (tmp_path / "data").rglob("*.jpg")) == [
        "120.jpg",
        "3_ab.jpg",
        "5.jpg",
    ]


def test_images_that_no_archive_holds_are_an_error_after_all_others_have_come(
    site: Any, items: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items.write_text(items.read_text().replace('"image": "120"', '"image": "4711"'))
    assert run("vg", "--items", str(items), "--to", str(tmp_path / "data")) == 1
    out, err = capsys.readouterr()
    assert "vg: 2 images: 1 written, 0 there before, 1 missing\n" in out
    assert err == "vsd: vg: 1 of 2 images are not there: 4711\n"
    assert (tmp_path / "data/VG_100K/5.jpg").exists()


def test_a_name_that_fails_does_not_keep_the_next_from_coming(
    site: Any, items: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], mood: Any
) -> None:
    site.files["VSDv1/val.json"].moods = [mood(status=404)] * 9
    assert run("vsdv1", "vg", "--items", str(items), "--to", str(tmp_path / "data")) == 1
    out, err = capsys.readouterr()
    assert "vg: 2 images: 2 written, 0 there before, 0 missing\n" in out
    assert err.startswith(f"vsd: {site.url('VSDv1/val.json')}: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["coco"],
            2,
            "vsd: nothing is known under the name 'coco'; known are vsdv1, vsdv2, vg, spatialsense",
        ),
        (["vsdv1", "--url", "http://x", "--from", "y"], 2, "vsd: --url and --from exclude each other"),
        (
            ["vsdv1", "--items", "no.jsonl"],
            2,
            "vsd: --items chooses images, and vsdv1 has none (but vg, spatialsense)",
        ),
        (["vg", "--items", "no.jsonl"], 1, "vsd: no.jsonl: no such file"),
        (["vg", "--from", "nowhere"], 1, "vsd: nowhere: cannot be read: No such file or directory"),
        (["spatialsense", "--partial"], 2, "vsd: spatialsense: only zip archives can be taken in part"),
        (
            ["vsdv1", "--url", "nonsense"],
            1,
            "vsd: nonsense/VSDv1/val.json: not an address that starts with http",
        ),
    ],
)
def test_errors_are_one_line(
    site: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    assert run(*arguments, "--to", str(tmp_path / "data")) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)
    assert err.count("\n") == 1


def test_waits_and_detours_are_told_on_stderr(
    site: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], mood: Any
) -> None:
    site.files["VSDv1/val.json"].moods = [mood(status=503)]
    assert run("vsdv1", "--to", str(tmp_path), "--json") == 0
    out, err = capsys.readouterr()
    note = f"{site.url('VSDv1/val.json')}: the server answers 503 Service Unavailable; trying again in 1 s"
    assert err == f"vsd: {note}\n"
    assert json.loads(out)[0]["notes"] == [note]


def test_a_terminal_sees_progress_with_rate_and_time_left(
    site: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    assert run("vg", "--to", str(tmp_path), "--json") == 0
    out, err = capsys.readouterr()
    json.loads(out)
    assert "\x1b[" in err
    assert "unpacking images2.zip" in err


RUN = """
from llava_vsd.cli import main
from llava_vsd.data.sources import SOURCES, Published, Source
SOURCES["small"] = Source("small", "", "", (), (Published("train.json"),))
main()
"""


def test_after_kills_and_ctrl_c_the_same_command_goes_on(server: Any, tmp_path: Path, mood: Any) -> None:
    body = json.dumps(["x" * 400_000]).encode()
    file = server.put("train.json", body, moods=[mood(stall=100_000) for _ in range(3)])
    command = [sys.executable, "-c", RUN, "fetch", "small", "--to", str(tmp_path), "--url", server.url()]
    part = tmp_path / "train.json.part"
    for number, message in (
        (signal.SIGKILL, ""),
        (signal.SIGKILL, ""),
        (signal.SIGINT, "vsd: interrupted; nothing is half-written, the same command goes on from here\n"),
    ):
        enough = (part.stat().st_size if part.exists() else 0) + 80_000  # of the 100,000 that come
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
            until = time.monotonic() + 20
            while not (part.exists() and part.stat().st_size > enough) and time.monotonic() < until:
                time.sleep(0.01)
            process.send_signal(number)
            _, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (130 if message else -number, message)
    last = subprocess.run(command, stderr=subprocess.PIPE, text=True, env=os.environ, timeout=20)
    assert (tmp_path / "train.json").read_bytes() == body
    starts = [int(request.get("Range", "bytes=0-")[6:-1]) for request in file.requests]
    assert len(starts) == 4
    assert all(start > 80_000 * run for run, start in enumerate(starts[1:], 1))
    assert (last.returncode, last.stderr) == (0, "")
