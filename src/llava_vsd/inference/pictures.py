"""Pictures as data URIs, which servers of the OpenAI form take within a question."""

from __future__ import annotations

import base64
import io

from llava_vsd.data.images import ImageStore
from llava_vsd.data.probes import shown
from llava_vsd.errors import FileError
from llava_vsd.schema import Probe

_HEADS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def data_uri(
    images: ImageStore, image: str, *, probe: Probe | None = None, max_side: int | None = None
) -> str:
    """A picture as a data URI.

    The file's own bytes where it is a JPEG or PNG that fits; else a PNG, which loses nothing more.

    Args:
        images: where it is.
        image: its id.
        probe: show it mirrored, or blank.
        max_side: shrink it so that neither side is longer, in pixels.

    Raises:
        MissingImagesError: it is not there.
        FileError: it cannot be read, or is not a whole image; names id and path.
    """
    width, height = images.size(image)
    fits = max_side is None or max(width, height) <= max_side
    if fits and probe not in ("mirror", "blank"):
        path = images.path(image)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise FileError(path, f"image {image} cannot be read: {error.strerror}") from None
        kind = next((kind for head, kind in _HEADS.items() if content.startswith(head)), None)
        if kind:
            return _uri(kind, content)
    picture = images.open(image)
    if picture.mode not in ("RGB", "L"):
        picture = picture.convert("RGB")
    if max_side is not None:
        picture.thumbnail((max_side, max_side))
    out = io.BytesIO()
    shown(picture, probe).save(out, "PNG", compress_level=1)
    return _uri("image/png", out.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
