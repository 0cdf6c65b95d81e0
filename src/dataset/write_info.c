/* meta/info.json, the file that says a dataset is finished. */
#include "dataset/dataset__write.h"

#include <stdio.h>

// LeRobot's default encoder settings (configs/video.py:90) where the options leave them open.
#define GOP 2
#define AV1_CRF 30
#define AV1_PRESET 12
#define OTHER_CRF 23

struct writing {
    const char *root;
    const struct et__spec *spec;
    const struct et__summary *summary;
    struct et_arena *arena;
};

/* ---- videos ---- */

static void put_encoder(struct et_json_writer *w, const struct et_video_options *video)
{
    const bool is_av1 = video->codec == ET_VIDEO_AV1;
    et_json_put_int(w, "video.g", video->gop ? video->gop : GOP);
    et_json_put_int(w, "video.crf", video->crf ? video->crf : is_av1 ? AV1_CRF : OTHER_CRF);
    if (is_av1)
        et_json_put_int(w, "video.preset", video->preset ? video->preset : AV1_PRESET);
    else
        et_json_put_text(w, "video.preset", "veryfast");
    et_json_put_int(w, "video.fast_decode", 0);
    et_json_put_text(w, "video.video_backend", "pyav");
    et_json_key(w, "video.extra_options");
    et_json_open_map(w);
    et_json_close_map(w);
}

static bool is_in(struct et_str key, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (et_str_is(key, keys[i]))
            return true;
    return false;
}

/* What the declaration says beyond what the file shows; of the encoder only where all frames are
 * still those that it encoded. */
static void put_declared(struct et_json_writer *w, const struct et_value *declared,
                         bool has_encoded)
{
    static const char *const SHOWN[] = {"video.height",  "video.width",  "video.codec",
                                        "video.pix_fmt", "video.fps",    "video.channels",
                                        "has_audio",     "is_depth_map", "video.is_depth_map"};
    static const char *const ENCODER[] = {
        "video.g",           "video.crf",           "video.preset",
        "video.fast_decode", "video.video_backend", "video.extra_options"};
    char key[ET_NAME_BYTES_MAX + 1];
    if (!declared || declared->kind != ET_VALUE_MAP)
        return;
    for (size_t i = 0; i < declared->as.many.n_items; i++) {
        const struct et_str name = declared->as.many.keys[i];
        if (name.n > ET_NAME_BYTES_MAX || is_in(name, SHOWN, sizeof SHOWN / sizeof *SHOWN) ||
            (has_encoded && is_in(name, ENCODER, sizeof ENCODER / sizeof *ENCODER)))
            continue;
        (void)snprintf(key, sizeof key, "%.*s", ET_STR_ARG(name));
        et_json_key(w, key);
        et_json_value(w, &declared->as.many.items[i]);
    }
}

static enum et_status probe_first(const struct writing *writing, size_t i_field,
                                  struct et_video_info *info, struct et_err *err)
{
    const struct et__field_summary *sum = &writing->summary->fields[i_field];
    const struct et__path_fields fields = {.chunk = sum->first_chunk,
                                           .file = sum->first_file,
                                           .episode = sum->first_file,
                                           .video_key = writing->spec->fields[i_field].name};
    const char *path = et__path_expand(writing->arena, writing->root,
                                       et__video_template(writing->spec->layout), &fields);
    if (!path)
        return et_arena_fail(writing->arena, "a path", err);
    return et_video_probe(path, info, err);
}

static enum et_status put_video_info(struct et_json_writer *w, const struct writing *writing,
                                     size_t i_field, struct et_err *err)
{
    const struct et__field *field = &writing->spec->fields[i_field];
    const struct et__field_summary *sum = &writing->summary->fields[i_field];
    const bool is_v30 = writing->spec->layout == ET_LAYOUT_V30;
    struct et_video_info info;
    enum et_status st = probe_first(writing, i_field, &info, err);
    if (st != ET_OK)
        return st;

    et_json_key(w, "info");
    et_json_open_map(w);
    et_json_put_int(w, "video.height", info.height_px);
    et_json_put_int(w, "video.width", info.width_px);
    et_json_put_text(w, "video.codec", info.codec);
    et_json_put_text(w, "video.pix_fmt", info.pixel_format);
    if (!is_v30)
        et_json_put_bool(w, "video.is_depth_map", field->is_depth);
    et_json_put_int(w, "video.fps", writing->spec->fps);
    et_json_put_int(w, "video.channels", (int64_t)field->n_stats);
    et_json_put_bool(w, "has_audio", info.has_audio);
    if (is_v30 && sum->has_encoded && !sum->has_copied)
        put_encoder(w, &writing->spec->video);
    put_declared(w, et_value_get(field->json, "info"), sum->has_encoded);
    if (is_v30)
        et_json_put_bool(w, "is_depth_map", field->is_depth);
    et_json_close_map(w);
    return ET_OK;
}

/* ---- features ---- */

static enum et_status put_feature(struct et_json_writer *w, const struct writing *writing,
                                  size_t i_field, struct et_err *err)
{
    const struct et__field *field = &writing->spec->fields[i_field];
    const bool has_file = field->is_video && writing->summary->fields[i_field].first_chunk >= 0;
    char key[ET_NAME_BYTES_MAX + 1];
    enum et_status st = ET_OK;

    et_json_key(w, field->name);
    et_json_open_map(w);
    for (size_t i = 0; i < et_value_count(field->json); i++) {
        const struct et_str name = field->json->as.many.keys[i];
        if (has_file && et_str_is(name, "info"))
            continue;
        (void)snprintf(key, sizeof key, "%.*s", ET_STR_ARG(name));
        et_json_key(w, key);
        et_json_value(w, &field->json->as.many.items[i]);
    }
    if (has_file)
        st = put_video_info(w, writing, i_field, err);
    else if (writing->spec->layout == ET_LAYOUT_V30 && !field->is_video)
        et_json_put_int(w, "fps", writing->spec->fps);
    et_json_close_map(w);
    return st;
}

static enum et_status put_features(struct et_json_writer *w, const struct writing *writing,
                                   struct et_err *err)
{
    enum et_status st = ET_OK;
    et_json_key(w, "features");
    et_json_open_map(w);
    for (size_t i = 0; st == ET_OK && i < writing->spec->n_fields; i++)
        st = put_feature(w, writing, i, err);
    et_json_close_map(w);
    return st;
}

/* ---- the document ---- */

static void put_totals(struct et_json_writer *w, const struct writing *writing, size_t n_videos)
{
    const struct et__summary *summary = writing->summary;
    const int64_t chunk_files = writing->spec->chunk_files;
    et_json_put_int(w, "total_episodes", summary->n_episodes);
    et_json_put_int(w, "total_frames", summary->n_rows);
    et_json_put_int(w, "total_tasks", (int64_t)summary->tasks.n);
    if (writing->spec->layout == ET_LAYOUT_V21) {
        et_json_put_int(w, "total_videos", summary->n_episodes * (int64_t)n_videos);
        et_json_put_int(w, "total_chunks", (summary->n_episodes + chunk_files - 1) / chunk_files);
    }
    et_json_put_int(w, "chunks_size", chunk_files);
    if (writing->spec->layout == ET_LAYOUT_V30) {
        et_json_put_int(w, "data_files_size_in_mb", writing->spec->data_file_mb);
        et_json_put_int(w, "video_files_size_in_mb", writing->spec->video_file_mb);
    }
}

static enum et_status put_info(struct et_json_writer *w, const struct writing *writing,
                               struct et_err *err)
{
    const struct et__spec *spec = writing->spec;
    char range[48];
    size_t n_videos = 0;
    for (size_t i = 0; i < spec->n_fields; i++)
        n_videos += spec->fields[i].is_video;

    et_json_open_map(w);
    et_json_put_text(w, "codebase_version", et_layout_text(spec->layout));
    et_json_put_text(w, "robot_type", spec->robot_type);
    put_totals(w, writing, n_videos);
    et_json_put_int(w, "fps", spec->fps);
    (void)snprintf(range, sizeof range, "0:%lld", (long long)writing->summary->n_episodes);
    et_json_key(w, "splits");
    et_json_open_map(w);
    et_json_put_text(w, "train", range);
    et_json_close_map(w);
    et_json_put_text(w, "data_path", et__data_template(spec->layout));
    et_json_put_text(w, "video_path", n_videos > 0 ? et__video_template(spec->layout) : NULL);
    const enum et_status st = put_features(w, writing, err);
    et_json_close_map(w);
    return st;
}

enum et_status et__info_write(const char *root, const struct et__spec *spec,
                              const struct et__summary *summary, struct et_err *err)
{
    struct writing writing = {.root = root, .spec = spec, .summary = summary};
    struct et_buf buf = et_buf(ET__JSON_BYTES_MAX);
    struct et_json_writer w = {.buf = &buf, .indent = 4};
    enum et_status st = et_arena_open(&writing.arena, ET__WRITER_ARENA_BYTES, err);
    if (st == ET_OK)
        st = put_info(&w, &writing, err);
    if (st == ET_OK)
        st = et__meta_replace(root, ET__INFO_PATH, &buf, err);
    et_buf_free(&buf);
    et_arena_close(writing.arena);
    return st;
}
