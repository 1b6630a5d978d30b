"""Scenes put together by hand, without the code that arranges them."""

from __future__ import annotations

import numpy as np
import pytest

from llava_vsd.rooms.built import BUILT
from llava_vsd.rooms.render import look
from llava_vsd.rooms.scene import SIDE, Camera, Placed, Scene
from llava_vsd.rooms.shell import build_shell
from llava_vsd.rooms.truth import Truth


class Stage:
    """Things at given places, before a camera that looks along +y from (0, -distance, height) at (0, 0, aim)."""

    def scene(self, *things, distance=2.5, height=0.9, aim=0.4, back=3.0):
        placed = []
        for model, name, place in things:
            mesh = (BUILT[model]() if isinstance(model, str) else model).moved(place)
            placed.append(Placed(name, name, mesh))
        camera = Camera.looking((0, -distance, height), (0, 0, aim), 1.2 * SIDE)
        random = np.random.default_rng(0)
        shell = build_shell(
            random, turn=0.0, back=back, left=3.0, right=3.0, height=2.6, middle=np.zeros(2), span=1.0
        )
        return Scene(tuple(placed), camera, shell)

    def truth(self, *things, **view):
        scene = self.scene(*things, **view)
        return Truth(scene, look(scene))


@pytest.fixture(scope="session")
def stage():
    return Stage()
