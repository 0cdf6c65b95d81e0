/* Any bytes as what an operator's devices put: what comes of them is taken by teleoperation, whose
 * joints stay within their limits, and go nowhere without a clutch. */
#include "record/record__operator_input.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define N_JOINTS 8

static const double LOWER[N_JOINTS] = {-1, -1, 0, 0, -1, -1, 0, 0};
static const double UPPER[N_JOINTS] = {1, 1, 2, 0.1, 1, 1, 2, 0.1};
static const double START[N_JOINTS] = {0.3, 0.2, 1, 0.1, 0.3, -0.2, 1, 0.1};

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static struct et_pose pose(void *ctx, const double *joints, size_t i_hand)
{
    (void)ctx;
    const double *q = joints + 4 * i_hand;
    return (struct et_pose){{q[0], q[1], q[2]}, {0, 0, 0, 1}};
}

static double solve(void *ctx, double *joints, size_t i_hand, const struct et_pose *goal)
{
    (void)ctx;
    double *q = joints + 4 * i_hand;
    q[0] = goal->position.x;
    q[1] = goal->position.y;
    q[2] = goal->position.z;
    return 0;
}

static const struct et_teleop_robot ROBOT = {.n_joints = N_JOINTS,
                                             .lower = LOWER,
                                             .upper = UPPER,
                                             .arms = {{0, 3, 3, 0.1, 0}, {4, 3, 7, 0.1, 0}},
                                             .pose = pose,
                                             .solve = solve};

static const struct et_feed_stream STREAMS[] = {
    {.topic = "/dev/pose", .type = "tf2_msgs/msg/TFMessage", .device = "dev"},
    {.topic = "/dev/joint_states", .type = "sensor_msgs/msg/JointState", .device = "dev"},
    {.topic = "/dev", .type = "etude_msgs/msg/Device", .device = "dev"},
    {.topic = "/dev/frame", .type = "etude_msgs/msg/DeviceFrame", .device = "dev"},
    {.topic = "/pad", .type = "etude_msgs/msg/Device", .device = "pad"}};

/* The first byte says who leads; then messages: which stream, how long, its bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et_teleop *teleop;
    double joints[N_JOINTS];
    static struct et__operator_input in;
    if (size == 0)
        return 0;
    in = (struct et__operator_input){
        .how = {
            .kind = (enum et__operator_kind)(data[0] % 4),
            .device = "dev",
            .clutch = data[0] & 4 ? "pad" : NULL,
            .grips_by_trigger = data[0] & 8,
            .turn = "right_stick",
            .m_s = 0.2,
            .rad_s = 0.8,
            .joints = {{.from = "one", .scale = -2},
                       {.from = "two", .side = ET_OPERATOR_RIGHT, .is_grip = true, .closed = 1}},
            .n_joints = 2}};
    if (in.how.clutch || in.how.kind == ET__OPERATOR_PAD) {
        in.how.buttons[0] = "left_shoulder";
        in.how.buttons[1] = "right_shoulder";
    }
    require(et_teleop_open(&teleop, &ROBOT, NULL, NULL) == ET_OK);
    et_teleop_begin(teleop, START);
    int64_t t_ns = 1000;
    for (size_t at = 1; at + 2 <= size;) {
        const struct et_feed_stream *stream = &STREAMS[data[at] % 5];
        size_t n = data[at + 1] * (size_t)4;
        at += 2;
        n = n < size - at ? n : size - at;
        struct et_teleop_input input;
        t_ns += 10000000;
        const struct et_feed_sample sample = {
            .t_arrival_ns = t_ns, .n_bytes = (uint32_t)n, .bytes = data + at};
        if (et__operator_hear(&in, stream, &sample, &input))
            et_teleop_input(teleop, &input);
        et_teleop_step(teleop, t_ns, joints);
        for (size_t k = 0; k < N_JOINTS; k++)
            require(joints[k] >= LOWER[k] && joints[k] <= UPPER[k]);
        at += n;
    }
    et_teleop_close(teleop);
    return 0;
}
