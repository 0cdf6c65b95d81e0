"""Bounds of actions and observations, with the words of Gymnasium's spaces, which need not be
there."""

import numpy as np


class Box:
    """Bounds of a vector; infinite where there are none."""

    def __init__(self, low, high, dtype=np.float64):
        self.low, self.high = np.array(low, dtype), np.array(high, dtype)
        self.shape, self.dtype = self.low.shape, self.low.dtype
        self.seed()

    def seed(self, seed=None):
        """Begins what sample() draws anew; None: by chance."""
        self._random = np.random.default_rng(seed)

    def contains(self, x):
        x = np.asarray(x)
        return x.shape == self.shape and bool(np.all((x >= self.low) & (x <= self.high)))

    def sample(self):
        """Evenly between two bounds; as far from one as an exponential, from none as a normal
        distribution is from 0."""
        below, above = np.isfinite(self.low), np.isfinite(self.high)
        low, high = np.where(below, self.low, 0), np.where(above, self.high, 0)
        far = self._random.exponential(size=self.shape)
        x = np.where(below, low + far, np.where(above, high - far,
                                                self._random.normal(size=self.shape)))
        both = below & above
        even = self._random.uniform(np.where(both, low, 0), np.where(both, high, 0))
        return np.where(both, even, x).astype(self.dtype)

    def __repr__(self):
        return f"Box({self.low}, {self.high}, {self.dtype})"


class Dict(dict):
    """Spaces by name."""

    def seed(self, seed=None):
        """Each space gets a seed of its own."""
        random = np.random.default_rng(seed)
        for space in self.values():
            space.seed(int(random.integers(2**32)))

    def contains(self, x):
        return (isinstance(x, dict) and x.keys() == self.keys()
                and all(space.contains(x[name]) for name, space in self.items()))

    def sample(self):
        return {name: space.sample() for name, space in self.items()}
