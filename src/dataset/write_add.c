/* Committing an episode: its frames, its rows, and last its line in the journal. */
#include "dataset/dataset__write.h"

#include <assert.h>

#define MB (1024.0 * 1024.0)

/* An episode on its way in. */
struct adding {
    struct et_dataset_writer *w;
    const struct et_new_episode *episode;
    struct et__prepared *prepared;
    struct et_arena *arena;
    int64_t *task_numbers; // of episode->tasks
    struct et__content content;
    struct et__placed *placed; // one a camera
    int64_t first_row;         // in the data file
    struct et__rows_written written;
    int64_t n_data_bytes;
};

/* ---- tasks ---- */

/* Numbers of the episode's tasks, as they will be once it is committed. */
static enum et_status number_tasks(struct adding *a, struct et_err *err)
{
    const struct et_new_episode *episode = a->episode;
    int64_t n_new = 0;
    a->task_numbers = et_arena_array(a->arena, episode->n_tasks, sizeof *a->task_numbers);
    if (!a->task_numbers)
        return et_arena_fail(a->arena, "the episode's tasks", err);
    for (size_t i = 0; i < episode->n_tasks; i++) {
        int64_t number = et__tasks_find(&a->w->tasks, episode->tasks[i]);
        for (size_t k = 0; k < i && number < 0; k++)
            if (strcmp(episode->tasks[k], episode->tasks[i]) == 0)
                number = a->task_numbers[k];
        a->task_numbers[i] = number >= 0 ? number : (int64_t)a->w->tasks.n + n_new++;
    }
    return ET_OK;
}

static enum et_status keep_tasks(struct adding *a, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < a->episode->n_tasks; i++) {
        int64_t number;
        st = et__tasks_add(&a->w->tasks, a->episode->tasks[i], a->w->arena, &number, err);
        assert(st != ET_OK || number == a->task_numbers[i]);
    }
    return st;
}

/* ---- columns that are made here ---- */

static const void *make_times(const struct adding *a, size_t n)
{
    const struct et_column *own = et__episode_column(a->episode, "timestamp");
    if (own)
        return own->values;
    float *times = et_arena_array(a->arena, n, sizeof *times);
    for (size_t i = 0; times && i < n; i++)
        times[i] = (float)((double)i / a->w->spec->fps);
    return times;
}

static const void *make_numbers(const struct adding *a, enum et__default made, size_t n)
{
    const struct et_dataset_totals *totals = &a->w->totals;
    const int64_t *task_of_row = a->episode->task_of_row;
    int64_t *numbers = et_arena_array(a->arena, n, sizeof *numbers);
    for (size_t i = 0; numbers && i < n; i++) {
        const int64_t row = (int64_t)i;
        if (made == ET__DEFAULT_FRAME)
            numbers[i] = row;
        else if (made == ET__DEFAULT_EPISODE)
            numbers[i] = totals->n_episodes;
        else if (made == ET__DEFAULT_INDEX)
            numbers[i] = totals->n_rows + row;
        else
            numbers[i] = a->task_numbers[task_of_row ? task_of_row[i] : 0];
    }
    return numbers;
}

static enum et_status make_columns(struct adding *a, struct et_err *err)
{
    const struct et__spec *spec = a->w->spec;
    const size_t n = (size_t)a->episode->n_rows;
    a->content = (struct et__content){.episode = a->episode, .arena = a->arena};
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < spec->n_fields; i++) {
        const enum et__default made = spec->fields[i].made;
        if (made == ET__DEFAULT_NONE)
            continue;
        const bool is_time = made == ET__DEFAULT_TIMESTAMP;
        const void *values = is_time ? make_times(a, n) : make_numbers(a, made, n);
        if (!values)
            return et_arena_fail(a->arena, "the episode's columns", err);
        a->content.made[made] = values;
        struct et__series *series = &a->prepared->series[i];
        st = et__series_make(&spec->fields[i], is_time ? ET_PARQUET_FLOAT : ET_PARQUET_INT64,
                             values, a->episode->n_rows, a->arena, series, err);
        if (st == ET_OK)
            st =
                et__series_stats(series, a->episode->n_rows, a->arena, &a->prepared->stats[i], err);
    }
    return st;
}

/* ---- frames ---- */

static enum et_status add_frames(struct adding *a, struct et_err *err)
{
    struct et_dataset_writer *w = a->w;
    a->placed = et_arena_array(a->arena, w->n_cameras, sizeof *a->placed);
    enum et_status st = a->placed ? ET_OK : et_arena_fail(a->arena, "the cameras", err);
    for (size_t i = 0; st == ET_OK && i < w->n_cameras; i++) {
        const struct et_new_video *video = NULL;
        for (size_t k = 0; k < a->episode->n_videos; k++)
            if (a->episode->videos[k].i_feature == w->cameras[i].i_field)
                video = &a->episode->videos[k];
        assert(video); // et__prepare has checked it
        st = et__camera_add(w, &w->cameras[i], video, a->episode->n_rows, &a->placed[i], err);
        if (st != ET_OK)
            (void)et_err_context(err, "%.100s", w->spec->fields[w->cameras[i].i_field].name);
    }
    return st;
}

/* ---- rows ---- */

static bool is_full(const struct et_dataset_writer *w, int64_t n_rows)
{
    if (w->file_rows == 0)
        return false;
    const double bytes = (double)et_parquet_writer_bytes(w->data);
    return (bytes + bytes / (double)w->file_rows * (double)n_rows) / MB >= w->spec->data_file_mb;
}

static enum et_status create_table(struct et_dataset_writer *w, struct et_err *err)
{
    struct et_buf features = et_buf(ET__JSON_BYTES_MAX);
    struct et_json_writer json = {.buf = &features};
    et__huggingface_put(&json, w->spec);
    enum et_status st = et_buf_check(&features, "the features", err);
    if (st == ET_OK) {
        const struct et_parquet_metadata metadata = {"huggingface", et_buf_text(&features)};
        const struct et_parquet_writer_options options = {
            .codec = ET_PARQUET_SNAPPY,
            .use_dictionary = true,
            .has_journal = w->spec->layout == ET_LAYOUT_V30,
            .should_sync = w->spec->should_sync,
            .metadata = &metadata,
            .n_metadata = 1,
        };
        st = et_parquet_create(&w->data, w->data_path, w->table->nodes, w->table->n_nodes, &options,
                               err);
    }
    et_buf_free(&features);
    return st;
}

// Makes w->data the file that the episode's rows go to.
static enum et_status begin_rows(struct et_dataset_writer *w, int64_t n_rows, struct et_err *err)
{
    enum et_status st = ET_OK;
    if (w->data && is_full(w, n_rows)) {
        st = et_parquet_writer_finish(w->data, err);
        w->data = NULL;
        w->data_path[0] = 0;
        w->file_rows = w->file_groups = 0;
        et__next_file(&w->data_chunk, &w->data_file, w->spec->chunk_files);
    }
    if (st != ET_OK || w->data)
        return st;
    if (w->file_groups > 0) { // an episode that failed was taken back
        const struct et_parquet_writer_options options = {
            .codec = ET_PARQUET_SNAPPY,
            .use_dictionary = true,
            .should_sync = w->spec->should_sync,
        };
        return et_parquet_append(&w->data, w->data_path, &options, err);
    }
    if (w->spec->layout == ET_LAYOUT_V21) {
        w->data_file = w->totals.n_episodes;
        w->data_chunk = w->data_file / w->spec->chunk_files;
    }
    const struct et__path_fields fields = {
        .chunk = w->data_chunk, .file = w->data_file, .episode = w->data_file};
    st = et__writer_path(w, et__data_template(w->spec->layout), &fields, w->data_path, err);
    return st == ET_OK ? create_table(w, err) : st;
}

static enum et_status add_rows(struct adding *a, struct et_err *err)
{
    struct et_dataset_writer *w = a->w;
    enum et_status st = begin_rows(w, a->episode->n_rows, err);
    if (st != ET_OK)
        return st;
    const int64_t n_before = et_parquet_writer_bytes(w->data);
    a->first_row = w->file_rows;
    st =
        et__rows_add(w->data, w->table, w->spec, &a->content, a->prepared->stats, &a->written, err);
    if (st != ET_OK)
        return st;
    a->n_data_bytes = et_parquet_writer_bytes(w->data) - n_before;
    if (w->spec->layout == ET_LAYOUT_V21) {
        struct et_parquet_writer *file = w->data;
        w->data = NULL;
        st = et_parquet_writer_finish(file, err);
    }
    return st;
}

/* ---- the journal's line ---- */

void et__verdict_put(struct et_json_writer *w, const struct et__verdict *verdict)
{
    et_json_put_text(w, "source_id", verdict->source_id);
    et_json_key(w, "grade");
    if (verdict->grade)
        et_grade_json(w, verdict->grade);
    else
        et_json_null(w);
    et_json_key(w, "findings");
    et_json_open_list(w);
    for (size_t i = 0; i < verdict->n_findings; i++)
        et_finding_json(w, &verdict->findings[i]);
    et_json_close_list(w);
}

static void put_data(struct et_json_writer *json, const struct adding *a)
{
    const bool is_v21 = a->w->spec->layout == ET_LAYOUT_V21;
    et_json_key(json, "data");
    et_json_open_map(json);
    et_json_put_int(json, "chunk", a->w->data_chunk);
    et_json_put_int(json, "file", a->w->data_file);
    et_json_put_int(json, "group", (is_v21 ? 0 : a->w->file_groups) + a->written.n_groups - 1);
    et_json_put_int(json, "first_row", is_v21 ? 0 : a->first_row);
    et_json_close_map(json);
}

static void put_videos(struct et_json_writer *json, const struct adding *a)
{
    const double fps = a->w->spec->fps;
    et_json_key(json, "videos");
    et_json_open_map(json);
    for (size_t i = 0; i < a->w->n_cameras; i++) {
        const struct et__placed *placed = &a->placed[i];
        et_json_key(json, a->w->spec->fields[a->w->cameras[i].i_field].name);
        et_json_open_map(json);
        et_json_put_int(json, "chunk", placed->chunk);
        et_json_put_int(json, "file", placed->file);
        et_json_put_real(json, "from_s", (double)placed->first_frame / fps);
        et_json_put_real(json, "to_s", (double)placed->n_frames / fps);
        et_json_put_int(json, "n_frames", placed->n_frames);
        et_json_put_bool(json, "is_encoded", placed->is_encoded);
        et_json_close_map(json);
    }
    et_json_close_map(json);
}

// The last member: readers cut it off by that.
static void put_stats(struct et_json_writer *json, const struct adding *a)
{
    struct et_dataset_writer *w = a->w;
    et_buf_clear(&w->stats);
    for (size_t i = 0; i < w->spec->n_fields; i++)
        if (a->prepared->stats[i].n > 0)
            et__stats_pack(&w->stats, i, &a->prepared->stats[i]);
    et_json_key(json, "stats");
    et_json_bytes(json, w->stats.p, w->stats.n);
}

static void put_latency(struct et_json_writer *json, struct et_str text, struct et_arena *arena)
{
    const struct et_value *value = NULL;
    if (text.n > 0 && et_json_parse(text, NULL, arena, &value, NULL) == ET_OK) {
        et_json_key(json, "latency");
        et_json_value(json, value);
    }
}

// What was said of the episode in the dataset that it comes from.
static void put_again(struct et_json_writer *json, const char *source_id,
                      const struct et_value *line)
{
    static const char *const MEMBERS[] = {"grade", "findings", "latency"};
    et_json_put_text(json, "source_id", source_id);
    for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
        const struct et_value *value = et_value_get(line, MEMBERS[i]);
        if (!value)
            continue;
        et_json_key(json, MEMBERS[i]);
        et_json_value(json, value);
    }
}

static enum et_status put_line(struct adding *a, struct et_err *err)
{
    struct et_dataset_writer *w = a->w;
    const struct et_new_episode *episode = a->episode;
    et_buf_clear(&w->line);
    struct et_json_writer json = {.buf = &w->line};
    et_json_open_map(&json);
    et_json_put_text(&json, "line", "episode");
    et_json_put_int(&json, "index", w->totals.n_episodes);
    et_json_put_int(&json, "n_rows", episode->n_rows);
    et_json_put_int(&json, "from_index", w->totals.n_rows);
    et_json_key(&json, "tasks");
    et_json_open_list(&json);
    for (size_t i = 0; i < episode->n_tasks; i++)
        et_json_text(&json, episode->tasks[i]);
    et_json_close_list(&json);
    put_data(&json, a);
    put_videos(&json, a);
    const struct et__verdict verdict = {.source_id = episode->source_id,
                                        .grade = episode->grade,
                                        .findings = episode->findings,
                                        .n_findings = episode->n_findings};
    const struct et_value *line = a->prepared->line;
    if (line && !episode->grade && episode->n_findings == 0)
        put_again(&json, episode->source_id, line);
    else
        et__verdict_put(&json, &verdict);
    if (!line || episode->latency_json.n > 0)
        put_latency(&json, episode->latency_json, a->arena);
    put_stats(&json, a);
    et_json_close_map(&json);
    const enum et_status st = et_buf_check(&w->stats, "an episode's statistics", err);
    return st == ET_OK ? et_buf_check(&w->line, "a line of the journal", err) : st;
}

/* ---- all of it ---- */

// Cuts the growing data file back to its committed row groups; begin_rows goes on with it.
static enum et_status take_back_rows(struct et_dataset_writer *w, struct et_err *err)
{
    et_parquet_writer_close(w->data);
    w->data = NULL;
    if (!w->data_path[0])
        return ET_OK;
    return w->file_groups > 0 ? et_parquet_repair(w->data_path, w->file_groups, NULL, err)
                              : et__data_remove(w->data_path, err);
}

/* Takes back what an episode that cannot be committed has left in the files. Where that fails too,
 * the writer is as after a failure of the disk. */
static void take_back(struct adding *a)
{
    struct et_dataset_writer *w = a->w;
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < w->n_cameras; i++)
        st = et__camera_undo(w, &w->cameras[i], NULL);
    if (st == ET_OK)
        st = take_back_rows(w, NULL);
    w->is_broken = st != ET_OK;
}

static void keep(struct adding *a)
{
    struct et_dataset_writer *w = a->w;
    for (size_t i = 0; i < w->n_cameras; i++) {
        const struct et__placed *placed = &a->placed[i];
        const int64_t n_before = placed->first_frame > 0 ? w->cameras[i].n_bytes : 0;
        w->totals.n_video_bytes += placed->n_bytes - n_before;
        if (placed->is_encoded)
            w->totals.n_frames_encoded += a->episode->n_rows;
        else
            w->totals.n_frames_copied += a->episode->n_rows;
        et__camera_keep(&w->cameras[i], placed);
    }
    const bool is_v21 = w->spec->layout == ET_LAYOUT_V21;
    w->file_rows = is_v21 ? 0 : w->file_rows + a->episode->n_rows;
    w->file_groups = is_v21 ? 0 : w->file_groups + a->written.n_groups;
    w->data_path[0] = is_v21 ? 0 : w->data_path[0];
    w->totals.n_data_bytes += a->n_data_bytes;
    w->totals.n_pictures += a->written.n_pictures;
    w->totals.n_pixels_beyond += a->written.n_beyond;
    w->totals.n_episodes++;
    w->totals.n_rows += a->episode->n_rows;
    w->totals.n_tasks = (int64_t)w->tasks.n;
}

/* For statistics over everything. Where the memory for them ends, finishing reads the files. */
static void gather(struct adding *a)
{
    struct et_dataset_writer *w = a->w;
    enum et_status st = ET_OK;
    for (size_t i = 0; w->quantiles && st == ET_OK && i < w->spec->n_fields; i++)
        if (a->prepared->series[i].n_numbers)
            st = et__quantiles_add(w->quantiles, i, &a->prepared->series[i], NULL);
    if (st == ET_OK)
        return;
    et__quantiles_close(w->quantiles);
    w->quantiles = NULL;
}

static enum et_status commit(struct adding *a, struct et_err *err)
{
    struct et_dataset_writer *w = a->w;
    enum et_status st = add_frames(a, err);
    if (st == ET_OK)
        st = add_rows(a, err);
    if (st == ET_OK)
        st = put_line(a, err);
    if (st == ET_OK)
        st = et__journal_append(w->journal, &w->journal_end, et_buf_str(&w->line),
                                w->spec->should_sync, err);
    return st;
}

enum et_status et__add_prepared(struct et_dataset_writer *w, const struct et_new_episode *episode,
                                struct et__prepared *prepared, struct et_arena *arena,
                                struct et_err *err)
{
    struct adding a = {.w = w, .episode = episode, .prepared = prepared, .arena = arena};
    const struct et__table *table = w->table;

    enum et_status st = et__writer_check(w, err);
    if (st == ET_OK && !table)
        st = et__table_make(w->spec, episode, w->arena, &table, err);
    if (st == ET_OK)
        st = et__table_check(table, w->spec, episode, err);
    if (st == ET_OK)
        st = number_tasks(&a, err);
    if (st == ET_OK)
        st = make_columns(&a, err);
    if (st != ET_OK)
        return st;

    w->table = table;
    st = commit(&a, err);
    if (st == ET_EIO)
        w->is_broken = true;
    else if (st != ET_OK)
        take_back(&a);
    if (st != ET_OK)
        return st;
    st = keep_tasks(&a, err);
    w->is_broken = st != ET_OK;
    keep(&a);
    gather(&a);
    return st;
}
