/* etude info of a recording in MCAP: its topics, how many messages of each, and when. */
#include "cli.h"

#include "etude/clock.h"
#include "etude/json.h"
#include "etude/mcap.h"

#include <stdlib.h>

#define PAGE_BYTES_MAX ((size_t)1 << 20)
#define EDGE_NS ET_NS_PER_S // of a file, where topics are looked for first

/* What is seen of a channel. */
struct seen {
    int64_t n, t_first_ns, t_last_ns; // times are right where there are messages
    bool has_first, has_last;
};

/* Reads what a query gives; false: it could not be read. */
static bool look_through(struct et_mcap_reader *reader, const struct et_mcap_query *query,
                         bool is_end, struct seen *seen)
{
    const struct et_mcap_info *info = et_mcap_info(reader);
    struct et_mcap_message m;
    enum et_status st = et_mcap_query(reader, query, NULL);
    while (st == ET_OK && (st = et_mcap_next(reader, &m, NULL)) == ET_OK) {
        struct seen *of = &seen[et_mcap_channel(reader, m.channel_id) - info->channels];
        if (is_end)
            of->t_last_ns = m.log_time_ns;
        else if (!of->has_first)
            of->t_first_ns = m.log_time_ns;
        of->has_first = of->has_first || !is_end;
        of->has_last = of->has_last || is_end;
        if (query->n_channels == 1 && !is_end)
            return true;
    }
    return st == ET_END;
}

/* When each channel's first message was, and its last one: a topic may begin late, and end early.
 * Most are found in the file's first and last second; of the others only what holds them is read,
 * from the end in steps that grow. */
static void find_times(struct et_mcap_reader *reader, struct seen *seen)
{
    const struct et_mcap_info *info = et_mcap_info(reader);
    struct et_mcap_query query = {.to_ns = info->start_ns + EDGE_NS};
    bool is_sound = look_through(reader, &query, false, seen);
    query = (struct et_mcap_query){.from_ns = info->end_ns - EDGE_NS};
    is_sound = is_sound && look_through(reader, &query, true, seen);
    for (size_t i = 0; i < info->n_channels && is_sound; i++) {
        query = (struct et_mcap_query){.channels = &info->channels[i].id, .n_channels = 1};
        if (seen[i].n > 0 && !seen[i].has_first)
            is_sound = look_through(reader, &query, false, seen);
        int64_t back_ns = EDGE_NS;
        while (is_sound && seen[i].n > 0 && !seen[i].has_last &&
               back_ns < info->end_ns - info->start_ns) {
            back_ns *= 8;
            query.from_ns = info->end_ns - back_ns;
            is_sound = look_through(reader, &query, true, seen);
        }
    }
}

/* Counts by reading where no statistics tell; one a channel. */
static enum et_status count_messages(struct et_mcap_reader *reader, struct seen *seen,
                                     struct et_err *err)
{
    const struct et_mcap_info *info = et_mcap_info(reader);
    const struct et_mcap_query query = {.in_file_order = true};
    struct et_mcap_message message;
    for (size_t i = 0; info->n_messages_of && i < info->n_channels; i++)
        seen[i].n = info->n_messages_of[i];
    if (info->n_messages_of) {
        find_times(reader, seen);
        return ET_OK;
    }
    enum et_status st = et_mcap_query(reader, &query, err);
    while (st == ET_OK && (st = et_mcap_next(reader, &message, err)) == ET_OK) {
        struct seen *of = &seen[et_mcap_channel(reader, message.channel_id) - info->channels];
        const int64_t t_ns = message.log_time_ns;
        of->t_first_ns = of->n == 0 || t_ns < of->t_first_ns ? t_ns : of->t_first_ns;
        of->t_last_ns = of->n == 0 || t_ns > of->t_last_ns ? t_ns : of->t_last_ns;
        of->has_first = of->has_last = true;
        of->n++;
    }
    return st == ET_END ? ET_OK : st;
}

static int64_t sum(const struct seen *seen, size_t n)
{
    int64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += seen[i].n;
    return total;
}

static struct et_str type_of(struct et_mcap_reader *reader, const struct et_mcap_channel *channel)
{
    const struct et_mcap_schema *schema = et_mcap_schema(reader, channel->schema_id);
    return schema ? schema->name : et_str("");
}

static struct et_str device_of(const struct et_mcap_channel *channel)
{
    for (size_t i = 0; i < channel->n_metadata; i++)
        if (et_str_is(channel->metadata[i].key, "device"))
            return channel->metadata[i].value;
    return et_str("");
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

// The page beside one of our own recordings; NULL: there is none.
static const struct et_value *page_of(const char *path, struct et_arena *arena)
{
    const size_t n = strlen(path);
    const struct et_value *page = NULL;
    if (n < 5 || strcmp(path + n - 5, ".mcap") != 0)
        return NULL;
    const char *name = et_arena_printf(arena, "%.*s.json", (int)n - 5, path);
    if (!name || et_json_read(name, PAGE_BYTES_MAX, NULL, arena, &page, NULL) != ET_OK)
        return NULL;
    return strcmp(et_value_text(et_value_get(page, "etude"), ""), "recording") == 0 ? page : NULL;
}

/* What our own recordings say of themselves, and what was said of them after their end: `each` is
 * given every word that is not empty. */
static void each_word(struct et_mcap_reader *reader, const char *path, struct et_arena *arena,
                      void (*each)(void *ctx, struct et_str key, struct et_str value), void *ctx)
{
    static const char *const SAID_LATER[] = {"outcome", "judged_by", "discarded_by"};
    const struct et_mcap_info *info = et_mcap_info(reader);
    const struct et_value *page = page_of(path, arena);
    for (size_t i = 0; i < (size_t)info->n_metadata; i++) {
        struct et_mcap_metadata metadata;
        if (et_mcap_metadata(reader, i, arena, &metadata, NULL) != ET_OK ||
            !et_str_is(metadata.name, "etude.run"))
            continue;
        for (size_t k = 0; k < metadata.n_pairs; k++)
            if (metadata.pairs[k].value.n > 0 &&
                !(et_str_is(metadata.pairs[k].key, "outcome") && et_value_get(page, "outcome")))
                each(ctx, metadata.pairs[k].key, metadata.pairs[k].value);
    }
    for (size_t i = 0; i < sizeof SAID_LATER / sizeof *SAID_LATER; i++) {
        const char *text = et_value_text(et_value_get(page, SAID_LATER[i]), NULL);
        if (text)
            each(ctx, et_str(SAID_LATER[i]), et_str(text));
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

static double seconds_of(const struct seen *seen)
{
    return seen->has_first && seen->has_last ? (double)(seen->t_last_ns - seen->t_first_ns) / 1e9
                                             : 0;
}

static struct cli_topic *list_topics(struct et_mcap_reader *reader, const struct seen *seen,
                                     struct et_arena *arena)
{
    const struct et_mcap_info *info = et_mcap_info(reader);
    struct cli_topic *topics = et_arena_array(arena, info->n_channels + 1, sizeof *topics);
    for (size_t i = 0; topics && i < info->n_channels; i++)
        topics[i] = (struct cli_topic){.topic = info->channels[i].topic,
                                       .type = type_of(reader, &info->channels[i]),
                                       .encoding = info->channels[i].encoding,
                                       .device = device_of(&info->channels[i]),
                                       .n_messages = seen[i].n,
                                       .seconds = seconds_of(&seen[i])};
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
                     const struct seen *seen, const struct cli_topic *topics,
                     struct et_arena *arena)
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
    et_json_put_int(&json.w, "messages", sum(seen, info->n_channels));
    et_json_put_int(&json.w, "start_ns", info->start_ns);
    et_json_put_int(&json.w, "end_ns", info->end_ns);
    et_json_put_int(&json.w, "attachments", info->n_attachments);
    et_json_put_int(&json.w, "metadata", info->n_metadata);
    et_json_key(&json.w, "run");
    et_json_open_list(&json.w);
    each_word(reader, path, arena, put_word, &json.w);
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
    struct seen *seen = et_arena_array(arena, info->n_channels, sizeof *seen);
    struct cli_topic *topics = NULL;
    enum et_status st =
        seen ? count_messages(reader, seen, &err) : et_arena_fail(arena, "the topics", &err);
    if (st == ET_OK && !(topics = list_topics(reader, seen, arena)))
        st = et_arena_fail(arena, "the topics", &err);
    int code = CLI_DONE;
    if (st != ET_OK) {
        code = cli_fail(args, &err);
    } else if (args->is_json) {
        code = json_info(args, path, reader, seen, topics, arena);
    } else {
        bool is_first = true;
        print_head(path, info, sum(seen, info->n_channels));
        each_word(reader, path, arena, print_word, &is_first);
        cli_print_topics(topics, info->n_channels, arena);
        code = info_profile(args, path, arena, NULL);
    }
    et_mcap_close(reader);
    return code;
}
