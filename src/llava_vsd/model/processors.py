"""Processors of families that take videos too, without that part, which needs torchvision and which VSD never uses."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def pictures_only(kind: Any) -> Any:
    """A processor class like `kind` without its video processor.

    Args:
        kind: a subclass of `ProcessorMixin`.

    Returns:
        a subclass of `kind`, always the same one. It bears its name, so that what it saves names the class that other
        tools know.
    """

    class PicturesOnly(kind):  # type: ignore[misc]
        @classmethod
        def get_attributes(cls) -> list[str]:
            return [name for name in kind.get_attributes() if name != "video_processor"]

        def save_pretrained(self, save_directory: Any, **options: Any) -> Any:
            # Also in a file of its own, from which `kind` makes a video processor where it has no settings for one.
            self.image_processor.save_pretrained(save_directory)
            return super().save_pretrained(save_directory, **options)

        def __reduce__(self) -> tuple[Any, ...]:  # a class made here cannot be found by its name
            return _empty, (kind,), self.__dict__

    PicturesOnly.__name__ = PicturesOnly.__qualname__ = kind.__name__
    PicturesOnly.__doc__ = kind.__doc__
    return PicturesOnly


def _empty(kind: Any) -> Any:
    made = pictures_only(kind)
    return made.__new__(made)
