"""The virtual training centre as an environment in Gymnasium's style (reset, step, close)."""

import ctypes as c

import numpy as np

from .native import LIB, EtudeError, Numbers, Options, call

TIERS = ("controlled", "displaced", "varied", "cluttered", "disturbed")
TICKS = 5  # of physics in a step
_ROWS = {"wrench": 12, "touch": 4, "pressure": 16, "imu": 10}


class Box:
    """Bounds of a vector, as Gymnasium's; used where that package is not there, too."""

    def __init__(self, low, high):
        self.low, self.high = np.asarray(low), np.asarray(high)
        self.shape, self.dtype = self.low.shape, self.low.dtype

    def contains(self, x):
        return bool(np.all(x >= self.low) and np.all(x <= self.high))

    def sample(self, random=None):
        random = random or np.random.default_rng()
        return random.uniform(self.low, self.high)


def _tier(name):
    tier = c.c_int()
    if not LIB.et_tier_find(str(name).encode(), c.byref(tier)):
        raise EtudeError(-1, f"no tier {name!r}: one of {', '.join(TIERS)}")
    return tier.value


class World:
    """One robot in one skill's scene.

    Actions are the wanted positions of all joints (radians; a lift and hands: metres) for the next
    10 ms; NaN keeps the last. Observations are copies, the newest of the step's five ticks."""

    def __init__(self, skill, robot=None, has_backlash=False, has_lag=False, without_friction=False):
        self._handle = c.c_void_p()
        options = Options(str(skill).encode(), robot.encode() if robot else None, has_backlash,
                          has_lag, without_friction)
        call("et_world_open", c.byref(self._handle), c.byref(options))
        n = c.c_size_t()
        joints = LIB.et_world_joints(self._handle, c.byref(n))
        self._joints = [joints[i] for i in range(n.value)]
        self.joint_names = [joint.name.decode() for joint in self._joints]
        self.home = np.array([joint.home for joint in self._joints])
        self.action_space = Box([joint.lower for joint in self._joints],
                                [joint.upper for joint in self._joints])
        skill = LIB.et_world_skill(self._handle).contents
        self.skill, self.scenario = skill.id.decode(), skill.scenario.decode()
        self.instruction = {"en": skill.instruction_en.decode(), "fr": skill.instruction_fr.decode(),
                            "zh": skill.instruction_zh.decode()}
        self.limit_s, self.human_s = skill.limit_s, skill.human_s
        self.robot = LIB.et_world_robot(self._handle).decode()

    def reset(self, *, seed=0, options=None):
        """options: {"tier": one of TIERS}. Returns the observation and info."""
        tier = _tier((options or {}).get("tier", TIERS[0]))
        call("et_world_reset", self._handle, seed, tier)
        return self.observe(), self._info()

    def step(self, action):
        """Returns observation, reward, terminated, truncated, info. The reward is 1 where the
        skill's success holds, and ends the episode; the time limit truncates it."""
        action = np.ascontiguousarray(action, dtype=np.float64)
        if action.shape != self.home.shape:
            raise EtudeError(-1, f"an action has {self.home.size} values, not {action.shape}")
        call("et_world_step", self._handle, action.ctypes.data_as(Numbers))
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

    def _info(self):
        missing = c.c_char_p()
        success = bool(LIB.et_world_success(self._handle, c.byref(missing)))
        t_ns = LIB.et_world_observe(self._handle).contents.t_ns
        return {"t_s": 1e-9 * t_ns, "success": success,
                "missing": missing.value.decode() if missing.value else None}

    def close(self):
        if self._handle:
            LIB.et_world_close(self._handle)
            self._handle = c.c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Trainer:
    """The scripted trainer of a world: gives actions until the skill is done or given up."""

    def __init__(self, world):
        self._world, self._handle = world, c.c_void_p()
        call("et_trainer_open", c.byref(self._handle), world._handle, None)

    def begin(self, seed=0):
        """After the world's reset."""
        call("et_trainer_begin", self._handle, seed)

    def act(self):
        """The next action, or None at the end."""
        action = np.empty_like(self._world.home)
        status = call("et_trainer_act", self._handle, action.ctypes.data_as(Numbers))
        return None if status > 0 else action

    def close(self):
        if self._handle:
            LIB.et_trainer_close(self._handle)
            self._handle = c.c_void_p()
