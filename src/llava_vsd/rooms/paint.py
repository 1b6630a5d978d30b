"""Colours: painting a model anew, and the word that a person would use for the colour of one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np

from llava_vsd.rooms.mesh import Mesh

PALETTE: tuple[tuple[float, float, float], ...] = (
    (0.80, 0.10, 0.10), (0.12, 0.25, 0.70), (0.12, 0.50, 0.20), (0.92, 0.75, 0.12), (0.90, 0.45, 0.08),
    (0.45, 0.15, 0.55), (0.92, 0.50, 0.62), (0.88, 0.88, 0.86), (0.10, 0.10, 0.11), (0.48, 0.48, 0.50),
    (0.40, 0.24, 0.13), (0.10, 0.55, 0.58), (0.86, 0.78, 0.62), (0.55, 0.75, 0.90),
)  # fmt: skip
"""sRGB, 0..1."""

CLEAR = 0.6
"""The share of a thing's surface that must be of one colour before the colour is said."""

ORANGE = 0.65
"""The least saturation of orange; below are the hues of wood and wicker, for which people have other words."""

_WOOD = re.compile(r"wood|oak|walnut|pine|teak|bois|madera|birch|alder|pear", re.IGNORECASE)


def areas(mesh: Mesh) -> Any:
    """Square metres of each material, [m]."""
    sides = mesh.corners[:, 1:] - mesh.corners[:, :1]
    area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2
    return np.bincount(mesh.material, area, minlength=len(mesh.colours))


def painted(mesh: Mesh, random: np.random.Generator) -> Mesh:
    """The same with its most widespread plain material in a colour of the palette.

    Textured, transparent and small parts stay; nothing changes where a texture covers most of it.
    """
    area = areas(mesh)
    plain = (mesh.textured < 0) & (mesh.colours[:, 3] > 0.9)
    if not plain.any() or area[plain].max() < 0.35 * area.sum():
        return mesh
    chosen = int(np.argmax(np.where(plain, area, -1)))
    colour = np.clip(
        np.array(PALETTE[random.integers(len(PALETTE))]) + random.uniform(-0.05, 0.05, 3), 0.03, 0.95
    )
    alike = plain & (np.abs(mesh.colours - mesh.colours[chosen]).max(axis=1) < 0.02)
    colours = mesh.colours.copy()
    colours[alike, :3] = colour**2.2
    return replace(mesh, colours=colours)


def colour_name(colour: Any) -> str:
    """The word for an sRGB colour (0..1) that few would dispute; empty for one between two words."""
    red, green, blue = (float(part) for part in colour)
    high, low = max(red, green, blue), min(red, green, blue)
    spread = high - low
    if high < 0.20 and spread < 0.08:
        return "black"
    if spread < 0.055 or spread / max(high, 1e-6) < 0.10:
        return "white" if low > 0.78 else "grey" if 0.30 < high < 0.62 else ""
    saturation = spread / high
    if high == red:
        hue = 60 * (((green - blue) / spread) % 6)
    elif high == green:
        hue = 60 * ((blue - red) / spread + 2)
    else:
        hue = 60 * ((red - green) / spread + 4)
    if 12 <= hue < 45 and high < 0.60 and saturation > 0.35:
        return "brown"
    if 20 <= hue < 60 and high > 0.68 and 0.15 < saturation < 0.40:
        return "beige"
    if saturation < 0.42 or high < 0.22:
        return ""
    word = next(word for limit, word in _HUES if hue < limit)
    return "" if word == "orange" and saturation < ORANGE else word


_HUES = (
    (8.0, "red"), (14.0, ""), (38.0, "orange"), (44.0, ""), (58.0, "yellow"), (80.0, ""), (150.0, "green"), (205.0, ""),
    (245.0, "blue"), (268.0, ""), (300.0, "purple"), (315.0, ""), (342.0, "pink"), (351.0, ""), (361.0, "red"),
)  # fmt: skip
"""Words for hues in degrees, each up to its limit; in the gaps between two words none is used."""


def words_for(mesh: Mesh) -> tuple[str, ...]:
    """True adjectives of a model: its colour where one prevails, `wooden` where its files say so."""
    area = areas(mesh)
    shares: dict[str, float] = {}
    wood = 0.0
    for row, part in enumerate(area / max(area.sum(), 1e-9)):
        if part <= 0:
            continue
        texture = int(mesh.textured[row])
        if texture >= 0:
            pixels = mesh.textures[texture].reshape(-1, 3)
            names = [colour_name(pixel / 255.0) for pixel in pixels[:: max(1, len(pixels) // 60)]]
            for name in names:
                shares[name] = shares.get(name, 0) + part / len(names)
        else:
            name = colour_name(np.clip(mesh.colours[row, :3], 0, 1) ** (1 / 2.2))
            shares[name] = shares.get(name, 0) + part
        if row < len(mesh.materials) and _WOOD.search(mesh.materials[row]):
            wood += part
    found = [word for word, part in shares.items() if word and part >= CLEAR]
    if wood > CLEAR and (not found or found[0] in ("brown", "orange", "beige", "yellow")):
        return ("wooden",)
    return tuple(found)
