// The system fails at every call in turn: what was committed stays, nothing leaks, nothing is half
// done, and the message says what failed.
#include "fault.h"
#include "parquet_sample.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

enum { ROWS = 4 };

static struct et_err err;
static const char *path, *journal_path;
static struct sample samples[3];
static const struct et_parquet_writer_options OPTIONS = {
    .codec = ET_PARQUET_SNAPPY, .use_dictionary = true, .has_journal = true, .should_sync = true};

static void remove_both(void)
{
    remove(path);
    remove(journal_path);
}

static enum et_status create(struct et_parquet_writer **writer)
{
    struct et_parquet_node nodes[SAMPLE_NODES];
    const size_t n = sample_schema(nodes);
    return et_parquet_create(writer, path, nodes, n, &OPTIONS, &err);
}

/* Creates, commits two row groups and finishes; *n_committed is how far it came. */
static enum et_status write_two(int *n_committed, bool *was_created)
{
    struct et_parquet_writer *writer;
    *n_committed = 0;
    *was_created = false;
    enum et_status st = create(&writer);
    if (st != ET_OK)
        return st;
    *was_created = true;
    for (int i = 0; i < 2 && st == ET_OK; i++) {
        st = sample_write(writer, &samples[i], &err);
        *n_committed += st == ET_OK;
    }
    if (st != ET_OK) {
        struct et_err later;
        CHECK_EQ(et_parquet_writer_commit(writer, &later), ET_EARG); // only closing is left
        et_parquet_writer_close(writer);
        return st;
    }
    return et_parquet_writer_finish(writer, &err);
}

static void keeps_what_was_committed_whatever_fails(void)
{
    FOR_EACH_FAULT(at)
    {
        int n_committed;
        bool was_created;
        remove_both();
        fault_arm(at);
        const enum et_status st = write_two(&n_committed, &was_created);
        fault_disarm();
        // Closing may fail without anything being lost; everything else is told.
        if (st != ET_OK) {
            CHECK(fault_seen && (st == ET_EIO || st == ET_ENOMEM));
            CHECK(err.text[0]);
        }
        if (!was_created) {
            CHECK(!file_exists(path) && !file_exists(journal_path));
            continue;
        }
        CHECK(sample_is_in(path, (int64_t)n_committed * ROWS, 100, NULL, &err));
        int64_t n_kept = -1;
        CHECK_OK(et_parquet_repair(path, -1, &n_kept, &err));
        CHECK_EQ(n_kept, n_committed);
        CHECK(sample_is_in(path, (int64_t)n_committed * ROWS, 100, NULL, &err));
        CHECK(!file_exists(journal_path));
    }
    remove_both();
}

static void keeps_the_file_when_writing_on_or_repairing_fails(void)
{
    for (int mode = 0; mode < 4; mode++) { // append or repair; behind a footer or a cut
        FOR_EACH_FAULT(at)
        {
            struct et_parquet_writer *writer;
            remove_both();
            CHECK_OK(create(&writer));
            CHECK_OK(sample_write(writer, &samples[0], &err));
            CHECK_OK(sample_write(writer, &samples[1], &err));
            if (mode & 1)
                CHECK_OK(et_parquet_writer_finish(writer, &err));
            else
                et_parquet_writer_close(writer);

            bool is_third_committed = false;
            fault_arm(at);
            enum et_status st;
            if (mode & 2) {
                st = et_parquet_repair(path, mode & 1 ? 1 : -1, NULL, &err);
            } else {
                st = et_parquet_append(&writer, path, &OPTIONS, &err);
                if (st == ET_OK) {
                    st = sample_write(writer, &samples[2], &err);
                    is_third_committed = st == ET_OK;
                    if (st == ET_OK)
                        st = et_parquet_writer_finish(writer, &err);
                    else
                        et_parquet_writer_close(writer);
                }
            }
            fault_disarm();
            CHECK(st == ET_OK || fault_seen);
            struct et_parquet_reader *reader;
            CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
            const int64_t n_rows = et_parquet_n_rows(reader);
            et_parquet_close(reader);
            if (mode == 3) // cutting a finished file down: before or after, nothing between
                CHECK(n_rows == ROWS || (n_rows == 2 * ROWS && st != ET_OK));
            else
                CHECK_EQ(n_rows, is_third_committed ? 3 * ROWS : 2 * ROWS);
            CHECK(sample_is_in(path, n_rows, 100, NULL, &err));
        }
    }
    remove_both();
}

static void reads_or_says_why_not(void)
{
    remove_both();
    CHECK_OK(sample_file(path, 2, ROWS, &OPTIONS, &err));
    FOR_EACH_FAULT(at)
    {
        struct et_parquet_reader *reader;
        enum et_status st;
        fault_arm(at);
        st = et_parquet_open(&reader, path, NULL, &err);
        for (size_t leaf = 0; st == ET_OK && leaf < SAMPLE_LEAVES; leaf++) {
            struct et_parquet_cursor *cursor;
            struct et_parquet_batch batch;
            st = et_parquet_cursor_open(&cursor, reader, leaf, &err);
            if (st == ET_OK)
                st = et_parquet_cursor_next(cursor, 100, &batch, &err);
            if (st == ET_EIO) { // the next attempt reads
                fault_disarm();
                CHECK_OK(et_parquet_cursor_seek(cursor, 0, &err));
                CHECK_OK(et_parquet_cursor_next(cursor, 100, &batch, &err));
                CHECK_EQ(batch.n_rows, 2 * ROWS);
                st = ET_EIO;
            }
            if (st == ET_OK)
                st = et_parquet_cursor_seek(cursor, ROWS + 1, &err);
            et_parquet_cursor_close(cursor);
            if (st != ET_OK)
                et_parquet_close(reader);
        }
        fault_disarm();
        if (st == ET_OK)
            et_parquet_close(reader);
        else
            CHECK(fault_seen && (st == ET_EIO || st == ET_ENOMEM));
    }
    remove_both();
}

// A disk that is full and stays full.
static void keeps_the_committed_row_groups_on_a_full_disk(void)
{
    struct et_parquet_writer *writer;
    remove_both();
    CHECK_OK(create(&writer));
    CHECK_OK(sample_write(writer, &samples[0], &err));
    fault_only = "pwrite write";
    fault_arm(1);
    CHECK_EQ(sample_write(writer, &samples[1], &err), ET_EIO);
    fault_disarm();
    CHECK(fault_seen);
    CHECK_HAS(err.text, "No space left");
    CHECK_HAS(err.text, "table.parquet");
    CHECK_EQ(sample_write(writer, &samples[1], &err), ET_EARG);
    CHECK_EQ(et_parquet_writer_finish(writer, &err), ET_EARG);
    fault_only = NULL;
    CHECK(sample_is_in(path, ROWS, 100, NULL, &err));
    CHECK_OK(et_parquet_append(&writer, path, &OPTIONS, &err));
    CHECK_OK(sample_write(writer, &samples[1], &err));
    CHECK_OK(et_parquet_writer_finish(writer, &err));
    CHECK(sample_is_in(path, 2 * ROWS, 100, NULL, &err));
    remove_both();
}

int main(void)
{
    path = temp_path("table.parquet");
    journal_path = temp_path("table.parquet.journal");
    for (int i = 0; i < 3; i++)
        sample_make(&samples[i], (int64_t)i * ROWS, ROWS);
    RUN(keeps_what_was_committed_whatever_fails);
    RUN(keeps_the_file_when_writing_on_or_repairing_fails);
    RUN(reads_or_says_why_not);
    RUN(keeps_the_committed_row_groups_on_a_full_disk);
    for (int i = 0; i < 3; i++)
        sample_free(&samples[i]);
    return tap_end();
}
