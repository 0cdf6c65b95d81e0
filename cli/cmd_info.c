/* etude info PATH and etude dataset info PATH: what a thing says of itself. */
#include "cli.h"

#include "etude/episode_file.h"
#include "etude/file.h"
#include "etude/image.h"

#include <stdlib.h>

#define INFO_ARENA_BYTES ((size_t)1 << 30)
#define IMAGE_BYTES_MAX ((size_t)1 << 28)

static void shape_text(const struct et_feature *f, char *text, size_t cap)
{
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < f->n_dims && n < cap; i++)
        n += (size_t)snprintf(text + n, cap - n, "%s%lld", i ? " x " : "", (long long)f->shape[i]);
}

static void names_text(const struct et_feature *f, char *text, size_t cap)
{
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; f->names && i < f->n_values && n + 1 < cap; i++)
        n += (size_t)snprintf(text + n, cap - n, "%s%s", i ? ", " : "", f->names[i]);
}

// Videos of a feature that are there, over all episodes.
static bool count_videos(const struct et_dataset *dataset, struct et_arena *arena,
                         int64_t *n_present, int64_t *n_all)
{
    const struct et_dataset_info *info = et_dataset_info(dataset);
    *n_present = *n_all = 0;
    for (int64_t i = 0; i < info->n_episodes; i++) {
        const struct et_arena_mark mark = et_arena_mark(arena);
        struct et_episode_meta meta;
        if (et_dataset_episode_meta(dataset, i, arena, &meta, NULL) != ET_OK)
            return false;
        for (size_t v = 0; v < meta.n_videos; v++) {
            (*n_all)++;
            *n_present += meta.videos[v].is_present;
        }
        et_arena_rewind(arena, mark);
    }
    return true;
}

static void print_features(const struct et_dataset_info *info, struct et_arena *arena)
{
    struct cli_table table;
    cli_table_open(&table, arena, "feature|type|shape|names");
    for (size_t i = 0; i < info->n_features; i++) {
        char shape[128], names[512];
        shape_text(&info->features[i], shape, sizeof shape);
        names_text(&info->features[i], names, sizeof names);
        cli_cell(&table, "%s", info->features[i].name);
        cli_cell(&table, "%s", et_dtype_text(info->features[i].dtype));
        cli_cell(&table, "%s", shape);
        cli_cell(&table, "%s", names);
    }
    cli_table_print(&table);
}

static void print_streams(const struct et_dataset *dataset, struct et_arena *arena)
{
    const struct et_binding *binding = et_dataset_binding(dataset);
    const struct et_dataset_info *info = et_dataset_info(dataset);
    struct cli_table table;
    printf("\nas profile %s sees it:\n", binding->profile->id);
    cli_table_open(&table, arena, "stream|>values|unit|from");
    for (size_t i = 0; i < binding->n_streams; i++) {
        const struct et_bound_stream *s = &binding->streams[i];
        cli_cell(&table, "%s", s->stream.name);
        cli_cell(&table, "%zu", s->stream.n_values);
        cli_cell(&table, "%s", s->stream.n_values ? s->stream.unit : "");
        cli_cell(&table, "%s", info->features[s->i_feature].name);
    }
    cli_table_print(&table);
    for (size_t i = 0; i < binding->n_remarks; i++)
        printf("  note: %s\n", binding->remarks[i]);
}

static void print_remarks(const struct et_set_claims *claims)
{
    if (!claims->n_remarks)
        return;
    printf("\nwhat its metadata gets wrong:\n");
    for (size_t i = 0; i < claims->n_remarks; i++)
        printf("  %-5s  %s: %s\n", et_severity_text(claims->remarks[i].severity),
               claims->remarks[i].where, claims->remarks[i].text);
}

static int print_episodes(const struct cli_args *args, const struct et_dataset *dataset,
                          struct et_arena *arena)
{
    const struct et_dataset_info *info = et_dataset_info(dataset);
    struct et_err err = {0};
    struct cli_table table;
    cli_table_open(&table, arena, ">episode|>rows|>seconds|videos|tasks");
    for (int64_t i = 0; i < info->n_episodes; i++) {
        struct et_episode_meta meta;
        if (et_dataset_episode_meta(dataset, i, arena, &meta, &err) != ET_OK)
            return cli_fail(args, &err);
        size_t n_present = 0;
        for (size_t v = 0; v < meta.n_videos; v++)
            n_present += meta.videos[v].is_present;
        cli_cell(&table, "%lld", (long long)meta.index);
        cli_cell(&table, "%lld", (long long)meta.n_rows);
        cli_cell(&table, "%.1f", info->fps > 0 ? (double)meta.n_rows / info->fps : 0);
        cli_cell(&table, "%zu of %zu", n_present, meta.n_videos);
        cli_cell(&table, "%s%s", meta.n_tasks ? meta.tasks[0] : "", meta.n_tasks > 1 ? " ..." : "");
    }
    (void)putchar('\n');
    cli_table_print(&table);
    return CLI_DONE;
}

static void json_features(struct et_json_writer *w, const struct et_dataset_info *info)
{
    et_json_key(w, "features");
    et_json_open_list(w);
    for (size_t i = 0; i < info->n_features; i++) {
        const struct et_feature *f = &info->features[i];
        et_json_open_map(w);
        et_json_put_text(w, "name", f->name);
        et_json_put_text(w, "dtype", et_dtype_text(f->dtype));
        et_json_key(w, "shape");
        et_json_open_list(w);
        for (size_t d = 0; d < f->n_dims; d++)
            et_json_int(w, f->shape[d]);
        et_json_close_list(w);
        et_json_key(w, "names");
        et_json_open_list(w);
        for (size_t k = 0; f->names && k < f->n_values; k++)
            et_json_text(w, f->names[k]);
        et_json_close_list(w);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static int json_dataset(const struct cli_args *args, const struct et_dataset *dataset,
                        int64_t n_present, int64_t n_videos)
{
    const struct et_dataset_info *info = et_dataset_info(dataset);
    struct cli_json json;
    cli_json_open(&json, "info");
    struct et_json_writer *w = &json.w;
    et_json_put_text(w, "kind", "dataset");
    et_json_put_text(w, "path", info->path);
    et_json_put_text(w, "layout", et_layout_text(info->layout));
    et_json_put_text(w, "robot_type", info->robot_type);
    et_json_put_text(w, "profile", et_dataset_binding(dataset)->profile->id);
    et_json_put_real(w, "fps", info->fps);
    et_json_put_int(w, "episodes", info->n_episodes);
    et_json_put_int(w, "rows", info->n_rows);
    et_json_put_int(w, "videos", n_videos);
    et_json_put_int(w, "videos_present", n_present);
    et_json_put_bool(w, "is_unfinished", info->is_unfinished);
    json_features(w, info);
    et_json_key(w, "tasks");
    et_json_open_list(w);
    for (size_t i = 0; i < info->n_tasks; i++)
        et_json_text(w, info->tasks[i]);
    et_json_close_list(w);
    et_json_key(w, "remarks");
    et_json_open_list(w);
    for (size_t i = 0; i < info->claims.n_remarks; i++) {
        et_json_open_map(w);
        et_json_put_text(w, "severity", et_severity_text(info->claims.remarks[i].severity));
        et_json_put_text(w, "where", info->claims.remarks[i].where);
        et_json_put_text(w, "text", info->claims.remarks[i].text);
        et_json_close_map(w);
    }
    et_json_close_list(w);
    return cli_json_print(&json, args);
}

static void print_head(const struct et_dataset_info *info, int64_t n_present, int64_t n_videos)
{
    char a[CLI_TEXT_BYTES];
    printf("%s\n", info->path);
    const bool is_curated = info->layout == ET_LAYOUT_EPISODES;
    printf("  layout    %s%s%s\n", is_curated ? "curated " : "LeRobot ",
           et_layout_text(info->layout),
           info->is_unfinished ? " (unfinished: its writer was stopped; repair it with "
                                 "etude dataset verify --repair)"
                               : "");
    printf("  robot     %s\n", info->robot_type ? info->robot_type : "not named");
    printf("  episodes  %lld\n", (long long)info->n_episodes);
    if (is_curated) // each stream at its own rate
        printf("  rows      none yet: etude dataset build makes them\n");
    else
        printf("  rows      %s at %g a second: %.1f minutes\n", cli_count_text(info->n_rows, a),
               info->fps, info->fps > 0 ? (double)info->n_rows / info->fps / 60 : 0);
    if (n_videos)
        printf("  videos    %lld of %lld files are there\n", (long long)n_present,
               (long long)n_videos);
    for (size_t i = 0; i < info->n_tasks && i < 5; i++)
        if (info->tasks[i])
            printf("  %-8s  %s\n", i ? "" : "tasks", info->tasks[i]);
    if (info->n_tasks > 5)
        printf("            ... and %zu more\n", info->n_tasks - 5);
    (void)putchar('\n');
}

static int info_dataset(const struct cli_args *args, const char *path, bool is_full)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    struct et_dataset *dataset = NULL;
    int64_t n_present, n_videos;
    int code = CLI_DONE;
    if (et_arena_open(&arena, INFO_ARENA_BYTES, &err) != ET_OK ||
        cli_set_open(path, NULL, 0, arena, &dataset, &err) != ET_OK ||
        et_dataset_use_profile(dataset, cli_get(args, "profile"), &err) != ET_OK) {
        code = cli_fail(args, &err);
        goto out;
    }
    if (!count_videos(dataset, arena, &n_present, &n_videos)) {
        cli_problem(args, "out of memory");
        code = CLI_FAILED;
        goto out;
    }
    if (args->is_json) {
        code = json_dataset(args, dataset, n_present, n_videos);
        goto out;
    }
    print_head(et_dataset_info(dataset), n_present, n_videos);
    print_features(et_dataset_info(dataset), arena);
    print_streams(dataset, arena);
    print_remarks(&et_dataset_info(dataset)->claims);
    if (is_full && cli_has(args, "list"))
        code = print_episodes(args, dataset, arena);
out:
    et_dataset_close(dataset);
    et_arena_close(arena);
    return code;
}

static const char *const TYPES[] = {"bool",  "int32",  "int64", "int96",
                                    "float", "double", "bytes", "fixed"};

static int info_parquet(const struct cli_args *args, const char *path, struct et_arena *arena)
{
    struct et_err err = {0};
    struct et_parquet_reader *reader;
    if (et_parquet_open(&reader, path, NULL, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = CLI_DONE;
    if (args->is_json) {
        struct cli_json json;
        cli_json_open(&json, "info");
        et_json_put_text(&json.w, "kind", "parquet");
        et_json_put_text(&json.w, "path", path);
        et_json_put_int(&json.w, "rows", et_parquet_n_rows(reader));
        et_json_put_int(&json.w, "row_groups", (int64_t)et_parquet_n_groups(reader));
        et_json_put_bool(&json.w, "is_unfinished", et_parquet_is_unfinished(reader));
        et_json_key(&json.w, "created_by");
        et_json_str(&json.w, et_parquet_created_by(reader));
        et_json_key(&json.w, "leaves");
        et_json_open_list(&json.w);
        for (size_t i = 0; i < et_parquet_n_leaves(reader); i++) {
            et_json_open_map(&json.w);
            et_json_put_text(&json.w, "path", et_parquet_leaf(reader, i)->path);
            et_json_put_text(&json.w, "type", TYPES[et_parquet_leaf(reader, i)->type]);
            et_json_close_map(&json.w);
        }
        et_json_close_list(&json.w);
        code = cli_json_print(&json, args);
    } else {
        char a[CLI_TEXT_BYTES];
        printf("%s: Parquet, %s rows in %zu row groups, by %.*s%s\n\n", path,
               cli_count_text(et_parquet_n_rows(reader), a), et_parquet_n_groups(reader),
               ET_STR_ARG(et_parquet_created_by(reader)),
               et_parquet_is_unfinished(reader) ? " (unfinished)" : "");
        struct cli_table table;
        cli_table_open(&table, arena, "column|type|levels");
        for (size_t i = 0; i < et_parquet_n_leaves(reader); i++) {
            const struct et_parquet_leaf *leaf = et_parquet_leaf(reader, i);
            cli_cell(&table, "%s", leaf->path);
            cli_cell(&table, "%s", TYPES[leaf->type]);
            cli_cell(&table, "%s", leaf->max_rep ? "list" : "scalar");
        }
        cli_table_print(&table);
        for (size_t i = 0; i < et_parquet_n_metadata(reader); i++) {
            struct et_str key, value;
            et_parquet_metadata_at(reader, i, &key, &value);
            printf("  metadata  %.*s: %zu bytes\n", ET_STR_ARG(key), value.n);
        }
    }
    et_parquet_close(reader);
    return code;
}

static int info_video(const struct cli_args *args, const char *path)
{
    struct et_err err = {0};
    struct et_video_info v;
    if (et_video_probe(path, &v, &err) != ET_OK)
        return cli_fail(args, &err);
    const double fps = v.fps_den ? (double)v.fps_num / v.fps_den : 0;
    if (!args->is_json) {
        printf("%s: %s %d x %d %s, %lld frames at %.4g a second: %.2f s, %lld key frames%s\n", path,
               v.codec, v.width_px, v.height_px, v.pixel_format, (long long)v.n_frames, fps,
               (double)v.duration_ns / 1e9, (long long)v.n_key_frames,
               v.has_audio ? ", with audio" : "");
        printf("  frame k is at k / fps within %.3g s\n", v.frame_error_s);
        return CLI_DONE;
    }
    struct cli_json json;
    cli_json_open(&json, "info");
    et_json_put_text(&json.w, "kind", "video");
    et_json_put_text(&json.w, "path", path);
    et_json_put_text(&json.w, "codec", v.codec);
    et_json_put_text(&json.w, "pixel_format", v.pixel_format);
    et_json_put_int(&json.w, "width_px", v.width_px);
    et_json_put_int(&json.w, "height_px", v.height_px);
    et_json_put_int(&json.w, "frames", v.n_frames);
    et_json_put_int(&json.w, "key_frames", v.n_key_frames);
    et_json_put_real(&json.w, "fps", fps);
    et_json_put_real(&json.w, "duration_s", (double)v.duration_ns / 1e9);
    et_json_put_real(&json.w, "frame_error_s", v.frame_error_s);
    return cli_json_print(&json, args);
}

static int info_image(const struct cli_args *args, const char *path, struct et_arena *arena)
{
    struct et_err err = {0};
    struct et_str bytes;
    struct et_image image;
    if (et_file_read(path, IMAGE_BYTES_MAX, arena, &bytes, &err) != ET_OK)
        return cli_fail(args, &err);
    if (et_image_probe(bytes, &image, &err) != ET_OK) {
        (void)et_err_context(&err, "%s", path);
        return cli_fail(args, &err);
    }
    if (!args->is_json) {
        printf("%s: %s %d x %d, %d channel%s of %d bits\n", path, et_image_kind(bytes),
               image.width_px, image.height_px, image.n_channels, cli_s(image.n_channels),
               image.n_bits);
        return CLI_DONE;
    }
    struct cli_json json;
    cli_json_open(&json, "info");
    et_json_put_text(&json.w, "kind", "image");
    et_json_put_text(&json.w, "path", path);
    et_json_put_text(&json.w, "format", et_image_kind(bytes));
    et_json_put_int(&json.w, "width_px", image.width_px);
    et_json_put_int(&json.w, "height_px", image.height_px);
    et_json_put_int(&json.w, "channels", image.n_channels);
    et_json_put_int(&json.w, "bits", image.n_bits);
    return cli_json_print(&json, args);
}

// What a file is, by its first bytes: names lie.
static int info_file(const struct cli_args *args, const char *path, struct et_arena *arena)
{
    struct et_err err = {0};
    struct et_file *file;
    char head[16] = {0};
    size_t got = 0;
    if (et_file_open(&file, path, ET_FILE_READ, &err) != ET_OK)
        return cli_fail(args, &err);
    const enum et_status st = et_file_read_at(file, 0, head, sizeof head, &got, &err);
    et_file_close(file);
    if (st != ET_OK)
        return cli_fail(args, &err);
    if (got >= 4 && memcmp(head, "PAR1", 4) == 0)
        return info_parquet(args, path, arena);
    if (got >= 8 && memcmp(head + 4, "ftyp", 4) == 0)
        return info_video(args, path);
    if (et_image_kind((struct et_str){head, got}))
        return info_image(args, path, arena);
    if (got >= 5 && memcmp(head, "\x89MCAP", 5) == 0)
        return cli_info_mcap(args, path, arena);
    if (cli_is_recording(path))
        return cli_info_recording(args, path, arena);
    if (got == 0)
        cli_problem(args, "%s is empty", path);
    else
        cli_problem(args,
                    "%s: its first bytes are of no kind that is read here (LeRobot folder, MCAP, "
                    "ROS 1 bag, rosbag2, HDF5, Unitree's JSON, Parquet, MP4, JPEG, PNG)",
                    path);
    return CLI_FAILED;
}

static bool is_dataset(const char *path, struct et_arena *arena)
{
    enum et_path_kind kind = ET_PATH_NONE;
    const struct et_episode_place *places;
    size_t n_places;
    const char *meta = et_path_join(arena, path, "meta");
    if (meta && et_path_kind(meta, &kind, NULL) == ET_OK && kind == ET_PATH_DIR)
        return true;
    return et_episode_list(path, arena, &places, &n_places, NULL) == ET_OK;
}

/* A folder that is no recording may be full of them; else it is a dataset, or opening it as one
 * says why not. */
static int info_folder(const struct cli_args *args, const char *path)
{
    struct et_err err = {0};
    struct cli_recordings found = {0};
    if (et_arena_open(&found.arena, INFO_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = CLI_DONE;
    const bool is_set = is_dataset(path, found.arena);
    if (!is_set && cli_recordings_find(args, path, &found, &err) != ET_OK)
        code = cli_fail(args, &err);
    else if (found.n > 0)
        code = cli_info_recordings(args, &found, path);
    else
        code = info_dataset(args, path, false);
    et_arena_close(found.arena);
    return code;
}

int cmd_info(const struct cli_args *args)
{
    const char *path = args->words[0];
    struct et_err err = {0};
    enum et_path_kind kind;
    if (et_path_kind(path, &kind, &err) != ET_OK)
        return cli_fail(args, &err);
    if (kind == ET_PATH_NONE) {
        cli_problem(args, "%s does not exist", path);
        return CLI_FAILED;
    }
    const bool is_folder = kind == ET_PATH_DIR;
    if (is_folder && !cli_is_recording(path))
        return info_folder(args, path);
    struct et_arena *arena;
    if (et_arena_open(&arena, INFO_ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    const int code =
        is_folder ? cli_info_recording(args, path, arena) : info_file(args, path, arena);
    et_arena_close(arena);
    return code;
}

int cmd_dataset_info(const struct cli_args *args)
{
    return info_dataset(args, args->words[0], true);
}
