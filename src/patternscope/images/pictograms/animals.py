"""The parts of cat, dog and frog, sitting and looking at the viewer, from back to front, in object units."""

import numpy as np

from patternscope.images.pictograms.geometry import Part, ellipse, mirrored, named, pair, shape, smooth, smooth_line


def _sitting_body(rng: np.random.Generator) -> list[Part]:
    """Return the trunk, chest and paws that cat and dog share."""
    wide = 0.5 + 0.08 * rng.random()
    trunk = Part(smooth(*mirrored((0, 0.1), (wide * 0.8, 0.35), (wide, 0.85), (0, 0.98))), "body")
    paws = [Part(ellipse(s * 0.2, 0.92, 0.17, 0.11), "soft") for s in (-1, 1)]
    return [*named("body", trunk, Part(ellipse(0, 0.55, 0.2, 0.28), "soft")), *named("paws", *paws)]


def _eyes(y: float, apart: float, radius: float) -> list[Part]:
    """Return two eyes with a glint."""
    whites = [Part(ellipse(s * apart, y, radius, 1.1 * radius), "light") for s in (-1, 1)]
    pupils = [Part(ellipse(s * apart, y, 0.6 * radius, 0.85 * radius), "dark") for s in (-1, 1)]
    return named("eyes", *whites, *pupils)


def cat(rng: np.random.Generator) -> list[Part]:
    """Return the parts of a cat: pointed ears, a small nose, whiskers and a long curled tail."""
    high, out = -1.02 - 0.14 * rng.random(), 0.46 + 0.08 * rng.random()
    tail = smooth_line((0.3, 0.86), (0.78, 0.8), (0.86, 0.4), (0.7, 0.12 - 0.15 * rng.random()))
    ears = pair(shape((0.1, -0.62), (out, high), (0.58, -0.3)), "body")
    inner = pair(shape((0.24, -0.62), (out - 0.04, high + 0.16), (0.48, -0.45)), "trim")
    whiskers = [
        Part(shape((s * 0.2, -0.08 + d), (s * 0.74, -0.12 + 2 * d)), "light", 0.035) for s in (-1, 1) for d in (0, 0.07)
    ]
    stripes = [Part(shape((x, -0.7), (x, -0.5)), "deep", 0.06) for x in (-0.13, 0.0, 0.13)]
    nose = Part(shape((-0.08, -0.12), (0.08, -0.12), (0, -0.02)), "dark")
    return [
        *named("tail", Part(tail, "body", 0.17)),
        *_sitting_body(rng),
        *named("ears", *ears, *inner),
        *named("face", Part(ellipse(0, -0.25, 0.6, 0.47), "body"), *stripes),
        *_eyes(-0.3, 0.25, 0.13),
        *named("muzzle", Part(ellipse(0, -0.02, 0.2, 0.12), "soft"), nose),
        *named("whiskers", *whiskers),
    ]


def dog(rng: np.random.Generator) -> list[Part]:
    """Return the parts of a dog: hanging ears, a long muzzle with a big nose, a tongue and a short tail."""
    long, ear = 0.2 + 0.18 * rng.random(), "deep" if rng.random() < 0.5 else "trim"
    tail = smooth_line((0.35, 0.82), (0.66, 0.66), (0.78, 0.34 + 0.1 * rng.random()))
    outline = ((0.32, -0.68), (0.6, -0.66), (0.76, -0.2), (0.68, long), (0.52, -0.05), (0.44, -0.4))
    face = mirrored((0, -0.76), (0.42, -0.62), (0.5, -0.25), (0.36, 0.12), (0, 0.25))
    nose = [Part(ellipse(0, -0.1, 0.15, 0.1), "dark"), Part(shape((0, -0.1), (0, 0.12)), "dark", 0.04)]
    return [
        *named("tail", Part(tail, "body", 0.17)),
        *_sitting_body(rng),
        *named("face", Part(smooth(*face), "body")),
        *named("ears", *pair(smooth(*outline), ear)),
        *named("tongue", Part(smooth((-0.07, 0.12), (0.07, 0.12), (0.08, 0.34), (-0.08, 0.34)), "trim")),
        *named("muzzle", Part(smooth(*mirrored((0, -0.4), (0.16, -0.2), (0.27, 0.08), (0, 0.2))), "soft")),
        *_eyes(-0.36, 0.22, 0.11),
        *named("muzzle", *nose),
    ]


def frog(rng: np.random.Generator) -> list[Part]:
    """Return the parts of a frog: a wide head with eyes on top, a wide mouth, folded legs and webbed feet."""
    apart, dip = 0.4 + 0.08 * rng.random(), 0.16 + 0.1 * rng.random()
    low = -0.12 + 0.8 * dip
    legs = [Part(ellipse(s * 0.72, 0.42, 0.3, 0.34), "deep") for s in (-1, 1)]
    toes = ((1.08, 0.82), (0.84, 0.76), (0.78, 0.88), (0.62, 0.76), (0.46, 0.86))
    bulges = [Part(ellipse(s * apart, -0.52, 0.25, 0.25), "body") for s in (-1, 1)]
    hands = [Part(ellipse(s * 0.22, 0.74, 0.16, 0.1), "deep") for s in (-1, 1)]
    lips = smooth_line((-0.56, -0.12), (-0.3, low), (0, -0.12 + dip), (0.3, low), (0.56, -0.12))
    nostrils = [Part(ellipse(s * 0.1, -0.26, 0.035), "dark") for s in (-1, 1)]
    return [
        *named("legs", *legs, *pair(shape((0.5, 0.62), (0.74, 0.6), *toes), "trim")),
        *named("body", Part(ellipse(0, 0.38, 0.55, 0.42), "body"), Part(ellipse(0, 0.42, 0.36, 0.32), "soft")),
        *named("hands", *hands),
        *named("eyes", *bulges),
        *named("face", Part(ellipse(0, -0.16, 0.78, 0.44), "body")),
        *_eyes(-0.54, apart, 0.17),
        *named("mouth", Part(lips, "dark", 0.07)),
        *named("face", *nostrils),
    ]
