/* A file of a recording in MCAP, by our reader of MCAP. */
#include "format/rosbag2/rosbag2__reader.h"

#include <stdio.h>
#include <stdlib.h>

enum et_status et__r2_mcap_open(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                const char *path, struct et_err *err)
{
    const struct et_mcap_open_options options = {.memory_bytes = r->memory_bytes};
    return et_mcap_open(&s->mcap, path, &options, err);
}

static struct et_str pair_of(const struct et_mcap_pair *pairs, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (et_str_is(pairs[i].key, key))
            return pairs[i].value;
    return (struct et_str){NULL, 0};
}

// The reader's own remarks, as far as they are new.
static void pass_remarks(struct et_rosbag2_reader *r, struct et__r2_source *s)
{
    static const enum et_rosbag2_fault AS[ET_MCAP_N_FAULTS] = {
        [ET_MCAP_CUT] = ET_ROSBAG2_CUT,       [ET_MCAP_CRC] = ET_ROSBAG2_DAMAGE,
        [ET_MCAP_DAMAGE] = ET_ROSBAG2_DAMAGE, [ET_MCAP_CHUNK] = ET_ROSBAG2_DAMAGE,
        [ET_MCAP_INDEX] = ET_ROSBAG2_INDEX,   [ET_MCAP_TWICE] = ET_ROSBAG2_TWICE,
        [ET_MCAP_ORPHAN] = ET_ROSBAG2_ORPHAN};
    const struct et_mcap_info *info = et_mcap_info(s->mcap);
    struct et__r2_file *file = &r->files[s->i_file];
    for (size_t i = 0; i < info->n_remarks; i++) {
        const struct et_mcap_remark *m = &info->remarks[i];
        int64_t *told = &file->mcap_told[m->fault];
        if (m->n <= *told)
            continue;
        et__r2_remark(r, AS[m->fault], s->i_file, m->at, m->n_bytes, "%s", m->text);
        r->remarks[AS[m->fault]].n += m->n - *told - 1;
        *told = m->n;
        et__r2_list_remarks(r);
    }
}

static enum et_status take_channel(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                   const struct et_mcap_channel *c, struct et_err *err)
{
    const struct et_mcap_schema *schema = et_mcap_schema(s->mcap, c->schema_id);
    struct et_rosbag2_topic t = {.name = c->topic,
                                 .serialization = c->encoding,
                                 .qos = pair_of(c->metadata, c->n_metadata, "offered_qos_profiles"),
                                 .type_hash =
                                     pair_of(c->metadata, c->n_metadata, "topic_type_hash")};
    if (schema) {
        t.type = schema->name;
        t.definition = schema->data;
        t.definition_encoding = schema->encoding;
    }
    return et__r2_topic_add(r, s->i_file, c->id, &t, err);
}

// The recorder keeps a copy of metadata.yaml in the file.
static enum et_status read_metadata(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                    struct et_arena *arena, struct et_err *err)
{
    const int64_t n = et_mcap_info(s->mcap)->n_metadata;
    for (int64_t i = 0; i < n && i < 64; i++) {
        struct et_mcap_metadata metadata;
        struct et_err why = {0};
        const enum et_status st = et_mcap_metadata(s->mcap, (size_t)i, arena, &metadata, &why);
        if (st == ET_ENOMEM || st == ET_EIO) {
            if (err)
                *err = why;
            return st;
        }
        if (st != ET_OK || !et_str_is(metadata.name, "rosbag2"))
            continue;
        const struct et_str yaml = pair_of(metadata.pairs, metadata.n_pairs, "serialized_metadata");
        if (yaml.n)
            et__r2_inner_metadata(r, yaml);
        const struct et_str distro = pair_of(metadata.pairs, metadata.n_pairs, "ROS_DISTRO");
        if (distro.n && !r->info.ros_distro.n) {
            const char *p = et_arena_copy(r->arena, distro.p, distro.n);
            r->info.ros_distro = (struct et_str){p, p ? distro.n : 0};
        }
    }
    return ET_OK;
}

enum et_status et__r2_mcap_look(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                struct et_err *err)
{
    const struct et_mcap_info *info = et_mcap_info(s->mcap);
    struct et_rosbag2_file *told = &r->told[s->i_file];
    struct et__r2_file *file = &r->files[s->i_file];
    struct et_arena *scratch = NULL;
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < info->n_channels; i++)
        st = take_channel(r, s, &info->channels[i], err);
    if (st == ET_OK)
        st = et_arena_open(&scratch, (size_t)64 << 20, err);
    if (st == ET_OK)
        st = read_metadata(r, s, scratch, err);
    et_arena_close(scratch);
    if (st != ET_OK)
        return st;
    for (size_t i = 0; i < info->n_channels; i++) {
        const size_t i_topic = et__r2_topic_of(file, info->channels[i].id);
        if (i_topic != SIZE_MAX)
            et__r2_count_add(r, i_topic, info->n_messages_of ? info->n_messages_of[i] : -1);
    }
    told->n_messages = info->n_messages;
    told->start_ns = info->start_ns;
    told->end_ns = info->end_ns;
    pass_remarks(r, s);
    return ET_OK;
}

enum et_status et__r2_mcap_begin(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                 struct et_err *err)
{
    const struct et__r2_file *file = &r->files[s->i_file];
    struct et_mcap_query query = {
        .from_ns = r->from_ns, .to_ns = r->to_ns, .in_file_order = r->in_file_order};
    uint16_t *channels = malloc((file->n_ids + 1) * sizeof *channels);
    if (!channels)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a query");
    for (size_t i = 0; i < file->n_ids; i++)
        if (!r->asked || r->asked[file->ids[i].i_topic])
            channels[query.n_channels++] = (uint16_t)file->ids[i].id;
    query.channels = channels;
    s->has_head = false;
    s->is_running = query.n_channels > 0;
    const enum et_status st = s->is_running ? et_mcap_query(s->mcap, &query, err) : ET_OK;
    free(channels);
    return st;
}

enum et_status et__r2_mcap_next(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                struct et_err *err)
{
    struct et_mcap_message m;
    enum et_status st = s->is_running ? ET_OK : ET_END;
    size_t i_topic = SIZE_MAX;
    s->has_head = false;
    while (st == ET_OK && i_topic == SIZE_MAX) {
        st = et_mcap_next(s->mcap, &m, err);
        if (st == ET_OK)
            i_topic = et__r2_topic_of(&r->files[s->i_file], m.channel_id);
    }
    pass_remarks(r, s);
    if (st != ET_OK) {
        s->is_running = false;
        return st;
    }
    s->head = (struct et_rosbag2_message){.i_topic = i_topic,
                                          .i_file = s->i_file,
                                          .time_ns = m.log_time_ns,
                                          .publish_time_ns = m.publish_time_ns,
                                          .data = m.data,
                                          .at = m.at};
    s->has_head = true;
    return ET_OK;
}
