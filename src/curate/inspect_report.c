#include "etude/inspect_report.h"

#include "curate/curate__inspect.h"
#include "curate/curate__report.h"
#include "etude/file.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DETAILS_MAX 200
#define ROWS_BYTES_MAX ((size_t)1 << 30)
#define PAGE_BYTES_MAX ((size_t)ET_INSPECT_REPORT_BYTES_MAX + ((size_t)64 << 20))
#define FIRST_CAP 64
#define TEXT_BYTES 512
#define STREAMS_MAX 32
#define KINDS_MAX 64
#define N_BINS 24
#define N_VERDICTS 3

/* An episode's line in the overview, and where its part stands in `parts`. */
struct row {
    int64_t index;
    int64_t n_rows;
    double duration_s;
    double lag_s; // NaN: not known
    struct et_findings_count count;
    enum et_verdict verdict;
    enum et_time_kind time_kind;
    const char *reason;
    size_t part_at, part_bytes; // 0 bytes: it has none
};

/* A lag of one stream in one episode. */
struct lag {
    size_t i_stream;
    double lag_s;
};

struct stream_name {
    const char *name;
    size_t n_episodes; // in which it was looked at
};

/* A list that grows by doubling in the report's arena. */
struct list {
    void *items;
    size_t n, cap, size;
};

struct et_inspect_report {
    struct et_arena *arena;
    struct et_buf parts;
    const char *title;
    struct et_inspect_report_options options;
    struct list rows; // struct row
    struct list lags; // struct lag
    struct stream_name streams[STREAMS_MAX];
    size_t n_streams;
    size_t n_parts[N_VERDICTS]; // parts that were kept, by verdict
    size_t n_parts_lost;        // for which there was no room
    size_t kinds[KINDS_MAX][ET_N_SEVERITIES];
    size_t kind_episodes[KINDS_MAX];
    int64_t n_frames_seen;
};

/* ---- gathering ---- */

static void *list_add(struct list *list, struct et_arena *arena)
{
    if (list->n == list->cap) {
        const size_t cap = list->cap ? 2 * list->cap : FIRST_CAP;
        void *items = et_arena_array(arena, cap, list->size);
        if (!items)
            return NULL;
        if (list->n > 0)
            memcpy(items, list->items, list->n * list->size);
        list->items = items;
        list->cap = cap;
    }
    return (char *)list->items + list->size * list->n++;
}

enum et_status et_inspect_report_open(struct et_inspect_report **report, const char *title,
                                      const struct et_inspect_report_options *options,
                                      struct et_err *err)
{
    assert(report && title);
    struct et_inspect_report *r = calloc(1, sizeof *r);
    *report = NULL;
    if (!r)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a report");
    enum et_status st = et_arena_open(&r->arena, ROWS_BYTES_MAX, err);
    if (st == ET_OK) {
        r->parts = et_buf(ET_INSPECT_REPORT_BYTES_MAX);
        r->options = options ? *options : (struct et_inspect_report_options){0};
        if (r->options.n_details_max == 0)
            r->options.n_details_max = DETAILS_MAX;
        r->rows.size = sizeof(struct row);
        r->lags.size = sizeof(struct lag);
        r->title = et_arena_copy(r->arena, title, strlen(title));
        if (!r->title)
            st = et_arena_fail(r->arena, "a report's title", err);
    }
    if (st != ET_OK) {
        et_inspect_report_close(r);
        return st;
    }
    *report = r;
    return ET_OK;
}

void et_inspect_report_close(struct et_inspect_report *report)
{
    if (!report)
        return;
    et_buf_free(&report->parts);
    et_arena_close(report->arena);
    free(report);
}

static size_t kind_at(const char *kind)
{
    size_t n = 0;
    const struct et_inspector *const *inspectors = et_inspectors(&n);
    size_t i = 0;
    while (i < n && strcmp(inspectors[i]->kind, kind) != 0)
        i++;
    assert(n < KINDS_MAX);
    return i; // n: a kind of nobody's, counted in a line of its own
}

static void count_kinds(struct et_inspect_report *report, const struct et_findings *findings)
{
    bool has_kind[KINDS_MAX] = {false};
    for (size_t i = 0; i < findings->n; i++) {
        const size_t kind = kind_at(findings->items[i].kind);
        report->kinds[kind][findings->items[i].severity]++;
        report->kind_episodes[kind] += !has_kind[kind];
        has_kind[kind] = true;
    }
}

/* Number of a stream by its name; STREAMS_MAX when there are too many to tell apart. */
static size_t stream_at(struct et_inspect_report *report, const char *name)
{
    size_t i = 0;
    while (i < report->n_streams && strcmp(report->streams[i].name, name) != 0)
        i++;
    if (i < report->n_streams || i == STREAMS_MAX)
        return i;
    const char *copy = et_arena_copy(report->arena, name, strlen(name));
    if (!copy)
        return STREAMS_MAX;
    report->streams[report->n_streams++] = (struct stream_name){copy, 0};
    return i;
}

static bool keep_lags(struct et_inspect_report *report, const struct et_inspection *inspection)
{
    for (size_t i = 0; i < inspection->n_latencies; i++) {
        const struct et_stream_latency *item = &inspection->latencies[i];
        const size_t stream = stream_at(report, item->state);
        if (stream == STREAMS_MAX)
            continue;
        report->streams[stream].n_episodes++;
        if (!item->latency.is_known)
            continue;
        struct lag *lag = list_add(&report->lags, report->arena);
        if (!lag)
            return false;
        *lag = (struct lag){stream, item->latency.lag_s};
    }
    return true;
}

/* Keeps a part while there is room for more of its verdict; there are never more shown. */
static void keep_part(struct et_inspect_report *report, struct row *row, struct et_str part)
{
    if (part.n == 0 || report->n_parts[row->verdict] >= report->options.n_details_max)
        return;
    if (part.n > report->parts.limit - report->parts.n) {
        report->n_parts_lost++;
        return;
    }
    row->part_at = report->parts.n;
    row->part_bytes = part.n;
    et_buf_putstr(&report->parts, part);
    report->n_parts[row->verdict]++;
}

enum et_status et_inspect_report_add(struct et_inspect_report *report,
                                     const struct et_episode *episode,
                                     const struct et_inspection *inspection,
                                     const struct et_grade *grade, struct et_str part,
                                     struct et_err *err)
{
    assert(report && episode && inspection && grade);
    struct row *row = list_add(&report->rows, report->arena);
    const char *reason = grade->reason ? grade->reason : "";
    if (!row || !keep_lags(report, inspection))
        return et_arena_fail(report->arena, "a report's rows", err);
    *row = (struct row){
        .index = episode->index,
        .n_rows = episode->n_rows,
        .duration_s = inspection->digest.duration_s,
        .lag_s = inspection->latency.is_known ? inspection->latency.lag_s : (double)NAN,
        .count = et_findings_count(inspection->findings.items, inspection->findings.n),
        .verdict = grade->verdict,
        .time_kind = episode->time_kind,
        .reason = et_arena_copy(report->arena, reason, strlen(reason)),
    };
    if (!row->reason)
        return et_arena_fail(report->arena, "a report's rows", err);
    count_kinds(report, &inspection->findings);
    report->n_frames_seen += inspection->n_frames_seen;
    keep_part(report, row, part);
    return et_buf_check(&report->parts, "the report's episodes", err);
}

/* ---- the page ---- */

/* What is written from: the report, its rows, and a few sums over them. */
struct sheet {
    struct et_page page;
    struct et_inspect_report *report;
    const struct row *rows;
    size_t n;
    const struct et_set_claims *claims;
    const struct et_finding *set_findings;
    size_t n_set_findings;
};

static void put_card(struct sheet *s, const char *label, enum et_mark mark, const char *fmt, ...)
    ET_PRINTF(4, 5);
static void put_card(struct sheet *s, const char *label, enum et_mark mark, const char *fmt, ...)
{
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    et_page_card(&s->page, text, label, mark);
}

/* The lags of the episodes that have one, sorted, into values (n rows of room). */
static size_t known_lags(const struct sheet *s, double *values)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!isnan(s->rows[i].lag_s))
            values[n++] = s->rows[i].lag_s;
    et_sort_doubles(values, n);
    return n;
}

static void put_cards(struct sheet *s, const double *lags, size_t n_lags)
{
    size_t n[N_VERDICTS] = {0};
    int64_t n_rows = 0;
    double duration_s = 0;
    for (size_t i = 0; i < s->n; i++) {
        n[s->rows[i].verdict]++;
        n_rows += s->rows[i].n_rows;
        duration_s += s->rows[i].duration_s;
    }
    et_page_cards_open(&s->page);
    put_card(s, "episodes", ET_MARK_NONE, "%zu", s->n);
    put_card(s, "kept", n[ET_VERDICT_KEEP] ? ET_MARK_OK : ET_MARK_IDLE, "%zu", n[ET_VERDICT_KEEP]);
    put_card(s, "kept, with warnings", n[ET_VERDICT_WARN] ? ET_MARK_WARN : ET_MARK_IDLE, "%zu",
             n[ET_VERDICT_WARN]);
    put_card(s, "rejected", n[ET_VERDICT_REJECT] ? ET_MARK_CRIT : ET_MARK_IDLE, "%zu",
             n[ET_VERDICT_REJECT]);
    if (duration_s < 7200)
        put_card(s, "recorded", ET_MARK_NONE, "%.1f min", duration_s / 60);
    else
        put_card(s, "recorded", ET_MARK_NONE, "%.1f h", duration_s / 3600);
    put_card(s, "rows", ET_MARK_NONE, "%" PRId64, n_rows);
    if (n_lags > 0)
        put_card(s, "command to state, median", ET_MARK_NONE, "%.0f ms",
                 1e3 * et_quantile_sorted(lags, n_lags, 0.5));
    if (s->report->n_frames_seen > 0)
        put_card(s, "video frames looked at", ET_MARK_NONE, "%" PRId64, s->report->n_frames_seen);
    et_page_cards_close(&s->page);
}

static void put_time_note(struct sheet *s)
{
    size_t n_synthetic = 0, n_missing = 0;
    char text[TEXT_BYTES];
    for (size_t i = 0; i < s->n; i++) {
        n_synthetic += s->rows[i].time_kind == ET_TIME_SYNTHETIC;
        n_missing += s->rows[i].time_kind == ET_TIME_MISSING;
    }
    if (n_synthetic + n_missing == 0)
        return;
    (void)snprintf(
        text, sizeof text,
        "The time of %zu of %zu episodes is made from the row number (%zu have no stamps "
        "at all): gaps and jitter of their recordings cannot be seen, only what followed "
        "from them.",
        n_synthetic + n_missing, s->n, n_missing);
    et_page_marked(&s->page, ET_MARK_INFO, text);
}

static void put_set_findings(struct sheet *s)
{
    if (s->n_set_findings == 0)
        return;
    et_page_table_open(&s->page, "In the set as a whole|Where|What was seen");
    for (size_t i = 0; i < s->n_set_findings; i++) {
        const struct et_finding *f = &s->set_findings[i];
        const struct et_cell cells[] = {
            {f->kind, et__mark_of_severity(f->severity), NULL},
            {f->stream ? f->stream : "", ET_MARK_NONE, NULL},
            {f->text, ET_MARK_NONE, NULL},
        };
        et_page_row(&s->page, cells, sizeof cells / sizeof *cells);
    }
    et_page_table_close(&s->page);
}

static void put_kind(struct sheet *s, const char *kind, const char *what, size_t i)
{
    const size_t *counts = s->report->kinds[i];
    const enum et_mark mark = counts[ET_SEVERITY_ERROR]  ? ET_MARK_CRIT
                              : counts[ET_SEVERITY_WARN] ? ET_MARK_WARN
                                                         : ET_MARK_INFO;
    char n[ET_N_SEVERITIES + 1][24];
    for (size_t k = 0; k < ET_N_SEVERITIES; k++)
        (void)snprintf(n[k], sizeof n[k], "%zu", counts[k]);
    (void)snprintf(n[ET_N_SEVERITIES], sizeof n[0], "%zu", s->report->kind_episodes[i]);
    const struct et_cell cells[] = {
        {kind, mark, NULL},
        {n[ET_N_SEVERITIES], ET_MARK_NONE, NULL},
        {n[ET_SEVERITY_ERROR], ET_MARK_NONE, NULL},
        {n[ET_SEVERITY_WARN], ET_MARK_NONE, NULL},
        {n[ET_SEVERITY_INFO], ET_MARK_NONE, NULL},
        {what, ET_MARK_NONE, NULL},
    };
    et_page_row(&s->page, cells, sizeof cells / sizeof *cells);
}

static void put_kinds(struct sheet *s)
{
    size_t n = 0;
    const struct et_inspector *const *inspectors = et_inspectors(&n);
    et_page_section(&s->page, "findings", "Findings by kind");
    et_page_table_open(&s->page, "Kind|>Episodes|>Errors|>Warnings|>Notes|What it looks for");
    for (size_t i = 0; i <= n; i++)
        if (s->report->kind_episodes[i] > 0)
            put_kind(s, i < n ? inspectors[i]->kind : "other", i < n ? inspectors[i]->text : "", i);
    et_page_table_close(&s->page);
}

static void put_stream_latency(struct sheet *s, size_t i_stream, double *values)
{
    const struct stream_name *stream = &s->report->streams[i_stream];
    const struct lag *lags = s->report->lags.items;
    char known[48], median[32] = "", range[64] = "";
    size_t n = 0;
    for (size_t i = 0; i < s->report->lags.n; i++)
        if (lags[i].i_stream == i_stream)
            values[n++] = lags[i].lag_s;
    et_sort_doubles(values, n);
    (void)snprintf(known, sizeof known, "%zu of %zu", n, stream->n_episodes);
    if (n > 0) {
        (void)snprintf(median, sizeof median, "%.0f ms", 1e3 * et_quantile_sorted(values, n, 0.5));
        (void)snprintf(range, sizeof range, "%.0f–%.0f ms", 1e3 * values[0], 1e3 * values[n - 1]);
    }
    const struct et_cell cells[] = {{stream->name, ET_MARK_NONE, NULL},
                                    {known, ET_MARK_NONE, NULL},
                                    {median, ET_MARK_NONE, NULL},
                                    {range, ET_MARK_NONE, NULL}};
    et_page_row(&s->page, cells, sizeof cells / sizeof *cells);
}

static enum et_status put_latency(struct sheet *s, const double *lags, size_t n_lags,
                                  struct et_err *err)
{
    struct et_inspect_report *report = s->report;
    double *ms = et_arena_array(report->arena, n_lags, sizeof *ms);
    double *values = et_arena_array(report->arena, report->lags.n, sizeof *values);
    if (!ms || !values)
        return et_arena_fail(report->arena, "a report's latencies", err);
    et_page_section(&s->page, "latency", "Command to state");
    et_page_text(&s->page,
                 "How much later the robot is where it was told to be: network, filter and "
                 "motor together. A policy that is trained on these rows learns to act "
                 "with this delay.");
    for (size_t i = 0; i < n_lags; i++)
        ms[i] = 1e3 * lags[i];
    if (n_lags > 1)
        et_page_histogram(&s->page, "Latency of an episode", "ms", ms, n_lags, N_BINS);
    if (report->n_streams > 0) {
        et_page_table_open(&s->page, "Stream|>Known in|>Median|>Range");
        for (size_t i = 0; i < report->n_streams; i++)
            put_stream_latency(s, i, values);
        et_page_table_close(&s->page);
    }
    return ET_OK;
}

/* Parts are shown for the worst first; marks in `is_shown` which, and returns how many. */
static size_t choose_parts(const struct sheet *s, bool *is_shown)
{
    size_t n = 0;
    for (int verdict = ET_VERDICT_REJECT; verdict >= 0; verdict--)
        for (size_t i = 0; i < s->n && n < s->report->options.n_details_max; i++)
            if ((int)s->rows[i].verdict == verdict && s->rows[i].part_bytes > 0) {
                is_shown[i] = true;
                n++;
            }
    return n;
}

static void put_episode_row(struct sheet *s, const struct row *row, bool is_linked)
{
    char index[32], duration[32], lag[32] = "", errors[24], warnings[24], anchor[ET__ANCHOR_BYTES];
    (void)snprintf(index, sizeof index, "%" PRId64, row->index);
    (void)snprintf(duration, sizeof duration, "%.1f s", row->duration_s);
    if (!isnan(row->lag_s))
        (void)snprintf(lag, sizeof lag, "%.0f ms", 1e3 * row->lag_s);
    (void)snprintf(errors, sizeof errors, "%zu", row->count.n[ET_SEVERITY_ERROR]);
    (void)snprintf(warnings, sizeof warnings, "%zu", row->count.n[ET_SEVERITY_WARN]);
    const struct et_cell cells[] = {
        {index, ET_MARK_NONE, is_linked ? et__anchor(row->index, anchor) : NULL},
        {et_verdict_text(row->verdict), et__mark_of_verdict(row->verdict), NULL},
        {duration, ET_MARK_NONE, NULL},
        {lag, ET_MARK_NONE, NULL},
        {errors, ET_MARK_NONE, NULL},
        {warnings, ET_MARK_NONE, NULL},
        {row->reason, ET_MARK_NONE, NULL},
    };
    et_page_row(&s->page, cells, sizeof cells / sizeof *cells);
}

static enum et_status put_episodes(struct sheet *s, struct et_err *err)
{
    char text[TEXT_BYTES];
    bool *is_shown = et_arena_array(s->report->arena, s->n, sizeof *is_shown);
    if (!is_shown)
        return et_arena_fail(s->report->arena, "a report's rows", err);
    const size_t n_shown = choose_parts(s, is_shown);

    et_page_section(&s->page, "verdicts", "Verdicts");
    et_page_table_open(&s->page, "Episode|Verdict|>Duration|>Latency|>Errors|>Warnings|Reason");
    for (size_t i = 0; i < s->n; i++)
        put_episode_row(s, &s->rows[i], is_shown[i]);
    et_page_table_close(&s->page);

    if (n_shown == 0)
        return ET_OK;
    et_page_section(&s->page, "episodes", "Episodes");
    if (n_shown < s->n) {
        (void)snprintf(
            text, sizeof text,
            "%zu of %zu episodes are shown in full, the rejected and warned ones first%s.", n_shown,
            s->n, s->report->n_parts_lost ? "; there was no room for more" : "");
        et_page_text(&s->page, text);
    }
    for (size_t i = 0; i < s->n; i++)
        if (is_shown[i])
            et_buf_put(s->page.buf, s->report->parts.p + s->rows[i].part_at, s->rows[i].part_bytes);
    return ET_OK;
}

static void open_page(struct sheet *s)
{
    const struct et_set_claims *c = s->claims;
    char subtitle[TEXT_BYTES];
    const bool is_path_told = !c->path || strstr(s->report->title, c->path);
    (void)snprintf(subtitle, sizeof subtitle, "%.200s%s%.60s · %.60s · %zu episode%s at %g Hz",
                   is_path_told ? "" : c->path, is_path_told ? "" : " · ",
                   c->format ? c->format : "", c->robot_type ? c->robot_type : "robot not named",
                   s->n, et__plural(s->n), c->rate_hz);
    et_page_open(&s->page, s->report->title, subtitle);
    et_page_section(&s->page, "overview", "Overview");
}

static enum et_status put_page(struct sheet *s, struct et_err *err)
{
    double *lags = et_arena_array(s->report->arena, s->n, sizeof *lags);
    if (!lags)
        return et_arena_fail(s->report->arena, "a report's latencies", err);
    const size_t n_lags = known_lags(s, lags);
    open_page(s);
    put_cards(s, lags, n_lags);
    put_time_note(s);
    put_set_findings(s);
    put_kinds(s);
    enum et_status st = put_latency(s, lags, n_lags, err);
    if (st == ET_OK)
        st = put_episodes(s, err);
    et_page_close(&s->page);
    return st;
}

static enum et_status refuse_to_replace(const char *path, struct et_err *err)
{
    enum et_path_kind kind;
    const enum et_status st = et_path_kind(path, &kind, err);
    if (st != ET_OK || kind == ET_PATH_NONE)
        return st;
    return et_fail(err, ET_EEXISTS, -1, "%.200s exists already", path);
}

enum et_status et_inspect_report_write(struct et_inspect_report *report,
                                       const struct et_set_claims *claims,
                                       const struct et_finding *set_findings, size_t n_set_findings,
                                       const char *path, bool replace, struct et_err *err)
{
    assert(report && claims && path && (set_findings || n_set_findings == 0));
    struct et_buf buf = et_buf(PAGE_BYTES_MAX);
    const struct et_arena_mark mark = et_arena_mark(report->arena);
    struct sheet sheet = {
        .page = {.buf = &buf},
        .report = report,
        .rows = report->rows.items,
        .n = report->rows.n,
        .claims = claims,
        .set_findings = set_findings,
        .n_set_findings = n_set_findings,
    };
    enum et_status st = replace ? ET_OK : refuse_to_replace(path, err);
    if (st == ET_OK)
        st = put_page(&sheet, err);
    if (st == ET_OK)
        st = et_buf_check(&buf, "the report", err);
    if (st == ET_OK)
        st = et_file_replace(path, buf.p, buf.n, err);
    et_arena_rewind(report->arena, mark);
    et_buf_free(&buf);
    return st;
}
