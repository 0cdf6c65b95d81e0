/* MCAP, written and read back: every compression, order, range and gap; and files that are wrong.
 */
#include "etude/mcap_scan.h"
#include "mcap_sample.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

static const char *text_of(char text[160], const struct et_mcap_reader *reader)
{
    const struct et_mcap_info *info = et_mcap_info(reader);
    (void)snprintf(text, 160, "%s", info->n_remarks ? info->remarks[0].text : "");
    return text;
}

static void gives_back_what_was_written(void)
{
    struct et_pool *pool = NULL;
    CHECK_OK(et_pool_open(&pool, 3, &err));
    for (int c = 0; c < 3; c++) {
        for (int how = 0; how < 4; how++) {
            const struct sample s = {.n_messages = 3000,
                                     .data_bytes = how == 3 ? 5000 : 200,
                                     .late = 0.1,
                                     .options = {.compression = (enum et_mcap_compression)c,
                                                 .chunk_bytes = how == 0 ? 4000 : 0,
                                                 .pool = how == 1 ? pool : NULL,
                                                 .without_chunks = how == 2}};
            const char *path = temp_path("written.mcap");
            int64_t n = 0;
            CHECK(sample_write(path, &s));
            CHECK(sample_check(path, &s, &n, &err));
            CHECK_EQ(n, 3000);
            struct et_mcap_reader *reader;
            CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
            const struct et_mcap_info *info = et_mcap_info(reader);
            CHECK_EQ(info->n_remarks, 0);
            CHECK_EQ(info->has_index, how != 2);
            CHECK(info->is_finished);
            CHECK_EQ(info->n_messages, 3000);
            CHECK_EQ(info->n_channels, SAMPLE_CHANNELS);
            CHECK_EQ(info->n_attachments, 1);
            CHECK_EQ(info->n_metadata, 1);
            CHECK_STR(et_mcap_channel(reader, 4)->topic.p, "/topic/1");
            CHECK_EQ(et_mcap_channel(reader, 7)->n_metadata, 2);
            CHECK(et_mcap_channel(reader, 2) == NULL);
            CHECK_STR(et_mcap_schema(reader, 7)->name.p, "pkg/Type");
            et_mcap_close(reader);
        }
    }
    et_pool_close(pool);
}

static void gives_attachments_and_metadata(void)
{
    const struct sample s = {.n_messages = 10};
    struct et_mcap_reader *reader;
    struct et_arena *arena;
    struct et_mcap_attachment attachment;
    struct et_mcap_metadata metadata;
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK(sample_write(temp_path("more.mcap"), &s));
    for (int i = 0; i < 2; i++) {
        const struct et_mcap_open_options options = {.must_scan = i == 1};
        CHECK_OK(et_mcap_open(&reader, temp_path("more.mcap"), &options, &err));
        CHECK_OK(et_mcap_attachment(reader, 0, arena, &attachment, &err));
        CHECK(et_str_is(attachment.name, "robot.urdf") && et_str_is(attachment.data, "<robot/>"));
        CHECK_EQ(attachment.create_time_ns, 6);
        CHECK_OK(et_mcap_metadata(reader, 0, arena, &metadata, &err));
        CHECK(metadata.n_pairs == 2 && et_str_is(metadata.pairs[1].key, "key"));
        CHECK_EQ(et_mcap_attachment(reader, 1, arena, &attachment, &err), ET_EARG);
        CHECK_EQ(et_mcap_metadata(reader, 1, arena, &metadata, &err), ET_EARG);
        et_mcap_close(reader);
    }
    et_arena_close(arena);
}

static void reads_without_any_part_of_the_index(void)
{
    struct sample s = {.n_messages = 500, .data_bytes = 100, .late = 0.2};
    for (int i = 0; i < 6; i++) {
        s.options = (struct et_mcap_write_options){.chunk_bytes = 3000,
                                                   .without_message_index = i == 0 || i == 5,
                                                   .without_chunk_index = i == 1 || i == 5,
                                                   .without_channels = i == 2 || i == 5,
                                                   .without_schemas = i == 3 || i == 5,
                                                   .without_statistics = i == 4 || i == 5,
                                                   .with_padding = i == 4};
        int64_t n = 0;
        CHECK(sample_write(temp_path("partly.mcap"), &s));
        CHECK(sample_check(temp_path("partly.mcap"), &s, &n, &err));
        CHECK_EQ(n, 500);
    }
    s.options = (struct et_mcap_write_options){.chunk_bytes = 3000};
    s.without_finish = true;
    int64_t n = 0;
    CHECK(sample_write(temp_path("killed.mcap"), &s));
    CHECK(sample_check(temp_path("killed.mcap"), &s, &n, &err));
    CHECK_EQ(n, 500);
}

/* ---- files that are wrong ---- */

struct damage {
    const struct sample *sample;
    int64_t n_least, n_most, n_open, n_tried;
};

static void check_cut(const char *path, size_t n_kept, void *ctx)
{
    struct damage *damage = ctx;
    int64_t n;
    struct et_err bad = {0};
    if (!sample_check(path, damage->sample, &n, &bad)) {
        CHECK(false && "a cut file gives what is no message of it");
        printf("#   cut at %zu: %s\n", n_kept, bad.text);
    }
    damage->n_open += n >= 0;
    damage->n_most = n > damage->n_most ? n : damage->n_most;
}

/* Of a file that is cut anywhere, all messages that are whole come, also of the open chunk. */
static void a_cut_file_gives_its_whole_messages(void)
{
    static const enum et_mcap_compression KINDS[] = {ET_MCAP_NONE, ET_MCAP_LZ4, ET_MCAP_ZSTD};
    for (size_t i = 0; i < 3; i++) {
        const struct sample s = {.n_messages = 60,
                                 .data_bytes = 40,
                                 .options = {.compression = KINDS[i], .chunk_bytes = 900}};
        size_t n_bytes = 0;
        CHECK(sample_write(temp_path("whole.mcap"), &s));
        char *bytes = read_file(temp_path("whole.mcap"), &n_bytes);
        struct damage damage = {.sample = &s};
        cut_at_every_byte(bytes, n_bytes, 2, temp_path("cut.mcap"), check_cut, &damage);
        CHECK_EQ(damage.n_most, 60);
        CHECK_EQ(damage.n_open, ((int64_t)n_bytes - 7) / 2);
        free(bytes);
    }
    // An uncompressed chunk gives every message that is whole.
    const struct sample s = {.n_messages = 40, .options.compression = ET_MCAP_NONE};
    size_t n_bytes = 0;
    CHECK(sample_write(temp_path("whole.mcap"), &s));
    char *bytes = read_file(temp_path("whole.mcap"), &n_bytes);
    const char *first = memmem(bytes, n_bytes, "\x05\x26\0\0\0\0\0\0\0", 9);
    CHECK(first != NULL);
    for (size_t k = 1; first && k < 20; k++) {
        struct et_err bad = {0};
        int64_t n = 0;
        write_file(temp_path("cut.mcap"), bytes, (size_t)(first - bytes) + 47 * k + 20);
        CHECK(sample_check(temp_path("cut.mcap"), &s, &n, &bad));
        CHECK_EQ(n, (int64_t)k);
    }
    free(bytes);
}

static void check_flip(const char *path, size_t at, void *ctx)
{
    struct damage *damage = ctx;
    struct et_err bad = {0};
    int64_t n;
    if (!sample_check(path, damage->sample, &n, &bad)) {
        CHECK(false && "a damaged file gives what is no message of it");
        printf("#   byte %zu: %s\n", at, bad.text);
    }
    damage->n_tried += at >= 8; // without its magic a file is none of ours
    damage->n_open += n >= 0;
    damage->n_least = n >= 0 && n < damage->n_least ? n : damage->n_least;
}

/* Every CRC is looked at, so a wrong byte never comes out as a message. */
static void a_damaged_file_gives_no_wrong_message(void)
{
    static const enum et_mcap_compression KINDS[] = {ET_MCAP_NONE, ET_MCAP_LZ4, ET_MCAP_ZSTD};
    for (size_t i = 0; i < 3; i++) {
        const struct sample s = {.n_messages = 40,
                                 .data_bytes = 30,
                                 .options = {.compression = KINDS[i], .chunk_bytes = 700}};
        size_t n_bytes = 0;
        CHECK(sample_write(temp_path("whole.mcap"), &s));
        char *bytes = read_file(temp_path("whole.mcap"), &n_bytes);
        struct damage damage = {.sample = &s, .n_least = 40};
        flip_every_byte(bytes, n_bytes, 3, temp_path("flip.mcap"), check_flip, &damage);
        CHECK_EQ(damage.n_open, damage.n_tried);
        CHECK(damage.n_least >= 20); // one chunk is lost at most
        free(bytes);
    }
}

static void damage_is_told_with_its_place(void)
{
    const struct sample s = {.n_messages = 200, .data_bytes = 30, .options = {.chunk_bytes = 2000}};
    size_t n_bytes = 0;
    char text[160];
    CHECK(sample_write(temp_path("whole.mcap"), &s));
    char *bytes = read_file(temp_path("whole.mcap"), &n_bytes);
    // The first chunk holds the channels alone: metadata was written behind it.
    const char *chunk = memmem(bytes, n_bytes, "zstd", 4);
    CHECK(chunk != NULL);
    chunk = memmem(chunk + 4, n_bytes - (size_t)(chunk + 4 - bytes), "zstd", 4);
    CHECK(chunk != NULL);
    const size_t at = (size_t)(chunk - bytes) - 41; // of the chunk's opcode
    bytes[at + 60] ^= 1;
    write_file(temp_path("bad.mcap"), bytes, n_bytes);
    struct et_mcap_reader *reader;
    struct et_mcap_message message;
    enum et_status st;
    int64_t n = 0;
    CHECK_OK(et_mcap_open(&reader, temp_path("bad.mcap"), NULL, &err));
    while ((st = et_mcap_next(reader, &message, &err)) == ET_OK)
        n += sample_number(&s, &message) != SIZE_MAX;
    CHECK_EQ(st, ET_END);
    CHECK(n > 100 && n < 200);
    CHECK_EQ(et_mcap_info(reader)->n_remarks, 1);
    CHECK_HAS(text_of(text, reader), "Chunk at ");
    CHECK_EQ(et_mcap_info(reader)->remarks[0].at, (int64_t)at);
    et_mcap_close(reader);
    free(bytes);
}

static void says_what_is_no_recording(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum et_status status;
        const char *words;
    } BAD[] = {
        {"", 0, ET_ECORRUPT, "0 bytes"},
        {"#ROSBAG V2.0\n", 13, ET_ECORRUPT, "not an MCAP file"},
        {"\x89MCAP1\r\n", 8, ET_EUNSUPPORTED, "version '1'"},
        {"\x89MCA", 4, ET_ECORRUPT, "4 bytes"},
    };
    struct et_mcap_reader *reader;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        write_file(temp_path("bad.mcap"), BAD[i].bytes, BAD[i].n);
        CHECK_EQ(et_mcap_open(&reader, temp_path("bad.mcap"), NULL, &err), BAD[i].status);
        CHECK(reader == NULL);
        CHECK_HAS(err.text, BAD[i].words);
        CHECK_HAS(err.text, "bad.mcap");
    }
    CHECK_EQ(et_mcap_open(&reader, temp_path("nowhere.mcap"), NULL, &err), ET_ENOTFOUND);
    char zeros[4096] = {0};
    write_file(temp_path("bad.mcap"), zeros, sizeof zeros);
    CHECK_EQ(et_mcap_open(&reader, temp_path("bad.mcap"), NULL, &err), ET_ECORRUPT);
}

/* Records put by hand behind the magic and a header. */
static struct et_mcap_reader *open_records(const char *records, size_t n)
{
    static const char HEAD[] = "\x89MCAP0\r\n\x01\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    struct et_buf buf = et_buf(1 << 20);
    struct et_mcap_reader *reader = NULL;
    et_buf_put(&buf, HEAD, sizeof HEAD - 1);
    et_buf_put(&buf, records, n);
    write_file(temp_path("hand.mcap"), buf.p, buf.n);
    CHECK_OK(et_mcap_open(&reader, temp_path("hand.mcap"), NULL, &err));
    et_buf_free(&buf);
    return reader;
}
#define CHANNEL "\x04\x14\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0/\x03\0\0\0cdr\0\0\0\0"
#define MESSAGE(id) "\x05\x17\0\0\0\0\0\0\0" id "\0\x09\0\0\0\x05\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0!"

static void goes_over_what_it_does_not_know(void)
{
    static const char UNKNOWN[] =
        "\x77\x02\0\0\0\0\0\0\0hi"
        "\x90\0\0\0\0\0\0\0\0" CHANNEL "\x80\x01\0\0\0\0\0\0\0x" MESSAGE("\x01");
    static const char ORPHAN[] = CHANNEL MESSAGE("\x02") MESSAGE("\x01");
    static const char TWICE[] =
        CHANNEL "\x04\x14\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0*\x03\0\0\0cdr\0\0\0\0" MESSAGE("\x01");
    static const char HUGE[] = CHANNEL MESSAGE("\x01") "\x05\xff\xff\xff\xff\xff\xff\xff\x7f"
                                                       "garbage" CHANNEL MESSAGE("\x01");
    static const struct {
        const char *bytes;
        size_t n;
        int64_t n_messages;
        int fault; // −1: only that the file has no end
    } CASES[] = {{UNKNOWN, sizeof UNKNOWN - 1, 1, -1},
                 {ORPHAN, sizeof ORPHAN - 1, 1, ET_MCAP_ORPHAN},
                 {TWICE, sizeof TWICE - 1, 1, ET_MCAP_TWICE},
                 {HUGE, sizeof HUGE - 1, 2, ET_MCAP_CUT}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_mcap_reader *reader = open_records(CASES[i].bytes, CASES[i].n);
        struct et_mcap_message message;
        int64_t n = 0;
        while (et_mcap_next(reader, &message, &err) == ET_OK)
            n += et_str_is(message.data, "!") && message.log_time_ns == 5;
        CHECK_EQ(n, CASES[i].n_messages);
        bool has_fault = CASES[i].fault < 0;
        for (size_t k = 0; k < et_mcap_info(reader)->n_remarks; k++)
            has_fault = has_fault || (int)et_mcap_info(reader)->remarks[k].fault == CASES[i].fault;
        CHECK(has_fault);
        CHECK(!et_mcap_info(reader)->is_finished);
        et_mcap_close(reader);
    }
}

static void refuses_what_cannot_be_written(void)
{
    struct et_mcap_writer *w;
    const struct et_mcap_schema schema = {1, ET_STR("a"), ET_STR("b"), ET_STR("c")},
                                other = {1, ET_STR("a"), ET_STR("b"), ET_STR("d")},
                                none = {0, ET_STR("a"), ET_STR("b"), ET_STR("c")};
    const struct et_mcap_channel channel = {3, 1, ET_STR("/t"), ET_STR("cdr"), NULL, 0},
                                 lost = {4, 9, ET_STR("/t"), ET_STR("cdr"), NULL, 0},
                                 odd = {5, 0, ET_STR("\xff"), ET_STR("cdr"), NULL, 0};
    (void)remove(temp_path("refused.mcap"));
    CHECK_OK(et_mcap_create(&w, temp_path("refused.mcap"), NULL, &err));
    CHECK_OK(et_mcap_add_schema(w, &schema, &err));
    CHECK_OK(et_mcap_add_schema(w, &schema, &err));
    CHECK_EQ(et_mcap_add_schema(w, &other, &err), ET_EARG);
    CHECK_EQ(et_mcap_add_schema(w, &none, &err), ET_EARG);
    CHECK_OK(et_mcap_add_channel(w, &channel, &err));
    CHECK_EQ(et_mcap_add_channel(w, &lost, &err), ET_EARG);
    CHECK_EQ(et_mcap_add_channel(w, &odd, &err), ET_EARG);
    CHECK_EQ(et_mcap_write(w, &(struct et_mcap_message){.channel_id = 9}, &err), ET_EARG);
    CHECK_EQ(et_mcap_write(w, &(struct et_mcap_message){.channel_id = 3, .log_time_ns = -1}, &err),
             ET_EARG);
    CHECK_OK(et_mcap_write(w, &(struct et_mcap_message){.channel_id = 3}, &err));
    CHECK_OK(et_mcap_finish(w, &err));
    CHECK_EQ(et_mcap_create(&w, temp_path("refused.mcap"), NULL, &err), ET_EEXISTS);
    struct et_mcap_reader *reader;
    CHECK_OK(et_mcap_open(&reader, temp_path("refused.mcap"), NULL, &err));
    CHECK_EQ(et_mcap_info(reader)->n_messages, 1);
    static const uint16_t NONE[] = {77};
    const struct et_mcap_query query = {.channels = NONE, .n_channels = 1};
    CHECK_EQ(et_mcap_query(reader, &query, &err), ET_EARG);
    et_mcap_close(reader);
}

// A full disk is told at once, and at every later call.
static void a_full_disk_is_told(void)
{
    struct et_mcap_writer *w;
    const struct et_mcap_channel channel = {1, 0, ET_STR("/t"), ET_STR("cdr"), NULL, 0};
    static char data[100000];
    if (!file_exists("/dev/full")) {
        tap_skip("no /dev/full");
        return;
    }
    struct et_mcap_write_options options = {.compression = ET_MCAP_NONE, .chunk_bytes = 1000};
    // /dev/full is no regular file, so it is refused before anything is written.
    CHECK(et_mcap_create(&w, "/dev/full", &options, &err) != ET_OK);
    CHECK_OK(et_mcap_create(&w, temp_path("small.mcap"), &options, &err));
    CHECK_OK(et_mcap_add_channel(w, &channel, &err));
    CHECK_OK(et_mcap_write(
        w, &(struct et_mcap_message){.channel_id = 1, .data = {data, sizeof data}}, &err));
    CHECK_OK(et_mcap_finish(w, &err));
}

static void real_files_open(void)
{
    static const struct {
        const char *path;
        int64_t n_messages;
        size_t n_channels;
    } FILES[] = {{"robots/robocodec_test_0.mcap", -1, 0},
                 {"robots/robocodec_test_14.mcap", 188, 94}};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        const char *path = data_path(FILES[i].path);
        if (!path) {
            tap_skip("no data");
            return;
        }
        struct et_mcap_reader *reader;
        struct et_mcap_message message;
        int64_t n = 0;
        CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
        while (et_mcap_next(reader, &message, &err) == ET_OK)
            n++;
        const struct et_mcap_info *info = et_mcap_info(reader);
        printf("# %s: %lld messages, %zu channels, %zu remarks\n", FILES[i].path, (long long)n,
               info->n_channels, info->n_remarks);
        CHECK_EQ(info->n_remarks, 0);
        CHECK(n > 0 && (FILES[i].n_messages < 0 || n == FILES[i].n_messages));
        CHECK(FILES[i].n_channels == 0 || info->n_channels == FILES[i].n_channels);
        et_mcap_close(reader);
    }
}

int main(void)
{
    RUN(gives_back_what_was_written);
    RUN(gives_attachments_and_metadata);
    RUN(reads_without_any_part_of_the_index);
    RUN(a_cut_file_gives_its_whole_messages);
    RUN(a_damaged_file_gives_no_wrong_message);
    RUN(damage_is_told_with_its_place);
    RUN(says_what_is_no_recording);
    RUN(goes_over_what_it_does_not_know);
    RUN(refuses_what_cannot_be_written);
    RUN(a_full_disk_is_told);
    RUN(real_files_open);
    return tap_end();
}
