#include "curate/curate__inspect.h"

#include <assert.h>
#include <math.h>

static void extend(struct et__run *run, const struct et__run *by)
{
    run->last = by->last;
    run->n_rows += by->n_rows;
    if (by->worst > run->worst) {
        run->worst = by->worst;
        run->worst_row = by->worst_row;
    }
}

static void add(struct et__runs *runs, const struct et__run *run, size_t gap)
{
    const bool has_rest = runs->n_rest > 0;
    struct et__run *last = has_rest ? &runs->rest : runs->n > 0 ? &runs->items[runs->n - 1] : NULL;

    assert(run->first <= run->last && (!last || run->first >= last->last));
    if (last && run->first - last->last <= gap + 1) {
        extend(last, run);
    } else if (runs->n < ET__RUNS_MAX) {
        runs->items[runs->n++] = *run;
    } else if (!has_rest) {
        runs->rest = *run;
        runs->n_rest = 1;
    } else {
        extend(&runs->rest, run);
        runs->n_rest++;
    }
}

void et__runs_add(struct et__runs *runs, size_t row, size_t gap, double magnitude)
{
    const struct et__run run = {row, row, 1, row, magnitude};
    add(runs, &run, gap);
}

void et__runs_add_stretch(struct et__runs *runs, size_t first, size_t last, double magnitude)
{
    const struct et__run run = {first, last, last - first + 1, first, magnitude};
    add(runs, &run, 0);
}

const char *et__plural(size_t n)
{
    return n == 1 ? "" : "s";
}

struct et_finding et__finding(const char *kind, enum et_severity severity, const char *stream)
{
    return (struct et_finding){
        .kind = kind,
        .severity = severity,
        .stream = stream,
        .t_first_ns = ET_FINDING_WHOLE,
        .t_last_ns = ET_FINDING_WHOLE,
        .value = (double)NAN,
        .threshold = (double)NAN,
        .unit = "",
    };
}

struct et_finding et__finding_at(const struct et__look *look, const struct et_track *track,
                                 const struct et__run *run, enum et_severity severity)
{
    struct et_finding finding = et__finding(look->kind, severity, track->stream.name);
    finding.t_first_ns = track->t_ns[run->first];
    finding.t_last_ns = track->t_ns[run->last];
    finding.value = run->worst;
    finding.unit = et__unit(&track->stream);
    return finding;
}

enum et_status et__report_rest(struct et__look *look, const struct et_track *track,
                               const struct et__runs *runs, const struct et_finding *like,
                               const char *what, struct et_err *err)
{
    if (runs->n_rest == 0)
        return ET_OK;
    struct et_finding finding = *like;
    finding.t_first_ns = track->t_ns[runs->rest.first];
    finding.t_last_ns = track->t_ns[runs->rest.last];
    finding.value = runs->rest.worst;
    return et_findings_add(look->findings, &finding, err, "%s: %zu more such place%s, %zu samples",
                           what, runs->n_rest, et__plural(runs->n_rest), runs->rest.n_rows);
}
