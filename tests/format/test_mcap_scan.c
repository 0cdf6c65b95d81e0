// Every record as it lies in the file: its fields, what is passed over, what is refused and where,
// and how it goes on behind damage. The files are made by hand.
#include "mcap_made.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

/* What a scan gives, as a line of text: a letter a record, upper case outside of chunks; "!" for
 * what is wrong, "~" for a resync. */
struct story {
    char text[400];
    size_t n;
    int64_t first_at; // of the first thing that is wrong, −1: none
    enum et_status first;
    char why[ET_ERR_TEXT_BYTES];
    int64_t n_skipped;
};

static void tell(struct story *s, char c)
{
    if (s->n + 1 < sizeof s->text)
        s->text[s->n++] = c;
    s->text[s->n] = 0;
}

static void tell_record(struct story *s, const struct et_mcap_record *r)
{
    static const char OUTSIDE[] = "?HFSCMKIXABTDEOZ";
    const char c = r->op <= ET_MCAP_DATA_END ? OUTSIDE[r->op] : 'P';
    tell(s, r->is_in_chunk ? (char)(c - 'A' + 'a') : c);
}

static struct story story(struct made *m)
{
    struct story s = {.first_at = -1};
    struct et_mcap_scan *scan;
    struct et_mcap_record record;
    s.first = et_mcap_scan_open(&scan, made_file(m, "scan.mcap"), &err);
    if (s.first != ET_OK) {
        s.first_at = err.at;
        (void)snprintf(s.why, sizeof s.why, "%s", err.text);
        return s;
    }
    for (;;) {
        enum et_status st = et_mcap_scan_next(scan, &record, &err);
        if (st == ET_OK) {
            tell_record(&s, &record);
            continue;
        }
        if (st == ET_END)
            break;
        tell(&s, '!');
        if (s.first_at < 0) {
            s.first = st;
            s.first_at = err.at;
            (void)snprintf(s.why, sizeof s.why, "%s", err.text);
        }
        int64_t n_skipped = 0;
        st = et_mcap_scan_resync(scan, &n_skipped, &err);
        s.n_skipped += n_skipped;
        if (st != ET_OK) {
            CHECK_EQ(st, ET_END);
            break;
        }
        tell(&s, '~');
    }
    CHECK_EQ(et_mcap_scan_next(scan, &record, &err), ET_END);
    et_mcap_scan_close(scan);
    return s;
}

/* ---- what is there ---- */

static struct made two_chunks(const char *compression)
{
    struct made m = made();
    m.compression = compression;
    made_ids(&m, 2);
    made_add(&m, 1, 0, 10, "zero");
    made_add(&m, 2, 1, 11, "one");
    made_chunk(&m);
    made_add(&m, 1, 2, 12, "two");
    made_chunk(&m);
    return m;
}

static void opens_chunks_in_place(void)
{
    static const char *const NAMES[] = {"", "lz4", "zstd"};
    for (size_t i = 0; i < 3; i++) {
        struct made m = two_chunks(NAMES[i]);
        made_finish(&m);
        const struct story s = story(&m);
        CHECK_STR(s.text, "HKsccmmKmZSCCTXXF");
        CHECK_EQ(s.first, ET_OK);
        made_free(&m);
    }
}

static void gives_the_fields_of_messages_schemas_and_channels(void)
{
    struct made m = two_chunks("");
    struct et_mcap_scan *scan;
    struct et_mcap_record r;
    made_finish(&m);
    CHECK_OK(et_mcap_scan_open(&scan, made_file(&m, "fields.mcap"), &err));
    CHECK_OK(et_mcap_scan_next(scan, &r, &err));
    CHECK(et_str_is(r.as.header.profile, "ros2") && et_str_is(r.as.header.library, "by hand"));
    CHECK_EQ(r.at, 8);
    CHECK_OK(et_mcap_scan_next(scan, &r, &err));
    const int64_t chunk_at = r.at;
    CHECK_EQ(r.as.chunk.start_ns, 10);
    CHECK_EQ(r.as.chunk.end_ns, 11);
    CHECK_OK(et_mcap_scan_next(scan, &r, &err));
    CHECK(r.as.schema.id == 1 && et_str_is(r.as.schema.name, "pkg/msg/Int") &&
          et_str_is(r.as.schema.encoding, "ros2msg") && et_str_is(r.as.schema.data, "int32 x"));
    CHECK_OK(et_mcap_scan_next(scan, &r, &err));
    CHECK(r.as.channel.id == 1 && r.as.channel.schema_id == 1 &&
          et_str_is(r.as.channel.topic, "/1") && et_str_is(r.as.channel.encoding, "cdr") &&
          r.as.channel.n_metadata == 1 && et_str_is(r.as.channel.metadata[0].key, "k") &&
          et_str_is(r.as.channel.metadata[0].value, "v"));
    CHECK_OK(et_mcap_scan_next(scan, &r, &err));
    CHECK_OK(et_mcap_scan_next(scan, &r, &err));
    CHECK(r.is_in_chunk && r.as.message.channel_id == 1 && r.as.message.sequence == 0 &&
          r.as.message.log_time_ns == 10 && r.as.message.publish_time_ns == 9 &&
          et_str_is(r.as.message.data, "zero"));
    CHECK_EQ(r.at, chunk_at);
    CHECK_EQ(r.as.message.at, chunk_at);
    et_mcap_scan_close(scan);
    made_free(&m);
}

static size_t put_attachment(struct made *m, uint32_t crc_xor, bool has_crc, bool is_padded)
{
    const size_t place = made_record(&m->file, ET_MCAP_ATTACHMENT);
    made_int(&m->file, 7, 8);
    made_int(&m->file, 6, 8);
    made_text(&m->file, "file");
    made_text(&m->file, "text/plain");
    made_int(&m->file, 3, 8);
    et_buf_puts(&m->file, "abc");
    const uint32_t crc = made_crc(m->file.p + place + 9, m->file.n - place - 9);
    made_int(&m->file, has_crc ? crc ^ crc_xor : 0, 4);
    if (is_padded)
        et_buf_puts(&m->file, "\x01\xff\xff");
    made_end(&m->file, place);
    return place;
}

static void put_private(struct et_buf *to, int op)
{
    const size_t place = made_record(to, op);
    et_buf_puts(to, "whatever");
    made_end(to, place);
}

static void passes_over_records_that_it_does_not_know(void)
{
    struct made m = made();
    put_private(&m.file, 0x80);
    put_private(&m.file, 0xff);
    put_private(&m.file, 0x10);
    put_private(&m.file, 0x7f);
    made_ids(&m, 1);
    put_private(&m.records, 0x90);
    put_private(&m.records, 0x20);
    made_add(&m, 1, 0, 10, "zero");
    made_chunk(&m);
    put_private(&m.file, 0x89); // as the magic begins
    (void)put_attachment(&m, 0, true, true);
    (void)put_attachment(&m, 0, false, false);
    made_finish(&m);
    const struct story s = story(&m);
    CHECK_STR(s.text, "HPPPPKscppmPAAZSCTXF");
    CHECK_EQ(s.first, ET_OK);
    made_free(&m);
}

static void takes_chunks_without_a_crc_and_without_anything_in_them(void)
{
    struct made m = made();
    made_chunk(&m);
    m.compression = "lz4";
    made_chunk(&m);
    m.compression = "zstd";
    made_chunk(&m);
    made_ids(&m, 1);
    m.without_crc = true;
    made_add(&m, 1, 0, 10, "zero");
    made_chunk(&m);
    made_finish(&m);
    const struct story s = story(&m);
    CHECK_STR(s.text, "HKKKKscmZSCTXXXXF");
    made_free(&m);
}

/* ---- what is not ---- */

static void refuses_what_is_no_mcap(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum et_status status;
    } CASES[] = {{"", 0, ET_ECORRUPT},
                 {"\x89MCAP0\r", 7, ET_ECORRUPT},
                 {"PAR1PAR1PAR1", 12, ET_ECORRUPT},
                 {"\x89MCAP1\r\n", 8, ET_EUNSUPPORTED},
                 {"\x89MCAP0\n\n", 8, ET_ECORRUPT}};
    for (size_t i = 0; i < 5; i++) {
        struct et_mcap_scan *scan;
        struct et_mcap_reader *reader;
        const char *path = temp_path("none.mcap");
        write_file(path, CASES[i].bytes, CASES[i].n);
        CHECK_EQ(et_mcap_scan_open(&scan, path, &err), CASES[i].status);
        CHECK_HAS(err.text, path);
        CHECK_EQ(et_mcap_open(&reader, path, NULL, &err), CASES[i].status);
        CHECK(!scan && !reader);
        remove(path);
        CHECK_EQ(et_mcap_scan_open(&scan, path, &err), ET_ENOTFOUND);
        CHECK_EQ(et_mcap_open(&reader, path, NULL, &err), ET_ENOTFOUND);
    }
}

static void names_the_place_of_a_crc_that_does_not_hold(void)
{
    struct made m = two_chunks("");
    const int64_t third = (int64_t)m.file.n;
    made_add(&m, 1, 3, 13, "three");
    m.crc_xor = 1;
    made_chunk(&m);
    made_add(&m, 1, 4, 14, "four");
    made_finish(&m);
    struct story s = story(&m);
    CHECK_STR(s.text, "HKsccmmKmK!~KmZSCCTXXXXF"); // the data's CRC holds: its bytes are as written
    CHECK_EQ(s.first_at, third);
    CHECK_HAS(s.why, "CRC");
    made_free(&m);

    m = two_chunks("zstd");
    m.data_crc_xor = 1;
    const int64_t end = (int64_t)m.file.n;
    made_finish(&m);
    s = story(&m);
    CHECK_STR(s.text, "HKsccmmKm!~SCCTXXF");
    CHECK_EQ(s.first_at, end);
    made_free(&m);

    m = two_chunks("lz4");
    m.summary_crc_xor = 1;
    made_finish(&m);
    const int64_t footer = (int64_t)m.file.n - 37;
    s = story(&m);
    CHECK_STR(s.text, "HKsccmmKmZSCCTXX!~");
    CHECK_EQ(s.first_at, footer);
    made_free(&m);

    m = made();
    const size_t at = put_attachment(&m, 1, true, false);
    (void)put_attachment(&m, 0, true, false);
    made_finish(&m);
    s = story(&m);
    CHECK_STR(s.text, "H!~AZTF");
    CHECK_EQ(s.first_at, at);
    made_free(&m);
}

static void checks_the_summary_when_the_data_is_damaged(void)
{
    struct made m = two_chunks("");
    m.data_crc_xor = 1;
    m.summary_crc_xor = 1;
    made_finish(&m);
    const struct story s = story(&m);
    CHECK_STR(s.text, "HKsccmmKm!~SCCTXX!~");
    made_free(&m);
}

static void misses_an_end_that_is_not_there(void)
{
    static const struct {
        bool data_end, footer, magic;
        const char *story, *why;
    } CASES[] = {{true, false, false, "HKsccmmKmSCCTXXF!", "DataEnd"},
                 {false, true, false, "HKsccmmKmZSCCTXX!", "Footer"},
                 {false, false, true, "HKsccmmKmZSCCTXXF!", "closing magic"},
                 {true, true, true, "HKsccmmKmSCCTXX!", "closing magic"}};
    for (size_t i = 0; i < 4; i++) {
        struct made m = two_chunks("");
        m.without_data_end = CASES[i].data_end;
        m.without_footer = CASES[i].footer;
        m.without_magic = CASES[i].magic;
        made_finish(&m);
        const struct story s = story(&m);
        CHECK_STR(s.text, CASES[i].story);
        CHECK_HAS(s.why, CASES[i].why);
        made_free(&m);
    }
}

static void says_that_something_follows_the_end(void)
{
    struct made m = two_chunks("");
    made_finish(&m);
    const size_t n = m.file.n;
    et_buf_puts(&m.file, "more");
    struct story s = story(&m);
    CHECK_STR(s.text, "HKsccmmKmZSCCTXXF!");
    CHECK_EQ(s.first_at, n);
    et_buf_puts(&m.file, "and more of it, long enough for a record");
    s = story(&m);
    CHECK_STR(s.text, "HKsccmmKmZSCCTXXF!");
    CHECK_EQ(s.first_at, n);
    made_free(&m);
}

static void refuses_lengths_that_lie(void)
{
    // Of a chunk: the size beside what is there, and its bytes beside the record's.
    static const struct {
        const char *compression;
        int64_t size, stored;
        enum et_status status;
    } CASES[] = {{"", 1, 0, ET_ECORRUPT},
                 {"", -1, 0, ET_ECORRUPT},
                 {"", 0, 1, ET_ECORRUPT},
                 {"", 0, -1, ET_ECORRUPT},
                 {"", 0, INT64_MIN, ET_ECORRUPT},
                 {"zstd", 1, 0, ET_ECORRUPT},
                 {"zstd", -1, 0, ET_ECORRUPT},
                 {"zstd", 0, -1, ET_ECORRUPT},
                 {"zstd", 0, 1, ET_ECORRUPT},
                 {"lz4", 1, 0, ET_ECORRUPT},
                 {"lz4", -1, 0, ET_ECORRUPT},
                 {"lz4", 0, -1, ET_ECORRUPT},
                 {"lz4", 0, 1, ET_ECORRUPT},
                 {"zstd", (int64_t)ET_MCAP_CHUNK_BYTES_MAX, 0, ET_ELIMIT},
                 {"lz4", (int64_t)ET_MCAP_CHUNK_BYTES_MAX - 10000, 0, ET_ECORRUPT},
                 {"lz4", INT64_MAX, 0, ET_ELIMIT},
                 {"", INT64_MIN, 0, ET_ELIMIT},
                 {"bz2", 0, 0, ET_EUNSUPPORTED}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct made m = two_chunks("");
        const size_t at = m.file.n;
        m.compression = CASES[i].compression;
        m.size_plus = CASES[i].size;
        m.stored_plus = CASES[i].stored;
        made_add(&m, 1, 3, 13, "three");
        made_chunk(&m);
        m.compression = "";
        made_add(&m, 1, 4, 14, "four");
        made_finish(&m);
        const struct story s = story(&m);
        if (!CHECK(s.first == CASES[i].status && s.first_at == (int64_t)at))
            printf("#   case %zu: %s at %lld: %s\n", i, et_status_name(s.first),
                   (long long)s.first_at, s.why);
        CHECK_HAS(s.text, "~KmZ"); // the next one is whole
        made_free(&m);
    }
}

static void refuses_fields_that_reach_out_of_their_record(void)
{
    // Each record is cut behind its first bytes, with a length that says so.
    static const struct {
        int op;
        size_t n_least; // that it needs
    } CASES[] = {
        {ET_MCAP_HEADER, 8},      {ET_MCAP_SCHEMA, 14},           {ET_MCAP_CHANNEL, 16},
        {ET_MCAP_MESSAGE, 22},    {ET_MCAP_CHUNK_OP, 40},         {ET_MCAP_CHUNK_INDEX, 64},
        {ET_MCAP_ATTACHMENT, 36}, {ET_MCAP_ATTACHMENT_INDEX, 48}, {ET_MCAP_STATISTICS, 46},
        {ET_MCAP_METADATA, 8},    {ET_MCAP_METADATA_INDEX, 20},   {ET_MCAP_SUMMARY_OFFSET, 17},
        {ET_MCAP_FOOTER, 20}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        for (size_t n = 0; n <= CASES[i].n_least; n++) {
            struct made m = made();
            const size_t at = m.file.n;
            const size_t place = made_record(&m.file, CASES[i].op);
            for (size_t k = 0; k < n; k++)
                made_int(&m.file, 0, 1);
            made_end(&m.file, place);
            made_finish(&m);
            const struct story s = story(&m);
            const bool is_whole = n == CASES[i].n_least;
            if (!CHECK(is_whole ? s.first == ET_OK
                                : s.first == ET_ECORRUPT && s.first_at == (int64_t)at))
                printf("#   op %d of %zu bytes: %s %s\n", CASES[i].op, n, et_status_name(s.first),
                       s.why);
            made_free(&m);
        }
}

static void refuses_texts_that_are_no_utf_8_and_maps_that_do_not_fit(void)
{
    struct made m = made();
    made_schema(&m.file, 1, "\xff");
    made_finish(&m);
    struct story s = story(&m);
    CHECK_STR(s.text, "H!~ZTF");
    CHECK_HAS(s.why, "its name");
    made_free(&m);

    for (uint32_t n = 0; n < 14; n++) { // bytes that a map of one pair of 10 bytes claims
        m = made();
        const size_t place = made_record(&m.file, ET_MCAP_METADATA);
        made_text(&m.file, "name");
        made_int(&m.file, n == 13 ? UINT32_MAX : n, 4);
        made_text(&m.file, "k");
        made_text(&m.file, "v");
        made_end(&m.file, place);
        made_finish(&m);
        s = story(&m);
        CHECK_STR(s.text, n == 0 || n == 10 ? "HDZTF" : "H!~ZTF");
        made_free(&m);
    }
}

static void refuses_records_that_a_chunk_cannot_hold_and_keeps_the_others(void)
{
    for (int op = 0; op <= ET_MCAP_DATA_END; op++) {
        if (op == ET_MCAP_SCHEMA || op == ET_MCAP_CHANNEL || op == ET_MCAP_MESSAGE)
            continue;
        struct made m = made();
        made_ids(&m, 1);
        made_add(&m, 1, 0, 10, "zero");
        const size_t place = made_record(&m.records, op);
        for (int i = 0; i < 64; i++)
            made_int(&m.records, 0, 1);
        made_end(&m.records, place);
        made_add(&m, 1, 1, 11, "one");
        made_finish(&m);
        const struct story s = story(&m);
        CHECK_STR(s.text, "HKscm!~mZSCTXF");
        made_free(&m);
    }
}

static void goes_on_in_a_chunk_behind_a_message_that_cannot_be(void)
{
    struct made m = made();
    made_ids(&m, 1);
    made_add(&m, 1, 0, 10, "zero");
    const size_t short_one = made_record(&m.records, ET_MCAP_MESSAGE);
    made_int(&m.records, 1, 2);
    made_end(&m.records, short_one);
    made_add(&m, 1, 1, 11, "one");
    made_message(&m.records, 1, 2, INT64_MIN, "a time that is too large");
    made_add(&m, 1, 3, 13, "three");
    made_finish(&m);
    const struct story s = story(&m);
    CHECK_STR(s.text, "HKscm!~m!~mZSCTXF");
    made_free(&m);
}

static void leaves_the_rest_of_a_chunk_whose_record_reaches_out_of_it(void)
{
    struct made m = made();
    made_ids(&m, 1);
    made_add(&m, 1, 0, 10, "zero");
    const size_t place = m.records.n;
    made_add(&m, 1, 1, 11, "one");
    m.records.p[place + 1] = 127;
    made_add(&m, 1, 2, 12, "two");
    made_chunk(&m);
    made_add(&m, 1, 3, 13, "three");
    made_finish(&m);
    const struct story s = story(&m);
    CHECK_STR(s.text, "HKscm!~KmZSCTXXF");
    made_free(&m);
}

/* ---- damage ---- */

static void finds_the_next_record_behind_bytes_that_are_none(void)
{
    for (size_t n = 1; n < 70; n += 7) {
        struct made m = two_chunks("zstd");
        const size_t at = m.file.n;
        for (size_t i = 0; i < n; i++)
            made_int(&m.file, i % 5 == 4 ? 0x05 : 0xee * (i % 2), 1);
        made_add(&m, 1, 3, 13, "three");
        made_finish(&m);
        const struct story s = story(&m);
        CHECK_STR(s.text, "HKsccmmKm!~KmZSCCTXXXF");
        CHECK_EQ(s.first_at, at);
        CHECK_EQ(s.n_skipped, n);
        made_free(&m);
    }
}

static void finds_the_next_record_behind_a_length_that_is_none(void)
{
    for (int byte = 1; byte < 9; byte++) {
        struct made m = two_chunks("lz4");
        const size_t at = m.file.n;
        made_message(&m.file, 1, 3, 13, "outside of chunks");
        m.file.p[at + (size_t)byte] ^= 0x40;
        const size_t next = m.file.n;
        made_add(&m, 1, 4, 14, "four");
        made_finish(&m);
        const struct story s = story(&m);
        CHECK(s.first == ET_ECORRUPT);
        CHECK_HAS(s.text, "mK");
        CHECK_HAS(s.text, "ZSCCTXXXF");
        if (byte > 1) { // the first byte leads to somewhere else within the file
            CHECK_STR(s.text, "HKsccmmKm!~KmZSCCTXXXF");
            CHECK_EQ(s.first_at, at);
            CHECK_EQ(s.n_skipped, next - at);
        }
        made_free(&m);
    }
}

static void goes_over_a_large_gap_without_reading_it_byte_by_byte_from_the_disk(void)
{
    struct made m = two_chunks("");
    struct rng rng = {5};
    for (size_t i = 0; i < (size_t)4 << 20; i++)
        et_buf_putc(&m.file, (char)(i % 8 > 5 ? 0 : rng_next(&rng) % 16));
    made_add(&m, 1, 3, 13, "three");
    made_chunk(&m);
    m.without_data_end = m.without_summary = true;
    made_finish(&m);
    const struct story s = story(&m);
    CHECK_HAS(s.text, "HKsccmmKm!~");
    CHECK_HAS(s.text, "Km");
    made_free(&m);
}

int main(void)
{
    RUN(opens_chunks_in_place);
    RUN(gives_the_fields_of_messages_schemas_and_channels);
    RUN(passes_over_records_that_it_does_not_know);
    RUN(takes_chunks_without_a_crc_and_without_anything_in_them);
    RUN(refuses_what_is_no_mcap);
    RUN(names_the_place_of_a_crc_that_does_not_hold);
    RUN(checks_the_summary_when_the_data_is_damaged);
    RUN(misses_an_end_that_is_not_there);
    RUN(says_that_something_follows_the_end);
    RUN(refuses_lengths_that_lie);
    RUN(refuses_fields_that_reach_out_of_their_record);
    RUN(refuses_texts_that_are_no_utf_8_and_maps_that_do_not_fit);
    RUN(refuses_records_that_a_chunk_cannot_hold_and_keeps_the_others);
    RUN(goes_on_in_a_chunk_behind_a_message_that_cannot_be);
    RUN(leaves_the_rest_of_a_chunk_whose_record_reaches_out_of_it);
    RUN(finds_the_next_record_behind_bytes_that_are_none);
    RUN(finds_the_next_record_behind_a_length_that_is_none);
    RUN(goes_over_a_large_gap_without_reading_it_byte_by_byte_from_the_disk);
    return tap_end();
}
