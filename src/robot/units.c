#include "robot/robot__units.h"

#define PI 3.14159265358979323846

// clang-format off
static const struct et__unit UNITS[] = {
    {"rad",       "rad",      1.0},
    {"deg",       "rad",      PI / 180.0},
    {"turn",      "rad",      2.0 * PI},
    {"rad/s",     "rad/s",    1.0},
    {"deg/s",     "rad/s",    PI / 180.0},
    {"rev/min",   "rad/s",    2.0 * PI / 60.0},
    {"fraction",  "fraction", 1.0},            // 0 … 1
    {"percent",   "fraction", 1.0 / 100.0},    // 0 … 100
    {"permille",  "fraction", 1.0 / 1000.0},   // 0 … 1000
    {"byte",      "fraction", 1.0 / 255.0},    // 0 … 255
    {"1/s",       "1/s",      1.0},            // fraction a second
    {"percent/s", "1/s",      1.0 / 100.0},
    {"m",         "m",        1.0},
    {"cm",        "m",        1e-2},
    {"mm",        "m",        1e-3},
    {"m/s",       "m/s",      1.0},
    {"mm/s",      "m/s",      1e-3},
    {"N m",       "N m",      1.0},
    {"mN m",      "N m",      1e-3},
    {"N",         "N",        1.0},
    {"mN",        "N",        1e-3},
    {"Pa",        "Pa",       1.0},
    {"kPa",       "Pa",       1e3},
    {"s",         "s",        1.0},
    {"ms",        "s",        1e-3},
    {"us",        "s",        1e-6},
    {"ns",        "s",        1e-9},
    {"1",         "1",        1.0},            // not known, or a number without a unit
};
// clang-format on

#define N_UNITS (sizeof UNITS / sizeof *UNITS)

const struct et__unit *et__unit_find(const char *text)
{
    for (size_t i = 0; i < N_UNITS; i++)
        if (strcmp(UNITS[i].text, text) == 0)
            return &UNITS[i];
    return NULL;
}

void et__unit_list(const char *si, struct et_buf *list)
{
    bool is_first = true;
    for (size_t i = 0; i < N_UNITS; i++) {
        if (strcmp(UNITS[i].si, si) != 0)
            continue;
        et_buf_puts(list, is_first ? "" : ", ");
        et_buf_puts(list, UNITS[i].text);
        is_first = false;
    }
}
