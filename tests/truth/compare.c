#include "compare__data.h"

#include "etude/file.h"
#include "etude/stats.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What is promised; doc/truth-recordings.md says why. */
#define WIRED_P95_MS 0.1
#define WIFI_P95_MS 1.0
#define LAG_MS 1.0
// Over all episodes; half a frame is 17 ms.
#define CAMERA_LAG_MS 1.0
#define DRIFT_WIRED_PPM 5.0
#define DRIFT_WIFI_PPM 30.0
#define BESIDE_MS 750.0 // an episode may begin so much before the motion, and end after it
#define INSIDE_MS 100.0 // and lose so much of it, at its slowest
#define RESET_MS 50.0
#define FROZEN_MS 100.0 // three frames
#define PUSH_NS 200000000
#define FALSE_PUSHES 2 // contacts that meet no push, in a minute
#define MISSING_PART 0.03

/* ---- rows ---- */

static struct truth_row *add(struct data *data, const char *section, enum truth_verdict verdict,
                             const char *fmt, ...) ET_PRINTF(4, 5);
static struct truth_row *add(struct data *data, const char *section, enum truth_verdict verdict,
                             const char *fmt, ...)
{
    static struct truth_row spare;
    struct truth_table *table = data->table;
    struct truth_row *row = table->n < TRUTH_ROWS_MAX ? &table->rows[table->n++] : &spare;
    va_list args;
    *row = (struct truth_row){.recording = data->recording, .section = section, .verdict = verdict};
    va_start(args, fmt);
    (void)vsnprintf(row->what, sizeof row->what, fmt, args);
    va_end(args);
    return row;
}

#define PUT(row, member, ...) (void)snprintf((row)->member, sizeof(row)->member, __VA_ARGS__)

static enum truth_verdict within(double error, double limit)
{
    return isfinite(error) && fabs(error) <= limit ? TRUTH_WITHIN : TRUTH_BEYOND;
}

static double ms(int64_t ns)
{
    return (double)ns * 1e-6;
}

static int64_t begin_ns(const struct data *data)
{
    return get_int(data->truth, "begin_ns");
}

static double second(const struct data *data, int64_t t_ns)
{
    return (double)(t_ns - begin_ns(data)) * 1e-9;
}

static bool is_wifi(const struct topic *topic)
{
    return strcmp(topic->link, "wifi") == 0;
}

#define NAME_CHARS 27

/* The first stream, and how many more share its messages; the quantity is left out where there is
 * no room for it. */
static const char *named(const struct topic *topic, char text[64])
{
    char more[24] = "";
    int n = (int)strlen(topic->name);
    if (topic->n_streams > 1)
        (void)snprintf(more, sizeof more, " +%zu", topic->n_streams - 1);
    if (n + (int)strlen(more) > NAME_CHARS && strrchr(topic->name, '.'))
        n = (int)(strrchr(topic->name, '.') - topic->name);
    (void)snprintf(text, 64, "%.*s%s", n < NAME_CHARS ? n : NAME_CHARS, topic->name, more);
    return text;
}

/* ---- episodes ---- */

/* Standing still is trimmed away, so that it is the motion that counts, not the marks. */
static void compare_episodes(struct data *data)
{
    const struct et_value *truth = et_value_get(data->truth, "episodes"),
                          *found = et_value_get(data->account, "episodes");
    const size_t n = et_value_count(truth), n_found = et_value_count(found);
    struct truth_row *row =
        add(data, "episodes: still before, after", n == n_found ? TRUTH_WITHIN : TRUTH_BEYOND,
            "number, by %s", get_text(data->account, "cut_by"));
    PUT(row, truth, "%zu", n);
    PUT(row, found, "%zu", n_found);
    PUT(row, limit, "same");
    for (size_t i = 0; i < n && n == n_found; i++) {
        const struct et_value *t = et_value_at(truth, i), *f = et_value_at(found, i);
        const int64_t begin = get_int(t, "motion_begin_ns"), end = get_int(t, "motion_end_ns");
        const double before = ms(begin - get_int(f, "first_ns")),
                     behind = ms(get_int(f, "last_ns") - end);
        row = add(data, row->section,
                  fmin(before, behind) >= -INSIDE_MS && fmax(before, behind) <= BESIDE_MS
                      ? TRUTH_WITHIN
                      : TRUTH_BEYOND,
                  "%zu", i + 1);
        PUT(row, truth, "%.2f to %.2f s", second(data, begin), second(data, end));
        PUT(row, found, "%.0f, %.0f ms", before, behind);
        PUT(row, limit, "%.0f ms", BESIDE_MS);
    }
}

/* ---- clocks ---- */

struct errors {
    double *ms;
    size_t n, cap;
};

static bool is_disordered(const struct topic *topic, size_t at)
{
    const struct et_value *list = et_value_get(topic->truth, "disordered");
    for (size_t i = 0; i < et_value_count(list); i++)
        if (et_value_int(et_value_at(list, i), -1) == (int64_t)at)
            return true;
    return false;
}

static void add_errors(struct topic *topic, const int64_t *t_ns, const int64_t *t_arrival_ns,
                       size_t n, struct errors *errors)
{
    for (size_t k = 0; t_ns && t_arrival_ns && k < n; k++) {
        const size_t at = topic_find(topic, t_arrival_ns[k]);
        if (at == topic->n) {
            topic->n_strangers++;
            continue;
        }
        topic->n_matched++;
        if (!is_disordered(topic, at) && errors->n < errors->cap)
            errors->ms[errors->n++] = fabs(ms(t_ns[k] - topic->true_ns[at] - topic->min_delay_ns));
    }
}

/* The errors of all samples of the topic that are in episodes. */
static void collect(struct data *data, struct topic *topic, struct errors *errors)
{
    for (size_t e = 0; e < data->n_episodes; e++) {
        const struct et_episode *episode = &data->episodes[e];
        for (size_t i = 0; i < episode->n_tracks; i++)
            if (strcmp(episode->tracks[i].stream.name, topic->name) == 0)
                add_errors(topic, episode->tracks[i].t_ns, episode->tracks[i].t_arrival_ns,
                           episode->tracks[i].n_samples, errors);
        for (size_t i = 0; i < episode->n_videos; i++)
            if (strcmp(episode->videos[i].stream.name, topic->name) == 0)
                add_errors(topic, episode->videos[i].t_ns, episode->videos[i].t_arrival_ns,
                           (size_t)episode->videos[i].n_frames, errors);
    }
}

/* The run that most samples are in. */
static const struct et_value *main_run(const struct topic *topic)
{
    const struct et_value *runs = et_value_get(topic->clock, "runs"), *best = NULL;
    for (size_t i = 0; i < et_value_count(runs); i++)
        if (!best || get_int(et_value_at(runs, i), "n") > get_int(best, "n"))
            best = et_value_at(runs, i);
    return best;
}

static bool has_finding(const struct data *data, const char *kind, const struct topic *topic)
{
    for (size_t e = 0; e < data->n_episodes; e++)
        for (size_t i = 0; i < data->facts[e].n_findings; i++) {
            const struct et_finding *finding = &data->facts[e].findings[i];
            if (strcmp(finding->kind, kind) == 0 && finding->stream &&
                data_topic((struct data *)(uintptr_t)data, finding->stream) == topic)
                return true;
        }
    return false;
}

static void compare_errors(struct data *data, struct topic *topic)
{
    struct errors errors = {.cap = topic->n + 1};
    char name[64];
    errors.ms = et_arena_array(data->arena, errors.cap, sizeof *errors.ms);
    if (!errors.ms)
        return;
    collect(data, topic, &errors);
    const char *source = get_text(main_run(topic), "source");
    const double limit = is_wifi(topic) ? WIFI_P95_MS : WIRED_P95_MS;
    if (errors.n == 0) {
        if (topic->rate_hz > 0)
            (void)add(data, "clocks: p50, p95, largest, ms", TRUTH_UNKNOWN, "%s",
                      named(topic, name));
        return;
    }
    const double p50 = et_quantile_of(errors.ms, errors.n, 0.5),
                 p95 = et_quantile_of(errors.ms, errors.n, 0.95),
                 max = et_quantile_of(errors.ms, errors.n, 1);
    // Without stamps of the device nothing is promised but to say so.
    const bool is_known = topic->has_clock || strcmp(source, "even") == 0;
    const bool is_said = has_finding(data, "clock_source", topic);
    struct truth_row *row = add(data, "clocks: p50, p95, largest, ms",
                                is_known || topic->n_strangers > 0
                                    ? topic->n_strangers > 0 ? TRUTH_BEYOND : within(p95, limit)
                                : is_said ? TRUTH_WITHIN
                                          : TRUTH_BEYOND,
                                "%s", named(topic, name));
    PUT(row, truth, "%s", topic->link);
    if (max < 10)
        PUT(row, found, "%-7s %.3f %.3f %.2f", source, p50, p95, max);
    else
        PUT(row, found, "%-7s %.2f %.2f %.0f", source, p50, p95, max);
    if (is_known)
        PUT(row, limit, "%.1f ms", limit);
    else
        PUT(row, limit, "said");
}

static void compare_drift(struct data *data, const struct topic *topic)
{
    const struct et_value *run = main_run(topic);
    const double limit = is_wifi(topic) ? DRIFT_WIFI_PPM : DRIFT_WIRED_PPM;
    char name[64];
    if (!topic->has_clock || topic->rate_hz <= 0)
        return;
    const double found = -get_real(run, "skew_ppm");
    struct truth_row *row =
        add(data, "drift", within(found - topic->drift_ppm, limit), "%s", named(topic, name));
    PUT(row, truth, "%+.1f ppm", topic->drift_ppm);
    PUT(row, found, "%+.1f ppm", found);
    PUT(row, limit, "%.0f ppm", limit);
}

static void compare_ticks(struct data *data, const struct topic *topic)
{
    const bool is_coarse = topic->tick_ns > 1;
    const char *source = get_text(main_run(topic), "source");
    char name[64];
    if (!topic->has_clock || topic->rate_hz <= 0 || (!is_coarse && strcmp(source, "counter") != 0))
        return;
    struct truth_row *row =
        add(data, "coarse ticks",
            is_coarse == (strcmp(source, "counter") == 0) ? TRUTH_WITHIN : TRUTH_BEYOND, "%s",
            named(topic, name));
    PUT(row, truth, "%g ms", ms(topic->tick_ns));
    PUT(row, found, "%g ms, by %s", ms(get_int(topic->clock, "tick_ns")), source);
    PUT(row, limit, "same");
}

/* ---- resets ---- */

static void compare_resets(struct data *data, const struct topic *topic)
{
    const struct et_value *truth = et_value_get(et_value_get(topic->truth, "clock"), "resets_ns"),
                          *runs = et_value_get(topic->clock, "runs");
    const size_t n = et_value_count(truth),
                 n_found = et_value_count(runs) > 0 ? et_value_count(runs) - 1 : 0;
    char name[64];
    if (n == 0 && n_found == 0)
        return;
    double worst = n == n_found ? 0 : (double)NAN;
    struct truth_row *row = add(data, "resets", TRUTH_BEYOND, "%s", named(topic, name));
    int at = snprintf(row->truth, sizeof row->truth, "%s", n ? "" : "none");
    for (size_t i = 0; i < n && at < (int)sizeof row->truth; i++)
        at += snprintf(row->truth + at, sizeof row->truth - (size_t)at, "%s%.2f s", i ? ", " : "",
                       second(data, et_value_int(et_value_at(truth, i), 0)));
    at = snprintf(row->found, sizeof row->found, "%s", n_found ? "" : "none");
    for (size_t i = 0; i < n_found && at < (int)sizeof row->found; i++) {
        const size_t first = (size_t)get_int(et_value_at(runs, i + 1), "first");
        const int64_t t_ns = topic->true_ns[first < topic->n ? first : topic->n - 1];
        at += snprintf(row->found + at, sizeof row->found - (size_t)at, "%s%.2f s", i ? ", " : "",
                       second(data, t_ns));
        if (i < n)
            worst = fmax(worst, fabs(ms(t_ns - et_value_int(et_value_at(truth, i), 0))));
    }
    row->verdict = n == n_found ? within(worst, RESET_MS) : TRUTH_BEYOND;
    PUT(row, limit, "%.0f ms", RESET_MS);
}

/* ---- what is missing, what is out of order ---- */

/* Samples that never came between the first and the last that are in an episode. */
static double truly_missing(const struct topic *topic, const int64_t *arrival_ns, size_t n)
{
    size_t first = SIZE_MAX, last = 0;
    double n_missing = 0;
    for (size_t k = 0; arrival_ns && k < n; k++) {
        const size_t at = topic_find(topic, arrival_ns[k]);
        if (at == topic->n)
            continue;
        first = at < first ? at : first;
        last = at > last ? at : last;
    }
    for (size_t i = first; i < last; i++)
        n_missing += fmax(
            0,
            round((double)(topic->true_ns[i + 1] - topic->true_ns[i]) * 1e-9 * topic->rate_hz) - 1);
    return n_missing;
}

/* By the findings: each names the longest step of its place. Where places are more than findings,
 * the share that is missing in all is what there is, to two digits. */
static double said_missing(const struct data *data, size_t e, const struct topic *topic,
                           size_t n_samples)
{
    double n_missing = 0, share = 0;
    bool has_rest = false;
    for (size_t i = 0; i < data->facts[e].n_findings; i++) {
        const struct et_finding *finding = &data->facts[e].findings[i];
        if (strcmp(finding->kind, "gap") != 0)
            continue;
        // What goes on behind the last of them names no stream in its text.
        if (!finding->stream ||
            data_topic((struct data *)(uintptr_t)data, finding->stream) != topic)
            continue;
        const char *all = strstr(finding->text, "missing; ");
        has_rest = has_rest || strstr(finding->text, " more such place");
        share = all ? strtod(all + strlen("missing; "), NULL) / 100 : share;
        n_missing += fmax(1, round(finding->value * topic->rate_hz) - 1);
    }
    return has_rest && share < 1 ? round(share / (1 - share) * (double)n_samples) : n_missing;
}

static void compare_missing(struct data *data, const struct topic *topic)
{
    double truth = 0, found = 0;
    char name[64];
    if (topic->rate_hz <= 0)
        return;
    for (size_t e = 0; e < data->n_episodes; e++) {
        const struct et_episode *episode = &data->episodes[e];
        size_t n = 0;
        for (size_t i = 0; i < episode->n_tracks; i++)
            if (strcmp(episode->tracks[i].stream.name, topic->name) == 0) {
                n = episode->tracks[i].n_samples;
                truth += truly_missing(topic, episode->tracks[i].t_arrival_ns, n);
            }
        for (size_t i = 0; i < episode->n_videos; i++)
            if (strcmp(episode->videos[i].stream.name, topic->name) == 0) {
                n = (size_t)episode->videos[i].n_frames;
                truth += truly_missing(topic, episode->videos[i].t_arrival_ns, n);
            }
        found += said_missing(data, e, topic, n);
    }
    if (truth == 0 && found == 0)
        return;
    // A sample with a wrong stamp is missing where it belongs.
    const double n_disordered = (double)et_value_count(et_value_get(topic->truth, "disordered"));
    const double limit = n_disordered + (truth > 0 ? ceil(MISSING_PART * truth) : 0);
    struct truth_row *row = add(data, "samples missing in episodes", within(found - truth, limit),
                                "%s", named(topic, name));
    PUT(row, truth, "%.0f", truth);
    PUT(row, found, "%.0f", found);
    PUT(row, limit, "%.0f", limit);
}

static void compare_disorder(struct data *data, const struct topic *topic)
{
    const int64_t n = (int64_t)et_value_count(et_value_get(topic->truth, "disordered")),
                  n_found = get_int(topic->clock, "n_disordered");
    char name[64];
    if (n == 0 && n_found == 0)
        return;
    struct truth_row *row =
        add(data, "stamps out of order", n == n_found ? TRUTH_WITHIN : TRUTH_BEYOND, "%s",
            named(topic, name));
    PUT(row, truth, "%lld", (long long)n);
    PUT(row, found, "%lld", (long long)n_found);
    PUT(row, limit, "same");
}

/* ---- cameras ---- */

/* Seconds that findings of a kind on a stream share with a time. */
static double shared_s(const struct data *data, const char *kind, const char *stream, int64_t from,
                       int64_t to, const struct et_finding **best)
{
    double most = 0;
    for (size_t e = 0; e < data->n_episodes; e++)
        for (size_t i = 0; i < data->facts[e].n_findings; i++) {
            const struct et_finding *f = &data->facts[e].findings[i];
            if (strcmp(f->kind, kind) != 0 || (stream && (!f->stream || strcmp(f->stream, stream))))
                continue;
            const int64_t first = f->t_first_ns > from ? f->t_first_ns : from,
                          last = f->t_last_ns < to ? f->t_last_ns : to;
            if (last > first && (double)(last - first) * 1e-9 > most) {
                most = (double)(last - first) * 1e-9;
                *best = f;
            }
        }
    return most;
}

static size_t count_findings(const struct data *data, const char *kind, const char *stream)
{
    size_t n = 0;
    for (size_t e = 0; e < data->n_episodes; e++)
        for (size_t i = 0; i < data->facts[e].n_findings; i++) {
            const struct et_finding *f = &data->facts[e].findings[i];
            n += strcmp(f->kind, kind) == 0 &&
                 (!stream || (f->stream && strcmp(f->stream, stream) == 0));
        }
    return n;
}

static void compare_frozen(struct data *data, const struct topic *topic)
{
    const struct et_value *spans = et_value_get(topic->truth, "frozen");
    const size_t n_found = count_findings(data, "frozen_camera", topic->name);
    for (size_t i = 0; i < et_value_count(spans); i++) {
        const struct et_value *span = et_value_at(spans, i);
        const int64_t from = et_value_int(et_value_at(span, 0), 0),
                      to = et_value_int(et_value_at(span, 1), 0);
        const struct et_finding *best = NULL;
        const bool is_found =
            shared_s(data, "frozen_camera", topic->name, from, to, &best) > 0 && best;
        const double error =
            is_found ? fmax(fabs(ms(best->t_first_ns - from)), fabs(ms(best->t_last_ns - to)))
                     : (double)NAN;
        struct truth_row *row =
            add(data, "frozen camera", within(error, FROZEN_MS), "%s", topic->name);
        PUT(row, truth, "%.2f to %.2f s", second(data, from), second(data, to));
        if (is_found)
            PUT(row, found, "%.2f to %.2f s", second(data, best->t_first_ns),
                second(data, best->t_last_ns));
        else
            PUT(row, found, "not found");
        PUT(row, limit, "%.0f ms", FROZEN_MS);
    }
    if (n_found > et_value_count(spans)) {
        struct truth_row *row = add(data, "frozen camera", TRUTH_BEYOND, "%s, in all", topic->name);
        PUT(row, truth, "%zu", et_value_count(spans));
        PUT(row, found, "%zu", n_found);
    }
}

/* ---- lags ---- */

/* Lags that were found, of all episodes. */
struct lags {
    double ms[FOUND_MAX];
    size_t n, n_refused;
};

static struct lags lags_of(const struct data *data, const char *command, const char *state)
{
    struct lags lags = {0};
    for (size_t e = 0; e < data->n_episodes; e++)
        for (size_t i = 0; i < data->facts[e].n_lags; i++) {
            const struct et_stream_lag *lag = &data->facts[e].lags[i];
            const bool is_it = command
                                   ? lag->command && strcmp(lag->command, command) == 0
                                   : !lag->command && lag->state && strcmp(lag->state, state) == 0;
            if (!is_it)
                continue;
            if (lag->is_known && lags.n < FOUND_MAX)
                lags.ms[lags.n++] = 1e3 * lag->lag_s;
            else
                lags.n_refused++;
        }
    return lags;
}

/* Held against a limit where there is one. */
static void put_lags(struct data *data, const char *section, const char *what, double truth_ms,
                     double limit_ms, struct lags *lags)
{
    struct truth_row *row = add(data, section, TRUTH_UNKNOWN, "%s", what);
    PUT(row, truth, "%.2f", truth_ms);
    if (limit_ms > 0)
        PUT(row, limit, "%.0f ms", limit_ms);
    if (lags->n == 0) {
        PUT(row, found, "not measured");
        return;
    }
    double low = lags->ms[0], high = lags->ms[0];
    for (size_t i = 1; i < lags->n; i++) {
        low = fmin(low, lags->ms[i]);
        high = fmax(high, lags->ms[i]);
    }
    const double median = et_median_of(lags->ms, lags->n);
    const int digits = fmax(high, truth_ms) < 100 ? 2 : 1;
    PUT(row, found, "%.*f (%.*f..%.*f) %zu/%zu", digits, median, digits, low, digits, high, lags->n,
        lags->n + lags->n_refused);
    row->verdict =
        limit_ms > 0 ? within(fmax(high - truth_ms, truth_ms - low), limit_ms) : TRUTH_TOLD;
}

/* What curate says of a camera over all episodes; NULL where it does not. */
static const struct et_value *pooled(const struct data *data, const char *camera)
{
    const struct et_value *cameras = et_value_get(data->account, "cameras");
    for (size_t i = 0; i < et_value_count(cameras); i++)
        if (strcmp(get_text(et_value_at(cameras, i), "name"), camera) == 0)
            return et_value_at(cameras, i);
    return NULL;
}

/* The latency over all episodes is held against the limit; those of single ones are shown. */
static void put_camera(struct data *data, const struct topic *topic, double constant_ms,
                       double limit_ms)
{
    const struct lags lags = lags_of(data, NULL, topic->name);
    const struct et_value *found = pooled(data, topic->name);
    const double truth_ms = ms(topic->latency_ns);
    double low = (double)INFINITY, high = -(double)INFINITY;
    char range[32] = "";
    struct truth_row *row = add(data, "camera latency, ms", TRUTH_UNKNOWN, "%s", topic->name);
    PUT(row, truth, "%.2f", truth_ms);
    if (limit_ms > 0)
        PUT(row, limit, "%.0f ms", limit_ms);
    for (size_t i = 0; i < lags.n; i++) {
        low = fmin(low, lags.ms[i] - constant_ms);
        high = fmax(high, lags.ms[i] - constant_ms);
    }
    if (lags.n > 0)
        (void)snprintf(range, sizeof range, " (%.1f..%.1f)", low, high);
    if (!et_value_bool(et_value_get(found, "is_known"), false)) {
        PUT(row, found, "%s%s", found ? "refused" : "not measured", range);
        return;
    }
    const double lag_ms = 1e3 * get_real(found, "latency_s") - constant_ms;
    PUT(row, found, "%.2f+-%.2f%s", lag_ms, 1e3 * get_real(found, "sigma_s"), range);
    row->verdict = limit_ms > 0 ? within(lag_ms - truth_ms, limit_ms) : TRUTH_TOLD;
}

static void compare_camera_latency(struct data *data, const struct topic *topic)
{
    if (topic->latency_ns == 0 || !strstr(topic->name, ".image"))
        return;
    // Joints have their own least delay, which is not in the camera's.
    const struct topic *joints = NULL;
    for (size_t i = 0; i < data->n_topics && !joints; i++)
        if (strstr(data->topics[i].name, "_arm.position") &&
            strncmp(data->topics[i].name, "command.", 8) != 0)
            joints = &data->topics[i];
    const int64_t constant_ns = joints ? topic->min_delay_ns - joints->min_delay_ns : 0;
    // Made motion swings slowly and never starts or stops: little of a picture's time is in it.
    const bool is_made = strcmp(get_text(data->truth, "motion"), "made") == 0;
    put_camera(data, topic, ms(constant_ns), is_made ? 0 : CAMERA_LAG_MS);
}

static void compare_command_latency(struct data *data)
{
    const struct et_value *latencies = et_value_get(data->truth, "command_latency_ns");
    for (size_t i = 0; i < et_value_count(latencies); i++) {
        char command[80];
        (void)snprintf(command, sizeof command, "command.%.*s.position",
                       (int)latencies->as.many.keys[i].n, latencies->as.many.keys[i].p);
        const struct topic *from = data_topic(data, command),
                           *to = data_topic(data, command + strlen("command."));
        if (!from || !to)
            continue;
        struct lags lags = lags_of(data, command, NULL);
        for (size_t k = 0; k < lags.n; k++)
            lags.ms[k] -= ms(to->min_delay_ns - from->min_delay_ns);
        put_lags(data, "state after command, ms", command,
                 ms(et_value_int(et_value_at(latencies, i), 0)), LAG_MS, &lags);
    }
}

/* ---- pushes ---- */

/* True when one of the truth's pushes shares time with a contact. */
static bool meets_push(const struct et_value *pushes, const struct et_finding *contact)
{
    for (size_t i = 0; i < et_value_count(pushes); i++) {
        const struct et_value *push = et_value_at(pushes, i);
        if (contact->t_first_ns <= get_int(push, "to_ns") + PUSH_NS &&
            contact->t_last_ns >= get_int(push, "from_ns") - PUSH_NS)
            return true;
    }
    return false;
}

/* Contacts that were found, and how many of them meet no push. */
static size_t count_contacts(const struct data *data, const struct et_value *pushes,
                             size_t *n_false)
{
    size_t n = 0;
    for (size_t e = 0; e < data->n_episodes; e++)
        for (size_t i = 0; i < data->facts[e].n_findings; i++) {
            const struct et_finding *f = &data->facts[e].findings[i];
            const bool is_contact =
                strcmp(f->kind, "contact") == 0 || strcmp(f->kind, "collision") == 0;
            if (!is_contact || f->t_first_ns == ET_FINDING_WHOLE)
                continue; // of all the episode: that nothing was looked for, and why
            n++;
            *n_false += !meets_push(pushes, f);
        }
    return n;
}

static bool is_in_episode(const struct data *data, int64_t from_ns, int64_t to_ns)
{
    for (size_t e = 0; e < data->n_episodes; e++)
        if (et_episode_first_ns(&data->episodes[e]) <= from_ns &&
            et_episode_last_ns(&data->episodes[e]) >= to_ns)
            return true;
    return false;
}

static void compare_pushes(struct data *data)
{
    const struct et_value *pushes = et_value_get(data->truth, "pushes");
    size_t n = 0, n_seen = 0, n_false = 0;
    const size_t n_contacts = count_contacts(data, pushes, &n_false);
    for (size_t i = 0; i < et_value_count(pushes); i++) {
        const struct et_value *push = et_value_at(pushes, i);
        const int64_t from = get_int(push, "from_ns"), to = get_int(push, "to_ns");
        const struct et_finding *best = NULL;
        if (!is_in_episode(data, from, to))
            continue;
        n++;
        n_seen += shared_s(data, "contact", NULL, from - PUSH_NS, to + PUSH_NS, &best) > 0 ||
                  shared_s(data, "collision", NULL, from - PUSH_NS, to + PUSH_NS, &best) > 0;
    }
    if (n == 0)
        return;
    // Without masses of the robot nothing is looked for.
    struct truth_row *row = add(data, "pushes",
                                n_contacts == 0 ? TRUTH_UNKNOWN
                                : n_seen == n   ? TRUTH_WITHIN
                                                : TRUTH_BEYOND,
                                "found as contact");
    PUT(row, truth, "%zu", n);
    PUT(row, limit, "same");
    if (n_contacts == 0) {
        PUT(row, found, "no URDF");
        return;
    }
    PUT(row, found, "%zu", n_seen);
    row = add(data, "pushes", within((double)n_false, FALSE_PUSHES), "contacts without a push");
    PUT(row, truth, "0");
    PUT(row, found, "%zu of %zu", n_false, n_contacts);
    PUT(row, limit, "%d", FALSE_PUSHES);
}

/* ---- all ---- */

static void compare_one(struct data *data)
{
    compare_episodes(data);
    for (size_t i = 0; i < data->n_topics; i++)
        compare_errors(data, &data->topics[i]);
    for (size_t i = 0; i < data->n_topics; i++)
        compare_drift(data, &data->topics[i]);
    for (size_t i = 0; i < data->n_topics; i++)
        compare_ticks(data, &data->topics[i]);
    for (size_t i = 0; i < data->n_topics; i++)
        compare_resets(data, &data->topics[i]);
    for (size_t i = 0; i < data->n_topics; i++)
        compare_missing(data, &data->topics[i]);
    for (size_t i = 0; i < data->n_topics; i++)
        compare_disorder(data, &data->topics[i]);
    for (size_t i = 0; i < data->n_topics; i++)
        compare_frozen(data, &data->topics[i]);
    for (size_t i = 0; i < data->n_topics; i++)
        compare_camera_latency(data, &data->topics[i]);
    compare_command_latency(data);
    compare_pushes(data);
}

enum et_status truth_compare(const char *folder, const char *episodes, struct et_arena *arena,
                             struct truth_table *table, struct et_err *err)
{
    const char *const *names = NULL;
    size_t n = 0, n_compared = 0;
    enum et_status st = et_dir_list(folder, arena, &names, &n, err);
    *table = (struct truth_table){0};
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        const char *tail = strstr(names[i], ".truth.json");
        if (!tail || strcmp(tail, ".truth.json") != 0)
            continue;
        bool is_there = false;
        struct data *data = calloc(1, sizeof *data);
        if (!data)
            return et_fail(err, ET_ENOMEM, -1, "no memory for the truth");
        *data = (struct data){.arena = arena, .table = table, .err = err};
        st = data_read(data, folder, names[i], episodes, &is_there);
        if (st == ET_OK && is_there) {
            compare_one(data);
            table->magnitude = (int)get_int(data->truth, "magnitude");
            n_compared++;
        }
        free(data);
    }
    if (st == ET_OK && n_compared == 0)
        st = et_fail(err, ET_ENOTFOUND, -1, "%s has no episodes of the recordings in %s", episodes,
                     folder);
    return st;
}
