/* A journal that was cut anywhere, or damaged, and a system that fails at every call. */
#include "make_set.h"
#include "same_folder.h"

#include "dataset/dataset__journal.h"
#include "etude/base64.h"
#include "fault.h"

#include <unistd.h>

#define N_EPISODES 3

static const char *unfinished; // a folder whose writer stopped after N_EPISODES
static char *journal;
static size_t n_journal;

static void copy_folder(const char *from, const char *to)
{
    struct et_err err = {0};
    size_t n_files = 0;
    char **files = files_of(from, &n_files);
    CHECK_OK(et_path_remove(to, &err));
    for (size_t i = 0; i < n_files; i++) {
        char path[4096];
        size_t n = 0;
        snprintf(path, sizeof path, "%s%s", from, files[i]);
        void *bytes = read_file(path, &n);
        snprintf(path, sizeof path, "%s%s", to, files[i]);
        char *slash = strrchr(path, '/');
        *slash = 0;
        CHECK_OK(et_dir_make(path, &err));
        *slash = '/';
        write_file(path, bytes, n);
        free(bytes);
        free(files[i]);
    }
    free(files);
}

static void make_unfinished(void)
{
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V30);
    unfinished = temp_path("unfinished");
    CHECK_OK(et_dataset_create(&writer, unfinished, &spec, &err));
    for (int64_t i = 0; i < N_EPISODES; i++)
        CHECK_OK(add_small(writer, i, "pick it up", &err));
    et_dataset_writer_close(writer);
    journal = read_file(temp_path("unfinished/meta/etude/journal.jsonl"), &n_journal);
    CHECK(journal);
}

// Whole lines in the first n bytes.
static int64_t n_lines(size_t n)
{
    int64_t lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += journal[i] == '\n';
    return lines;
}

static void keeps_the_episodes_before_a_cut(void)
{
    for (size_t n = 0; n <= n_journal; n += n + 61 < n_journal || n == n_journal ? 61 : 1) {
        struct et_err err = {0};
        int64_t n_kept = -1;
        const char *path = temp_path("cut");
        copy_folder(unfinished, path);
        write_file(temp_path("cut/meta/etude/journal.jsonl"), journal, n);
        const enum et_status st = et_dataset_repair(path, &n_kept, &err);
        const int64_t lines = n_lines(n);
        if (lines == 0) {
            CHECK_EQ(st, ET_ECORRUPT);
            CHECK(file_exists(temp_path("cut/data/chunk-000/file-000.parquet")));
            continue;
        }
        CHECK_EQ(st, ET_OK);
        CHECK_EQ(n_kept, lines - 1);
        CHECK(lines == 1 || is_small(path, lines - 1, 0));
    }
}

/* A byte that changed in the middle is no kill: nothing is taken away. */
static void changes_nothing_where_the_journal_is_damaged(void)
{
    const size_t n_spec = (size_t)(strchr(journal, '\n') - journal) + 1;
    char *bad = malloc(n_journal);
    for (size_t at = 3; at < n_journal; at += 97) {
        struct et_err err = {0};
        int64_t n_kept = -1;
        const char *path = temp_path("damaged");
        memcpy(bad, journal, n_journal);
        bad[at] ^= 1;
        copy_folder(unfinished, path);
        write_file(temp_path("damaged/meta/etude/journal.jsonl"), bad, n_journal);
        const enum et_status st = et_dataset_repair(path, &n_kept, &err);
        const bool is_last = n_lines(at) == N_EPISODES; // as a torn write would leave it
        CHECK_EQ(st, is_last ? ET_OK : ET_ECORRUPT);
        CHECK(!is_last || n_kept == N_EPISODES - 1);
        if (!is_last) {
            CHECK(err.at >= 0);
            CHECK(at < n_spec || strstr(err.text, "nothing was changed"));
            CHECK(is_same_file(path, unfinished, "/data/chunk-000/file-000.parquet"));
        }
    }
    free(bad);
}

/* Repairs a copy whose first episode's line ends with these stats, under a seal that holds. */
static enum et_status repair_stats(const void *stats, size_t n, struct et_err *err)
{
    const char *episode = strchr(journal, '\n') + 1, *end = strchr(episode, '\n');
    const char *rest = strchr(episode, ',') + 1, *old = strstr(rest, ",\"stats\":\"");
    struct et_buf line = et_buf(1 << 20), text = et_buf(1 << 20);
    CHECK(old && old < end);
    copy_folder(unfinished, temp_path("stats"));
    et_buf_puts(&line, "{");
    et_buf_put(&line, rest, (size_t)(old - rest));
    et_buf_puts(&line, ",\"stats\":\"");
    et_base64_put(&line, stats, n);
    et_buf_puts(&line, "\"}");
    et_buf_put(&text, journal, (size_t)(episode - journal));
    et__journal_seal(&text, et_buf_str(&line));
    et_buf_put(&text, end + 1, n_journal - (size_t)(end + 1 - journal));
    write_file(temp_path("stats/meta/etude/journal.jsonl"), text.p, text.n);
    const enum et_status st = et_dataset_repair(temp_path("stats"), NULL, err);
    et_buf_free(&line);
    et_buf_free(&text);
    return st;
}

// Cut anywhere, of a field that is not there, of a count that is none: refused, nothing is lost.
static void takes_no_statistics_of_other_features(void)
{
    const char *first = strstr(journal, ",\"stats\":\"") + 10, *last = strchr(first, '"');
    static unsigned char stats[1 << 16];
    struct et_err err = {0};
    size_t n;
    CHECK(et_base64_get((struct et_str){first, (size_t)(last - first)}, stats, &n));
    CHECK_OK(repair_stats(stats, n, &err));
    for (size_t cut = 1; cut < n; cut += cut < 40 ? 1 : 61) {
        const enum et_status st = repair_stats(stats, cut, &err);
        CHECK(st == ET_ECORRUPT || st == ET_OK); // a cut between two records leaves whole ones
        CHECK(st == ET_OK || strstr(err.text, "journal.jsonl"));
    }
    static const size_t PLACES[] = {0, 3, 4, 7, 15};
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        stats[PLACES[i]] ^= 0xc0;
        CHECK_EQ(repair_stats(stats, n, &err), ET_ECORRUPT);
        CHECK(is_same_file(temp_path("stats"), unfinished, "/data/chunk-000/file-000.parquet"));
        stats[PLACES[i]] ^= 0xc0;
    }
}

static void repair_features(const char *features)
{
    struct et_err err = {0};
    struct et_buf spec = et_buf(1 << 16), line = et_buf(1 << 16);
    et_buf_printf(&spec,
                  "{\"line\":\"spec\",\"version\":1,\"layout\":\"v3.0\",\"fps\":10,"
                  "\"robot_type\":null,\"data_file_mb\":100,\"video_file_mb\":200,"
                  "\"video_file_s\":900,\"chunk_files\":1000,\"quantile_budget_bytes\":1000,"
                  "\"should_sync\":false,\"video\":{},\"features\":{%s},\"tasks\":[],"
                  "\"modality\":null}",
                  features);
    et__journal_seal(&line, et_buf_str(&spec));
    CHECK_OK(et_dir_make(temp_path("evil/meta/etude"), &err));
    write_file(temp_path("evil/meta/etude/journal.jsonl"), line.p, line.n);
    CHECK_EQ(et_dataset_repair(temp_path("evil"), NULL, &err), ET_ECORRUPT);
    CHECK(!file_exists(temp_path("evil/meta/info.json")));
    et_buf_free(&spec);
    et_buf_free(&line);
}

// Names become paths, and a feature may be anything but what it should be.
static void takes_no_feature_that_is_none(void)
{
    repair_features("\"../../precious\":{\"dtype\":\"video\",\"shape\":[4,4,3],\"names\":null}");
    repair_features("\"..\":{\"dtype\":\"video\",\"shape\":[4,4,3],\"names\":null}");
    repair_features("\"\":{\"dtype\":\"float32\",\"shape\":[1],\"names\":null}");
    repair_features("\"a\":[1,2,3]");
    repair_features("\"a\":7");
    repair_features("\"a\":{\"dtype\":\"float32\",\"shape\":[-1],\"names\":null}");
    repair_features("\"a\":{\"dtype\":\"float32\",\"shape\":[99999999,99999999],\"names\":null}");
}

/* ---- a system that fails ---- */

static enum et_status write_two(const char *path, int64_t *n_added, struct et_err *err)
{
    struct et_dataset_writer *writer = NULL;
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V30);
    *n_added = -1;
    enum et_status st = et_dataset_create(&writer, path, &spec, err);
    if (st != ET_OK)
        return st;
    *n_added = 0;
    for (int64_t i = 0; st == ET_OK && i < 2; i++) {
        st = add_small(writer, i, "pick it up", err);
        *n_added += st == ET_OK;
    }
    if (st == ET_OK)
        return et_dataset_finish(writer, NULL, NULL, err);
    et_dataset_writer_close(writer);
    return st;
}

/* After any failure the folder is repaired to every episode that was reported as added; one that
 * was not may be there too, when its line was on the disk before the failure. */
static void check_after(const char *path, int64_t n_added, enum et_status st, int at)
{
    struct et_err err = {0};
    int64_t n_kept = -1;
    if (n_added < 0)
        return;
    if (!CHECK(et_dataset_repair(path, &n_kept, &err) == ET_OK))
        printf("# call %d: %s\n", at, err.text);
    if (!CHECK(n_kept == n_added || (st != ET_OK && n_kept == n_added + 1)))
        printf("# call %d: %lld of %lld episodes\n", at, (long long)n_kept, (long long)n_added);
    CHECK(n_kept <= 0 || is_small(path, n_kept, 0));
}

static int fail_everywhere(const char *calls, int step)
{
    int n_failed = 0;
    for (int at = 1; at == 1 || (fault_seen && at < FAULTS_MAX); at += step) {
        struct et_err err = {0};
        int64_t n_added;
        const char *path = temp_path("failing");
        CHECK_OK(et_path_remove(path, &err));
        fault_only = calls;
        fault_arm(at);
        const enum et_status st = write_two(path, &n_added, &err);
        fault_disarm();
        n_failed += st != ET_OK;
        CHECK(st == ET_OK || err.text[0] != 0);
        check_after(path, n_added, st, at);
    }
    return n_failed;
}

static void loses_nothing_when_the_disk_fails(void)
{
    const int n = fail_everywhere("write pwrite fsync rename open mkdir ftruncate unlink", 1);
    printf("# %d calls made it fail\n", n);
    CHECK(n > 40);
}

static void loses_nothing_when_memory_ends(void)
{
    const int n = fail_everywhere("malloc calloc realloc", 11);
    printf("# %d calls made it fail\n", n);
    CHECK(n > 10);
}

static void loses_nothing_when_reading_fails(void)
{
    (void)fail_everywhere("pread read fstat", 1);
}

int main(void)
{
    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 1);
    make_unfinished();
    RUN(keeps_the_episodes_before_a_cut);
    RUN(changes_nothing_where_the_journal_is_damaged);
    RUN(takes_no_statistics_of_other_features);
    RUN(takes_no_feature_that_is_none);
    RUN(loses_nothing_when_the_disk_fails);
    RUN(loses_nothing_when_memory_ends);
    RUN(loses_nothing_when_reading_fails);
    free(journal);
    return tap_end();
}
