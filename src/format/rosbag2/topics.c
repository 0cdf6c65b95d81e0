/* Topics of all files as one list, and remarks. */
#include "format/rosbag2/rosbag2__reader.h"

#include <stdio.h>

#define N_SLOTS ((size_t)1 << 17) // twice the topics

const char *et_rosbag2_fault_name(enum et_rosbag2_fault fault)
{
    static const char *const NAMES[] = {"metadata", "file",        "cut",   "damage", "log",
                                        "row",      "compression", "index", "twice",  "orphan"};
    return (unsigned)fault < ET_ROSBAG2_N_FAULTS ? NAMES[fault] : "unknown";
}

void et__r2_list_remarks(struct et_rosbag2_reader *r)
{
    r->info.n_remarks = 0;
    for (int i = 0; i < ET_ROSBAG2_N_FAULTS; i++)
        if (r->remarks[i].n)
            r->listed[r->info.n_remarks++] = r->remarks[i];
    r->info.remarks = r->listed;
}

void et__r2_remark(struct et_rosbag2_reader *r, enum et_rosbag2_fault fault, size_t i_file,
                   int64_t at, int64_t n_bytes, const char *fmt, ...)
{
    struct et_rosbag2_remark *m = &r->remarks[fault];
    if (m->n == 0) {
        va_list args;
        va_start(args, fmt);
        m->fault = fault;
        m->i_file = i_file;
        m->at = at;
        (void)vsnprintf(m->text, sizeof m->text, fmt, args);
        va_end(args);
    }
    m->n++;
    m->n_bytes += n_bytes;
    et__r2_list_remarks(r);
}

void et__r2_remark_row(struct et_rosbag2_reader *r, enum et_rosbag2_fault fault, size_t i_file,
                       int64_t at, int64_t n_bytes, const char *text)
{
    struct et__r2_file *file = &r->files[i_file];
    if (++file->n_seen[fault] <= file->n_told[fault])
        return;
    file->n_told[fault] = file->n_seen[fault];
    et__r2_remark(r, fault, i_file, at, n_bytes, "%s", text);
}

void *et__r2_grow(struct et_arena *arena, void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    const size_t more = *cap ? *cap * 2 : 16;
    void *grown = et_arena_array(arena, more, size);
    if (!grown)
        return NULL;
    if (n)
        memcpy(grown, items, n * size);
    *cap = more;
    return grown;
}

/* ---- topics ---- */

static uint64_t hash_text(uint64_t hash, struct et_str text)
{
    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
    return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static bool is_same(const struct et_rosbag2_topic *a, const struct et_rosbag2_topic *b)
{
    return et_str_eq(a->name, b->name) && et_str_eq(a->type, b->type) &&
           et_str_eq(a->serialization, b->serialization);
}

// The slot of the topic, or the free one where it belongs.
static size_t slot_of(const struct et_rosbag2_reader *r, const struct et_rosbag2_topic *topic)
{
    uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), topic->name);
    hash = hash_text(hash_text(hash, topic->type), topic->serialization);
    size_t s = (size_t)(hash >> 20) % N_SLOTS;
    while (r->slots[s] && !is_same(&r->topics[r->slots[s] - 1], topic))
        s = (s + 1) % N_SLOTS;
    return s;
}

size_t et__r2_topic_find(const struct et_rosbag2_reader *r, const struct et_rosbag2_topic *topic)
{
    const size_t s = slot_of(r, topic);
    return r->slots[s] ? r->slots[s] - 1 : SIZE_MAX;
}

static bool copy_text(struct et_rosbag2_reader *r, struct et_str *to, struct et_str from)
{
    const char *p = et_arena_copy(r->arena, from.n ? from.p : "", from.n);
    if (p)
        *to = (struct et_str){p, from.n};
    return p;
}

static enum et_status add_new(struct et_rosbag2_reader *r, const struct et_rosbag2_topic *topic,
                              struct et_err *err)
{
    if (r->info.n_topics == ET_ROSBAG2_TOPICS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %d topics", ET_ROSBAG2_TOPICS_MAX);
    struct et_rosbag2_topic *grown =
        et__r2_grow(r->arena, r->topics, r->info.n_topics, &r->cap_topics, sizeof *r->topics);
    if (!grown)
        return et_arena_fail(r->arena, "the topics", err);
    r->topics = grown;
    struct et_rosbag2_topic *t = &r->topics[r->info.n_topics];
    *t = (struct et_rosbag2_topic){.n_messages = 0};
    if (!copy_text(r, &t->name, topic->name) || !copy_text(r, &t->type, topic->type) ||
        !copy_text(r, &t->serialization, topic->serialization) ||
        !copy_text(r, &t->definition, topic->definition) ||
        !copy_text(r, &t->definition_encoding, topic->definition_encoding) ||
        !copy_text(r, &t->type_hash, topic->type_hash) || !copy_text(r, &t->qos, topic->qos))
        return et_arena_fail(r->arena, "the topics", err);
    r->info.n_topics++;
    r->info.topics = r->topics;
    return ET_OK;
}

// A later file may have what an earlier one lacks.
static enum et_status complete(struct et_rosbag2_reader *r, size_t i_file, size_t i_topic,
                               const struct et_rosbag2_topic *more, struct et_err *err)
{
    struct et_rosbag2_topic *t = &r->topics[i_topic];
    bool is_whole = true;
    if (t->definition.n && more->definition.n && !et_str_eq(t->definition, more->definition))
        et__r2_remark(r, ET_ROSBAG2_TWICE, i_file, -1, 0,
                      "topic %.*s has another definition than before",
                      (int)(t->name.n < 80 ? t->name.n : 80), t->name.p);
    if (!t->definition.n && more->definition.n)
        is_whole = copy_text(r, &t->definition, more->definition) &&
                   copy_text(r, &t->definition_encoding, more->definition_encoding);
    if (!t->type_hash.n && more->type_hash.n)
        is_whole = is_whole && copy_text(r, &t->type_hash, more->type_hash);
    if (!t->qos.n && more->qos.n)
        is_whole = is_whole && copy_text(r, &t->qos, more->qos);
    return is_whole ? ET_OK : et_arena_fail(r->arena, "the topics", err);
}

static enum et_status add_id(struct et_rosbag2_reader *r, size_t i_file, int64_t id, size_t i_topic,
                             struct et_err *err)
{
    struct et__r2_file *file = &r->files[i_file];
    struct et__r2_id *grown =
        et__r2_grow(r->arena, file->ids, file->n_ids, &file->cap_ids, sizeof *file->ids);
    if (!grown)
        return et_arena_fail(r->arena, "the topics", err);
    file->ids = grown;
    if (file->n_ids && file->ids[file->n_ids - 1].id >= id) {
        et__r2_remark(r, ET_ROSBAG2_TWICE, i_file, -1, 0, "topic id %lld is there twice",
                      (long long)id);
        return ET_OK;
    }
    file->ids[file->n_ids++] = (struct et__r2_id){id, i_topic};
    return ET_OK;
}

enum et_status et__r2_topic_add(struct et_rosbag2_reader *r, size_t i_file, int64_t id,
                                const struct et_rosbag2_topic *topic, struct et_err *err)
{
    const size_t s = slot_of(r, topic);
    const bool is_new = r->slots[s] == 0;
    const enum et_status st =
        is_new ? add_new(r, topic, err) : complete(r, i_file, r->slots[s] - 1, topic, err);
    if (st != ET_OK)
        return st;
    if (is_new)
        r->slots[s] = (uint32_t)r->info.n_topics;
    return add_id(r, i_file, id, r->slots[s] - 1, err);
}

size_t et__r2_topic_of(const struct et__r2_file *file, int64_t id)
{
    size_t low = 0, high = file->n_ids;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (file->ids[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < file->n_ids && file->ids[low].id == id ? file->ids[low].i_topic : SIZE_MAX;
}

void et__r2_count_add(struct et_rosbag2_reader *r, size_t i_topic, int64_t n)
{
    struct et_rosbag2_topic *t = &r->topics[i_topic];
    t->n_messages = n < 0 || t->n_messages < 0 ? -1 : t->n_messages + n;
}
