/* Cutting a recording: the ways in their order, then trimming and segments. */
#include "curate/curate__cut.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define IDLE_GAP_S 3
#define IDLE_SPEED 0.02
#define TRIM_KEEP_S 0.3
#define EPISODE_MIN_S 1
#define EPISODES_MAX 100000

// Scratch: a grid of all cells takes 42 MB, a hand of a million samples 8 MB.
#define SCRATCH_BYTES ((size_t)512 << 20)

static const char *const BY_TEXTS[ET_N_CUT_BYS] = {
    [ET_CUT_AUTO] = "auto", [ET_CUT_MARKS] = "marks", [ET_CUT_SPANS] = "spans",
    [ET_CUT_IDLE] = "idle", [ET_CUT_WHOLE] = "whole",
};

const char *et_cut_by_text(enum et_cut_by by)
{
    return (unsigned)by < ET_N_CUT_BYS ? BY_TEXTS[by] : "";
}

bool et_cut_by_parse(const char *text, enum et_cut_by *by)
{
    for (size_t i = 0; text && i < ET_N_CUT_BYS; i++)
        if (strcmp(text, BY_TEXTS[i]) == 0) {
            *by = (enum et_cut_by)i;
            return true;
        }
    return false;
}

/* ---- time ---- */

double et__cut_s(int64_t from_ns, int64_t to_ns)
{
    return to_ns >= from_ns ? (double)((uint64_t)to_ns - (uint64_t)from_ns) * 1e-9
                            : -(double)((uint64_t)from_ns - (uint64_t)to_ns) * 1e-9;
}

int64_t et__cut_add_s(int64_t t_ns, double s)
{
    int64_t sum;
    const double ns = s * 1e9;
    if (!(fabs(ns) < 9e18))
        return ns > 0 ? INT64_MAX : INT64_MIN;
    if (__builtin_add_overflow(t_ns, (int64_t)ns, &sum))
        return ns > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

struct et__cut_grid et__cut_grid(int64_t t_first_ns, int64_t t_last_ns)
{
    const uint64_t span_ns = (uint64_t)t_last_ns - (uint64_t)t_first_ns;
    struct et__cut_grid grid = {t_first_ns, t_last_ns, ET__CUT_STEP_NS, 0};
    if (span_ns / ET__CUT_STEP_NS + 1 > ET__CUT_CELLS_MAX)
        grid.step_ns = (int64_t)(span_ns / ET__CUT_CELLS_MAX + 1);
    grid.n = (size_t)(span_ns / (uint64_t)grid.step_ns) + 1;
    return grid;
}

int64_t et__cut_cell_ns(const struct et__cut_grid *grid, size_t cell)
{
    const uint64_t span_ns = (uint64_t)grid->t_last_ns - (uint64_t)grid->t_first_ns;
    const uint64_t from_ns = (uint64_t)cell * (uint64_t)grid->step_ns;
    return from_ns >= span_ns ? grid->t_last_ns : (int64_t)((uint64_t)grid->t_first_ns + from_ns);
}

size_t et__cut_cell(const struct et__cut_grid *grid, int64_t t_ns)
{
    if (t_ns <= grid->t_first_ns)
        return 0;
    const uint64_t cell = ((uint64_t)t_ns - (uint64_t)grid->t_first_ns) / (uint64_t)grid->step_ns;
    return cell < grid->n ? (size_t)cell : grid->n - 1;
}

/* The first sample at or after t_ns. */
static size_t sample_from(const struct et_track *track, int64_t t_ns)
{
    size_t low = 0, high = track->n_samples;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (track->t_ns[middle] < t_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void et__cut_samples(const struct et_track *track, int64_t t_first_ns, int64_t t_last_ns,
                     size_t *first, size_t *end)
{
    *first = sample_from(track, t_first_ns);
    *end = t_last_ns == INT64_MAX ? track->n_samples : sample_from(track, t_last_ns + 1);
    if (*end < *first)
        *end = *first;
}

/* ---- pieces ---- */

enum et_status et__cut_room(struct et__cutting *cutting, uint64_t n, struct et_err *err)
{
    const uint64_t max = (uint64_t)cutting->options.episodes_max;
    const uint64_t cap = n < max ? n : max;
    cutting->episodes = et_arena_array(cutting->arena, (size_t)cap, sizeof *cutting->episodes);
    if (!cutting->episodes)
        return et_arena_fail(cutting->arena, "the recording's episodes", err);
    cutting->cap = (size_t)cap;
    return ET_OK;
}

enum et_status et__cut_add(struct et__cutting *cutting, int64_t t_begin_ns, int64_t t_end_ns,
                           const char *label, bool was_cut, struct et_err *err)
{
    const struct et_cut_input *input = cutting->input;
    if (t_begin_ns < input->t_first_ns)
        t_begin_ns = input->t_first_ns;
    if (t_end_ns > input->t_last_ns)
        t_end_ns = input->t_last_ns;
    if (t_end_ns < t_begin_ns)
        t_end_ns = t_begin_ns;
    if (cutting->n == cutting->cap)
        return et_fail(err, ET_ELIMIT, (int64_t)cutting->n, "a recording of more than %zu episodes",
                       cutting->cap);
    cutting->episodes[cutting->n++] = (struct et_cut_episode){
        .t_first_ns = t_begin_ns,
        .t_last_ns = t_end_ns,
        .t_begin_ns = t_begin_ns,
        .t_end_ns = t_end_ns,
        .label = label ? label : "",
        .was_cut = was_cut,
    };
    return ET_OK;
}

enum et_status et__cut_remark(struct et__cutting *cutting, struct et_err *err, const char *fmt, ...)
{
    char text[240];
    va_list args;
    if (cutting->n_remarks++ >= ET__CUT_REMARKS_MAX)
        return ET_OK;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    char *kept = et_arena_copy(cutting->arena, text, strlen(text));
    if (!kept)
        return et_arena_fail(cutting->arena, "a remark", err);
    cutting->remarks[cutting->n_remarks - 1] = kept;
    return ET_OK;
}

/* ---- the ways ---- */

static enum et_status by_whole(struct et__cutting *cutting, const struct et__cut_moves *moves,
                               struct et_err *err)
{
    const struct et_cut_input *input = cutting->input;
    enum et_status st = et__cut_room(cutting, 1, err);
    if (st == ET_OK)
        st = et__cut_add(cutting, input->t_first_ns, input->t_last_ns, "",
                         et__cut_moves_at_end(moves), err);
    return st;
}

static enum et_status by(struct et__cutting *cutting, const struct et__cut_moves *moves,
                         enum et_cut_by way, struct et_err *err)
{
    cutting->cut->by = way;
    if (way == ET_CUT_MARKS)
        return et__cut_by_marks(cutting, err);
    if (way == ET_CUT_SPANS)
        return et__cut_by_spans(cutting, err);
    if (way == ET_CUT_IDLE)
        return et__cut_by_idle(cutting, moves, err);
    return by_whole(cutting, moves, err);
}

static enum et_status find_pieces(struct et__cutting *cutting, const struct et__cut_moves *moves,
                                  struct et_err *err)
{
    static const enum et_cut_by order[] = {ET_CUT_MARKS, ET_CUT_SPANS, ET_CUT_IDLE, ET_CUT_WHOLE};
    enum et_status st = ET_OK;
    if (cutting->options.by != ET_CUT_AUTO)
        return by(cutting, moves, cutting->options.by, err);
    for (size_t i = 0; i < sizeof order / sizeof *order && st == ET_OK && cutting->n == 0; i++)
        st = by(cutting, moves, order[i], err);
    return st;
}

/* Trims every piece and leaves the short ones out. */
static void trim_all(struct et__cutting *cutting, const struct et__cut_moves *moves)
{
    const struct et_cut_options *options = &cutting->options;
    size_t kept = 0;
    for (size_t i = 0; i < cutting->n; i++) {
        struct et_cut_episode episode = cutting->episodes[i];
        if (options->trim_keep_s >= 0)
            et__cut_trim(moves, options->trim_keep_s, &episode);
        if (et__cut_s(episode.t_first_ns, episode.t_last_ns) >= options->episode_min_s)
            cutting->episodes[kept++] = episode;
    }
    cutting->cut->n_too_short = cutting->n - kept;
    cutting->n = kept;
}

static enum et_status cut_segments(struct et__cutting *cutting, struct et_err *err)
{
    const struct et_cut_input *input = cutting->input;
    struct et__cut_hand hands[ET__CUT_N_HANDS];
    struct et_span *spans = NULL;
    size_t n_spans = 0, n_bad, n_over, next = 0;

    enum et_status st = et__cut_sorted_spans(input, false, cutting->scratch, &spans, &n_spans,
                                             &n_bad, &n_over, err);
    if (st == ET_OK && n_spans == 0)
        st = et__cut_phases(cutting, &spans, &n_spans, err);
    if (st == ET_OK)
        st = et__cut_hands_open(input->tracks, input->n_tracks, cutting->scratch, hands, err);
    // All episodes together say which end of a hand is the open one.
    for (size_t h = 0; h < ET__CUT_N_HANDS && st == ET_OK; h++) {
        for (size_t i = 0; i < cutting->n; i++)
            hands[h].votes += et__cut_hand_vote(&hands[h], cutting->episodes[i].t_first_ns,
                                                cutting->episodes[i].t_last_ns);
        et__cut_hand_decide(&hands[h]);
    }
    for (size_t i = 0; i < cutting->n && st == ET_OK; i++) {
        struct et_cut_episode *episode = &cutting->episodes[i];
        const struct et__cut_stretch stretch = {input->tracks, input->n_tracks, hands,
                                                episode->t_first_ns, episode->t_last_ns};
        st = et__cut_named_segments(spans, n_spans, cutting->arena, episode, &next, err);
        if (st == ET_OK && episode->n_segments == 0)
            st = et__cut_stretch(&stretch, cutting->scratch, cutting->arena, &episode->segments,
                                 &episode->n_segments, err);
    }
    return st;
}

static void finish(struct et__cutting *cutting)
{
    struct et_cut *cut = cutting->cut;
    size_t n = cutting->n_remarks;
    if (n > ET__CUT_REMARKS_MAX)
        n = ET__CUT_REMARKS_MAX + 1;
    cut->episodes = cutting->episodes;
    cut->n_episodes = cutting->n;
    cut->remarks = cutting->remarks;
    cut->n_remarks = n;
}

static enum et_status run(struct et__cutting *cutting, struct et_err *err)
{
    struct et__cut_moves moves;
    cutting->remarks =
        et_arena_array(cutting->arena, ET__CUT_REMARKS_MAX + 1, sizeof *cutting->remarks);
    if (!cutting->remarks)
        return et_arena_fail(cutting->arena, "the remarks", err);
    enum et_status st =
        et__cut_moves(cutting->input, cutting->options.idle_speed, cutting->scratch, &moves, err);
    if (st == ET_OK && !moves.is_known)
        st = et__cut_remark(cutting, err, "no stream says how anything moves: nothing is trimmed");
    if (st == ET_OK)
        st = find_pieces(cutting, &moves, err);
    if (st != ET_OK)
        return st;
    trim_all(cutting, &moves);
    st = cut_segments(cutting, err);
    if (st == ET_OK && cutting->n_remarks > ET__CUT_REMARKS_MAX) {
        const char *rest = et_arena_printf(cutting->arena, "and %zu more like these",
                                           cutting->n_remarks - ET__CUT_REMARKS_MAX);
        if (!rest)
            return et_arena_fail(cutting->arena, "a remark", err);
        cutting->remarks[ET__CUT_REMARKS_MAX] = rest;
    }
    return st;
}

/* ---- the door ---- */

static bool or_default(double *value, double otherwise)
{
    if (*value == 0)
        *value = otherwise;
    return isfinite(*value) && *value > 0;
}

static enum et_status check(const struct et_cut_input *input, struct et_cut_options *options,
                            struct et_err *err)
{
    if (input->t_last_ns < input->t_first_ns)
        return et_fail(err, ET_EARG, -1, "a recording that ends before it begins");
    if ((unsigned)options->by >= ET_N_CUT_BYS)
        return et_fail(err, ET_EARG, -1, "no such way to cut: %d", (int)options->by);
    if (!or_default(&options->idle_gap_s, IDLE_GAP_S) ||
        !or_default(&options->idle_speed, IDLE_SPEED) ||
        !or_default(&options->episode_min_s, EPISODE_MIN_S))
        return et_fail(err, ET_EARG, -1,
                       "an idle gap, an idle speed and the shortest episode are above 0");
    if (options->trim_keep_s == 0)
        options->trim_keep_s = TRIM_KEEP_S;
    if (!isfinite(options->trim_keep_s))
        return et_fail(err, ET_EARG, -1, "what trimming keeps is a number of seconds");
    if (options->episodes_max == 0)
        options->episodes_max = EPISODES_MAX;
    if (options->episodes_max < 0)
        return et_fail(err, ET_EARG, -1, "at most %lld episodes", (long long)options->episodes_max);
    return ET_OK;
}

enum et_status et_cut(const struct et_cut_input *input, const struct et_cut_options *options,
                      struct et_arena *arena, struct et_cut *cut, struct et_err *err)
{
    struct et__cutting cutting = {.input = input, .arena = arena, .cut = cut};
    const struct et_arena_mark mark = et_arena_mark(arena);
    *cut = (struct et_cut){0};
    if (options)
        cutting.options = *options;
    enum et_status st = check(input, &cutting.options, err);
    if (st == ET_OK)
        st = et_arena_open(&cutting.scratch, SCRATCH_BYTES, err);
    if (st == ET_OK)
        st = run(&cutting, err);
    et_arena_close(cutting.scratch);
    if (st == ET_OK) {
        finish(&cutting);
    } else {
        et_arena_rewind(arena, mark);
        *cut = (struct et_cut){0};
    }
    return st;
}

enum et_status et_cut_segments(const struct et_track *tracks, size_t n_tracks, int64_t t_first_ns,
                               int64_t t_last_ns, struct et_arena *arena,
                               const struct et_segment **segments, size_t *n_segments,
                               struct et_err *err)
{
    struct et__cut_hand hands[ET__CUT_N_HANDS];
    const struct et__cut_stretch stretch = {tracks, n_tracks, hands, t_first_ns, t_last_ns};
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct et_arena *scratch = NULL;

    *segments = NULL;
    *n_segments = 0;
    if (t_last_ns < t_first_ns)
        return et_fail(err, ET_EARG, -1, "a stretch that ends before it begins");
    enum et_status st = et_arena_open(&scratch, SCRATCH_BYTES, err);
    if (st == ET_OK)
        st = et__cut_hands_open(tracks, n_tracks, scratch, hands, err);
    for (size_t h = 0; h < ET__CUT_N_HANDS && st == ET_OK; h++) {
        hands[h].votes = et__cut_hand_vote(&hands[h], t_first_ns, t_last_ns);
        et__cut_hand_decide(&hands[h]);
    }
    if (st == ET_OK)
        st = et__cut_stretch(&stretch, scratch, arena, segments, n_segments, err);
    et_arena_close(scratch);
    if (st != ET_OK)
        et_arena_rewind(arena, mark);
    return st;
}
