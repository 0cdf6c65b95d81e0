// A kill at any moment keeps every committed row group: cuts of the file and of its journal,
// repair, and writing on.
#include "parquet_sample.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

enum { GROUPS = 3, ROWS = 20 };

static struct et_err err;
static const char *path, *journal_path;
static const struct et_parquet_writer_options OPTIONS = {
    .codec = ET_PARQUET_ZSTD, .use_dictionary = true, .has_journal = true, .should_sync = true};

static void remove_both(void)
{
    remove(path);
    remove(journal_path);
}

// Anew each time: a file system may sync a file that is overwritten, and this is done often.
static void put(const char *name, const void *data, size_t n)
{
    remove(name);
    write_file(name, data, n);
}

static struct et_parquet_writer *begin(const struct et_parquet_writer_options *options)
{
    struct et_parquet_node nodes[SAMPLE_NODES];
    struct et_parquet_writer *writer = NULL;
    const size_t n = sample_schema(nodes);
    remove_both();
    CHECK_OK(et_parquet_create(&writer, path, nodes, n, options, &err));
    return writer;
}

static void commit(struct et_parquet_writer *writer, int64_t i_group)
{
    struct sample sample;
    sample_make(&sample, i_group * ROWS, ROWS);
    CHECK_OK(sample_write(writer, &sample, &err));
    sample_free(&sample);
}

/* A file of three row groups whose writer was killed: both files' bytes, and where each group ends.
 */
struct killed {
    char *data, *journal;
    size_t n_data, n_journal;
    size_t data_end[GROUPS + 1], journal_end[GROUPS + 1];
};

static size_t size_of(const char *name)
{
    size_t n = 0;
    free(read_file(name, &n));
    return n;
}

static struct killed killed_writer(void)
{
    struct killed k = {0};
    struct et_parquet_writer *writer = begin(&OPTIONS);
    k.data_end[0] = size_of(path);
    k.journal_end[0] = size_of(journal_path);
    for (int i = 0; i < GROUPS; i++) {
        commit(writer, i);
        k.data_end[i + 1] = size_of(path);
        k.journal_end[i + 1] = size_of(journal_path);
    }
    et_parquet_writer_close(writer);
    k.data = read_file(path, &k.n_data);
    k.journal = read_file(journal_path, &k.n_journal);
    CHECK_EQ(k.n_data, k.data_end[GROUPS]);
    CHECK_EQ(k.n_journal, k.journal_end[GROUPS]);
    return k;
}

static void free_killed(struct killed *k)
{
    free(k->data);
    free(k->journal);
    remove_both();
}

static bool has_groups(int64_t n_groups, bool is_unfinished)
{
    struct et_parquet_reader *reader;
    if (et_parquet_open(&reader, path, NULL, &err) != ET_OK) {
        printf("# %s\n", err.text);
        return false;
    }
    const bool is_so = (int64_t)et_parquet_n_groups(reader) == n_groups &&
                       et_parquet_is_unfinished(reader) == is_unfinished;
    if (!is_so)
        printf("# %zu groups, unfinished %d\n", et_parquet_n_groups(reader),
               et_parquet_is_unfinished(reader));
    et_parquet_close(reader);
    return is_so && sample_is_in(path, n_groups * ROWS, 1000, NULL, &err);
}

static int64_t whole(const size_t ends[GROUPS + 1], size_t n)
{
    int64_t n_whole = -1;
    for (int i = 0; i <= GROUPS && ends[i] <= n; i++)
        n_whole = i;
    return n_whole;
}

static void opens_what_was_committed_without_a_footer(void)
{
    struct et_parquet_writer *writer = begin(&OPTIONS);
    CHECK(has_groups(0, true));
    for (int i = 0; i < GROUPS; i++) {
        commit(writer, i);
        CHECK(has_groups(i + 1, true)); // a reader beside the writer
    }
    CHECK_OK(et_parquet_writer_finish(writer, &err));
    CHECK(has_groups(GROUPS, false));
    CHECK(!file_exists(journal_path));
    remove_both();
}

static void does_not_show_a_row_group_that_was_not_committed(void)
{
    struct et_parquet_writer *writer = begin(&OPTIONS);
    const uint8_t def[ROWS] = {0};
    commit(writer, 0);
    const struct et_parquet_batch nulls = {.n_rows = ROWS, .n_levels = ROWS, .def = def};
    CHECK_OK(et_parquet_write_leaf(writer, 0, &nulls, &err));
    et_parquet_writer_close(writer);
    CHECK(has_groups(1, true));
    remove_both();
}

// Every length of the data, the journal whole.
static void keeps_what_is_whole_before_any_cut_of_the_file(void)
{
    struct killed k = killed_writer();
    for (size_t n = 0; n <= k.n_data; n++) {
        int64_t n_kept = -7;
        const int64_t n_whole = whole(k.data_end, n) < 0 ? 0 : whole(k.data_end, n);
        put(path, k.data, n);
        put(journal_path, k.journal, k.n_journal);
        const bool is_edge = n == k.data_end[n_whole] || n + 1 == k.n_data || n < 5;
        if (n % 13 != 0 && !is_edge) {
            struct et_parquet_reader *reader; // most cuts: only how many
            CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
            CHECK_EQ(et_parquet_n_groups(reader), n_whole);
            et_parquet_close(reader);
            continue;
        }
        CHECK(has_groups(n_whole, true));
        CHECK_OK(et_parquet_repair(path, -1, &n_kept, &err));
        CHECK_EQ(n_kept, n_whole);
        CHECK(has_groups(n_whole, false));
        CHECK(!file_exists(journal_path));
    }
    free_killed(&k);
}

// Every length of the journal, the data whole.
static void keeps_what_is_whole_before_any_cut_of_the_journal(void)
{
    struct killed k = killed_writer();
    for (size_t n = 0; n <= k.n_journal; n++) {
        int64_t n_kept = -7;
        const int64_t n_whole = whole(k.journal_end, n);
        put(path, k.data, k.n_data);
        put(journal_path, k.journal, n);
        if (n_whole < 0) {
            struct et_parquet_reader *reader;
            CHECK_EQ(et_parquet_open(&reader, path, NULL, &err), ET_ECORRUPT);
            CHECK_EQ(et_parquet_repair(path, -1, &n_kept, &err), ET_ECORRUPT);
            CHECK_EQ(n_kept, -7);
            continue;
        }
        CHECK(has_groups(n_whole, true));
        if (n % 7 == 0 || n == k.journal_end[n_whole]) {
            CHECK_OK(et_parquet_repair(path, -1, &n_kept, &err));
            CHECK_EQ(n_kept, n_whole);
            CHECK(has_groups(n_whole, false));
        }
    }
    free_killed(&k);
}

static void believes_no_journal_record_that_was_changed(void)
{
    struct killed k = killed_writer();
    put(path, k.data, k.n_data);
    for (size_t at = 0; at < k.n_journal; at++) {
        struct et_parquet_reader *reader;
        int64_t n_before = -1; // groups whose record ends before the changed byte
        while (n_before < GROUPS && k.journal_end[n_before + 1] <= at)
            n_before++;
        k.journal[at] ^= 0x20;
        put(journal_path, k.journal, k.n_journal);
        const enum et_status st = et_parquet_open(&reader, path, NULL, &err);
        CHECK_EQ(st, n_before < 0 ? ET_ECORRUPT : ET_OK);
        if (st == ET_OK) {
            CHECK_EQ(et_parquet_n_groups(reader), n_before);
            et_parquet_close(reader);
        }
        k.journal[at] ^= 0x20;
    }
    free_killed(&k);
}

// A kill while the footer is written: any part of it, the journal still there.
static void opens_a_file_with_half_a_footer_by_its_journal(void)
{
    struct killed k = killed_writer();
    size_t n_all;
    CHECK_OK(et_parquet_repair(path, -1, NULL, &err));
    char *all = read_file(path, &n_all);
    CHECK(n_all > k.n_data && memcmp(all, k.data, k.n_data) == 0);
    for (size_t n = k.n_data; n <= n_all; n++) {
        put(path, all, n);
        put(journal_path, k.journal, k.n_journal);
        CHECK(has_groups(GROUPS, n < n_all));
    }
    // The footer is whole, and the journal was not removed any more.
    CHECK_OK(et_parquet_repair(path, -1, NULL, &err));
    CHECK(!file_exists(journal_path));
    CHECK(has_groups(GROUPS, false));
    free(all);
    free_killed(&k);
}

static void repairs_down_to_fewer_row_groups(void)
{
    for (int64_t n = 0; n <= GROUPS + 1; n++) {
        for (int is_finished = 0; is_finished < 2; is_finished++) {
            int64_t n_kept = -7;
            struct et_parquet_writer *writer = begin(&OPTIONS);
            for (int i = 0; i < GROUPS; i++)
                commit(writer, i);
            if (is_finished)
                CHECK_OK(et_parquet_writer_finish(writer, &err));
            else
                et_parquet_writer_close(writer);
            CHECK_OK(et_parquet_repair(path, n, &n_kept, &err));
            CHECK_EQ(n_kept, n < GROUPS ? n : GROUPS);
            CHECK(has_groups(n < GROUPS ? n : GROUPS, false));
            CHECK(!file_exists(journal_path));
        }
    }
    CHECK_EQ(et_parquet_repair(path, -2, NULL, &err), ET_EARG);
    remove_both();
}

static void leaves_a_finished_file_as_it_is(void)
{
    size_t n_before, n_after;
    int64_t n_kept;
    remove_both();
    CHECK_OK(sample_file(path, GROUPS, ROWS, &OPTIONS, &err));
    char *before = read_file(path, &n_before);
    CHECK_OK(et_parquet_repair(path, -1, &n_kept, &err));
    CHECK_EQ(n_kept, GROUPS);
    char *after = read_file(path, &n_after);
    CHECK(n_before == n_after && memcmp(before, after, n_before) == 0);
    free(before);
    free(after);
    remove_both();
}

static void says_that_there_is_nothing_to_repair_from(void)
{
    remove_both();
    CHECK_EQ(et_parquet_repair(path, -1, NULL, &err), ET_ENOTFOUND);
    put(path, "PAR1 and something else", 23);
    CHECK_EQ(et_parquet_repair(path, -1, NULL, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "neither a footer nor a journal");
    // A writer without a journal leaves nothing to repair from.
    struct et_parquet_writer *writer = begin(NULL);
    commit(writer, 0);
    et_parquet_writer_close(writer);
    CHECK_EQ(et_parquet_repair(path, -1, NULL, &err), ET_ENOTFOUND);
    CHECK_EQ(et_parquet_append(&writer, path, NULL, &err), ET_ECORRUPT);
    remove_both();
}

static void does_not_take_another_files_journal(void)
{
    struct killed k = killed_writer();
    struct et_parquet_reader *reader;
    char *other = malloc(k.n_data);
    memset(other, 'x', k.n_data);
    put(path, other, k.n_data);
    put(journal_path, k.journal, k.n_journal);
    CHECK_EQ(et_parquet_open(&reader, path, NULL, &err), ET_ECORRUPT);
    CHECK_EQ(et_parquet_repair(path, -1, NULL, &err), ET_ECORRUPT);
    CHECK(file_exists(journal_path));
    free(other);

    // A journal that was left behind does not survive a new file of the same name.
    remove(path);
    const struct et_parquet_writer_options options = {0};
    CHECK_OK(sample_file(path, 1, ROWS, &options, &err));
    CHECK(!file_exists(journal_path));
    free_killed(&k);
}

/* ---- writing on ---- */

static void writes_on_behind_a_footer_and_behind_a_cut(void)
{
    for (int is_finished = 0; is_finished < 2; is_finished++) {
        for (int n_first = 0; n_first <= 2; n_first++) {
            struct et_parquet_writer *writer = begin(&OPTIONS);
            for (int i = 0; i < n_first; i++)
                commit(writer, i);
            if (is_finished)
                CHECK_OK(et_parquet_writer_finish(writer, &err));
            else
                et_parquet_writer_close(writer);
            const struct et_parquet_writer_options options = {.codec = ET_PARQUET_SNAPPY};
            CHECK_OK(et_parquet_append(&writer, path, &options, &err));
            CHECK_EQ(et_parquet_writer_n_groups(writer), n_first);
            CHECK_EQ(et_parquet_writer_n_rows(writer), n_first * ROWS);
            CHECK_EQ(et_parquet_writer_n_leaves(writer), SAMPLE_LEAVES);
            CHECK(has_groups(n_first, true));
            commit(writer, n_first);
            CHECK(has_groups(n_first + 1, true));
            commit(writer, n_first + 1);
            CHECK_OK(et_parquet_writer_finish(writer, &err));
            CHECK(has_groups(n_first + 2, false));
            CHECK(!file_exists(journal_path));
        }
    }
    remove_both();
}

static void is_the_same_file_whether_written_at_once_or_on_and_on(void)
{
    size_t n_once, n_often;
    remove_both();
    CHECK_OK(sample_file(path, 4, ROWS, &OPTIONS, &err));
    char *once = read_file(path, &n_once);
    struct et_parquet_writer *writer = begin(&OPTIONS);
    CHECK_OK(et_parquet_writer_finish(writer, &err));
    for (int i = 0; i < 4; i++) {
        CHECK_OK(et_parquet_append(&writer, path, &OPTIONS, &err));
        commit(writer, i);
        if (i % 2)
            et_parquet_writer_close(writer);
        else
            CHECK_OK(et_parquet_writer_finish(writer, &err));
    }
    CHECK_OK(et_parquet_repair(path, -1, NULL, &err));
    char *often = read_file(path, &n_often);
    CHECK(n_once == n_often && memcmp(once, often, n_once) == 0);
    free(once);
    free(often);
    remove_both();
}

static void keeps_the_metadata_of_what_it_continues(void)
{
    const struct et_parquet_metadata keys[] = {{"pandas", "{}"}};
    const struct et_parquet_metadata other[] = {{"other", "value"}};
    const struct et_parquet_writer_options first = {.metadata = keys, .n_metadata = 1};
    const struct et_parquet_writer_options second = {.metadata = other, .n_metadata = 1};
    struct et_parquet_writer *writer;
    struct et_parquet_reader *reader;
    remove_both();
    CHECK_OK(sample_file(path, 1, ROWS, &first, &err));
    CHECK_OK(et_parquet_append(&writer, path, &second, &err));
    CHECK_OK(et_parquet_writer_finish(writer, &err));
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    CHECK(et_str_is(et_parquet_metadata(reader, "pandas"), "{}"));
    CHECK_EQ(et_parquet_n_metadata(reader), 1);
    et_parquet_close(reader);
    remove_both();
}

static void continues_a_file_of_another_writer(void)
{
    const char *real = data_path("unitree_g1/data/chunk-000/episode_000000.parquet");
    if (!real) {
        tap_skip("no data");
        return;
    }
    struct et_parquet_writer *writer;
    struct et_parquet_reader *reader;
    struct et_parquet_cursor *cursor;
    size_t n;
    char *bytes = read_file(real, &n);
    remove_both();
    put(path, bytes, n);
    free(bytes);
    CHECK_OK(et_parquet_append(&writer, path, NULL, &err));
    static float state[3 * 26];
    static const int64_t ints[3] = {479, 480, 481};
    static const float stamps[3] = {1, 2, 3};
    CHECK_OK(et_parquet_write_rows(writer, 0, state, 3, 26, &err));
    CHECK_OK(et_parquet_write_rows(writer, 1, state, 3, 26, &err));
    CHECK_OK(et_parquet_write_rows(writer, 2, stamps, 3, 1, &err));
    for (size_t i = 3; i < 7; i++)
        CHECK_OK(et_parquet_write_rows(writer, i, ints, 3, 1, &err));
    CHECK_OK(et_parquet_writer_commit(writer, &err));
    CHECK_OK(et_parquet_writer_finish(writer, &err));

    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    CHECK_EQ(et_parquet_n_rows(reader), 482);
    CHECK(et_str_starts(et_parquet_created_by(reader), "parquet-cpp-arrow"));
    CHECK(et_parquet_metadata(reader, "huggingface").n > 0);
    int64_t frames[482];
    CHECK_OK(et_parquet_cursor_open(&cursor, reader, 3, &err));
    CHECK_OK(et_parquet_cursor_rows(cursor, 0, 482, 1, frames, &err));
    for (int i = 0; i < 482; i++)
        CHECK_EQ(frames[i], i);
    et_parquet_cursor_close(cursor);
    et_parquet_close(reader);

    int64_t n_kept;
    CHECK_OK(et_parquet_repair(path, 1, &n_kept, &err)); // and back again
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    CHECK_EQ(et_parquet_n_rows(reader), 479);
    et_parquet_close(reader);
    remove_both();
}

int main(void)
{
    path = temp_path("table.parquet");
    journal_path = temp_path("table.parquet.journal");
    RUN(opens_what_was_committed_without_a_footer);
    RUN(does_not_show_a_row_group_that_was_not_committed);
    RUN(keeps_what_is_whole_before_any_cut_of_the_file);
    RUN(keeps_what_is_whole_before_any_cut_of_the_journal);
    RUN(believes_no_journal_record_that_was_changed);
    RUN(opens_a_file_with_half_a_footer_by_its_journal);
    RUN(repairs_down_to_fewer_row_groups);
    RUN(leaves_a_finished_file_as_it_is);
    RUN(says_that_there_is_nothing_to_repair_from);
    RUN(does_not_take_another_files_journal);
    RUN(writes_on_behind_a_footer_and_behind_a_cut);
    RUN(is_the_same_file_whether_written_at_once_or_on_and_on);
    RUN(keeps_the_metadata_of_what_it_continues);
    RUN(continues_a_file_of_another_writer);
    return tap_end();
}
