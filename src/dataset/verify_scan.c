/* Verify: the rows of one data file, against the numbers that they carry and the episodes that the
 * metadata places in it. */
#include "dataset/dataset__verify.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define BATCH_ROWS 65536
#define RUN_TASKS_MAX 32 // different tasks of an episode that are kept apart

// Rows that stand together and say that they are of one episode.
struct run {
    int64_t episode;
    int64_t first, n; // rows of the file
    int64_t tasks[RUN_TASKS_MAX];
    size_t n_tasks;
    bool is_claimed; // by an episode of the metadata
};

// What is wrong in many rows, told once.
struct fault {
    int64_t n, first_row;
    double worst;
};

enum { INT_EPISODE, INT_INDEX, INT_FRAME, INT_TASK, N_INTS };
static const char *const INT_NAMES[N_INTS] = {"episode_index", "index", "frame_index",
                                              "task_index"};

struct scanning {
    const struct et_dataset *ds;
    struct et__file_scan *scan;
    struct et_arena *arena;
    struct et_parquet_reader *reader;
    int64_t *ints[N_INTS]; // one batch each; NULL: there is no such column
    double *stamps;
    struct run *runs;
    size_t n_runs, cap_runs;
    struct fault frames, stamps_fault, indices, tasks;
};

// What is said of a fault.
struct complaint {
    enum et__check check;
    enum et_severity severity;
    const char *stream;
    const char *unit; // of the fault's worst; NULL: it has no size
    const char *text;
};

static enum et_status tell(struct scanning *s, const struct complaint *complaint,
                           const struct fault *fault, struct et_err *err)
{
    const struct et__note item = {
        .check = complaint->check,
        .severity = complaint->severity,
        .found = {complaint->stream, fault->worst, ET__TOLERANCE_S, complaint->unit}};

    if (fault->n == 0)
        return ET_OK;
    return et__notes_add(&s->scan->notes, &item, err,
                         "%s: %" PRId64 " of %" PRId64 " rows, the first in row %" PRId64 ": %s",
                         et__below(s->ds, s->scan->path), fault->n, s->scan->n_rows,
                         fault->first_row, complaint->text);
}

static void count(struct fault *fault, int64_t row, double size)
{
    if (fault->n++ == 0)
        fault->first_row = row;
    if (!(size <= fault->worst)) // a size that is no number is the worst
        fault->worst = size;
}

/* ---- row by row ---- */

static void add_task(struct run *run, int64_t task)
{
    for (size_t i = 0; i < run->n_tasks; i++) {
        if (run->tasks[i] == task)
            return;
    }
    if (run->n_tasks < RUN_TASKS_MAX)
        run->tasks[run->n_tasks++] = task;
}

// The run that a row belongs to: the last one, or a new one. NULL: no memory.
static struct run *run_of(struct scanning *s, int64_t row, int64_t episode)
{
    struct run *last = s->n_runs ? &s->runs[s->n_runs - 1] : NULL;

    if (last && last->episode == episode)
        return last;
    struct run *runs = et__grow(s->arena, s->runs, s->n_runs, &s->cap_runs, sizeof *runs);
    if (!runs)
        return NULL;
    s->runs = runs;
    runs[s->n_runs] = (struct run){.episode = episode, .first = row};
    return &runs[s->n_runs++];
}

static void check_stamp(struct scanning *s, int64_t row, int64_t k, double stamp_s)
{
    const double made_s = (double)k / s->ds->info.fps;
    const double off_s = fabs(stamp_s - made_s);

    // float32 cannot say it closer, however late it is.
    if (!(off_s <= (double)FLT_EPSILON * made_s + 1e-6))
        count(&s->stamps_fault, row, off_s);
}

static void check_row(struct scanning *s, struct run *run, int64_t row, int64_t i)
{
    const struct et_dataset_info *info = &s->ds->info;
    const int64_t k = run->n++;

    if (s->ints[INT_FRAME] && s->ints[INT_FRAME][i] != k)
        count(&s->frames, row, 0);
    if (s->stamps)
        check_stamp(s, row, k, s->stamps[i]);
    if (s->ints[INT_INDEX]) {
        if (row == 0)
            s->scan->first_index = s->ints[INT_INDEX][i];
        else if (s->scan->first_index == ET__INT_NULL ||
                 s->ints[INT_INDEX][i] - row != s->scan->first_index)
            count(&s->indices, row, 0);
    }
    if (s->ints[INT_TASK]) {
        const int64_t task = s->ints[INT_TASK][i];
        if (task < 0 || (uint64_t)task >= info->n_tasks || !info->tasks[task])
            count(&s->tasks, row, (double)task);
        add_task(run, task);
    }
}

static enum et_status check_batch(struct scanning *s, int64_t first, int64_t n, struct et_err *err)
{
    // Without episode_index a file of one episode is that episode.
    const struct et__file_group *group = s->scan->group;
    const int64_t only = group ? s->ds->episodes[s->scan->order[group->first]].index : -1;

    for (int64_t i = 0; i < n; i++) {
        const int64_t episode = s->ints[INT_EPISODE] ? s->ints[INT_EPISODE][i] : only;
        struct run *run = run_of(s, first + i, episode);
        if (!run)
            return et_arena_fail(s->arena, "the rows' runs", err);
        check_row(s, run, first + i, i);
    }
    return ET_OK;
}

// Reads one batch of a column; a column that is not there, or cannot be read, is not looked at.
static enum et_status read_int(struct scanning *s, size_t c, int64_t first, int64_t n,
                               struct et_err *err)
{
    enum et_status st = et__read_ints(s->reader, INT_NAMES[c], first, n, s->ints[c], err);

    if (st == ET_ENOTFOUND || st == ET_EUNSUPPORTED) {
        s->ints[c] = NULL;
        st = ET_OK;
    }
    return st;
}

static enum et_status read_batch(struct scanning *s, int64_t first, int64_t n, struct et_err *err)
{
    enum et_status st = ET_OK;

    for (size_t c = 0; st == ET_OK && c < N_INTS; c++) {
        if (s->ints[c])
            st = read_int(s, c, first, n, err);
    }
    if (st == ET_OK && s->stamps) {
        st = et__read_reals(s->reader, "timestamp", first, n, s->stamps, err);
        if (st == ET_ENOTFOUND || st == ET_EUNSUPPORTED) {
            s->stamps = NULL;
            st = ET_OK;
        }
    }
    return st;
}

static enum et_status read_all(struct scanning *s, struct et_err *err)
{
    const int64_t n_rows = s->scan->n_rows;
    struct et_err bad = {0};

    const size_t n_batch = n_rows < BATCH_ROWS ? (size_t)n_rows : BATCH_ROWS;
    for (size_t c = 0; c < N_INTS; c++) {
        s->ints[c] = et_arena_array(s->arena, n_batch, sizeof **s->ints);
        if (!s->ints[c])
            return et_arena_fail(s->arena, "a batch of rows", err);
    }
    s->stamps = et_arena_array(s->arena, n_batch, sizeof *s->stamps);
    if (!s->stamps)
        return et_arena_fail(s->arena, "a batch of rows", err);
    for (int64_t first = 0; first < n_rows; first += BATCH_ROWS) {
        const int64_t n = n_rows - first < BATCH_ROWS ? n_rows - first : BATCH_ROWS;
        enum et_status st = read_batch(s, first, n, &bad);
        if (st == ET_ENOMEM || st == ET_ELIMIT)
            return et_fail(err, st, -1, "%s", bad.text);
        if (st != ET_OK) { // a damaged page: what was read counts
            s->scan->is_readable = false;
            const struct et__note item = {.check = ET__CHECK_FOOTER, .severity = ET_SEVERITY_ERROR};
            return et__notes_add(&s->scan->notes, &item, err, "%s: %s",
                                 et__below(s->ds, s->scan->path), bad.text);
        }
        st = check_batch(s, first, n, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

/* ---- runs against episodes ---- */

static int compare_runs(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    if (x->episode != y->episode)
        return x->episode < y->episode ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

// The first of the sorted runs that is of an episode, or the place where it would be.
static size_t find_runs(const struct scanning *s, int64_t episode)
{
    size_t low = 0, high = s->n_runs;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (s->runs[middle].episode < episode)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool lists(const struct et__episode *episode, const char *task)
{
    for (size_t i = 0; i < episode->n_tasks; i++) {
        if (strcmp(episode->tasks[i], task) == 0)
            return true;
    }
    return false;
}

// A task's text by its number; NULL when the table has none.
static const char *task_text(const struct et_dataset *ds, int64_t number)
{
    return number >= 0 && (uint64_t)number < ds->info.n_tasks ? ds->info.tasks[number] : NULL;
}

static bool is_used(const struct scanning *s, const struct run *run, const char *task)
{
    for (size_t i = 0; i < run->n_tasks; i++) {
        const char *text = task_text(s->ds, run->tasks[i]);
        if (text && strcmp(text, task) == 0)
            return true;
    }
    return run->n_tasks == RUN_TASKS_MAX; // too many to know
}

static enum et_status check_tasks(struct scanning *s, const struct et__episode *episode,
                                  const struct run *run, struct et_err *err)
{
    const struct et__note item = {.check = ET__CHECK_EPISODE_TASKS, .severity = ET_SEVERITY_WARN};
    enum et_status st = ET_OK;

    if (!s->ints[INT_TASK])
        return ET_OK;
    for (size_t i = 0; st == ET_OK && i < run->n_tasks; i++) {
        const char *text = task_text(s->ds, run->tasks[i]);
        if (text && !lists(episode, text))
            st = et__notes_add(&s->scan->notes, &item, err,
                               "rows of episode %" PRId64 " have task %" PRId64
                               " (\"%.80s\"), which its tasks do not list",
                               episode->index, run->tasks[i], text);
    }
    for (size_t i = 0; st == ET_OK && i < episode->n_tasks; i++) {
        if (!is_used(s, run, episode->tasks[i]))
            st = et__notes_add(&s->scan->notes, &item, err,
                               "episode %" PRId64
                               " lists the task \"%.80s\", and none of its rows has it",
                               episode->index, episode->tasks[i]);
    }
    return st;
}

static enum et_status check_place(struct scanning *s, const struct et__episode *episode,
                                  const struct run *run, size_t n_runs, struct et_err *err)
{
    struct et__note item = {.severity = ET_SEVERITY_ERROR};

    if (n_runs > 1) {
        item.check = ET__CHECK_INTERLEAVED;
        item.found = (struct et__found){NULL, (double)n_runs, 1, "pieces"};
        return et__notes_add(&s->scan->notes, &item, err,
                             "%s: the rows of episode %" PRId64
                             " stand in %zu pieces with rows of others between",
                             et__below(s->ds, s->scan->path), episode->index, n_runs);
    }
    if (s->ds->info.layout != ET_LAYOUT_V30 || run->first == episode->first_row)
        return ET_OK;
    item.check = ET__CHECK_GLOBAL_RANGE;
    return et__notes_add(&s->scan->notes, &item, err,
                         "%s: the rows of episode %" PRId64 " begin in row %" PRId64
                         ", and by the metadata in row %" PRId64,
                         et__below(s->ds, s->scan->path), episode->index, run->first,
                         episode->first_row);
}

static enum et_status check_episode(struct scanning *s, const struct et__episode *episode,
                                    struct et_err *err)
{
    const size_t first = find_runs(s, episode->index);
    size_t n_runs = 0;
    int64_t n_rows = 0;

    for (; first + n_runs < s->n_runs && s->runs[first + n_runs].episode == episode->index;
         n_runs++) {
        n_rows += s->runs[first + n_runs].n;
        s->runs[first + n_runs].is_claimed = true;
    }
    enum et_status st = ET_OK;
    if (n_rows != episode->n_rows && s->scan->is_readable) {
        const struct et__note item = {
            .check = ET__CHECK_LENGTH,
            .severity = ET_SEVERITY_ERROR,
            .found = {NULL, (double)n_rows, (double)episode->n_rows, "rows"}};
        st =
            et__notes_add(&s->scan->notes, &item, err,
                          "%s: %" PRId64 " rows are of episode %" PRId64 ", which is %" PRId64
                          " long by the metadata",
                          et__below(s->ds, s->scan->path), n_rows, episode->index, episode->n_rows);
    }
    for (size_t i = 0; st == ET_OK && i < n_runs && i < 1; i++) {
        st = check_place(s, episode, &s->runs[first], n_runs, err);
        if (st == ET_OK)
            st = check_tasks(s, episode, &s->runs[first], err);
    }
    return st;
}

static enum et_status check_orphans(struct scanning *s, struct et_err *err)
{
    const struct run *example = NULL;
    int64_t n_rows = 0;

    for (size_t i = 0; i < s->n_runs; i++) {
        const struct run *run = &s->runs[i];
        if (run->is_claimed)
            continue;
        n_rows += run->n;
        if (!example || run->first < example->first)
            example = run;
    }
    // Beyond the last committed episode an unfinished file may hold what nobody counts yet.
    if (!example || !s->scan->group || s->ds->info.is_unfinished)
        return ET_OK;
    const struct et__note item = {.check = ET__CHECK_ORPHAN_ROWS,
                                  .severity = ET_SEVERITY_ERROR,
                                  .found = {NULL, (double)n_rows, 0, "rows"}};
    return et__notes_add(&s->scan->notes, &item, err,
                         "%s: %" PRId64 " of %" PRId64 " rows are of no episode that the metadata "
                         "places in this file; the first, row %" PRId64 ", says episode %" PRId64,
                         et__below(s->ds, s->scan->path), n_rows, s->scan->n_rows, example->first,
                         example->episode);
}

static enum et_status judge_runs(struct scanning *s, struct et_err *err)
{
    const struct et__file_group *group = s->scan->group;
    enum et_status st = ET_OK;

    if (s->n_runs)
        qsort(s->runs, s->n_runs, sizeof *s->runs, compare_runs);
    for (size_t i = 0; group && st == ET_OK && i < group->n; i++)
        st = check_episode(s, &s->ds->episodes[s->scan->order[group->first + i]], err);
    return st == ET_OK ? check_orphans(s, err) : st;
}

static enum et_status tell_faults(struct scanning *s, struct et_err *err)
{
    static const struct complaint FRAMES = {ET__CHECK_FRAME_INDEX, ET_SEVERITY_ERROR, "frame_index",
                                            NULL,
                                            "frame_index is not the row's place in its episode"};
    static const struct complaint INDICES = {ET__CHECK_INDEX, ET_SEVERITY_ERROR, "index", NULL,
                                             "index does not go on by one a row"};
    static const struct complaint TASKS = {
        ET__CHECK_TASK_RANGE, ET_SEVERITY_ERROR, "task_index", NULL,
        "task_index is a number that the table of tasks does not have"};
    // Videos are addressed by the timestamp; without any it is only a wrong number.
    const bool matters = s->ds->n_videos > 0 && !(s->stamps_fault.worst <= ET__TOLERANCE_S);
    const struct complaint stamps = {
        ET__CHECK_TIMESTAMP, matters ? ET_SEVERITY_ERROR : ET_SEVERITY_WARN, "timestamp", "s",
        "timestamp is not the row's place in its episode divided by fps"};

    enum et_status st = tell(s, &FRAMES, &s->frames, err);
    if (st == ET_OK)
        st = tell(s, &INDICES, &s->indices, err);
    if (st == ET_OK)
        st = tell(s, &TASKS, &s->tasks, err);
    return st == ET_OK ? tell(s, &stamps, &s->stamps_fault, err) : st;
}

enum et_status et__scan_file(const struct et_dataset *ds, struct et__file_scan *scan,
                             struct et_err *err)
{
    struct scanning s = {.ds = ds, .scan = scan, .arena = scan->notes.arena};
    struct et_err bad = {0};

    scan->first_index = ET__INT_NULL;
    enum et_status st = et_parquet_open(&s.reader, scan->path, NULL, &bad);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    const bool is_cut = st == ET_OK && et_parquet_is_unfinished(s.reader);
    if (st != ET_OK || (is_cut && !ds->info.is_unfinished)) {
        const struct et__note item = {.check = ET__CHECK_FOOTER, .severity = ET_SEVERITY_ERROR};
        const enum et_status st_note = et__notes_add(
            &scan->notes, &item, err, "%s: %s", et__below(ds, scan->path),
            is_cut ? "it has no footer: only Étude can read it, by its journal" : bad.text);
        if (st_note != ET_OK || st != ET_OK) {
            et_parquet_close(s.reader);
            return st_note;
        }
    }
    scan->is_readable = true;
    scan->n_rows = et_parquet_n_rows(s.reader);
    st = et__scan_schema(ds, s.reader, scan, err);
    if (st == ET_OK)
        st = read_all(&s, err);
    if (st == ET_OK)
        st = judge_runs(&s, err);
    if (st == ET_OK)
        st = tell_faults(&s, err);
    et_parquet_close(s.reader);
    return st;
}
