"""Chance, repeatable: every draw belongs to a name, so two strategies meet the same luck (common random numbers).

`Randoms(seed).unit("start", "shop/frontend", 3)` is always the same number, whatever else a run draws. Streams (for
tie-breaks and the like, where order is part of the run) are `random.Random`s of their own.
"""

from hashlib import blake2b
from random import Random
from statistics import NormalDist

_NORMAL = NormalDist()
_SCALE = 2.0**-64


class Randoms:
    """Chance of one run, from its seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._key = str(seed).encode()[:64]

    def unit(self, *name: object) -> float:
        """A number within (0, 1) that depends on the seed and the name alone."""
        text = "\x1f".join(map(str, name)).encode()
        return (int.from_bytes(blake2b(text, digest_size=8, key=self._key).digest(), "big") + 0.5) * _SCALE

    def normal(self, *name: object) -> float:
        """A standard normal deviate for the name."""
        return _NORMAL.inv_cdf(min(max(self.unit(*name), 1e-15), 1.0 - 1e-15))

    def stream(self, name: str) -> Random:
        """A new generator for draws in sequence."""
        return Random(f"{self.seed}\x1f{name}")
