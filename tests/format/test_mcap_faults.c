/* MCAP under a system that fails: every call, one after the other. */
#include "fault.h"
#include "mcap_sample.h"
#include "support.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

static const struct sample SAMPLE = {
    .n_messages = 300, .data_bytes = 60, .late = 0.1, .options.chunk_bytes = 3000};

static enum et_status write_it(const char *path, struct et_err *err)
{
    struct et_mcap_writer *w = NULL;
    const struct et_mcap_channel channel = {1, 0, ET_STR("/t"), ET_STR("cdr"), NULL, 0};
    struct et_mcap_write_options options = SAMPLE.options;
    options.should_sync = true;
    enum et_status st = et_mcap_create(&w, path, &options, err);
    if (st == ET_OK)
        st = et_mcap_add_channel(w, &channel, err);
    for (size_t k = 0; st == ET_OK && k < SAMPLE.n_messages; k++) {
        struct et_mcap_message message = sample_message(&SAMPLE, k);
        message.channel_id = 1;
        st = et_mcap_write(w, &message, err);
    }
    if (st == ET_OK)
        return et_mcap_finish(w, err);
    if (w) { // it says so again, and keeps what was written
        const struct et_mcap_message message = {.channel_id = 1};
        struct et_err again = {0};
        CHECK_EQ(et_mcap_write(w, &message, &again), st);
    }
    et_mcap_writer_close(w);
    return st;
}

static void writing_fails_loudly_at_every_call(void)
{
    struct et_err err = {0};
    const char *path = temp_path("fault.mcap");
    int n = 0;
    // All but close, behind a sync that went well.
    fault_only = "malloc calloc realloc open64 pread64 pwrite64 fsync fdatasync fstat64";
    FOR_EACH_FAULT(at)
    {
        (void)remove(path);
        fault_arm(at);
        const enum et_status st = write_it(path, &err);
        fault_disarm();
        CHECK(fault_seen ? st != ET_OK : st == ET_OK);
        CHECK(st == ET_OK || err.text[0]);
        n += fault_seen;
    }
    printf("# %d calls made it fail\n", n);
    CHECK(n > 20);
    fault_only = NULL;
}

static enum et_status read_it(const char *path, int64_t *n, struct et_err *err)
{
    struct et_mcap_reader *reader = NULL;
    struct et_mcap_message message;
    *n = 0;
    enum et_status st = et_mcap_open(&reader, path, NULL, err);
    while (st == ET_OK && (st = et_mcap_next(reader, &message, err)) == ET_OK)
        *n += sample_number(&SAMPLE, &message) != SIZE_MAX;
    et_mcap_close(reader);
    return st == ET_END ? ET_OK : st;
}

static void reading_fails_loudly_at_every_call(void)
{
    struct et_err err = {0};
    int64_t n_read = 0;
    const char *path = temp_path("read.mcap");
    int n = 0;
    CHECK(sample_write(path, &SAMPLE));
    FOR_EACH_FAULT(at)
    {
        fault_arm(at);
        const enum et_status st = read_it(path, &n_read, &err);
        fault_disarm();
        // A close that fails has nothing to tell, the rest has.
        CHECK(st != ET_OK || n_read == (int64_t)SAMPLE.n_messages);
        CHECK(st == ET_OK || err.text[0]);
        n += st != ET_OK;
    }
    CHECK(n > 10);
}

/* Of a file that a kill left: finished, or told why not; and a second try finishes it. */
static void finishing_what_was_left_fails_loudly_at_every_call(void)
{
    struct et_err err = {0};
    struct sample left = SAMPLE;
    const char *path = temp_path("left.mcap");
    size_t n_bytes = 0;
    int64_t n_cut, n_read = 0;
    int n = 0;
    left.without_finish = true;
    CHECK(sample_write(path, &left));
    char *bytes = read_file(path, &n_bytes);
    FOR_EACH_FAULT(at)
    {
        struct et_mcap_writer *w;
        write_file(path, bytes, n_bytes - 10);
        fault_arm(at);
        enum et_status st = et_mcap_resume(&w, path, &SAMPLE.options, &n_cut, &err);
        if (st == ET_OK)
            st = et_mcap_finish(w, &err);
        fault_disarm();
        CHECK(st == ET_OK || (fault_seen && err.text[0]));
        n += st != ET_OK;
        if (st != ET_OK && et_mcap_resume(&w, path, &SAMPLE.options, &n_cut, &err) == ET_OK)
            CHECK_OK(et_mcap_finish(w, &err));
        CHECK_OK(read_it(path, &n_read, &err));
        CHECK(n_read > (int64_t)SAMPLE.n_messages / 2);
    }
    CHECK(n > 10);
    free(bytes);
}

int main(void)
{
    RUN(writing_fails_loudly_at_every_call);
    RUN(reading_fails_loudly_at_every_call);
    RUN(finishing_what_was_left_fails_loudly_at_every_call);
    return tap_end();
}
