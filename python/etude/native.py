"""libetude by ctypes: where it is, its errors, and the structures of etude/world.h."""

import ctypes as c
import glob
import os


class EtudeError(Exception):
    """What a call of the library came to; `status` is its enum et_status (ARGUMENT: what was given
    is wrong)."""

    ARGUMENT = -1

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Err(c.Structure):
    _fields_ = [("status", c.c_int), ("sys", c.c_int), ("at", c.c_int64), ("text", c.c_char * 384)]


class Options(c.Structure):
    _fields_ = [("skill", c.c_char_p), ("robot", c.c_char_p), ("has_backlash", c.c_bool),
                ("has_lag", c.c_bool), ("without_friction", c.c_bool), ("has_litter", c.c_bool)]


class CameraOptions(c.Structure):
    _fields_ = [("width", c.c_size_t), ("height", c.c_size_t), ("has_shadows", c.c_bool)]


class Joint(c.Structure):
    _fields_ = [("name", c.c_char_p), ("maker", c.c_char_p), ("part", c.c_int),
                ("lower", c.c_double), ("upper", c.c_double), ("home", c.c_double),
                ("maker_scale", c.c_double), ("maker_index", c.c_size_t)]


Numbers = c.POINTER(c.c_double)


class State(c.Structure):
    _fields_ = [("t_ns", c.c_int64), ("n_joints", c.c_size_t), ("position", Numbers),
                ("velocity", Numbers), ("effort", Numbers), ("command", Numbers),
                ("wrench", Numbers), ("touch", Numbers), ("pressure", Numbers), ("imu", Numbers)]


class Object(c.Structure):
    _fields_ = [("name", c.c_char_p), ("pose", c.c_double * 7)]


class Skill(c.Structure):
    """The beginning of struct et_skill: what an environment needs of it."""
    _fields_ = [("path", c.c_char_p), ("folder", c.c_char_p), ("id", c.c_char_p),
                ("scenario", c.c_char_p), ("instruction_en", c.c_char_p),
                ("instruction_fr", c.c_char_p), ("instruction_zh", c.c_char_p),
                ("limit_s", c.c_double), ("human_s", c.c_double)]


def _candidates():
    if os.environ.get("ETUDE_LIBRARY"):
        yield os.environ["ETUDE_LIBRARY"]
        return
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    yield from sorted(glob.glob(os.path.join(root, "build*", "libetude.so")))
    yield "libetude.so.0"


def _load():
    reasons = []
    for path in _candidates():
        try:
            return c.CDLL(path)
        except OSError as error:
            reasons.append(str(error))
    raise ImportError("libetude is not there; build it (./quickstart) or set ETUDE_LIBRARY: "
                      + "; ".join(reasons))


LIB = _load()
_ERR = c.POINTER(Err)
_WORLD = c.c_void_p

# name: result, arguments. Calls that can fail return an enum et_status and take a struct et_err last.
_CALLS = {
    "et_world_open": (c.c_int, [c.POINTER(_WORLD), c.POINTER(Options), _ERR]),
    "et_world_close": (None, [_WORLD]),
    "et_world_skill": (c.POINTER(Skill), [_WORLD]),
    "et_world_robot": (c.c_char_p, [_WORLD]),
    "et_world_joints": (c.POINTER(Joint), [_WORLD, c.POINTER(c.c_size_t)]),
    "et_world_reset": (c.c_int, [_WORLD, c.c_uint64, c.c_int, _ERR]),
    "et_world_step": (c.c_int, [_WORLD, Numbers, _ERR]),
    "et_world_observe": (c.POINTER(State), [_WORLD]),
    "et_world_success": (c.c_bool, [_WORLD, c.POINTER(c.c_char_p)]),
    "et_world_n_objects": (c.c_size_t, [_WORLD]),
    "et_world_object": (Object, [_WORLD, c.c_size_t]),
    "et_world_renderer_open": (c.c_int, [c.POINTER(c.c_void_p), _WORLD, c.POINTER(CameraOptions),
                                         _ERR]),
    "et_world_renderer_close": (None, [c.c_void_p]),
    "et_world_n_cameras": (c.c_size_t, [_WORLD]),
    "et_world_camera": (c.c_char_p, [_WORLD, c.c_size_t]),
    "et_world_render": (c.c_int, [c.c_void_p, c.c_size_t, c.POINTER(c.c_uint8), _ERR]),
    "et_world_render_depth": (c.c_int, [c.c_void_p, c.c_size_t, c.POINTER(c.c_float), _ERR]),
    "et_arena_open": (c.c_int, [c.POINTER(c.c_void_p), c.c_size_t, _ERR]),
    "et_arena_close": (None, [c.c_void_p]),
    "et_trainer_style_load": (c.c_int, [c.c_char_p, c.c_void_p, c.POINTER(c.c_void_p), _ERR]),
    "et_trainer_open": (c.c_int, [c.POINTER(_WORLD), _WORLD, c.c_void_p, _ERR]),
    "et_trainer_close": (None, [_WORLD]),
    "et_trainer_begin": (c.c_int, [_WORLD, c.c_uint64, _ERR]),
    "et_trainer_act": (c.c_int, [_WORLD, Numbers, _ERR]),
    "et_tier_find": (c.c_bool, [c.c_char_p, c.POINTER(c.c_int)]),
    "et_tier_name": (c.c_char_p, [c.c_int]),
}
for _name, (_result, _arguments) in _CALLS.items():
    _function = getattr(LIB, _name)
    _function.restype, _function.argtypes = _result, _arguments


def call(name, *arguments):
    """Calls what can fail; returns its status where it is 0 or an expected end (positive)."""
    err = Err()
    status = getattr(LIB, name)(*arguments, c.byref(err))
    if status < 0:
        raise EtudeError(status, err.text.decode("utf-8", "replace"))
    return status
