/* MCAP as a source. Topics of several writers (the same topic on several channels) stay apart. */
#include "recording/recording__choose.h"

#include "etude/json.h"
#include "etude/mcap.h"

#include <stdlib.h>

#define PAIRS_MAX 256
#define PAGE_PAIRS 3 // that the page beside a recording may add
#define PAGE_BYTES_MAX ((size_t)64 << 10)
// What our own recordings say.
#define INSTRUCTION_KEY "etude.run.instruction"
#define ROBOT_KEY "etude.run.robot"
#define PROFILE_NAME "profile.yaml"
#define PROFILE_BYTES_MAX ((size_t)4 << 20)
#define ATTACHMENTS_MAX 16 // that are looked at

struct mcap_source {
    struct et__source base;
    struct et_mcap_reader *reader;
    int32_t *of_id; // channel of an id; −1 none; 65536
    uint16_t *wanted;
    struct et_channel *channels;
    struct et_recording_remark *remarks;
};

static bool knows(const struct et__looked *looked)
{
    static const char MAGIC[] = {(char)0x89, 'M', 'C', 'A', 'P'};
    return !looked->is_folder && looked->head.n >= sizeof MAGIC &&
           memcmp(looked->head.p, MAGIC, sizeof MAGIC) == 0;
}

static void close_it(struct et__source *source)
{
    struct mcap_source *s = (struct mcap_source *)source;
    if (!s)
        return;
    et_mcap_close(s->reader);
    free(s->of_id);
    free(s->wanted);
    free(s);
}

static void look_remarks(struct mcap_source *s)
{
    const struct et_mcap_info *info = et_mcap_info(s->reader);
    for (size_t i = 0; i < info->n_remarks; i++) {
        const struct et_mcap_remark *m = &info->remarks[i];
        const bool is_new = i >= s->base.info.n_remarks;
        s->remarks[i] = (struct et_recording_remark){
            .is_loss = m->n_bytes > 0 || m->fault == ET_MCAP_ORPHAN,
            .where = is_new ? et_arena_printf(s->base.arena, "offset %lld", (long long)m->at)
                            : s->remarks[i].where,
            .text = m->text,
            .n = m->n};
        if (!s->remarks[i].where)
            s->remarks[i].where = "";
    }
    s->base.info.n_remarks = info->n_remarks;
}

/* A file without indexes is counted by the first full pass. */
static void look_counts(struct mcap_source *s)
{
    const struct et_mcap_info *info = et_mcap_info(s->reader);
    s->base.info.n_messages = info->n_messages;
    s->base.info.start_ns = info->start_ns;
    s->base.info.end_ns = info->end_ns;
    for (size_t i = 0; info->n_messages_of && i < s->base.info.n_channels; i++)
        s->channels[i].n_messages = info->n_messages_of[i];
}

// false: there is no memory.
static bool take_words(struct mcap_source *s, const struct et_mcap_channel *from,
                       struct et_channel *to)
{
    bool has_room = true;
    for (size_t i = 0; i < from->n_metadata && has_room; i++) {
        const struct et_str value = from->metadata[i].value;
        if (et_str_is(from->metadata[i].key, "offered_qos_profiles") && value.n)
            has_room = (to->qos = et_arena_copy(s->base.arena, value.p, value.n));
        else if (et_str_is(from->metadata[i].key, "device"))
            has_room = et__name_device(to, value, s->base.arena);
    }
    return has_room;
}

static enum et_status take_channels(struct mcap_source *s, struct et_err *err)
{
    const struct et_mcap_info *info = et_mcap_info(s->reader);
    struct et_channel *channels = et_arena_array(s->base.arena, info->n_channels, sizeof *channels);
    if (!channels)
        return et_arena_fail(s->base.arena, "the list of topics", err);
    for (size_t i = 0; i < info->n_channels; i++) {
        const struct et_mcap_channel *from = &info->channels[i];
        const struct et_mcap_schema *schema = et_mcap_schema(s->reader, from->schema_id);
        struct et_channel *to = &channels[i];
        to->topic = et_arena_copy(s->base.arena, from->topic.p, from->topic.n);
        if (!to->topic || !take_words(s, from, to))
            return et_arena_fail(s->base.arena, "the list of topics", err);
        to->schema.message_encoding = from->encoding;
        to->n_messages = info->n_messages_of ? info->n_messages_of[i] : -1;
        if (schema) {
            to->schema.name = schema->name;
            to->schema.encoding = schema->encoding;
            to->schema.data = schema->data;
        }
        s->of_id[from->id] = (int32_t)i;
    }
    s->base.info.channels = s->channels = channels;
    s->base.info.n_channels = info->n_channels;
    return ET_OK;
}

// In place of what the recording says itself.
static void replace_pair(struct et_pair *pairs, size_t *n_pairs, struct et_pair pair)
{
    size_t i = 0;
    while (i < *n_pairs && strcmp(pairs[i].key, pair.key) != 0)
        i++;
    pairs[i] = pair;
    *n_pairs += i == *n_pairs;
}

/* Who discarded or judged it after its end says so on the page beside it (etude/recorder.h), which
 * may be anything. */
static enum et_status take_page(struct mcap_source *s, const char *path, struct et_pair *pairs,
                                size_t *n_pairs, struct et_err *err)
{
    struct et_arena *arena = s->base.arena;
    const size_t n = strlen(path);
    const struct et_value *page;
    if (n < 5 || strcmp(path + n - 5, ".mcap") != 0)
        return ET_OK;
    const char *name = et_arena_printf(arena, "%.*s.json", (int)n - 5, path);
    if (!name)
        return et_arena_fail(arena, "the page beside a recording", err);
    if (et_json_read(name, PAGE_BYTES_MAX, NULL, arena, &page, NULL) != ET_OK)
        return ET_OK;
    static const struct {
        const char *key, *is;
    } WORDS[PAGE_PAIRS] = {{"discarded_by", "etude.run.discarded_by"},
                           {"outcome", "etude.run.outcome"},
                           {"judged_by", "etude.run.judged_by"}};
    if (strcmp(et_value_text(et_value_get(page, "etude"), ""), "recording") != 0)
        return ET_OK;
    for (size_t i = 0; i < PAGE_PAIRS; i++) {
        const char *text = et_value_text(et_value_get(page, WORDS[i].key), NULL);
        if (text)
            replace_pair(pairs, n_pairs, (struct et_pair){WORDS[i].is, text});
    }
    return ET_OK;
}

static enum et_status take_metadata(struct mcap_source *s, const char *path, struct et_err *err)
{
    const struct et_mcap_info *info = et_mcap_info(s->reader);
    struct et_arena *arena = s->base.arena;
    const size_t n = info->n_metadata < 64 ? (size_t)info->n_metadata : 64;
    size_t n_pairs = 0;
    struct et_pair *pairs = et_arena_array(arena, PAIRS_MAX + PAGE_PAIRS, sizeof *pairs);
    if (!pairs)
        return et_arena_fail(arena, "the metadata", err);
    for (size_t i = 0; i < n; i++) {
        struct et_mcap_metadata metadata;
        // What cannot be read of it is a remark of the reader, not the end of the recording.
        if (et_mcap_metadata(s->reader, i, arena, &metadata, NULL) != ET_OK)
            continue;
        for (size_t k = 0; k < metadata.n_pairs && n_pairs < PAIRS_MAX; k++) {
            const struct et_mcap_pair *pair = &metadata.pairs[k];
            pairs[n_pairs].key = et_arena_printf(arena, "%.*s.%.*s", ET_STR_ARG(metadata.name),
                                                 ET_STR_ARG(pair->key));
            pairs[n_pairs].value = et_arena_printf(arena, "%.*s", ET_STR_ARG(pair->value));
            if (!pairs[n_pairs].key || !pairs[n_pairs].value)
                return et_arena_fail(arena, "the metadata", err);
            if (strcmp(pairs[n_pairs].key, INSTRUCTION_KEY) == 0)
                s->base.info.task = pairs[n_pairs].value;
            if (strcmp(pairs[n_pairs].key, ROBOT_KEY) == 0 && pairs[n_pairs].value[0])
                s->base.robot = pairs[n_pairs].value;
            n_pairs++;
        }
    }
    const enum et_status st = take_page(s, path, pairs, &n_pairs, err);
    s->base.info.metadata = pairs;
    s->base.info.n_metadata = n_pairs;
    return st;
}

/* The profile that our recorder puts beside what it records. What cannot be read of it is none. */
static void take_profile(struct mcap_source *s)
{
    const struct et_mcap_info *info = et_mcap_info(s->reader);
    for (size_t i = 0; i < ATTACHMENTS_MAX && (int64_t)i < info->n_attachments; i++) {
        const struct et_arena_mark mark = et_arena_mark(s->base.arena);
        struct et_mcap_attachment attachment;
        if (et_mcap_attachment(s->reader, i, s->base.arena, &attachment, NULL) == ET_OK &&
            et_str_is(attachment.name, PROFILE_NAME) && attachment.data.n <= PROFILE_BYTES_MAX) {
            s->base.profile = attachment.data;
            return;
        }
        et_arena_rewind(s->base.arena, mark);
    }
}

static enum et_status describe(struct mcap_source *s, const char *path, struct et_err *err)
{
    const struct et_mcap_info *info = et_mcap_info(s->reader);
    struct et_recording_info *to = &s->base.info;
    s->of_id = malloc(65536 * sizeof *s->of_id);
    s->wanted = malloc(65536 * sizeof *s->wanted);
    s->remarks = et_arena_array(s->base.arena, ET_MCAP_N_FAULTS, sizeof *s->remarks);
    if (!s->of_id || !s->wanted || !s->remarks)
        return et_fail(err, ET_ENOMEM, -1, "no memory for the topics of a recording");
    for (size_t i = 0; i < 65536; i++)
        s->of_id[i] = -1;
    to->format = "MCAP";
    to->n_messages = info->n_messages;
    to->start_ns = info->start_ns;
    to->end_ns = info->end_ns;
    to->n_bytes = info->n_bytes;
    to->has_clock = true;
    to->remarks = s->remarks;
    look_remarks(s);
    enum et_status st = take_channels(s, err);
    if (st == ET_OK)
        st = take_metadata(s, path, err);
    if (st == ET_OK && s->base.robot)
        take_profile(s);
    return st;
}

static enum et_status open_it(struct et__source **source, const char *path,
                              const struct et_recording_options *options, struct et_arena *arena,
                              struct et_err *err)
{
    const struct et_mcap_open_options how = {.memory_bytes = options->memory_bytes};
    struct mcap_source *s = calloc(1, sizeof *s);
    *source = NULL;
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a recording");
    s->base.ops = &et__source_mcap;
    s->base.arena = arena;
    enum et_status st = et_mcap_open(&s->reader, path, &how, err);
    if (st == ET_OK)
        st = describe(s, path, err);
    if (st != ET_OK)
        close_it(&s->base);
    else
        *source = &s->base;
    return st;
}

static enum et_status query(struct et__source *source, const struct et__range *range,
                            struct et_err *err)
{
    struct mcap_source *s = (struct mcap_source *)source;
    const struct et_mcap_info *info = et_mcap_info(s->reader);
    struct et_mcap_query how = {.channels = s->wanted,
                                .from_ns = range->from_ns,
                                .to_ns = range->to_ns,
                                .in_file_order = range->in_file_order};
    for (size_t i = 0; i < source->info.n_channels; i++)
        if (range->is_wanted[i])
            s->wanted[how.n_channels++] = info->channels[i].id;
    return et_mcap_query(s->reader, &how, err);
}

static enum et_status next(struct et__source *source, struct et__raw *raw, struct et_err *err)
{
    struct mcap_source *s = (struct mcap_source *)source;
    struct et_mcap_message m;
    const enum et_status st = et_mcap_next(s->reader, &m, err);
    if (st != ET_OK) {
        look_remarks(s);
        look_counts(s);
        return st;
    }
    *raw = (struct et__raw){.i_channel = (size_t)s->of_id[m.channel_id],
                            .t_arrival_ns = m.log_time_ns,
                            .t_publish_ns = m.publish_time_ns,
                            .sequence = m.sequence,
                            .bytes = m.data};
    return ET_OK;
}

const struct et__source_ops et__source_mcap = {
    .knows = knows, .open = open_it, .close = close_it, .query = query, .next = next};
