/* ROS 1 bags as a source. Several publishers of a topic are several channels. */
#include "recording/recording__source.h"

#include "etude/rosbag1.h"

#include <stdlib.h>

struct bag_source {
    struct et__source base;
    struct et_rosbag1_reader *reader;
    size_t *wanted;
    struct et_channel *channels; // room for every connection there may be
    size_t cap;
    struct et_recording_remark *remarks;
};

static bool knows(const struct et__looked *looked)
{
    return !looked->is_folder && et_str_starts(looked->head, "#ROSBAG V");
}

static void close_it(struct et__source *source)
{
    struct bag_source *s = (struct bag_source *)source;
    if (!s)
        return;
    et_rosbag1_close(s->reader);
    free(s->wanted);
    free(s);
}

static enum et_status take_channels(struct bag_source *s, struct et_err *err)
{
    const struct et_rosbag1_info *info = et_rosbag1_info(s->reader);
    struct et_arena *arena = s->base.arena;
    if (info->n_connections > s->cap) {
        struct et_channel *more = et_arena_array(arena, info->n_connections * 2, sizeof *more);
        if (!more)
            return et_arena_fail(arena, "the list of topics", err);
        if (s->base.info.n_channels > 0)
            memcpy(more, s->channels, s->base.info.n_channels * sizeof *more);
        s->channels = more;
        s->cap = info->n_connections * 2;
        s->base.info.channels = more;
    }
    for (size_t i = s->base.info.n_channels; i < info->n_connections; i++) {
        const struct et_rosbag1_connection *from = &info->connections[i];
        struct et_channel *to = &s->channels[i];
        *to = (struct et_channel){.n_messages = from->n_messages,
                                  .topic = et_arena_copy(arena, from->topic.p, from->topic.n),
                                  .schema = {.name = from->type,
                                             .encoding = et_str("ros1msg"),
                                             .data = from->definition,
                                             .message_encoding = et_str("ros1")}};
        to->qos = from->is_latching ? "- durability: 1\n" : NULL;
        if (!to->topic)
            return et_arena_fail(arena, "the list of topics", err);
        s->base.info.n_channels = i + 1;
    }
    return ET_OK;
}

// A bag that nobody closed lacks its index and maybe nothing else.
static bool is_loss(const struct et_rosbag1_remark *m)
{
    return m->fault != ET_ROSBAG1_INDEX && (m->fault != ET_ROSBAG1_CUT || m->n_bytes > 0);
}

static void look_remarks(struct bag_source *s)
{
    const struct et_rosbag1_info *info = et_rosbag1_info(s->reader);
    for (size_t i = 0; i < info->n_remarks; i++) {
        const struct et_rosbag1_remark *m = &info->remarks[i];
        const bool is_new = i >= s->base.info.n_remarks;
        const char *where = is_new ? et_arena_printf(s->base.arena, "offset %lld", (long long)m->at)
                                   : s->remarks[i].where;
        s->remarks[i] = (struct et_recording_remark){
            .is_loss = is_loss(m), .where = where ? where : "", .text = m->text, .n = m->n};
    }
    s->base.info.n_remarks = info->n_remarks;
}

static enum et_status describe(struct bag_source *s, struct et_err *err)
{
    const struct et_rosbag1_info *info = et_rosbag1_info(s->reader);
    struct et_recording_info *to = &s->base.info;
    s->remarks = et_arena_array(s->base.arena, ET_ROSBAG1_N_FAULTS, sizeof *s->remarks);
    if (!s->remarks)
        return et_arena_fail(s->base.arena, "a recording", err);
    to->format = "ROS 1 bag 2.0";
    to->n_messages = info->n_messages;
    to->start_ns = info->start_ns;
    to->end_ns = info->end_ns;
    to->n_bytes = info->n_bytes;
    to->has_clock = true;
    to->remarks = s->remarks;
    look_remarks(s);
    return take_channels(s, err);
}

static enum et_status open_it(struct et__source **source, const char *path,
                              const struct et_recording_options *options, struct et_arena *arena,
                              struct et_err *err)
{
    const struct et_rosbag1_open_options how = {.memory_bytes = options->memory_bytes};
    struct bag_source *s = calloc(1, sizeof *s);
    *source = NULL;
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a recording");
    s->base.ops = &et__source_rosbag1;
    s->base.arena = arena;
    enum et_status st = et_rosbag1_open(&s->reader, path, &how, err);
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
    struct bag_source *s = (struct bag_source *)source;
    const size_t n = source->info.n_channels;
    free(s->wanted);
    s->wanted = malloc((n ? n : 1) * sizeof *s->wanted);
    if (!s->wanted)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a query");
    struct et_rosbag1_query how = {.connections = s->wanted,
                                   .from_ns = range->from_ns,
                                   .to_ns = range->to_ns,
                                   .in_file_order = range->in_file_order};
    for (size_t i = 0; i < n; i++)
        if (range->is_wanted[i])
            s->wanted[how.n_connections++] = i;
    return et_rosbag1_query(s->reader, &how, err);
}

static enum et_status next(struct et__source *source, struct et__raw *raw, struct et_err *err)
{
    struct bag_source *s = (struct bag_source *)source;
    struct et_rosbag1_message m;
    enum et_status st = et_rosbag1_next(s->reader, &m, err);
    if (st == ET_OK)
        *raw = (struct et__raw){
            .i_channel = m.i_connection, .t_arrival_ns = m.time_ns, .bytes = m.data};
    else
        look_remarks(s);
    // A bag that was never closed shows its connections as it is read.
    const size_t n = et_rosbag1_info(s->reader)->n_connections;
    if (st == ET_OK && n > source->info.n_channels)
        st = take_channels(s, err);
    return st;
}

const struct et__source_ops et__source_rosbag1 = {
    .knows = knows, .open = open_it, .close = close_it, .query = query, .next = next};
