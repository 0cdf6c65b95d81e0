#include "curate/curate__grip.h"

#include <math.h>

enum {
    FALL_N = ET__N_CLOSED_PARAMS,
    FALL_SHARE,
    CATCH_SHARE,
    SAME_SHARE,
    STEADY_SHARE,
    SHAKE_SHARE
};

static const struct et_inspect_param PARAMS[] = {
    ET__CLOSED_PARAMS,
    [FALL_N] = {"fall_n", 3, "N",
                "the wrist bears less by this for a moment: what slides has no weight"},
    [FALL_SHARE] = {"fall_share", 0.25, "fraction",
                    "and this close to all that was in the hand, of it"},
    [CATCH_SHARE] = {"catch_share", 0.6, "fraction",
                     "and right after it more, by this share of what it bore less: it is caught"},
    [SAME_SHARE] = {"same_share", 0.1, "fraction",
                    "and then bears what it bore before, within this share of what is in the hand"},
    [STEADY_SHARE] = {"steady_share", 0.3, "fraction",
                      "before and after it strays by less than this share: whoever wipes or turns "
                      "bears now more, now less"},
    [SHAKE_SHARE] = {"shake_share", 0.45, "fraction",
                     "before it the force changes from 10 ms to 10 ms by less than this share: "
                     "what rubs on something shakes"},
    {0},
};

// The wrist's force before, the least of it over a short while, the most right behind that, and
// after.
#define BEFORE_S 0.2
#define EDGE_S 0.03 // between before and the moment
#define LEAST_S 0.03
#define WITHIN_S 0.12
#define AFTER_S 0.15
#define AFTER_END_S 0.4
#define SHAKE_S 0.4 // looked at before

/* What a wrist felt around a moment, and the hand alone. */
struct moment {
    double before, least, most, after; // N
    double stray;                      // of the force before and after, standard deviation, N
    double shake;                      // root mean square of its change from cell to cell before, N
    size_t i_least;
};

static double mean_force(const struct et__grip *grip, size_t first, size_t end)
{
    double sum = 0;
    for (size_t c = first; c < end; c++)
        sum += et__grip_force(grip, c);
    return sum / (double)(end - first); // NaN where one is
}

/* How far the force strays, over LEAST_S at a time, from its mean before and after a moment. */
static double stray_around(const struct et__grip *grip, size_t c, const struct moment *m)
{
    const size_t least = et__grip_cells(grip, LEAST_S);
    double sum = 0, n = 0;
    for (size_t k = c - et__grip_cells(grip, BEFORE_S); k + least <= c; k += least, n++)
        sum += pow(mean_force(grip, k, k + least) - m->before, 2);
    for (size_t k = c + et__grip_cells(grip, AFTER_S);
         k + least <= c + et__grip_cells(grip, AFTER_END_S); k += least, n++)
        sum += pow(mean_force(grip, k, k + least) - m->after, 2);
    return sqrt(sum / n);
}

static double shake_before(const struct et__grip *grip, size_t c, size_t from)
{
    const size_t long_ago = et__grip_cells(grip, SHAKE_S), end = c - et__grip_cells(grip, EDGE_S);
    double sum = 0, n = 0;
    for (size_t k = c > from + long_ago ? c - long_ago : from; k < end; k++, n++)
        sum += pow(et__grip_force(grip, k + 1) - et__grip_force(grip, k), 2);
    return sqrt(sum / n);
}

static struct moment look_at(const struct et__grip *grip, const struct et__held *held, size_t c)
{
    const size_t within = et__grip_cells(grip, WITHIN_S), least = et__grip_cells(grip, LEAST_S);
    struct moment m = {
        .before =
            mean_force(grip, c - et__grip_cells(grip, BEFORE_S), c - et__grip_cells(grip, EDGE_S)),
        .after = mean_force(grip, c + et__grip_cells(grip, AFTER_S),
                            c + et__grip_cells(grip, AFTER_END_S)),
        .least = (double)INFINITY,
        .i_least = c,
    };
    for (size_t k = c; k < c + within; k++) {
        const double x = mean_force(grip, k, k + least);
        m.i_least = x < m.least ? k : m.i_least;
        m.least = fmin(m.least, x);
    }
    for (size_t k = m.i_least; k < m.i_least + within; k++)
        m.most = fmax(m.most, et__grip_force(grip, k));
    m.stray = stray_around(grip, c, &m);
    m.shake = shake_before(grip, c, held->first);
    return m;
}

/* How far the force falls and comes back, whichever is less; 0: it is no weight that is gone. */
static double slide(const struct et__look *look, const struct moment *m, double empty)
{
    const double falls = fmin(m->before, m->after) - m->least;
    const double rises = m->most - fmax(m->before, m->after);
    const double weight = m->before - empty;
    if (!(fabs(m->after - m->before) < look->params[SAME_SHARE] * weight) ||
        !(m->stray < look->params[STEADY_SHARE] * weight) ||
        !(m->shake < look->params[SHAKE_SHARE] * weight))
        return 0;
    if (!(falls > look->params[FALL_N]) || !(rises > look->params[CATCH_SHARE] * falls) ||
        !(fabs(m->least - empty) < look->params[FALL_SHARE] * weight))
        return 0;
    return fmin(falls, rises);
}

static enum et_status report(struct et__look *look, const struct et__grip *grip,
                             const struct moment *m, size_t n_moments, struct et_err *err)
{
    const size_t last = m->i_least + et__grip_cells(grip, WITHIN_S);
    struct et_finding finding = et__grip_finding(
        look, grip, m->i_least, last, n_moments > 1 ? ET_SEVERITY_INFO : ET_SEVERITY_WARN);
    finding.value = fmin(m->before, m->after) - m->least;
    finding.threshold = look->params[FALL_N];
    finding.unit = "N";
    if (n_moments > 1)
        return et_findings_add(look->findings, &finding, err,
                               "what the %s hand holds loses its weight for a moment %zu times: it "
                               "slides, or is worked with",
                               grip->side, n_moments);
    return et_findings_add(look->findings, &finding, err,
                           "what the %s hand holds slides: its wrist bears %.1f N less for a "
                           "moment, then %.1f N more",
                           grip->side, finding.value, m->most - fmax(m->before, m->after));
}

/* What is seen while something is held. */
struct slides {
    struct moment worst;
    double most; // N
    size_t n, c_last;
};

static void watch(const struct et__look *look, const struct et__grip *grip,
                  const struct et__held *held, struct slides *slides)
{
    const size_t before = et__grip_cells(grip, BEFORE_S);
    const size_t after = et__grip_cells(grip, AFTER_END_S);
    const size_t apart = et__grip_cells(grip, 2 * WITHIN_S);
    for (size_t c = held->first + before; c + after < held->end; c++) {
        const struct moment m = look_at(grip, held, c);
        const double force = slide(look, &m, grip->empty_n);
        if (!(force > 0))
            continue;
        slides->n += slides->n == 0 || c > slides->c_last + apart;
        slides->c_last = c;
        if (force > slides->most)
            slides->worst = m;
        slides->most = fmax(slides->most, force);
    }
}

static enum et_status inspect_close(struct et__look *look, const struct et__grip *grip,
                                    const struct et__closed *closed, struct et_err *err)
{
    struct slides slides = {0};
    struct et__held held = {closed->first, closed->first};
    if (!grip->force || !isfinite(grip->empty_n))
        return ET_OK;
    while (et__grip_held(grip, held.end, closed->end, look->params[ET__CLOSED_TOUCH_N],
                         look->params[ET__CLOSED_HOLD_S], &held))
        watch(look, grip, &held, &slides);
    return slides.n > 0 ? report(look, grip, &slides.worst, slides.n, err) : ET_OK;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    return et__each_closed(look, look->params[ET__CLOSED_SHARE], inspect_close, err);
}

const struct et__inspector et__inspect_slip = {
    .about = {"slip", "something held that slides in the hand and is caught again",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};
