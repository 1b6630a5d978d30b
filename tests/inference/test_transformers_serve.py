"""Against a real server: `transformers serve` with a tiny random LLaVA, which must say what `generate` says here."""

import os
import random
import socket
import subprocess
import sys
import time

import httpx
import pytest
from PIL import Image

from llava_vsd.data.images import ImageStore
from llava_vsd.data.probes import probed, shown
from llava_vsd.data.prompts import ask
from llava_vsd.inference.openai import Asking
from llava_vsd.predict import load_engine
from llava_vsd.schema import Item

for needed in ("torch", "transformers", "fastapi", "uvicorn", "openai"):
    pytest.importorskip(needed, reason=f"`transformers serve` needs {needed}, which the dev extra brings")

TOKENS = 24
ITEMS = [
    Item.model_validate(
        {
            "id": f"i{number}", "image": f"{number}",
            "triples": [{"subject": subject, "object": "sofa", "relation": "on",
                         "subject_box": (0, 9, 0, 9), "object_box": (5, 20, 0, 30)}],
        }
    )
    for number, subject in enumerate(("cat", "lamp"))
]  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a tiny LLaVA, the model, and its processor; weights large enough that a picture changes words."""
    import torch

    from tiny_models import tiny

    llava, processor = tiny("llava-clip-vicuna")
    with torch.no_grad():
        for weights in llava.parameters():
            weights.mul_(8 if weights.ndim > 1 else 1)
    folder = tmp_path_factory.mktemp("model")
    llava.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder, llava, processor


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder, draw = tmp_path_factory.mktemp("pictures"), random.Random(0)
    for item in ITEMS:
        picture = Image.new("RGB", (40, 30))
        picture.putdata([tuple(draw.randrange(256) for _ in range(3)) for _ in range(40 * 30)])
        picture.save(folder / f"{item.image}.png")
    return folder


@pytest.fixture(scope="module")
def server(model):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    script = "from transformers.cli.transformers import main; main()"
    command = [
        sys.executable,
        "-c",
        script,
        "serve",
        str(model[0]),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    process = subprocess.Popen(
        [*command, "--device", "cpu", "--dtype", "float32"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"the server did not start: {process.communicate()[0].decode()[-2000:]}")
            try:
                httpx.get(f"http://127.0.0.1:{port}/health", timeout=1).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.communicate()


def generated(model, picture, question):
    _, llava, processor = model
    content = [{"type": "image"}, {"type": "text", "text": question}]
    prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    inputs = processor(images=picture, text=prompt, return_tensors="pt")
    ids = llava.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
    return processor.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


def test_the_server_sees_the_picture_and_says_what_the_model_says_here(model, pictures, server):
    images = ImageStore(pictures)
    engine = load_engine(f"openai:{server}", images=images, asking=Asking(max_tokens=TOKENS, at_once=3))
    assert engine.model == str(model[0])
    assert (engine.settings["choice"], engine.settings["scores"]) == ("text", False)  # it has neither
    asked = [*ITEMS, probed(ITEMS[0], "mirror"), probed(ITEMS[0], "blank"), probed(ITEMS[0], "swap")]
    said = list(engine.predict(asked))
    for item, answer in zip(asked, said, strict=True):
        picture = shown(images.open(item.image), item.probe)
        assert answer.raw["relations"][0][0] == generated(model, picture, ask("classify", item.pair))
        assert answer.raw["description"] == generated(model, picture, ask("describe", item.pair))
        assert answer.raw["descriptions"] == generated(model, picture, ask("diversify", item.pair))
    assert len({answer.raw["description"] for answer in said}) == len(said)  # each change was seen
