/* Whatever call into the system fails, a policy is exported and imported whole or not at all, and
 * is served or not. */
#include "etude/file.h"
#include "etude/loop.h"
#include "etude/policy_exchange.h"
#include "etude/policy_serve.h"
#include "fault.h"
#include "policy_made.h"
#include "support.h"
#include "tap.h"

static struct et_err err;
static const struct made_policy MADE = {.kind = "act", .n_joints = 2, .n_scene = 1, .n_tasks = 1};
static const char *const NAMES[] = {"a", "b"};
static const char *folder;

static void export(const char *policy)
{
    const char *onnx = temp_path("a.onnx");
    FOR_EACH_FAULT(at)
    {
        err = (struct et_err){0};
        CHECK_OK(et_path_remove(onnx, &err));
        fault_arm(at);
        const enum et_status st = et_policy_export(policy, onnx, &err);
        fault_disarm();
        CHECK(st == ET_OK || err.text[0]);
        CHECK(st != ET_OK || file_exists(onnx));
        CHECK(fault_seen || st == ET_OK);
    }
}

static void exports_whole_or_not_at_all(void)
{
    struct made_policy made = MADE;
    export(folder);
    made.n_cameras = 2;
    CHECK(make_policy(temp_path("seeing"), &made));
    export(temp_path("seeing"));
}

static void imports_whole_or_not_at_all(void)
{
    const struct et_policy_import_options options = {.joints = NAMES, .n_joints = 2, .rate_hz = 25};
    const char *to = temp_path("imported");
    struct et_policy *policy;
    FOR_EACH_FAULT(at)
    {
        err = (struct et_err){0};
        fault_arm(at);
        const enum et_status st = et_policy_import(folder, to, &options, &err);
        fault_disarm();
        CHECK(st == ET_OK || err.text[0]);
        CHECK(fault_seen || st == ET_OK);
        if (st == ET_OK)
            CHECK_OK(et_policy_open(&policy, to, NULL, &err));
        if (st == ET_OK)
            et_policy_close(policy);
        CHECK_OK(et_path_remove(to, &err)); // what a failing removal left
    }
}

static void serves_or_does_not(void)
{
    struct et_policy *policy;
    CHECK_OK(et_policy_open(&policy, folder, NULL, &err));
    const struct et_policy_server_options options = {.net = {.address = "127.0.0.1:0"}};
    FOR_EACH_FAULT(at)
    {
        struct et_loop *loop;
        struct et_policy_server *server;
        err = (struct et_err){0};
        CHECK_OK(et_loop_open(&loop, NULL, &err));
        fault_arm(at);
        const enum et_status st = et_policy_server_open(&server, loop, policy, &options, &err);
        fault_disarm();
        CHECK((st == ET_OK) == (server != NULL));
        CHECK(fault_seen ? st != ET_OK && err.text[0] : st == ET_OK);
        et_policy_server_close(server);
        et_loop_close(loop);
    }
    et_policy_close(policy);
}

int main(void)
{
    struct et_policy *policy = NULL;
    folder = temp_path("policy");
    // OpenBLAS is loaded once, by the first that acts.
    if (!make_policy(folder, &MADE) || et_policy_open(&policy, folder, NULL, &err) != ET_OK)
        return 1;
    et_policy_close(policy);
    RUN(exports_whole_or_not_at_all);
    RUN(imports_whole_or_not_at_all);
    RUN(serves_or_does_not);
    return tap_end();
}
