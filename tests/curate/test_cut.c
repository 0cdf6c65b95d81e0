/* Recordings are cut where they were made to be cut: by marks, spans, and standing still; and their
 * segments are where hands, wrists and arms were made to move. */
#include "etude/cut.h"
#include "etude/dataset.h"

#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <time.h>

#define TRACKS_MAX 8
#define S(s) ((int64_t)llround((s)*1e9))
#define T0 ((int64_t)1700000000 * 1000000000)

static struct et_err err;
static struct et_arena *arena; // of results

/* ---- made recordings ---- */

struct move {
    double from_s, to_s, by; // minimum jerk
};

struct made {
    struct et_arena *arena;
    struct et_track tracks[TRACKS_MAX];
    size_t n;
    double duration_s;
    struct rng rng;
};

static struct made make(double duration_s)
{
    struct made made = {.duration_s = duration_s, .rng = {7}};
    if (et_arena_open(&made.arena, (size_t)1 << 30, NULL) != ET_OK)
        abort();
    return made;
}

static double at_moves(const struct move *moves, double t_s)
{
    double x = 0;
    for (; moves->to_s > moves->from_s; moves++) {
        const double u = fmin(1, fmax(0, (t_s - moves->from_s) / (moves->to_s - moves->from_s)));
        x += moves->by * u * u * u * (10 - 15 * u + 6 * u * u);
    }
    return x;
}

/* A track of n_values that all go through the same moves, each a little less than the one before,
 * every second one the other way when `mirrors`. */
struct spec {
    const char *name;
    double rate_hz;
    size_t n_values;
    const struct move *moves;
    double start, noise, step;
    const double *lower, *upper;
    const char *unit;
    bool mirrors;
};

static double *add(struct made *made, const struct spec *spec)
{
    const size_t n = (size_t)floor(made->duration_s * spec->rate_hz) + 1;
    struct et_track *track = &made->tracks[made->n++];
    double *values = et_arena_array(made->arena, n * spec->n_values, sizeof *values);
    int64_t *t_ns = et_arena_array(made->arena, n, sizeof *t_ns);
    if (!values || !t_ns)
        abort();
    for (size_t k = 0; k < n; k++) {
        const double t_s = (double)k / spec->rate_hz;
        t_ns[k] = T0 + S(t_s);
        for (size_t i = 0; i < spec->n_values; i++) {
            const double share = (1 - 0.05 * (double)i) * (spec->mirrors && i % 2 ? -1 : 1);
            double x = spec->start + share * at_moves(spec->moves, t_s);
            if (spec->noise > 0)
                x += spec->noise * rng_gaussian(&made->rng);
            if (spec->step > 0)
                x = spec->step * round(x / spec->step);
            values[k * spec->n_values + i] = x;
        }
    }
    *track = (struct et_track){.stream = {.name = spec->name,
                                          .n_values = spec->n_values,
                                          .unit = spec->unit ? spec->unit : "rad",
                                          .lower = spec->lower,
                                          .upper = spec->upper},
                               .n_samples = n,
                               .t_ns = t_ns,
                               .values = values};
    CHECK(et_stream_parse(spec->name, &track->stream.part, &track->stream.quantity,
                          &track->stream.is_command));
    return values;
}

static void add_arm(struct made *made, const char *name, double rate_hz, const struct move *moves)
{
    (void)add(made, &(struct spec){.name = name,
                                   .rate_hz = rate_hz,
                                   .n_values = 7,
                                   .moves = moves,
                                   .start = 0.3,
                                   .noise = 0.001,
                                   .step = 2 * 3.14159265358979 / 65536});
}

static void add_hand(struct made *made, const char *name, double rate_hz, double start,
                     const struct move *moves)
{
    (void)add(made, &(struct spec){.name = name,
                                   .rate_hz = rate_hz,
                                   .n_values = 6,
                                   .moves = moves,
                                   .start = start,
                                   .noise = 0.003,
                                   .step = 0.001,
                                   .unit = "fraction"});
}

static struct et_cut_input input_of(const struct made *made)
{
    return (struct et_cut_input){.tracks = made->tracks,
                                 .n_tracks = made->n,
                                 .t_first_ns = T0,
                                 .t_last_ns = T0 + S(made->duration_s)};
}

static struct et_cut cut_input(const struct et_cut_input *input,
                               const struct et_cut_options *options)
{
    struct et_cut cut;
    CHECK_OK(et_cut(input, options, arena, &cut, &err));
    return cut;
}

static struct et_cut cut_made(const struct made *made, const struct et_cut_options *options)
{
    const struct et_cut_input input = input_of(made);
    return cut_input(&input, options);
}

static double s_of(int64_t t_ns)
{
    return (double)(t_ns - T0) * 1e-9;
}

/* "approach@0.00 grasp@1.50 …" */
static const char *names(const struct et_segment *segments, size_t n)
{
    static char text[4096];
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < n && used < sizeof text - 64; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " | " : "",
                                 segments[i].name);
    return text;
}

static void check_cover(const struct et_cut_episode *episode)
{
    for (size_t i = 0; i < episode->n_segments; i++) {
        const struct et_segment *segment = &episode->segments[i];
        CHECK_EQ(segment->t_first_ns, i ? episode->segments[i - 1].t_last_ns : episode->t_first_ns);
        CHECK(segment->t_last_ns > segment->t_first_ns);
        if (i + 1 == episode->n_segments)
            CHECK_EQ(segment->t_last_ns, episode->t_last_ns);
    }
}

static const struct move STILL[] = {{0, 0, 0}};

/* ---- words ---- */

static void the_ways_have_names(void)
{
    enum et_cut_by by = ET_CUT_AUTO;
    for (int i = 0; i < ET_N_CUT_BYS; i++) {
        CHECK(et_cut_by_parse(et_cut_by_text((enum et_cut_by)i), &by));
        CHECK_EQ(by, i);
    }
    CHECK(!et_cut_by_parse("Marks", &by) && !et_cut_by_parse("", &by));
    CHECK(!et_cut_by_parse(NULL, &by));
    CHECK_STR(et_cut_by_text(ET_N_CUT_BYS), "");
}

/* ---- marks ---- */

struct mark_case {
    const char *what;
    const char *begin, *end;
    struct {
        double t_s;
        const char *text;
    } marks[8];
    const char *want;   // "first-last[!][label] …"
    const char *remark; // in one of them; NULL: no remarks
};

// clang-format off
static const struct mark_case MARK_CASES[] = {
    {"pairs", NULL, NULL,
     {{2, "episode.begin"}, {8, "episode.end"}, {10, "episode.begin"}, {15, "episode.end"}},
     "2-8 10-15", NULL},
    {"marks in no order", NULL, NULL,
     {{15, "end"}, {10, "begin"}, {2, "start"}, {8, "stop"}}, "2-8 10-15", NULL},
    {"any case, a label", NULL, NULL,
     {{2, "Start: pick the cup"}, {8, "STOP"}}, "2-8[pick the cup]", NULL},
    {"an end without a begin", NULL, NULL, {{1, "end"}, {2, "begin"}, {8, "end"}, {9, "end"}},
     "2-8", "an end at 1.000 s has no begin before it"},
    {"two begins", NULL, NULL,
     {{2, "begin"}, {5, "begin"}, {8, "end"}}, "2-5! 5-8", "two begins"},
    {"no last end", NULL, NULL,
     {{2, "begin"}, {5, "end"}, {8, "begin"}}, "2-5 8-20!", "the recording ends first"},
    {"begins alone", NULL, NULL, {{2, "begin"}, {5, "begin"}}, "2-5 5-20!", "no mark says end"},
    {"ends alone", NULL, NULL, {{5, "end"}, {9, "end"}}, "0-5 5-9", "no mark says begin"},
    {"own words", "go", "done",
     {{1, "start"}, {2, "go"}, {8, "done"}, {9, "stop"}}, "2-8", NULL},
    {"a Bool topic, told again and again", "1", "0",
     {{0, "0"}, {1, "0"}, {2, "1"}, {3, "1"}, {4, "1"}, {8, "0"}, {9, "0"}}, "2-8", NULL},
    {"True and False", "true", "false", {{2, "True"}, {3, "True"}, {8, "False"}}, "2-8", NULL},
    {"one word for both", "pedal", "pedal",
     {{2, "pedal"}, {8, "pedal"}, {9, "pedal"}}, "2-8 9-20!", "the recording ends first"},
    {"outside of the recording", NULL, NULL,
     {{-5, "begin"}, {8, "end"}, {30, "begin"}, {40, "end"}}, "0-8", NULL},
    {"too short", NULL, NULL,
     {{2, "begin"}, {2.5, "end"}, {4, "begin"}, {9, "end"}}, "4-9", NULL},
    {"words that only begin alike", NULL, NULL,
     {{2, "starting"}, {3, "begin"}, {9, "end."}, {12, "end"}}, "3-12", NULL},
};
// clang-format on

static const char *pieces(const struct et_cut *cut)
{
    static char text[1024];
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < cut->n_episodes && used < sizeof text - 100; i++) {
        const struct et_cut_episode *e = &cut->episodes[i];
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%g-%g%s%s%s%s", i ? " " : "",
                                 s_of(e->t_begin_ns), s_of(e->t_end_ns), e->was_cut ? "!" : "",
                                 e->label[0] ? "[" : "", e->label, e->label[0] ? "]" : "");
    }
    return text;
}

static void marks_cut_in_every_order(void)
{
    for (size_t c = 0; c < sizeof MARK_CASES / sizeof *MARK_CASES; c++) {
        const struct mark_case *one = &MARK_CASES[c];
        struct et_mark marks[8];
        struct et_cut_input input = {.marks = marks, .t_first_ns = T0, .t_last_ns = T0 + S(20)};
        const struct et_cut_options options = {
            .by = ET_CUT_MARKS, .begin = one->begin, .end = one->end};
        for (; input.n_marks < 8 && one->marks[input.n_marks].text; input.n_marks++)
            marks[input.n_marks] = (struct et_mark){T0 + S(one->marks[input.n_marks].t_s),
                                                    one->marks[input.n_marks].text};
        const struct et_cut cut = cut_input(&input, &options);
        bool is_told = one->remark == NULL;
        CHECK_EQ(cut.by, ET_CUT_MARKS);
        if (!CHECK(strcmp(pieces(&cut), one->want) == 0))
            printf("#   %s: %s, wanted %s\n", one->what, pieces(&cut), one->want);
        // Without tracks there is always the remark that nothing is trimmed.
        for (size_t i = 1; i < cut.n_remarks; i++)
            is_told |= one->remark && tap_has(cut.remarks[i], one->remark);
        if (!CHECK(is_told && (one->remark || cut.n_remarks == 1)))
            printf("#   %s: %s\n", one->what, cut.n_remarks > 1 ? cut.remarks[1] : "no remark");
    }
}

static void no_marks_cut_nothing(void)
{
    const struct et_mark marks[] = {{T0 + S(2), "hello"}, {T0 + S(3), NULL}, {T0 + S(4), ""}};
    const struct et_cut_input input = {
        .marks = marks, .n_marks = 3, .t_first_ns = T0, .t_last_ns = T0 + S(20)};
    const struct et_cut cut = cut_input(&input, &(struct et_cut_options){.by = ET_CUT_MARKS});
    CHECK_EQ(cut.n_episodes, 0);
    CHECK_EQ(cut.n_too_short, 0);
}

static void remarks_are_few(void)
{
    static struct et_mark marks[1000];
    for (size_t i = 0; i < 1000; i++)
        marks[i] = (struct et_mark){T0 + S(0.01 * (double)i), i == 999 ? "begin" : "end"};
    const struct et_cut_input input = {
        .marks = marks, .n_marks = 1000, .t_first_ns = T0, .t_last_ns = T0 + S(20)};
    const struct et_cut cut = cut_input(&input, NULL);
    CHECK_EQ(cut.n_remarks, 21);
    CHECK_STR(cut.remarks[20], "and 981 more like these");
    CHECK_EQ(cut.n_episodes, 1);
}

static void counts_what_is_too_short(void)
{
    const struct et_mark marks[] = {{T0, "begin"}, {T0 + S(0.5), "end"}};
    const struct et_cut_input input = {
        .marks = marks, .n_marks = 2, .t_first_ns = T0, .t_last_ns = T0 + S(20)};
    struct et_cut cut = cut_input(&input, NULL);
    CHECK_EQ(cut.by, ET_CUT_MARKS);
    CHECK_EQ(cut.n_episodes, 0);
    CHECK_EQ(cut.n_too_short, 1);
    cut = cut_input(&input, &(struct et_cut_options){.episode_min_s = 0.4});
    CHECK_EQ(cut.n_episodes, 1);
}

/* ---- spans ---- */

static void spans_cut_where_there_are_no_marks(void)
{
    const struct et_span spans[] = {
        {true, "demo_1", T0 + S(10), T0 + S(15)}, {true, "demo_0", T0 + S(1), T0 + S(8)},
        {true, NULL, T0 + S(14), T0 + S(18)},     {true, "empty", T0 + S(3), T0 + S(3)},
        {false, "reach", T0 + S(2), T0 + S(4)},   {false, "pour", T0 + S(3.5), T0 + S(6)},
        {false, NULL, T0 + S(7), T0 + S(11)},
    };
    struct et_cut_input input = {
        .spans = spans, .n_spans = 7, .t_first_ns = T0, .t_last_ns = T0 + S(20)};
    struct et_cut cut = cut_input(&input, NULL);
    CHECK_EQ(cut.by, ET_CUT_SPANS);
    CHECK_STR(pieces(&cut), "1-8[demo_0] 10-15[demo_1] 15-18");
    CHECK_EQ(cut.n_remarks, 3);
    CHECK_HAS(cut.remarks[1], "have no length");
    CHECK_HAS(cut.remarks[2], "before the one before has ended");
    CHECK_STR(names(cut.episodes[0].segments, cut.episodes[0].n_segments),
              "unnamed | reach | pour | unnamed | unnamed");
    CHECK_NEAR(s_of(cut.episodes[0].segments[2].t_first_ns), 4, 1e-9);
    CHECK_STR(names(cut.episodes[1].segments, cut.episodes[1].n_segments), "unnamed | unnamed");
    CHECK_EQ(cut.episodes[2].n_segments, 0);
    for (size_t i = 0; i < cut.n_episodes; i++)
        check_cover(&cut.episodes[i]);

    const struct et_mark marks[] = {{T0 + S(2), "begin"}, {T0 + S(9), "end"}};
    input.marks = marks;
    input.n_marks = 2;
    cut = cut_input(&input, NULL);
    CHECK_EQ(cut.by, ET_CUT_MARKS);
}

/* ---- idle ---- */

// Attempts at 2–6 s, 11–14 s with a pause of 1.5 s in it, and 19–24 s.
static const struct move ATTEMPTS[] = {{2, 4, 0.8},      {4, 6, -0.5}, {11, 12, 0.4},
                                       {13.5, 14, 0.15}, {19, 24, -1}, {0, 0, 0}};

static void idle_gaps_part_at_every_rate(void)
{
    static const double rates[] = {500, 100, 30, 10};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        static const double want[3][2] = {{2, 6}, {11, 14}, {19, 24}};
        struct made made = make(30);
        add_arm(&made, "left_arm.position", 30, STILL);
        add_arm(&made, "right_arm.position", rates[r], ATTEMPTS);
        add_hand(&made, "right_hand.position", 100, 0.5, STILL);
        const struct et_cut cut = cut_made(&made, NULL);
        CHECK_EQ(cut.by, ET_CUT_IDLE);
        CHECK_EQ(cut.n_episodes, 3);
        for (size_t i = 0; i < cut.n_episodes && i < 3; i++) {
            // The slowest of them needs 0.3 s until it is faster than the threshold.
            CHECK_NEAR(s_of(cut.episodes[i].t_first_ns), want[i][0] - 0.3, 0.4);
            CHECK_NEAR(s_of(cut.episodes[i].t_last_ns), want[i][1] + 0.3, 0.4);
            CHECK(!cut.episodes[i].was_cut);
            check_cover(&cut.episodes[i]);
        }
        CHECK_NEAR(s_of(cut.episodes[0].t_begin_ns), 0, 1e-6);
        CHECK_NEAR(s_of(cut.episodes[0].t_end_ns), 8.5, 0.3);
        CHECK_NEAR(s_of(cut.episodes[2].t_end_ns), 30, 1e-6);
        et_arena_close(made.arena);
    }
}

static void noise_alone_is_no_movement(void)
{
    static const double rates[] = {500, 100, 30};
    for (size_t r = 0; r < 3; r++) {
        struct made made = make(120);
        add_arm(&made, "left_arm.position", rates[r], STILL);
        add_arm(&made, "right_arm.position", rates[r], STILL);
        add_hand(&made, "right_hand.position", 30, 0.5, STILL);
        const struct et_cut idle = cut_made(&made, &(struct et_cut_options){.by = ET_CUT_IDLE});
        CHECK_EQ(idle.n_episodes + idle.n_too_short, 0);
        const struct et_cut cut = cut_made(&made, NULL);
        CHECK_EQ(cut.by, ET_CUT_WHOLE);
        CHECK_EQ(cut.n_episodes, 1);
        if (cut.n_episodes == 1) {
            CHECK_STR(names(cut.episodes[0].segments, cut.episodes[0].n_segments), "rest");
            CHECK_EQ(cut.episodes[0].t_last_ns, T0 + S(120));
        }
        et_arena_close(made.arena);
    }
}

static void gaps_are_as_long_as_asked(void)
{
    static const struct {
        double pause_s, gap_s;
        size_t n;
    } cases[] = {{2.5, 0, 1}, {3.5, 0, 2}, {3.5, 4.2, 1}, {1.5, 1, 2}, {0.6, 1, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const double p = cases[c].pause_s;
        const struct move moves[] = {{1, 3, 3}, {3 + p, 5 + p, -3}, {0, 0, 0}};
        struct made made = make(8 + p);
        add_arm(&made, "left_arm.position", 100, moves);
        const struct et_cut_options options = {.idle_gap_s = cases[c].gap_s};
        CHECK_EQ(cut_made(&made, &options).n_episodes, cases[c].n);
        et_arena_close(made.arena);
    }
}

static void trims_what_marks_leave_idle(void)
{
    const struct move moves[] = {{5, 9, 1}, {0, 0, 0}};
    const struct et_mark marks[] = {
        {T0 + S(1), "begin"}, {T0 + S(14), "end"}, {T0 + S(15), "begin"}, {T0 + S(19), "end"}};
    struct made made = make(20);
    add_arm(&made, "left_arm.position", 100, moves);
    struct et_cut_input input = input_of(&made);
    input.marks = marks;
    input.n_marks = 4;
    struct et_cut cut = cut_input(&input, NULL);
    CHECK_EQ(cut.n_episodes, 2);
    CHECK_NEAR(s_of(cut.episodes[0].t_first_ns), 4.7, 0.4);
    CHECK_NEAR(s_of(cut.episodes[0].t_last_ns), 9.3, 0.4);
    CHECK_EQ(cut.episodes[0].t_begin_ns, T0 + S(1));
    // Nothing moves in the second: whoever marked it knows why.
    CHECK_EQ(cut.episodes[1].t_first_ns, T0 + S(15));
    CHECK_EQ(cut.episodes[1].t_last_ns, T0 + S(19));

    cut = cut_input(&input, &(struct et_cut_options){.trim_keep_s = -1});
    CHECK_EQ(cut.episodes[0].t_first_ns, T0 + S(1));
    CHECK_EQ(cut.episodes[0].t_last_ns, T0 + S(14));
    cut = cut_input(&input, &(struct et_cut_options){.trim_keep_s = 2});
    CHECK_NEAR(s_of(cut.episodes[0].t_first_ns), 3, 0.4);
    et_arena_close(made.arena);
}

static void says_when_the_recording_ends_in_movement(void)
{
    const struct move moves[] = {{2, 9, 4}, {0, 0, 0}};
    struct made made = make(6);
    add_arm(&made, "left_arm.position", 100, moves);
    for (int by = ET_CUT_IDLE; by <= ET_CUT_WHOLE; by++) {
        const struct et_cut cut =
            cut_made(&made, &(struct et_cut_options){.by = (enum et_cut_by)by});
        CHECK_EQ(cut.n_episodes, 1);
        CHECK(cut.n_episodes == 1 && cut.episodes[0].was_cut);
    }
    et_arena_close(made.arena);
}

static void velocities_and_commands_stand_in(void)
{
    const struct move pulse[] = {{5, 5.5, 0.5}, {9, 9.5, -0.5}, {0, 0, 0}}; // a velocity
    struct made made = make(14);
    (void)add(&made, &(struct spec){.name = "left_arm.velocity",
                                    .rate_hz = 100,
                                    .n_values = 7,
                                    .moves = pulse,
                                    .noise = 0.01});
    struct et_cut cut = cut_made(&made, NULL);
    CHECK_EQ(cut.by, ET_CUT_IDLE);
    CHECK_NEAR(s_of(cut.episodes[0].t_first_ns), 4.8, 0.3);
    CHECK_NEAR(s_of(cut.episodes[0].t_last_ns), 9.7, 0.3);
    made.n = 0;
    add_arm(&made, "command.left_arm.position", 50, pulse);
    cut = cut_made(&made, NULL);
    CHECK_EQ(cut.by, ET_CUT_IDLE);
    et_arena_close(made.arena);
}

/* ---- segments ---- */

static const struct et_segment *find(const struct et_cut_episode *episode, const char *name)
{
    static const struct et_segment none = {"none", 0, 0};
    for (size_t i = 0; i < episode->n_segments; i++)
        if (strcmp(episode->segments[i].name, name) == 0)
            return &episode->segments[i];
    return &none;
}

/* When a movement of minimum jerk has gone a twentieth of its way. */
static double edge_s(double from_s, double to_s)
{
    return from_s + 0.1893 * (to_s - from_s);
}

static const struct move PICK_ARM[] = {{0.5, 2.5, 1}, {3.6, 6, -0.8}, {7, 8.5, 0.6}, {0, 0, 0}};

/* Truth: closes at 2.8 to 3.4 s, opens at 6.2 to 6.8 s. */
static void check_pick(const struct et_cut *cut)
{
    if (!CHECK(cut->n_episodes == 1))
        return;
    const struct et_cut_episode *e = &cut->episodes[0];
    check_cover(e);
    CHECK_STR(names(e->segments, e->n_segments), "approach | grasp | carry | release | retreat");
    CHECK_NEAR(s_of(find(e, "grasp")->t_first_ns), edge_s(2.8, 3.4), 0.05);
    CHECK_NEAR(s_of(find(e, "grasp")->t_last_ns), edge_s(3.4, 2.8), 0.05);
    CHECK_NEAR(s_of(find(e, "release")->t_first_ns), edge_s(6.2, 6.8), 0.05);
    CHECK_NEAR(s_of(find(e, "release")->t_last_ns), edge_s(6.8, 6.2), 0.05);
}

static void a_grasp_is_found_within_50_ms(void)
{
    static const double rates[] = {500, 100, 30};
    for (size_t r = 0; r < 3; r++)
        for (int way = -1; way <= 1; way += 2) { // 0 is closed (Inspire), or 1 is
            const struct move hand[] = {{2.8, 3.4, way * 0.6}, {6.2, 6.8, -way * 0.6}, {0, 0, 0}};
            struct made made = make(9);
            add_arm(&made, "right_arm.position", 500, PICK_ARM);
            add_hand(&made, "right_hand.position", rates[r], way > 0 ? 0.2 : 0.8, hand);
            const struct et_cut cut = cut_made(&made, NULL);
            check_pick(&cut);
            et_arena_close(made.arena);
        }
}

static void segments_are_found_of_any_stretch(void)
{
    const struct move hand[] = {{2.8, 3.4, -0.6}, {6.2, 6.8, 0.6}, {0, 0, 0}};
    const struct et_segment *segments;
    size_t n;
    struct made made = make(9);
    add_arm(&made, "left_arm.position", 100, PICK_ARM);
    add_hand(&made, "left_hand.position", 100, 0.8, hand);
    CHECK_OK(
        et_cut_segments(made.tracks, made.n, T0 + S(2), T0 + S(5), arena, &segments, &n, &err));
    CHECK_STR(names(segments, n), "approach | grasp | carry");
    CHECK_EQ(segments[0].t_first_ns, T0 + S(2));
    CHECK_EQ(segments[2].t_last_ns, T0 + S(5));
    // Too short to be parted, and nothing to part it by.
    CHECK_OK(et_cut_segments(made.tracks, made.n, T0, T0 + S(0.3), arena, &segments, &n, &err));
    CHECK_EQ(n, 0);
    CHECK_OK(et_cut_segments(NULL, 0, T0, T0 + S(5), arena, &segments, &n, &err));
    CHECK_EQ(n, 0);
    et_arena_close(made.arena);
}

static void fingers_may_bend_both_ways(void)
{
    const struct move hand[] = {{2.8, 3.4, 1.2}, {6.2, 6.8, -1.2}, {0, 0, 0}};
    struct made made = make(9);
    add_arm(&made, "left_arm.position", 100, PICK_ARM);
    (void)add(&made, &(struct spec){.name = "left_hand.position",
                                    .rate_hz = 100,
                                    .n_values = 7,
                                    .moves = hand,
                                    .noise = 0.002,
                                    .mirrors = true});
    const struct et_cut cut = cut_made(&made, NULL);
    check_pick(&cut);
    et_arena_close(made.arena);
}

static void grippers_in_metres_count(void)
{
    const struct move hand[] = {{2.8, 3.4, -0.05}, {6.2, 6.8, 0.05}, {0, 0, 0}};
    struct made made = make(9);
    add_arm(&made, "left_arm.position", 100, PICK_ARM);
    (void)add(&made, &(struct spec){.name = "left_hand.position",
                                    .rate_hz = 50,
                                    .n_values = 1,
                                    .moves = hand,
                                    .start = 0.08,
                                    .noise = 0.0002,
                                    .unit = "m"});
    const struct et_cut cut = cut_made(&made, NULL);
    check_pick(&cut);
    et_arena_close(made.arena);
}

/* A hand at rest is closed: it opens, grasps, releases and goes back. Its limits tell which is
 * which, since it opens up to one of them and closes upon the thing. */
static void a_hand_that_rests_closed_is_understood(void)
{
    static const double zeros[6] = {0}, ones[6] = {1, 1, 1, 1, 1, 1};
    const struct move hand[] = {
        {1, 1.5, 0.7}, {2.8, 3.4, -0.5}, {6.2, 6.8, 0.5}, {7.5, 8, -0.7}, {0, 0, 0}};
    struct made made = make(9);
    add_arm(&made, "left_arm.position", 100, PICK_ARM);
    (void)add(&made, &(struct spec){.name = "left_hand.position",
                                    .rate_hz = 100,
                                    .n_values = 6,
                                    .moves = hand,
                                    .start = 0.3,
                                    .noise = 0.003,
                                    .lower = zeros,
                                    .upper = ones,
                                    .unit = "fraction"});
    const struct et_cut cut = cut_made(&made, NULL);
    check_pick(&cut);
    et_arena_close(made.arena);
}

static void jitter_at_a_threshold_is_no_event(void)
{
    static const double levels[] = {0.3, 0.5, 0.7};
    for (size_t l = 0; l < 3; l++) {
        // From 0.8 to 0.2 and back, with a stop on the way.
        const double on = 0.6 * (levels[l] - 1);
        const struct move hand[] = {{2.8, 3.4, -0.6}, {6.2, 6.8, 0.6}, {7.2, 7.5, on}, {0, 0, 0}};
        struct made made = make(12);
        add_arm(&made, "left_arm.position", 100, PICK_ARM);
        (void)add(&made, &(struct spec){.name = "left_hand.position",
                                        .rate_hz = 100,
                                        .n_values = 6,
                                        .moves = hand,
                                        .start = 0.8,
                                        .noise = 0.03,
                                        .unit = "fraction"});
        const struct et_cut cut = cut_made(&made, &(struct et_cut_options){.by = ET_CUT_WHOLE});
        size_t n_grasps = 0;
        for (size_t i = 0; i < cut.episodes[0].n_segments; i++)
            n_grasps += strcmp(cut.episodes[0].segments[i].name, "grasp") == 0;
        CHECK(n_grasps >= 1 && n_grasps <= 2);
        if (l == 2)
            CHECK_EQ(n_grasps, 1);
        CHECK(cut.episodes[0].n_segments <= 7);
        et_arena_close(made.arena);
    }
}

static void a_hand_that_hardly_moves_does_nothing(void)
{
    const struct move hand[] = {{2, 2.5, 0.1}, {5, 5.5, -0.1}, {0, 0, 0}};
    struct made made = make(9);
    add_arm(&made, "left_arm.position", 100, PICK_ARM);
    add_hand(&made, "left_hand.position", 100, 0.4, hand);
    const struct et_cut cut = cut_made(&made, NULL);
    CHECK(cut.n_episodes == 1);
    CHECK_STR(names(cut.episodes[0].segments, cut.episodes[0].n_segments),
              "move | rest | move | rest | move");
    et_arena_close(made.arena);
}

static void both_hands_are_told_apart(void)
{
    const struct move left[] = {{1, 1.6, -0.6}, {5, 5.6, 0.6}, {0, 0, 0}};
    const struct move right[] = {{3, 3.6, -0.6}, {7, 7.6, 0.6}, {0, 0, 0}};
    struct made made = make(9);
    add_arm(&made, "left_arm.position", 100, PICK_ARM);
    add_hand(&made, "left_hand.position", 100, 0.8, left);
    add_hand(&made, "right_hand.position", 30, 0.8, right);
    struct et_cut cut = cut_made(&made, NULL);
    CHECK_STR(names(cut.episodes[0].segments, cut.episodes[0].n_segments),
              "left approach | left grasp | left carry | right grasp | both carry | left release | "
              "right carry | right release | retreat");

    made.n = 0;
    add_hand(&made, "left_hand.position", 100, 0.8, left);
    add_hand(&made, "right_hand.position", 30, 0.8, left);
    cut = cut_made(&made, &(struct et_cut_options){.by = ET_CUT_WHOLE});
    CHECK_STR(names(cut.episodes[0].segments, cut.episodes[0].n_segments),
              "both approach | both grasp | both carry | both release | retreat");
    et_arena_close(made.arena);
}

static void speed_alone_parts_moves_from_rests(void)
{
    // The second pause lasts 0.25 s: it parts two moves and is no rest.
    const struct move moves[] = {{1, 3, 1}, {4, 5, 0.8}, {5.25, 6.25, -0.8}, {0, 0, 0}};
    struct made made = make(8);
    add_arm(&made, "left_arm.position", 500, moves);
    const struct et_cut cut = cut_made(&made, &(struct et_cut_options){.trim_keep_s = -1});
    CHECK_STR(names(cut.episodes[0].segments, cut.episodes[0].n_segments),
              "rest | move | rest | move | move | rest");
    CHECK_NEAR(s_of(find(&cut.episodes[0], "move")->t_first_ns), 1.1, 0.1);
    CHECK_NEAR(s_of(cut.episodes[0].segments[4].t_first_ns), 5.12, 0.05);
    et_arena_close(made.arena);
}

static void contact_is_felt(void)
{
    // A weight that turns slowly, and 12 N from 4 to 6 s.
    const struct move force[] = {{0, 9, 3}, {4, 4.02, 12}, {6, 6.02, -12}, {0, 0, 0}};
    const struct move touch[] = {{4, 4.02, 0.9}, {6, 6.02, -0.9}, {0, 0, 0}};
    const struct move slide[] = {{0.2, 8.8, 3}, {0, 0, 0}};
    for (int kind = 0; kind < 2; kind++) {
        struct made made = make(9);
        add_arm(&made, "left_arm.position", 100, slide);
        if (kind == 0)
            (void)add(&made, &(struct spec){.name = "left_wrist.wrench",
                                            .rate_hz = 500,
                                            .n_values = 6,
                                            .moves = force,
                                            .start = 8,
                                            .noise = 0.3,
                                            .unit = "N"});
        else
            (void)add(&made, &(struct spec){.name = "left_fingers.touch",
                                            .rate_hz = 60,
                                            .n_values = 5,
                                            .moves = touch,
                                            .noise = 0.02});
        const struct et_cut cut = cut_made(&made, &(struct et_cut_options){.by = ET_CUT_WHOLE});
        const struct et_cut_episode *e = &cut.episodes[0];
        check_cover(e);
        const struct et_segment *contact = find(e, "contact");
        CHECK_NEAR(s_of(contact->t_first_ns), 4, 0.05);
        CHECK_NEAR(s_of(contact->t_last_ns), 6, 0.05);
        et_arena_close(made.arena);
    }
}

/* ---- bad input ---- */

static void holes_in_tracks_are_stepped_over(void)
{
    const struct move hand[] = {{2.8, 3.4, -0.6}, {6.2, 6.8, 0.6}, {0, 0, 0}};
    struct made made = make(9);
    add_arm(&made, "right_arm.position", 100, PICK_ARM);
    add_hand(&made, "right_hand.position", 100, 0.8, hand);
    for (size_t t = 0; t < made.n; t++) {
        double *values = (double *)(uintptr_t)made.tracks[t].values;
        const size_t n = made.tracks[t].n_samples * made.tracks[t].stream.n_values;
        for (size_t i = 0; i < n; i += 17)
            values[i] = i % 2 ? (double)NAN : (double)INFINITY;
    }
    struct et_cut cut = cut_made(&made, NULL);
    check_pick(&cut);
    for (size_t t = 0; t < made.n; t++) {
        double *values = (double *)(uintptr_t)made.tracks[t].values;
        const size_t n = made.tracks[t].n_samples * made.tracks[t].stream.n_values;
        for (size_t i = 0; i < n; i++)
            values[i] = (double)NAN;
    }
    cut = cut_made(&made, NULL);
    CHECK_EQ(cut.by, ET_CUT_WHOLE);
    for (size_t i = 0; i < made.n; i++)
        for (size_t k = 0; k < made.tracks[i].n_samples * made.tracks[i].stream.n_values; k++)
            ((double *)(uintptr_t)made.tracks[i].values)[k] = k % 2 ? 1e308 : -1e308;
    cut = cut_made(&made, NULL);
    et_arena_close(made.arena);
}

static void tracks_of_few_samples_are_no_trouble(void)
{
    for (size_t n = 0; n < 6; n++)
        for (int64_t span_ns = 0; span_ns <= S(4); span_ns += S(2)) {
            struct made made = make(5);
            add_arm(&made, "left_arm.position", 1, PICK_ARM);
            add_hand(&made, "left_hand.position", 1, 0, PICK_ARM);
            (void)add(&made, &(struct spec){.name = "left_wrist.wrench",
                                            .rate_hz = 1,
                                            .n_values = 6,
                                            .moves = PICK_ARM});
            (void)add(&made, &(struct spec){.name = "left_fingers.touch",
                                            .rate_hz = 1,
                                            .n_values = 6,
                                            .moves = PICK_ARM});
            for (size_t t = 0; t < made.n; t++)
                made.tracks[t].n_samples = n;
            struct et_cut_input input = input_of(&made);
            input.t_last_ns = T0 + span_ns;
            for (int by = 0; by < ET_N_CUT_BYS; by++) {
                const struct et_cut cut =
                    cut_input(&input, &(struct et_cut_options){.by = (enum et_cut_by)by});
                for (size_t i = 0; i < cut.n_episodes; i++)
                    check_cover(&cut.episodes[i]);
            }
            et_arena_close(made.arena);
        }
}

static void times_at_the_ends_of_the_world(void)
{
    static const int64_t t_ns[4] = {INT64_MIN, -5, 7, INT64_MAX};
    static const double values[4] = {0, 1, 0, 1};
    struct et_track tracks[2] = {
        {.stream = {.name = "left_arm.position", .part = ET_PART_LEFT_ARM, .n_values = 1}},
        {.stream = {.name = "left_hand.position", .part = ET_PART_LEFT_HAND, .n_values = 1}}};
    for (size_t t = 0; t < 2; t++) {
        tracks[t].n_samples = 4;
        tracks[t].t_ns = t_ns;
        tracks[t].values = values;
    }
    const struct et_mark marks[] = {{INT64_MIN, "begin"}, {INT64_MAX, "end"}};
    const struct et_cut_input input = {tracks, 2, marks, 2, NULL, 0, INT64_MIN, INT64_MAX};
    for (int by = 0; by < ET_N_CUT_BYS; by++) {
        const struct et_cut cut =
            cut_input(&input, &(struct et_cut_options){.by = (enum et_cut_by)by});
        for (size_t i = 0; i < cut.n_episodes; i++)
            check_cover(&cut.episodes[i]);
    }
}

static void says_what_it_cannot_do(void)
{
    struct et_cut cut;
    struct et_cut_input input = {.t_first_ns = T0, .t_last_ns = T0 - 1};
    const struct et_segment *segments;
    size_t n;
    CHECK_EQ(et_cut(&input, NULL, arena, &cut, &err), ET_EARG);
    CHECK_EQ(et_cut_segments(NULL, 0, T0, T0 - 1, arena, &segments, &n, &err), ET_EARG);
    input.t_last_ns = T0 + S(20);
    const struct et_cut_options bad[] = {{.idle_gap_s = -1},    {.idle_speed = (double)NAN},
                                         {.episode_min_s = -1}, {.trim_keep_s = (double)NAN},
                                         {.episodes_max = -1},  {.by = (enum et_cut_by)99}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_EQ(et_cut(&input, &bad[i], arena, &cut, &err), ET_EARG);

    const struct et_mark marks[] = {
        {T0 + S(1), "begin"}, {T0 + S(3), "end"}, {T0 + S(4), "begin"}, {T0 + S(6), "end"}};
    input.marks = marks;
    input.n_marks = 4;
    CHECK_EQ(et_cut(&input, &(struct et_cut_options){.episodes_max = 1}, arena, &cut, &err),
             ET_ELIMIT);
    CHECK_EQ(cut.n_episodes, 0);
    CHECK_OK(et_cut(&input, &(struct et_cut_options){.episodes_max = 2}, arena, &cut, &err));
}

static void a_full_arena_leaves_nothing_behind(void)
{
    const struct move hand[] = {{2.8, 3.4, -0.6}, {6.2, 6.8, 0.6}, {0, 0, 0}};
    struct made made = make(9);
    add_arm(&made, "right_arm.position", 100, PICK_ARM);
    add_hand(&made, "right_hand.position", 100, 0.8, hand);
    const struct et_mark marks[] = {{T0, "end"}, {T0, "begin"}, {T0 + S(9), "end"}};
    struct et_cut_input input = input_of(&made);
    input.marks = marks;
    input.n_marks = 3;
    size_t limit = 1;
    for (enum et_status st = ET_ELIMIT; st != ET_OK && limit < 1 << 16; limit += 16) {
        struct et_arena *small = NULL;
        struct et_cut cut;
        CHECK_OK(et_arena_open(&small, limit, &err));
        st = et_cut(&input, NULL, small, &cut, &err);
        CHECK(st == ET_OK || st == ET_ELIMIT);
        if (st == ET_OK)
            CHECK_EQ(cut.n_episodes, 1);
        else
            CHECK(et_arena_used(small) == 0 && cut.n_episodes == 0);
        et_arena_close(small);
    }
    CHECK(limit > 64 && limit < 1 << 16);
    printf("# enough from %zu bytes\n", limit);
    et_arena_close(made.arena);
}

/* ---- size ---- */

static double cpu_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static double cut_many(size_t n, bool with_jitter)
{
    struct made made = make((double)n / 500);
    static const struct move moves[] = {{1, 1.5, 0.6}, {2, 2.5, -0.6}, {0, 0, 0}};
    double *hand = add(&made, &(struct spec){.name = "left_hand.position",
                                             .rate_hz = 500,
                                             .n_values = 1,
                                             .moves = moves,
                                             .noise = 0.001});
    double *arm = add(&made, &(struct spec){.name = "left_arm.position",
                                            .rate_hz = 500,
                                            .n_values = 1,
                                            .moves = moves,
                                            .noise = 0.001});
    for (size_t k = 0; k < n; k++) {
        const size_t phase = k % (with_jitter ? 40 : 3000);
        hand[k] = with_jitter ? (phase < 20 ? 0.9 : 0.1) : phase < 1500 ? 0.9 : 0.1;
        arm[k] = sin((double)k * 0.002);
    }
    const double start_s = cpu_s();
    const struct et_cut cut = cut_made(&made, NULL);
    const double spent_s = cpu_s() - start_s;
    CHECK_EQ(cut.n_episodes, 1);
    et_arena_close(made.arena);
    return spent_s;
}

static void a_million_samples_take_linear_time(void)
{
    for (int jitter = 0; jitter < 2; jitter++) {
        const double few_s = cut_many(125000, jitter != 0);
        const double many_s = cut_many(1000000, jitter != 0);
        printf("# %d: 125,000 samples %.3f s, 1,000,000 %.3f s\n", jitter, few_s, many_s);
        CHECK(many_s < 20 * few_s + 0.5);
        CHECK(many_s < 20);
    }
}

static void samples_at_one_instant_take_linear_time(void)
{
    static int64_t t_ns[200000];
    static double values[200000];
    for (size_t k = 0; k < 200000; k++) {
        t_ns[k] = k < 1000 ? T0 : k < 199000 ? T0 + S(5) : T0 + S(10);
        values[k] = k % 100 < 50 || k % 3 ? 1 : 0;
    }
    const struct et_track track = {.stream = {.name = "left_hand.position",
                                              .part = ET_PART_LEFT_HAND,
                                              .unit = "rad",
                                              .n_values = 1},
                                   .n_samples = 200000,
                                   .t_ns = t_ns,
                                   .values = values};
    const struct et_cut_input input = {&track, 1, NULL, 0, NULL, 0, T0, T0 + S(10)};
    const double start_s = cpu_s();
    (void)cut_input(&input, NULL);
    CHECK(cpu_s() - start_s < 5);
}

/* ---- real data ---- */

static bool is_pick(const struct et_cut_episode *e)
{
    return strcmp(names(e->segments, e->n_segments),
                  "approach | grasp | carry | release | retreat") == 0;
}

static void the_g1_takes_its_bottle_and_puts_it_back(void)
{
    struct et_dataset *set = NULL;
    struct et_arena *rows = NULL;
    size_t n_picks = 0, n_grasps = 0, n_one = 0;
    const char *path = data_path("unitree_g1");
    if (!path) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(et_dataset_open(&set, path, &err));
    CHECK_OK(et_dataset_use_profile(set, NULL, &err));
    CHECK_OK(et_arena_open(&rows, (size_t)64 << 20, &err));
    for (int64_t i = 0; i < et_dataset_info(set)->n_episodes; i++) {
        const struct et_arena_mark mark = et_arena_mark(rows);
        struct et_episode episode;
        CHECK_OK(et_dataset_episode(set, i, rows, &episode, &err));
        const struct et_cut_input input = {.tracks = episode.tracks,
                                           .n_tracks = episode.n_tracks,
                                           .t_first_ns = et_episode_first_ns(&episode),
                                           .t_last_ns = et_episode_last_ns(&episode)};
        const struct et_cut cut = cut_input(&input, NULL);
        CHECK_EQ(cut.by, ET_CUT_IDLE);
        CHECK_EQ(cut.n_remarks, 0);
        n_one += cut.n_episodes == 1;
        for (size_t k = 0; k < cut.n_episodes; k++) {
            check_cover(&cut.episodes[k]);
            n_picks += is_pick(&cut.episodes[k]);
            n_grasps += strstr(names(cut.episodes[k].segments, cut.episodes[k].n_segments),
                               "grasp") != NULL;
        }
        et_arena_rewind(rows, mark);
    }
    printf("# %zu are one episode, %zu have a grasp, %zu are one pick\n", n_one, n_grasps, n_picks);
    CHECK(n_one >= 99 && n_grasps >= 99 && n_picks >= 80);
    et_arena_close(rows);
    et_dataset_close(set);
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)1 << 30, NULL) != ET_OK)
        return 99;
    RUN(the_ways_have_names);
    RUN(marks_cut_in_every_order);
    RUN(no_marks_cut_nothing);
    RUN(remarks_are_few);
    RUN(counts_what_is_too_short);
    RUN(spans_cut_where_there_are_no_marks);
    RUN(idle_gaps_part_at_every_rate);
    RUN(noise_alone_is_no_movement);
    RUN(gaps_are_as_long_as_asked);
    RUN(trims_what_marks_leave_idle);
    RUN(says_when_the_recording_ends_in_movement);
    RUN(velocities_and_commands_stand_in);
    RUN(a_grasp_is_found_within_50_ms);
    RUN(segments_are_found_of_any_stretch);
    RUN(fingers_may_bend_both_ways);
    RUN(grippers_in_metres_count);
    RUN(a_hand_that_rests_closed_is_understood);
    RUN(jitter_at_a_threshold_is_no_event);
    RUN(a_hand_that_hardly_moves_does_nothing);
    RUN(both_hands_are_told_apart);
    RUN(speed_alone_parts_moves_from_rests);
    RUN(contact_is_felt);
    RUN(holes_in_tracks_are_stepped_over);
    RUN(tracks_of_few_samples_are_no_trouble);
    RUN(times_at_the_ends_of_the_world);
    RUN(says_what_it_cannot_do);
    RUN(a_full_arena_leaves_nothing_behind);
    RUN(a_million_samples_take_linear_time);
    RUN(samples_at_one_instant_take_linear_time);
    RUN(the_g1_takes_its_bottle_and_puts_it_back);
    et_arena_close(arena);
    return tap_end();
}
