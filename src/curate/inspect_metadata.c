#include "curate/curate__inspect.h"

#include <inttypes.h>
#include <math.h>

enum { TOLERANCE };

static const struct et_inspect_param PARAMS[] = {
    [TOLERANCE] = {"tolerance", 1e-3, "fraction",
                   "how far a claimed minimum, maximum or mean may stray, of the value's range"},
    {0},
};

/* What a claim is held against: an array of rows. */
struct rows {
    const double *values;
    size_t n_rows, n_values;
};

static bool find_rows(const struct et_episode *episode, const char *name, struct rows *rows)
{
    for (size_t i = 0; i < episode->n_columns; i++) {
        const struct et_raw_column *c = &episode->columns[i];
        if (c->values && strcmp(c->path, name) == 0) {
            *rows = (struct rows){c->values, (size_t)episode->n_rows, c->n_values};
            return true;
        }
    }
    const struct et_track *track = et_episode_track(episode, name);
    if (!track)
        return false;
    *rows = (struct rows){track->values, track->n_samples, track->stream.n_values};
    return true;
}

struct range {
    double min, max, mean;
};

static struct range range_of(const struct rows *rows, size_t i)
{
    struct range range = {(double)INFINITY, -(double)INFINITY, 0};
    double sum = 0;
    for (size_t row = 0; row < rows->n_rows; row++) {
        const double x = rows->values[row * rows->n_values + i];
        range.min = x < range.min ? x : range.min;
        range.max = x > range.max ? x : range.max;
        sum += x;
    }
    range.mean = sum / (double)rows->n_rows;
    return range;
}

/* The worst disagreement of a claim, and how many values disagree at all. */
struct mismatch {
    size_t n_bad, i_value;
    double off, tolerance, claimed, found;
    const char *what;
};

static void hold(struct mismatch *worst, const char *what, const double *claimed, size_t i,
                 double found, double tolerance, bool *is_bad)
{
    if (!claimed)
        return;
    const double off = fabs(claimed[i] - found);
    if (off <= tolerance || (isnan(claimed[i]) && isnan(found)))
        return;
    *is_bad = true;
    if (worst->what && !(off > worst->off))
        return;
    worst->i_value = i;
    worst->off = off;
    worst->tolerance = tolerance;
    worst->claimed = claimed[i];
    worst->found = found;
    worst->what = what;
}

static struct mismatch compare(const struct et_claim *claim, const struct rows *rows,
                               double tolerance)
{
    struct mismatch worst = {0};
    for (size_t i = 0; i < rows->n_values; i++) {
        const struct range range = range_of(rows, i);
        // The stored numbers are often float32: never ask for more than its digits.
        const double digits = 1e-6 * fmax(fabs(range.min), fabs(range.max)) + 1e-9;
        const double allowed = tolerance * (range.max - range.min) + digits;
        bool is_bad = false;
        hold(&worst, "minimum", claim->min, i, range.min, allowed, &is_bad);
        hold(&worst, "maximum", claim->max, i, range.max, allowed, &is_bad);
        hold(&worst, "mean", claim->mean, i, range.mean, allowed, &is_bad);
        worst.n_bad += is_bad;
    }
    return worst;
}

static enum et_status check_count(struct et__look *look, const struct et_claim *claim,
                                  const struct rows *rows, struct et_err *err)
{
    if (claim->count < 0 || (size_t)claim->count == rows->n_rows)
        return ET_OK;
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, claim->stream_or_feature);
    finding.value = (double)rows->n_rows;
    finding.threshold = (double)claim->count;
    finding.unit = "rows";
    return et_findings_add(look->findings, &finding, err,
                           "the statistics of %s count %" PRId64 " rows, there are %zu",
                           claim->stream_or_feature, claim->count, rows->n_rows);
}

static enum et_status check_claim(struct et__look *look, const struct et_claim *claim,
                                  struct et_err *err)
{
    struct rows rows;
    if (!find_rows(look->episode, claim->stream_or_feature, &rows) || rows.n_rows == 0)
        return ET_OK;
    const enum et_status st = check_count(look, claim, &rows, err);
    if (st != ET_OK)
        return st;

    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, claim->stream_or_feature);
    if (claim->n_values != rows.n_values) {
        finding.value = (double)rows.n_values;
        finding.threshold = (double)claim->n_values;
        finding.unit = "values";
        return et_findings_add(look->findings, &finding, err,
                               "the statistics of %s are for %zu values a row, there are %zu",
                               claim->stream_or_feature, claim->n_values, rows.n_values);
    }
    const struct mismatch worst = compare(claim, &rows, look->params[TOLERANCE]);
    if (!worst.what)
        return ET_OK;
    finding.value = worst.off;
    finding.threshold = worst.tolerance;
    return et_findings_add(
        look->findings, &finding, err,
        "the statistics of %s disagree with the data in %zu of %zu values; worst "
        "in value %zu: %s %.6g is claimed, %.6g is found",
        claim->stream_or_feature, worst.n_bad, rows.n_values, worst.i_value, worst.what,
        worst.claimed, worst.found);
}

static enum et_status check_length(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    if (episode->n_rows_claimed < 0 || episode->n_rows_claimed == episode->n_rows)
        return ET_OK;
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_ERROR, NULL);
    finding.value = (double)episode->n_rows;
    finding.threshold = (double)episode->n_rows_claimed;
    finding.unit = "rows";
    return et_findings_add(look->findings, &finding, err,
                           "the metadata says %" PRId64 " rows, the data has %" PRId64,
                           episode->n_rows_claimed, episode->n_rows);
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = check_length(look, err);
    for (size_t i = 0; i < episode->n_remarks && st == ET_OK; i++) {
        const struct et_remark *remark = &episode->remarks[i];
        const struct et_finding finding = et__finding(look->kind, remark->severity, remark->where);
        st = et_findings_add(look->findings, &finding, err, "%s%s%s",
                             remark->where ? remark->where : "", remark->where ? ": " : "",
                             remark->text);
    }
    for (size_t i = 0; i < episode->n_claims && st == ET_OK; i++)
        st = check_claim(look, &episode->claims[i], err);
    return st;
}

const struct et__inspector et__inspect_metadata = {
    .about = {"metadata", "what the metadata says of an episode against what was read",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};
