/* ROS 1 bags: whole, unfinished, cut, wrong. */
#include "etude/hash.h"
#include "etude/rosbag1.h"
#include "rosbag1_made.h"
#include "support.h"
#include "tap.h"

/* What came out of a bag: messages, whether all were as made and in the order of time. */
struct seen {
    int64_t n, n_wrong, n_late, n_twice;
    bool is_seen[256];
    uint64_t hash, trace; // of the data; of all else, in turn
    enum et_status st;
    struct et_err err;
    uint32_t faults; // bits
    struct et_rosbag1_info info;
};

static struct seen read_once(const char *path, const struct et_rosbag1_open_options *options,
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
        if (k[0] == k[1] && k[0] < 256) {
            s.n_twice += s.is_seen[k[0]];
            s.is_seen[k[0]] = true;
        }
        last_ns = m.time_ns;
        for (size_t i = 0; i < m.data.n; i++)
            s.hash = s.hash * 31 + (unsigned char)m.data.p[i];
        s.trace = s.trace * 31 + (uint64_t)m.time_ns + (uint64_t)m.at + m.i_connection;
        s.n++;
    }
    if (r) {
        s.info = *et_rosbag1_info(r);
        for (size_t i = 0; i < s.info.n_remarks; i++) {
            s.faults |= 1u << s.info.remarks[i].fault;
            s.n_wrong += s.info.remarks[i].text[0] == 0;
            s.trace = s.trace * 31 + et_hash64(s.info.remarks[i].text, 160) +
                      (uint64_t)(s.info.remarks[i].n + s.info.remarks[i].n_bytes);
        }
    }
    et_rosbag1_close(r);
    return s;
}

/* Reading ahead gives the same, and fails with the same words at the same place. */
static struct seen read_with(const char *path, const struct et_rosbag1_open_options *options,
                             const struct et_rosbag1_query *query)
{
    static struct et_pool *pool; // until the end
    struct et_rosbag1_open_options with_pool =
        options ? *options : (struct et_rosbag1_open_options){0};
    struct et_err err = {0};
    if (!pool)
        CHECK_OK(et_pool_open(&pool, 2, &err));
    with_pool.pool = pool;
    const struct seen s = read_once(path, options, query);
    const struct seen t = read_once(path, &with_pool, query);
    CHECK(s.n == t.n && s.hash == t.hash && s.trace == t.trace && s.faults == t.faults);
    CHECK(s.st == t.st && strcmp(s.err.text, t.err.text) == 0);
    CHECK(s.info.n_connections == t.info.n_connections && s.info.n_messages == t.info.n_messages);
    return s;
}

/* Of a bag that is damaged at every place: ahead at every fourth. */
static struct seen read_damaged(const char *path, size_t at,
                                const struct et_rosbag1_open_options *options)
{
    return at % 4 ? read_once(path, options, NULL) : read_with(path, options, NULL);
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

static const char *const COMPRESSIONS[] = {"none", "lz4", "bz2"};
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

// Where the word stands for the n-th time.
static size_t place_of(const struct et_buf *b, const char *word, int n)
{
    const size_t n_word = strlen(word);
    for (size_t i = 0; i + n_word <= b->n; i++)
        if (memcmp(b->p + i, word, n_word) == 0 && --n == 0)
            return i;
    return 0;
}

static void damage_in_a_packed_chunk_costs_that_chunk(void)
{
    const char *path = temp_path("damaged.bag");
    for (int i = 1; i < 3; i++) {
        const struct made_bag how = {
            .compression = COMPRESSIONS[i], .n_chunks = 3, .n_messages = 50};
        struct et_buf b = make_bag(&how);
        b.p[place_of(&b, "compression=", 2) + 200] ^= 1;
        write_file(path, b.p, b.n);
        et_buf_free(&b);
        const struct seen s = read_with(path, NULL, NULL), t = read_with(path, &SCAN, NULL);
        CHECK(s.n == 100 && s.n_wrong == 0 && s.faults == 1u << ET_ROSBAG1_CHUNK);
        CHECK(t.n == 100 && t.n_wrong == 0 && t.faults == 1u << ET_ROSBAG1_CHUNK);
    }
}

struct cut {
    int64_t n_before;
    bool must_grow;
};

static void check_cut(const char *path, size_t n_kept, void *ctx)
{
    struct cut *c = ctx;
    const struct seen s = read_damaged(path, n_kept, NULL);
    if (n_kept < 13) {
        CHECK(s.st == ET_ECORRUPT || s.st == ET_EUNSUPPORTED);
        return;
    }
    CHECK(s.st == ET_END && s.n_wrong == 0 && s.n_late == 0 && s.n_twice == 0);
    CHECK(s.faults != 0);
    CHECK(!c->must_grow || s.n >= c->n_before);
    c->n_before = s.n;
}

static void keeps_what_was_whole_before_a_cut(void)
{
    for (int i = 0; i < 6; i++) {
        const struct made_bag how = {
            .compression = COMPRESSIONS[i / 2], .n_chunks = 3, .n_messages = 12, .is_open = i % 2};
        struct cut c = {.must_grow = i < 2};
        struct et_buf b = make_bag(&how);
        cut_at_every_byte(b.p, b.n, 1, temp_path("cut.bag"), check_cut, &c);
        CHECK(c.n_before >= (i == 3 || i == 5 ? 24 : 35));
        et_buf_free(&b);
    }
}

/* What a flip may cost: in a plain chunk the message it is in and the one before, which it leaves
 * without an end to be believed; else the chunk. A plain chunk has no checksum: only what comes of
 * a packed one is right for certain. */
static void check_flip(const char *path, size_t at, void *ctx)
{
    const struct made_bag *how = ctx;
    const struct et_rosbag1_open_options *const ways[] = {NULL, &SCAN};
    const bool is_plain = how->compression == COMPRESSIONS[0];
    for (int i = 0; i < 2; i++) {
        const struct seen s = read_damaged(path, at, ways[i]);
        if (at < 13) {
            CHECK((s.st == ET_ECORRUPT || s.st == ET_EUNSUPPORTED) && s.err.text[0]);
            continue;
        }
        CHECK(s.st == ET_END && s.n_twice == 0);
        CHECK(s.n_late == 0 || (is_plain && s.faults & 1u << ET_ROSBAG1_INDEX));
        CHECK(is_plain ? s.n_wrong <= 1 : s.n_wrong == 0);
        CHECK(s.n >= (is_plain && !(s.faults & 1u << ET_ROSBAG1_CHUNK) ? 34 : 24));
    }
}

static void a_flip_costs_a_chunk_at_most_and_makes_nothing_come_twice(void)
{
    for (int i = 0; i < 6; i++) {
        struct made_bag how = {
            .compression = COMPRESSIONS[i / 2], .n_chunks = 3, .n_messages = 12, .is_open = i % 2};
        struct et_buf b = make_bag(&how);
        flip_every_byte(b.p, b.n, 1, temp_path("flip.bag"), check_flip, &how);
        et_buf_free(&b);
    }
}

static void a_size_that_cannot_be_is_not_believed(void)
{
    const char *path = temp_path("size.bag");
    const struct made_bag how = {.compression = "lz4", .n_chunks = 3, .n_messages = 50};
    struct et_buf b = make_bag(&how);
    memset(b.p + place_of(&b, "size=", 2) + 5, 0xff, 4);
    write_file(path, b.p, b.n);
    et_buf_free(&b);
    const struct seen s = read_with(path, NULL, NULL), t = read_with(path, &SCAN, NULL);
    CHECK(s.n == 150 && s.n_wrong == 0 && s.faults == 1u << ET_ROSBAG1_CHUNK);
    CHECK(t.n == 150 && t.n_wrong == 0 && t.faults == 1u << ET_ROSBAG1_CHUNK);
}

/* The first chunk's records of connections are damaged; those of the second say as much. */
static void finds_connections_behind_their_messages(void)
{
    const char *path = temp_path("behind.bag");
    struct et_buf b =
        make_bag(&(struct made_bag){.n_chunks = 2, .n_messages = 10, .is_open = true});
    b.p[place_of(&b, "op=\7", 1) + 3] = 99;
    b.p[place_of(&b, "op=\7", 1) + 3] = 99;
    write_file(path, b.p, b.n);
    et_buf_free(&b);
    const struct seen s = read_with(path, NULL, NULL);
    CHECK(s.n == 20 && s.info.n_messages == 20 && s.n_wrong == 0);
    CHECK_EQ(s.faults, 1 << ET_ROSBAG1_CUT | 1 << ET_ROSBAG1_DAMAGE);
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
    RUN(keeps_what_was_whole_before_a_cut);
    RUN(a_flip_costs_a_chunk_at_most_and_makes_nothing_come_twice);
    RUN(a_size_that_cannot_be_is_not_believed);
    RUN(finds_connections_behind_their_messages);
    return tap_end();
}
