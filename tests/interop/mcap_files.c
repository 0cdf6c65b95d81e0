/* Writes one sample as MCAP in every way there is, for other readers to read: mcap_files FOLDER.
 * Prints the messages in the order in which they were written, one JSON object a line. */
#include "../format/mcap_made.h"

#include <stdio.h>
#include <stdlib.h>

static struct et_err err;

static void print(struct sample *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct et_mcap_message m = sample_message(s, i);
        printf("{\"channel\": %u, \"sequence\": %u, \"log\": \"%lld\", \"publish\": \"%lld\", "
               "\"data\": \"",
               m.channel_id, m.sequence, (long long)m.log_time_ns, (long long)m.publish_time_ns);
        for (size_t k = 0; k < m.data.n; k++)
            printf("%02x", (unsigned)(unsigned char)m.data.p[k]);
        printf("\"}\n");
    }
}

int main(int argc, char **argv)
{
    static const char *const NAMES[] = {"zstd", "lz4", "none"};
    static const struct {
        const char *name;
        struct et_mcap_write_options options;
    } WAYS[] = {
        {"small-chunks", {.chunk_bytes = 2000}},
        {"one-chunk", {.chunk_bytes = 0}},
        {"every-message", {.chunk_bytes = 1}},
        {"threads", {.chunk_bytes = 5000}},
        {"padded", {.chunk_bytes = 5000, .with_padding = true}},
        {"without-message-index", {.chunk_bytes = 5000, .without_message_index = true}},
        {"without-summary-offsets", {.chunk_bytes = 5000, .without_summary_offsets = true}},
        {"without-statistics", {.chunk_bytes = 5000, .without_statistics = true}},
        {"without-chunks", {.without_chunks = true}},
    };
    struct sample s;
    struct et_pool *pool = NULL;
    sample_make(&s, 600, 5, 200);
    if (argc != 2 || et_pool_open(&pool, 2, &err) != ET_OK)
        return 2;
    for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++)
        for (int k = 0; k < 3; k++) {
            char path[4096];
            struct et_mcap_write_options options = WAYS[i].options;
            options.compression = (enum et_mcap_compression)k;
            options.pool = strcmp(WAYS[i].name, "threads") == 0 ? pool : NULL;
            options.profile = et_str("ros2");
            (void)snprintf(path, sizeof path, "%s/%s-%s.mcap", argv[1], WAYS[i].name, NAMES[k]);
            if (sample_write(&s, path, &options, &err) != ET_OK) {
                fprintf(stderr, "%s\n", err.text);
                return 1;
            }
        }
    print(&s);
    sample_free(&s);
    et_pool_close(pool);
    return 0;
}
