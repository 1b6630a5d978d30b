"""Measures what ranges save on an archive in the shape of Visual Genome's first: 64,346 members, 9.7 GB (sparse).

    python benchmarks/fetch.py [--images 4000] [--latency 0.05] [--members 64346]

Serves the archive on 127.0.0.1 with so many seconds before each answer, takes the images out by ranges, and prints
requests, bytes, time and peak memory; then looks through a folder of as many (empty) files as Visual Genome has.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import tempfile
import threading
import time
import zipfile
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Process, Queue
from pathlib import Path
from typing import Any

from llava_vsd.data.archives import unpack
from llava_vsd.data.images import ImageStore
from llava_vsd.data.remote import RemoteZip
from llava_vsd.data.sources import IMAGES, SOURCES
from llava_vsd.data.web import Logged, Web

WHOLE = 64_346 + 43_903
"""Images in both archives."""


def make(path: Path, members: int) -> None:
    """A stored zip whose members are zeros, about 151 kB each, and take no room on the disk."""
    sizes = random.Random(0)
    sums: dict[int, int] = {}
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive, path.open("r+b") as file:
        offset = 0
        for number in range(members):
            info = zipfile.ZipInfo(f"VG_100K/{2_315_000 + number}.jpg")
            info.file_size = info.compress_size = (
                min(600, max(30, round(sizes.lognormvariate(4.95, 0.4)))) * 1000
            )
            if info.file_size not in sums:
                sums[info.file_size] = zlib.crc32(bytes(info.file_size))
            info.CRC, info.header_offset = sums[info.file_size], offset
            header = info.FileHeader()
            file.seek(offset)
            file.write(header)
            offset += len(header) + info.file_size
            archive.filelist.append(info)
            archive.NameToInfo[info.filename] = info
        file.truncate(offset)
        file.flush()
        archive.start_dir, archive._didModify = offset, True  # type: ignore[attr-defined]


def serve(path: Path, latency: float, ports: Queue[int], counts: Queue[tuple[int, int]]) -> None:
    """Answers ranges; puts requests and bytes so far into `counts` when asked for /counts."""
    requests, sent, lock = 0, 0, threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            nonlocal requests, sent
            if self.path == "/counts":
                counts.put((requests, sent))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            time.sleep(latency)
            match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
            assert match
            first, last, total = int(match[1]), int(match[2]), path.stat().st_size
            with lock:
                requests, sent = requests + 1, sent + last + 1 - first
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
            self.send_header("Content-Length", str(last + 1 - first))
            self.send_header("ETag", '"bench"')
            self.end_headers()
            self.wfile.flush()
            with path.open("rb") as file:
                left = last + 1 - first
                while left:
                    left -= os.sendfile(self.connection.fileno(), file.fileno(), last + 1 - left, left)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ports.put(server.server_port)
    server.serve_forever()


def main() -> None:
    """Runs all and prints the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer")
    parser.add_argument("--members", type=int, default=64_346)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "images.zip")
        make(archive, options.members)
        size = archive.stat().st_size
        ports: Queue[int] = Queue()
        counts: Queue[tuple[int, int]] = Queue()
        server = Process(target=serve, args=(archive, options.latency, ports, counts), daemon=True)
        server.start()
        address = f"http://127.0.0.1:{ports.get()}/"
        with Web() as web:
            started = time.perf_counter()
            remote = RemoteZip(web, address + "images.zip", web.look(address + "images.zip"))
            opened = time.perf_counter()
            names = set(
                random.Random(1).sample(sorted(info.filename for info in remote._infos), options.images)
            )
            done = unpack(remote, Path(folder, "to"), IMAGES.fullmatch, names.__contains__, Logged())
            finished = time.perf_counter()
            with web.open(address + "counts", {}):
                pass
        requests, sent = counts.get()
        server.terminate()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"archive: {options.members:,} members, {size:,} bytes; published: {SOURCES['vg'].files[0].bytes:,}"
        )
        print(f"directory read in {opened - started:.1f} s")
        print(f"{done.written:,} images, {done.bytes:,} bytes, in {finished - opened:.1f} s")
        print(f"{requests:,} requests, {sent:,} bytes over the line: {sent / size:.1%} of the archive")
        print(f"peak memory {peak:,.0f} MiB")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(WHOLE):
            os.close(os.open(f"{folder}/{number}.jpg", os.O_CREAT | os.O_WRONLY))
        started = time.perf_counter()
        count = len(ImageStore(folder))
        print(f"image store: {count:,} files looked through in {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main()
