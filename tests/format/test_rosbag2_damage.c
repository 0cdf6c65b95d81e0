/* rosbag2 databases cut at every byte and wrong at every byte: nothing breaks, nothing comes late
 * or twice, and what a cut leaves whole is given as it was. */
#include "etude/rosbag2.h"
#include "rosbag2_made.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define N_MESSAGES 60
#define PAD_BYTES 700 // so that messages have overflow pages

struct result {
    enum et_status st;
    int64_t n, n_wrong, n_late;
    uint32_t faults; // bits
    bool is_opened;
};

static bool is_as_made(const struct et_rosbag2_message *m)
{
    int k = -1;
    if (m->data.n == 12 + PAD_BYTES)
        memcpy(&k, m->data.p + 4, 4);
    return k >= 0 && k < N_MESSAGES && m->time_ns == made_ns(k) &&
           et_str_eq(m->data, made_data(k, PAD_BYTES));
}

static struct result read_it(const char *path)
{
    struct result x = {0};
    struct et_rosbag2_reader *r = NULL;
    struct et_rosbag2_message m;
    struct et_err err = {0};
    int64_t last_ns = INT64_MIN;
    x.st = et_rosbag2_open(&r, path, NULL, &err);
    x.is_opened = x.st == ET_OK;
    while (x.st == ET_OK && (x.st = et_rosbag2_next(r, &m, &err)) == ET_OK) {
        x.n++;
        x.n_wrong += !is_as_made(&m);
        x.n_late += m.time_ns < last_ns;
        last_ns = m.time_ns;
    }
    CHECK(x.st == ET_END || err.text[0]);
    for (size_t i = 0; r && i < et_rosbag2_info(r)->n_remarks; i++) {
        const struct et_rosbag2_remark *remark = &et_rosbag2_info(r)->remarks[i];
        x.faults |= 1u << remark->fault;
        CHECK(remark->n > 0 && remark->text[0]);
    }
    et_rosbag2_close(r);
    return x;
}

static void check_cut(const char *path, size_t n_kept, void *ctx)
{
    int64_t *most = ctx;
    const struct result x = read_it(path);
    (void)n_kept;
    CHECK(x.is_opened ? x.st == ET_END : x.st == ET_ECORRUPT);
    CHECK_EQ(x.n_late, 0);
    CHECK_EQ(x.n_wrong, 0);
    CHECK(!x.is_opened || (x.faults >> ET_ROSBAG2_CUT & 1));
    CHECK(x.n >= *most - 1); // a page more never costs more than what it is
    *most = x.n > *most ? x.n : *most;
}

static void a_database_is_cut_at_every_byte(void)
{
    const char *path = temp_path("cut.db3");
    size_t n = 0;
    int64_t most = 0;
    make_db(path, &(struct made_db){
                      .n_messages = N_MESSAGES, .page_bytes = 1024, .pad_bytes = PAD_BYTES});
    void *whole = read_file(path, &n);
    cut_at_every_byte(whole, n, 29, temp_path("cut2.db3"), check_cut, &most);
    CHECK(most > N_MESSAGES / 2);
    free(whole);
}

static void check_flip(const char *path, size_t at, void *ctx)
{
    int64_t *n_least = ctx;
    const struct result x = read_it(path);
    CHECK(x.is_opened ? x.st == ET_END : x.st == ET_ECORRUPT || x.st == ET_EUNSUPPORTED);
    CHECK_EQ(x.n_late, 0);
    CHECK(x.n <= N_MESSAGES + 10);
    if (x.n < N_MESSAGES && x.is_opened && !x.faults)
        printf("#   byte %zu: %lld messages and nothing was told\n", at, (long long)x.n);
    *n_least += x.is_opened && x.n < N_MESSAGES && !x.faults;
}

static void a_database_is_wrong_at_every_byte(void)
{
    const char *path = temp_path("flip.db3");
    size_t n = 0;
    int64_t n_silent = 0;
    make_db(path, &(struct made_db){.n_messages = N_MESSAGES, .page_bytes = 512});
    void *whole = read_file(path, &n);
    flip_every_byte(whole, n, 5, temp_path("flip2.db3"), check_flip, &n_silent);
    CHECK_EQ(n_silent, 0);
    free(whole);
}

static uint32_t page_of(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t root_of_messages(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    uint32_t root = 0;
    CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_master WHERE name='messages'", -1,
                             &row, NULL);
    if (CHECK(sqlite3_step(row) == SQLITE_ROW))
        root = (uint32_t)sqlite3_column_int(row, 0);
    (void)sqlite3_finalize(row);
    (void)sqlite3_close(db);
    return root;
}

// All children of the table's root become one page: the first of them, or the root itself.
static void a_tree_that_leads_back_ends(void)
{
    const char *path = temp_path("tree.db3");
    size_t n = 0;
    make_db(path, &(struct made_db){.n_messages = 200, .page_bytes = 512});
    const uint32_t root = root_of_messages(path);
    for (int is_cycle = 0; root > 1 && is_cycle < 2; is_cycle++) {
        make_db(path, &(struct made_db){.n_messages = 200, .page_bytes = 512});
        unsigned char *whole = read_file(path, &n);
        unsigned char *page = whole + (size_t)(root - 1) * 512;
        CHECK_EQ(page[0], 5); // an inner page of a table
        const size_t n_cells = (size_t)page[3] << 8 | page[4];
        const uint32_t to = is_cycle ? root : page_of(page + ((size_t)page[12] << 8 | page[13]));
        const unsigned char bytes[4] = {(unsigned char)(to >> 24), (unsigned char)(to >> 16),
                                        (unsigned char)(to >> 8), (unsigned char)to};
        for (size_t i = 0; i < n_cells; i++)
            memcpy(page + ((size_t)page[12 + 2 * i] << 8 | page[13 + 2 * i]), bytes, 4);
        memcpy(page + 8, bytes, 4);
        write_file(path, whole, n);
        const struct result x = read_it(path);
        CHECK_EQ(x.st, ET_END);
        CHECK_EQ(x.n_late, 0);
        CHECK(is_cycle ? x.n == 0 : x.n > 0 && x.n < 60);
        CHECK(x.faults >> ET_ROSBAG2_DAMAGE & 1);
        free(whole);
    }
}

static void check_log(const char *path, size_t at, void *ctx)
{
    const char *db = ctx;
    const struct result x = read_it(db);
    (void)path, (void)at;
    CHECK_EQ(x.st, ET_END);
    CHECK_EQ(x.n_late, 0);
    CHECK_EQ(x.n_wrong, 0);
    CHECK_EQ(x.n, 0); // one commit: all or nothing
}

static void a_log_is_cut_and_wrong_at_every_byte(void)
{
    const char *path = temp_path("log.db3"), *log = temp_path("log.db3-wal");
    union { // the tests' context is not const
        const char *from;
        void *to;
    } db = {.from = path};
    size_t n = 0;
    make_db(path, &(struct made_db){
                      .n_messages = 6, .page_bytes = 512, .pad_bytes = PAD_BYTES, .is_open = true});
    const struct result x = read_it(path);
    CHECK_EQ(x.n, 6);
    CHECK_EQ(x.n_wrong, 0);
    char *whole = read_file(log, &n);
    cut_at_every_byte(whole, n, 17, log, check_log, db.to);
    flip_every_byte(whole, n, 7, log, check_log, db.to);
    free(whole);
}

static void check_zstd(const char *path, size_t at, void *ctx)
{
    const struct result x = read_it(path);
    (void)at, (void)ctx;
    CHECK(x.is_opened ? x.st == ET_END : x.st == ET_ECORRUPT);
    CHECK_EQ(x.n_late, 0);
}

static void a_file_in_zstd_is_cut_and_wrong(void)
{
    size_t n = 0;
    make_db(temp_path("z.db3"), &(struct made_db){.n_messages = N_MESSAGES, .page_bytes = 512});
    make_zstd(temp_path("z.db3"), temp_path("z.db3.zstd"));
    void *whole = read_file(temp_path("z.db3.zstd"), &n);
    cut_at_every_byte(whole, n, 11, temp_path("z2.db3.zstd"), check_zstd, NULL);
    flip_every_byte(whole, n, 11, temp_path("z2.db3.zstd"), check_zstd, NULL);
    free(whole);
}

int main(void)
{
    RUN(a_database_is_cut_at_every_byte);
    RUN(a_database_is_wrong_at_every_byte);
    RUN(a_tree_that_leads_back_ends);
    RUN(a_log_is_cut_and_wrong_at_every_byte);
    RUN(a_file_in_zstd_is_cut_and_wrong);
    return tap_end();
}
