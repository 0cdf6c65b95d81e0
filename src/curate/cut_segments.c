/* Segments: one line of time out of what hands, sensors and speed say. */
#include "curate/curate__cut.h"
#include "etude/stats.h"

#include <math.h>

#define NEAR_S 0.4       // boundaries nearer than this are one
#define REST_S 0.15      // a minimum of speed lasts this long
#define REST_SHARE 0.05  // of the speed that nine tenths of the time stay below
#define REST_SPEED 0.02  // at least, rad/s
#define SAMPLE_MAX 20000 // values that a quantile is taken of

enum what { APPROACH, GRASP, CARRY, RELEASE, RETREAT, CONTACT, MOVE, REST, N_WHATS };

// Every cell has one of these names: what, by whom.
static const char *const NAMES[N_WHATS][4] = {
    [APPROACH] = {"approach", "left approach", "right approach", "both approach"},
    [GRASP] = {"grasp", "left grasp", "right grasp", "both grasp"},
    [CARRY] = {"carry", "left carry", "right carry", "both carry"},
    [RELEASE] = {"release", "left release", "right release", "both release"},
    [RETREAT] = {"retreat", "retreat", "retreat", "retreat"},
    [CONTACT] = {"contact", "contact", "contact", "contact"},
    [MOVE] = {"move", "move", "move", "move"},
    [REST] = {"rest", "rest", "rest", "rest"},
};

/* Cells first … end − 1. */
struct part {
    size_t first, end;
    uint8_t what, who;
};

/* One stretch while it is cut. */
struct line {
    const struct et__cut_stretch *stretch;
    struct et_arena *scratch;
    struct et__cut_grid grid;
    struct et__cut_event *events;
    size_t n_events;
    unsigned acting;                       // hands that do something
    bool is_known;                         // hands or speeds are
    uint8_t *what, *who, *doing, *contact; // of each cell
};

/* ---- hands ---- */

/* The events of both hands, ascending, one at a time: the same at about the same time is one of
 * both; of two that overlap, the later begins where the earlier ends. */
static size_t merge_events(const struct et__cut_event *left, size_t n_left,
                           const struct et__cut_event *right, size_t n_right,
                           struct et__cut_event *events)
{
    size_t n = 0, l = 0, r = 0;
    while (l < n_left || r < n_right) {
        const bool is_left =
            r == n_right || (l < n_left && left[l].t_first_ns <= right[r].t_first_ns);
        struct et__cut_event event = is_left ? left[l++] : right[r++];
        struct et__cut_event *before = n > 0 ? &events[n - 1] : NULL;
        if (before && before->is_grasp == event.is_grasp && !(before->hands & event.hands) &&
            et__cut_s(before->t_first_ns, event.t_first_ns) < NEAR_S) {
            before->hands |= event.hands;
            if (event.t_last_ns > before->t_last_ns)
                before->t_last_ns = event.t_last_ns;
            continue;
        }
        if (before && event.t_first_ns < before->t_last_ns)
            event.t_first_ns = before->t_last_ns;
        if (event.t_last_ns < event.t_first_ns)
            event.t_last_ns = event.t_first_ns;
        events[n++] = event;
    }
    return n;
}

static enum et_status find_events(struct line *line, struct et_err *err)
{
    const struct et__cut_stretch *stretch = line->stretch;
    struct et__cut_event *of[ET__CUT_N_HANDS];
    size_t n[ET__CUT_N_HANDS];
    for (unsigned h = 0; h < ET__CUT_N_HANDS; h++) {
        const enum et_status st =
            et__cut_hand_events(&stretch->hands[h], h + 1, stretch->t_first_ns, stretch->t_last_ns,
                                line->scratch, &of[h], &n[h], err);
        if (st != ET_OK)
            return st;
        if (n[h] > 0)
            line->acting |= h + 1;
    }
    line->events = et_arena_array(line->scratch, n[0] + n[1], sizeof *line->events);
    if (!line->events)
        return et_arena_fail(line->scratch, "what the hands do", err);
    line->n_events = merge_events(of[0], n[0], of[1], n[1], line->events);
    return ET_OK;
}

static void fill(struct line *line, size_t first, size_t end, enum what what, unsigned who,
                 unsigned doing)
{
    if (end <= first)
        return;
    memset(&line->what[first], (int)what, end - first);
    memset(&line->who[first], line->acting == 3 ? (int)who : 0, end - first);
    memset(&line->doing[first], (int)doing, end - first);
}

/* The cell that a boundary is nearest to. */
static size_t boundary(const struct line *line, int64_t t_ns)
{
    return et__cut_cell(&line->grid, et__cut_add_s(t_ns, (double)line->grid.step_ns * 0.5e-9));
}

/* Between events: what is held is carried, else the next thing is approached, else it is over. */
static void fill_hands(struct line *line)
{
    unsigned holding = 0;
    size_t at = 0;
    for (size_t e = 0; e <= line->n_events; e++) {
        const bool is_last = e == line->n_events;
        const struct et__cut_event *event = is_last ? NULL : &line->events[e];
        const size_t first = is_last ? line->grid.n : boundary(line, event->t_first_ns);
        if (holding)
            fill(line, at, first, CARRY, holding, holding);
        else if (is_last)
            fill(line, at, first, RETREAT, 0, 0);
        else
            fill(line, at, first, APPROACH, event->hands, 0);
        if (is_last)
            return;
        at = boundary(line, event->t_last_ns);
        if (at <= first)
            at = first + 1 < line->grid.n ? first + 1 : line->grid.n;
        fill(line, first, at, event->is_grasp ? GRASP : RELEASE, event->hands,
             holding | ET__CUT_ACTS);
        holding = event->is_grasp ? holding | event->hands : holding & ~event->hands;
    }
}

/* ---- speed ---- */

/* The speed that nine tenths of the time stay below. */
static enum et_status usual_peak(const struct line *line, const double *speed, double *peak,
                                 struct et_err *err)
{
    const size_t n = line->grid.n < SAMPLE_MAX ? line->grid.n : SAMPLE_MAX;
    double *some = et_arena_array(line->scratch, n, sizeof *some);
    if (!some)
        return et_arena_fail(line->scratch, "the speed of a stretch", err);
    for (size_t i = 0; i < n; i++)
        some[i] = speed[(size_t)((uint64_t)i * line->grid.n / n)];
    *peak = et_quantile_of(some, n, 0.9);
    return ET_OK;
}

static enum et_status fill_speed(struct line *line, struct et_err *err)
{
    const struct et__cut_stretch *stretch = line->stretch;
    struct et__cut_speed_options options = {0};
    double *speed = NULL, peak = 0;
    enum et_status st = et__cut_speed(stretch->tracks, stretch->n_tracks, &line->grid, &options,
                                      line->scratch, &speed, err);
    if (st == ET_OK)
        st = usual_peak(line, speed, &peak, err);
    if (st != ET_OK)
        return st;
    line->is_known = options.is_known;
    const double low = fmax(REST_SHARE * peak, REST_SPEED);
    const size_t least = (size_t)ceil(REST_S * 1e9 / (double)line->grid.step_ns);
    for (size_t c = 0; c < line->grid.n;) {
        const size_t first = c;
        while (c < line->grid.n && speed[c] < low)
            c++;
        const bool is_rest = c > first && (c - first >= least || c == line->grid.n);
        if (c == first)
            c++;
        fill(line, first, c, is_rest ? REST : MOVE, 0, 0);
    }
    return ET_OK;
}

/* ---- parts ---- */

static bool is_event(uint8_t what)
{
    return what == GRASP || what == RELEASE || what == CONTACT;
}

/* Adds a part; one that is too short joins its neighbours. A short rest only parts what it lies
 * between. */
static size_t add_part(struct part *parts, size_t n, struct part part, size_t near, bool is_last)
{
    const bool is_short = part.end - part.first < near && !is_event(part.what);
    struct part *before = n > 0 ? &parts[n - 1] : NULL;
    if (is_short && before && part.what == REST && before->what == MOVE && !is_last) {
        before->end += (part.end - part.first) / 2;
        parts[n] = (struct part){before->end, part.end, MOVE, 0};
        return n + 1;
    }
    if (is_short && before) {
        before->end = part.end;
        return n;
    }
    // What is too short at the start, or is half of a short rest, joins what comes.
    if (before && !is_event(before->what) && before->end - before->first < near) {
        before->end = part.end;
        before->what = part.what;
        before->who = part.who;
        return n;
    }
    if (before && before->what == part.what && before->who == part.who && part.what != MOVE) {
        before->end = part.end;
        return n;
    }
    parts[n] = part;
    return n + 1;
}

static size_t next_part(const struct line *line, size_t first, struct part *part)
{
    size_t c = first + 1;
    const bool is_contact = line->contact[first] && !(line->doing[first] & ET__CUT_ACTS);
    while (c < line->grid.n && line->what[c] == line->what[first] &&
           line->who[c] == line->who[first] &&
           (line->contact[c] && !(line->doing[c] & ET__CUT_ACTS)) == is_contact)
        c++;
    *part = (struct part){first, c, line->what[first], line->who[first]};
    if (is_contact) {
        part->what = CONTACT;
        part->who = 0;
    }
    return c;
}

static enum et_status find_parts(struct line *line, struct part **parts, size_t *n_parts,
                                 struct et_err *err)
{
    const double cells = NEAR_S * 1e9 / (double)line->grid.step_ns;
    const size_t near = cells > 1 ? (size_t)lround(cells) : 1;
    struct part part;
    size_t n = 0;
    for (size_t c = 0; c < line->grid.n; n++)
        c = next_part(line, c, &part);
    *parts = et_arena_array(line->scratch, n + 1, sizeof **parts);
    if (!*parts)
        return et_arena_fail(line->scratch, "an episode's segments", err);
    *n_parts = 0;
    for (size_t c = 0; c < line->grid.n;) {
        c = next_part(line, c, &part);
        *n_parts = add_part(*parts, *n_parts, part, near, c == line->grid.n);
    }
    return ET_OK;
}

/* ---- a stretch ---- */

static enum et_status fill_line(struct line *line, struct et_err *err)
{
    const struct et__cut_stretch *stretch = line->stretch;
    uint8_t *cells = et_arena_array(line->scratch, line->grid.n, 4);
    if (!cells)
        return et_arena_fail(line->scratch, "the line of an episode", err);
    line->what = cells;
    line->who = line->what + line->grid.n;
    line->doing = line->who + line->grid.n;
    line->contact = line->doing + line->grid.n;

    enum et_status st = find_events(line, err);
    if (st != ET_OK)
        return st;
    line->is_known = line->n_events > 0;
    if (line->is_known)
        fill_hands(line);
    else
        st = fill_speed(line, err);
    et__cut_contact(stretch->tracks, stretch->n_tracks, &line->grid, line->doing, line->contact);
    return st;
}

static enum et_status copy_parts(const struct line *line, const struct part *parts, size_t n,
                                 struct et_arena *arena, const struct et_segment **segments,
                                 struct et_err *err)
{
    struct et_segment *made = et_arena_array(arena, n, sizeof *made);
    if (!made)
        return et_arena_fail(arena, "an episode's segments", err);
    for (size_t i = 0; i < n; i++) {
        made[i].name = NAMES[parts[i].what][parts[i].who];
        made[i].t_first_ns = et__cut_cell_ns(&line->grid, parts[i].first);
        made[i].t_last_ns =
            i + 1 < n ? et__cut_cell_ns(&line->grid, parts[i].end) : line->grid.t_last_ns;
    }
    *segments = made;
    return ET_OK;
}

enum et_status et__cut_stretch(const struct et__cut_stretch *stretch, struct et_arena *scratch,
                               struct et_arena *arena, const struct et_segment **segments,
                               size_t *n_segments, struct et_err *err)
{
    struct line line = {.stretch = stretch, .scratch = scratch};
    const struct et_arena_mark mark = et_arena_mark(scratch);
    struct part *parts = NULL;
    size_t n = 0;

    *segments = NULL;
    *n_segments = 0;
    if (et__cut_s(stretch->t_first_ns, stretch->t_last_ns) < NEAR_S)
        return ET_OK;
    line.grid = et__cut_grid(stretch->t_first_ns, stretch->t_last_ns);
    enum et_status st = fill_line(&line, err);
    if (st == ET_OK && line.is_known)
        st = find_parts(&line, &parts, &n, err);
    if (st == ET_OK && n > 0)
        st = copy_parts(&line, parts, n, arena, segments, err);
    if (st == ET_OK)
        *n_segments = n;
    et_arena_rewind(scratch, mark);
    return st;
}
