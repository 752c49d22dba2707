"""How far apart colours are, to usual eyes and to three simulated kinds of colour blindness.

Matrices: G. M. Machado et al., IEEE TVCG 15(6), 2009, severity 1. Difference: CIEDE2000, G. Sharma et al., 2005.
"""

import numpy as np

DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]])


def linear(colour: str) -> np.ndarray:
    """Linear red, green and blue of a colour such as #4454ff."""
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ _XYZ[1])


def contrast(first: str, second: str) -> float:
    """Ratio of contrast of WCAG 2, from 1 to 21."""
    low, high = sorted([luminance(first), luminance(second)])
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, deficiency: str = "none") -> np.ndarray:
    """CIELAB (D65) of a colour as it is seen with a deficiency."""
    seen = np.clip(DEFICIENCIES[deficiency] @ linear(colour), 0, 1)
    share = (_XYZ @ seen) / _XYZ.sum(axis=1)
    x, y, z = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """CIEDE2000 of two colours in CIELAB."""
    chroma = (np.hypot(*first[1:]) + np.hypot(*second[1:])) / 2
    stretch = 1.5 - 0.5 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    (a1, b1), (a2, b2) = ((stretch * each[1], each[2]) for each in (first, second))
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = (h1 + turn / 2) % 360 if c1 * c2 else h1 + h2
    light, c = (first[0] + second[0]) / 2, (c1 + c2) / 2
    waves = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.2, 4, -63))
    t = 1 + sum(size * np.cos(np.radians(times * hue + shift)) for size, times, shift in waves)
    off = light - 50
    dl = (second[0] - first[0]) / (1 + 0.015 * off**2 / np.sqrt(20 + off**2))
    dc = (c2 - c1) / (1 + 0.045 * c)
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * c * t)
    bend = 60 * np.exp(-(((hue - 275) / 25) ** 2))
    cross = -2 * np.sqrt(c**7 / (c**7 + 25.0**7)) * np.sin(np.radians(bend))
    return float(np.sqrt(dl**2 + dc**2 + dh**2 + cross * dc * dh))
