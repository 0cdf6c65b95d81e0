/* rosbag2 as a source: SQLite and MCAP, split or not. */
#include "recording/recording__source.h"

#include "etude/rosbag2.h"

#include <stdlib.h>

struct bag2_source {
    struct et__source base;
    struct et_rosbag2_reader *reader;
    size_t *wanted;
    struct et_recording_remark *remarks;
};

static bool knows(const struct et__looked *looked)
{
    return et_rosbag2_is_recording(looked->path);
}

static void close_it(struct et__source *source)
{
    struct bag2_source *s = (struct bag2_source *)source;
    if (!s)
        return;
    et_rosbag2_close(s->reader);
    free(s->wanted);
    free(s);
}

static bool is_loss(enum et_rosbag2_fault fault)
{
    return fault != ET_ROSBAG2_METADATA && fault != ET_ROSBAG2_LOG && fault != ET_ROSBAG2_INDEX &&
           fault != ET_ROSBAG2_TWICE;
}

static const char *place_of(struct bag2_source *s, const struct et_rosbag2_remark *remark)
{
    const struct et_rosbag2_info *info = et_rosbag2_info(s->reader);
    const char *file = remark->i_file < info->n_files
                           ? et_path_base(info->files[remark->i_file].path)
                           : "metadata.yaml";
    const char *place =
        remark->at < 0 ? et_arena_printf(s->base.arena, "%s", file)
                       : et_arena_printf(s->base.arena, "%s: %lld", file, (long long)remark->at);
    return place ? place : "";
}

static void look_remarks(struct bag2_source *s)
{
    const struct et_rosbag2_info *info = et_rosbag2_info(s->reader);
    for (size_t i = 0; i < info->n_remarks; i++) {
        const struct et_rosbag2_remark *m = &info->remarks[i];
        const bool is_new = i >= s->base.info.n_remarks;
        s->remarks[i] =
            (struct et_recording_remark){.is_loss = is_loss(m->fault),
                                         .where = is_new ? place_of(s, m) : s->remarks[i].where,
                                         .text = m->text,
                                         .n = m->n};
    }
    s->base.info.n_remarks = info->n_remarks;
}

static enum et_status take_channels(struct bag2_source *s, struct et_err *err)
{
    const struct et_rosbag2_info *info = et_rosbag2_info(s->reader);
    struct et_arena *arena = s->base.arena;
    struct et_channel *channels = et_arena_array(arena, info->n_topics, sizeof *channels);
    if (!channels)
        return et_arena_fail(arena, "the list of topics", err);
    for (size_t i = 0; i < info->n_topics; i++) {
        const struct et_rosbag2_topic *from = &info->topics[i];
        channels[i] = (struct et_channel){.topic = et_arena_copy(arena, from->name.p, from->name.n),
                                          .n_messages = from->n_messages,
                                          .schema = {.name = from->type,
                                                     .encoding = from->definition_encoding,
                                                     .data = from->definition,
                                                     .message_encoding = from->serialization}};
        if (from->qos.n)
            channels[i].qos = et_arena_copy(arena, from->qos.p, from->qos.n);
        if (!channels[i].topic || (from->qos.n && !channels[i].qos))
            return et_arena_fail(arena, "the list of topics", err);
    }
    s->base.info.channels = channels;
    s->base.info.n_channels = info->n_topics;
    return ET_OK;
}

static enum et_status take_metadata(struct bag2_source *s, struct et_err *err)
{
    const struct et_rosbag2_info *info = et_rosbag2_info(s->reader);
    struct et_arena *arena = s->base.arena;
    struct et_pair *pairs = et_arena_array(arena, info->n_custom + 1, sizeof *pairs);
    size_t n = 0;
    if (!pairs)
        return et_arena_fail(arena, "the metadata", err);
    for (size_t i = 0; i < info->n_custom; i++, n++) {
        pairs[n].key = et_arena_copy(arena, info->custom[i].key.p, info->custom[i].key.n);
        pairs[n].value = et_arena_copy(arena, info->custom[i].value.p, info->custom[i].value.n);
    }
    if (info->ros_distro.n > 0) {
        pairs[n].key = "ros_distro";
        pairs[n++].value = et_arena_copy(arena, info->ros_distro.p, info->ros_distro.n);
    }
    for (size_t i = 0; i < n; i++)
        if (!pairs[i].key || !pairs[i].value)
            return et_arena_fail(arena, "the metadata", err);
    s->base.info.metadata = pairs;
    s->base.info.n_metadata = n;
    return ET_OK;
}

static enum et_status describe(struct bag2_source *s, struct et_err *err)
{
    const struct et_rosbag2_info *info = et_rosbag2_info(s->reader);
    struct et_recording_info *to = &s->base.info;
    const bool is_mcap = info->storage && strcmp(info->storage, "mcap") == 0;
    s->remarks = et_arena_array(s->base.arena, ET_ROSBAG2_N_FAULTS, sizeof *s->remarks);
    s->wanted = malloc((info->n_topics + 1) * sizeof *s->wanted);
    if (!s->remarks || !s->wanted)
        return et_fail(err, ET_ENOMEM, -1, "no memory for the topics of a recording");
    to->format = is_mcap ? "rosbag2 (MCAP)" : "rosbag2 (SQLite)";
    to->n_messages = info->n_messages;
    to->start_ns = info->start_ns;
    to->end_ns = info->end_ns;
    to->n_bytes = info->n_bytes;
    to->has_clock = true;
    to->remarks = s->remarks;
    look_remarks(s);
    const enum et_status st = take_channels(s, err);
    return st == ET_OK ? take_metadata(s, err) : st;
}

static enum et_status open_it(struct et__source **source, const char *path,
                              const struct et_recording_options *options, struct et_arena *arena,
                              struct et_err *err)
{
    const struct et_rosbag2_open_options how = {.memory_bytes = options->memory_bytes,
                                                .temp_folder = options->temp_folder};
    struct bag2_source *s = calloc(1, sizeof *s);
    *source = NULL;
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a recording");
    s->base.ops = &et__source_rosbag2;
    s->base.arena = arena;
    enum et_status st = et_rosbag2_open(&s->reader, path, &how, err);
    if (st == ET_OK)
        st = describe(s, err);
    if (st != ET_OK)
        close_it(&s->base);
    else
        *source = &s->base;
    return st;
}

static enum et_status query(struct et__source *source, const struct et__range *range,
                            struct et_err *err)
{
    struct bag2_source *s = (struct bag2_source *)source;
    struct et_rosbag2_query how = {.topics = s->wanted,
                                   .from_ns = range->from_ns,
                                   .to_ns = range->to_ns,
                                   .in_file_order = range->in_file_order};
    for (size_t i = 0; i < source->info.n_channels; i++)
        if (range->is_wanted[i])
            s->wanted[how.n_topics++] = i;
    return et_rosbag2_query(s->reader, &how, err);
}

static enum et_status next(struct et__source *source, struct et__raw *raw, struct et_err *err)
{
    struct bag2_source *s = (struct bag2_source *)source;
    struct et_rosbag2_message m;
    const enum et_status st = et_rosbag2_next(s->reader, &m, err);
    if (st == ET_OK)
        *raw = (struct et__raw){.i_channel = m.i_topic,
                                .t_arrival_ns = m.time_ns,
                                .t_publish_ns = m.publish_time_ns < 0 ? 0 : m.publish_time_ns,
                                .bytes = m.data};
    else
        look_remarks(s);
    return st;
}

const struct et__source_ops et__source_rosbag2 = {
    .knows = knows, .open = open_it, .close = close_it, .query = query, .next = next};
