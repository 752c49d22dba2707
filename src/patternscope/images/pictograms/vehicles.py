"""The parts of bus, car and lifeboat, seen from the side, from back to front, in object units."""

from itertools import pairwise

import numpy as np

from patternscope.images.pictograms.geometry import Part, box, ellipse, named, shape, smooth, smooth_line


def _wheel(x: float, y: float, radius: float) -> list[Part]:
    """Return a tyre with a hub."""
    return named("wheels", Part(ellipse(x, y, radius), "dark"), Part(ellipse(x, y, 0.5 * radius), "light"))


def bus(rng: np.random.Generator) -> list[Part]:
    """Return the parts of a bus: a long box with a row of windows, a door, a band and two wheels."""
    high, radius, band = 0.52 + 0.13 * rng.random(), 0.17 + 0.04 * rng.random(), 0.06 + 0.08 * rng.random()
    count = int(rng.integers(4, 7))
    parts = named("body", Part(box(-1, -high, 1, 0.4, 0.13), "body"), Part(box(-1, 0.1, 1, 0.1 + band), "trim"))
    edges = np.linspace(-0.9, 0.62, count + 1).tolist()
    glass = "dark" if rng.random() < 0.5 else "light"
    windows = [Part(box(a + 0.03, 0.14 - high, b - 0.03, -0.06, 0.04), glass) for a, b in pairwise(edges)]
    door = Part(box(0.68, 0.14 - high, 0.91, 0.36, 0.03), glass)
    parts += named("windows", *windows)
    parts += named("door", door, Part(shape((0.795, 0.14 - high), (0.795, 0.36)), "body", 0.03))
    return parts + _wheel(-0.58, 0.4, radius) + _wheel(0.42 + 0.1 * rng.random(), 0.4, radius)


def car(rng: np.random.Generator) -> list[Part]:
    """Return the parts of a car: a low body with bonnet and boot, a cabin with two windows, two wheels."""
    roof, back, front = -0.5 - 0.12 * rng.random(), -0.5 + 0.2 * rng.random(), 0.2 + 0.15 * rng.random()
    radius, glass = 0.22 + 0.05 * rng.random(), "dark" if rng.random() < 0.5 else "light"
    cabin = shape((back - 0.32, 0.02), (back, roof), (front, roof), (front + 0.4, 0.02))
    middle, top = (back + front) / 2, roof + 0.1
    body = smooth((-1, 0.34), (-1, 0.02), (-0.8, -0.09), (0.0, -0.1), (0.65, -0.07), (0.97, 0.06), (1, 0.34), (0, 0.38))
    rear = shape((back - 0.16, -0.06), (back + 0.05, top), (middle - 0.04, top), (middle - 0.04, -0.06))
    lead = shape((middle + 0.04, -0.06), (middle + 0.04, top), (front - 0.03, top), (front + 0.22, -0.06))
    band = Part(box(-0.95, 0.22, 0.95, 0.31, 0.04), "trim")
    return [
        *named("cabin", Part(cabin, "body")),
        *named("body", Part(body, "body")),
        *named("windows", Part(rear, glass), Part(lead, glass)),
        *named("body", band, Part(shape((middle, -0.02), (middle, 0.22)), "deep", 0.03)),
        *named("lamp", Part(ellipse(0.9, 0.08, 0.07, 0.06), "light")),
        *_wheel(-0.56, 0.36, radius),
        *_wheel(0.56, 0.36, radius),
    ]


def _buoy(x: float, y: float, radius: float) -> list[Part]:
    """Return a life ring with four bands."""
    bands = [
        Part(ellipse(x, y, 0.78 * radius, start=start, stop=start + 45), "trim", 0.45 * radius)
        for start in (0, 90, 180, 270)
    ]
    return named("life ring", Part(ellipse(x, y, 0.78 * radius), "light", 0.45 * radius), *bands)


def lifeboat(rng: np.random.Generator) -> list[Part]:
    """Return the parts of a lifeboat: a hull with a raised bow, a closed canopy, grab lines and a life ring."""
    top, bow, depth = -0.42 - 0.12 * rng.random(), -0.2 - 0.12 * rng.random(), 0.46 + 0.1 * rng.random()
    side, keel = ((-0.98, -0.06), (-0.5, 0), (0.3, -0.02)), ((0.66, depth), (0, depth + 0.03), (-0.75, depth))
    hull = smooth(*side, (1.05, bow), (0.9, 0.2), *keel)
    roof = ((-0.62, top + 0.16), (-0.35, top), (0.2, top), (0.5, top + 0.18))
    canopy = smooth((-0.66, 0.05), *roof, (0.66, 0.05))
    tower = box(-0.3, top - 0.18, 0.02, top + 0.08, 0.05)
    windows = [Part(ellipse(x, top / 2 - 0.05, 0.075), "dark") for x in (-0.42, -0.16, 0.1, 0.36)]
    line = [(-0.86, 0.06)]
    for x in np.linspace(-0.86, 0.74, 5).tolist()[1:]:
        line += [(x - 0.2, 0.19), (x, 0.06)]
    stripe = Part(shape((-0.8, depth - 0.14), (0.66, depth - 0.14)), "trim", 0.09)
    return [
        *named("tower", Part(tower, "trim")),
        *named("canopy", Part(canopy, "soft")),
        *named("windows", *windows),
        *named("hull", Part(hull, "body"), stripe),
        *named("grab line", Part(smooth_line(*line, steps=3), "light", 0.05)),
        *_buoy(0.1 + 0.3 * rng.random(), 0.22, 0.2),
    ]
