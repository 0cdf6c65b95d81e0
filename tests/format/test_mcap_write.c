// What is written is what is read: every compression, size of chunk and number of threads; by time,
// topic and range; and what a writer refuses.
#include "mcap_made.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

static const enum et_mcap_compression COMPRESSIONS[] = {ET_MCAP_NONE, ET_MCAP_LZ4, ET_MCAP_ZSTD};

/* ---- there and back ---- */

static void check_queries(struct sample *s, struct et_mcap_reader *reader)
{
    static const uint16_t ONE[] = {2}, SOME[] = {1, 3, 5}, NONE[] = {0};
    const int64_t middle_ns = s->log_ns[s->n / 2], later_ns = s->log_ns[3 * s->n / 4];
    const struct et_mcap_query queries[] = {
        {0},
        {.in_file_order = true},
        {.channels = ONE, .n_channels = 1},
        {.channels = SOME, .n_channels = 3, .in_file_order = true},
        {.channels = SOME, .n_channels = 3, .from_ns = middle_ns},
        {.from_ns = middle_ns, .to_ns = later_ns},
        {.to_ns = middle_ns},
        {.from_ns = middle_ns, .to_ns = middle_ns + 1},
        {.from_ns = INT64_MAX},
        {.to_ns = 1},
        {.channels = NONE, .n_channels = 0},
    };
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        if (!CHECK(sample_gives(s, reader, &queries[i])))
            printf("#   query %zu\n", i);
}

static void check_info(struct sample *s, const struct et_mcap_info *info, bool is_scanned)
{
    int64_t first_ns = INT64_MAX, last_ns = 0, counts[16] = {0};
    for (size_t i = 0; i < s->n; i++) {
        first_ns = s->log_ns[i] < first_ns ? s->log_ns[i] : first_ns;
        last_ns = s->log_ns[i] > last_ns ? s->log_ns[i] : last_ns;
        counts[s->channels[i]]++;
    }
    CHECK_EQ(info->n_messages, s->n);
    CHECK_EQ(info->start_ns, first_ns);
    CHECK_EQ(info->end_ns, last_ns);
    CHECK_EQ(info->n_schemas, 1);
    CHECK_EQ(info->n_channels, s->n_channels);
    CHECK_EQ(info->n_attachments, 1);
    CHECK_EQ(info->n_metadata, 1);
    CHECK_EQ(info->n_remarks, 0);
    CHECK(info->is_finished);
    CHECK(et_str_is(info->profile, "ros2"));
    CHECK(et_str_starts(info->library, "libetude "));
    if (is_scanned)
        CHECK(!info->has_index);
    if (!CHECK(info->n_messages_of != NULL))
        return;
    for (size_t i = 0; i < info->n_channels; i++) {
        const struct et_mcap_channel *channel = &info->channels[i];
        CHECK_EQ(channel->id, i + 1);
        CHECK_EQ(info->n_messages_of[i], counts[channel->id]);
        CHECK_EQ(channel->n_metadata, (i + 1) % 3);
        CHECK_EQ(channel->schema_id, (i + 1) % 2);
    }
}

static void check_rest(struct et_mcap_reader *reader)
{
    struct et_arena *arena;
    struct et_mcap_attachment attachment;
    struct et_mcap_metadata metadata;
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_mcap_attachment(reader, 0, arena, &attachment, &err));
    CHECK(et_str_is(attachment.data, "nine byte") && et_str_is(attachment.name, "a"));
    CHECK(attachment.log_time_ns == 5 && attachment.create_time_ns == 4);
    CHECK_OK(et_mcap_metadata(reader, 0, arena, &metadata, &err));
    CHECK(metadata.n_pairs == 1 && et_str_is(metadata.pairs[0].value, "value"));
    CHECK_EQ(et_mcap_attachment(reader, 1, arena, &attachment, &err), ET_EARG);
    CHECK_EQ(et_mcap_metadata(reader, 1, arena, &metadata, &err), ET_EARG);
    et_arena_close(arena);
}

static void check_file(struct sample *s, const char *path)
{
    for (int must_scan = 0; must_scan < 2; must_scan++) {
        const struct et_mcap_open_options options = {.must_scan = must_scan};
        struct et_mcap_reader *reader;
        CHECK_OK(et_mcap_open(&reader, path, &options, &err));
        if (!reader)
            return;
        check_info(s, et_mcap_info(reader), must_scan);
        check_queries(s, reader);
        check_rest(reader);
        CHECK_EQ(et_mcap_info(reader)->n_remarks, 0);
        et_mcap_close(reader);
    }
}

static void reads_back_what_was_written_in_every_compression_and_size_of_chunk(void)
{
    static const size_t SIZES[] = {1, 1000, 20000, 0};
    struct sample s;
    const char *path = temp_path("back.mcap");
    sample_make(&s, 1500, 5, 300);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 4; k++) {
            const struct et_mcap_write_options options = {.profile = ET_STR("ros2"),
                                                          .compression = COMPRESSIONS[i],
                                                          .chunk_bytes = SIZES[k],
                                                          .with_padding = k == 1};
            struct et_mcap_reader *reader;
            CHECK_OK(sample_write(&s, path, &options, &err));
            check_file(&s, path);
            CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
            CHECK(et_mcap_info(reader)->has_index);
            CHECK_STR(et_mcap_info(reader)->compression, i == 0 ? "" : i == 1 ? "lz4" : "zstd");
            et_mcap_close(reader);
        }
    sample_free(&s);
    remove(path);
}

static void reads_back_what_was_written_with_anything_left_out(void)
{
    struct sample s;
    const char *path = temp_path("without.mcap");
    sample_make(&s, 300, 5, 100);
    for (int bits = 0; bits < 512; bits += bits < 32 ? 1 : 13) {
        const struct et_mcap_write_options options = {.profile = ET_STR("ros2"),
                                                      .compression = ET_MCAP_NONE,
                                                      .chunk_bytes = 4000,
                                                      .without_chunks = bits & 1,
                                                      .without_message_index = bits & 2,
                                                      .without_chunk_index = bits & 4,
                                                      .without_schemas = bits & 8,
                                                      .without_channels = bits & 16,
                                                      .without_statistics = bits & 32,
                                                      .without_summary_offsets = bits & 64,
                                                      .with_padding = bits & 128};
        struct et_mcap_reader *reader;
        CHECK_OK(sample_write(&s, path, &options, &err));
        CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
        const struct et_mcap_info *info = et_mcap_info(reader);
        check_queries(&s, reader);
        CHECK_EQ(info->n_remarks, 0);
        if (info->n_messages >= 0)
            check_info(&s, info, false);
        et_mcap_close(reader);
    }
    sample_free(&s);
    remove(path);
}

static void tells_the_span_of_a_file_without_statistics(void)
{
    struct sample s;
    const char *path = temp_path("span.mcap");
    const struct et_mcap_write_options options = {.chunk_bytes = 4000, .without_statistics = true};
    struct et_mcap_reader *reader, *scanned;
    const struct et_mcap_open_options scan = {.must_scan = true};
    sample_make(&s, 300, 5, 100);
    CHECK_OK(sample_write(&s, path, &options, &err));
    CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
    CHECK_OK(et_mcap_open(&scanned, path, &scan, &err));
    CHECK(et_mcap_info(reader)->has_index);
    CHECK_EQ(et_mcap_info(reader)->start_ns, et_mcap_info(scanned)->start_ns);
    CHECK_EQ(et_mcap_info(reader)->end_ns, et_mcap_info(scanned)->end_ns);
    et_mcap_close(reader);
    et_mcap_close(scanned);
    sample_free(&s);
    remove(path);
}

/* ---- the same bytes ---- */

static void writes_the_same_bytes_with_any_number_of_threads(void)
{
    struct sample s;
    sample_make(&s, 4000, 5, 300);
    for (size_t i = 0; i < 3; i++) {
        size_t n_first = 0;
        char *first = NULL;
        for (unsigned n_threads = 0; n_threads < 5; n_threads++) {
            const char *path = temp_path("threads.mcap");
            struct et_pool *pool = NULL;
            if (n_threads)
                CHECK_OK(et_pool_open(&pool, n_threads, &err));
            const struct et_mcap_write_options options = {.profile = ET_STR("ros2"),
                                                          .compression = COMPRESSIONS[i],
                                                          .chunk_bytes = 10000,
                                                          .pool = pool};
            CHECK_OK(sample_write(&s, path, &options, &err));
            et_pool_close(pool);
            size_t n;
            char *bytes = read_file(path, &n);
            if (!first) {
                first = bytes;
                n_first = n;
                check_file(&s, path);
                continue;
            }
            CHECK(n == n_first && memcmp(bytes, first, n) == 0);
            free(bytes);
        }
        free(first);
    }
    sample_free(&s);
}

static void fills_every_chunk_with_its_own_times(void)
{
    const char *path = temp_path("times.mcap");
    struct et_mcap_writer *writer;
    struct et_mcap_scan *scan;
    struct et_mcap_record record;
    const struct et_mcap_channel first = {.id = 1, .topic = ET_STR("/1")};
    const struct et_mcap_channel second = {.id = 2, .topic = ET_STR("/2")};
    const struct et_mcap_message message = {.channel_id = 1, .log_time_ns = 77};
    int64_t starts[4] = {-1, -1, -1, -1};
    size_t n = 0;
    remove(path);
    CHECK_OK(et_mcap_create(&writer, path, NULL, &err));
    CHECK_OK(et_mcap_add_channel(writer, &first, &err));
    CHECK_OK(et_mcap_write(writer, &message, &err));
    CHECK_OK(et_mcap_flush(writer, &err));
    CHECK_OK(et_mcap_add_channel(writer, &second, &err)); // a chunk without a message
    CHECK_OK(et_mcap_finish(writer, &err));
    CHECK_OK(et_mcap_scan_open(&scan, path, &err));
    while (et_mcap_scan_next(scan, &record, &err) == ET_OK)
        if (record.op == ET_MCAP_CHUNK_OP && n < 4)
            starts[n++] = record.as.chunk.start_ns;
    et_mcap_scan_close(scan);
    CHECK(n == 2 && starts[0] == 77 && starts[1] == 0);
}

/* ---- an end without finish ---- */

static void keeps_what_was_flushed_when_the_writer_is_gone(void)
{
    struct sample s;
    sample_make(&s, 500, 5, 200);
    for (size_t i = 0; i < 3; i++)
        for (int has_chunks = 0; has_chunks < 2; has_chunks++) {
            const char *path = temp_path("killed.mcap");
            const struct et_mcap_write_options options = {.compression = COMPRESSIONS[i],
                                                          .without_chunks = !has_chunks};
            struct et_mcap_writer *writer;
            struct et_mcap_reader *reader;
            remove(path);
            CHECK_OK(et_mcap_create(&writer, path, &options, &err));
            CHECK_OK(sample_put(&s, writer, 100, &err));
            CHECK_OK(et_mcap_flush(writer, &err));
            CHECK(et_mcap_writer_bytes(writer) > 1000);
            CHECK_OK(et_mcap_open(&reader, path, NULL, &err)); // while it is still open
            CHECK(sample_gives(&s, reader, NULL));
            et_mcap_close(reader);
            et_mcap_writer_close(writer);
            CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
            const struct et_mcap_info *info = et_mcap_info(reader);
            CHECK(!info->is_finished && !info->has_index);
            CHECK_EQ(info->n_remarks, 1);
            CHECK_EQ(info->remarks[0].fault, ET_MCAP_CUT);
            CHECK_EQ(info->n_messages, s.n);
            CHECK(sample_gives(&s, reader, NULL));
            et_mcap_close(reader);
        }
    sample_free(&s);
}

static void leaves_an_empty_file_that_reads(void)
{
    const char *path = temp_path("empty.mcap");
    struct et_mcap_writer *writer;
    struct et_mcap_reader *reader;
    struct et_mcap_message message;
    remove(path);
    CHECK_OK(et_mcap_create(&writer, path, NULL, &err));
    CHECK_OK(et_mcap_finish(writer, &err));
    CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
    const struct et_mcap_info *info = et_mcap_info(reader);
    CHECK(info->n_messages == 0 && info->n_chunks == 0 && info->start_ns == 0 &&
          info->end_ns == 0 && info->n_remarks == 0 && info->is_finished && !info->compression);
    CHECK_EQ(et_mcap_next(reader, &message, &err), ET_END);
    CHECK_EQ(et_mcap_next(reader, &message, &err), ET_END);
    et_mcap_close(reader);
}

/* ---- what is refused ---- */

static void refuses_ids_that_contradict(void)
{
    const char *path = temp_path("ids.mcap");
    struct et_mcap_writer *writer;
    const struct et_mcap_pair pair = {ET_STR("a"), ET_STR("b")}, other = {ET_STR("a"), ET_STR("c")};
    struct et_mcap_schema schema = {.id = 3, .name = ET_STR("n")};
    struct et_mcap_channel channel = {
        .id = 0, .schema_id = 3, .topic = ET_STR("t"), .metadata = &pair, .n_metadata = 1};
    struct et_mcap_message message = {.channel_id = 0};
    remove(path);
    CHECK_OK(et_mcap_create(&writer, path, NULL, &err));
    CHECK_EQ(et_mcap_add_channel(writer, &channel, &err), ET_EARG); // its schema is not there
    CHECK_EQ(et_mcap_write(writer, &message, &err), ET_EARG);       // nor is its channel
    CHECK_OK(et_mcap_add_schema(writer, &schema, &err));
    CHECK_OK(et_mcap_add_schema(writer, &schema, &err));
    schema.data = ET_STR("other");
    CHECK_EQ(et_mcap_add_schema(writer, &schema, &err), ET_EARG);
    schema.id = 0;
    CHECK_EQ(et_mcap_add_schema(writer, &schema, &err), ET_EARG);
    CHECK_OK(et_mcap_add_channel(writer, &channel, &err));
    CHECK_OK(et_mcap_add_channel(writer, &channel, &err));
    channel.metadata = &other;
    CHECK_EQ(et_mcap_add_channel(writer, &channel, &err), ET_EARG);
    channel.n_metadata = 0;
    CHECK_EQ(et_mcap_add_channel(writer, &channel, &err), ET_EARG);
    channel.id = 65535;
    channel.topic = ET_STR("\xff");
    CHECK_EQ(et_mcap_add_channel(writer, &channel, &err), ET_EARG);
    channel.topic = ET_STR("the last id");
    CHECK_OK(et_mcap_add_channel(writer, &channel, &err));
    message.channel_id = 65535;
    CHECK_OK(et_mcap_write(writer, &message, &err));
    message.log_time_ns = -1;
    CHECK_EQ(et_mcap_write(writer, &message, &err), ET_EARG);
    message.log_time_ns = 0;
    message.publish_time_ns = -1;
    CHECK_EQ(et_mcap_write(writer, &message, &err), ET_EARG);
    CHECK_OK(et_mcap_finish(writer, &err)); // none of that has broken anything
    struct et_mcap_reader *reader;
    CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
    CHECK_EQ(et_mcap_info(reader)->n_messages, 1);
    CHECK_EQ(et_mcap_info(reader)->n_remarks, 0);
    CHECK(et_mcap_channel(reader, 65535) && !et_mcap_channel(reader, 1));
    CHECK(et_mcap_schema(reader, 3) && !et_mcap_schema(reader, 1));
    et_mcap_close(reader);
}

static void refuses_options_and_records_that_cannot_be(void)
{
    const char *path = temp_path("options.mcap");
    struct et_mcap_writer *writer;
    const struct et_mcap_write_options wrong[] = {{.chunk_bytes = ET_MCAP_CHUNK_BYTES_MAX + 1},
                                                  {.level = 23},
                                                  {.level = -1},
                                                  {.profile = ET_STR("\xc3")},
                                                  {.library = ET_STR("\xc3")}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        remove(path);
        CHECK_EQ(et_mcap_create(&writer, path, &wrong[i], &err), ET_EARG);
        CHECK(!writer && !file_exists(path));
    }
    CHECK_OK(et_mcap_create(&writer, path, NULL, &err));
    struct et_mcap_writer *second;
    CHECK_EQ(et_mcap_create(&second, path, NULL, &err), ET_EEXISTS);
    const struct et_mcap_attachment attachments[] = {{.log_time_ns = -1},
                                                     {.create_time_ns = -1},
                                                     {.name = ET_STR("\xff")},
                                                     {.media_type = ET_STR("\xff")}};
    for (size_t i = 0; i < 4; i++)
        CHECK_EQ(et_mcap_write_attachment(writer, &attachments[i], &err), ET_EARG);
    const struct et_mcap_pair pair = {ET_STR("\xff"), ET_STR("")};
    const struct et_mcap_metadata metadata[] = {{.name = ET_STR("\xff")}, {ET_STR("x"), &pair, 1}};
    for (size_t i = 0; i < 2; i++)
        CHECK_EQ(et_mcap_write_metadata(writer, &metadata[i], &err), ET_EARG);
    CHECK_OK(et_mcap_finish(writer, &err));
}

int main(void)
{
    RUN(reads_back_what_was_written_in_every_compression_and_size_of_chunk);
    RUN(reads_back_what_was_written_with_anything_left_out);
    RUN(tells_the_span_of_a_file_without_statistics);
    RUN(writes_the_same_bytes_with_any_number_of_threads);
    RUN(fills_every_chunk_with_its_own_times);
    RUN(keeps_what_was_flushed_when_the_writer_is_gone);
    RUN(leaves_an_empty_file_that_reads);
    RUN(refuses_ids_that_contradict);
    RUN(refuses_options_and_records_that_cannot_be);
    return tap_end();
}
