#include "curate/curate__residual.h"

#include "etude/stats.h"

#include <math.h>

#define ROUNDS 5
#define BLOCK_S 0.5      // quiet is judged block by block
#define BLOCK_SIGMAS 5.0 // blocks beyond the usual spread of their largest values are not quiet
#define END_SHARE 0.5    // a contact lasts while the value is above this share of the threshold
#define GUARD_S 0.1      // around a contact, where the value rises and falls
#define MEDIAN_OF_MAX 20000

struct state {
    const struct et__contact_rules *rules;
    const int64_t *t_ns;
    size_t n, n_joints;
    double *values;   // n × n_joints, the offset still in
    double *offset;   // n × n_joints
    double *score;    // n: largest ratio to a joint's threshold; NaN unknown
    double *scratch;  // n
    bool *is_touched; // n
    struct et_residual_joint *joints;
};

static double seconds(const struct state *s, size_t from, size_t to)
{
    return (double)(s->t_ns[to] - s->t_ns[from]) * 1e-9;
}

static bool counts(const struct state *s, size_t i)
{
    return !s->is_touched[i] && isfinite(s->values[i * s->n_joints]);
}

/* The mean of free motion with weights that fall off exponentially to both sides: what lies in a
 * contact has no weight, so the offset stands still there. One pass forward, one back. */
static void smooth(struct state *s, size_t j)
{
    const double tau = s->rules->offset_s;
    double sum = 0, weight = 0;
    for (size_t i = 0; i < s->n; i++) {
        const double decay = i ? exp(-seconds(s, i - 1, i) / tau) : 0;
        sum *= decay;
        weight *= decay;
        s->offset[i * s->n_joints + j] = sum;
        s->scratch[i] = weight;
        if (counts(s, i)) {
            sum += s->values[i * s->n_joints + j];
            weight += 1;
        }
    }
    sum = weight = 0;
    for (size_t i = s->n; i-- > 0;) {
        const double decay = i + 1 < s->n ? exp(-seconds(s, i, i + 1) / tau) : 0;
        sum *= decay;
        weight *= decay;
        if (counts(s, i)) {
            sum += s->values[i * s->n_joints + j];
            weight += 1;
        }
        double *offset = &s->offset[i * s->n_joints + j];
        const double all = s->scratch[i] + weight;
        *offset = all > 1e-9 ? (*offset + sum) / all : 0;
    }
}

// 1.4826 times the median size of a joint's values in free motion.
static double spread(struct state *s, size_t j)
{
    const size_t step = s->n / MEDIAN_OF_MAX + 1;
    size_t n = 0;
    for (size_t i = 0; i < s->n; i += step)
        if (counts(s, i))
            s->scratch[n++] = fabs(s->values[i * s->n_joints + j] - s->offset[i * s->n_joints + j]);
    return n ? fmax(1.4826 * et_median_of(s->scratch, n), 1e-3) : 1;
}

/* A joint's threshold: the largest value of its quiet blocks, with a margin. A block's largest
 * value tells whether it is quiet: most are, and theirs lie close together. */
static double find_threshold(struct state *s, size_t j)
{
    size_t n_blocks = 0;
    double most = 0;
    for (size_t i = 0, first = 0; i < s->n; i++) {
        const size_t at = i * s->n_joints + j;
        if (isfinite(s->values[at]))
            most = fmax(most, fabs(s->values[at] - s->offset[at]));
        if (i + 1 < s->n && seconds(s, first, i + 1) < BLOCK_S)
            continue;
        if (most > 0)
            s->scratch[n_blocks++] = most;
        first = i + 1;
        most = 0;
    }
    if (n_blocks == 0)
        return s->rules->effort_min;
    et_sort_doubles(s->scratch, n_blocks);
    const double middle = et_quantile_sorted(s->scratch, n_blocks, 0.5);
    const double low = et_quantile_sorted(s->scratch, n_blocks, 0.16);
    const double limit = middle + BLOCK_SIGMAS * (middle - low);
    while (n_blocks > 1 && s->scratch[n_blocks - 1] > limit)
        n_blocks--;
    return fmax(s->rules->threshold * s->scratch[n_blocks - 1], s->rules->effort_min);
}

static void rate_samples(struct state *s)
{
    for (size_t i = 0; i < s->n; i++) {
        double most = 0;
        for (size_t j = 0; j < s->n_joints; j++) {
            const size_t at = i * s->n_joints + j;
            most = fmax(most, fabs(s->values[at] - s->offset[at]) / s->joints[j].threshold);
        }
        s->score[i] = isfinite(s->values[i * s->n_joints]) ? most : (double)NAN;
    }
}

struct run {
    size_t first, last;
};

// The next stretch from `from` on that is above a share of the level, and above it somewhere.
static bool next_run(const struct state *s, size_t from, struct run *run)
{
    for (size_t i = from; i < s->n; i++) {
        if (!(s->score[i] > END_SHARE))
            continue;
        bool is_contact = s->score[i] > 1;
        run->first = i;
        while (i + 1 < s->n && s->score[i + 1] > END_SHARE)
            is_contact |= s->score[++i] > 1;
        run->last = i;
        if (is_contact)
            return true;
    }
    return false;
}

// As next_run, with those that follow closely taken together.
static bool next_contact(const struct state *s, size_t from, struct run *contact)
{
    struct run next;
    if (!next_run(s, from, contact))
        return false;
    while (next_run(s, contact->last + 1, &next) &&
           seconds(s, contact->last, next.first) < s->rules->debounce_s)
        contact->last = next.last;
    return true;
}

static void mark_touched(struct state *s)
{
    memset(s->is_touched, 0, s->n * sizeof *s->is_touched);
    struct run run;
    for (size_t from = 0; next_run(s, from, &run); from = run.last + 1) {
        size_t first = run.first, last = run.last;
        while (first > 0 && seconds(s, first - 1, run.first) < GUARD_S)
            first--;
        while (last + 1 < s->n && seconds(s, run.last, last + 1) < GUARD_S)
            last++;
        memset(s->is_touched + first, true, last - first + 1);
    }
}

static struct et_contact describe(const struct state *s, struct run run)
{
    struct et_contact c = {.t_first_ns = s->t_ns[run.first], .t_last_ns = s->t_ns[run.last]};
    for (size_t i = run.first; i <= run.last; i++) {
        for (size_t j = 0; j < s->n_joints; j++) {
            const double value = s->values[i * s->n_joints + j];
            const double ratio = fabs(value) / s->joints[j].threshold;
            if (!(ratio > c.ratio))
                continue;
            c.ratio = ratio;
            c.peak = value;
            c.i_joint = j;
        }
    }
    return c;
}

static void find_contacts(struct state *s)
{
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t j = 0; j < s->n_joints; j++) {
            smooth(s, j);
            s->joints[j].sigma = spread(s, j);
            s->joints[j].threshold = find_threshold(s, j);
        }
        rate_samples(s);
        mark_touched(s);
    }
    for (size_t i = 0; i < s->n * s->n_joints; i++)
        s->values[i] -= s->offset[i];
}

static enum et_status search(struct state *s, struct et_arena *arena, struct et_err *err)
{
    s->offset = et_arena_array(arena, s->n * s->n_joints, sizeof *s->offset);
    s->score = et_arena_array(arena, s->n, sizeof *s->score);
    s->scratch = et_arena_array(arena, s->n, sizeof *s->scratch);
    s->is_touched = et_arena_array(arena, s->n, sizeof *s->is_touched);
    if (!s->offset || !s->score || !s->scratch || !s->is_touched)
        return et_arena_fail(arena, "the search for contacts", err);
    find_contacts(s);
    return ET_OK;
}

enum et_status et__residual_contacts(const struct et__contact_rules *rules,
                                     const struct et__torques *torques,
                                     struct et_residual_joint *joints, struct et_arena *arena,
                                     const struct et_contact **contacts, size_t *n_contacts,
                                     struct et_err *err)
{
    struct state s = {.rules = rules,
                      .t_ns = torques->t_ns,
                      .n = torques->n,
                      .n_joints = torques->n_joints,
                      .values = torques->values,
                      .joints = joints};
    *n_contacts = 0;
    // They begin further apart than the debounce, so there is a bound on them.
    const double most = seconds(&s, 0, s.n - 1) / rules->debounce_s + 2;
    struct et_contact *list =
        et_arena_array(arena, most < (double)s.n ? (size_t)most : s.n, sizeof *list);
    if (!list)
        return et_arena_fail(arena, "the list of contacts", err);
    const struct et_arena_mark mark = et_arena_mark(arena);
    const enum et_status st = search(&s, arena, err);
    struct run run;
    for (size_t from = 0; st == ET_OK && next_contact(&s, from, &run); from = run.last + 1)
        list[(*n_contacts)++] = describe(&s, run);
    *contacts = list;
    et_arena_rewind(arena, mark);
    return st;
}
