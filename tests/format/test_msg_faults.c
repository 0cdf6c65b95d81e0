// Each call into the system fails once: a status that says so, nothing lost, nothing leaked.
#include "fault.h"
#include "msg_help.h"
#include "msg_proto.h"
#include "support.h"

static bool is_failure(enum et_status st)
{
    return st == ET_ENOMEM || st == ET_EIO;
}

static const char TEXT[] = "std_msgs/Header header\nstring[] name\nfloat64[] position\n"
                           "P[] p\n==\nMSG: pkg/P\nstring n\nfloat64 x\n";
static const char DOCUMENT[] =
    "{\"name\":[\"a\"],\"position\":[1,2],\"p\":[{\"n\":\"b\",\"x\":3}]}";

static void a_definition_that_cannot_be_had_leaves_nothing(void)
{
    const struct et_msgdef_source source = {.name = ET_STR("pkg/Root"),
                                            .text = et_str(TEXT),
                                            .flavour = ET_MSGDEF_ROS2,
                                            .use_store = true};
    int n_failures = 0;
    FOR_EACH_FAULT(at)
    {
        struct et_arena *own = NULL;
        const struct et_msgdef *def = NULL;
        fault_arm(at);
        enum et_status st = et_arena_open(&own, 1 << 22, &err);
        if (st == ET_OK)
            st = et_msgdef_parse(&source, own, &def, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_OK || is_failure(st) : st == ET_OK);
        CHECK((st == ET_OK) == (def != NULL));
        n_failures += st != ET_OK;
        et_arena_close(own);
    }
    CHECK(n_failures > 3);
}

static void a_stored_text_is_whole_or_fails(void)
{
    FOR_EACH_FAULT(at)
    {
        struct et_buf text = et_buf(1 << 20);
        fault_arm(at);
        const enum et_status st =
            et_msgdef_store_text(ET_STR("nav_msgs/Odometry"), ET_MSGDEF_ROS2, &text, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_OK || is_failure(st) : st == ET_OK);
        et_buf_free(&text);
    }
}

/* The definition that a failure hides must not be taken for one that is not there. */
static void choosing_a_definition_fails_or_chooses_right(void)
{
    static const char BYTES[] = "\0\1\0\0\3\0\0\0hi";
    const struct et_message_schema schema = {.name = ET_STR("std_msgs/msg/String"),
                                             .message_encoding = ET_STR("cdr")};
    FOR_EACH_FAULT(at)
    {
        struct et_arena *own = NULL;
        struct et_message_def found = {0};
        CHECK_OK(et_arena_open(&own, 1 << 22, &err));
        fault_arm(at);
        const enum et_status st =
            et_message_define(&schema, (struct et_str){BYTES, sizeof BYTES}, own, &found, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_OK || is_failure(st) : st == ET_OK);
        CHECK((st == ET_OK) == (found.def != NULL));
        et_arena_close(own);
    }
}

static void a_program_opens_and_runs_or_fails(void)
{
    static const struct et_message_want WANTS[] = {{"position", 0}, {"p[].n", 0}, {"name", 0}};
    const struct et_message_def m = ros(ET_MESSAGE_CDR, TEXT + strlen("std_msgs/Header header\n"));
    const struct et_str bytes = cdr_of(&m, DOCUMENT);
    FOR_EACH_FAULT(at)
    {
        struct et_message_program *program = NULL;
        fault_arm(at);
        enum et_status st = et_message_program_open(&program, &m, WANTS, 3, NULL, &err);
        if (st == ET_OK)
            st = et_message_run(program, bytes, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_ENOMEM : st == ET_OK);
        if (program) { // and is of use afterwards
            CHECK_OK(et_message_run(program, bytes, &err));
            CHECK_EQ(et_message_values(program, 0)->n, 2);
        }
        et_message_program_close(program);
    }
}

static void the_slow_ways_fail_cleanly(void)
{
    const struct et_message_def m = ros(ET_MESSAGE_CDR, TEXT + strlen("std_msgs/Header header\n"));
    const struct et_str bytes = cdr_of(&m, DOCUMENT);
    const struct et_message_want want = {"p[].n", 0};
    FOR_EACH_FAULT(at)
    {
        struct et_arena *own = NULL;
        struct et_message_values values;
        struct et_buf json = et_buf(1 << 16);
        struct et_json_writer w = {.buf = &json};
        CHECK_OK(et_arena_open(&own, 1 << 22, &err));
        fault_arm(at);
        enum et_status st = et_message_walk(&m, &want, bytes, own, &values, &err);
        if (st == ET_OK)
            st = et_message_to_json(&m, bytes, &w, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_ENOMEM : st == ET_OK);
        et_buf_free(&json);
        et_arena_close(own);
    }
}

/* What is damaged is still told, if with fewer words. */
static void a_fault_is_found_without_memory(void)
{
    static const struct et_message_want WANTS[] = {{"position", 0}};
    const struct et_message_def m = ros(ET_MESSAGE_CDR, TEXT + strlen("std_msgs/Header header\n"));
    struct et_str bytes = cdr_of(&m, DOCUMENT);
    struct et_message_program *program;
    bytes.n = 14;
    CHECK_OK(et_message_program_open(&program, &m, WANTS, 1, NULL, &err));
    FOR_EACH_FAULT(at)
    {
        fault_arm(at);
        const enum et_status st = et_message_run(program, bytes, &err);
        fault_disarm();
        CHECK(st == ET_ECORRUPT || (fault_seen && st == ET_ENOMEM));
        CHECK(err.text[0]);
    }
    et_message_program_close(program);
}

static void documents_and_protobuf(void)
{
    static const struct et_message_want WANTS[] = {{"q", 0}, {"joints[].name", 0}};
    static const struct et_message_want KEYS[] = {{"position", 0}, {"name[0]", 0}};
    const struct et_message_def json = {.encoding = ET_MESSAGE_JSON};
    const struct et_message_def cdr =
        ros(ET_MESSAGE_CDR, TEXT + strlen("std_msgs/Header header\n"));
    const struct et_value *value;
    struct et_buf set = et_buf(1 << 20), state = et_buf(1 << 20);
    proto_robot(&set);
    proto_state(&state);
    CHECK_OK(et_json_parse(et_str(DOCUMENT), NULL, arena, &value, &err));
    FOR_EACH_FAULT(at)
    {
        struct et_arena *own = NULL;
        struct et_message_program *program = NULL, *other = NULL;
        struct et_message_def m = {.encoding = ET_MESSAGE_PROTOBUF};
        struct et_buf text = et_buf(1 << 16), bytes = et_buf(1 << 16);
        struct et_json_writer w = {.buf = &text};
        CHECK_OK(et_arena_open(&own, 1 << 22, &err));
        fault_arm(at);
        enum et_status st =
            et_msgdef_parse_protobuf(et_buf_str(&set), ET_STR("robot.State"), own, &m.def, &err);
        if (st == ET_OK)
            st = et_message_program_open(&program, &m, WANTS, 2, NULL, &err);
        if (st == ET_OK)
            st = et_message_run(program, et_buf_str(&state), &err);
        if (st == ET_OK)
            st = et_message_to_json(&m, et_buf_str(&state), &w, &err);
        if (st == ET_OK)
            st = et_message_program_open(&other, &json, KEYS, 2, NULL, &err);
        if (st == ET_OK)
            st = et_message_run(other, et_str(DOCUMENT), &err);
        if (st == ET_OK)
            st = et_cdr_write(cdr.def, value, &bytes, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_ENOMEM : st == ET_OK);
        et_message_program_close(program);
        et_message_program_close(other);
        et_buf_free(&text);
        et_buf_free(&bytes);
        et_arena_close(own);
    }
    et_buf_free(&set);
    et_buf_free(&state);
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)1 << 28, &err) != ET_OK)
        return 99;
    if (!getenv("ETUDE_SHARE"))
        setenv("ETUDE_SHARE", source_path("share"), 1);
    RUN(a_definition_that_cannot_be_had_leaves_nothing);
    RUN(a_stored_text_is_whole_or_fails);
    RUN(choosing_a_definition_fails_or_chooses_right);
    RUN(a_program_opens_and_runs_or_fails);
    RUN(the_slow_ways_fail_cleanly);
    RUN(a_fault_is_found_without_memory);
    RUN(documents_and_protobuf);
    et_arena_close(arena);
    return tap_end();
}
