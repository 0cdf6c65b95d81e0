// Every call into the system fails once while a profile is drafted: it is told, nothing leaks.
#include "made.h"

#include "etude/recording.h"
#include "fault.h"
#include "support.h"
#include "tap.h"

static struct et_err err;

static void tells_of_every_failure_to_draft(void)
{
    struct made m;
    const char *path = temp_path("faults.mcap");
    const double values[2] = {0.1, 0.2};
    made_open(&m, path);
    const uint16_t state = made_channel(&m, "/joint_states", "sensor_msgs/msg/JointState");
    const uint16_t marks = made_channel(&m, "/episode", "std_msgs/msg/String");
    for (int k = 0; k < 3; k++) {
        made_joints(&m, state, SEC + k * MS, SEC, "left_elbow left_gripper", values, 2);
        made_string(&m, marks, SEC + k * MS, "start");
    }
    made_finish(&m);
    struct et_recording *recording;
    CHECK_OK(et_recording_open(&recording, path, NULL, &err));
    FOR_EACH_FAULT(at)
    {
        struct et_buf yaml = et_buf(1 << 16);
        err = (struct et_err){0};
        fault_arm(at);
        const enum et_status st = et_recording_guess(recording, &yaml, &err);
        const bool was_seen = fault_seen;
        fault_disarm();
        CHECK(was_seen || st == ET_OK);
        CHECK(st == ET_OK ? yaml.n > 0 : err.text[0] != 0);
        et_buf_free(&yaml);
    }
    et_recording_close(recording);
}

int main(void)
{
    RUN(tells_of_every_failure_to_draft);
    return tap_end();
}
