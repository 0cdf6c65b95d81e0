/* rosbag2 recordings: real ones, whole ones, what a crash leaves, metadata that lie. */
#include "etude/file.h"
#include "etude/mcap_write.h"
#include "etude/rosbag2.h"
#include "rosbag2_made.h"
#include "support.h"
#include "tap.h"

#include <pthread.h>
#include <stdlib.h>

/* What came out of a recording. Of made ones: whether all was as made and in the order of time. */
struct seen {
    int64_t n, n_wrong, n_late, n_twice;
    bool is_seen[20000];
    uint64_t hash;  // of times, topics' names and data
    uint64_t sizes; // of names, definitions and lengths of data
    enum et_status st;
    struct et_err err;
    uint32_t faults; // bits
    struct et_rosbag2_info info;
    struct et_rosbag2_remark remarks[ET_ROSBAG2_N_FAULTS];
    int64_t n_topics_of[3];
    int schema;
    char definition[40], encoding[20], qos[20], type[40], distro[20];
};
static struct seen seen;

static void note_message(const struct et_rosbag2_info *info, const struct et_rosbag2_message *m,
                         int64_t last_ns)
{
    int k[2] = {0, 1};
    if (m->data.n >= 12)
        memcpy(k, m->data.p + 4, 8);
    seen.n_wrong += k[0] != k[1] || m->time_ns != made_ns(k[0]) || m->data.p[1] != 1;
    seen.n_late += m->time_ns < last_ns;
    if (k[0] == k[1] && k[0] >= 0 && k[0] < 20000) {
        seen.n_twice += seen.is_seen[k[0]];
        seen.is_seen[k[0]] = true;
    }
    const struct et_str name = info->topics[m->i_topic].name;
    const struct et_str definition = info->topics[m->i_topic].definition;
    uint64_t h = m->data.n;
    for (size_t i = 0; i < name.n; i++)
        h = h * 31 + (unsigned char)name.p[i];
    seen.sizes += h * (h + definition.n); // the order of equal times may differ
    h += (uint64_t)m->time_ns;
    for (size_t i = 0; i < m->data.n; i++)
        h = h * 31 + (unsigned char)m->data.p[i];
    seen.hash += h * h;
    seen.n++;
}

static void copy_text(char *to, size_t n, struct et_str from)
{
    (void)snprintf(to, n, "%.*s", ET_STR_ARG(from));
}

static void note_info(const struct et_rosbag2_info *info)
{
    seen.info = *info;
    for (size_t i = 0; i < info->n_remarks; i++) {
        const struct et_rosbag2_remark *m = &info->remarks[i];
        seen.faults |= 1u << m->fault;
        seen.remarks[m->fault] = *m;
        CHECK(m->text[0] && m->n > 0);
        CHECK(m->i_file == SIZE_MAX || m->i_file < info->n_files);
    }
    for (size_t i = 0; i < info->n_topics && i < 3; i++)
        seen.n_topics_of[i] = info->topics[i].n_messages;
    seen.schema = info->files[0].schema_version;
    copy_text(seen.distro, sizeof seen.distro, info->ros_distro);
    if (info->n_topics) {
        copy_text(seen.definition, sizeof seen.definition, info->topics[0].definition);
        copy_text(seen.encoding, sizeof seen.encoding, info->topics[0].definition_encoding);
        copy_text(seen.qos, sizeof seen.qos, info->topics[0].qos);
        copy_text(seen.type, sizeof seen.type, info->topics[0].type);
    }
}

static void read_with(const char *path, const struct et_rosbag2_open_options *options,
                      const struct et_rosbag2_query *query)
{
    struct et_rosbag2_reader *r = NULL;
    struct et_rosbag2_message m;
    int64_t last_ns = INT64_MIN;
    memset(&seen, 0, sizeof seen);
    seen.st = et_rosbag2_open(&r, path, options, &seen.err);
    if (seen.st == ET_OK && query)
        seen.st = et_rosbag2_query(r, query, &seen.err);
    while (seen.st == ET_OK && (seen.st = et_rosbag2_next(r, &m, &seen.err)) == ET_OK) {
        note_message(et_rosbag2_info(r), &m, last_ns);
        last_ns = m.time_ns;
    }
    if (r)
        note_info(et_rosbag2_info(r));
    if (seen.st < 0)
        CHECK(seen.err.text[0]);
    et_rosbag2_close(r);
}

static void read_it(const char *path)
{
    read_with(path, NULL, NULL);
}

static bool has(enum et_rosbag2_fault fault)
{
    return seen.faults >> fault & 1;
}

#define CHECK_READ(n_messages)                 \
    do {                                       \
        CHECK_EQ(seen.st, ET_END);             \
        if (seen.st != ET_END)                 \
            printf("#   %s\n", seen.err.text); \
        CHECK_EQ(seen.n, n_messages);          \
        CHECK_EQ(seen.n_late, 0);              \
    } while (0)

#define CHECK_MADE(n_messages)     \
    do {                           \
        CHECK_READ(n_messages);    \
        CHECK_EQ(seen.n_wrong, 0); \
        CHECK_EQ(seen.n_twice, 0); \
    } while (0)

static void show_remarks(void)
{
    for (int i = 0; i < ET_ROSBAG2_N_FAULTS; i++)
        if (has((enum et_rosbag2_fault)i))
            printf("#   %s: %s (%lld)\n", et_rosbag2_fault_name((enum et_rosbag2_fault)i),
                   seen.remarks[i].text, (long long)seen.remarks[i].n);
}

/* ---- real recordings ---- */

static bool read_data(const char *name)
{
    const char *path = data_path(name);
    if (!path) {
        tap_skip("no data");
        return false;
    }
    CHECK(et_rosbag2_is_recording(path));
    read_it(path);
    return true;
}

static void reads_the_official_recordings(void)
{
    if (!read_data("rosbag2/rosbag2_py/test/resources/sqlite3/talker"))
        return;
    CHECK_READ(20);
    CHECK_EQ(seen.info.n_topics, 3);
    CHECK_EQ(seen.schema, 4);
    CHECK_STR(seen.distro, "rolling");
    CHECK_STR(seen.info.storage, "sqlite3");
    CHECK_EQ(seen.info.metadata_version, 4);
    CHECK_EQ(seen.info.start_ns, INT64_C(1585866235112411371));
    CHECK_EQ(seen.faults, 0);
    show_remarks();
    const uint64_t hash = seen.hash;
    (void)read_data("rosbag2/rosbag2_py/test/resources/mcap/talker");
    CHECK_READ(20);
    CHECK_EQ(seen.faults, 0);
    show_remarks();
    CHECK(seen.hash == hash);
    (void)read_data("rosbag2/rosbag2_py/test/resources/mcap/wbag");
    CHECK_READ(6074);
    CHECK_EQ(seen.info.n_files, 5);
    CHECK_EQ(seen.faults, 1u << ET_ROSBAG2_METADATA); // its start is that of the last file
    (void)read_data("rosbag2/rosbag2_tests/resources/mcap/cdr_test");
    CHECK_READ(7);
    CHECK_EQ(seen.faults, 0);
    show_remarks();
    (void)read_data("rosbag2/rosbag2_py/test/resources/mcap/reindex_test_bags/multiple_files");
    CHECK_EQ(seen.st, ET_END);
    CHECK_EQ(seen.info.n_files, 3);
    CHECK_EQ(seen.n, seen.info.n_messages);
    CHECK_EQ(seen.faults, 1u << ET_ROSBAG2_METADATA); // there is none
}

static void reads_old_databases_alone(void)
{
    if (!read_data("bags/foxglove_mcap/testdata/db3/chatter.db3"))
        return;
    CHECK_READ(7);
    CHECK_EQ(seen.schema, 2);
    CHECK_STR(seen.definition, "");
    CHECK_EQ(seen.faults, 0);
    (void)read_data("bags/klintan_rosbag2.js/examples/sample.db3");
    CHECK_READ(5);
    CHECK_EQ(seen.schema, 1);
    CHECK_STR(seen.type, "std_msgs/String");
    CHECK_EQ(seen.faults, 0);
}

static void ninety_four_types_are_the_same_in_both_storages(void)
{
    if (!read_data("bags/geocamxyz_rosbags-rs/tests/test_bags/test_bag_sqlite3"))
        return;
    CHECK_READ(188);
    CHECK_EQ(seen.info.n_topics, 94);
    CHECK_EQ(seen.faults, 0);
    const uint64_t sizes = seen.sizes;
    (void)read_data("bags/geocamxyz_rosbags-rs/tests/test_bags/test_bag_mcap");
    CHECK_READ(188);
    CHECK(seen.sizes == sizes); // their times and stamps differ
    CHECK_EQ(seen.info.n_topics, 94);
    CHECK_EQ(seen.faults, 0);
    show_remarks();
}

static void reads_a_file_in_zstd(void)
{
    if (!read_data("bags/Tiryoh_rosbag-analyzer-web/e2e/fixtures/test_sample.mcap"))
        return;
    const int64_t n = seen.n;
    const uint64_t hash = seen.hash;
    CHECK(n > 0);
    (void)read_data("bags/Tiryoh_rosbag-analyzer-web/e2e/fixtures/test_sample.mcap.zstd");
    CHECK_READ(n);
    CHECK(seen.hash == hash);
    CHECK_STR(seen.info.compression, "file");
    show_remarks();
}

/* ---- made ones ---- */

// A new folder of the test's own.
static const char *folder(const char *name)
{
    struct et_err err = {0};
    const char *path = temp_path(name);
    CHECK_OK(et_path_remove(path, &err));
    CHECK_OK(et_dir_make(path, &err));
    return path;
}

static const char *in(const char *folder_path, const char *name)
{
    static char paths[8][4200];
    static int i;
    i = (i + 1) % 8;
    (void)snprintf(paths[i], sizeof paths[i], "%s/%s", folder_path, name);
    return paths[i];
}

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

// metadata.yaml for files of n messages in all, from number 0 on.
static void write_metadata(const char *path, const char *files, int n, const char *more)
{
    char text[4096];
    (void)snprintf(text, sizeof text,
                   "rosbag2_bagfile_information:\n  version: 5\n  storage_identifier: sqlite3\n"
                   "  duration:\n    nanoseconds: %lld\n"
                   "  starting_time:\n    nanoseconds_since_epoch: %lld\n"
                   "  message_count: %d\n  relative_file_paths: [%s]\n%s",
                   (long long)(made_ns(n - 1) - made_ns(0)), (long long)made_ns(0), n, files, more);
    write_text(in(path, "metadata.yaml"), text);
}

static void reads_every_schema(void)
{
    const char *path = temp_path("schema.db3");
    for (int schema = 1; schema <= 4; schema++) {
        make_db(path, &(struct made_db){.schema = schema, .n_messages = 1000});
        read_it(path);
        CHECK_MADE(1000);
        CHECK_EQ(seen.faults, 0);
        CHECK_EQ(seen.schema, schema);
        CHECK_EQ(seen.info.n_topics, 3);
        CHECK_EQ(seen.n_topics_of[0], 334);
        CHECK_EQ(seen.n_topics_of[1], 333);
        CHECK_EQ(seen.info.start_ns, made_ns(0));
        CHECK_EQ(seen.info.end_ns, made_ns(999));
        CHECK_STR(seen.definition, schema == 4 ? "string data" : "");
        CHECK_STR(seen.encoding, schema == 4 ? "ros2msg" : "");
        CHECK_STR(seen.qos, schema > 1 ? "- depth: 1" : "");
        CHECK_STR(seen.distro, schema == 4 ? "jazzy" : schema == 3 ? "humble" : "");
        CHECK_STR(seen.info.compression, "none");
        CHECK(!seen.info.has_metadata);
    }
}

static void a_newer_schema_is_read_by_what_it_has(void)
{
    const char *path = temp_path("newer.db3");
    make_db(path, &(struct made_db){.n_messages = 10,
                                    .more = "UPDATE schema SET schema_version=7;"
                                            "ALTER TABLE messages ADD COLUMN sent INTEGER"});
    read_it(path);
    CHECK_MADE(10);
    CHECK_EQ(seen.schema, 7);
}

static void rows_come_in_the_order_of_time(void)
{
    const char *path = temp_path("order.db3");
    make_db(path, &(struct made_db){.n_messages = 15000, .is_backward = true});
    read_it(path);
    CHECK_MADE(15000);
    make_db(path, &(struct made_db){.n_messages = 15000, .is_shuffled = true});
    read_it(path);
    CHECK_MADE(15000);
    CHECK_EQ(seen.faults, 0);
    read_with(path, NULL, &(struct et_rosbag2_query){.in_file_order = true});
    CHECK_EQ(seen.n, 15000);
    CHECK(seen.n_late > 1000);
    CHECK_EQ(seen.n_twice + seen.n_wrong, 0);
}

static void what_overlaps_beyond_the_memory_is_refused(void)
{
    const char *path = temp_path("memory.db3");
    make_db(path, &(struct made_db){.n_messages = 15000, .is_shuffled = true});
    read_with(path, &(struct et_rosbag2_open_options){.memory_bytes = 200000}, NULL);
    CHECK_EQ(seen.st, ET_ELIMIT);
    CHECK(seen.n < 100 && seen.n_late == 0);
    make_db(path, &(struct made_db){.n_messages = 15000, .is_backward = true});
    read_with(path, &(struct et_rosbag2_open_options){.memory_bytes = 200000}, NULL);
    CHECK_MADE(15000);
}

static void queries_by_topic_and_time(void)
{
    const char *path = temp_path("query.db3");
    const size_t two[] = {2, 0, 2}, bad[] = {3};
    make_db(path, &(struct made_db){.n_messages = 9000, .is_shuffled = true});
    read_with(path, NULL, &(struct et_rosbag2_query){.topics = two, .n_topics = 3});
    CHECK_MADE(6000);
    CHECK(seen.is_seen[0] && !seen.is_seen[1] && seen.is_seen[2]);
    read_with(path, NULL, &(struct et_rosbag2_query){.topics = two, .n_topics = 0});
    CHECK_MADE(0);
    read_with(path, NULL, &(struct et_rosbag2_query){.from_ns = made_ns(10), .to_ns = made_ns(20)});
    CHECK_MADE(10);
    CHECK(!seen.is_seen[9] && seen.is_seen[10] && seen.is_seen[19] && !seen.is_seen[20]);
    read_with(path, NULL, &(struct et_rosbag2_query){.from_ns = made_ns(8990)});
    CHECK_MADE(10);
    read_with(path, NULL, &(struct et_rosbag2_query){.topics = bad, .n_topics = 1});
    CHECK_EQ(seen.st, ET_EARG);
}

static void a_query_can_begin_again_at_any_time(void)
{
    struct et_rosbag2_reader *r = NULL;
    struct et_rosbag2_message m;
    struct et_err err = {0};
    const char *path = folder("again");
    for (int i = 0; i < 20; i++) { // more than stay open
        char name[20];
        (void)snprintf(name, sizeof name, "x_%d.db3", i);
        make_db(in(path, name), &(struct made_db){.first = i * 10, .n_messages = 20});
    }
    CHECK_OK(et_rosbag2_open(&r, path, NULL, &err));
    for (int stop = 0; r && stop < 450; stop += 37) {
        CHECK_OK(et_rosbag2_query(r, NULL, &err));
        enum et_status st = ET_OK;
        int n = 0;
        while (n < stop && (st = et_rosbag2_next(r, &m, &err)) == ET_OK)
            n++;
        CHECK_EQ(n, stop < 400 ? stop : 400);
        CHECK(st == (stop <= 400 ? ET_OK : ET_END));
    }
    CHECK_EQ(et_rosbag2_query(r, &(struct et_rosbag2_query){.topics = (size_t[]){9}, .n_topics = 1},
                              &err),
             ET_EARG);
    CHECK_EQ(et_rosbag2_next(r, &m, &err), ET_EARG);
    et_rosbag2_close(r);
    et_rosbag2_close(NULL);
}

static void split_files_are_one_recording(void)
{
    const char *path = folder("split");
    make_db(in(path, "x_0.db3"), &(struct made_db){.n_messages = 100});
    make_db(in(path, "x_1.db3"), &(struct made_db){.first = 100, .n_messages = 100});
    make_db(in(path, "x_2.db3"), &(struct made_db){.first = 200, .n_messages = 100});
    write_metadata(path, "x_0.db3, x_1.db3, old/x_2.db3", 300, "  custom_data: {who: me, n: 7}\n");
    read_it(path);
    CHECK_MADE(300);
    CHECK_EQ(seen.faults, 0);
    show_remarks();
    CHECK_EQ(seen.info.n_topics, 3);
    CHECK_EQ(seen.info.n_files, 3);
    CHECK_EQ(seen.info.n_custom, 2);
    CHECK_EQ(seen.n_topics_of[0], 100);
    CHECK(seen.info.has_metadata);
}

static void metadata_that_lie_are_told(void)
{
    const char *path = folder("lies");
    make_db(in(path, "x_0.db3"), &(struct made_db){.n_messages = 100});
    make_db(in(path, "x_1.db3"), &(struct made_db){.first = 100, .n_messages = 100});
    make_db(in(path, "x_2.db3"), &(struct made_db){.first = 200, .n_messages = 10});
    make_db(in(path, "copy.db3"), &(struct made_db){.n_messages = 10});
    write_metadata(path, "x_0.db3, x_1.db3, x_1.db3", 201,
                   "  topics_with_message_count:\n  - topic_metadata: {name: /z, type: Z}\n"
                   "    message_count: 3\n  - topic_metadata: {name: /a, "
                   "type: std_msgs/msg/String}\n    message_count: 70\n");
    read_it(path);
    CHECK_MADE(210);
    CHECK_EQ(seen.faults, 1u << ET_ROSBAG2_METADATA | 1u << ET_ROSBAG2_FILE);
    CHECK_EQ(seen.remarks[ET_ROSBAG2_FILE].n, 2); // copy.db3 is left out, x_2.db3 is read
    // Listed twice, the count, two topics' counts, a count of nothing, a topic too many, the end.
    CHECK_EQ(seen.remarks[ET_ROSBAG2_METADATA].n, 6);
    write_metadata(path, "x_0.db3, gone.db3", 100, "");
    read_it(path);
    CHECK_HAS(seen.remarks[ET_ROSBAG2_FILE].text, "gone.db3 is listed and not there");
    write_text(in(path, "metadata.yaml"), "rosbag2_bagfile_information: {version: [");
    read_it(path);
    CHECK_EQ(seen.n, 220); // copy.db3 too, whose messages are there twice
    CHECK_HAS(seen.remarks[ET_ROSBAG2_METADATA].text, "did not find");
    write_text(in(path, "metadata.yaml"), "name: other\n");
    read_it(path);
    CHECK_EQ(seen.n, 220);
    CHECK_HAS(seen.remarks[ET_ROSBAG2_METADATA].text, "no metadata of rosbag2");
    write_metadata(path, "../lies/x_0.db3, /etc/passwd", 100, "");
    read_it(path);
    CHECK_MADE(210);
}

static void files_without_metadata_are_one_by_their_numbers(void)
{
    const char *path = folder("numbers");
    make_db(in(path, "x_0.db3"), &(struct made_db){.n_messages = 3});
    CHECK(et_rosbag2_is_recording(path));
    make_db(in(path, "x_10.db3"), &(struct made_db){.n_messages = 3});
    write_text(in(path, "x.truth.json"), "{}");
    CHECK(et_rosbag2_is_recording(path));
    make_db(in(path, "y_1.db3"), &(struct made_db){.n_messages = 3});
    CHECK(!et_rosbag2_is_recording(path));
    CHECK(et_rosbag2_is_recording(in(path, "y_1.db3")));
    path = folder("names");
    make_db(in(path, "run-1.db3"), &(struct made_db){.n_messages = 3});
    CHECK(!et_rosbag2_is_recording(path));
    write_text(in(path, "metadata.yaml"), "rosbag2_bagfile_information: {version: 9}\n");
    CHECK(et_rosbag2_is_recording(path));
}

static void an_empty_recording_is_one(void)
{
    const char *path = folder("nothing");
    read_it(path);
    CHECK_EQ(seen.st, ET_ENOTFOUND);
    CHECK(!et_rosbag2_is_recording(path));
    read_it(in(path, "x"));
    CHECK_EQ(seen.st, ET_ENOTFOUND);
    CHECK(!et_rosbag2_is_recording(in(path, "x")));
    make_db(in(path, "x_0.db3"), &(struct made_db){.n_messages = 0});
    write_text(in(path, "metadata.yaml"),
               "rosbag2_bagfile_information: {version: 9, storage_identifier: sqlite3, "
               "relative_file_paths: [x_0.db3], message_count: 0, duration: {nanoseconds: 0}, "
               "starting_time: {nanoseconds_since_epoch: 9223372036854775807}, "
               "ros_distro: kilted, custom_data: ~}");
    read_it(path);
    CHECK_MADE(0);
    CHECK_EQ(seen.faults, 0);
    show_remarks();
    CHECK_STR(seen.distro, "kilted");
    CHECK_EQ(seen.info.start_ns + seen.info.end_ns, 0);
}

/* ---- compression ---- */

static void messages_in_zstd_are_decompressed(void)
{
    static const char MODE[] = "  compression_format: zstd\n  compression_mode: MESSAGE\n";
    const char *path = folder("message");
    make_db(in(path, "x_0.db3"), &(struct made_db){.n_messages = 50, .is_zstd = true});
    write_metadata(path, "x_0.db3", 50, MODE);
    read_it(path);
    CHECK_MADE(50);
    CHECK_EQ(seen.faults, 0);
    CHECK_STR(seen.info.compression, "message");
    read_it(in(path, "x_0.db3")); // nobody says so
    CHECK_MADE(50);
    CHECK_EQ(seen.faults, 1u << ET_ROSBAG2_COMPRESSION);
    write_metadata(path, "x_0.db3", 50, MODE);
    make_db(in(path, "x_0.db3"), &(struct made_db){.n_messages = 50});
    read_it(path); // not so
    CHECK_MADE(50);
    CHECK_EQ(seen.remarks[ET_ROSBAG2_COMPRESSION].n, 50);
    make_db(in(path, "x_0.db3"),
            &(struct made_db){.n_messages = 50,
                              .is_zstd = true,
                              .inner = "compression_mode: message\ncompression_format: zstd\n"
                                       "storage_identifier: sqlite3\nros_distro: iron\n"});
    read_it(in(path, "x_0.db3")); // the copy within says so
    CHECK_MADE(50);
    CHECK_EQ(seen.faults, 0);
    CHECK_STR(seen.distro, "iron");
    make_db(in(path, "x_0.db3"),
            &(struct made_db){.n_messages = 50,
                              .is_zstd = true,
                              .pad_bytes = 1000,
                              .more = "UPDATE messages SET data=x'28b52ffd00' WHERE id=3;"
                                      "UPDATE messages SET data=substr(data,1,15) WHERE id=7;"
                                      "UPDATE messages SET data=x'' WHERE id=9;"
                                      "UPDATE messages SET data=data||x'00' WHERE id=11"});
    read_it(path);
    CHECK_MADE(46);
    CHECK_EQ(seen.remarks[ET_ROSBAG2_COMPRESSION].n, 4);
    read_with(path, &(struct et_rosbag2_open_options){.memory_bytes = 900}, NULL);
    CHECK_EQ(seen.st, ET_END);
    CHECK_EQ(seen.n, 0);
    CHECK(has(ET_ROSBAG2_COMPRESSION));
}

static size_t n_in(const char *path)
{
    struct et_arena *arena = NULL;
    struct et_err err = {0};
    const char *const *names = NULL;
    size_t n = 0;
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_dir_list(path, arena, &names, &n, &err));
    et_arena_close(arena);
    return n;
}

static void files_in_zstd_are_decompressed(void)
{
    static const char MODE[] = "  compression_format: zstd\n  compression_mode: FILE\n";
    const char *path = folder("file"), *temp = folder("temp"), *plain = temp_path("plain.db3");
    const struct et_rosbag2_open_options options = {.temp_folder = temp};
    char name[40];
    for (int i = 0; i < 3; i++) {
        make_db(plain, &(struct made_db){.first = i * 100, .n_messages = 100});
        (void)snprintf(name, sizeof name, "x_%d.db3.zstd", i);
        make_zstd(plain, in(path, name));
    }
    write_metadata(path, "x_0.db3.zstd, x_1.db3.zstd, x_2.db3", 300, MODE);
    CHECK(et_rosbag2_is_recording(path) && et_rosbag2_is_recording(in(path, "x_0.db3.zstd")));
    read_with(path, &options, NULL);
    CHECK_MADE(300);
    CHECK_EQ(seen.faults, 1u << ET_ROSBAG2_FILE); // x_2 is there otherwise compressed
    CHECK_STR(seen.info.compression, "file");
    CHECK_EQ(n_in(temp), 0);
    read_with(path, &(struct et_rosbag2_open_options){.temp_folder = temp, .temp_bytes = 10000},
              NULL);
    CHECK_EQ(seen.st, ET_ELIMIT);
    CHECK_EQ(n_in(temp), 0);
    read_with(path, &(struct et_rosbag2_open_options){.temp_folder = in(temp, "no")}, NULL);
    CHECK_EQ(seen.st, ET_EIO);
    write_metadata(path, "x_0.db3.zstd", 100,
                   "  compression_format: lz4\n"
                   "  compression_mode: FILE\n");
    read_it(path);
    CHECK_EQ(seen.st, ET_EUNSUPPORTED);
    CHECK_HAS(seen.err.text, "lz4");
    write_file(in(path, "x_0.db3.zstd"), "\x28\xb5\x2f\xfd\0\0\0\0\0\0\0", 11);
    read_with(in(path, "x_0.db3.zstd"), &options, NULL);
    CHECK_EQ(seen.st, ET_ECORRUPT);
    CHECK_EQ(n_in(temp), 0);
}

/* ---- what a crash leaves ---- */

static void a_log_beside_the_database_is_read(void)
{
    const char *path = folder("crash"), *db = in(path, "x_0.db3");
    size_t n_db = 0, n_log = 0, n = 0;
    make_db(db, &(struct made_db){.n_messages = 500, .is_open = true});
    void *before = read_file(db, &n_db);
    char *log = read_file(in(path, "x_0.db3-wal"), &n_log);
    CHECK(log && n_log > 20000);
    read_it(path);
    CHECK_MADE(500);
    CHECK(has(ET_ROSBAG2_LOG) && has(ET_ROSBAG2_METADATA));
    CHECK_HAS(seen.remarks[ET_ROSBAG2_LOG].text, "pages of it are read");
    CHECK_EQ(n_in(path), 2); // nothing was made beside it
    void *after = read_file(db, &n);
    CHECK(before && after && n == n_db && memcmp(before, after, n) == 0);
    free(after);
    // What was not committed does not count, what does not hold neither.
    write_file(in(path, "x_0.db3-wal"), log, n_log / 2);
    read_it(db);
    CHECK_MADE(0);
    CHECK_HAS(seen.remarks[ET_ROSBAG2_LOG].text, "nothing in it holds");
    log[n_log / 2] ^= 1;
    write_file(in(path, "x_0.db3-wal"), log, n_log);
    read_it(db);
    CHECK_MADE(0);
    write_file(in(path, "x_0.db3-wal"), "", 0);
    read_it(db);
    CHECK_MADE(0);
    CHECK(!has(ET_ROSBAG2_LOG));
    free(before);
    free(log);
}

static void a_log_may_hold_all_of_it(void)
{
    const char *path = folder("young"), *db = in(path, "x_0.db3");
    struct et_err err = {0};
    make_db(db, &(struct made_db){.n_messages = 5});
    size_t n = 0;
    char *whole = read_file(db, &n);
    // The same pages as a log: the head, and frames of which the last is a commit.
    struct et_buf b = et_buf(1 << 20);
    uint32_t s0 = 0, s1 = 0;
    unsigned char head[32] = {0x37, 0x7f, 6, 0x83, 0, 0x2d, 0xe2, 0x18, 0, 0, 16, 0,
                              0,    0,    0, 0,    1, 2,    3,    4,    5, 6, 7,  8};
    const size_t n_pages = n / 4096;
    for (size_t i = 0; i <= n_pages; i++) {
        unsigned char frame[24 + 4096] = {0, 0, 0, (unsigned char)i};
        unsigned char *p = i ? frame : head;
        const size_t n_head = i ? 24 : 32;
        frame[7] = i == n_pages ? (unsigned char)n_pages : 0;
        memcpy(frame + 8, head + 16, 8);
        if (i)
            memcpy(frame + 24, whole + (i - 1) * 4096, 4096);
        for (size_t at = 0; at < (i ? sizeof frame : 24); at += 8) {
            if (i && at >= 8 && at < 24)
                continue;
            s0 += ((uint32_t)p[at] << 24 | p[at + 1] << 16 | p[at + 2] << 8 | p[at + 3]) + s1;
            s1 += ((uint32_t)p[at + 4] << 24 | p[at + 5] << 16 | p[at + 6] << 8 | p[at + 7]) + s0;
        }
        for (int k = 0; k < 4; k++) {
            p[n_head - 8 + (size_t)k] = (unsigned char)(s0 >> (24 - 8 * k));
            p[n_head - 4 + (size_t)k] = (unsigned char)(s1 >> (24 - 8 * k));
        }
        et_buf_put(&b, p, i ? sizeof frame : 32);
    }
    write_file(db, "", 0);
    write_file(in(path, "x_0.db3-wal"), b.p, b.n);
    read_it(path);
    CHECK_MADE(5);
    CHECK(has(ET_ROSBAG2_LOG));
    CHECK_OK(et_file_remove(in(path, "x_0.db3-wal"), &err));
    read_it(path);
    CHECK_EQ(seen.st, ET_ECORRUPT);
    et_buf_free(&b);
    free(whole);
}

static void a_journal_is_told_and_not_used(void)
{
    const char *db = temp_path("journal.db3");
    make_db(db, &(struct made_db){.n_messages = 5});
    write_file(temp_path("journal.db3-journal"), "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
    read_it(db);
    CHECK_MADE(5);
    CHECK_HAS(seen.remarks[ET_ROSBAG2_LOG].text, "-journal");
}

static void a_cut_database_gives_the_pages_that_are_there(void)
{
    const char *path = temp_path("cut.db3");
    size_t n = 0;
    make_db(path, &(struct made_db){.n_messages = 5000, .pad_bytes = 100});
    char *whole = read_file(path, &n);
    for (int part = 1; part < 10; part++) {
        write_file(path, whole, n * (size_t)part / 10);
        read_it(path);
        CHECK_EQ(seen.st, ET_END);
        CHECK_EQ(seen.n_wrong + seen.n_twice + seen.n_late, 0);
        CHECK(seen.n >= 5000 * (part - 1) / 10 - 400 && seen.n < 5000);
        CHECK(has(ET_ROSBAG2_CUT) && has(ET_ROSBAG2_DAMAGE));
        CHECK_EQ(seen.n, seen.info.n_messages);
    }
    memset(whole + n / 2, 0xff, 4096); // a page in the middle
    memset(whole + n / 3, 0xff, 4096);
    write_file(path, whole, n);
    read_it(path);
    CHECK_EQ(seen.st, ET_END);
    CHECK_EQ(seen.n_wrong + seen.n_twice + seen.n_late, 0);
    CHECK(seen.n > 5000 - 4 * 40 && seen.n < 5000);
    CHECK(has(ET_ROSBAG2_DAMAGE));
    show_remarks();
    free(whole);
}

/* ---- MCAP ---- */

static void make_mcap(const char *path, int first, int n, bool must_close)
{
    struct et_err err = {0};
    struct et_mcap_writer *w = NULL;
    const struct et_mcap_pair qos = {ET_STR("offered_qos_profiles"), ET_STR("- depth: 9")};
    (void)remove(path);
    CHECK_OK(et_mcap_create(&w, path, NULL, &err));
    if (!w)
        return;
    for (uint16_t i = 1; i <= 3; i++) {
        const struct et_mcap_schema schema = {
            .id = i,
            .name = et_str(&"x_msgs/A\0x_msgs/B\0x_msgs/C"[9 * (i - 1)]),
            .encoding = ET_STR("ros2msg"),
            .data = ET_STR("uint32 k")};
        const struct et_mcap_channel channel = {.id = i,
                                                .schema_id = i,
                                                .topic = et_str(&"/a\0/b\0/c"[3 * (i - 1)]),
                                                .encoding = ET_STR("cdr"),
                                                .metadata = &qos,
                                                .n_metadata = 1};
        CHECK_OK(et_mcap_add_schema(w, &schema, &err));
        CHECK_OK(et_mcap_add_channel(w, &channel, &err));
    }
    for (int k = first; k < first + n; k++) {
        const struct et_mcap_message m = {.channel_id = (uint16_t)(k % 3 + 1),
                                          .log_time_ns = made_ns(k),
                                          .publish_time_ns = made_ns(k) - 5,
                                          .data = made_data(k, 0)};
        CHECK_OK(et_mcap_write(w, &m, &err));
    }
    const struct et_mcap_pair yaml = {
        ET_STR("serialized_metadata"),
        ET_STR("version: 9\nstorage_identifier: mcap\nros_distro: rolling\n")};
    const struct et_mcap_metadata metadata = {ET_STR("rosbag2"), &yaml, 1};
    CHECK_OK(et_mcap_write_metadata(w, &metadata, &err));
    if (must_close)
        CHECK_OK(et_mcap_finish(w, &err));
    else
        et_mcap_writer_close(w);
}

static void reads_files_in_mcap(void)
{
    const char *path = folder("mcap");
    make_mcap(in(path, "x_0.mcap"), 0, 100, true);
    make_mcap(in(path, "x_1.mcap"), 100, 100, false);
    write_metadata(path, "x_0.mcap, x_1.mcap", 200, "");
    read_it(path);
    CHECK_MADE(200);
    CHECK_EQ(seen.faults, 1u << ET_ROSBAG2_CUT); // x_1 was not closed
    CHECK_EQ(seen.remarks[ET_ROSBAG2_CUT].i_file, 1);
    show_remarks();
    CHECK_STR(seen.definition, "uint32 k");
    CHECK_STR(seen.qos, "- depth: 9");
    CHECK_STR(seen.info.storage, "mcap");
    CHECK_EQ(seen.n_topics_of[0], 67);
    read_with(path, NULL, &(struct et_rosbag2_query){.topics = (size_t[]){1}, .n_topics = 1});
    CHECK_MADE(67);
    make_zstd(in(path, "x_0.mcap"), in(path, "y.mcap.zstd"));
    read_it(in(path, "y.mcap.zstd"));
    CHECK_MADE(100);
    CHECK_STR(seen.distro, "rolling");
    CHECK_EQ(seen.info.metadata_version, 9);
    CHECK_EQ(seen.faults, 0);
}

/* ---- hostile ---- */

static void read_changed(const char *sql)
{
    const char *path = temp_path("hostile.db3");
    make_db(path, &(struct made_db){.n_messages = 30, .more = sql});
    read_it(path);
}

static void rows_that_are_no_messages_are_left_out(void)
{
    read_changed("INSERT INTO messages VALUES(100,1,-5,x'00'),(101,1,1.5e300,x'00'),"
                 "(102,1,'soon',x'00'),(103,'one',7,x'00'),(9223372036854775807,1,8,7)");
    CHECK_MADE(30);
    CHECK_EQ(seen.faults, 1u << ET_ROSBAG2_ROW);
    CHECK_EQ(seen.remarks[ET_ROSBAG2_ROW].n, 5);
    CHECK_EQ(seen.remarks[ET_ROSBAG2_ROW].at, 100);
    read_changed("INSERT INTO messages VALUES(-9223372036854775807,99,7,x'00'),"
                 "(100,9223372036854775807,7,x'00'); DELETE FROM topics WHERE id=2");
    CHECK_MADE(20);
    CHECK_EQ(seen.faults, 1u << ET_ROSBAG2_ORPHAN);
    CHECK_EQ(seen.remarks[ET_ROSBAG2_ORPHAN].n, 12);
    read_changed("INSERT INTO topics SELECT 9, x'00', 1, 2, 3, 4; "
                 "CREATE TABLE other(a); DROP INDEX timestamp_idx");
    CHECK_MADE(30);
}

static void too_long_a_message_is_left_out(void)
{
    const char *path = temp_path("long.db3");
    make_db(path,
            &(struct made_db){.n_messages = 30,
                              .more = "UPDATE messages SET data=zeroblob(3000000) WHERE id=7"});
    read_with(path, &(struct et_rosbag2_open_options){.memory_bytes = 1000000}, NULL);
    CHECK_MADE(29);
    show_remarks();
    CHECK(has(ET_ROSBAG2_ROW) || has(ET_ROSBAG2_DAMAGE));
}

static void tables_that_are_none_are_refused(void)
{
    static const char *const ENDLESS =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, "
        "1 AS topic_id, i AS timestamp, x'00' AS data FROM n";
    char sql[600];
    (void)snprintf(sql, sizeof sql, "DROP TABLE messages; CREATE VIEW messages AS %s", ENDLESS);
    read_changed(sql);
    CHECK_EQ(seen.st, ET_ECORRUPT);
    CHECK_HAS(seen.err.text, "no table of messages");
    read_changed("DROP TABLE topics; CREATE VIEW topics AS SELECT 1 AS id, 'a' AS name, "
                 "'b' AS type, 'cdr' AS serialization_format");
    CHECK_EQ(seen.st, ET_ECORRUPT);
    read_changed("DROP TABLE messages; CREATE TABLE messages(id INTEGER, topic_id, timestamp, "
                 "data)"); // not its key
    CHECK_EQ(seen.st, ET_ECORRUPT);
    read_changed("DROP TABLE messages; CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, "
                 "timestamp, data AS (zeroblob(1000000000)))");
    CHECK_EQ(seen.st, ET_ECORRUPT);
    read_changed("DROP TABLE message_definitions; CREATE VIEW message_definitions AS SELECT "
                 "'x' AS topic_type, 'y' AS encoding, 'z' AS encoded_message_definition");
    CHECK_MADE(30);
    write_text(temp_path("text.db3"), "SQLite format 3, but only in name");
    read_it(temp_path("text.db3"));
    CHECK_EQ(seen.st, ET_ECORRUPT);
    write_text(temp_path("no.txt"), "no");
    CHECK(!et_rosbag2_is_recording(temp_path("no.txt")));
    read_it(temp_path("no.txt"));
    CHECK_EQ(seen.st, ET_ECORRUPT);
}

static void another_storage_is_refused_by_name(void)
{
    const char *path = folder("other");
    write_text(in(path, "x.bag"), "#ROSBAG V2.0");
    write_text(in(path, "metadata.yaml"),
               "rosbag2_bagfile_information:\n  version: 4\n  storage_identifier: rosbag_v2\n"
               "  relative_file_paths: [x.bag]\n");
    read_it(path);
    CHECK_EQ(seen.st, ET_EUNSUPPORTED);
    CHECK_HAS(seen.err.text, "rosbag_v2");
}

static void a_file_that_is_none_costs_only_itself(void)
{
    const char *path = folder("costs");
    make_db(in(path, "x_0.db3"), &(struct made_db){.n_messages = 10});
    write_text(in(path, "x_1.db3"), "no database at all");
    make_db(in(path, "x_2.db3"), &(struct made_db){.first = 10, .n_messages = 10});
    read_it(path);
    CHECK_MADE(20);
    CHECK_EQ(seen.remarks[ET_ROSBAG2_FILE].i_file, 1);
    CHECK_HAS(seen.remarks[ET_ROSBAG2_FILE].text, "neither SQLite");
}

static const char *shared_path;

static void *read_often(void *n_read)
{
    for (int i = 0; i < 50; i++) {
        struct et_rosbag2_reader *r = NULL;
        struct et_rosbag2_message m;
        if (et_rosbag2_open(&r, shared_path, NULL, NULL) != ET_OK)
            return NULL;
        while (et_rosbag2_next(r, &m, NULL) == ET_OK)
            ++*(int *)n_read;
        et_rosbag2_close(r);
    }
    return NULL;
}

static void two_threads_read_with_a_reader_each(void)
{
    pthread_t other;
    int n[2] = {0, 0};
    shared_path = temp_path("threads.db3");
    make_db(shared_path, &(struct made_db){.n_messages = 20});
    CHECK_EQ(pthread_create(&other, NULL, read_often, &n[0]), 0);
    (void)read_often(&n[1]);
    CHECK_EQ(pthread_join(other, NULL), 0);
    CHECK_EQ(n[0], 1000);
    CHECK_EQ(n[1], 1000);
}

static void a_table_without_rowids_is_read_too(void)
{
    read_changed("CREATE TABLE m(id INTEGER PRIMARY KEY, topic_id, timestamp, data) WITHOUT ROWID;"
                 "INSERT INTO m SELECT * FROM messages; DROP TABLE messages;"
                 "ALTER TABLE m RENAME TO messages");
    CHECK_MADE(30);
    show_remarks();
}

static void texts_in_utf16_are_read(void)
{
    const char *path = temp_path("utf16.db3");
    make_db(path, &(struct made_db){.n_messages = 30, .before = "PRAGMA encoding='UTF-16le'"});
    read_it(path);
    CHECK_MADE(30);
    CHECK_EQ(seen.faults, 0);
    CHECK_STR(seen.type, "std_msgs/msg/String");
    CHECK_STR(seen.definition, "string data");
}

static void faults_have_names(void)
{
    for (int i = 0; i < ET_ROSBAG2_N_FAULTS; i++)
        for (int k = 0; k < i; k++)
            CHECK(strcmp(et_rosbag2_fault_name((enum et_rosbag2_fault)i),
                         et_rosbag2_fault_name((enum et_rosbag2_fault)k)) != 0);
    CHECK_STR(et_rosbag2_fault_name(ET_ROSBAG2_ORPHAN), "orphan");
    CHECK_STR(et_rosbag2_fault_name(ET_ROSBAG2_N_FAULTS), "unknown");
}

int main(void)
{
    RUN(reads_every_schema);
    RUN(a_newer_schema_is_read_by_what_it_has);
    RUN(rows_come_in_the_order_of_time);
    RUN(what_overlaps_beyond_the_memory_is_refused);
    RUN(queries_by_topic_and_time);
    RUN(a_query_can_begin_again_at_any_time);
    RUN(split_files_are_one_recording);
    RUN(metadata_that_lie_are_told);
    RUN(files_without_metadata_are_one_by_their_numbers);
    RUN(an_empty_recording_is_one);
    RUN(messages_in_zstd_are_decompressed);
    RUN(files_in_zstd_are_decompressed);
    RUN(a_log_beside_the_database_is_read);
    RUN(a_log_may_hold_all_of_it);
    RUN(a_journal_is_told_and_not_used);
    RUN(a_cut_database_gives_the_pages_that_are_there);
    RUN(reads_files_in_mcap);
    RUN(rows_that_are_no_messages_are_left_out);
    RUN(too_long_a_message_is_left_out);
    RUN(tables_that_are_none_are_refused);
    RUN(another_storage_is_refused_by_name);
    RUN(a_file_that_is_none_costs_only_itself);
    RUN(two_threads_read_with_a_reader_each);
    RUN(a_table_without_rowids_is_read_too);
    RUN(texts_in_utf16_are_read);
    RUN(faults_have_names);
    RUN(reads_the_official_recordings);
    RUN(reads_old_databases_alone);
    RUN(ninety_four_types_are_the_same_in_both_storages);
    RUN(reads_a_file_in_zstd);
    return tap_end();
}
