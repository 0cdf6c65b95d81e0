// Every call into the system fails once while contact is looked for.
#include "etude/residual.h"

#include "fault.h"
#include "support.h"
#include "tap.h"

#include <math.h>

#define N 1200
#define ARENA_BYTES ((size_t)64 << 20)

static struct et_err err;

static enum et_status estimate(const char *path, const struct et_residual_input *input)
{
    static const char *const joints[] = {"j"};
    struct et_residual_model *model = NULL;
    struct et_arena *arena = NULL;
    struct et_residual residual;
    enum et_status st = et_arena_open(&arena, ARENA_BYTES, &err);
    if (st == ET_OK)
        st = et_residual_open(&model, path, joints, 1, &err);
    if (st == ET_OK)
        st = et_residual_estimate(model, input, NULL, arena, &residual, &err);
    CHECK(st != ET_OK || residual.is_known);
    et_residual_close(model);
    et_arena_close(arena);
    return st;
}

static void tells_of_every_failure_to_find_contact(void)
{
    static const char text[] =
        "<robot name=\"r\"><link name=\"a\"/><link name=\"b\"><inertial><mass value=\"1\"/>"
        "<inertia ixx=\"1\" iyy=\"1\" izz=\"1\"/></inertial></link><joint name=\"j\" "
        "type=\"continuous\"><parent link=\"a\"/><child link=\"b\"/></joint></robot>";
    static double position[N], effort[N];
    static int64_t t_ns[N];
    const char *path = temp_path("r.urdf");
    write_file(path, text, sizeof text - 1);
    for (size_t i = 0; i < N; i++) {
        t_ns[i] = (int64_t)i * 5000000;
        position[i] = sin(0.01 * (double)i);
        effort[i] = -4 * position[i];
    }
    const struct et_residual_input input = {
        .position = position, .effort = effort, .t_ns = t_ns, .n_samples = N};
    FOR_EACH_FAULT(at)
    {
        err = (struct et_err){0};
        fault_arm(at);
        const enum et_status st = estimate(path, &input);
        const bool was_seen = fault_seen;
        fault_disarm();
        CHECK(st == ET_OK || (was_seen && err.text[0])); // a close that fails is no loss
    }
}

int main(void)
{
    RUN(tells_of_every_failure_to_find_contact);
    return tap_end();
}
