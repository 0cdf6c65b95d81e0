/* Verify: one run over all parts, and how findings are added. */
#include "dataset/dataset__verify.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

// How often one check spoke of one stream.
struct et__tally {
    enum et__check check;
    const char *stream; // in the findings' arena; NULL: the set
    size_t n;
    enum et_severity worst; // of those that were only counted
};

static bool is_same_stream(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

// The tally of a check and stream; NULL when there is no memory for a new one.
static struct et__tally *find_tally(struct et__verify *v, enum et__check check, const char *stream)
{
    for (size_t i = 0; i < v->n_tallies; i++) {
        if (v->tallies[i].check == check && is_same_stream(v->tallies[i].stream, stream))
            return &v->tallies[i];
    }
    struct et__tally *tallies =
        et__grow(v->scratch, v->tallies, v->n_tallies, &v->cap_tallies, sizeof *tallies);
    if (!tallies)
        return NULL;
    v->tallies = tallies;
    // Findings outlive the dataset, so their streams live where they do.
    const char *copy = stream ? et__copy_text(v->findings->arena, et_str(stream)) : NULL;
    if (stream && !copy)
        return NULL;
    tallies[v->n_tallies] = (struct et__tally){check, copy, 0, ET_SEVERITY_INFO};
    return &tallies[v->n_tallies++];
}

static enum et_status add(struct et__verify *v, struct et__tally *tally, enum et_severity severity,
                          const struct et__found *found, const char *text, struct et_err *err)
{
    const bool has_number = found && found->unit;
    const struct et_finding finding = {
        .kind = et__check_kind(tally->check),
        .severity = severity,
        .stream = tally->stream,
        .t_first_ns = ET_FINDING_WHOLE,
        .t_last_ns = ET_FINDING_WHOLE,
        .value = has_number ? found->value : (double)NAN,
        .threshold = has_number ? found->threshold : (double)NAN,
        .unit = has_number ? found->unit : "",
    };
    return et_findings_add(v->findings, &finding, err, "%s", text);
}

enum et_status et__find(struct et__verify *v, enum et__check check, enum et_severity severity,
                        const struct et__found *found, struct et_err *err, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    struct et__tally *tally = find_tally(v, check, found ? found->stream : NULL);
    if (!tally)
        return et_fail(err, ET_ENOMEM, -1, "no memory for findings");
    if (++tally->n > ET__SAME_MAX) {
        if (severity > tally->worst)
            tally->worst = severity;
        return ET_OK;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return add(v, tally, severity, found, text, err);
}

// What was only counted, in one finding a check and stream.
static enum et_status tell_counted(struct et__verify *v, struct et_err *err)
{
    enum et_status st = ET_OK;
    char text[128];

    for (size_t i = 0; st == ET_OK && i < v->n_tallies; i++) {
        struct et__tally *tally = &v->tallies[i];
        if (tally->n <= ET__SAME_MAX)
            continue;
        const size_t n_more = tally->n - ET__SAME_MAX;
        const struct et__found found = {
            .value = (double)tally->n, .threshold = ET__SAME_MAX, .unit = "findings"};
        (void)snprintf(text, sizeof text, "%zu more findings like these", n_more);
        st = add(v, tally, tally->worst, &found, text, err);
    }
    return st;
}

enum et_status et__verify_step(struct et__verify *v, int64_t n_bytes, struct et_err *err)
{
    const struct et_verify_options *options = v->options;

    v->n_done++;
    if (options->progress &&
        !options->progress(options->progress_ctx, v->n_done, v->n_total, n_bytes))
        return et_fail(err, ET_ECANCELLED, -1, "%s: verifying was cancelled", v->ds->info.path);
    return ET_OK;
}

enum et_status et__notes_add(struct et__notes *notes, const struct et__note *note,
                             struct et_err *err, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    struct et__note *items =
        et__grow(notes->arena, notes->items, notes->n, &notes->cap, sizeof *items);
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    char *copy = et__copy_text(notes->arena, et_str(text));
    if (!items || !copy)
        return et_arena_fail(notes->arena, "findings", err);
    notes->items = items;
    items[notes->n] = *note;
    items[notes->n++].text = copy;
    return ET_OK;
}

enum et_status et__notes_take(struct et__verify *v, const struct et__notes *notes,
                              struct et_err *err)
{
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < notes->n; i++) {
        const struct et__note *note = &notes->items[i];
        st = et__find(v, note->check, note->severity, &note->found, err, "%s", note->text);
    }
    return st;
}

// What opening found.
static enum et_status take_remarks(struct et__verify *v, struct et_err *err)
{
    const struct et__remarks *remarks = &v->ds->remarks;
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < remarks->n; i++)
        st = et__find(v, remarks->checks[i], remarks->items[i].severity, NULL, err, "%s: %s",
                      remarks->items[i].where, remarks->items[i].text);
    return st;
}

static enum et_status run_parts(struct et__verify *v, struct et_err *err)
{
    static enum et_status (*const PARTS[])(struct et__verify *, struct et_err *) = {
        take_remarks,      et__verify_meta,     et__verify_rows,  et__verify_totals,
        et__verify_videos, et__verify_pictures, et__verify_stats, tell_counted,
    };
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < sizeof PARTS / sizeof *PARTS; i++)
        st = PARTS[i](v, err);
    return st;
}

enum et_status et_dataset_verify(const char *path, const struct et_verify_options *options,
                                 struct et_findings *findings, struct et_err *err)
{
    static const struct et_verify_options DEFAULTS = {0};
    struct et_dataset *ds = NULL;
    struct et_err bad = {0};

    assert(path && findings && findings->arena);
    struct et__verify v = {.options = options ? options : &DEFAULTS, .findings = findings};
    enum et_status st = et_arena_open(&v.scratch, ET__SCRATCH_BYTES, err);
    if (st != ET_OK)
        return st;
    st = et_dataset_open(&ds, path, &bad);
    v.ds = ds;
    if (st == ET_OK)
        st = run_parts(&v, err);
    else if (st == ET_ECORRUPT || st == ET_ELIMIT) // a dataset that nobody can open
        st = et__find(&v, ET__CHECK_INFO, ET_SEVERITY_ERROR, NULL, err, "%s", bad.text);
    else
        st = et_fail(err, st, bad.at, "%s", bad.text);
    et_dataset_close(ds);
    et_arena_close(v.scratch);
    return st;
}
