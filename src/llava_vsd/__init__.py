"""Visual spatial description: data, answers and scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llava_vsd.describe import Describer

__version__ = "0.1.0"


def load_model(spec: str = "small") -> Describer:
    """A model to ask about pictures: `load_model().describe("room.jpg", "cat", "sofa").relation`.

    Args:
        spec: `small`, the model that ships, which knows rendered rooms only; or as `vsd predict --model` takes it.
    """
    from llava_vsd.describe import Describer

    return Describer(spec)
