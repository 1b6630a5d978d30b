"""How many tokens a picture takes, known from its size, and checked against what the processor makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llava_vsd.errors import TemplateError

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

Size = tuple[int, int]
"""Height and width in pixels."""

_PROBES: tuple[Size, ...] = ((61, 250), (333, 74))
_TEXT_KEYS = frozenset({"input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids"})


class ImageTokens:
    """Counts and makes a processor's image tokens.

    A processor has a formula for the count, which is not always right (LLaVA's asks for a crop that SigLIP does not
    make). At the start it is tried on two odd sizes. Where it fails or differs from the tokens that the processor
    writes, a blank picture of each new size is processed instead, once: one for all sizes where the processor brings
    every picture to the same height and width.
    """

    def __init__(self, processor: Any, name: str) -> None:
        self._processor = processor
        self._name = name
        self.token: str = processor.image_token
        self.id: int = processor.tokenizer.convert_tokens_to_ids(self.token)
        self._counts: dict[Size, int] = {}
        self._resized: dict[Size, Size] = {}
        measured = [self._measured(size) for size in _PROBES]
        self.has_formula = measured == [self._formula(size) for size in _PROBES]
        images = processor.image_processor
        fixed = bool(images.do_resize and images.size.get("height") and images.size.get("width"))
        self._only = measured[0] if fixed and len(set(measured)) == 1 else None

    def count(self, height: int, width: int) -> int:
        """Tokens of a picture of this size.

        Raises:
            ValueError: the processor refuses the size (Qwen2.5-VL: one side over 200 times the other).
        """
        size = (height, width)
        found = self._counts.get(size)
        if found is None:
            found = self._formula(size) if self.has_formula else self._only
            found = self._counts[size] = self._measured(size) if found is None else found
        return found

    def pixels(self, image: Image) -> dict[str, Tensor]:
        """What the model takes of a picture: `pixel_values` and, by family, `image_sizes` or `image_grid_thw`.

        Raises:
            TemplateError: the picture does not make as many tokens as `count` says.
        """
        made = self._processed(image.convert("RGB"))
        expected, found = self.count(image.height, image.width), int((made["input_ids"] == self.id).sum())
        if found != expected:
            raise TemplateError(
                self._name,
                f"a picture of {image.height} x {image.width} makes {found} image tokens; expected {expected}",
            )
        return {key: value for key, value in made.items() if key not in _TEXT_KEYS}

    def resized(self, height: int, width: int) -> Size:
        """Height and width to which a processor with a grid of patches (Qwen2.5-VL) brings a picture.

        Raises:
            TemplateError: the processor has no such grid.
        """
        size = (height, width)
        if size not in self._resized:
            made = self._processed(_blank(size))
            if "image_grid_thw" not in made:
                raise TemplateError(
                    self._name,
                    "boxes in pixels after resizing need image_grid_thw, which the processor does not give",
                )
            patch = self._processor.image_processor.patch_size
            _, rows, columns = made["image_grid_thw"][0].tolist()
            self._resized[size] = (rows * patch, columns * patch)
        return self._resized[size]

    def _formula(self, size: Size) -> int | None:
        try:
            return int(self._processor._get_num_multimodal_tokens(image_sizes=[size])["num_image_tokens"][0])
        except (AttributeError, TypeError, KeyError):  # this processor has none, or not for these settings
            return None

    def _measured(self, size: Size) -> int:
        return int((self._processed(_blank(size))["input_ids"] == self.id).sum())

    def _processed(self, image: Image) -> dict[str, Any]:
        return dict(self._processor(text=[self.token], images=[image], return_tensors="pt"))


def _blank(size: Size) -> Image:
    from PIL import Image

    return Image.new("RGB", (size[1], size[0]))
