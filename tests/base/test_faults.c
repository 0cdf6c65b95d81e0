/* The fault loops of the room: each call into the system fails once. */
#include "etude/file.h"
#include "etude/hash.h"
#include "etude/json.h"
#include "etude/pool.h"
#include "etude/stats.h"
#include "etude/yaml.h"
#include "fault.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>

static struct et_err err;
static struct et_arena *arena;

static void check_content(const char *path, const char *want)
{
    char *got = read_file(path, NULL);
    CHECK_STR(got, want);
    free(got);
}

static bool is_failure(enum et_status st)
{
    return st == ET_EIO || st == ET_ENOMEM;
}

/* Replacing says that it failed exactly when the old content stays. The sync of the folder at the
 * end may fail in silence: then the new content is there, and after a power cut either one. */
static void keeps_the_old_content_whatever_fails(void)
{
    const char *path = temp_path("kept");
    int n_failures = 0;
    FOR_EACH_FAULT(at)
    {
        write_file(path, "new", 3);
        fault_arm(at);
        const enum et_status st = et_file_replace(path, "newer", 5, &err);
        fault_disarm();
        n_failures += st != ET_OK;
        CHECK(st == ET_OK || (fault_seen && st == ET_EIO));
        check_content(path, st == ET_OK ? "newer" : "new");
        const char *const *names;
        size_t n;
        CHECK_OK(et_dir_list(temp_path("."), arena, &names, &n, &err));
        CHECK_EQ(n, 1); // nothing is left beside it
    }
    CHECK_EQ(n_failures, 5); // open, write, fsync, close, rename
    CHECK_OK(et_file_remove(path, &err));
}

static void reports_every_failure_of_replacing_that_matters(void)
{
    static const char *const CALLS[] = {"write", "rename"};
    const char *path = temp_path("x");
    for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++) {
        fault_only = CALLS[i];
        fault_arm(1);
        CHECK_EQ(et_file_replace(path, "newer", 5, &err), ET_EIO);
        fault_disarm();
        CHECK(fault_seen);
        CHECK(!file_exists(path));
    }
    fault_only = "fsync"; // the first one is the content's
    fault_arm(1);
    CHECK_EQ(et_file_replace(path, "newer", 5, &err), ET_EIO);
    fault_disarm();
    CHECK_HAS(err.text, "cannot sync");
    fault_only = NULL;
}

static void creates_all_or_nothing(void)
{
    const char *path = temp_path("created");
    FOR_EACH_FAULT(at)
    {
        struct et_file *file;
        fault_arm(at);
        const enum et_status st = et_file_open(&file, path, ET_FILE_CREATE, &err);
        fault_disarm();
        CHECK(fault_seen ? is_failure(st) : st == ET_OK);
        CHECK_EQ(file_exists(path), st == ET_OK);
        CHECK_EQ(file != NULL, st == ET_OK);
        et_file_close(file);
    }
    CHECK_OK(et_file_remove(path, &err));
}

static enum et_status use_handle(const char *path)
{
    struct et_file *file;
    char got[6];
    size_t n;
    int64_t size;
    enum et_status st = et_file_open(&file, path, ET_FILE_UPDATE, &err);
    if (st == ET_OK)
        st = et_file_size(file, &size, &err);
    if (st == ET_OK)
        st = et_file_write_at(file, 0, "abc", 3, &err);
    if (st == ET_OK)
        st = et_file_read_at(file, 0, got, 3, &n, &err);
    if (st == ET_OK)
        st = et_file_read_exact(file, 0, got, 3, &err);
    if (st == ET_OK)
        st = et_file_truncate(file, 3, &err);
    if (st == ET_OK)
        st = et_file_sync(file, &err);
    et_file_close(file);
    return st;
}

static void reports_every_failure_of_a_handle(void)
{
    const char *path = temp_path("handle");
    write_file(path, "xyz", 3);
    FOR_EACH_FAULT(at)
    {
        memset(&err, 0, sizeof err);
        fault_arm(at);
        const enum et_status st = use_handle(path);
        fault_disarm();
        // All that may fail unseen is the close, whose bytes have been synced.
        CHECK(st == ET_OK || (fault_seen && is_failure(st)));
        CHECK(st == ET_OK || err.text[0] != 0);
        if (fault_seen && st == ET_OK)
            CHECK_EQ(fault_count, at);
    }
    CHECK_OK(et_file_remove(path, &err));
}

static enum et_status read_all(const char *path)
{
    struct et_arena *own = NULL;
    struct et_str text;
    struct et_digest digest;
    enum et_status st = et_arena_open(&own, 1 << 20, &err);
    if (st == ET_OK)
        st = et_file_read(path, 100, own, &text, &err);
    if (st == ET_OK)
        st = et_blake2b_file(path, &digest, &err);
    et_arena_close(own);
    return st;
}

static void reports_every_failure_of_reading(void)
{
    const char *path = temp_path("read");
    int n_silent = 0;
    write_file(path, "xyz", 3);
    FOR_EACH_FAULT(at)
    {
        fault_arm(at);
        const enum et_status st = read_all(path);
        fault_disarm();
        CHECK(st == ET_OK || (fault_seen && is_failure(st)));
        n_silent += fault_seen && st == ET_OK;
    }
    CHECK_EQ(n_silent, 2); // the closes of two files that were read
    CHECK_OK(et_file_remove(path, &err));
}

static void reports_every_failure_of_folders(void)
{
    // Paths are made before: making one calls malloc.
    const char *one = temp_path("one"), *two = temp_path("one/two"), *a = temp_path("one/a");
    FOR_EACH_FAULT(at)
    {
        CHECK_OK(et_path_remove(one, &err));
        fault_arm(at);
        const enum et_status st = et_dir_make(two, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_EIO : st == ET_OK);
    }
    FOR_EACH_FAULT(at)
    {
        write_file(a, "", 0);
        fault_arm(at);
        const enum et_status st = et_path_remove(a, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_EIO : st == ET_OK);
    }
    FOR_EACH_FAULT(at)
    {
        write_file(a, "", 0);
        fault_arm(at);
        const enum et_status st = et_file_remove(a, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_EIO : st == ET_OK);
    }
    CHECK_OK(et_path_remove(one, &err));
}

static void reports_a_rename_that_was_not_synced(void)
{
    const char *from = temp_path("from"), *to = temp_path("to");
    FOR_EACH_FAULT(at)
    {
        CHECK_OK(et_path_remove(to, &err));
        write_file(from, "x", 1);
        fault_arm(at);
        const enum et_status st = et_file_rename(from, to, &err);
        fault_disarm();
        CHECK(file_exists(from) != file_exists(to));
        if (st != ET_OK)
            CHECK_HAS(err.text, file_exists(to) ? "is renamed, but" : "cannot rename");
    }
}

static enum et_status build_in_memory(void)
{
    struct et_arena *own = NULL;
    const struct et_value *value;
    const struct et_json_options options = {.allow_nan = true};
    struct et_buf buf = et_buf(1 << 20);
    struct et_json_writer w = {.buf = &buf, .indent = 2};

    enum et_status st = et_arena_open(&own, 1 << 20, &err);
    if (st == ET_OK && !et_arena_alloc(own, 10000))
        st = et_arena_fail(own, "a table", &err);
    if (st == ET_OK)
        st = et_json_parse(ET_STR("[1, {\"a\": NaN, \"b\": \"x\"}]"), &options, own, &value, &err);
    if (st == ET_OK) {
        et_json_value(&w, value);
        et_buf_printf(&buf, "%0600d", 1);
        st = et_buf_check(&buf, "a page", &err);
    }
    if (st == ET_OK)
        st = et_yaml_parse(ET_STR("a: [1, 2]\nb: {c: x}"), NULL, own, &value, &err);
    et_buf_free(&buf);
    et_arena_close(own);
    return st;
}

static void runs_out_of_memory_cleanly(void)
{
    FOR_EACH_FAULT(at)
    {
        memset(&err, 0, sizeof err);
        fault_arm(at);
        const enum et_status st = build_in_memory();
        fault_disarm();
        CHECK_EQ(st, fault_seen ? ET_ENOMEM : ET_OK);
        CHECK(st == ET_OK || strstr(err.text, "no memory for"));
    }
}

static enum et_status take_quantiles(size_t budget)
{
    static const double LEVELS[] = {0.01, 0.5, 0.99};
    struct et_quantiles *q = NULL;
    double values[300];
    for (int i = 0; i < 300; i++)
        values[i] = sin(i);
    enum et_status st = et_quantiles_open(&q, LEVELS, 3, budget, &err);
    if (st != ET_OK)
        return st;
    do {
        st = et_quantiles_add(q, values, 300, 1, &err);
        if (st == ET_OK)
            st = et_quantiles_end_pass(q, &err);
    } while (st == ET_AGAIN);
    et_quantiles_close(q);
    return st;
}

static void quantiles_run_out_of_memory_cleanly(void)
{
    static const size_t BUDGETS[] = {0, 160, 1000, 100000};
    for (size_t i = 0; i < sizeof BUDGETS / sizeof *BUDGETS; i++) {
        FOR_EACH_FAULT(at)
        {
            fault_arm(at);
            const enum et_status st = take_quantiles(BUDGETS[i]);
            fault_disarm();
            CHECK_EQ(st, fault_seen ? ET_ENOMEM : ET_OK);
        }
    }
}

static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *task_err)
{
    (void)ctx;
    (void)i;
    (void)worker;
    (void)task_err;
    return ET_OK;
}

static void a_pool_opens_whole_or_not_at_all(void)
{
    FOR_EACH_FAULT(at)
    {
        struct et_pool *pool = NULL;
        const struct et_pool_job job = {.n_tasks = 10, .work = work};
        fault_arm(at);
        enum et_status st = et_pool_open(&pool, 3, &err);
        CHECK((st == ET_OK) == (pool != NULL));
        if (st == ET_OK)
            st = et_pool_run(pool, &job, &err);
        fault_disarm();
        CHECK(fault_seen ? is_failure(st) : st == ET_OK);
        et_pool_close(pool);
    }
}

int main(void)
{
    if (et_arena_open(&arena, 1 << 20, &err) != ET_OK)
        return 99;
    RUN(keeps_the_old_content_whatever_fails);
    RUN(reports_every_failure_of_replacing_that_matters);
    RUN(creates_all_or_nothing);
    RUN(reports_every_failure_of_a_handle);
    RUN(reports_every_failure_of_reading);
    RUN(reports_every_failure_of_folders);
    RUN(reports_a_rename_that_was_not_synced);
    RUN(runs_out_of_memory_cleanly);
    RUN(quantiles_run_out_of_memory_cleanly);
    RUN(a_pool_opens_whole_or_not_at_all);
    et_arena_close(arena);
    return tap_end();
}
