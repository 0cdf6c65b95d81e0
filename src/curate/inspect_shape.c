#include "curate/curate__inspect.h"

#include <inttypes.h>

static enum et_status check_columns(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    for (size_t i = 0; i < episode->n_columns; i++) {
        const struct et_raw_column *column = &episode->columns[i];
        if (column->n_declared == 0 || column->n_declared == column->n_values)
            continue;
        struct et_finding finding = et__finding(look->kind, ET_SEVERITY_ERROR, column->path);
        finding.value = (double)column->n_values;
        finding.threshold = (double)column->n_declared;
        finding.unit = "values";
        const enum et_status st = et_findings_add(
            look->findings, &finding, err, "%s holds %zu values a row, its metadata says %zu",
            column->path, column->n_values, column->n_declared);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

/* Where a source is one row a step, every track has as many samples as there are rows. */
static enum et_status check_tracks(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    for (size_t i = 0; i < episode->n_tracks; i++) {
        const struct et_track *track = &episode->tracks[i];
        if (episode->n_rows == 0 || track->n_samples == (size_t)episode->n_rows)
            continue;
        struct et_finding finding = et__finding(look->kind, ET_SEVERITY_ERROR, track->stream.name);
        finding.value = (double)track->n_samples;
        finding.threshold = (double)episode->n_rows;
        finding.unit = "rows";
        const enum et_status st = et_findings_add(
            look->findings, &finding, err, "%s has %zu rows, the episode has %" PRId64,
            track->stream.name, track->n_samples, episode->n_rows);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

static bool is_empty(const struct et_episode *episode)
{
    for (size_t i = 0; i < episode->n_tracks; i++)
        if (episode->tracks[i].n_samples > 0)
            return false;
    return episode->n_rows == 0;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    if (is_empty(look->episode)) {
        struct et_finding finding = et__finding(look->kind, ET_SEVERITY_ERROR, NULL);
        finding.value = 0;
        finding.threshold = 1;
        finding.unit = "rows";
        return et_findings_add(look->findings, &finding, err, "the episode is empty");
    }
    const enum et_status st = check_columns(look, err);
    return st == ET_OK ? check_tracks(look, err) : st;
}

static const struct et_inspect_param PARAMS[] = {{0}};

const struct et__inspector et__inspect_shape = {
    .about = {"shape", "rows are as wide and as many as the metadata and the other columns say",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};
