/* Segments that marks name: a phase and what ends it. */
#include "etude/cut.h"

#include "support.h"
#include "tap.h"

#include <stdio.h>

#define T0 INT64_C(1700000000000000000)
#define S(s) ((int64_t)((s)*1e9))

static struct et_arena *arena;
static struct et_err err;
static struct et_cut cut;

static double s_of(int64_t t_ns)
{
    return (double)(t_ns - T0) * 1e-9;
}

static const char *names(const struct et_segment *segments, size_t n)
{
    static char text[256];
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; i < n && at < sizeof text; i++)
        at +=
            (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? " | " : "", segments[i].name);
    return text;
}

/* No gap between segments, and none at the ends. */
static void check_cover(const struct et_cut_episode *e)
{
    for (size_t i = 0; i < e->n_segments; i++)
        CHECK_EQ(e->segments[i].t_first_ns, i ? e->segments[i - 1].t_last_ns : e->t_first_ns);
    CHECK(e->n_segments > 0 && e->segments[e->n_segments - 1].t_last_ns == e->t_last_ns);
}

static void phases_are_the_segments(void)
{
    // The first phase of an episode is told just before its begin.
    const struct et_mark marks[] = {
        {T0 + S(1.999), "phase: reach"},
        {T0 + S(2), "begin"},
        {T0 + S(4), "phase: press"},
        {T0 + S(6), "success"},
        {T0 + S(7), "end"},
        {T0 + S(9), "phase"},
        {T0 + S(9), "begin"},
        {T0 + S(10), "Phase: let go"},
        {T0 + S(12), "end"},
        {T0 + S(14), "begin"},
        {T0 + S(16), "end"},
        {T0 + S(18), "phase: late"},
        {T0 + S(18), "phase: later"},
    };
    const struct et_cut_input input = {.marks = marks,
                                       .n_marks = sizeof marks / sizeof *marks,
                                       .t_first_ns = T0,
                                       .t_last_ns = T0 + S(20)};
    CHECK_OK(et_cut(&input, NULL, arena, &cut, &err));
    CHECK_EQ(cut.by, ET_CUT_MARKS);
    if (!CHECK(cut.n_episodes == 3))
        return;
    const struct et_cut_episode *e = cut.episodes;
    CHECK_STR(names(e[0].segments, e[0].n_segments), "reach | press | unnamed");
    CHECK_NEAR(s_of(e[0].segments[1].t_first_ns), 4, 1e-9);
    CHECK_NEAR(s_of(e[0].segments[1].t_last_ns), 6, 1e-9);
    CHECK_STR(names(e[1].segments, e[1].n_segments), "unnamed | let go");
    CHECK_EQ(e[2].n_segments, 0); // measured, as where nothing is named
    check_cover(&e[0]);
    check_cover(&e[1]);
}

static void spans_go_before_phases(void)
{
    const struct et_span span = {false, "pour", T0 + S(3), T0 + S(5)};
    const struct et_mark marks[] = {
        {T0 + S(2), "begin"}, {T0 + S(2), "phase: reach"}, {T0 + S(8), "end"}};
    const struct et_cut_input input = {.marks = marks,
                                       .n_marks = 3,
                                       .spans = &span,
                                       .n_spans = 1,
                                       .t_first_ns = T0,
                                       .t_last_ns = T0 + S(20)};
    CHECK_OK(et_cut(&input, NULL, arena, &cut, &err));
    if (CHECK(cut.n_episodes == 1))
        CHECK_STR(names(cut.episodes[0].segments, cut.episodes[0].n_segments),
                  "unnamed | pour | unnamed");
}

int main(void)
{
    if (et_arena_open(&arena, 1 << 20, &err) != ET_OK)
        return 1;
    RUN(phases_are_the_segments);
    RUN(spans_go_before_phases);
    et_arena_close(arena);
    return tap_end();
}
