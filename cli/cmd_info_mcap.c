/* etude info of a recording in MCAP: its topics, how many messages of each, and when. */
#include "cli.h"

#include "etude/clock.h"
#include "etude/mcap.h"

#include <stdlib.h>

/* Counts by reading where no statistics tell; one a channel. */
static enum et_status count_messages(struct et_mcap_reader *reader, int64_t *counts,
                                     struct et_err *err)
{
    const struct et_mcap_info *info = et_mcap_info(reader);
    const struct et_mcap_query query = {.in_file_order = true};
    struct et_mcap_message message;
    if (info->n_messages_of) {
        memcpy(counts, info->n_messages_of, info->n_channels * sizeof *counts);
        return ET_OK;
    }
    enum et_status st = et_mcap_query(reader, &query, err);
    while (st == ET_OK && (st = et_mcap_next(reader, &message, err)) == ET_OK)
        counts[et_mcap_channel(reader, message.channel_id) - info->channels]++;
    return st == ET_END ? ET_OK : st;
}

static int64_t sum(const int64_t *counts, size_t n)
{
    int64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += counts[i];
    return total;
}

static struct et_str type_of(struct et_mcap_reader *reader, const struct et_mcap_channel *channel)
{
    const struct et_mcap_schema *schema = et_mcap_schema(reader, channel->schema_id);
    return schema ? schema->name : et_str("");
}

static void print_head(const char *path, const struct et_mcap_info *info, int64_t n_messages)
{
    char bytes[CLI_TEXT_BYTES], count[CLI_TEXT_BYTES], start[ET_TIME_TEXT_BYTES],
        duration[ET_TIME_TEXT_BYTES];
    et_time_text(info->start_ns, start);
    et_duration_text(info->end_ns - info->start_ns, duration);
    printf("%s\n", path);
    printf("  format    MCAP, profile \"%.*s\", by %.*s\n", ET_STR_ARG(info->profile),
           ET_STR_ARG(info->library));
    printf("  size      %s in %lld chunk%s (%s)\n", cli_bytes_text((double)info->n_bytes, bytes),
           (long long)info->n_chunks, cli_s((uint64_t)info->n_chunks),
           info->compression ? (info->compression[0] ? info->compression : "not compressed")
                             : "none");
    printf("  messages  %s on %zu topic%s\n", cli_count_text(n_messages, count), info->n_channels,
           cli_s(info->n_channels));
    if (n_messages > 0)
        printf("  time      %s, %s\n", start, duration);
    if (info->n_attachments + info->n_metadata > 0)
        printf("  besides   %lld attachment%s, %lld metadata record%s\n",
               (long long)info->n_attachments, cli_s((uint64_t)info->n_attachments),
               (long long)info->n_metadata, cli_s((uint64_t)info->n_metadata));
    if (!info->is_finished)
        printf("  unfinished: etude mcap recover makes a whole file of it\n");
    for (size_t i = 0; i < info->n_remarks; i++)
        printf("  %s: %s\n", et_mcap_fault_name(info->remarks[i].fault), info->remarks[i].text);
}

/* What our own recordings say of themselves: `each` is given every word that is not empty. */
static void each_word(struct et_mcap_reader *reader, struct et_arena *arena,
                      void (*each)(void *ctx, struct et_str key, struct et_str value), void *ctx)
{
    const struct et_mcap_info *info = et_mcap_info(reader);
    for (size_t i = 0; i < (size_t)info->n_metadata; i++) {
        struct et_mcap_metadata metadata;
        if (et_mcap_metadata(reader, i, arena, &metadata, NULL) != ET_OK ||
            !et_str_is(metadata.name, "etude.run"))
            continue;
        for (size_t k = 0; k < metadata.n_pairs; k++)
            if (metadata.pairs[k].value.n > 0)
                each(ctx, metadata.pairs[k].key, metadata.pairs[k].value);
    }
}

static void print_word(void *ctx, struct et_str key, struct et_str value)
{
    bool *is_first = ctx;
    printf("  %s%.*s: %.*s\n", *is_first ? "run       " : "          ", ET_STR_ARG(key),
           (int)(value.n < 60 ? value.n : 60), value.p);
    *is_first = false;
}

static void put_word(void *ctx, struct et_str key, struct et_str value)
{
    struct et_json_writer *w = ctx;
    et_json_open_map(w);
    et_json_key(w, "key");
    et_json_str(w, key);
    et_json_key(w, "value");
    et_json_str(w, value);
    et_json_close_map(w);
}

static struct cli_topic *list_topics(struct et_mcap_reader *reader, const int64_t *counts,
                                     struct et_arena *arena)
{
    const struct et_mcap_info *info = et_mcap_info(reader);
    struct cli_topic *topics = et_arena_array(arena, info->n_channels + 1, sizeof *topics);
    for (size_t i = 0; topics && i < info->n_channels; i++)
        topics[i] = (struct cli_topic){.topic = info->channels[i].topic,
                                       .type = type_of(reader, &info->channels[i]),
                                       .encoding = info->channels[i].encoding,
                                       .n_messages = counts[i]};
    return topics;
}

/* What a profile makes of it; a file that et_recording cannot open has told its page already. */
static int info_profile(const struct cli_args *args, const char *path, struct et_arena *arena,
                        struct et_json_writer *w)
{
    struct et_err err = {0};
    struct et_recording *recording = NULL;
    const struct et_recording_options how = {.device = cli_get(args, "device")};
    if (et_recording_open(&recording, path, &how, &err) != ET_OK)
        return cli_fail(args, &err);
    const int code = cli_info_profile(args, recording, arena, w);
    et_recording_close(recording);
    return code;
}

static int json_info(const struct cli_args *args, const char *path, struct et_mcap_reader *reader,
                     const int64_t *counts, const struct cli_topic *topics, struct et_arena *arena)
{
    const struct et_mcap_info *info = et_mcap_info(reader);
    struct cli_json json;
    cli_json_open(&json, "info");
    et_json_put_text(&json.w, "kind", "mcap");
    et_json_put_text(&json.w, "path", path);
    et_json_key(&json.w, "profile");
    et_json_str(&json.w, info->profile);
    et_json_key(&json.w, "library");
    et_json_str(&json.w, info->library);
    et_json_put_int(&json.w, "bytes", info->n_bytes);
    et_json_put_int(&json.w, "chunks", info->n_chunks);
    et_json_put_text(&json.w, "compression", info->compression);
    et_json_put_bool(&json.w, "is_finished", info->is_finished);
    et_json_put_int(&json.w, "messages", sum(counts, info->n_channels));
    et_json_put_int(&json.w, "start_ns", info->start_ns);
    et_json_put_int(&json.w, "end_ns", info->end_ns);
    et_json_put_int(&json.w, "attachments", info->n_attachments);
    et_json_put_int(&json.w, "metadata", info->n_metadata);
    et_json_key(&json.w, "run");
    et_json_open_list(&json.w);
    each_word(reader, arena, put_word, &json.w);
    et_json_close_list(&json.w);
    cli_json_topics(&json.w, topics, info->n_channels);
    const int code = info_profile(args, path, arena, &json.w);
    et_json_key(&json.w, "remarks");
    et_json_open_list(&json.w);
    for (size_t i = 0; i < info->n_remarks; i++)
        et_json_text(&json.w, info->remarks[i].text);
    et_json_close_list(&json.w);
    const int printed = cli_json_print(&json, args);
    return printed == CLI_DONE ? code : printed;
}

int cli_info_mcap(const struct cli_args *args, const char *path, struct et_arena *arena)
{
    struct et_err err = {0};
    struct et_mcap_reader *reader = NULL;
    if (et_mcap_open(&reader, path, NULL, &err) != ET_OK)
        return cli_fail(args, &err);
    const struct et_mcap_info *info = et_mcap_info(reader);
    int64_t *counts = et_arena_array(arena, info->n_channels, sizeof *counts);
    struct cli_topic *topics = NULL;
    enum et_status st =
        counts ? count_messages(reader, counts, &err) : et_arena_fail(arena, "the topics", &err);
    if (st == ET_OK && !(topics = list_topics(reader, counts, arena)))
        st = et_arena_fail(arena, "the topics", &err);
    int code = CLI_DONE;
    if (st != ET_OK) {
        code = cli_fail(args, &err);
    } else if (args->is_json) {
        code = json_info(args, path, reader, counts, topics, arena);
    } else {
        bool is_first = true;
        print_head(path, info, sum(counts, info->n_channels));
        each_word(reader, arena, print_word, &is_first);
        cli_print_topics(topics, info->n_channels, (double)(info->end_ns - info->start_ns) / 1e9,
                         arena);
        code = info_profile(args, path, arena, NULL);
    }
    et_mcap_close(reader);
    return code;
}
