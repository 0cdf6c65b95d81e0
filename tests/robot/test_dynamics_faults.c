// Every call into the system fails once while a robot is loaded.
#include "etude/dynamics.h"

#include "fault.h"
#include "support.h"
#include "tap.h"

static struct et_err err;

static void tells_of_every_failure_to_load_a_robot(void)
{
    static const char text[] =
        "<robot name=\"r\"><link name=\"a\"/><link name=\"b\"><inertial><mass value=\"1\"/>"
        "<inertia ixx=\"1\" iyy=\"1\" izz=\"1\"/></inertial></link><joint name=\"j\" "
        "type=\"continuous\"><parent link=\"a\"/><child link=\"b\"/></joint></robot>";
    const char *path = temp_path("r.urdf");
    write_file(path, text, sizeof text - 1);
    FOR_EACH_FAULT(at)
    {
        struct et_dynamics *d = NULL;
        fault_arm(at);
        const enum et_status st = et_dynamics_open(&d, path, NULL, &err);
        const bool was_seen = fault_seen;
        fault_disarm();
        CHECK(was_seen || st == ET_OK);
        CHECK(st == ET_OK ? d != NULL : !d && err.text[0]);
        et_dynamics_close(d);
    }
}

int main(void)
{
    RUN(tells_of_every_failure_to_load_a_robot);
    return tap_end();
}
