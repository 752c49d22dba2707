"""Random colours, independent of the class."""

import colorsys

import numpy as np

Colour = tuple[int, int, int]
Palette = dict[str, Colour]
"""The paints of one object: body, deep and soft (darker and lighter body), trim, dark, light."""

_TRIES, _ENOUGH = 6, 95.0


def colour(rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
    """Return a colour of any hue in 0..255, its saturation and value uniform in ranges within [0, 1].

    >>> colour(np.random.default_rng(0), (0, 0), (1, 1))
    (255, 255, 255)
    """
    hue, s, v = rng.random(3).tolist()
    s = saturation[0] + s * (saturation[1] - saturation[0])
    v = value[0] + v * (value[1] - value[0])
    red, green, blue = colorsys.hsv_to_rgb(hue, s, v)
    return round(255 * red), round(255 * green), round(255 * blue)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return `first` with a share in [0, 1] of `second` mixed in.

    >>> mix((0, 0, 0), (100, 200, 50), 0.5)
    (50, 100, 25)
    """
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(first, second, strict=True))
    return red, green, blue


def distinct_colour(rng: np.random.Generator, others: list[Colour]) -> Colour:
    """Return a colour that differs from the others: the first of a few draws that is far enough, or the farthest.

    >>> distinct_colour(np.random.default_rng(0), [(0, 0, 0)]) != (0, 0, 0)
    True
    """
    best, widest = (0, 0, 0), -1.0
    for _ in range(_TRIES):
        candidate = colour(rng, (0.1, 0.95), (0.25, 1.0))
        gap = min(sum((a - b) ** 2 for a, b in zip(candidate, other, strict=True)) ** 0.5 for other in others)
        if gap > widest:
            best, widest = candidate, gap
        if gap > _ENOUGH:
            break
    return best


def palette(rng: np.random.Generator, others: list[Colour]) -> Palette:
    """Return the paints of one object in front of the colours `others`.

    >>> sorted(palette(np.random.default_rng(0), [(0, 0, 0)]))
    ['body', 'dark', 'deep', 'light', 'soft', 'trim']
    """
    body = distinct_colour(rng, others)
    dark, light = colour(rng, (0.1, 0.8), (0.05, 0.3)), colour(rng, (0.0, 0.25), (0.8, 1.0))
    return {
        "body": body,
        "deep": mix(body, dark, 0.4),
        "soft": mix(body, light, 0.55),
        "trim": distinct_colour(rng, [body]),
        "dark": dark,
        "light": light,
    }
