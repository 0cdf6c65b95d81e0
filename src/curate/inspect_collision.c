#include "curate/curate__grip.h"

#include <math.h>

enum { FORCE_N, RISE_N, BLOW_N, WORK_S };

static const struct et_inspect_param PARAMS[] = {
    [FORCE_N] = {"force_n", 10, "N", "an open, empty hand that meets this much is told of"},
    [RISE_N] = {"rise_n", 5, "N",
                "if it grows by as much in 20 ms: a turning hand feels its weight"},
    [BLOW_N] = {"blow_n", 100, "N",
                "from here on it is worth a warning: nobody takes hold so hard"},
    [WORK_S] =
        {"work_s", 1, "s",
         "but not where it closes so soon after, or opened so short before: that is its work"},
    {0},
};

#define RISE_S 0.02
#define JOIN_S 0.3 // contacts so close to each other are one: a hand that bounces, or scrapes
#define ACTS_S 0.1 // a hand whose command moves in this time
#define ACTS 0.01  // by this share of its range acts

/* What one wrist feels, while it is gone through. */
struct wrist {
    struct et__look *look;
    const struct et__grip *grip;
    struct et__cut_felt contact; // not told of yet
    double rise;
    bool has_contact;
    enum et_status st;
    struct et_err *err;
};

static double norm(const double *f)
{
    return sqrt(f[0] * f[0] + f[1] * f[1] + f[2] * f[2]);
}

/* How much the force changes in RISE_S, at most. */
static double rise_in(const struct et_track *wrench, const struct et__cut_felt *contact)
{
    const size_t width = wrench->stream.n_values;
    size_t first, end;
    double most = 0;
    et__cut_samples(wrench, et__cut_add_s(contact->t_first_ns, -2 * RISE_S), contact->t_last_ns,
                    &first, &end);
    for (size_t k = first, back = first; k < end; k++) {
        while (et__cut_s(wrench->t_ns[back], wrench->t_ns[k]) > RISE_S)
            back++;
        const double now = norm(&wrench->values[k * width]);
        most = fmax(most, fabs(now - norm(&wrench->values[back * width]))); // fmax ignores NaN
    }
    return most;
}

/* A hand that closes soon after a moment, or opened shortly before it, is at its work. */
static bool is_work(const struct et__look *look, const struct et__grip *grip,
                    const struct et__cut_felt *contact)
{
    const size_t first = et__cut_cell(&grip->grid, contact->t_first_ns);
    const size_t last = et__cut_cell(&grip->grid, contact->t_last_ns);
    const size_t near = et__grip_cells(grip, look->params[WORK_S]);
    struct et__closed closed = {0};
    while (et__grip_next(grip, ET__CLOSE_SHARE, closed.end, &closed))
        if ((closed.first >= first && closed.first <= last + near) ||
            (closed.is_opened && closed.end <= first && closed.end + near >= first))
            return true;
    return false;
}

/* Tells of the contact that is over. */
static void tell(struct wrist *wrist)
{
    struct et__look *look = wrist->look;
    const struct et__grip *grip = wrist->grip;
    const struct et__cut_felt *contact = &wrist->contact;
    if (!wrist->has_contact || wrist->st != ET_OK)
        return;
    wrist->has_contact = false;
    const bool is_meant = is_work(look, grip, contact);
    const bool is_blow = contact->most > look->params[BLOW_N] && !is_meant;
    struct et_finding finding = et__finding(
        look->kind, is_blow ? ET_SEVERITY_WARN : ET_SEVERITY_INFO, grip->wrench->stream.name);
    finding.t_first_ns = contact->t_first_ns;
    finding.t_last_ns = contact->t_last_ns;
    finding.value = contact->most;
    finding.threshold = look->params[is_blow ? BLOW_N : FORCE_N];
    finding.unit = "N";
    wrist->st = et_findings_add(
        look->findings, &finding, wrist->err,
        "the open, empty %s hand meets something with %.0f N, %.0f N of it within 20 ms%s",
        grip->side, contact->most, wrist->rise,
        is_meant ? ": just before it grasps, or just after it let go" : "");
}

static void felt(void *ctx, const struct et__cut_felt *contact)
{
    struct wrist *wrist = ctx;
    const double *params = wrist->look->params;
    struct et__cut_felt *one = &wrist->contact;
    const double rise = rise_in(wrist->grip->wrench, contact);
    if (!(contact->most > params[FORCE_N]) || !(rise > params[RISE_N]))
        return;
    if (wrist->has_contact && et__cut_s(one->t_last_ns, contact->t_first_ns) < JOIN_S) {
        one->t_last_ns = contact->t_last_ns;
        one->most = fmax(one->most, contact->most);
        wrist->rise = fmax(wrist->rise, rise);
        return;
    }
    tell(wrist);
    *one = *contact;
    wrist->rise = rise;
    wrist->has_contact = true;
}

/* Where a hand is closed, about something or to a fist, or acts: what its wrist feels is its work.
 */
static void mark_work(const struct et__grip *grip, uint8_t *doing)
{
    const size_t span = et__grip_cells(grip, ACTS_S);
    struct et__closed closed = {0};
    for (size_t c = 0; c + span < grip->grid.n; c++)
        if (fabs(grip->command[c + span] - grip->command[c]) > ACTS)
            memset(&doing[c], ET__CUT_ACTS, span);
    while (et__grip_next(grip, ET__CLOSE_SHARE, closed.end, &closed))
        memset(&doing[closed.first], ET__CUT_ACTS, closed.end - closed.first);
}

static enum et_status inspect_hand(struct et__look *look, const struct et__grip *grip,
                                   struct et_err *err)
{
    struct wrist wrist = {.look = look, .grip = grip, .err = err};
    uint8_t *doing = et_arena_array(look->arena, grip->grid.n, 1);
    if (!doing)
        return et_arena_fail(look->arena, "what a hand does", err);
    mark_work(grip, doing);
    et__cut_feel_wrench(grip->wrench, &(struct et__cut_feeling){&grip->grid, doing, felt, &wrist});
    tell(&wrist);
    return wrist.st;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    enum et_status st = et__grips(look, err);
    for (size_t i = 0; i < look->n_grips && st == ET_OK; i++)
        if (look->grips[i].wrench)
            st = inspect_hand(look, &look->grips[i], err);
    return st;
}

const struct et__inspector et__inspect_collision = {
    .about = {"collision", "an open, empty hand that meets something hard", ET_INSPECT_EPISODE,
              PARAMS},
    .episode = inspect,
};
