// What a reader makes of files that were written strangely: overlapping and unsorted chunks,
// indexes that lie, ids given twice, messages of nobody, damage. The files are made by hand.
#include "mcap_made.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

/* The sequences that a query gives, "0 3 1"; then "!" and a status that is no end. */
static const char *order_of(struct et_mcap_reader *reader, const struct et_mcap_query *query)
{
    static char text[4000];
    struct et_mcap_message message;
    size_t n = 0;
    enum et_status st = et_mcap_query(reader, query, &err);
    text[0] = 0;
    while (st == ET_OK && (st = et_mcap_next(reader, &message, &err)) == ET_OK)
        n += (size_t)snprintf(text + n, sizeof text - n, n ? " %u" : "%u", message.sequence);
    if (st != ET_END)
        (void)snprintf(text + n, sizeof text - n, "!%s", et_status_name(st));
    return text;
}

/* The faults that were told, "crc 1, orphan 3". */
static const char *faults_of(struct et_mcap_reader *reader)
{
    static char text[400];
    const struct et_mcap_info *info = et_mcap_info(reader);
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < info->n_remarks; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, i ? ", %s %lld" : "%s %lld",
                              et_mcap_fault_name(info->remarks[i].fault),
                              (long long)info->remarks[i].n);
        CHECK(info->remarks[i].text[0]);
    }
    return text;
}

/* Opens what was made, by its index and by a scan: order and faults must be as given (NULL: not
 * looked at). Faults of the scan may be others. */
static void expect(struct made *m, bool has_index, const char *order, const char *faults,
                   const char *scan_faults)
{
    const char *path = made_file(m, "read.mcap");
    for (int i = 0; i < 2; i++) {
        const struct et_mcap_open_options options = {.must_scan = i == 1};
        struct et_mcap_reader *reader;
        CHECK_OK(et_mcap_open(&reader, path, &options, &err));
        if (!reader)
            continue;
        CHECK_EQ(et_mcap_info(reader)->has_index, has_index && i == 0);
        CHECK_STR(order_of(reader, NULL), order);
        if ((i ? scan_faults : faults))
            CHECK_STR(faults_of(reader), i ? scan_faults : faults);
        CHECK_STR(order_of(reader, NULL), order); // a second time, and nothing is counted twice
        if ((i ? scan_faults : faults))
            CHECK_STR(faults_of(reader), i ? scan_faults : faults);
        et_mcap_close(reader);
    }
    made_free(m);
}

/* ---- order ---- */

static void sorts_messages_of_chunks_that_overlap(void)
{
    struct made m = made();
    made_ids(&m, 2);
    made_add(&m, 1, 0, 50, "");
    made_add(&m, 1, 1, 10, "");
    made_add(&m, 2, 2, 30, "");
    made_chunk(&m);
    made_add(&m, 1, 3, 20, "");
    made_add(&m, 1, 4, 60, "");
    made_chunk(&m);
    made_add(&m, 2, 5, 5, "");
    made_add(&m, 2, 6, 30, "");
    made_chunk(&m);
    made_add(&m, 1, 7, 40, "");
    made_finish(&m);
    expect(&m, true, "5 1 3 2 6 7 0 4", "", "");
}

static void gives_equal_times_in_the_order_of_the_file(void)
{
    struct made m = made();
    unsigned sequence = 0;
    made_ids(&m, 3);
    for (int chunk = 0; chunk < 4; chunk++) {
        for (unsigned i = 0; i < 3; i++)
            made_add(&m, 1 + i, sequence++, 77, "");
        made_chunk(&m);
    }
    made_finish(&m);
    expect(&m, true, "0 1 2 3 4 5 6 7 8 9 10 11", "", "");
}

static void sorts_runs_of_any_length(void)
{
    struct rng rng = {1};
    for (size_t n = 1; n < 200; n += n < 20 ? 1 : 37) {
        struct made m = made();
        int64_t times[200];
        char want[1000];
        size_t length = 0;
        made_ids(&m, 1);
        for (size_t i = 0; i < n; i++) {
            times[i] = n % 3 == 0 ? (int64_t)(n - i) : (int64_t)(rng_next(&rng) % (n / 2 + 1));
            made_add(&m, 1, (unsigned)i, times[i], "");
        }
        for (int64_t t = 0; t <= (int64_t)n; t++)
            for (size_t i = 0; i < n; i++)
                if (times[i] == t)
                    length += (size_t)snprintf(want + length, sizeof want - length,
                                               length ? " %zu" : "%zu", i);
        made_finish(&m);
        expect(&m, true, want, "", "");
    }
}

static void merges_messages_outside_of_chunks(void)
{
    struct made m = made();
    made_schema(&m.file, 1, "x");
    made_channel(&m.file, 1, 1, "/1");
    made_ids(&m, 1);
    et_buf_clear(&m.records);
    made_channel(&m.records, 1, 1, "/1");
    made_message(&m.file, 1, 0, 20, "");
    made_add(&m, 1, 1, 10, "");
    made_add(&m, 1, 2, 30, "");
    made_chunk(&m);
    made_message(&m.file, 1, 3, 5, "");
    made_finish(&m);
    expect(&m, false, "3 1 0 2", NULL, NULL);
}

static void keeps_memory_small_between_messages_outside_of_chunks(void)
{
    // Attachments lie between them; they are not read with the messages.
    struct made m = made();
    char *big = calloc(1, 3 << 20);
    made_schema(&m.file, 1, "x");
    made_channel(&m.file, 1, 1, "/1");
    for (unsigned i = 0; i < 6; i++) {
        made_message(&m.file, 1, i, 100 - i, "text");
        const size_t place = made_record(&m.file, i % 2 ? ET_MCAP_ATTACHMENT : 0x81);
        for (int k = 0; k < 24; k++)
            made_int(&m.file, 0, 1);
        made_int(&m.file, 3 << 20, 8);
        et_buf_put(&m.file, big, 3 << 20);
        made_int(&m.file, 0, 4);
        made_end(&m.file, place);
    }
    m.without_summary = true;
    made_finish(&m);
    const struct et_mcap_open_options options = {.memory_bytes = 1 << 20};
    struct et_mcap_reader *reader;
    CHECK_OK(et_mcap_open(&reader, made_file(&m, "large.mcap"), &options, &err));
    CHECK_STR(order_of(reader, NULL), "5 4 3 2 1 0");
    CHECK_EQ(et_mcap_info(reader)->n_attachments, 3);
    CHECK_STR(faults_of(reader), "");
    et_mcap_close(reader);
    made_free(&m);
    free(big);
}

static void says_when_more_chunks_overlap_than_memory_holds(void)
{
    struct made m = made();
    char text[2001];
    memset(text, 'x', 2000);
    text[2000] = 0;
    made_ids(&m, 1);
    for (unsigned i = 0; i < 40; i++) {
        made_add(&m, 1, 2 * i, 0, text);
        made_add(&m, 1, 2 * i + 1, 1000, text);
        made_chunk(&m);
    }
    made_finish(&m);
    const struct et_mcap_open_options options = {.memory_bytes = 100000};
    struct et_mcap_reader *reader;
    CHECK_OK(et_mcap_open(&reader, made_file(&m, "wide.mcap"), &options, &err));
    CHECK_STR(order_of(reader, NULL), "!ET_ELIMIT");
    CHECK_HAS(err.text, "overlap");
    const struct et_mcap_query in_file_order = {.in_file_order = true};
    CHECK_HAS(order_of(reader, &in_file_order), "77 78 79");
    const struct et_mcap_query narrow = {.from_ns = 2000};
    CHECK_STR(order_of(reader, &narrow), "");
    et_mcap_close(reader);
    made_free(&m);
}

/* ---- what is left out or told twice ---- */

static void takes_the_first_of_two_with_one_id(void)
{
    struct made m = made();
    struct et_mcap_reader *reader;
    made_ids(&m, 1);
    made_schema(&m.records, 1, "another");
    made_channel(&m.records, 1, 1, "/another");
    made_channel(&m.records, 1, 1, "/1"); // the same again is fine
    made_add(&m, 1, 0, 10, "");
    m.without_summary = true;
    made_finish(&m);
    CHECK_OK(et_mcap_open(&reader, made_file(&m, "twice.mcap"), NULL, &err));
    CHECK_STR(et_mcap_channel(reader, 1)->topic.p, "/1");
    CHECK_STR(et_mcap_schema(reader, 1)->name.p, "pkg/msg/Int");
    CHECK_STR(faults_of(reader), "twice 2");
    CHECK_STR(order_of(reader, NULL), "0");
    et_mcap_close(reader);
    made_free(&m);
}

static void leaves_out_messages_of_a_channel_that_is_not_there(void)
{
    struct made m = made();
    made_ids(&m, 1);
    made_add(&m, 1, 0, 10, "");
    made_add(&m, 2, 1, 11, "");
    made_add(&m, 9, 2, 12, "");
    made_add(&m, 1, 3, 13, "");
    made_finish(&m);
    expect(&m, true, "0 3", "orphan 2", "orphan 2");
}

static void tells_a_channel_whose_schema_is_not_there(void)
{
    struct made m = made();
    made_ids(&m, 1);
    made_channel(&m.records, 2, 7, "/2");
    made_channel(&m.ids, 2, 7, "/2");
    made_add(&m, 2, 0, 10, "");
    made_finish(&m);
    expect(&m, false, "0", "orphan 1", "orphan 1");
}

static void passes_over_the_schema_of_number_0(void)
{
    struct made m = made();
    made_schema(&m.records, 0, "none");
    made_channel(&m.records, 1, 0, "/1");
    made_channel(&m.ids, 1, 0, "/1");
    made_add(&m, 1, 0, 10, "");
    made_finish(&m);
    expect(&m, true, "0", "", "");
}

/* ---- damage ---- */

static struct made three_chunks(const char *compression, int which, void (*break_it)(struct made *))
{
    struct made m = made();
    m.compression = compression;
    made_ids(&m, 2);
    for (unsigned i = 0; i < 3; i++) {
        made_add(&m, 1, 2 * i, 10 * (int64_t)i, "some text");
        made_add(&m, 2, 2 * i + 1, 10 * (int64_t)i + 5, "some more text");
        if ((int)i == which)
            break_it(&m);
        made_chunk(&m);
    }
    return m;
}

static void break_crc(struct made *m)
{
    m->crc_xor = 0x10;
}

static void break_size(struct made *m)
{
    m->size_plus = 1;
}

static void break_size_far(struct made *m)
{
    m->size_plus = INT64_C(1) << 40;
}

static void break_time_span(struct made *m)
{
    m->start_plus = 8; // the index has it begin later
}

static void break_index_place(struct made *m)
{
    m->at_plus = 1;
}

static void break_index_place_far(struct made *m)
{
    m->at_plus = 1 << 20;
}

static void break_index_length(struct made *m)
{
    m->length_plus = -1;
}

static void break_index_length_more(struct made *m)
{
    m->length_plus = 1;
}

static void break_index_left_out(struct made *m)
{
    m->without_chunk_index = true;
}

static void leaves_out_a_chunk_that_does_not_hold_and_nothing_else(void)
{
    static const char *const NAMES[] = {"", "lz4", "zstd"};
    for (size_t i = 0; i < 3; i++) {
        struct made m = three_chunks(NAMES[i], 1, break_crc);
        made_finish(&m);
        expect(&m, true, "0 1 4 5", "crc 1", "crc 1");
        m = three_chunks(NAMES[i], 2, break_size);
        made_finish(&m);
        expect(&m, true, "0 1 2 3", "chunk 1", "chunk 1");
        m = three_chunks(NAMES[i], 1, break_size_far);
        made_finish(&m);
        expect(&m, true, "0 1 4 5", NULL, NULL);
    }
}

static void goes_on_behind_a_message_that_cannot_be(void)
{
    struct made m = made();
    made_ids(&m, 1);
    made_add(&m, 1, 0, 10, "");
    const size_t place = made_record(&m.records, ET_MCAP_MESSAGE);
    made_int(&m.records, 1, 2);
    made_end(&m.records, place);
    made_message(&m.records, 1, 1, INT64_MIN, "beyond the largest time");
    const size_t other = made_record(&m.records, ET_MCAP_MESSAGE); // published beyond it
    made_int(&m.records, 1, 2);
    made_int(&m.records, 7, 4);
    made_int(&m.records, 12, 8);
    made_int(&m.records, UINT64_MAX, 8);
    made_end(&m.records, other);
    made_add(&m, 1, 2, 20, "");
    made_finish(&m);
    expect(&m, true, "0 2", "damage 3", "damage 3");
}

static void gives_what_stands_before_a_record_that_reaches_out_of_its_chunk(void)
{
    for (int has_crc = 0; has_crc < 2; has_crc++) {
        struct made m = made();
        made_ids(&m, 1);
        made_add(&m, 1, 0, 10, "");
        const size_t place = m.records.n;
        made_add(&m, 1, 1, 20, "");
        m.records.p[place + 3] = 1;
        m.without_crc = !has_crc;
        made_chunk(&m);
        made_add(&m, 1, 2, 30, "");
        made_finish(&m);
        expect(&m, true, "0 2", "chunk 1", "chunk 1");
    }
}

static void finds_everything_when_the_index_lies(void)
{
    static void (*const BREAKS[])(struct made *) = {
        break_index_place,       break_index_place_far, break_index_length,
        break_index_length_more, break_index_left_out,
    };
    for (size_t i = 0; i < 5; i++)
        for (int which = 0; which < 3; which++) {
            struct made m = three_chunks("lz4", which, BREAKS[i]);
            made_finish(&m);
            expect(&m, false, "0 1 2 3 4 5", NULL, "");
        }
}

static void tells_of_an_index_whose_times_lie(void)
{
    struct made m = three_chunks("", 2, break_time_span);
    struct et_mcap_reader *reader;
    made_add(&m, 1, 6, 26, "");
    made_finish(&m);
    CHECK_OK(et_mcap_open(&reader, made_file(&m, "lies.mcap"), NULL, &err));
    CHECK_STR(order_of(reader, NULL), "0 1 2 3 4 5 6"); // nothing is lost
    CHECK_STR(faults_of(reader), "index 1");
    et_mcap_close(reader);
    made_free(&m);
}

static void finds_everything_when_the_summary_lies(void)
{
    for (int i = 0; i < 7; i++) {
        struct made m = three_chunks("zstd", -1, NULL);
        m.chunks_plus = i == 0;
        m.messages_plus = i == 1;
        m.summary_plus = i == 2 ? 1 : i == 3 ? 1 << 20 : i == 4 ? -20 : 0;
        m.summary_crc_xor = i == 5;
        m.without_summary_crc = i == 6;
        made_finish(&m);
        const char *path = made_file(&m, "summary.mcap");
        struct et_mcap_reader *reader;
        CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
        CHECK_STR(order_of(reader, NULL), "0 1 2 3 4 5");
        CHECK_EQ(et_mcap_info(reader)->has_index, i == 1 || i == 6);
        CHECK_EQ(et_mcap_info(reader)->n_messages, i == 1 ? 7 : 6);
        et_mcap_close(reader);
        made_free(&m);
    }
}

static void finds_chunks_that_no_index_names(void)
{
    struct made m = three_chunks("", 0, break_index_left_out);
    m.without_statistics = true;
    made_finish(&m);
    expect(&m, false, "0 1 2 3 4 5", NULL, "");
}

static void counts_by_channel_wherever_the_channels_stand(void)
{
    // Statistics in front of the channels; and channels in no order.
    struct made m = made();
    struct et_mcap_reader *reader;
    for (unsigned id = 3; id > 0; id--) {
        made_channel(&m.records, id * 7, 0, "/x");
        made_add(&m, id * 7, id, 10 + id, "");
    }
    made_add(&m, 14, 4, 20, "");
    made_chunk(&m);
    const size_t at = m.file.n, place = made_record(&m.file, ET_MCAP_DATA_END);
    made_int(&m.file, 0, 4);
    made_end(&m.file, place);
    const size_t summary_at = m.file.n, statistics = made_record(&m.file, ET_MCAP_STATISTICS);
    made_int(&m.file, 4, 8);
    made_int(&m.file, 0, 2);
    made_int(&m.file, 3, 4);
    made_int(&m.file, 0, 8);
    made_int(&m.file, 1, 4);
    made_int(&m.file, 11, 8);
    made_int(&m.file, 20, 8);
    made_int(&m.file, 30, 4);
    for (unsigned id = 1; id < 4; id++) {
        made_int(&m.file, id * 7, 2);
        made_int(&m.file, id == 2 ? 2 : 1, 8);
    }
    made_end(&m.file, statistics);
    for (unsigned id = 1; id < 4; id++)
        made_channel(&m.file, id * 7, 0, "/x");
    et_buf_putstr(&m.file, et_buf_str(&m.indexes));
    const size_t footer = made_record(&m.file, ET_MCAP_FOOTER);
    made_int(&m.file, summary_at, 8);
    made_int(&m.file, 0, 12);
    made_end(&m.file, footer);
    et_buf_puts(&m.file, "\x89MCAP0\r\n");
    (void)at;
    CHECK_OK(et_mcap_open(&reader, made_file(&m, "counts.mcap"), NULL, &err));
    const struct et_mcap_info *info = et_mcap_info(reader);
    CHECK(info->has_index);
    CHECK(info->n_channels == 3 && info->n_messages_of && info->n_messages_of[0] == 1 &&
          info->n_messages_of[1] == 2 && info->n_messages_of[2] == 1);
    CHECK_STR(order_of(reader, NULL), "1 2 3 4");
    et_mcap_close(reader);
    made_free(&m);
}

static void refuses_a_channel_that_is_not_there(void)
{
    static const uint16_t CHANNELS[] = {1, 5};
    const struct et_mcap_query query = {.channels = CHANNELS, .n_channels = 2};
    struct made m = three_chunks("", -1, NULL);
    struct et_mcap_reader *reader;
    made_finish(&m);
    CHECK_OK(et_mcap_open(&reader, made_file(&m, "query.mcap"), NULL, &err));
    CHECK_STR(order_of(reader, &query), "!ET_EARG");
    CHECK_EQ(err.at, 5);
    struct et_mcap_message message;
    CHECK_EQ(et_mcap_next(reader, &message, &err), ET_END); // no query runs
    CHECK_STR(order_of(reader, NULL), "0 1 2 3 4 5");
    et_mcap_close(reader);
    made_free(&m);
}

static void reads_only_the_chunks_that_hold_the_channel(void)
{
    static const uint16_t ONE = 1, TWO = 2;
    struct made m = made();
    struct et_mcap_reader *reader;
    made_ids(&m, 2);
    made_add(&m, 1, 0, 10, "");
    m.index_of_only = &ONE;
    made_chunk(&m);
    made_add(&m, 2, 1, 11, "");
    m.index_of_only = &TWO;
    m.crc_xor = 1; // nobody notices who does not read it
    made_chunk(&m);
    made_finish(&m);
    const struct et_mcap_query query = {.channels = &ONE, .n_channels = 1};
    CHECK_OK(et_mcap_open(&reader, made_file(&m, "topic.mcap"), NULL, &err));
    CHECK_STR(order_of(reader, &query), "0");
    CHECK_STR(faults_of(reader), "");
    CHECK_STR(order_of(reader, NULL), "0");
    CHECK_STR(faults_of(reader), "crc 1");
    et_mcap_close(reader);
    made_free(&m);
}

static void tells_of_a_file_without_a_header(void)
{
    struct made m = three_chunks("", -1, NULL);
    m.file.p[8] = (char)0x81; // a private record, with nothing wrong in it
    made_finish(&m);
    expect(&m, true, "0 1 2 3 4 5", "damage 1", "damage 1");
}

static void checks_attachments_when_they_are_read(void)
{
    struct made m = made();
    struct et_mcap_reader *reader;
    struct et_mcap_attachment attachment;
    struct et_arena *arena;
    const size_t place = made_record(&m.file, ET_MCAP_ATTACHMENT);
    made_int(&m.file, 0, 16);
    made_text(&m.file, "n");
    made_text(&m.file, "t");
    made_int(&m.file, 1, 8);
    et_buf_putc(&m.file, 'x');
    made_int(&m.file, 12345, 4);
    made_end(&m.file, place);
    const size_t n = m.file.n - place, entry = made_record(&m.indexes, ET_MCAP_ATTACHMENT_INDEX);
    made_int(&m.indexes, place, 8);
    made_int(&m.indexes, n, 8);
    made_int(&m.indexes, 0, 24);
    made_text(&m.indexes, "n");
    made_text(&m.indexes, "t");
    made_end(&m.indexes, entry);
    made_finish(&m);
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_mcap_open(&reader, made_file(&m, "attached.mcap"), NULL, &err));
    CHECK_EQ(et_mcap_info(reader)->n_attachments, 1);
    CHECK_EQ(et_mcap_attachment(reader, 0, arena, &attachment, &err), ET_ECORRUPT);
    CHECK_EQ(err.at, place);
    et_mcap_close(reader);
    et_arena_close(arena);
    made_free(&m);
}

int main(void)
{
    RUN(sorts_messages_of_chunks_that_overlap);
    RUN(gives_equal_times_in_the_order_of_the_file);
    RUN(sorts_runs_of_any_length);
    RUN(merges_messages_outside_of_chunks);
    RUN(keeps_memory_small_between_messages_outside_of_chunks);
    RUN(says_when_more_chunks_overlap_than_memory_holds);
    RUN(takes_the_first_of_two_with_one_id);
    RUN(leaves_out_messages_of_a_channel_that_is_not_there);
    RUN(tells_a_channel_whose_schema_is_not_there);
    RUN(passes_over_the_schema_of_number_0);
    RUN(leaves_out_a_chunk_that_does_not_hold_and_nothing_else);
    RUN(goes_on_behind_a_message_that_cannot_be);
    RUN(gives_what_stands_before_a_record_that_reaches_out_of_its_chunk);
    RUN(finds_everything_when_the_index_lies);
    RUN(tells_of_an_index_whose_times_lie);
    RUN(finds_everything_when_the_summary_lies);
    RUN(finds_chunks_that_no_index_names);
    RUN(counts_by_channel_wherever_the_channels_stand);
    RUN(refuses_a_channel_that_is_not_there);
    RUN(reads_only_the_chunks_that_hold_the_channel);
    RUN(tells_of_a_file_without_a_header);
    RUN(checks_attachments_when_they_are_read);
    return tap_end();
}
