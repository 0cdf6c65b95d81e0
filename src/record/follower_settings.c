// How a robot follows, as a station's file has it.
#include "record/record__follower.h"

// clang-format off
#define REAL(lo, hi) {.type = ET_SCHEMA_REAL, .has_range = true, .min = (lo), .max = (hi)}
static const struct et_schema SCALE = REAL(0.1, 10);
static const struct et_schema SMOOTHING_S = REAL(0.001, 1);
static const struct et_schema SPEED_SHARE = REAL(0.01, 1);
static const struct et_schema SPEED_RAD_S = REAL(0.05, 10);
static const struct et_schema HAND_M_S = REAL(0.05, 5);
static const struct et_schema FORCE_N = REAL(1, 500);
static const struct et_schema WATCHDOG_MS = REAL(20, 2000);
static const struct et_schema CLEARANCE_M = REAL(0.001, 0.2);
static const struct et_schema_field FIELDS[] = {
    {"scale",       &SCALE,       false},
    {"smoothing_s", &SMOOTHING_S, false},
    {"speed_share", &SPEED_SHARE, false},
    {"speed_rad_s", &SPEED_RAD_S, false},
    {"hand_m_s",    &HAND_M_S,    false},
    {"force_n",     &FORCE_N,     false},
    {"watchdog_ms", &WATCHDOG_MS, false},
    {"clearance_m", &CLEARANCE_M, false},
    {NULL,          NULL,         false},
};
const struct et_schema et__follower_settings = {.type = ET_SCHEMA_MAP, .fields = FIELDS};
// clang-format on

static double setting(const struct et_value *settings, const char *key)
{
    return et_value_real(et_value_get(settings, key), 0);
}

struct et_teleop_options et__follower_options(const struct et_value *settings)
{
    return (struct et_teleop_options){
        .scale = setting(settings, "scale"),
        .smoothing_s = setting(settings, "smoothing_s"),
        .speed_share = setting(settings, "speed_share"),
        .speed_rad_s = setting(settings, "speed_rad_s"),
        .hand_m_s_max = setting(settings, "hand_m_s"),
        .force_n_max = setting(settings, "force_n"),
        .watchdog_ns = (int64_t)(setting(settings, "watchdog_ms") * 1e6),
        .clearance_m = setting(settings, "clearance_m"),
    };
}
