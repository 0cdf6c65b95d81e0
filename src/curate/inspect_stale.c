#include "curate/curate__inspect.h"

#include <math.h>

enum { ROWS, STEP_MIN, STEPS_MIN };

static const struct et_inspect_param PARAMS[] = {
    [ROWS] = {"rows", 1.5, "rows", "moving values that are renewed less often than this are stale"},
    [STEP_MIN] = {"step_min", 0.01, "1",
                  "only steps of at least this count, so that slow movement is not called stale"},
    [STEPS_MIN] = {"steps_min", 10, "steps", "and it takes this many of them to tell"},
    {0},
};

/* What is known of how often a track's values are renewed. */
struct renewal {
    double rows;    // mean rows from a renewal to the next, while something moves
    size_t n_steps; // renewals that were used
};

static double step_at(const struct et_track *track, size_t k)
{
    const size_t width = track->stream.n_values;
    const double *now = &track->values[k * width], *before = now - width;
    double most = 0;
    for (size_t i = 0; i < width; i++)
        most = fmax(most, fabs(now[i] - before[i]));
    return most;
}

/* Rows between steps of at least step_min that follow a step: a movement under way. A pause is no
 * staleness, so an interval counts only when it is not much longer than the ones that are usual. */
static struct renewal renewal_of(const struct et_track *track, double step_min, size_t rows_max)
{
    struct renewal renewal = {0};
    size_t n_rows = 0, last = 0;
    for (size_t k = 1; k < track->n_samples; k++) {
        const double step = step_at(track, k);
        if (step == 0)
            continue;
        if (step >= step_min && last > 0 && k - last <= rows_max) {
            n_rows += k - last;
            renewal.n_steps++;
        }
        last = k;
    }
    renewal.rows = renewal.n_steps > 0 ? (double)n_rows / (double)renewal.n_steps : 0;
    return renewal;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;
    for (size_t t = 0; t < episode->n_tracks && st == ET_OK; t++) {
        const struct et_track *track = &episode->tracks[t];
        const struct et_stream *stream = &track->stream;
        // A command may well be given seldom; a measurement that is old is another thing.
        if (stream->quantity != ET_QUANTITY_POSITION || stream->is_command)
            continue;
        const double rate_hz = et__rate_hz(episode, track);
        const struct renewal renewal =
            renewal_of(track, look->params[STEP_MIN], et__samples(episode, track, 0.5));
        if (renewal.rows < look->params[ROWS] || (double)renewal.n_steps < look->params[STEPS_MIN])
            continue;
        struct et_finding finding = et__finding(look->kind, ET_SEVERITY_INFO, stream->name);
        finding.value = renewal.rows;
        finding.threshold = look->params[ROWS];
        finding.unit = "rows";
        st = et_findings_add(look->findings, &finding, err,
                             "%s is renewed only every %.1f rows (%.1f Hz) while it moves: what is "
                             "stored between is old",
                             stream->name, renewal.rows, rate_hz / renewal.rows);
    }
    return st;
}

const struct et__inspector et__inspect_stale = {
    .about = {"stale", "measurements that are stored more often than they are renewed",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};
