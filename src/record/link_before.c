/* An agent's spool: what an agent before this one left in it, and the streams that it is of. */
#include "record/record__link_agent.h"

#include "etude/clock.h"
#include "etude/hash.h"

#include <inttypes.h>
#include <stdio.h>

#define RUN_BITS 40 // each run of a session numbers its records from a multiple of 2^40 on

enum et_status et__agent_save_streams(struct et_link_agent *a, struct et_err *err)
{
    for (; a->window.spool && a->n_saved < et_feed_n_streams(a->streams); a->n_saved++) {
        et__link_put_stream(&a->words,
                            &(struct et__link_stream){(uint16_t)a->n_saved,
                                                      *et_feed_stream(a->streams, a->n_saved)});
        enum et_status st = et_buf_check(&a->words, "a stream", err);
        if (st == ET_OK)
            st = et__link_spool_put_stream(a->window.spool, et_buf_str(&a->words), err);
        et_buf_clear(&a->words);
        if (st != ET_OK) {
            a->n_saved = SIZE_MAX / 2; // those behind it would get its number
            return st;
        }
    }
    return ET_OK;
}

static uint64_t boot_of(void)
{
    char id[64] = "";
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    const size_t n = file ? fread(id, 1, sizeof id, file) : 0;
    if (file)
        (void)fclose(file);
    return et_hash64(id, n);
}

// The streams of its batches get the numbers that they had.
static enum et_status take_up_streams(struct et_link_agent *a, struct et_err *err)
{
    struct et_buf texts = et_buf(ET__LINK_FRAME_BYTES_MAX);
    struct et__link_frame frame;
    struct et__link_stream said;
    struct et_err why = {0};
    uint16_t i;
    size_t n = 0;
    enum et_status st;
    while ((st = et__link_spool_next_stream(a->window.spool, &a->words, &frame, &why)) == ET_OK) {
        st = et__link_read_stream(frame.body, &texts, &said, &why);
        if (st == ET_OK && said.i == n)
            st = et_feed_add(a->streams, &said.stream, &i, &why);
        if (st != ET_OK || said.i != n || i != n)
            break;
        n++;
    }
    if (st != ET_END)
        et_logf(a->options.log, ET_LOG_WARN,
                "the spool of before is damaged: %zu of its streams are known", n);
    et_buf_clear(&a->words);
    et_buf_free(&texts);
    a->n_saved = n;
    a->window.n_streams_before = n;
    return st == ET_ENOMEM ? et_fail(err, st, -1, "no memory for a spool's streams") : ET_OK;
}

enum et_status et__agent_open_spool(struct et_link_agent *a, uint64_t *n_lost, struct et_err *err)
{
    struct et_link_agent_options *o = &a->options;
    struct et__link_spooled found;
    const struct et__link_spool_options how = {.path = o->spool,
                                               .agent = o->id,
                                               .n_bytes = o->spool_bytes,
                                               .session = o->session,
                                               .boot = boot_of(),
                                               .real_minus_mono_ns =
                                                   et_clock_real_ns() - et__agent_now(a)};
    enum et_status st = et__link_spool_open(&a->window.spool, &how, &found, err);
    if (st == ET_OK && found.session)
        st = take_up_streams(a, err);
    if (st != ET_OK)
        return st;
    if (found.trouble.status != ET_OK)
        et_logf(o->log, ET_LOG_WARN, "%s", found.trouble.text);
    if (found.session) {
        /* Its numbers go on, beyond any that the one before may have used without the disk knowing
         * of it: a power cut takes what was not synced. */
        o->session = found.session;
        a->next = a->first = ((found.next >> RUN_BITS) + 1) << RUN_BITS;
        a->n_before = a->window.n_before = found.n_records;
        et_logf(o->log, ET_LOG_INFO, "%" PRIu64 " sample%s of before %s in the spool",
                found.n_records, found.n_records == 1 ? "" : "s",
                found.n_records == 1 ? "is" : "are");
    }
    *n_lost = found.n_lost;
    return et__agent_save_streams(a, err);
}
