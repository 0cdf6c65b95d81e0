// An unfinished file is taken up wherever it was cut, and finished as if nothing had happened; what
// is damaged elsewhere is left alone.
#include "mcap_made.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;
static struct sample sample;

#define N_MESSAGES 400
#define PLACES_MAX 4096

/* Where a chunk's record ends, and how many messages the file then has. */
static struct place {
    size_t end, n_messages;
} places[PLACES_MAX];
static size_t n_places, data_end;

static void note_places(const char *path)
{
    struct et_mcap_scan *scan;
    struct et_mcap_record record;
    size_t n_messages = 0, end = 0;
    n_places = 0;
    CHECK_OK(et_mcap_scan_open(&scan, path, &err));
    while (et_mcap_scan_next(scan, &record, &err) == ET_OK) {
        n_messages += record.op == ET_MCAP_MESSAGE;
        if (record.op == ET_MCAP_DATA_END)
            data_end = (size_t)record.at;
        if (record.op == ET_MCAP_CHUNK_OP)
            end = (size_t)record.at + 9 + record.content.n;
        else if (!record.is_in_chunk && end && n_places < PLACES_MAX) {
            places[n_places++] = (struct place){end, n_messages};
            end = 0;
        }
    }
    et_mcap_scan_close(scan);
}

static size_t messages_within(size_t n_bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < n_places && places[i].end <= n_bytes; i++)
        n = places[i].n_messages;
    return n;
}

static char *write_sample(const char *path, const struct et_mcap_write_options *options, size_t *n)
{
    CHECK_OK(sample_write(&sample, path, options, &err));
    note_places(path);
    return read_file(path, n);
}

/* True when the file is finished, whole, and has the first n messages. */
static bool has_first(const char *path, size_t n_messages)
{
    struct et_mcap_reader *reader;
    struct et_mcap_message message;
    size_t n = 0;
    if (et_mcap_open(&reader, path, NULL, &err) != ET_OK)
        return false;
    const struct et_mcap_info *info = et_mcap_info(reader);
    bool is_good = info->is_finished && info->n_remarks == 0 &&
                   info->n_messages == (int64_t)n_messages && (n_messages == 0 || info->has_index);
    while (is_good && et_mcap_next(reader, &message, &err) == ET_OK) {
        is_good = message.sequence < n_messages && sample_is(&sample, &message);
        n++;
    }
    is_good = is_good && n == n_messages && et_mcap_info(reader)->n_remarks == 0;
    et_mcap_close(reader);
    return is_good;
}

static void finishes_a_file_cut_anywhere(void)
{
    static const enum et_mcap_compression COMPRESSIONS[] = {ET_MCAP_NONE, ET_MCAP_ZSTD};
    for (size_t c = 0; c < 2; c++)
        for (int has_fill = 0; has_fill < 2; has_fill++) {
            const struct et_mcap_write_options options = {.compression = COMPRESSIONS[c],
                                                          .chunk_bytes = 3000};
            const char *whole_path = temp_path("whole.mcap"), *path = temp_path("cut.mcap");
            size_t n = 0;
            sample.fill_to = has_fill ? 512 : 0;
            char *whole = write_sample(whole_path, &options, &n);
            CHECK(n_places > 20);
            const size_t first = 8 + 9 + 8 + strlen("libetude " ET_VERSION); // magic, Header
            for (size_t length = n - 1; length >= first; length -= length > 300 ? 97 : 1) {
                struct et_mcap_writer *writer;
                int64_t n_cut = -1;
                size_t n_now = 0;
                write_file(path, whole, length);
                if (!CHECK(et_mcap_resume(&writer, path, &options, &n_cut, &err) == ET_OK)) {
                    printf("#   cut at %zu of %zu: %s\n", length, n, err.text);
                    break;
                }
                CHECK(n_cut >= 0 && (size_t)n_cut <= length);
                CHECK_OK(et_mcap_finish(writer, &err));
                if (!CHECK(has_first(path, messages_within(length))))
                    printf("#   cut at %zu of %zu\n", length, n);
                // With all its data it is the very file that was to be.
                char *now = read_file(path, &n_now);
                CHECK(length < data_end || (n_now == n && memcmp(now, whole, n) == 0));
                free(now);
            }
            free(whole);
        }
    sample.fill_to = 0;
}

static void what_has_no_beginning_is_left_as_it_is(void)
{
    const char *path = temp_path("begun.mcap");
    struct et_mcap_writer *writer;
    int64_t n_cut;
    size_t n = 0, n_now = 0;
    char *whole = write_sample(path, NULL, &n);
    for (size_t length = 0; length < 20; length++) {
        write_file(path, whole, length);
        CHECK_EQ(et_mcap_resume(&writer, path, NULL, &n_cut, &err), ET_ECORRUPT);
        CHECK_HAS(err.text, "begun.mcap");
        free(read_file(path, &n_now));
        CHECK_EQ(n_now, length);
    }
    free(whole);
}

static void goes_on_where_it_was_cut(void)
{
    const struct et_mcap_write_options options = {.chunk_bytes = 3000};
    const char *path = temp_path("on.mcap");
    struct et_mcap_writer *writer;
    struct et_mcap_reader *reader;
    int64_t n_cut;
    size_t n = 0;
    char *whole = write_sample(path, &options, &n);
    for (size_t length = data_end / 3; length < data_end; length += data_end / 5) {
        write_file(path, whole, length);
        CHECK_OK(et_mcap_resume(&writer, path, &options, &n_cut, &err));
        for (size_t i = messages_within(length); i < sample.n; i++) {
            const struct et_mcap_message message = sample_message(&sample, i);
            CHECK_OK(et_mcap_write(writer, &message, &err));
        }
        CHECK_OK(et_mcap_finish(writer, &err));
        CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
        CHECK_EQ(et_mcap_info(reader)->n_remarks, 0);
        CHECK(sample_gives(&sample, reader, NULL));
        et_mcap_close(reader);
    }
    free(whole);
}

static void zeros_that_a_power_cut_left_are_cut_off(void)
{
    const struct et_mcap_write_options options = {.chunk_bytes = 3000};
    const char *path = temp_path("zeros.mcap");
    struct et_mcap_writer *writer;
    int64_t n_cut;
    size_t n = 0;
    char *whole = write_sample(path, &options, &n);
    const size_t from = data_end / 2;
    memset(whole + from, 0, n - from);
    write_file(path, whole, n);
    CHECK_OK(et_mcap_resume(&writer, path, &options, &n_cut, &err));
    CHECK(n_cut >= (int64_t)(n - from));
    CHECK_OK(et_mcap_finish(writer, &err));
    CHECK(has_first(path, messages_within(from)));
    free(whole);
}

static void damage_with_more_behind_it_is_left_alone(void)
{
    const struct et_mcap_write_options options = {.chunk_bytes = 3000};
    const char *path = temp_path("damaged.mcap");
    struct et_mcap_writer *writer;
    int64_t n_cut;
    size_t n = 0, n_now = 0;
    char *whole = write_sample(path, &options, &n);
    const size_t at = places[n_places / 2].end - 40; // within a chunk
    whole[at] ^= 4;
    write_file(path, whole, data_end);
    CHECK_EQ(et_mcap_resume(&writer, path, &options, &n_cut, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "there is more behind it");
    CHECK_HAS(err.text, "damaged.mcap");
    char *now = read_file(path, &n_now);
    CHECK(n_now == data_end && memcmp(now, whole, n_now) == 0);
    free(now);
    // In the last chunk, a kill may have done it.
    whole[at] ^= 4;
    whole[places[n_places - 1].end - 40] ^= 4;
    write_file(path, whole, places[n_places - 1].end);
    CHECK_OK(et_mcap_resume(&writer, path, &options, &n_cut, &err));
    CHECK_OK(et_mcap_finish(writer, &err));
    CHECK(has_first(path, messages_within(places[n_places - 1].end - 1)));
    free(whole);
}

static void what_is_finished_or_absent_is_told(void)
{
    const char *path = temp_path("finished.mcap");
    struct et_mcap_writer *writer;
    int64_t n_cut;
    size_t n = 0, n_now = 0;
    char *whole = write_sample(path, NULL, &n);
    CHECK_EQ(et_mcap_resume(&writer, path, NULL, &n_cut, &err), ET_EEXISTS);
    CHECK(!writer);
    char *now = read_file(path, &n_now);
    CHECK(n_now == n && memcmp(now, whole, n) == 0);
    CHECK_EQ(et_mcap_resume(&writer, temp_path("absent.mcap"), NULL, &n_cut, &err), ET_ENOTFOUND);
    free(now);
    free(whole);
}

int main(void)
{
    sample_make(&sample, N_MESSAGES, 5, 300);
    RUN(finishes_a_file_cut_anywhere);
    RUN(what_has_no_beginning_is_left_as_it_is);
    RUN(goes_on_where_it_was_cut);
    RUN(zeros_that_a_power_cut_left_are_cut_off);
    RUN(damage_with_more_behind_it_is_left_alone);
    RUN(what_is_finished_or_absent_is_told);
    sample_free(&sample);
    return tap_end();
}
