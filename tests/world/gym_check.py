"""The Python package over the virtual centre. Prints TAP; skipped where NumPy is not there."""

import os
import re
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("1..0 # skipped: no python3-numpy")
    sys.exit(0)

from etude import Cameras, EtudeError, Trainer, World

n_tests = 0


def check(name, holds):
    global n_tests
    n_tests += 1
    print(f"{'ok' if holds else 'not ok'} {n_tests} - {name}")


def refused(name, words, call):
    try:
        call()
        check(name, False)
    except EtudeError as error:
        check(name, words in str(error))


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
    check("bounds have the action's shape", world.action_space.shape == world.home.shape
          and not world.action_space.contains(world.home[1:])
          and not world.action_space.contains(world.action_space.high + 1))
    samples = []
    for seed in (5, 5, 6):
        world.action_space.seed(seed)
        samples.append(world.action_space.sample())
    check("samples are those of their seed", np.array_equal(samples[0], samples[1])
          and not np.array_equal(samples[0], samples[2])
          and all(world.action_space.contains(x) for x in samples))
    world.observation_space.seed(1)
    check("a sample of observations is one",
          world.observation_space.contains(world.observation_space.sample()))
    first = run(world, 3, 30)
    check("the same seed gives the same numbers", np.array_equal(first, run(world, 3, 30)))
    check("another seed gives others", not np.array_equal(first, run(world, 4, 30)))
    with World("take_block") as other:
        seeds = [other.reset(seed=seed)[1]["seed"] for seed in (None, None, 7, None)]
        check("without a seed the next one is taken", seeds == [0, 1, 7, 8])
        last = other.observe()["position"]
        check("and is that seed", np.array_equal(last, world.reset(seed=8)[0]["position"]))
    for seed, words in (("a", "whole number"), (1.5, "whole number"), (-1, "0 to"), (1 << 64, "0 to")):
        refused(f"the seed {seed!r} is refused", words, lambda: world.reset(seed=seed))
    refused("an unknown tier is refused", "controlled", lambda: world.reset(options={"tier": "x"}))
    refused("an unknown option is refused", "tier", lambda: world.reset(options={"teir": "varied"}))
    observation, info = world.reset(seed=np.uint64(1))
    check("an observation is within its space", world.observation_space.contains(observation))
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
    near = min(np.linalg.norm(hand[:3] - world.objects()["block"][:3]) for hand in world.hands())
    check("a hand is where the block is", near < 0.1)
    check("a world that does not measure contact tells of none", world.contact()["hand_n"] == 0)
    with World(world.skill, measures_contact=True) as other:
        other.reset(seed=2)
        trainer = Trainer(other)
        trainer.begin(seed=2)
        while (action := trainer.act()) is not None:
            other.step(action)
        contact = other.contact()
        check("a hand that holds is told", contact["hand_n"] > 1 and contact["body_n"] == 0)
        trainer.close()
    trainer = Trainer(world)
    trainer.close()
    trainer.close()
    refused("a closed trainer is refused", "trainer is closed", trainer.act)
    refused("a trainer's seed is looked at", "whole number", lambda: Trainer(world).begin("a"))
    refused("a trainer acts after it has begun", "begin()", Trainer(world).act)
    refused("a style that is not there is named", "clumsy", lambda: Trainer(world, "clumsy"))
    refused("a wrong size is refused", "values", lambda: world.step(np.zeros(3)))

    first = []
    for style in ("careful", None, "fast"):
        world.reset(seed=4)
        with Trainer(world, style) if style != "careful" else Trainer(world) as trainer:
            trainer.begin(seed=4)
            first.append(np.array([trainer.act() for _ in range(60)]))
    check("a trainer is careful, or as it is told", not np.array_equal(first[0], first[1])
          and not np.array_equal(first[0], first[2]) and not np.array_equal(first[1], first[2]))

# The skill that doc/skill.md shows, as somebody copies it.
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
with open(os.path.join(root, "doc", "skill.md"), encoding="utf-8") as page, \
        tempfile.TemporaryDirectory() as folder:
    text = page.read()
    for name, language in (("skill.yaml", "yaml"), ("scene.xml", "xml")):
        shown = re.search(f"```{language}\n(.*?)```", text, re.DOTALL)
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(shown.group(1))
    with World(folder) as world:
        world.reset(seed=1)
        trainer = Trainer(world)
        trainer.begin(seed=1)
        while (action := trainer.act()) is not None:
            *_, info = world.step(action)
        check("the skill that the guide shows can be done", info["success"])

with World("take_block") as world:
    world.reset(seed=1)
    try:
        with Cameras(world, 96, 64) as cameras:
            check("cameras have their places", cameras.names[0] == "head" and "scene" in cameras.names)
            picture, depth = cameras.picture("head"), cameras.depth("head")
            check("a picture shows something", picture.shape == (64, 96, 3) and picture.dtype == np.uint8
                  and picture.std() > 5)
            check("depth is in metres", depth.shape == (64, 96) and 0.05 < depth.min() < 2)
            check("the same state gives the same picture",
                  np.array_equal(picture, cameras.picture("head")))
            check("another camera sees something else",
                  not np.array_equal(picture, cameras.picture("scene")))
            refused("a camera that is not there is named", "no camera 'tail': one of head",
                    lambda: cameras.picture("tail"))
        refused("closed cameras see nothing", "the cameras are closed", cameras.picture)
        refused("a picture has whole pixels", "whole pixels", lambda: Cameras(world, 1.5, 2))
        refused("and not too many", "5000", lambda: Cameras(world, 5000, 5))
        check("no size is the default one", Cameras(world, 0, 0).picture().shape == (480, 640, 3))
    except EtudeError as error:
        check(f"cameras # SKIP {error}", "package" in str(error))

refused("a skill that is not there is named", "no_such_skill", lambda: World("no_such_skill"))
refused("a skill is a name", "name or a path", lambda: World(None))

world = World("take_block")
trainer = Trainer(world)
world.reset()
trainer.begin()
world.close()
world.close()
for name, use in (("reset", world.reset), ("step", lambda: world.step(world.home)),
                  ("observe", world.observe), ("objects", world.objects),
                  ("made a trainer of", lambda: Trainer(world))):
    refused(f"a closed world cannot be {name}", "the world is closed", use)
refused("its trainer closed with it", "closed, by itself or with its world", trainer.act)
refused("and cannot begin", "closed, by itself or with its world", trainer.begin)
print(f"1..{n_tests}")
