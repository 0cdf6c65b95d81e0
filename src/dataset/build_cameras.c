/* The cameras of a build. Colour becomes videos; depth stays what it is, 16 bits of millimetres,
 * and goes into the rows: no video codec that loaders read keeps a millimetre. */
#include "dataset/dataset__build.h"

#include <assert.h>
#include <stdlib.h>

#define IMAGES "observation.images."
#define DEPTH "observation.depth."

static enum et_status full(const struct et__build *build, struct et_err *err)
{
    return et_arena_fail(build->arena, "the plan", err);
}

const char *et__build_camera_stream(const struct et_dataset *dataset, size_t i_feature)
{
    const struct et_binding *binding = et_dataset_binding(dataset);
    for (size_t k = 0; k < binding->n_streams; k++)
        if (binding->streams[k].i_feature == i_feature && !binding->streams[k].columns)
            return binding->streams[k].stream.name;
    return et_dataset_info(dataset)->features[i_feature].name;
}

bool et__build_is_stored_depth(const struct et_dataset *dataset, size_t i_feature)
{
    const struct et_feature *feature = &et_dataset_info(dataset)->features[i_feature];
    return feature->dtype == ET_DTYPE_IMAGE &&
           et_value_bool(et_value_get(et_value_get(feature->declared, "info"), "is_depth_map"),
                         false);
}

const struct et_feature *et__build_stored_depth(const struct et_dataset *dataset,
                                                const char *stream)
{
    const struct et_dataset_info *info = et_dataset_info(dataset);
    for (size_t i = 0; i < info->n_features; i++)
        if (et__build_is_stored_depth(dataset, i) &&
            strcmp(et__build_camera_stream(dataset, i), stream) == 0)
            return &info->features[i];
    return NULL;
}

/* ---- what there is ---- */

/* "head.image" becomes "observation.images.head", "head.depth" "observation.depth.head"; what no
 * rule names keeps its own name. */
static const char *name_feature(struct et__build *build, const char *stream, bool is_depth)
{
    const char *own = stream;
    const char *const prefixes[] = {IMAGES, DEPTH};
    for (size_t i = 0; i < 2; i++)
        if (et_str_starts(et_str(own), prefixes[i]))
            own += strlen(prefixes[i]);
    const char *const ends[] = {".image", ".depth"};
    const char *end = ends[is_depth];
    const size_t n = strlen(own), n_own = et_str_ends(et_str(own), end) ? n - strlen(end) : n;
    return et_arena_printf(build->arena, "%s%.*s", is_depth ? DEPTH : IMAGES, (int)n_own, own);
}

static struct et__build_camera *find_camera(struct et__build *build, const char *stream)
{
    for (size_t i = 0; i < build->n_cameras; i++)
        if (strcmp(build->cameras[i].stream, stream) == 0)
            return &build->cameras[i];
    return NULL;
}

static enum et_status add_camera(struct et__build *build, size_t i_pick, const char *stream,
                                 bool is_depth, struct et__build_camera **camera,
                                 struct et_err *err)
{
    *camera = find_camera(build, stream);
    if (!*camera) {
        struct et__build_camera *cameras = et__grow(build->arena, build->cameras, build->n_cameras,
                                                    &build->cap_cameras, sizeof *cameras);
        bool *has = et_arena_array(build->arena, build->run.n_picks, sizeof *has);
        const char *copy = et__copy_text(build->arena, et_str(stream));
        const char *feature = name_feature(build, stream, is_depth);
        if (!cameras || !has || !copy || !feature)
            return full(build, err);
        build->cameras = cameras;
        *camera = &cameras[build->n_cameras++];
        **camera = (struct et__build_camera){
            .stream = copy, .feature = feature, .has = has, .is_depth = is_depth};
    }
    (*camera)->has[i_pick] = true;
    return ET_OK;
}

/* Distances of two sizes are two cameras: scaling would invent some. */
static enum et_status set_depth_size(struct et__build *build, struct et__build_camera *camera,
                                     int width_px, int height_px, struct et_err *err)
{
    if (camera->trouble || width_px < 1 || height_px < 1)
        return ET_OK;
    if (camera->width_px == 0) {
        camera->width_px = width_px;
        camera->height_px = height_px;
    }
    if (camera->width_px == width_px && camera->height_px == height_px)
        return ET_OK;
    camera->trouble =
        et_arena_printf(build->arena, "depth of %d × %d and of %d × %d pixels; left out",
                        camera->width_px, camera->height_px, width_px, height_px);
    return camera->trouble ? ET_OK : full(build, err);
}

/* The first picture of a recording's camera that can be decoded. *is_known stays false when the
 * episode has none; camera->unread then says why. */
static enum et_status probe_recorded(struct et__build *build, const struct et__item *item,
                                     struct et__build_camera *camera, struct et_arena *scratch,
                                     struct et_image *image, bool *is_known, struct et_err *err)
{
    struct et_episode episode;
    struct et_frames *frames = NULL;
    struct et_err bad = {0};
    enum et_status st = et_dataset_episode(build->run.picks[item->i_pick].dataset, item->place,
                                           scratch, &episode, err);
    const struct et_video_ref *ref = NULL;
    for (size_t i = 0; st == ET_OK && i < episode.n_videos; i++)
        if (strcmp(episode.videos[i].stream.name, camera->stream) == 0)
            ref = &episode.videos[i];
    if (st != ET_OK || !ref || !ref->is_recorded || ref->n_frames < 1 || !ref->t_arrival_ns)
        return st;
    const struct et_frames_range range = {.path = ref->path,
                                          .profile = ref->profile,
                                          .device = ref->device,
                                          .stream = ref->stream.name,
                                          .t_arrival_ns = ref->t_arrival_ns,
                                          .t_device_ns = ref->t_device_ns,
                                          .n_frames = ref->n_frames};
    st = et_frames_open(&frames, &range, &bad);
    if (st == ET_OK)
        st = et__build_first_picture(frames, ref->n_frames, image, &bad);
    et_frames_close(frames);
    *is_known = st == ET_OK;
    if (st == ET_OK)
        return ET_OK;
    camera->unread = et_arena_printf(build->arena, "%s; left out", bad.text);
    return camera->unread ? ET_OK : full(build, err);
}

/* It also says whether they are distances. */
static enum et_status probe_depth(struct et__build *build, const struct et__item *item,
                                  struct et__build_camera *camera, struct et_arena *scratch,
                                  struct et_err *err)
{
    struct et_image image = {0};
    bool is_known = false;
    const enum et_status st = probe_recorded(build, item, camera, scratch, &image, &is_known, err);
    if (st != ET_OK || !is_known)
        return st;
    if (image.n_bits == 16 && image.n_channels == 1)
        return set_depth_size(build, camera, image.width_px, image.height_px, err);
    camera->trouble = et_arena_printf(build->arena,
                                      "its pictures have %d bits and %d channels: no distances; "
                                      "left out",
                                      image.n_bits, image.n_channels);
    return camera->trouble ? ET_OK : full(build, err);
}

static enum et_status add_video(struct et__build *build, const struct et__item *item,
                                const struct et_video_place *place, const char *stream,
                                struct et_arena *scratch, struct et_err *err)
{
    struct et_video_info info;
    struct et__build_camera *camera;
    struct et_image image;
    bool is_known = false;
    const struct et_dataset *dataset = build->run.picks[item->i_pick].dataset;
    enum et_status st = add_camera(build, item->i_pick, stream, false, &camera, err);
    if (st != ET_OK)
        return st;
    if (camera->width_px == 0) {
        camera->width_px = place->width_px;
        camera->height_px = place->height_px;
    }
    if (camera->width_px == 0 && et__probe_once(dataset, place->path, &info, NULL) == ET_OK) {
        camera->width_px = info.width_px;
        camera->height_px = info.height_px;
    }
    if (camera->width_px == 0 && et_dataset_info(dataset)->layout == ET_LAYOUT_EPISODES)
        st = probe_recorded(build, item, camera, scratch, &image, &is_known, err);
    if (is_known) {
        camera->width_px = image.width_px;
        camera->height_px = image.height_px;
    }
    return st;
}

static enum et_status add_recorded_depth(struct et__build *build, const struct et__item *item,
                                         const char *stream, struct et_arena *scratch,
                                         struct et_err *err)
{
    struct et__build_camera *camera = find_camera(build, stream);
    const bool is_known = camera && (camera->width_px > 0 || camera->trouble);
    if (is_known && camera->has[item->i_pick])
        return ET_OK; // of each pick the first episode is looked at that says something
    const enum et_status st = add_camera(build, item->i_pick, stream, true, &camera, err);
    return st == ET_OK ? probe_depth(build, item, camera, scratch, err) : st;
}

static enum et_status add_stored_depth(struct et__build *build, size_t i_pick, struct et_err *err)
{
    const struct et_dataset *dataset = build->run.picks[i_pick].dataset;
    const struct et_dataset_info *info = et_dataset_info(dataset);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < info->n_features; i++) {
        int64_t height, width, channels;
        struct et__build_camera *camera;
        if (!et__build_is_stored_depth(dataset, i) ||
            !et__picture_size(&info->features[i], &height, &width, &channels) ||
            height > ET_IMAGE_SIDE_PX_MAX || width > ET_IMAGE_SIDE_PX_MAX)
            continue;
        st = add_camera(build, i_pick, et__build_camera_stream(dataset, i), true, &camera, err);
        if (st == ET_OK)
            st = set_depth_size(build, camera, (int)width, (int)height, err);
    }
    return st;
}

/* Cameras that are there in some episode of a pick. The profile may give two videos one name; the
 * first that is there counts. */
static enum et_status survey_item(struct et__build *build, const struct et__item *item,
                                  bool with_videos, bool with_depth, struct et_arena *scratch,
                                  struct et_err *err)
{
    struct et_episode_meta meta;
    const struct et_dataset *dataset = build->run.picks[item->i_pick].dataset;
    const bool is_recorded = et_dataset_info(dataset)->layout == ET_LAYOUT_EPISODES;
    enum et_status st = et_dataset_episode_meta(dataset, item->place, scratch, &meta, err);
    for (size_t i = 0; st == ET_OK && i < meta.n_videos; i++) {
        const struct et_video_place *place = &meta.videos[i];
        const char *stream = et__build_camera_stream(dataset, place->i_feature);
        const bool is_depth = is_recorded && et_str_ends(et_str(stream), ".depth");
        if (place->is_present && is_depth && with_depth)
            st = add_recorded_depth(build, item, stream, scratch, err);
        else if (place->is_present && !is_depth && with_videos)
            st = add_video(build, item, place, stream, scratch, err);
    }
    if (st == ET_OK && with_depth && item->i_in_pick == 0)
        st = add_stored_depth(build, item->i_pick, err);
    return st;
}

/* ---- which of them ---- */

static int compare_cameras(const void *a, const void *b)
{
    return et__build_compare_streams(((const struct et__build_camera *)a)->stream,
                                     ((const struct et__build_camera *)b)->stream);
}

static const char *why_not(const struct et__build *build, const struct et__build_camera *camera)
{
    bool is_common = true;
    for (size_t p = 0; p < build->run.n_picks; p++)
        is_common = is_common && camera->has[p];
    if (!is_common && build->options->parts == ET_PARTS_COMMON)
        return "not in every dataset; left out";
    if (camera->trouble)
        return camera->trouble;
    if (camera->width_px > 0)
        return NULL;
    return camera->unread ? camera->unread : "its videos cannot be opened; left out";
}

static void choose_cameras(struct et__build *build)
{
    size_t n = 0;
    for (size_t i = 0; i < build->n_cameras; i++) {
        const struct et__build_camera *camera = &build->cameras[i];
        const char *why = why_not(build, camera);
        if (why)
            et__note(&build->run.remarks,
                     camera->trouble || camera->unread ? ET_SEVERITY_WARN : ET_SEVERITY_INFO,
                     camera->stream, "%s", why);
        else
            build->cameras[n++] = *camera;
    }
    build->n_cameras = n;
    if (n > 0)
        qsort(build->cameras, n, sizeof *build->cameras, compare_cameras);
}

enum et_status et__build_plan_cameras(struct et__build *build, struct et_arena *scratch,
                                      struct et_err *err)
{
    const struct et_build_options *o = build->options;
    const bool with_videos = o->videos != ET_VIDEO_DROP;
    const bool with_depth = o->depth == ET_DEPTH_AUTO ? with_videos : o->depth == ET_DEPTH_PNG;
    enum et_status st = ET_OK;
    for (size_t i = 0; (with_videos || with_depth) && st == ET_OK && i < build->run.n_items; i++) {
        const struct et_judged *judged = et__build_judged(build, &build->run.items[i]);
        const struct et_arena_mark mark = et_arena_mark(scratch);
        if (!judged || judged->grade.verdict != ET_VERDICT_REJECT)
            st = survey_item(build, &build->run.items[i], with_videos, with_depth, scratch, err);
        et_arena_rewind(scratch, mark);
    }
    if (st == ET_OK)
        choose_cameras(build);
    return st;
}

/* ---- what is declared ---- */

enum et_status et__build_declare_camera(struct et__build *build,
                                        const struct et__build_camera *camera,
                                        struct et_feature *feature, struct et_err *err)
{
    static const char DEPTH_INFO[] = "{\"names\":[\"height\",\"width\",\"channel\"],"
                                     "\"info\":{\"is_depth_map\":true,\"depth_unit\":\"mm\"}}";
    int64_t *shape = et_arena_array(build->arena, 3, sizeof *shape);
    if (!shape)
        return full(build, err);
    const int even = camera->is_depth ? ~0 : ~1; // frames are even where they are encoded
    shape[0] = camera->height_px & even;
    shape[1] = camera->width_px & even;
    shape[2] = camera->is_depth ? 1 : 3;
    feature->shape = shape;
    feature->n_dims = 3;
    feature->n_values = 0;
    if (!camera->is_depth)
        return ET_OK;
    feature->dtype = ET_DTYPE_IMAGE;
    return et_json_parse(et_str(DEPTH_INFO), NULL, build->arena, &feature->declared, err);
}
