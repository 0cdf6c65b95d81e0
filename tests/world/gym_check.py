"""The Python package over the virtual centre. Prints TAP; skipped where NumPy is not there."""

import sys

try:
    import numpy as np
except ImportError:
    print("1..0 # skipped: no python3-numpy")
    sys.exit(0)

from etude import EtudeError, Trainer, World

n_tests = 0


def check(name, holds):
    global n_tests
    n_tests += 1
    print(f"{'ok' if holds else 'not ok'} {n_tests} - {name}")


def run(world, seed, n_steps):
    rows = []
    world.reset(seed=seed, options={"tier": "displaced"})
    for i in range(n_steps):
        observation, *_ = world.step(world.home + 0.05 * np.sin(0.1 * i))
        rows.append(np.concatenate(list(observation.values())))
    return np.array(rows)


with World("take_block") as world:
    check("says what it is", world.skill == "take_block" and world.instruction["en"]
          and len(world.joint_names) == world.home.size)
    check("home is within its bounds", world.action_space.contains(world.home))
    first = run(world, 3, 30)
    check("the same seed gives the same numbers", np.array_equal(first, run(world, 3, 30)))
    check("another seed gives others", not np.array_equal(first, run(world, 4, 30)))
    observation, info = world.reset(seed=1)
    before = observation["position"].copy()
    world.step(world.home + 0.2)
    check("what was observed stays as it was", np.array_equal(before, observation["position"]))
    check("a world that was reset has not succeeded", not info["success"] and info["missing"])

    world.reset(seed=2)
    trainer = Trainer(world)
    trainer.begin(seed=2)
    while (action := trainer.act()) is not None:
        observation, reward, terminated, truncated, info = world.step(action)
    check("the trainer's actions succeed", info["success"] and reward == 1 and terminated)
    check("the block is aloft", world.objects()["block"][2] > 0.9)
    trainer.close()
    for name, wrong in (("size", np.zeros(3)),):
        try:
            world.step(wrong)
            check(f"a wrong {name} is refused", False)
        except EtudeError as error:
            check(f"a wrong {name} is refused", "values" in str(error))
try:
    World("no_such_skill")
    check("a skill that is not there is named", False)
except EtudeError as error:
    check("a skill that is not there is named", "no_such_skill" in str(error))
print(f"1..{n_tests}")
