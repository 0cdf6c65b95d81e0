/* One episode's part of the inspection report. It is written into a buffer of its own, so that
 * workers may render episodes side by side. */
#include "curate/curate__inspect.h"
#include "curate/curate__report.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PART_BYTES_MAX ((size_t)16 << 20)
#define TEXT_BYTES 256
// A line of more points is drawn by the lowest and highest of this many stretches of time.
#define N_STRETCHES 240
#define LINES_MAX 64
#define BANDS_MAX 64
#define LANES_MAX 24
#define FINDINGS_MAX 60
#define N_PICTURES 6
#define PICTURE_BYTES_MAX ((size_t)1 << 20)
// Plots of one part are numbered from here on, so that no two of a page share a number.
#define PLOTS_A_PART 1000
#define PARTS_APART 1000000
#define TRACKS_MAX 200
// A value that stays within this of its first one (rad, or the stream's unit) does not move.
#define STILL 1e-3

struct part {
    const struct et_inspect_report_options *options;
    const struct et_episode *episode;
    const struct et_inspection *inspection;
    const struct et_grade *grade;
    struct et_arena *arena;
    struct et_page page;
    int64_t first_ns;
};

enum et_mark et__mark_of_severity(enum et_severity severity)
{
    return severity == ET_SEVERITY_ERROR  ? ET_MARK_CRIT
           : severity == ET_SEVERITY_WARN ? ET_MARK_WARN
                                          : ET_MARK_INFO;
}

enum et_mark et__mark_of_verdict(enum et_verdict verdict)
{
    return verdict == ET_VERDICT_REJECT ? ET_MARK_CRIT
           : verdict == ET_VERDICT_WARN ? ET_MARK_WARN
                                        : ET_MARK_OK;
}

const char *et__anchor(int64_t index, char text[ET__ANCHOR_BYTES])
{
    (void)snprintf(text, ET__ANCHOR_BYTES, "episode-%" PRId64, index);
    return text;
}

static double at_s(const struct part *part, int64_t t_ns)
{
    return t_ns >= part->first_ns ? et__span_s(part->first_ns, t_ns)
                                  : -et__span_s(t_ns, part->first_ns);
}

/* ---- findings ---- */

static void put_finding(struct part *part, const struct et_finding *finding)
{
    char place[64] = "";
    if (finding->t_first_ns != ET_FINDING_WHOLE)
        (void)snprintf(place, sizeof place, "%.2f–%.2f s", at_s(part, finding->t_first_ns),
                       at_s(part, finding->t_last_ns));
    const struct et_cell cells[] = {
        {finding->kind, et__mark_of_severity(finding->severity), NULL},
        {finding->stream ? finding->stream : "", ET_MARK_NONE, NULL},
        {place, ET_MARK_NONE, NULL},
        {finding->text, ET_MARK_NONE, NULL},
    };
    et_page_row(&part->page, cells, sizeof cells / sizeof *cells);
}

static void put_findings(struct part *part)
{
    const struct et_findings *findings = &part->inspection->findings;
    if (findings->n == 0)
        return;
    et_page_table_open(&part->page, "Finding|Stream|>At|What was seen");
    for (size_t i = 0; i < findings->n && i < FINDINGS_MAX; i++)
        put_finding(part, &findings->items[i]);
    et_page_table_close(&part->page);
    const size_t n_more = findings->n - (findings->n < FINDINGS_MAX ? findings->n : FINDINGS_MAX);
    if (n_more + findings->n_dropped > 0) {
        char text[TEXT_BYTES];
        (void)snprintf(text, sizeof text, "%zu more findings are not listed here.",
                       n_more + findings->n_dropped);
        et_page_text(&part->page, text);
    }
}

static bool is_place(const struct et_finding *finding)
{
    return finding->t_first_ns != ET_FINDING_WHOLE;
}

/* Bands of the findings with a place in time that `kind` and `stream` (NULL: any) let through. */
static size_t bands_of(const struct part *part, const char *kind, const char *stream,
                       struct et_band *bands)
{
    const struct et_findings *findings = &part->inspection->findings;
    size_t n = 0;
    for (size_t i = 0; i < findings->n && n < BANDS_MAX; i++) {
        const struct et_finding *f = &findings->items[i];
        if (!is_place(f) || (kind && strcmp(kind, f->kind) != 0) ||
            (stream && (!f->stream || strcmp(stream, f->stream) != 0)))
            continue;
        bands[n++] = (struct et_band){
            .first = at_s(part, f->t_first_ns),
            .last = at_s(part, f->t_last_ns),
            .mark = et__mark_of_severity(f->severity),
            .text = f->text,
        };
    }
    return n;
}

/* One lane for each kind of finding that has a place in time. */
static enum et_status put_lanes(struct part *part, struct et_err *err)
{
    const struct et_findings *findings = &part->inspection->findings;
    const struct et_arena_mark mark = et_arena_mark(part->arena);
    struct et_band *bands = et_arena_array(part->arena, LANES_MAX * BANDS_MAX, sizeof *bands);
    struct et_lane lanes[LANES_MAX];
    size_t n = 0;

    if (!bands)
        return et_arena_fail(part->arena, "the report's lanes", err);
    for (size_t i = 0; i < findings->n && n < LANES_MAX; i++) {
        const struct et_finding *f = &findings->items[i];
        if (!is_place(f) || (n > 0 && strcmp(lanes[n - 1].name, f->kind) == 0))
            continue;
        struct et_band *of_lane = &bands[n * BANDS_MAX];
        lanes[n++] = (struct et_lane){f->kind, of_lane, bands_of(part, f->kind, NULL, of_lane)};
    }
    const double last_s = at_s(part, et_episode_last_ns(part->episode));
    if (n > 0 && last_s > 0)
        et_page_lanes(&part->page, "Findings in time", 0, last_s, "s", lanes, n);
    et_arena_rewind(part->arena, mark);
    return ET_OK;
}

/* ---- latency ---- */

static void put_latency(struct part *part, const char *what, const struct et_latency *latency)
{
    char lag[64] = "", sure[64] = "";
    if (latency->is_known) {
        (void)snprintf(lag, sizeof lag, "%.0f ± %.0f ms", 1e3 * latency->lag_s,
                       fmax(1, ceil(1e3 * latency->sigma_s)));
        (void)snprintf(sure, sizeof sure, "%.2f", latency->confidence);
    }
    const struct et_cell cells[] = {
        {what, ET_MARK_NONE, NULL},
        {latency->is_known ? lag : "not known", ET_MARK_NONE, NULL},
        {sure, ET_MARK_NONE, NULL},
        {latency->why ? latency->why : "", ET_MARK_NONE, NULL},
    };
    et_page_row(&part->page, cells, sizeof cells / sizeof *cells);
}

static void put_latencies(struct part *part)
{
    const struct et_inspection *inspection = part->inspection;
    if (inspection->n_latencies == 0)
        return;
    et_page_table_open(&part->page, "Command to state|>Latency|>Confidence|Why not");
    put_latency(part, "the robot as a whole", &inspection->latency);
    for (size_t i = 0; i < inspection->n_latencies; i++)
        put_latency(part, inspection->latencies[i].state, &inspection->latencies[i].latency);
    et_page_table_close(&part->page);
}

/* ---- joints ---- */

/* Value i of a track as a line, thinned to what a plot of this size can show. */
static bool make_line(const struct part *part, const struct et_track *track, size_t i,
                      struct et_line *line)
{
    const size_t n = track->n_samples, width = track->stream.n_values;
    const size_t stretch = n > 2 * N_STRETCHES ? (n + N_STRETCHES - 1) / N_STRETCHES : 0;
    const size_t cap = stretch ? 2 * N_STRETCHES + 2 : n;
    double *x = et_arena_array(part->arena, cap, sizeof *x);
    double *y = et_arena_array(part->arena, cap, sizeof *y);
    if (!x || !y)
        return false;
    for (size_t k = 0; k < n; k += stretch ? stretch : 1) {
        size_t low = k, high = k;
        for (size_t j = k; j < k + stretch && j < n; j++) {
            const double value = track->values[j * width + i];
            if (value < track->values[low * width + i])
                low = j;
            if (value > track->values[high * width + i])
                high = j;
        }
        const size_t first = low < high ? low : high, last = low < high ? high : low;
        x[line->n] = at_s(part, track->t_ns[first]);
        y[line->n++] = track->values[first * width + i];
        if (last == first)
            continue;
        x[line->n] = at_s(part, track->t_ns[last]);
        y[line->n++] = track->values[last * width + i];
    }
    line->x = x;
    line->y = y;
    return true;
}

/* Measured lines, each with its command behind it, dashed in the same colour. */
static enum et_status put_joints(struct part *part, const struct et_track *state,
                                 const struct et_track *command, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(part->arena);
    struct et_line *lines = et_arena_array(part->arena, LINES_MAX, sizeof *lines);
    struct et_band bands[2 * BANDS_MAX];
    char title[TEXT_BYTES], name[ET__NAME_BYTES];
    size_t n = 0;
    bool is_made = lines != NULL;

    for (size_t i = 0; is_made && i < state->stream.n_values && n + 2 <= LINES_MAX; i++) {
        const char *of_value = et__value_name(&state->stream, i, name);
        lines[n].name = et_arena_copy(part->arena, of_value, strlen(of_value));
        is_made = lines[n].name && make_line(part, state, i, &lines[n]);
        n++;
        if (!command || !is_made)
            continue;
        lines[n] = (struct et_line){.name = "command", .is_dashed = true};
        is_made = make_line(part, command, i, &lines[n]);
        n++;
    }
    if (!is_made)
        return et_arena_fail(part->arena, "the report's lines", err);
    size_t n_bands = bands_of(part, NULL, state->stream.name, bands);
    if (command)
        n_bands += bands_of(part, NULL, command->stream.name, &bands[n_bands]);
    (void)snprintf(title, sizeof title, "%.120s%s", state->stream.name,
                   command ? ", and its command (dashed)" : "");
    const struct et_plot plot = {
        .title = title,
        .x_label = "s",
        .y_label = et__unit(&state->stream),
        .lines = lines,
        .n_lines = n,
        .bands = bands,
        .n_bands = n_bands,
    };
    et_page_plot(&part->page, &plot);
    et_arena_rewind(part->arena, mark);
    return ET_OK;
}

/* The command that a measured track answers; NULL when there is none. */
static const struct et_track *command_of(const struct et_episode *episode,
                                         const struct et_track *state)
{
    for (size_t i = 0; i < episode->n_tracks; i++)
        if (et_episode_answer(episode, &episode->tracks[i]) == state)
            return &episode->tracks[i];
    return NULL;
}

/* True when a value of the track changes by more than noise. NULL does not move. */
static bool does_move(const struct et_track *track)
{
    const size_t width = track ? track->stream.n_values : 0;
    for (size_t i = 0; i < width; i++)
        for (size_t k = 1; k < track->n_samples; k++)
            if (!(fabs(track->values[k * width + i] - track->values[i]) <= STILL))
                return true;
    return false;
}

static void put_still(struct part *part, struct et_buf *names)
{
    if (names->n == 0)
        return;
    et_buf_puts(names, ": without movement, not drawn");
    names->status = ET_OK; // a list that is too long is cut
    et_page_text(&part->page, et_buf_text(names));
}

static enum et_status put_tracks(struct part *part, struct et_err *err)
{
    const struct et_episode *episode = part->episode;
    struct et_buf still = et_buf(4 * TEXT_BYTES);
    enum et_status st = ET_OK;
    for (size_t i = 0; i < episode->n_tracks && i < TRACKS_MAX && st == ET_OK; i++) {
        const struct et_track *track = &episode->tracks[i];
        if (track->stream.is_command || track->n_samples == 0 || track->stream.n_values == 0)
            continue;
        const struct et_track *command = command_of(episode, track);
        if (does_move(track) || does_move(command))
            st = put_joints(part, track, command, err);
        else
            et_buf_printf(&still, "%s%s", still.n ? ", " : "", track->stream.name);
    }
    if (st == ET_OK)
        put_still(part, &still);
    et_buf_free(&still);
    return st;
}

/* ---- cameras ---- */

static enum et_status put_pictures(struct part *part, const struct et_video_ref *video,
                                   struct et__thumbnails *thumbnails, struct et_err *err)
{
    const int64_t n = video->n_frames < N_PICTURES ? video->n_frames : N_PICTURES;
    enum et_status st = ET_OK;
    for (int64_t i = 0; i < n && st == ET_OK; i++) {
        const int64_t k = n > 1 ? i * (video->n_frames - 1) / (n - 1) : 0;
        const int64_t t_ns = video->t_ns ? video->t_ns[k] : et__row_ns(part->episode, (size_t)k);
        struct et_buf jpeg = et_buf(PICTURE_BYTES_MAX);
        char caption[TEXT_BYTES];
        st = et__thumbnail(thumbnails, k, part->arena, &jpeg, err);
        if (st == ET_OK) {
            (void)snprintf(caption, sizeof caption, "%.1f s", at_s(part, t_ns));
            et_page_picture(&part->page, et_buf_str(&jpeg), caption);
        }
        et_buf_free(&jpeg);
    }
    return st;
}

/* A video that cannot be shown leaves an empty frame that says so: that is what the page is for. */
static enum et_status put_video(struct part *part, const struct et_video_ref *video,
                                struct et_err *err)
{
    struct et__thumbnails *thumbnails = NULL;
    struct et_err trouble = {0};
    enum et_status st = ET_OK;

    et_page_text(&part->page, video->stream.name);
    et_page_pictures_open(&part->page);
    if (video->is_present && video->path) {
        st = et__thumbnails_open(&thumbnails, video, &trouble);
        if (st == ET_OK)
            st = put_pictures(part, video, thumbnails, &trouble);
        et__thumbnails_close(thumbnails);
    }
    if (!video->is_present || st != ET_OK)
        et_page_picture(&part->page, (struct et_str){NULL, 0},
                        st != ET_OK      ? trouble.text
                        : video->trouble ? video->trouble
                                         : "the source names no file");
    et_page_pictures_close(&part->page);
    if (st != ET_ENOMEM && st != ET_ELIMIT)
        return ET_OK;
    if (err)
        *err = trouble;
    return st;
}

static enum et_status put_videos(struct part *part, struct et_err *err)
{
    enum et_status st = ET_OK;
    const bool is_wanted = !part->options || !part->options->skip_thumbnails;
    for (size_t i = 0; i < part->episode->n_videos && is_wanted && st == ET_OK; i++)
        st = put_video(part, &part->episode->videos[i], err);
    return st;
}

/* ---- the part ---- */

static const char *time_text(enum et_time_kind kind)
{
    switch (kind) {
    case ET_TIME_MEASURED:
        return "stamps of a clock";
    case ET_TIME_SYNTHETIC:
        return "synthetic, row / rate";
    case ET_TIME_MISSING:
        return "no stamps, made from rows";
    }
    return "";
}

static void put_facts(struct part *part)
{
    const struct et_episode *episode = part->episode;
    char text[4 * TEXT_BYTES];
    size_t used = 0;
    if (episode->n_rows > 0) // streams of many rates have none
        used = (size_t)snprintf(text, sizeof text, "%" PRId64 " rows, ", episode->n_rows);
    used += (size_t)snprintf(text + used, sizeof text - used, "%.1f s; time: %s; idle %.0f %%",
                             part->inspection->digest.duration_s, time_text(episode->time_kind),
                             100 * part->inspection->idle_fraction);
    for (size_t i = 0; i < episode->n_tasks && used < sizeof text - TEXT_BYTES; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s“%.150s”",
                                 i ? ", " : "; instruction: ", episode->tasks[i]);
    et_page_text(&part->page, text);
    if (part->grade->verdict != ET_VERDICT_KEEP)
        et_page_marked(&part->page, et__mark_of_verdict(part->grade->verdict), part->grade->reason);
}

static void open_fold(struct part *part)
{
    const struct et_findings_count count =
        et_findings_count(part->inspection->findings.items, part->inspection->findings.n);
    char anchor[ET__ANCHOR_BYTES], summary[TEXT_BYTES], lag[64] = "latency not known";
    if (part->inspection->latency.is_known)
        (void)snprintf(lag, sizeof lag, "latency %.0f ms", 1e3 * part->inspection->latency.lag_s);
    (void)snprintf(summary, sizeof summary,
                   "Episode %" PRId64 " · %s · %.1f s · %s · %zu errors, %zu warnings",
                   part->episode->index, et_verdict_text(part->grade->verdict),
                   part->inspection->digest.duration_s, lag, count.n[ET_SEVERITY_ERROR],
                   count.n[ET_SEVERITY_WARN]);
    et_page_fold_open(&part->page, et__anchor(part->episode->index, anchor), summary,
                      et__mark_of_verdict(part->grade->verdict), false);
}

static enum et_status put_part(struct part *part, struct et_err *err)
{
    open_fold(part);
    put_facts(part);
    put_findings(part);
    enum et_status st = put_lanes(part, err);
    if (st != ET_OK)
        return st;
    put_latencies(part);
    st = put_tracks(part, err);
    if (st == ET_OK)
        st = put_videos(part, err);
    et_page_fold_close(&part->page);
    return st;
}

enum et_status et_inspect_report_render(const struct et_inspect_report_options *options,
                                        const struct et_episode *episode,
                                        const struct et_inspection *inspection,
                                        const struct et_grade *grade, struct et_arena *arena,
                                        struct et_str *text, struct et_err *err)
{
    assert(episode && inspection && grade && arena && text);
    struct et_buf buf = et_buf(PART_BYTES_MAX);
    struct part part = {
        .options = options,
        .episode = episode,
        .inspection = inspection,
        .grade = grade,
        .arena = arena,
        .page = {.buf = &buf,
                 .n_plots = (int)(llabs(episode->index % PARTS_APART) + 1) * PLOTS_A_PART},
        .first_ns = et_episode_first_ns(episode),
    };

    *text = (struct et_str){NULL, 0};
    enum et_status st = put_part(&part, err);
    if (st == ET_OK && buf.status == ET_ENOMEM)
        st = et_buf_check(&buf, "an episode's part of the report", err);
    // A part that is too long is left out; the episode keeps its row.
    if (st == ET_OK && buf.status == ET_OK) {
        text->p = et_arena_copy(arena, buf.p, buf.n);
        text->n = buf.n;
        st = text->p ? ET_OK : et_arena_fail(arena, "an episode's part of the report", err);
    }
    et_buf_free(&buf);
    return st;
}
