"""The virtual training centre as an environment in Gymnasium's style (reset, step, close)."""

import ctypes as c
import operator
import os
import weakref

import numpy as np

from .native import LIB, CameraOptions, EtudeError, Numbers, Options, call
from .spaces import Box, Dict

TIERS = ("controlled", "displaced", "varied", "cluttered", "disturbed")
TICKS = 5  # of physics in a step
SEEDS = 1 << 64
STYLE_BYTES = 1 << 20  # of memory for a trainer's style
_ROWS = {"wrench": 12, "touch": 4, "pressure": 16, "imu": 10}


def _refuse(text):
    return EtudeError(EtudeError.ARGUMENT, text)


def _text(value, what):
    if not isinstance(value, (str, os.PathLike)):
        raise _refuse(f"{what} is a name or a path, not {value!r}")
    return os.fsencode(value)


def _seed(value):
    try:
        seed = operator.index(value)
    except TypeError:
        raise _refuse(f"a seed is a whole number, not {value!r}") from None
    if not 0 <= seed < SEEDS:
        raise _refuse(f"a seed is 0 to {SEEDS - 1}, not {seed}")
    return seed


def _tier(options):
    for key in options:
        if key != "tier":
            raise _refuse(f"no option {key!r}: there is 'tier'")
    tier, name = c.c_int(), options.get("tier", TIERS[0])
    if not LIB.et_tier_find(str(name).encode(), c.byref(tier)):
        raise _refuse(f"no tier {name!r}: one of {', '.join(TIERS)}")
    return tier.value


class World:
    """One robot in one skill's scene.

    Actions are the wanted positions of all joints (radians; a lift and hands: metres) for the next
    10 ms; NaN keeps the last. Observations are copies, the newest of the step's five ticks.
    action_space and observation_space are their bounds."""

    def __init__(self, skill, robot=None, has_backlash=False, has_lag=False, without_friction=False,
                 has_litter=False, disturbance_rad=0.0, measures_contact=False):
        self._open, self._users = c.c_void_p(), weakref.WeakSet()
        options = Options(_text(skill, "a skill"), _text(robot, "a robot") if robot else None,
                          has_backlash, has_lag, without_friction, disturbance_rad, has_litter,
                          measures_contact)
        call("et_world_open", c.byref(self._open), c.byref(options))
        n = c.c_size_t()
        joints = LIB.et_world_joints(self._handle, c.byref(n))
        joints = [joints[i] for i in range(n.value)]
        self.joint_names = [joint.name.decode() for joint in joints]
        self.home = np.array([joint.home for joint in joints])
        self.action_space = Box([joint.lower for joint in joints], [joint.upper for joint in joints])
        self.observation_space = self._observations(n.value)
        skill = LIB.et_world_skill(self._handle).contents
        self.skill, self.scenario = skill.id.decode(), skill.scenario.decode()
        self.instruction = {"en": skill.instruction_en.decode(), "fr": skill.instruction_fr.decode(),
                            "zh": skill.instruction_zh.decode()}
        self.limit_s, self.human_s = skill.limit_s, skill.human_s
        self.robot = LIB.et_world_robot(self._handle).decode()
        self._next_seed = 0

    @property
    def _handle(self):
        if not self._open:
            raise _refuse("the world is closed: open another World")
        return self._open

    def _observations(self, n):
        """A command is an action; what sensors see has no bounds."""
        rows = {name: n for name in ("position", "velocity", "effort")} | _ROWS
        spaces = Dict({name: Box([-np.inf] * size, [np.inf] * size) for name, size in rows.items()})
        spaces["command"] = Box(self.action_space.low, self.action_space.high)
        return spaces

    def reset(self, *, seed=None, options=None):
        """options: {"tier": one of TIERS}. Returns the observation and info, which has the seed.
        seed None: the one after the last reset's, 0 at first. Not by chance, so that a program
        that names no seed sees the same episodes each time that it runs."""
        handle, tier = self._handle, _tier(options or {})
        seed = self._next_seed if seed is None else _seed(seed)
        self._next_seed = (seed + 1) % SEEDS
        call("et_world_reset", handle, seed, tier)
        return self.observe(), self._info() | {"seed": seed}

    def step(self, action):
        """Returns observation, reward, terminated, truncated, info. The reward is 1 where the
        skill's success holds, and ends the episode; the time limit truncates it."""
        handle, action = self._handle, np.ascontiguousarray(action, dtype=np.float64)
        if action.shape != self.home.shape:
            raise _refuse(f"an action has {self.home.size} values, not {action.shape}")
        call("et_world_step", handle, action.ctypes.data_as(Numbers))
        info = self._info()
        success = info["success"]
        return self.observe(), float(success), success, info["t_s"] >= self.limit_s, info

    def observe(self):
        """The sensors at the last tick: position, velocity, effort, command (a value a joint),
        wrench, touch, pressure, imu."""
        state = LIB.et_world_observe(self._handle).contents
        n = state.n_joints
        rows = {name: n for name in ("position", "velocity", "effort", "command")} | _ROWS
        return {name: np.ctypeslib.as_array(getattr(state, name), (TICKS, size))[-1].copy()
                for name, size in rows.items()}

    def objects(self):
        """The true poses of the skill's objects: x y z and quaternion x y z w. No sensor sees
        them."""
        found = {}
        for i in range(LIB.et_world_n_objects(self._handle)):
            item = LIB.et_world_object(self._handle, i)
            found[item.name.decode()] = np.array(item.pose)
        return found

    def hands(self):
        """Where the hands grasp: the true poses of left and right, a row each, as of objects."""
        poses = np.zeros((2, 7))
        LIB.et_world_hands(self._handle, poses.ctypes.data_as(Numbers))
        return poses

    def contact(self):
        """How hard a hand, and the rest of the robot, touched something in the last step, N.
        Of a world that was opened with measures_contact."""
        contact = LIB.et_world_contact(self._handle)
        return {name: getattr(contact, name) for name, _ in contact._fields_}

    def _info(self):
        missing = c.c_char_p()
        success = bool(LIB.et_world_success(self._handle, c.byref(missing)))
        t_ns = LIB.et_world_observe(self._handle).contents.t_ns
        return {"t_s": 1e-9 * t_ns, "success": success,
                "missing": missing.value.decode() if missing.value else None}

    def close(self):
        """Closes its trainers and cameras, too. What is closed can be closed again, and nothing
        else."""
        for user in list(self._users):
            user.close()
        if self._open:
            LIB.et_world_close(self._open)
            self._open = c.c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Trainer:
    """The scripted trainer of a world: gives actions until the skill is done or given up.

    style is how it moves, an id of share/world/trainers or a file's path. None: like a machine,
    which goes back twice in an episode."""

    def __init__(self, world, style="careful"):
        self._world, self._open, self._arena = world, c.c_void_p(), c.c_void_p()
        self._has_begun = False
        world_handle, loaded = world._handle, c.c_void_p()
        try:
            if style is not None:
                call("et_arena_open", c.byref(self._arena), STYLE_BYTES)
                call("et_trainer_style_load", _text(style, "a style"), self._arena, c.byref(loaded))
            call("et_trainer_open", c.byref(self._open), world_handle, loaded)
        except EtudeError:
            self.close()
            raise
        world._users.add(self)

    @property
    def _handle(self):
        if not self._open:
            raise _refuse("the trainer is closed, by itself or with its world: make another Trainer")
        return self._open

    def begin(self, seed=0):
        """After the world's reset."""
        call("et_trainer_begin", self._handle, _seed(seed))
        self._has_begun = True

    def act(self):
        """The next action, or None at the end."""
        handle, action = self._handle, np.empty_like(self._world.home)
        if not self._has_begun:
            raise _refuse("the trainer has not begun: call begin() after the world's reset()")
        status = call("et_trainer_act", handle, action.ctypes.data_as(Numbers))
        return None if status > 0 else action

    def close(self):
        if self._open:
            LIB.et_trainer_close(self._open)
        LIB.et_arena_close(self._arena)
        self._open, self._arena = c.c_void_p(), c.c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Cameras:
    """What the cameras of a world see, drawn without a screen. Belongs to the thread that made it.

    names: "head", "left_wrist", "right_wrist", "scene"."""

    def __init__(self, world, width=640, height=480, has_shadows=False):
        self._open = c.c_void_p()
        handle = world._handle
        try:
            options = CameraOptions(operator.index(width), operator.index(height), has_shadows)
        except (TypeError, ValueError, OverflowError):
            raise _refuse(f"pictures are of whole pixels, not {width!r} x {height!r}") from None
        call("et_world_renderer_open", c.byref(self._open), handle, c.byref(options))
        self.names = [LIB.et_world_camera(handle, i).decode()
                      for i in range(LIB.et_world_n_cameras(handle))]
        self._shape = (options.height or 480, options.width or 640)
        world._users.add(self)

    def _see(self, name, picture, kind, draw):
        if not self._open:
            raise _refuse("the cameras are closed, by themselves or with their world")
        if name not in self.names:
            raise _refuse(f"no camera {name!r}: one of {', '.join(self.names)}")
        call(draw, self._open, self.names.index(name), picture.ctypes.data_as(c.POINTER(kind)))
        return picture

    def picture(self, name="head"):
        """RGB, uint8, height x width x 3."""
        return self._see(name, np.empty((*self._shape, 3), np.uint8), c.c_uint8, "et_world_render")

    def depth(self, name="head"):
        """Metres along the camera's axis, float32, height x width; infinity where nothing is."""
        return self._see(name, np.empty(self._shape, np.float32), c.c_float, "et_world_render_depth")

    def close(self):
        if self._open:
            LIB.et_world_renderer_close(self._open)
        self._open = c.c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
