/* The robot's cameras: pictures of the last step, coded as they are sent. */
#include "record__record.h"

#include "etude/file.h"

#include <stdlib.h>
#include <string.h>

#define GOP_S 2 // from start to start: what is lost is lost for so long at most

bool et__camera_is_own(const char *place)
{
    return strcmp(place, "scene") != 0;
}

char *et__camera_topic(const char *place)
{
    struct et_buf name = et_buf(ET_PATH_BYTES_MAX);
    et_buf_printf(&name, "/camera/%s", place);
    char *topic = name.status == ET_OK ? strdup(et_buf_text(&name)) : NULL;
    et_buf_free(&name);
    return topic;
}

enum et_status et__camera_coder(struct et_video_coder **coder, int width_px, int height_px, int fps,
                                struct et_err *err)
{
    const struct et_video_coder_options how = {
        .width_px = width_px, .height_px = height_px, .fps = fps, .gop = GOP_S * fps};
    return et_video_coder_open(coder, &how, err);
}

void et__camera_unit(struct et_cdr *w, struct et_str unit)
{
    et_cdr_bytes(w, unit.p, unit.n);
    et_cdr_text(w, et_str("h264"));
}

static size_t picture_bytes(const struct et_world_record *record)
{
    return 3 * (size_t)record->width_px * (size_t)record->height_px;
}

static enum et_status open_camera(struct et_world_record *record, size_t i, const char *place,
                                  struct et_err *err)
{
    struct et__camera *camera = &record->cameras[record->n_cameras++];
    const int fps = record->options.fps;
    const enum et__device_name device =
        (enum et__device_name)(ET__DEVICE_CAMERA + record->n_cameras - 1);
    camera->i = i;
    camera->name = et__camera_topic(place);
    camera->held = malloc(picture_bytes(record));
    if (!camera->name || !camera->held)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a camera");
    enum et_status st =
        et__camera_coder(&camera->coder, record->width_px, record->height_px, fps, err);
    if (st == ET_OK)
        st =
            et__topic_open(record, &camera->topic, device, camera->name, ET__CAMERA_TYPE, fps, err);
    camera->topic.frame = camera->name + strlen("/camera/");
    return st;
}

/* Those of cameras are done to the head's. */
struct et__camera *et__head_camera(struct et_world_record *record)
{
    for (size_t i = 0; i < record->n_cameras; i++)
        if (strcmp(record->cameras[i].topic.frame, "head") == 0)
            return &record->cameras[i];
    return NULL;
}

static enum et_status check_faults(struct et_world_record *record, struct et_err *err)
{
    for (size_t i = 0; i < record->options.n_faults; i++) {
        const struct et_world_fault_kind *kind =
            et_world_fault_kind(record->options.faults[i].name);
        if (kind->needs_cameras && !et__head_camera(record))
            return et_fail(err, ET_EARG, -1, "%s needs a camera on the head, and %s has none",
                           kind->name, et_world_robot(record->world));
    }
    return ET_OK;
}

enum et_status et__cameras_open(struct et_world_record *record, struct et_err *err)
{
    if (!record->options.renderer)
        return ET_OK;
    et_world_renderer_size(record->options.renderer, &record->width_px, &record->height_px);
    record->rgb = malloc(picture_bytes(record));
    record->scratch = malloc(picture_bytes(record));
    if (!record->rgb || !record->scratch)
        return et_fail(err, ET_ENOMEM, -1, "no memory for pictures");
    enum et_status st = ET_OK;
    for (size_t i = 0; i < et_world_n_cameras(record->world) && st == ET_OK; i++) {
        const char *place = et_world_camera(record->world, i);
        if (et__camera_is_own(place) && record->n_cameras == ET__CAMERAS_MAX)
            st = et_fail(err, ET_ELIMIT, -1, "%s has more than %d cameras",
                         et_world_robot(record->world), ET__CAMERAS_MAX);
        else if (et__camera_is_own(place))
            st = open_camera(record, i, place, err);
    }
    return st == ET_OK ? check_faults(record, err) : st;
}

void et__cameras_close(struct et_world_record *record)
{
    for (size_t k = 0; k < record->n_cameras; k++) {
        et_video_coder_close(record->cameras[k].coder);
        free(record->cameras[k].name);
        free(record->cameras[k].held);
    }
    free(record->rgb);
    free(record->scratch);
}

static enum et_status send_picture(struct et_world_record *record, struct et__camera *camera,
                                   struct et_err *err)
{
    struct et_str unit;
    struct et__message *message;
    enum et_status st = et_world_render(record->options.renderer, camera->i, record->rgb, err);
    if (st == ET_OK) {
        et__spoil_picture(record, camera);
        st = et_video_coder_put(camera->coder, record->rgb, &unit, err);
    }
    if (st == ET_OK)
        st = et__send_begin(record, &camera->topic, record->t_world_ns, &message, err);
    if (st != ET_OK || !message)
        return st;
    struct et_cdr w = et__send_header(&camera->topic, message);
    et__camera_unit(&w, unit);
    return et__send(record, &camera->topic, record->t_world_ns, message, err);
}

enum et_status et__cameras_send(struct et_world_record *record, struct et_err *err)
{
    if (record->n_cameras == 0 || record->t_world_ns < record->t_frame_ns)
        return ET_OK;
    record->t_frame_ns += INT64_C(1000000000) / record->options.fps;
    enum et_status st = ET_OK;
    for (size_t k = 0; k < record->n_cameras && st == ET_OK; k++)
        st = send_picture(record, &record->cameras[k], err);
    return st;
}
