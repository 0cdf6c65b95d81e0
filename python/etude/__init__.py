"""Étude from Python: a thin layer over libetude by ctypes, without a build step.

    from etude import World
    world = World("press_button", robot="etude-one")
    observation, info = world.reset(seed=1, options={"tier": "displaced"})
    observation, reward, terminated, truncated, info = world.step(world.home)

The library is looked for in $ETUDE_LIBRARY (a file), then beside this package's source tree
(build*/libetude.so), then where the system finds libetude.so.0. doc/python.md is the guide."""

from .dataset import Dataset
from .native import EtudeError
from .spaces import Box, Dict
from .world import TIERS, Cameras, Trainer, World

__all__ = ["Box", "Cameras", "Dataset", "Dict", "EtudeError", "TIERS", "Trainer", "World"]
