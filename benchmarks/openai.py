"""What the openai engine costs besides the server: items a second against one that answers after a fixed time.

The bound is concurrency / (requests an item x that time). The server is a process of its own; a picture of the size of
VSD's goes with every question.

    python benchmarks/openai.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from llava_vsd.data.images import ImageStore
from llava_vsd.inference.openai import Asking, OpenAI
from llava_vsd.schema import Item

REQUESTS = 3
PICTURE = 60_000  # bytes; half of VSD's pictures are smaller


def serve(seconds: float, tell: Connection) -> None:
    """A server that says `on` after so many seconds."""
    content = json.dumps({"choices": [{"message": {"content": "on"}, "finish_reason": "stop"}]}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                await asyncio.sleep(seconds)
                writer.write(answer)
        except asyncio.IncompleteReadError:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 20)
        tell.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def main() -> None:
    """Prints a table: concurrency, items a second, bound, processor time an item."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--items", type=int, default=600)
    options.add_argument("--seconds", type=float, default=0.2, help="that the server takes for an answer")
    chosen = options.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(chosen.seconds, theirs), daemon=True)
    server.start()
    box = (0, 9, 0, 9)
    triple = {"subject": "cup", "object": "table", "relation": "on", "subject_box": box, "object_box": box}
    items = [
        Item.model_validate({"id": f"i{n}", "image": f"{n % 50}", "triples": [triple]})
        for n in range(chosen.items)
    ]
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    print(f"{chosen.items} items, {REQUESTS} requests each, {chosen.seconds:g} s an answer")
    print("concurrency  items/s   bound   share  processor ms/item")
    with tempfile.TemporaryDirectory() as folder:
        write_pictures(Path(folder))
        url = f"http://127.0.0.1:{ours.recv()}/v1#m"
        for at_once in (1, 8, 32, 64, 128):
            engine = OpenAI(url, ImageStore(folder), Asking(choice="text", at_once=at_once))
            some = items[: max(5, min(len(items), 10 * at_once))]
            start, used = time.perf_counter(), time.process_time()
            answered = sum(1 for _ in engine.predict(some))
            seconds, used = time.perf_counter() - start, time.process_time() - used
            assert answered == len(some)
            bound = at_once / (REQUESTS * chosen.seconds)
            rate = len(some) / seconds
            print(
                f"{at_once:11} {rate:8.1f} {bound:7.1f} {rate / bound:6.0%} {1000 * used / len(some):10.2f}"
            )
    server.terminate()


def write_pictures(folder: Path) -> None:
    """Pictures that look like JPEG, of the usual size; nothing decodes them."""
    from PIL import Image

    for number in range(50):
        path = folder / f"{number}.jpg"
        Image.new("RGB", (500, 375), (number, 0, 0)).save(path, "JPEG")
        with path.open("ab") as file:
            file.write(os.urandom(PICTURE - path.stat().st_size))


if __name__ == "__main__":
    main()
