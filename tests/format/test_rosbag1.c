/* ROS 1 bags: whole, unfinished, cut, wrong. */
#include "etude/rosbag1.h"
#include "rosbag1_made.h"
#include "support.h"
#include "tap.h"

/* What came out of a bag: messages, whether all were as made and in the order of time. */
struct seen {
    int64_t n, n_wrong, n_late;
    uint64_t hash;
    enum et_status st;
    struct et_err err;
    uint32_t faults; // bits
    struct et_rosbag1_info info;
};

static struct seen read_with(const char *path, const struct et_rosbag1_open_options *options,
                             const struct et_rosbag1_query *query)
{
    struct seen s = {0};
    struct et_rosbag1_reader *r = NULL;
    struct et_rosbag1_message m;
    int64_t last_ns = INT64_MIN;
    s.st = et_rosbag1_open(&r, path, options, &s.err);
    if (s.st == ET_OK && query)
        s.st = et_rosbag1_query(r, query, &s.err);
    while (s.st == ET_OK && (s.st = et_rosbag1_next(r, &m, &s.err)) == ET_OK) {
        uint32_t k[2] = {0, 1};
        if (m.data.n == 8)
            memcpy(k, m.data.p, 8);
        s.n_wrong += k[0] != k[1] || m.time_ns != 100000000000 + (int64_t)k[0] * 1000000;
        s.n_late += m.time_ns < last_ns;
        last_ns = m.time_ns;
        for (size_t i = 0; i < m.data.n; i++)
            s.hash = s.hash * 31 + (unsigned char)m.data.p[i];
        s.n++;
    }
    if (r) {
        s.info = *et_rosbag1_info(r);
        for (size_t i = 0; i < s.info.n_remarks; i++) {
            s.faults |= 1u << s.info.remarks[i].fault;
            s.n_wrong += s.info.remarks[i].text[0] == 0;
        }
    }
    et_rosbag1_close(r);
    return s;
}

static struct seen read_made(const struct made_bag *how,
                             const struct et_rosbag1_open_options *options,
                             const struct et_rosbag1_query *query)
{
    struct et_buf b = make_bag(how);
    const char *path = temp_path("made.bag");
    write_file(path, b.p, b.n);
    et_buf_free(&b);
    return read_with(path, options, query);
}

static const struct et_rosbag1_open_options SCAN = {.must_scan = true};

static void reads_real_bags(void)
{
    static const struct {
        const char *name;
        int64_t n;
        size_t n_connections;
        uint32_t faults;
    } BAGS[] = {
        {"rosbag1/fixtures/example.bag", 8647, 12, 0},
        {"rosbag1/fixtures/example-lz4.bag", 8647, 9, 0},
        {"rosbag1/fixtures/example-bz2.bag", 8647, 9, 0},
        {"rosbag1/fixtures/example-unsorted-chunks.bag", 3, 1, 0},
        {"rosbag1/fixtures/no-messages.bag", 0, 0, 0},
        {"bags/ros_ros_comm/tools/rosbag_storage/test/test.bag", 11, 2, 0},
        {"bags/Tiryoh_rosbag-analyzer-web/e2e/fixtures/test_sample.bag", 14, 2, 0},
        {"bags/Tiryoh_rosbag-analyzer-web/e2e/fixtures/test_truncated.bag", 3, 1,
         1 << ET_ROSBAG1_CUT},
        {"bags/Tiryoh_rosbag-analyzer-web/e2e/fixtures/test_unindexed.bag", 14, 2,
         1 << ET_ROSBAG1_CUT},
        {"robots/kuavo.bag", 23, 23, 0},
        {"robots/robocodec_test_19.bag", 3, 3, 0},
    };
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof BAGS / sizeof *BAGS; i++) {
        const char *path = data_path(BAGS[i].name);
        if (!path) {
            tap_skip("no data");
            return;
        }
        const struct seen by_index = read_with(path, NULL, NULL);
        const struct seen by_scan = read_with(path, &SCAN, NULL);
        CHECK_EQ(by_index.n, BAGS[i].n);
        CHECK_EQ(by_index.info.n_messages, BAGS[i].n);
        CHECK_EQ(by_index.info.n_connections, BAGS[i].n_connections);
        CHECK_EQ(by_index.faults, BAGS[i].faults);
        CHECK(by_index.n_late == 0 && by_index.st == ET_END);
        CHECK(by_scan.n == by_index.n && by_scan.hash == by_index.hash);
        if (BAGS[i].n == 8647) // one recording in three compressions
            CHECK(hash == 0 || hash == by_index.hash);
        hash = BAGS[i].n == 8647 ? by_index.hash : hash;
    }
}

static void gives_the_same_whatever_the_layout(void)
{
    static const char *const COMPRESSIONS[] = {"none", "lz4", "bz2"};
    for (int i = 0; i < 3 * 16; i++) {
        const struct made_bag how = {.compression = COMPRESSIONS[i / 16],
                                     .n_chunks = 5,
                                     .n_messages = 40,
                                     .is_open = i & 1,
                                     .op_last = i & 2,
                                     .is_backward = i & 4,
                                     .has_overlap = i & 8};
        const struct seen s = read_made(&how, NULL, NULL);
        const struct seen scanned = read_made(&how, &SCAN, NULL);
        CHECK_EQ(s.n, 200);
        CHECK_EQ(s.info.n_messages, 200);
        CHECK(s.n_wrong == 0 && s.n_late == 0 && s.st == ET_END);
        CHECK_EQ(s.faults, how.is_open ? 1 << ET_ROSBAG1_CUT : 0);
        CHECK(s.info.has_index == !how.is_open && s.info.is_finished == !how.is_open);
        CHECK(scanned.n == 200 && scanned.n_wrong == 0 && scanned.hash == s.hash);
        CHECK_STR(s.info.compression, COMPRESSIONS[i / 16]);
        CHECK_EQ(s.info.start_ns, 100000000000);
        CHECK_EQ(s.info.end_ns, 100199000000);
    }
}

static void gives_the_connections_as_they_lie(void)
{
    struct et_buf b = make_bag(&(struct made_bag){.n_chunks = 1, .n_messages = 3});
    const char *path = temp_path("connections.bag");
    struct et_rosbag1_reader *r = NULL;
    struct et_err err = {0};
    write_file(path, b.p, b.n);
    et_buf_free(&b);
    CHECK_OK(et_rosbag1_open(&r, path, NULL, &err));
    const struct et_rosbag1_connection *c = et_rosbag1_info(r)->connections;
    CHECK_EQ(et_rosbag1_info(r)->n_connections, 2);
    CHECK(c[0].id == 7 && et_str_is(c[0].topic, "/even") && c[0].is_latching);
    CHECK(et_str_is(c[0].type, "std_msgs/UInt64"));
    CHECK(et_str_is(c[0].definition, "uint64 data # a=b\n"));
    CHECK(c[0].n_messages == 2 && c[1].n_messages == 1);
    et_rosbag1_close(r);
}

static void asks_for_connections_and_times(void)
{
    const struct made_bag how = {.n_chunks = 4, .n_messages = 50, .has_overlap = true};
    const size_t second = 1, none = 2;
    struct et_rosbag1_query q = {.connections = &second, .n_connections = 1};
    CHECK_EQ(read_made(&how, NULL, &q).n, 100);
    q = (struct et_rosbag1_query){.from_ns = 100010000000, .to_ns = 100020000000};
    CHECK_EQ(read_made(&how, NULL, &q).n, 10);
    q = (struct et_rosbag1_query){.in_file_order = true};
    const struct seen s = read_made(&how, NULL, &q);
    CHECK(s.n == 200 && s.n_late > 0);
    q = (struct et_rosbag1_query){.connections = &none, .n_connections = 1};
    CHECK_EQ(read_made(&how, NULL, &q).st, ET_EARG);
}

static void keeps_to_its_memory(void)
{
    const struct made_bag apart = {.n_chunks = 40, .n_messages = 300};
    const struct made_bag overlap = {.n_chunks = 40, .n_messages = 300, .has_overlap = true};
    const struct et_rosbag1_open_options small = {.memory_bytes = 100000};
    CHECK_EQ(read_made(&apart, &small, NULL).n, 12000);
    CHECK_EQ(read_made(&overlap, &small, NULL).st, ET_ELIMIT);
    const struct et_rosbag1_query q = {.in_file_order = true};
    CHECK_EQ(read_made(&overlap, &small, &q).n, 12000);
}

static void refuses_by_name(void)
{
    const char *path = temp_path("wrong.bag");
    struct seen s = read_made(
        &(struct made_bag){.n_chunks = 1, .n_messages = 1, .encryptor = "rosbag/AesCbcEncryptor"},
        NULL, NULL);
    CHECK_EQ(s.st, ET_EUNSUPPORTED);
    CHECK_HAS(s.err.text, "rosbag/AesCbcEncryptor");
    write_file(path, "#ROSBAG V1.2\n", 13);
    s = read_with(path, NULL, NULL);
    CHECK_EQ(s.st, ET_EUNSUPPORTED);
    CHECK_HAS(s.err.text, "1.2");
    write_file(path, "", 0);
    CHECK_EQ(read_with(path, NULL, NULL).st, ET_ECORRUPT);
    CHECK_EQ(read_with(temp_path("absent.bag"), NULL, NULL).st, ET_ENOTFOUND);
    CHECK(tap_is(et_rosbag1_fault_name(ET_ROSBAG1_ORPHAN), "orphan"));
}

static void damage_in_a_packed_chunk_costs_that_chunk(void)
{
    static const char *const COMPRESSIONS[] = {"lz4", "bz2"};
    const char *path = temp_path("damaged.bag");
    for (int i = 0; i < 2; i++) {
        const struct made_bag how = {
            .compression = COMPRESSIONS[i], .n_chunks = 3, .n_messages = 50};
        struct et_buf b = make_bag(&how);
        b.p[b.n / 2] ^= 1; // in the second chunk: the index is short
        write_file(path, b.p, b.n);
        et_buf_free(&b);
        const struct seen s = read_with(path, NULL, NULL), t = read_with(path, &SCAN, NULL);
        CHECK(s.n == 100 && s.n_wrong == 0 && s.faults == 1u << ET_ROSBAG1_CHUNK);
        CHECK(t.n == 100 && t.n_wrong == 0 && t.faults == 1u << ET_ROSBAG1_CHUNK);
    }
}

int main(void)
{
    RUN(reads_real_bags);
    RUN(gives_the_same_whatever_the_layout);
    RUN(gives_the_connections_as_they_lie);
    RUN(asks_for_connections_and_times);
    RUN(keeps_to_its_memory);
    RUN(refuses_by_name);
    RUN(damage_in_a_packed_chunk_costs_that_chunk);
    return tap_end();
}
