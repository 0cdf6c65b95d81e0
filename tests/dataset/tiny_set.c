#include "tiny_set.h"

#include "support.h"

#include "etude/file.h"
#include "etude/json.h"
#include "etude/stats.h"
#include "etude/video.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const int64_t TINY_LENGTHS[TINY_EPISODES] = {9, 8, 7};

static const char TASK[] = "put the apple into the bowl";

// A test that cannot build its data has nothing to say.
static void must(enum et_status st, const struct et_err *err, const char *what)
{
    if (st == ET_OK)
        return;
    printf("Bail out! %s: %s\n", what, err->text);
    exit(2);
}

#define MUST(call) must((call), &err, #call)

static const char *join(const char *set, const char *file)
{
    static char paths[8][1024];
    static unsigned i;
    char *path = paths[i++ % 8];

    (void)snprintf(path, sizeof paths[0], "%s/%s", set, file);
    return path;
}

static void make_folder_of(const char *path)
{
    struct et_err err = {0};
    char folder[1024];

    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    MUST(et_dir_make(folder, &err));
}

void tiny_write(const char *set, const char *file, const char *text)
{
    make_folder_of(join(set, file));
    write_file(join(set, file), text, strlen(text));
}

void tiny_remove(const char *set, const char *file)
{
    struct et_err err = {0};
    MUST(et_path_remove(join(set, file), &err));
}

void tiny_copy(const char *set, const char *from, const char *to)
{
    size_t n;
    void *data = read_file(join(set, from), &n);

    make_folder_of(join(set, to));
    write_file(join(set, to), data, n);
    free(data);
}

void tiny_append(const char *set, const char *file, const char *text)
{
    size_t n;
    char *old = read_file(join(set, file), &n);
    char *both = malloc(n + strlen(text));

    memcpy(both, old, n);
    memcpy(both + n, text, strlen(text));
    write_file(join(set, file), both, n + strlen(text));
    free(both);
    free(old);
}

void tiny_edit(const char *set, const char *file, const char *old, const char *new)
{
    struct et_err err = {0};
    struct et_buf buf = et_buf(1 << 20);
    size_t n;
    char *text = read_file(join(set, file), &n);
    const char *at = text ? strstr(text, old) : NULL;

    must(at ? ET_OK : et_fail(&err, ET_EARG, -1, "\"%s\" is not in it", old), &err, file);
    et_buf_put(&buf, text, (size_t)(at - text));
    et_buf_puts(&buf, new);
    et_buf_puts(&buf, at + strlen(old));
    write_file(join(set, file), buf.p, buf.n);
    et_buf_free(&buf);
    free(text);
}

/* ---- what is in it ---- */

static void fill_rows(struct tiny_rows *rows, const struct tiny *tiny)
{
    int64_t row = 0;

    for (int64_t e = 0; e < TINY_EPISODES; e++) {
        for (int64_t k = 0; k < TINY_LENGTHS[e]; k++, row++) {
            rows->episode_index[row] = e;
            rows->index[row] = row;
            rows->frame_index[row] = k;
            rows->task_index[row] = tiny->task_first;
            rows->timestamp[row] = (float)((double)k / TINY_FPS);
            for (int64_t v = 0; v < TINY_VALUES; v++) {
                const double angle = (double)(row + 3 * v) * 0.4;
                rows->state[row * TINY_VALUES + v] = (float)sin(angle);
                rows->action[row * TINY_VALUES + v] = (float)sin(angle + 0.8);
            }
        }
    }
    if (tiny->rows)
        tiny->rows(rows);
}

static void fill_episodes(struct tiny_episode *episodes, const struct tiny *tiny)
{
    int64_t from = 0;

    for (int64_t e = 0; e < TINY_EPISODES; e++) {
        const bool is_second = e == 1;
        episodes[e] = (struct tiny_episode){.index = e,
                                            .length = TINY_LENGTHS[e],
                                            .file = e / 2,
                                            .video_file = e / 2,
                                            .from = from,
                                            .to = from + TINY_LENGTHS[e],
                                            .tasks = {TASK},
                                            .n_tasks = 1};
        from += TINY_LENGTHS[e];
        episodes[e].from_s = is_second ? (double)TINY_LENGTHS[0] / TINY_FPS : 0;
        episodes[e].to_s = episodes[e].from_s + (double)TINY_LENGTHS[e] / TINY_FPS;
    }
    if (tiny->episodes)
        tiny->episodes(episodes);
}

/* ---- info.json ---- */

static void put_feature(struct et_json_writer *w, const char *name, const char *dtype, size_t n,
                        bool has_names)
{
    et_json_key(w, name);
    et_json_open_map(w);
    et_json_put_text(w, "dtype", dtype);
    et_json_key(w, "shape");
    et_json_open_list(w);
    et_json_int(w, (int64_t)n);
    et_json_close_list(w);
    et_json_key(w, "names");
    if (has_names) {
        et_json_open_list(w);
        et_json_text(w, "shoulder");
        et_json_text(w, "elbow");
        et_json_close_list(w);
    } else {
        et_json_null(w);
    }
    et_json_close_map(w);
}

static const char CAMERA[] =
    "{\"dtype\": \"video\", \"shape\": [48, 64, 3], \"names\": [\"height\", \"width\", "
    "\"channels\"], \"info\": {\"video.height\": 48, \"video.width\": 64, \"video.codec\": "
    "\"h264\", \"video.pix_fmt\": \"yuv420p\", \"video.is_depth_map\": false, \"video.fps\": 10, "
    "\"video.channels\": 3, \"has_audio\": false}}";

static void put_features(struct et_json_writer *w, const struct tiny *tiny, struct et_arena *arena)
{
    static const char *const INTS[] = {"frame_index", "episode_index", "index", "task_index"};
    const struct et_value *camera = NULL;
    struct et_err err = {0};

    et_json_open_map(w);
    put_feature(w, "observation.state", "float32", TINY_VALUES, true);
    put_feature(w, "action", "float32", TINY_VALUES, true);
    if (tiny->has_video) {
        MUST(et_json_parse(et_str(CAMERA), NULL, arena, &camera, &err));
        et_json_key(w, TINY_CAMERA);
        et_json_value(w, camera);
    }
    put_feature(w, "timestamp", "float32", 1, false);
    for (size_t i = 0; i < 4; i++)
        put_feature(w, INTS[i], "int64", 1, false);
    et_json_close_map(w);
}

static const char *layout_data_path(enum et_layout layout)
{
    return layout == ET_LAYOUT_V30
               ? "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
               : "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet";
}

static const char *layout_video_path(enum et_layout layout)
{
    return layout == ET_LAYOUT_V30
               ? "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
               : "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4";
}

static void write_info(const char *set, const struct tiny *tiny, struct et_arena *arena)
{
    struct et_buf buf = et_buf(1 << 20);
    struct et_json_writer w = {.buf = &buf, .indent = 4};

    et_json_open_map(&w);
    et_json_put_text(&w, "codebase_version", et_layout_text(tiny->layout));
    et_json_put_text(&w, "robot_type", "tiny");
    et_json_put_int(&w, "total_episodes", TINY_EPISODES);
    et_json_put_int(&w, "total_frames", TINY_ROWS);
    et_json_put_int(&w, "total_tasks", 1);
    if (tiny->layout != ET_LAYOUT_V30) {
        et_json_put_int(&w, "total_videos", tiny->has_video ? TINY_EPISODES : 0);
        et_json_put_int(&w, "total_chunks", 1);
    }
    et_json_put_int(&w, "chunks_size", 1000);
    et_json_put_int(&w, "fps", TINY_FPS);
    et_json_key(&w, "splits");
    et_json_open_map(&w);
    et_json_put_text(&w, "train", "0:3");
    et_json_close_map(&w);
    et_json_put_text(&w, "data_path", layout_data_path(tiny->layout));
    et_json_put_text(&w, "video_path", layout_video_path(tiny->layout));
    et_json_key(&w, "features");
    put_features(&w, tiny, arena);
    et_json_close_map(&w);
    tiny_write(set, "meta/info.json", et_buf_text(&buf));
    et_buf_free(&buf);
}

/* ---- statistics ---- */

#define N_STATS 10
static const char *const STATS[N_STATS] = {"min", "max", "mean", "std", "q01",
                                           "q10", "q50", "q90",  "q99", "count"};

static double value_of(const struct tiny_rows *rows, const char *feature, int64_t row, size_t v)
{
    if (strcmp(feature, "observation.state") == 0)
        return (double)rows->state[row * TINY_VALUES + (int64_t)v];
    if (strcmp(feature, "action") == 0)
        return (double)rows->action[row * TINY_VALUES + (int64_t)v];
    if (strcmp(feature, "timestamp") == 0)
        return (double)rows->timestamp[row];
    if (strcmp(feature, "frame_index") == 0)
        return (double)rows->frame_index[row];
    if (strcmp(feature, "episode_index") == 0)
        return (double)rows->episode_index[row];
    return strcmp(feature, "index") == 0 ? (double)rows->index[row] : (double)rows->task_index[row];
}

// The ten statistics of rows first … first + n − 1 of one value.
static void describe(const struct tiny_rows *rows, const char *feature, int64_t first, int64_t n,
                     size_t v, double out[N_STATS])
{
    static const double LEVELS[] = {0.01, 0.10, 0.50, 0.90, 0.99};
    double values[TINY_ROWS];
    struct et_moments m = {0};

    if (strcmp(feature, TINY_CAMERA) == 0) {
        const double picture[N_STATS] = {0, 1, 0.5, 0.2, 0.1, 0.2, 0.5, 0.8, 0.9, (double)n};
        memcpy(out, picture, sizeof picture);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        values[i] = value_of(rows, feature, first + i, v);
        et_moments_add(&m, values[i]);
    }
    et_sort_doubles(values, (size_t)n);
    out[0] = m.min;
    out[1] = m.max;
    out[2] = m.mean;
    out[3] = et_moments_std(&m);
    for (size_t i = 0; i < 5; i++)
        out[4 + i] = et_quantile_sorted(values, (size_t)n, LEVELS[i]);
    out[9] = (double)n;
}

struct described {
    const char *feature;
    size_t n_values;
    double values[3][N_STATS];
};

#define MAX_FEATURES 8
static size_t describe_all(const struct tiny_rows *rows, const struct tiny *tiny, int64_t first,
                           int64_t n, struct described out[MAX_FEATURES])
{
    static const char *const NAMES[MAX_FEATURES] = {
        "observation.state", "action", "timestamp",  "frame_index",
        "episode_index",     "index",  "task_index", TINY_CAMERA};
    const size_t n_features = tiny->has_video ? MAX_FEATURES : MAX_FEATURES - 1;

    for (size_t f = 0; f < n_features; f++) {
        out[f].feature = NAMES[f];
        out[f].n_values = f == 7 ? 3 : f < 2 ? TINY_VALUES : 1;
        for (size_t v = 0; v < out[f].n_values; v++)
            describe(rows, NAMES[f], first, n, v, out[f].values[v]);
    }
    return n_features;
}

static void put_stat(struct et_json_writer *w, const struct described *d, size_t s)
{
    const bool is_picture = d->n_values == 3 && s < 9;

    et_json_open_list(w);
    for (size_t v = 0; v < (s == 9 ? 1 : d->n_values); v++) {
        if (is_picture) { // [[[r]], [[g]], [[b]]]
            et_json_open_list(w);
            et_json_open_list(w);
        }
        if (s == 9)
            et_json_int(w, (int64_t)d->values[v][s]);
        else
            et_json_real(w, d->values[v][s]);
        if (is_picture) {
            et_json_close_list(w);
            et_json_close_list(w);
        }
    }
    et_json_close_list(w);
}

static void put_stats(struct et_json_writer *w, const struct described *all, size_t n)
{
    et_json_open_map(w);
    for (size_t f = 0; f < n; f++) {
        et_json_key(w, all[f].feature);
        et_json_open_map(w);
        for (size_t s = 0; s < N_STATS; s++) {
            et_json_key(w, STATS[s]);
            put_stat(w, &all[f], s);
        }
        et_json_close_map(w);
    }
    et_json_close_map(w);
}

static size_t episode_stats(const struct tiny_rows *rows, const struct tiny *tiny,
                            const struct tiny_episode *episode, int64_t e,
                            struct described all[MAX_FEATURES])
{
    const int64_t first = e == 0 ? 0 : e == 1 ? 9 : 17;
    const size_t n = describe_all(rows, tiny, first, TINY_LENGTHS[e], all);

    all[0].values[0][1] += episode->max_of_state;
    for (size_t f = 0; f < n; f++)
        all[f].values[0][9] += (double)episode->count;
    return n;
}

static void write_set_stats(const char *set, const struct tiny_rows *rows, const struct tiny *tiny)
{
    struct described all[MAX_FEATURES];
    struct et_buf buf = et_buf(1 << 20);
    struct et_json_writer w = {.buf = &buf, .indent = 4};

    const size_t n = describe_all(rows, tiny, 0, TINY_ROWS, all);
    put_stats(&w, all, n);
    tiny_write(set, "meta/stats.json", et_buf_text(&buf));
    et_buf_free(&buf);
}

/* ---- data ---- */

struct column {
    const char *name;
    enum et_parquet_type type;
    int depth;
    size_t width;
    const void *values;
    size_t value_bytes;
};

static double STAMPS_64[TINY_ROWS];

// The columns of the data, less the one that a test leaves out and with the one that it adds.
static size_t list_columns(const struct tiny_rows *rows, const struct tiny *tiny,
                           struct column out[9])
{
    const bool is_double = tiny->stamp_type == ET_PARQUET_DOUBLE;
    for (size_t i = 0; i < TINY_ROWS; i++)
        STAMPS_64[i] = (double)rows->timestamp[i];
    const struct column all[] = {
        {"observation.state", ET_PARQUET_FLOAT, 1, TINY_VALUES, rows->state, 4},
        {"action", ET_PARQUET_FLOAT, 1, TINY_VALUES, rows->action, 4},
        {"timestamp", is_double ? ET_PARQUET_DOUBLE : ET_PARQUET_FLOAT, 0, 1,
         is_double ? (const void *)STAMPS_64 : rows->timestamp, is_double ? 8 : 4},
        {"frame_index", ET_PARQUET_INT64, 0, 1, rows->frame_index, 8},
        {"episode_index", ET_PARQUET_INT64, 0, 1, rows->episode_index, 8},
        {"index", ET_PARQUET_INT64, 0, 1, rows->index, 8},
        {"task_index", ET_PARQUET_INT64, 0, 1, rows->task_index, 8},
    };
    size_t n = 0;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (tiny->without_column && strcmp(all[i].name, tiny->without_column) == 0)
            continue;
        out[n] = all[i];
        if (i == 0 && tiny->state_values)
            out[n].width = tiny->state_values;
        n++;
    }
    if (tiny->extra_column)
        out[n++] = (struct column){tiny->extra_column, ET_PARQUET_INT64, 0, 1, rows->index, 8};
    return n;
}

// Writes rows of episodes first … last − 1 as one file, a row group each.
static void write_data(const char *path, const struct tiny_rows *rows, const struct tiny *tiny,
                       int64_t first, int64_t last)
{
    struct et_err err = {0};
    struct et_parquet_writer *writer;
    struct et_parquet_node nodes[64] = {0};
    struct column columns[9];
    size_t n_nodes = 0;
    const struct et_parquet_writer_options options = {
        .codec = ET_PARQUET_SNAPPY, .use_dictionary = true, .has_journal = tiny->without_footer};

    const size_t n = list_columns(rows, tiny, columns);
    for (size_t i = 0; i < n; i++)
        (void)et_parquet_add_column(nodes, 64, &n_nodes, columns[i].name, columns[i].type,
                                    ET_PARQUET_PLAIN, columns[i].depth);
    make_folder_of(path);
    MUST(et_parquet_create(&writer, path, nodes, n_nodes, &options, &err));
    int64_t row = first == 0 ? 0 : first == 1 ? 9 : 17;
    for (int64_t e = first; e < last; e++) {
        for (size_t i = 0; i < n; i++) {
            const size_t stride = columns[i].width * columns[i].value_bytes;
            const char *values = (const char *)columns[i].values + (size_t)row * stride;
            MUST(et_parquet_write_rows(writer, i, values, TINY_LENGTHS[e], columns[i].width, &err));
        }
        MUST(et_parquet_writer_commit(writer, &err));
        row += TINY_LENGTHS[e];
    }
    if (tiny->without_footer && last == TINY_EPISODES)
        et_parquet_writer_close(writer);
    else
        MUST(et_parquet_writer_finish(writer, &err));
}

/* ---- videos ---- */

// Pictures of episodes first … last − 1, one after the other.
static void write_video(const char *path, const struct tiny *tiny, int64_t first, int64_t last)
{
    static uint8_t rgb[3 * 128 * TINY_HEIGHT];
    struct et_err err = {0};
    struct et_video_writer *writer;
    const int width = tiny->video_width ? tiny->video_width : TINY_WIDTH;
    const struct et_video_options options = {.codec = ET_VIDEO_H264,
                                             .width_px = width,
                                             .height_px = TINY_HEIGHT,
                                             .fps = tiny->video_fps ? tiny->video_fps : TINY_FPS};

    make_folder_of(path);
    MUST(et_video_create(&writer, path, &options, &err));
    for (int64_t e = first; e < last; e++) {
        const int64_t n = TINY_LENGTHS[e] - (e == 1 ? tiny->frames_missing : 0);
        for (int64_t k = 0; k < n; k++) {
            memset(rgb, (int)(20 * e + 3 * k), sizeof rgb);
            for (size_t i = 0; tiny->is_sloped && i < sizeof rgb; i++)
                rgb[i] += (uint8_t)(2 * (i / 3 % (size_t)width));
            MUST(et_video_write_rgb(writer, rgb, &err));
        }
        MUST(et_video_commit(writer, &err));
    }
    MUST(et_video_finish(writer, &err));
}

/* ---- v2 ---- */

static void write_v2_lines(const char *set, const struct tiny_rows *rows, const struct tiny *tiny,
                           const struct tiny_episode *episodes)
{
    struct et_buf lines = et_buf(1 << 20), stats = et_buf(1 << 20);
    struct described all[MAX_FEATURES];

    for (int64_t e = 0; e < TINY_EPISODES; e++) {
        struct et_json_writer w = {.buf = &lines}, s = {.buf = &stats};
        et_json_open_map(&w);
        et_json_put_int(&w, "episode_index", episodes[e].index);
        et_json_key(&w, "tasks");
        et_json_open_list(&w);
        for (int i = 0; i < episodes[e].n_tasks; i++)
            et_json_text(&w, episodes[e].tasks[i]);
        et_json_close_list(&w);
        et_json_put_int(&w, "length", episodes[e].length);
        et_json_close_map(&w);
        et_buf_putc(&lines, '\n');
        const size_t n = episode_stats(rows, tiny, &episodes[e], e, all);
        et_json_open_map(&s);
        et_json_put_int(&s, "episode_index", episodes[e].index);
        et_json_key(&s, "stats");
        put_stats(&s, all, n);
        et_json_close_map(&s);
        et_buf_putc(&stats, '\n');
    }
    tiny_write(set, "meta/episodes.jsonl", et_buf_text(&lines));
    if (tiny->layout == ET_LAYOUT_V21 && !tiny->without_episode_stats)
        tiny_write(set, "meta/episodes_stats.jsonl", et_buf_text(&stats));
    et_buf_free(&lines);
    et_buf_free(&stats);
}

static void write_v2(const char *set, const struct tiny_rows *rows, const struct tiny *tiny,
                     const struct tiny_episode *episodes)
{
    char file[256], task[128];

    (void)snprintf(task, sizeof task, "{\"task_index\": %" PRId64 ", \"task\": \"%s\"}\n",
                   tiny->task_first, TASK);
    tiny_write(set, "meta/tasks.jsonl", task);
    write_v2_lines(set, rows, tiny, episodes);
    if (tiny->layout == ET_LAYOUT_V20)
        write_set_stats(set, rows, tiny);
    for (int64_t e = 0; e < TINY_EPISODES; e++) {
        (void)snprintf(file, sizeof file, "data/chunk-000/episode_%06" PRId64 ".parquet", e);
        write_data(join(set, file), rows, tiny, e, e + 1);
        (void)snprintf(file, sizeof file, "videos/chunk-000/%s/episode_%06" PRId64 ".mp4",
                       TINY_CAMERA, e);
        if (tiny->has_video)
            write_video(join(set, file), tiny, e, e + 1);
    }
}

/* ---- v3.0 ---- */

static const char PANDAS[] =
    "{\"index_columns\": [\"__index_level_0__\"], \"column_indexes\": [], \"columns\": [{\"name\": "
    "\"task_index\", \"field_name\": \"task_index\", \"pandas_type\": \"int64\", \"numpy_type\": "
    "\"int64\", \"metadata\": null}, {\"name\": null, \"field_name\": \"__index_level_0__\", "
    "\"pandas_type\": \"unicode\", \"numpy_type\": \"object\", \"metadata\": null}], "
    "\"pandas_version\": \"2.3.3\"}";

static void write_tasks(const char *set, const struct tiny *tiny)
{
    struct et_err err = {0};
    struct et_parquet_writer *writer;
    struct et_parquet_node nodes[4] = {0};
    size_t n_nodes = 0;
    const struct et_parquet_metadata pandas = {"pandas", PANDAS};
    const struct et_parquet_writer_options options = {.metadata = &pandas,
                                                      .n_metadata = tiny->without_pandas ? 0 : 1};
    const struct et_str text = et_str(TASK);
    const uint8_t def = 1;
    const struct et_parquet_batch batch = {
        .n_rows = 1, .n_levels = 1, .n_values = 1, .def = &def, .values = &text};

    (void)et_parquet_add_column(nodes, 4, &n_nodes, "task_index", ET_PARQUET_INT64,
                                ET_PARQUET_PLAIN, 0);
    (void)et_parquet_add_column(nodes, 4, &n_nodes, "__index_level_0__", ET_PARQUET_BYTES,
                                ET_PARQUET_STRING, 0);
    const char *path = join(set, "meta/tasks.parquet");
    make_folder_of(path);
    MUST(et_parquet_create(&writer, path, nodes, n_nodes, &options, &err));
    MUST(et_parquet_write_rows(writer, 0, &tiny->task_first, 1, 1, &err));
    MUST(et_parquet_write_leaf(writer, 1, &batch, &err));
    MUST(et_parquet_writer_commit(writer, &err));
    MUST(et_parquet_writer_finish(writer, &err));
}

// One leaf of meta/episodes: a number an episode, or numbers in lists.
struct leaf {
    char name[96];
    enum et_parquet_type type;
    int depth;
    int64_t ints[TINY_EPISODES];
    double reals[TINY_EPISODES * 3];
    size_t width;
};

#define MAX_LEAVES 128
struct leaves {
    struct leaf items[MAX_LEAVES];
    size_t n;
};

static struct leaf *add_leaf(struct leaves *leaves, enum et_parquet_type type, int depth,
                             const char *name)
{
    struct leaf *leaf = &leaves->items[leaves->n++];

    *leaf = (struct leaf){.type = type, .depth = depth, .width = 1};
    (void)snprintf(leaf->name, sizeof leaf->name, "%s", name);
    return leaf;
}

static void add_numbers(struct leaves *leaves, const struct tiny_episode *episodes,
                        const struct tiny *tiny)
{
    static const char *const NAMES[] = {"episode_index",      "length",
                                        "data/chunk_index",   "data/file_index",
                                        "dataset_from_index", "dataset_to_index"};
    static const char VIDEO[] = "videos/" TINY_CAMERA;
    char name[96];

    for (size_t i = 0; i < 6; i++) {
        struct leaf *leaf = add_leaf(leaves, ET_PARQUET_INT64, 0, NAMES[i]);
        for (size_t e = 0; e < TINY_EPISODES; e++) {
            const struct tiny_episode *at = &episodes[e];
            const int64_t values[] = {at->index, at->length, at->chunk, at->file, at->from, at->to};
            leaf->ints[e] = values[i];
        }
    }
    for (size_t i = 0; tiny->has_video && i < 4; i++) {
        static const char *const ENDS[] = {"chunk_index", "file_index", "from_timestamp",
                                           "to_timestamp"};
        (void)snprintf(name, sizeof name, "%s/%s", VIDEO, ENDS[i]);
        struct leaf *leaf = add_leaf(leaves, i < 2 ? ET_PARQUET_INT64 : ET_PARQUET_DOUBLE, 0, name);
        for (size_t e = 0; e < TINY_EPISODES; e++) {
            leaf->ints[e] = i == 0 ? episodes[e].video_chunk : episodes[e].video_file;
            leaf->reals[e] = i == 2 ? episodes[e].from_s : episodes[e].to_s;
        }
    }
}

static void add_stats(struct leaves *leaves, const struct tiny_rows *rows, const struct tiny *tiny,
                      const struct tiny_episode *episodes)
{
    struct described all[TINY_EPISODES][MAX_FEATURES];
    size_t n = 0;
    char name[96];

    for (int64_t e = 0; e < TINY_EPISODES; e++)
        n = episode_stats(rows, tiny, &episodes[e], e, all[e]);
    for (size_t f = 0; f < n; f++) {
        for (size_t s = 0; s < N_STATS; s++) {
            (void)snprintf(name, sizeof name, "stats/%s/%s", all[0][f].feature, STATS[s]);
            const bool is_count = s == 9;
            const bool is_picture = all[0][f].n_values == 3 && !is_count;
            struct leaf *leaf = add_leaf(leaves, is_count ? ET_PARQUET_INT64 : ET_PARQUET_DOUBLE,
                                         is_picture ? 3 : 1, name);
            leaf->width = is_count ? 1 : all[0][f].n_values;
            for (size_t e = 0; e < TINY_EPISODES; e++) {
                leaf->ints[e] = is_count ? (int64_t)all[e][f].values[0][s] : 0;
                for (size_t v = 0; v < leaf->width; v++)
                    leaf->reals[e * leaf->width + v] = all[e][f].values[v][s];
            }
        }
    }
}

// [[[r]], [[g]], [[b]]] a row: three lists of lists of one.
static void write_picture(struct et_parquet_writer *writer, size_t i, const struct leaf *leaf)
{
    static const uint8_t REP[9] = {0, 1, 1, 0, 1, 1, 0, 1, 1};
    static const uint8_t DEF[9] = {7, 7, 7, 7, 7, 7, 7, 7, 7};
    struct et_err err = {0};
    const struct et_parquet_batch batch = {.n_rows = TINY_EPISODES,
                                           .n_levels = 9,
                                           .n_values = 9,
                                           .def = DEF,
                                           .rep = REP,
                                           .values = leaf->reals};
    MUST(et_parquet_write_leaf(writer, i, &batch, &err));
}

static void write_task_lists(struct et_parquet_writer *writer, size_t i,
                             const struct tiny_episode *episodes)
{
    struct et_err err = {0};
    struct et_str texts[2 * TINY_EPISODES];
    uint8_t def[2 * TINY_EPISODES], rep[2 * TINY_EPISODES];
    struct et_parquet_batch batch = {
        .n_rows = TINY_EPISODES, .def = def, .rep = rep, .values = texts};

    for (size_t e = 0; e < TINY_EPISODES; e++) {
        for (int k = 0; k < episodes[e].n_tasks; k++) {
            texts[batch.n_values++] = et_str(episodes[e].tasks[k]);
            def[batch.n_levels] = 3;
            rep[batch.n_levels++] = k > 0;
        }
        if (episodes[e].n_tasks == 0) {
            def[batch.n_levels] = 1;
            rep[batch.n_levels++] = 0;
        }
    }
    MUST(et_parquet_write_leaf(writer, i, &batch, &err));
}

static void write_episodes(const char *set, const struct tiny_rows *rows, const struct tiny *tiny,
                           const struct tiny_episode *episodes)
{
    static struct leaves leaves;
    static struct et_parquet_node nodes[1024];
    struct et_err err = {0};
    struct et_parquet_writer *writer;
    size_t n_nodes = 0;

    leaves.n = 0;
    add_numbers(&leaves, episodes, tiny);
    if (!tiny->without_episode_stats)
        add_stats(&leaves, rows, tiny, episodes);
    for (size_t i = 0; i < leaves.n; i++)
        (void)et_parquet_add_column(nodes, 1024, &n_nodes, leaves.items[i].name,
                                    leaves.items[i].type, ET_PARQUET_PLAIN, leaves.items[i].depth);
    (void)et_parquet_add_column(nodes, 1024, &n_nodes, "tasks", ET_PARQUET_BYTES, ET_PARQUET_STRING,
                                1);
    const char *path = join(set, "meta/episodes/chunk-000/file-000.parquet");
    make_folder_of(path);
    MUST(et_parquet_create(&writer, path, nodes, n_nodes, NULL, &err));
    for (size_t i = 0; i < leaves.n; i++) {
        const struct leaf *leaf = &leaves.items[i];
        const void *values =
            leaf->type == ET_PARQUET_INT64 ? (const void *)leaf->ints : leaf->reals;
        if (leaf->depth == 3)
            write_picture(writer, i, leaf);
        else
            MUST(et_parquet_write_rows(writer, i, values, TINY_EPISODES, leaf->width, &err));
    }
    write_task_lists(writer, leaves.n, episodes);
    MUST(et_parquet_writer_commit(writer, &err));
    MUST(et_parquet_writer_finish(writer, &err));
}

static void write_v3(const char *set, const struct tiny_rows *rows, const struct tiny *tiny,
                     const struct tiny_episode *episodes)
{
    write_tasks(set, tiny);
    write_episodes(set, rows, tiny, episodes);
    write_set_stats(set, rows, tiny);
    write_data(join(set, "data/chunk-000/file-000.parquet"), rows, tiny, 0, 2);
    write_data(join(set, "data/chunk-000/file-001.parquet"), rows, tiny, 2, 3);
    if (!tiny->has_video)
        return;
    write_video(join(set, "videos/" TINY_CAMERA "/chunk-000/file-000.mp4"), tiny, 0, 2);
    write_video(join(set, "videos/" TINY_CAMERA "/chunk-000/file-001.mp4"), tiny, 2, 3);
}

const char *tiny_build(const char *name, const struct tiny *tiny)
{
    struct et_err err = {0};
    struct et_arena *arena;
    struct tiny_rows rows;
    struct tiny_episode episodes[TINY_EPISODES];

    const char *set = temp_path(name);
    MUST(et_path_remove(set, &err));
    MUST(et_arena_open(&arena, 1 << 20, &err));
    fill_rows(&rows, tiny);
    fill_episodes(episodes, tiny);
    write_info(set, tiny, arena);
    if (tiny->layout == ET_LAYOUT_V30)
        write_v3(set, &rows, tiny, episodes);
    else
        write_v2(set, &rows, tiny, episodes);
    et_arena_close(arena);
    return set;
}
