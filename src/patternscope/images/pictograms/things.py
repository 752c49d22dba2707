"""The parts of bridge, desk, iPod and orange, from back to front, in object units."""

from itertools import pairwise

import numpy as np

from patternscope.images.pictograms.geometry import Part, box, ellipse, named, pair, shape, smooth, smooth_line


def _arch_bridge(rng: np.random.Generator) -> list[Part]:
    """Return a stone bridge on two or three arches, its deck slightly raised in the middle."""
    count, foot = int(rng.integers(2, 4)), 0.52
    pier = 0.13
    span = (2 - (count + 1) * pier) / count
    corners = [(-1.0, foot), (-1.0, -0.24), (0.0, -0.36), (1.0, -0.24), (1.0, foot)]
    for i in reversed(range(count)):
        left = -1 + pier + i * (span + pier)
        arch = ellipse(left + span / 2, foot, span / 2, 0.56 + 0.08 * (i == 1), start=180, stop=360)
        corners += [(x, y) for x, y in arch[::-1].tolist()]
    rail = [
        Part(shape((x, -0.4 + 0.1 * abs(x)), (x, -0.26 + 0.1 * abs(x))), "deep", 0.05)
        for x in np.linspace(-0.95, 0.95, 9).tolist()
    ]
    deck = Part(shape((-1, -0.2), (0, -0.31), (1, -0.2)), "deep", 0.06)
    return [
        *named("rail", *rail, Part(shape((-1, -0.34), (0, -0.45), (1, -0.34)), "trim", 0.08)),
        *named("arches", Part(shape(*corners), "body"), deck),
    ]


def _hanging_bridge(rng: np.random.Generator) -> list[Part]:
    """Return a suspension bridge: two towers, main cables, hangers and a deck."""
    at, top, deck = 0.5 + 0.08 * rng.random(), -0.72, 0.22
    sag = deck - 0.2
    xs = np.linspace(-at, at, 9)
    inner = np.stack([xs, sag + (top - sag) * (xs / at) ** 2], axis=1)
    hangers = [Part(shape((x, y), (x, deck)), "light", 0.045) for x, y in inner[1:-1].tolist()]
    sides = pair(shape((at, top), (0.78, -0.2), (1.0, deck)), "trim", 0.07)
    tower = np.array([(-0.09, 0.62), (-0.07, top - 0.06), (0.07, top - 0.06), (0.09, 0.62)])
    towers = [Part(tower + np.array((s * at, 0)), "body") for s in (-1, 1)]
    feet = [Part(box(s * at - 0.16, 0.5, s * at + 0.16, 0.66, 0.03), "dark") for s in (-1, 1)]
    road = [
        Part(box(-1.05, deck - 0.05, 1.05, deck + 0.13), "body"),
        Part(shape((-1.05, deck), (1.05, deck)), "deep", 0.04),
    ]
    cables = [*hangers, *sides, Part(inner, "trim", 0.07)]
    return [*named("cables", *cables), *named("towers", *towers, *feet), *named("road", *road)]


def bridge(rng: np.random.Generator) -> list[Part]:
    """Return the parts of a bridge, on stone arches or hung from two towers."""
    return _arch_bridge(rng) if rng.random() < 0.5 else _hanging_bridge(rng)


def desk(rng: np.random.Generator) -> list[Part]:
    """Return the parts of a desk: a top, drawers with knobs on one side, legs on the other."""
    inside, count = 0.1 + 0.2 * rng.random(), int(rng.integers(2, 4))
    feet = [Part(box(inside + 0.02, 0.5, inside + 0.12, 0.66), "dark"), Part(box(0.78, 0.5, 0.88, 0.66), "dark")]
    parts = [
        *named("panel", Part(box(-0.9, -0.3, inside, -0.02 + 0.1 * rng.random()), "deep")),
        *named("leg", Part(box(-0.9, -0.35, -0.74, 0.66), "body")),
        *named("drawers", Part(box(inside, -0.35, 0.9, 0.52), "body"), *feet),
        *named("top", Part(box(-1.04, -0.5, 1.04, -0.32, 0.03), "trim")),
    ]
    edges = np.linspace(-0.29, 0.49, count + 1).tolist()
    for a, b in pairwise(edges):
        front = Part(box(inside + 0.06, a + 0.04, 0.84, b - 0.03, 0.03), "soft")
        parts += named("drawers", front, Part(ellipse((inside + 0.9) / 2, (a + b) / 2, 0.055), "dark"))
    return parts


def ipod(rng: np.random.Generator) -> list[Part]:
    """Return the parts of an iPod: an upright case with a screen above a click wheel."""
    half, radius = 0.56 + 0.08 * rng.random(), 0.36 + 0.04 * rng.random()
    screen, wheel = ("dark", "light") if rng.random() < 0.5 else ("light", "dark")
    low = -0.12 + 0.06 * rng.random()
    bars = [
        Part(shape((0.14 - half, y), (half - 0.14 - cut, y)), "trim", 0.06)
        for y, cut in ((-0.66, 0.2), (-0.5, 0.35), (-0.34, 0.1))
    ]
    click_wheel = [
        Part(ellipse(0, 0.45, radius), wheel),
        Part(ellipse(0, 0.45, 0.42 * radius), "body"),
        Part(shape((-0.06, 0.42 - 0.8 * radius), (0.06, 0.42 - 0.8 * radius)), "trim", 0.05),
    ]
    return [
        *named("case", Part(box(-half, -1, half, 1, 0.14), "body")),
        *named("screen", Part(box(0.08 - half, -0.9, half - 0.08, low, 0.05), screen), *bars),
        *named("click wheel", *click_wheel),
    ]


def orange(rng: np.random.Generator) -> list[Part]:
    """Return the parts of an orange: a round fruit with a leaf, cut open to its segments."""
    count, turn, gap = int(rng.integers(7, 11)), 360 * rng.random(), 7.0
    step = 360 / count
    parts = [
        *named("stem", Part(smooth_line((0, -0.75), (0.02, -0.9), (-0.06, -1.02)), "dark", 0.09)),
        *named("leaf", Part(smooth((0.02, -0.86), (0.22, -1.1), (0.6, -1.08), (0.42, -0.86)), "trim")),
        *named("peel", Part(ellipse(0, 0, 0.86, 0.82), "body")),
        *named("segments", Part(ellipse(0, 0.02, 0.7, 0.66), "light")),
    ]
    for i in range(count):
        start = turn + i * step
        arc = ellipse(0, 0.02, 0.62, 0.58, start + gap, start + step - gap)[::3]
        tip = ellipse(0, 0.02, 0.1, 0.1, start + step / 2, start + step / 2 + 1)[:1]
        parts += named("segments", Part(np.concatenate([arc, tip]), "soft" if i % 2 else "body"))
    return parts
