"""libetude by ctypes: where it is, its errors, and the structures of etude/world.h and
etude/loader.h."""

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
                ("has_lag", c.c_bool), ("without_friction", c.c_bool),
                ("disturbance_rad", c.c_double), ("has_litter", c.c_bool),
                ("measures_contact", c.c_bool)]


class Contact(c.Structure):
    _fields_ = [("hand_n", c.c_double), ("body_n", c.c_double)]


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


class Feature(c.Structure):
    _fields_ = [("name", c.c_char_p), ("dtype", c.c_int), ("shape", c.POINTER(c.c_int64)),
                ("n_dims", c.c_size_t), ("n_values", c.c_size_t), ("names", c.POINTER(c.c_char_p)),
                ("declared", c.c_void_p)]


class DatasetInfo(c.Structure):
    """The beginning of struct et_dataset_info."""
    _fields_ = [("path", c.c_char_p), ("layout", c.c_int), ("robot_type", c.c_char_p),
                ("fps", c.c_double), ("features", c.POINTER(Feature)), ("n_features", c.c_size_t),
                ("tasks", c.POINTER(c.c_char_p)), ("n_tasks", c.c_size_t),
                ("segments", c.POINTER(c.c_char_p)), ("n_segments", c.c_size_t),
                ("n_episodes", c.c_int64), ("n_rows", c.c_int64)]


class LoaderColumn(c.Structure):
    _fields_ = [("feature", c.c_char_p), ("steps", c.POINTER(c.c_int)), ("n_steps", c.c_size_t),
                ("width_px", c.c_int), ("height_px", c.c_int), ("crop_width_px", c.c_int),
                ("crop_height_px", c.c_int), ("is_crop_random", c.c_bool), ("layout", c.c_int),
                ("mean", c.c_float * 3), ("deviation", c.c_float * 3)]


class LoaderOptions(c.Structure):
    _fields_ = [("columns", c.POINTER(LoaderColumn)), ("n_columns", c.c_size_t),
                ("episodes", c.POINTER(c.c_int64)), ("n_episodes", c.c_size_t),
                ("batch", c.c_size_t), ("is_in_order", c.c_bool), ("drops_rest", c.c_bool),
                ("seed", c.c_uint64), ("n_threads", c.c_uint), ("n_ahead", c.c_uint),
                ("rows_bytes_max", c.c_size_t), ("pictures_bytes_max", c.c_size_t),
                ("weight", c.c_char_p)]


class LoaderShape(c.Structure):
    _fields_ = [("n_steps", c.c_size_t), ("n_values", c.c_size_t), ("width_px", c.c_int),
                ("height_px", c.c_int), ("layout", c.c_int), ("names", c.POINTER(c.c_char_p))]


class LoaderStats(c.Structure):
    _fields_ = [("mean", c.c_double), ("deviation", c.c_double), ("min", c.c_double),
                ("max", c.c_double)]


class Batch(c.Structure):
    _fields_ = [("n", c.c_size_t), ("epoch", c.c_int64), ("i_batch", c.c_int64),
                ("samples", c.POINTER(c.c_int64)), ("episodes", c.POINTER(c.c_int64)),
                ("rows", c.POINTER(c.c_int64)), ("tasks", c.POINTER(c.c_int64)),
                ("weights", c.POINTER(c.c_float)), ("columns", c.POINTER(c.c_void_p)),
                ("padded", c.POINTER(c.POINTER(c.c_uint8)))]


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
    "et_world_hands": (None, [_WORLD, Numbers]),
    "et_world_contact": (Contact, [_WORLD]),
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
    "et_dataset_open": (c.c_int, [c.POINTER(c.c_void_p), c.c_char_p, _ERR]),
    "et_dataset_close": (None, [c.c_void_p]),
    "et_dataset_info": (c.POINTER(DatasetInfo), [c.c_void_p]),
    "et_dtype_text": (c.c_char_p, [c.c_int]),
    "et_loader_open": (c.c_int, [c.POINTER(c.c_void_p), c.c_void_p, c.POINTER(LoaderOptions),
                                 _ERR]),
    "et_loader_close": (None, [c.c_void_p]),
    "et_loader_n_samples": (c.c_int64, [c.c_void_p]),
    "et_loader_n_batches": (c.c_int64, [c.c_void_p]),
    "et_loader_shape": (LoaderShape, [c.c_void_p, c.c_size_t]),
    "et_loader_stats": (LoaderStats, [c.c_void_p, c.c_size_t, c.c_size_t]),
    "et_loader_seek": (c.c_int, [c.c_void_p, c.c_int64, c.c_int64, _ERR]),
    "et_loader_next": (c.c_int, [c.c_void_p, c.POINTER(Batch), _ERR]),
    "et_loader_get": (c.c_int, [c.c_void_p, c.POINTER(c.c_int64), c.c_size_t, c.c_int64,
                                c.POINTER(Batch), _ERR]),
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
