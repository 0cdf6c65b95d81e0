/* The faults that there are: one row each. */
#include "record__record.h"

#include "etude/str.h"

#include <math.h>
#include <string.h>

// clang-format off
static const struct et_world_fault_kind KINDS[ET_N_FAULTS] = {
    [ET_FAULT_CLOCK_OFFSET] = {"clock_offset", "s", {0.1, 10, 3600}, 1e7, false, "clock_offset",
        "the clock of the joints is wrong by so much",
        false, false},
    [ET_FAULT_CLOCK_DRIFT] = {"clock_drift", "ppm", {500, 2000, 10000}, 1e5, false, "clock_drift",
        "the clock of the joints runs at another rate", false, false},
    [ET_FAULT_CLOCK_JUMP] = {"clock_jump", "s", {0.05, 0.5, 5}, 1e7, false, "clock_reset",
        "the clock of the joints is set forward once", false, false},
    [ET_FAULT_CLOCK_RESET] = {"clock_reset", "times", {1, 2, 3}, 20, true, "clock_reset",
        "the clock of the joints starts again at 0", false, false},
    [ET_FAULT_COARSE_TICKS] = {"coarse_ticks", "s", {0.005, 0.01, 0.05}, 1, false, "clock_source",
        "the clock of the joints shows multiples of this", false, false},
    [ET_FAULT_WIFI_DELAY] = {"wifi_delay", "s", {0.15, 0.3, 0.6}, 10, false, "late",
        "the link of the joints stalls again and again, for so long", false, false},
    [ET_FAULT_DROPPED] = {"dropped", "fraction", {0.01, 0.05, 0.2}, 0.9, false, "gap",
        "joint states are lost, a few at a time", false, false},
    [ET_FAULT_REPEATED] = {"repeated", "fraction", {0.02, 0.1, 0.3}, 0.9, false, "stamps",
        "joint states are sent twice", false, false},
    [ET_FAULT_FROZEN_CAMERA] = {"frozen_camera", "s", {0.8, 1.6, 3}, 600, false, "frozen_camera",
        "the head's camera shows one picture while the robot moves", false, true},
    [ET_FAULT_BLACK_CAMERA] = {"black_camera", "s", {0.3, 1, 3}, 600, false, "exposure",
        "the head's camera shows nothing", false, true},
    [ET_FAULT_BLURRED_CAMERA] = {"blurred_camera", "px", {2, 4, 8}, 64, false, "blur",
        "the head's camera is out of focus for 1.5 s; the radius", false, true},
    [ET_FAULT_FROZEN_ENCODER] = {"frozen_encoder", "s", {0.8, 1.6, 3}, 600, false, "frozen_encoder",
        "the arm's joint that moves most reads the same", false, false},
    [ET_FAULT_WRONG_SIGN] = {"wrong_sign", "joints", {1, 2, 4}, 14, true, "tracking",
        "arm joints read with the other sign, those furthest from 0 first", false, false},
    [ET_FAULT_SATURATION] = {"saturation", "s", {0.5, 1, 3}, 600, false, "saturation",
        "the command of the arm's joint that moves most is at its limit", false, false},
    [ET_FAULT_TRUNCATED] = {"truncated", "fraction", {0.25, 0.5, 0.75}, 0.95, false, "truncation",
        "the recording ends in the middle of a movement; the share of the phases that is missing",
        false, false},
    [ET_FAULT_WRONG_LABEL] = {"wrong_label", "kind", {1, 2, 3}, 3, true, "label",
        "1: a placeholder; 2: nothing; 3: another skill's, which is seen if it names an idle arm",
        false, false},
    [ET_FAULT_IDLE] = {"idle", "s", {1.5, 4, 15}, 600, false, "idle",
        "whoever shows it stands still in the middle", false, false},

    [ET_FAULT_MISSED_GRASP] = {"missed_grasp", "m", {0.03, 0.05, 0.08}, 0.2, false, "missed_grasp",
        "the hand closes so far beside the thing, or before it", true, false},
    [ET_FAULT_SLIP] = {"slip", "m", {0.01, 0.02, 0.04}, 0.2, false, "slip",
        "what is carried slides so far in the closed hand", true, false},
    [ET_FAULT_DROP] = {"drop", "m", {0.05, 0.1, 0.2}, 2, false, "drop",
        "what is carried falls out of the closed hand; at least so deep", true, false},
    [ET_FAULT_EARLY_RELEASE] = {"early_release", "s", {0.2, 0.5, 1}, 10, false, "early_release",
        "the hand opens so long before it arrives", true, false},
    [ET_FAULT_COLLISION] = {"collision", "N", {10, 30, 100}, 1000, false, "collision",
        "an empty hand leaves its way and hits what stands there; the force", true, false},
};
// clang-format on

const struct et_world_fault_kind *et_world_fault_kind(enum et_world_fault_name name)
{
    return (unsigned)name < ET_N_FAULTS ? &KINDS[name] : NULL;
}

static enum et_status unknown(struct et_str word, struct et_err *err)
{
    const char *names[ET_N_FAULTS + 1] = {NULL};
    for (size_t i = 0; i < ET_N_FAULTS; i++)
        names[i] = KINDS[i].name;
    return et_fail(err, ET_EARG, -1, "there is no fault \"%.*s\"; the nearest is %s",
                   (int)(word.n < 64 ? word.n : 64), word.n ? word.p : "",
                   et_str_nearest(word, names));
}

static bool parse_magnitude(struct et_str text, const struct et_world_fault_kind *kind,
                            double *magnitude)
{
    static const char *const WORDS[] = {"small", "middle", "large"};
    for (size_t i = 0; i < 3; i++)
        if (et_str_is(text, WORDS[i])) {
            *magnitude = kind->magnitudes[i];
            return true;
        }
    return et_str_to_double(text, magnitude);
}

enum et_status et__fault_check(const struct et_world_fault *fault, struct et_err *err)
{
    const struct et_world_fault_kind *kind = et_world_fault_kind(fault->name);
    const double m = fault->magnitude;
    if (!kind)
        return et_fail(err, ET_EARG, -1, "fault %d is none", (int)fault->name);
    if (!(m > 0) || m > kind->most || (kind->is_whole && m != floor(m)))
        return et_fail(err, ET_EARG, -1,
                       "the magnitude of %s is %s above 0 and up to %.10g %s, not %g", kind->name,
                       kind->is_whole ? "a whole number" : "a number", kind->most, kind->unit, m);
    return ET_OK;
}

enum et_status et_world_fault_parse(struct et_str text, struct et_world_fault *fault,
                                    struct et_err *err)
{
    struct et_str rest = text, name = {0};
    (void)et_str_cut(&rest, '=', &name);
    size_t i = 0;
    while (i < ET_N_FAULTS && !et_str_is(name, KINDS[i].name))
        i++;
    if (i == ET_N_FAULTS)
        return unknown(name, err);
    const struct et_world_fault_kind *kind = &KINDS[i];
    *fault = (struct et_world_fault){(enum et_world_fault_name)i, kind->magnitudes[1]};
    if (name.n < text.n && !parse_magnitude(rest, kind, &fault->magnitude))
        return et_fail(err, ET_EARG, -1,
                       "the magnitude of %s is small, middle, large or a number (%s), not \"%.*s\"",
                       kind->name, kind->unit, (int)(rest.n < 32 ? rest.n : 32),
                       rest.n ? rest.p : "");
    return et__fault_check(fault, err);
}

// ---- what the trainer does ----

bool et__fault_mishap(enum et_world_fault_name name, enum et_mishap *what)
{
    static const enum et_world_fault_name NAMES[ET_N_MISHAPS] = {
        [ET_MISHAP_MISSED_GRASP] = ET_FAULT_MISSED_GRASP,
        [ET_MISHAP_SLIP] = ET_FAULT_SLIP,
        [ET_MISHAP_DROP] = ET_FAULT_DROP,
        [ET_MISHAP_EARLY_RELEASE] = ET_FAULT_EARLY_RELEASE,
        [ET_MISHAP_COLLISION] = ET_FAULT_COLLISION,
    };
    for (size_t i = 0; i < ET_N_MISHAPS; i++)
        if (NAMES[i] == name) {
            *what = (enum et_mishap)i;
            return true;
        }
    return false;
}

enum et_status et_world_fault_plan(struct et_trainer *trainer, const struct et_world_fault *faults,
                                   size_t n_faults, struct et_err *err)
{
    struct et_trainer_mishap mishaps[ET_N_MISHAPS];
    const char *names[ET_N_MISHAPS];
    size_t n = 0;
    for (size_t i = 0; i < n_faults; i++) {
        enum et_mishap what;
        if (!et__fault_mishap(faults[i].name, &what))
            continue;
        for (size_t k = 0; k < n; k++)
            if (mishaps[k].what == what)
                return et_fail(err, ET_EARG, -1, "%s stands twice", names[k]);
        names[n] = KINDS[faults[i].name].name;
        mishaps[n++] = (struct et_trainer_mishap){what, faults[i].magnitude};
    }
    for (size_t i = 1; i <= n; i++) { // the first that cannot be is named
        const enum et_status st = et_trainer_plan(trainer, mishaps, i, err);
        if (st != ET_OK) {
            (void)et_err_context(err, "%s", names[i - 1]);
            return st;
        }
    }
    return n ? ET_OK : et_trainer_plan(trainer, NULL, 0, err);
}
