/* Recorded pictures that cannot be decoded: a damaged message, or a video up to its next key frame
 * behind a lost one. A row may have a picture that is a little older or younger than its own; the
 * age that is stated for it is the true one. */
#include "dataset/dataset__build.h"

#include "etude/frames.h"

// A camera's size is looked for in so many of its first pictures.
#define FIRST_PICTURES 300
#define NS_PER_S 1e9

enum { FOUND, NO_PICTURE, LOST };

struct substitution {
    const int64_t *t_ns; // of the pictures
    int64_t n_frames;
    uint8_t *what;     // of each picture: FOUND, NO_PICTURE (parameters of a video alone), LOST
    struct et_err why; // of the first that is lost
    int64_t n_rows;    // that got another picture for a lost one
    double furthest_s;
};

static bool is_lost(enum et_status st)
{
    return st == ET_ECORRUPT || st == ET_EUNSUPPORTED || st == ET_ELIMIT || st == ET_ENOTFOUND;
}

/* Tries all pictures. */
static enum et_status try_pictures(const struct et_frames_range *range, struct substitution *s,
                                   struct et_err *err)
{
    struct et_frames *frames = NULL;
    struct et_image image;
    enum et_status st = et_frames_open(&frames, range, err);
    for (int64_t k = 0; st == ET_OK && k < s->n_frames; k++) {
        struct et_err why = {0};
        st = et_frames_go_to(frames, k, err);
        if (st != ET_OK)
            break;
        st = et_frames_image(frames, &image, &why);
        if (st == ET_OK)
            continue;
        s->what[k] = st == ET_ENOTFOUND ? NO_PICTURE : LOST;
        if (s->what[k] == LOST && s->why.status == ET_OK)
            s->why = why;
        if (!is_lost(st)) {
            *err = why;
            break;
        }
        st = ET_OK;
    }
    et_frames_close(frames);
    return st;
}

static int64_t distance_ns(const struct substitution *s, int64_t k, int64_t t_ns)
{
    const int64_t d = s->t_ns[k] - t_ns;
    return d < 0 ? -d : d;
}

/* The nearest picture that can be decoded, the older of two; -1: none is near. */
static int64_t find_near(const struct substitution *s, int64_t from, int64_t t_ns)
{
    const int64_t limit_ns = (int64_t)(ET__SUBSTITUTE_S * NS_PER_S);
    int64_t before = from, after = from + 1;
    for (;;) {
        const int64_t d_before = before >= 0 ? distance_ns(s, before, t_ns) : INT64_MAX;
        const int64_t d_after = after < s->n_frames ? distance_ns(s, after, t_ns) : INT64_MAX;
        const bool is_older = d_before <= d_after;
        if ((is_older ? d_before : d_after) > limit_ns)
            return -1;
        const int64_t k = is_older ? before-- : after++;
        if (s->what[k] == FOUND)
            return k;
    }
}

static enum et_status tell(const struct et_frames_range *range, const struct substitution *s,
                           int64_t n_rows, struct et__slot *slot)
{
    if (s->n_rows == 0)
        return ET_OK;
    slot->substitutes = et_arena_printf(
        slot->arena,
        "%s%s%s: %lld of %lld rows have the nearest picture that can be decoded, at most %.3g s "
        "away: %s",
        slot->substitutes ? slot->substitutes : "", slot->substitutes ? "; " : "", range->stream,
        (long long)s->n_rows, (long long)n_rows, s->furthest_s, s->why.text);
    return slot->substitutes ? ET_OK : et_arena_fail(slot->arena, "a remark", &slot->trouble);
}

enum et_status et__build_substitute(const struct et_frames_range *range,
                                    const int64_t *t_picture_ns, const int64_t *t_ns,
                                    int64_t n_rows, int64_t *frame_of_row, struct et__slot *slot)
{
    struct et_err *err = &slot->trouble;
    struct substitution s = {.t_ns = t_picture_ns, .n_frames = range->n_frames};
    s.what = et_arena_alloc(slot->arena, (size_t)range->n_frames);
    if (!s.what)
        return et_arena_fail(slot->arena, "an episode", err);
    const enum et_status st = try_pictures(range, &s, err);
    if (st != ET_OK)
        return st;
    for (int64_t row = 0; row < n_rows; row++) {
        const int64_t own = frame_of_row[row];
        if (s.what[own] == FOUND)
            continue;
        const int64_t k = find_near(&s, own, t_ns[row]);
        if (k < 0)
            return et_fail(err, ET_ECORRUPT, row,
                           "%.100s: no picture within %g s of row %lld can be decoded: %.200s",
                           range->stream, ET__SUBSTITUTE_S, (long long)row, s.why.text);
        frame_of_row[row] = k;
        if (s.what[own] == NO_PICTURE)
            continue;
        const double away_s = (double)distance_ns(&s, k, t_ns[row]) / NS_PER_S;
        s.furthest_s = away_s > s.furthest_s ? away_s : s.furthest_s;
        s.n_rows++;
    }
    return tell(range, &s, n_rows, slot);
}

enum et_status et__build_first_picture(struct et_frames *frames, int64_t n_frames,
                                       struct et_image *image, struct et_err *err)
{
    struct et_err why = {0};
    enum et_status st = ET_ECORRUPT;
    for (int64_t k = 0; k < n_frames && k < FIRST_PICTURES && is_lost(st); k++) {
        struct et_err here = {0};
        st = et_frames_go_to(frames, k, &here);
        if (st == ET_OK)
            st = et_frames_image(frames, image, &here);
        if (st != ET_OK && (why.status == ET_OK || !is_lost(st)))
            why = here;
    }
    if (st != ET_OK && err)
        *err = why;
    return st;
}
