#include "record/record__transforms.h"

#include <math.h>
#include <stdio.h>

#define FRAME_BYTES (2 * ET_NAME_BYTES_MAX)

struct et_cdr et__transforms_begin(struct et__listener *listener, size_t n)
{
    struct et_cdr w = et__listener_begin(listener);
    et_cdr_count(&w, n);
    return w;
}

static void put_frame(struct et_cdr *w, const struct et__listener *listener, const char *name)
{
    char frame[FRAME_BYTES];
    (void)snprintf(frame, sizeof frame, "%s%s%s", listener->device, name ? "/" : "",
                   name ? name : "");
    et_cdr_text(w, et_str(frame));
}

void et__transforms_put(struct et_cdr *w, const struct et__listener *listener, int64_t t_device_ns,
                        const char *parent, const char *child, const struct et_pose *pose)
{
    et_cdr_time(w, t_device_ns);
    put_frame(w, listener, parent);
    put_frame(w, listener, child);
    const double values[] = {pose->position.x, pose->position.y, pose->position.z, pose->rotation.x,
                             pose->rotation.y, pose->rotation.z, pose->rotation.w};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        et_cdr_f64(w, values[i]);
}

bool et__transforms_check(struct et_pose *pose)
{
    const struct et_vec3 p = pose->position;
    const struct et_quat q = pose->rotation;
    const double square = q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w;
    if (!isfinite(p.x) || !isfinite(p.y) || !isfinite(p.z) || !isfinite(square) || square < 0.25)
        return false;
    pose->rotation = et_quat_normal(q);
    return true;
}
