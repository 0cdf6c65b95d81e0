// Real messages: every path of every type by programs and by the slow reference, whole messages as
// JSON and back, and the same messages with and without their definitions.
#include "msg_help.h"
#include "msg_random.h"

#include "etude/mcap.h"

#include <sqlite3.h>

struct message {
    const char *topic;
    struct et_message_schema schema;
    struct et_str bytes;
};

static struct message *messages; // of the file that is looked at, in the arena
static size_t n_messages;
#define MESSAGES_MAX 20000

static struct et_str keep(struct et_str text)
{
    return (struct et_str){et_arena_copy(arena, text.p, text.n), text.n};
}

static void add(struct et_str topic, const struct et_message_schema *schema, struct et_str bytes)
{
    if (!messages)
        messages = et_arena_array(arena, MESSAGES_MAX, sizeof *messages);
    if (n_messages == MESSAGES_MAX)
        return;
    messages[n_messages++] = (struct message){
        .topic = keep(topic).p,
        .schema = {keep(schema->name), keep(schema->encoding), keep(schema->data),
                   keep(schema->message_encoding)},
        .bytes = keep(bytes),
    };
}

// ---- where they come from --------------------------------------------------------------------

static bool read_mcap(const char *path)
{
    struct et_mcap_reader *reader;
    struct et_mcap_message message;
    enum et_status st;
    n_messages = 0;
    CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
    if (!reader)
        return false;
    CHECK_OK(et_mcap_query(reader, NULL, &err));
    while ((st = et_mcap_next(reader, &message, &err)) == ET_OK) {
        const struct et_mcap_channel *channel = et_mcap_channel(reader, message.channel_id);
        const struct et_mcap_schema *schema = et_mcap_schema(reader, channel->schema_id);
        const struct et_message_schema s = {schema->name, schema->encoding, schema->data,
                                            channel->encoding};
        add(channel->topic, &s, message.data);
    }
    CHECK_EQ(st, ET_END);
    et_mcap_close(reader);
    return n_messages > 0;
}

/* A bag of ROS 1 without compression: records of a head of "name=value" and a body. */
struct bag_record {
    struct et_str head, body;
};

static struct et_str take_part(struct et_str *rest)
{
    uint32_t n = 0;
    if (rest->n >= 4)
        memcpy(&n, rest->p, 4);
    if (rest->n < 4 || n > rest->n - 4) {
        *rest = (struct et_str){NULL, 0};
        return *rest;
    }
    const struct et_str part = {rest->p + 4, n};
    *rest = (struct et_str){rest->p + 4 + n, rest->n - 4 - n};
    return part;
}

static struct et_str value_of(struct et_str head, const char *name)
{
    while (head.n > 0) {
        struct et_str field = take_part(&head), key;
        if (et_str_cut(&field, '=', &key) && et_str_is(key, name))
            return field;
    }
    return (struct et_str){NULL, 0};
}

static uint32_t number_of(struct et_str value)
{
    uint32_t n = 0;
    if (value.n == 4)
        memcpy(&n, value.p, 4);
    return n;
}

static struct connection {
    struct et_str topic;
    struct et_message_schema schema;
} connections[64];

static void read_records(struct et_str rest)
{
    while (rest.n > 0) {
        const struct et_str head = take_part(&rest), body = take_part(&rest);
        const struct et_str op = value_of(head, "op");
        const uint32_t i = number_of(value_of(head, "conn")) % 64;
        if (op.n == 1 && op.p[0] == 7)
            connections[i] =
                (struct connection){value_of(head, "topic"),
                                    {value_of(body, "type"), ET_STR("ros1msg"),
                                     value_of(body, "message_definition"), ET_STR("ros1")}};
        if (op.n == 1 && op.p[0] == 2)
            add(connections[i].topic, &connections[i].schema, body);
    }
}

static bool read_bag(const char *path)
{
    size_t n;
    char *file = read_file(path, &n);
    struct et_str rest = {file + 13, n - 13}; // behind "#ROSBAG V2.0\n"
    n_messages = 0;
    while (rest.n > 0) {
        const struct et_str head = take_part(&rest), body = take_part(&rest);
        if (et_str_is(value_of(head, "op"), "\x05") &&
            et_str_is(value_of(head, "compression"), "none"))
            read_records(body);
    }
    free(file);
    return n_messages > 0;
}

// ---- what is checked -------------------------------------------------------------------------

static void check_message(const struct message *m, struct rng *rng)
{
    struct et_message_def def;
    char why[512];
    size_t n, n_left;
    CHECK_OK(et_message_define(&m->schema, m->bytes, arena, &def, &err));
    if (!def.def)
        return;
    if (!CHECK(!def.remark))
        printf("# %s: %s\n", m->topic, def.remark);
    CHECK_OK(et_message_left_over(&def, m->bytes, &n_left, &err));
    CHECK_EQ(n_left, 0);
    const struct et_message_want *wants = wants_of(rng, &def, arena, &n);
    compare_with_reference(&def, wants, n, m->bytes, why);
    if (!tap_is(why, ""))
        CHECK_STR(why, m->topic);
    const char *json = json_of(&def, m->bytes);
    const struct et_value *value;
    CHECK_OK(et_json_parse(et_str(json), NULL, arena, &value, &err));
}

static void check_file(const char *name, bool (*read)(const char *path))
{
    struct rng rng = {7};
    const char *path = data_path(name);
    if (!path) {
        tap_skip("no data");
        return;
    }
    const struct et_arena_mark mark = et_arena_mark(arena);
    messages = NULL;
    if (!CHECK(read(path)))
        printf("# %s\n", name);
    const size_t step = n_messages > 1000 ? n_messages / 500 : 1;
    for (size_t i = 0; i < n_messages && tap_is_bad < 5; i += step)
        check_message(&messages[i], &rng);
    messages = NULL;
    et_arena_rewind(arena, mark);
}

static void arms_are_pulled_as_the_reference_says(void)
{
    static const int FILES[] = {0, 1, 6, 7, 8, 9, 10, 11, 12, 13};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        check_file(et_arena_printf(arena, "robots/robocodec_test_%d.mcap", FILES[i]), read_mcap);
}

static void ninety_four_types_are_pulled_as_the_reference_says(void)
{
    check_file("robots/robocodec_test_14.mcap", read_mcap);
}

static void other_mcaps_are_pulled_as_the_reference_says(void)
{
    check_file("bags/Tiryoh_rosbag-analyzer-web/e2e/fixtures/test_sample.mcap", read_mcap);
    check_file("rosbag2/rosbag2_py/test/resources/mcap/talker/talker.mcap", read_mcap);
    check_file("rosbag2/rosbag2_tests/resources/mcap/cdr_test/cdr_test_0.mcap", read_mcap);
}

static void bags_of_ros_1_are_pulled_as_the_reference_says(void)
{
    check_file("robots/kuavo.bag", read_bag);
    check_file("robots/robocodec_test_19.bag", read_bag);
    check_file("rosbag1/fixtures/example.bag", read_bag);
    check_file("bags/Tiryoh_rosbag-analyzer-web/e2e/fixtures/test_sample.bag", read_bag);
}

static const char KUAVO[] = "robots/kuavo.bag";

static void kuavos_joints_are_where_the_profile_will_look(void)
{
    static const char *const PATHS[] = {"joint_data.joint_q", "joint_data.joint_torque",
                                        "imu_data.quat.w", "end_effector_data.name", "sensor_time"};
    const char *path = data_path(KUAVO);
    if (!path) {
        tap_skip("no data");
        return;
    }
    messages = NULL;
    CHECK(read_bag(path));
    for (size_t i = 0; i < n_messages; i++) {
        struct et_message_def def;
        if (strcmp(messages[i].topic, "/sensors_data_raw") != 0)
            continue;
        CHECK_OK(et_message_define(&messages[i].schema, messages[i].bytes, arena, &def, &err));
        for (size_t k = 0; k < sizeof PATHS / sizeof *PATHS; k++) {
            struct et_message_program *program;
            const struct et_message_want want = {PATHS[k], ET_MESSAGE_NATURAL};
            CHECK_OK(et_message_program_open(&program, &def, &want, 1, NULL, &err));
            CHECK_OK(et_message_run(program, messages[i].bytes, &err));
            const struct et_message_values *v = et_message_values(program, 0);
            CHECK(k == 3 ? v->views == NULL || v->n < 100 : v->n == (k < 2 ? 28 : 1));
            et_message_program_close(program);
        }
        return;
    }
    CHECK(false && "the topic is there");
}

/* The bytes of a message, written again from its JSON. */
static void all_types_are_written_as_they_were_read(void)
{
    const char *path = data_path("robots/robocodec_test_14.mcap");
    if (!path) {
        tap_skip("no data");
        return;
    }
    messages = NULL;
    CHECK(read_mcap(path));
    CHECK_EQ(n_messages, 188);
    for (size_t i = 0; i < n_messages; i++) {
        struct et_message_def def;
        struct et_buf buf = et_buf(1 << 20);
        const struct et_value *value;
        CHECK_OK(et_message_define(&messages[i].schema, messages[i].bytes, arena, &def, &err));
        CHECK_OK(
            et_json_parse(et_str(json_of(&def, messages[i].bytes)), NULL, arena, &value, &err));
        CHECK_OK(et_cdr_write(def.def, value, &buf, &err));
        if (!CHECK(et_str_eq(et_buf_str(&buf), messages[i].bytes)))
            printf("# %s\n", messages[i].topic);
        et_buf_free(&buf);
    }
}

// ---- the twin --------------------------------------------------------------------------------

static sqlite3_stmt *open_rows(const char *path, sqlite3 **db)
{
    sqlite3_stmt *rows = NULL;
    CHECK_EQ(sqlite3_open_v2(et_arena_printf(arena, "file:%s?immutable=1", path), db,
                             SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL),
             SQLITE_OK);
    CHECK_EQ(sqlite3_prepare_v2(*db,
                                "select t.name, t.type, m.data from messages m "
                                "join topics t on t.id = m.topic_id order by m.timestamp, m.id",
                                -1, &rows, NULL),
             SQLITE_OK);
    return rows;
}

static struct et_str column(sqlite3_stmt *rows, int i)
{
    const char *p = sqlite3_column_blob(rows, i);
    return (struct et_str){p, (size_t)sqlite3_column_bytes(rows, i)};
}

/* The message of the MCAP that has the same topic, and stands at the same place in it. */
static const struct message *twin_of(struct et_str topic, size_t *n_seen)
{
    for (size_t i = 0; i < n_messages; i++)
        if (et_str_is(topic, messages[i].topic) && n_seen[i]++ == 0)
            return &messages[i];
    return NULL;
}

/* JSON without the numbers of stamps: the twins were written a moment apart. */
static const char *timeless(const char *json)
{
    char *copy = et_arena_printf(arena, "%s", json), *to = copy;
    for (const char *from = copy; *from;) {
        const bool is_time = strncmp(from, "sec\":", 5) == 0;
        const size_t n = is_time ? 5 : 1;
        memmove(to, from, n);
        to += n;
        from += n;
        if (is_time)
            from += strspn(from, "0123456789");
    }
    *to = 0;
    return copy;
}

static void check_twin(const struct message *twin, struct et_str type, struct et_str bytes)
{
    struct et_message_def bare, own;
    const struct et_message_schema schema = {.name = type, .message_encoding = ET_STR("cdr")};
    CHECK_OK(et_message_define(&schema, bytes, arena, &bare, &err));
    CHECK_OK(et_message_define(&twin->schema, twin->bytes, arena, &own, &err));
    CHECK(bare.is_from_store && !bare.remark && !own.remark);
    // Empty is the one type whose definition is nothing.
    CHECK(own.is_from_store == (twin->schema.data.n == 0));
    const char *json = et_arena_printf(arena, "%s", json_of(&bare, bytes));
    CHECK_STR(json_of(&own, bytes), json);
    CHECK_STR(timeless(json_of(&own, twin->bytes)), timeless(json));
}

static void the_twin_without_definitions_says_the_same(void)
{
    const char *mcap = data_path("bags/geocamxyz_rosbags-rs/tests/test_bags/test_bag_mcap/"
                                 "test_bag_mcap.mcap");
    const char *path = data_path("bags/geocamxyz_rosbags-rs/tests/test_bags/test_bag_sqlite3/"
                                 "test_bag_sqlite3.db3");
    sqlite3 *db;
    size_t n = 0, n_seen[188] = {0};
    if (!path || !mcap) {
        tap_skip("no data");
        return;
    }
    messages = NULL;
    CHECK(read_mcap(mcap));
    if (!CHECK(n_messages == 188))
        return;
    sqlite3_stmt *rows = open_rows(path, &db);
    for (; sqlite3_step(rows) == SQLITE_ROW; n++) {
        const struct message *twin = twin_of(column(rows, 0), n_seen);
        if (CHECK(twin != NULL))
            check_twin(twin, column(rows, 1), column(rows, 2));
    }
    CHECK_EQ(n, 188);
    (void)sqlite3_finalize(rows);
    (void)sqlite3_close(db);
}

static void old_bags_without_definitions_are_read_by_ours(void)
{
    static const char *const NAMES[] = {
        "bags/klintan_rosbag2.js/examples/sample.db3",
        "bags/foxglove_mcap/testdata/db3/chatter.db3",
        "rosbag2/rosbag2_py/test/resources/sqlite3/talker/talker.db3",
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        sqlite3 *db;
        const char *path = data_path(NAMES[i]);
        if (!path) {
            tap_skip("no data");
            return;
        }
        sqlite3_stmt *rows = open_rows(path, &db);
        while (sqlite3_step(rows) == SQLITE_ROW) {
            struct et_message_def found;
            const struct et_str bytes = column(rows, 2);
            const struct et_message_schema schema = {.name = column(rows, 1),
                                                     .message_encoding = ET_STR("cdr")};
            CHECK_OK(et_message_define(&schema, bytes, arena, &found, &err));
            if (!CHECK(!found.remark))
                printf("# %s\n", found.remark);
        }
        (void)sqlite3_finalize(rows);
        (void)sqlite3_close(db);
    }
}

/* rosbag2's own talker.db3 carries "uint8 level" for a Log: a stub. */
static void a_stub_yields_to_our_own(void)
{
    const char *path = data_path("rosbag2/rosbag2_py/test/resources/mcap/talker/talker.mcap");
    if (!path) {
        tap_skip("no data");
        return;
    }
    messages = NULL;
    CHECK(read_mcap(path));
    for (size_t i = 0; i < n_messages; i++) {
        struct et_message_def found;
        struct et_message_schema schema = messages[i].schema;
        if (!et_str_is(schema.name, "rcl_interfaces/msg/Log"))
            continue;
        schema.data = ET_STR("uint8 level");
        CHECK_OK(et_message_define(&schema, messages[i].bytes, arena, &found, &err));
        CHECK(found.is_from_store);
        CHECK_HAS(found.remark, "the file's definition of rcl_interfaces/msg/Log leaves");
        CHECK_HAS(pull(&found, "name", messages[i].bytes), "\"");
        return;
    }
    CHECK(false && "a Log is there");
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)1 << 30, &err) != ET_OK)
        return 99;
    if (!getenv("ETUDE_SHARE"))
        setenv("ETUDE_SHARE", source_path("share"), 1);
    RUN(arms_are_pulled_as_the_reference_says);
    RUN(ninety_four_types_are_pulled_as_the_reference_says);
    RUN(other_mcaps_are_pulled_as_the_reference_says);
    RUN(bags_of_ros_1_are_pulled_as_the_reference_says);
    RUN(kuavos_joints_are_where_the_profile_will_look);
    RUN(all_types_are_written_as_they_were_read);
    RUN(the_twin_without_definitions_says_the_same);
    RUN(old_bags_without_definitions_are_read_by_ours);
    RUN(a_stub_yields_to_our_own);
    et_arena_close(arena);
    return tap_end();
}
