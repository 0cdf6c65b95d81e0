/* A topic of a type: who writes it, which streams it makes, and its reader.
 *
 * Samples come on Cyclone's threads. They find their way by the handle of their writer; a way that
 * is not known yet is made there, so that nothing is lost before the source is polled. */
#include "etude/json.h"
#include "record/record__dds.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOPICS_MAX ET_FEED_STREAMS_MAX
#define WRITERS_MAX 256 // of a topic
#define QOS_BYTES_MAX ((size_t)16 << 10)

/* ---- events ---- */

static void put_event(struct et__dds *s, const char *kind, const char *text, const char *value)
{
    if (s->only_look)
        return;
    (void)pthread_mutex_lock(&s->lock);
    (void)et_feed_event(s->feed, kind, s->device ? s->device : "dds", text, value);
    (void)pthread_mutex_unlock(&s->lock);
}

void et__dds_event(struct et__dds *s, const char *kind, const char *value, const char *fmt, ...)
{
    struct et_buf text = et_buf(4096);
    va_list args;
    va_start(args, fmt);
    et_buf_vprintf(&text, fmt, args);
    va_end(args);
    put_event(s, kind, et_buf_text(&text), value);
    et_buf_free(&text);
}

void et__dds_tell(struct et__dds_topic *t, const char *kind, const char *fmt, ...)
{
    struct et_buf text = et_buf(4096), value = et_buf(4096);
    struct et_json_writer w = {.buf = &value};
    va_list args;
    va_start(args, fmt);
    et_buf_vprintf(&text, fmt, args);
    va_end(args);
    et_json_open_map(&w);
    et_json_put_text(&w, "topic", t->name);
    et_json_put_text(&w, "type", t->type);
    et_json_close_map(&w);
    put_event(t->source, kind, et_buf_text(&text), et_buf_text(&value));
    et_buf_free(&text);
    et_buf_free(&value);
}

static void refuse(struct et__dds_topic *t, const struct et_err *err)
{
    if (t->has_told_refusal)
        return;
    t->has_told_refusal = true;
    et__dds_tell(t, "source.warning", "%s is not recorded as a whole: %s", t->name, err->text);
}

/* ---- topics and their writers ---- */

struct et__dds_topic *et__dds_topic_of(struct et__dds *s, const char *dds_name,
                                       const char *dds_type, bool is_keyed)
{
    struct et__dds_topic **at = &s->first;
    for (; *at; at = &(*at)->next)
        if (strcmp((*at)->dds_name, dds_name) == 0 && strcmp((*at)->dds_type, dds_type) == 0 &&
            (*at)->is_keyed == is_keyed)
            return *at;
    if (s->n == TOPICS_MAX || strlen(dds_name) > ET_NAME_BYTES_MAX ||
        strlen(dds_type) > ET_NAME_BYTES_MAX)
        return NULL;
    struct et__dds_topic *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->source = s;
    t->is_keyed = is_keyed;
    (void)snprintf(t->dds_name, sizeof t->dds_name, "%s", dds_name);
    (void)snprintf(t->dds_type, sizeof t->dds_type, "%s", dds_type);
    et__dds_topic_name(dds_name, t->name);
    et__dds_type_name(dds_type, t->type);
    *at = t;
    s->n++;
    return t;
}

static struct et__dds_writer *writer_of(const struct et__dds_topic *t, uint64_t handle)
{
    struct et__dds_writer *w = t->writers;
    while (w && w->handle != handle)
        w = w->next;
    return w;
}

static bool is_same_id(const struct et__dds_type_id *a, const struct et__dds_type_id *b)
{
    return a->is_there == b->is_there && memcmp(a->hash, b->hash, sizeof a->hash) == 0;
}

static void know(struct et__dds_writer *w, dds_builtintopic_endpoint_t *writer)
{
    dds_reliability_kind_t reliability = DDS_RELIABILITY_BEST_EFFORT;
    dds_durability_kind_t durability = DDS_DURABILITY_VOLATILE;
    (void)dds_qget_reliability(writer->qos, &reliability, NULL);
    (void)dds_qget_durability(writer->qos, &durability);
    w->is_reliable = reliability == DDS_RELIABILITY_RELIABLE;
    w->is_latched = durability != DDS_DURABILITY_VOLATILE;
    w->key = writer->key;
    w->participant = writer->participant_key;
    w->type_id = et__dds_type_id(writer);
    et__dds_qos_text(writer->qos, w->qos);
}

// While nobody writes there is no reader, so that nobody looks at it meanwhile.
static void forget_schema(struct et__dds_topic *t)
{
    free(t->schema);
    t->schema = NULL;
    t->n_schema = 0;
    t->has_schema = false;
    t->type_id = (struct et__dds_type_id){.is_there = false};
}

bool et__dds_topic_add(struct et__dds_topic *t, dds_builtintopic_endpoint_t *writer,
                       uint64_t handle)
{
    struct et__dds_writer *w = writer_of(t, handle);
    const bool is_first = t->n_writers == 0;
    if (!w) {
        w = t->n_writers < WRITERS_MAX ? calloc(1, sizeof *w) : NULL;
        if (!w)
            return false;
        w->handle = handle;
        w->next = t->writers;
        t->writers = w;
        t->n_writers++;
    }
    know(w, writer);
    if (is_first && w->type_id.is_there && !is_same_id(&w->type_id, &t->type_id))
        forget_schema(t);
    if (!t->has_schema && !t->type_id.is_there)
        t->type_id = w->type_id;
    if (w->type_id.is_there && t->type_id.is_there && !is_same_id(&w->type_id, &t->type_id) &&
        !t->has_told_type) {
        t->has_told_type = true;
        et__dds_tell(t, "source.warning",
                     "a writer of %s says that %s is made of something else than others do; all is "
                     "recorded by the first definition",
                     t->name, t->type);
    }
    return true;
}

static void close_reader(struct et__dds_topic *t)
{
    if (t->reader > 0)
        (void)dds_delete(t->reader); // and no sample is on its way here any more
    t->reader = 0;
}

bool et__dds_topic_remove(struct et__dds_topic *t, uint64_t handle)
{
    struct et__dds_writer **at = &t->writers;
    while (*at && (*at)->handle != handle)
        at = &(*at)->next;
    if (!*at)
        return false;
    struct et__dds_writer *gone = *at;
    *at = gone->next;
    free(gone);
    if (--t->n_writers > 0)
        return true;
    t->t_give_up_ns = 0;
    close_reader(t);
    return true;
}

/* ---- streams ---- */

// Profiles of the writers that are there when the topic is first seen; it keeps them.
static bool have_qos(struct et__dds_topic *t)
{
    if (t->qos)
        return true;
    struct et_buf text = et_buf(QOS_BYTES_MAX);
    for (const struct et__dds_writer *w = t->writers; w; w = w->next)
        if (text.n + sizeof w->qos < QOS_BYTES_MAX)
            et_buf_puts(&text, w->qos);
    t->qos = strdup(et_buf_text(&text));
    et_buf_free(&text);
    return t->qos;
}

// FNV-1a: the same writer is the same on every machine.
static uint32_t hash_of(const dds_guid_t *key)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof key->v; i++)
        hash = (hash ^ key->v[i]) * 16777619u;
    return hash;
}

// What tells streams of one topic apart, behind its name: "" where there is one.
static void name_place(const struct et__dds_topic *t, const dds_guid_t *writer,
                       const dds_guid_t *participant, struct et_buf *name)
{
    char place[ET__DDS_PLACE_BYTES];
    if (t->source->split == ET__DDS_NONE || !writer)
        return;
    et__dds_place(&t->raw, participant, place);
    et_buf_printf(name, "@%s", place);
    if (t->source->split == ET__DDS_WRITER)
        et_buf_printf(name, "-%08x", hash_of(writer));
}

static struct et_feed_stream stream_as(const struct et__dds_topic *t, const char *name)
{
    return (struct et_feed_stream){.topic = name,
                                   .type = t->type,
                                   .schema = {t->schema, t->n_schema},
                                   .schema_encoding = t->n_schema > 0 ? "ros2msg" : "",
                                   .message_encoding = "cdr",
                                   .device = t->source->device,
                                   .qos = t->qos};
}

/* A camera for a stream of pictures; false: they are stored as they come. Under the lock. */
static bool have_camera(struct et__dds_topic *t, const struct et_feed_stream *raw,
                        const char *place, size_t *camera, struct et_err *err)
{
    const struct et__dds *s = t->source;
    const struct et__pictures_camera about = {.raw = *raw, .topic = t->name, .place = place};
    return !s->keeps_pictures && !s->only_look && et__picture_is_raw(raw) &&
           et__pictures_add(s->pictures, &about, camera, err) == ET_OK;
}

static struct et__dds_way *way_of(struct et__dds_topic *t, uint64_t writer)
{
    if (t->i_way < t->n_ways && t->ways[t->i_way].writer == writer)
        return &t->ways[t->i_way];
    for (size_t i = 0; i < t->n_ways; i++)
        if (t->ways[i].writer == writer) {
            t->i_way = i;
            return &t->ways[i];
        }
    return NULL;
}

// A place for a way; where there are too many, one after the other is given up and found again.
static struct et__dds_way *new_way(struct et__dds_topic *t, uint64_t writer)
{
    struct et__dds_way *way = way_of(t, writer);
    if (way)
        return way;
    t->i_way = t->n_ways < ET__DDS_WAYS ? t->n_ways++ : (t->i_way + 1) % ET__DDS_WAYS;
    t->ways[t->i_way] = (struct et__dds_way){.writer = writer};
    return &t->ways[t->i_way];
}

/* Makes the way of a writer whose keys are known, or of all (NULL). */
static enum et_status make_way(struct et__dds_topic *t, uint64_t handle, const dds_guid_t *writer,
                               const dds_guid_t *participant, struct et_err *err)
{
    struct et_buf place = et_buf(ET__DDS_NAME_BYTES), name = et_buf((size_t)2 * ET__DDS_NAME_BYTES);
    struct et_err why = {0};
    uint16_t stream = 0;
    size_t camera = 0;
    enum et_status st = ET_OK;
    name_place(t, writer, participant, &place);
    et_buf_printf(&name, "%s%s", t->name, et_buf_text(&place));
    const struct et_feed_stream raw = stream_as(t, et_buf_text(&name));
    (void)pthread_mutex_lock(&t->source->lock);
    const bool is_camera = have_camera(t, &raw, et_buf_text(&place), &camera, &why);
    if (!is_camera) // of pictures, streams are announced when it is known what they are
        st = et_feed_add(t->source->feed, &raw, &stream, err);
    if (st == ET_OK) {
        struct et__dds_way *way = new_way(t, handle);
        way->is_camera = is_camera;
        way->stream = stream;
        way->camera = camera;
    }
    (void)pthread_mutex_unlock(&t->source->lock);
    if (why.status != ET_OK && !t->has_told_cameras) {
        t->has_told_cameras = true;
        et__dds_tell(t, "source.warning", "pictures of %s are stored as they come: %s", t->name,
                     why.text);
    }
    et_buf_free(&place);
    et_buf_free(&name);
    return st;
}

/* ---- samples, on Cyclone's threads ---- */

static void count_lost(struct et__dds_topic *t, const struct et__dds_way *way, uint64_t n)
{
    if (way->is_camera)
        et__pictures_lost(t->source->pictures, way->camera, n);
    else
        et_feed_lost(t->source->feed, way->stream, n);
}

static void put(struct et__dds_topic *t, const struct et__dds_way *way,
                const struct et__dds_sample *sample)
{
    if (way->is_camera)
        et__pictures_put(t->source->pictures, way->camera,
                         (struct et_str){sample->bytes, sample->n_bytes}, sample->t_arrival_ns,
                         sample->t_source_ns);
    else
        (void)et_feed_put(t->source->feed, &(struct et_feed_sample){
                                               .t_arrival_ns = sample->t_arrival_ns,
                                               .t_device_ns = sample->t_source_ns,
                                               .stream = way->stream,
                                               .n_bytes = sample->n_bytes,
                                               .bytes = sample->bytes,
                                           });
}

// True for a sample that is new. Of types with keys numbers are left out as they are overwritten.
static bool count_gap(struct et__dds_topic *t, struct et__dds_way *way, uint64_t number)
{
    if (number == 0)
        return true;
    if (number <= way->repeated)
        return false;
    if (way->last > 0 && number > way->last + 1 && !t->is_keyed)
        count_lost(t, way, number - way->last - 1);
    if (number > way->last)
        way->last = number;
    return true;
}

static void hear(void *ctx, const struct et__dds_sample *sample, const struct et__dds_keys *keys)
{
    struct et__dds_topic *t = ctx;
    (void)pthread_mutex_lock(&t->source->lock);
    struct et__dds_way *way = way_of(t, sample->writer);
    if (!way) {
        (void)pthread_mutex_unlock(&t->source->lock);
        // It may come before its writer was told of, or after it went. No room for another stream
        // is told when the source is polled.
        (void)!make_way(t, sample->writer, &keys->writer, &keys->participant, NULL);
        (void)pthread_mutex_lock(&t->source->lock);
        way = way_of(t, sample->writer);
    }
    if (way && count_gap(t, way, sample->number))
        put(t, way, sample);
    (void)pthread_mutex_unlock(&t->source->lock);
}

static void on_incompatible(dds_entity_t reader, const dds_requested_incompatible_qos_status_t now,
                            void *ctx)
{
    struct et__dds_topic *t = ctx;
    (void)reader;
    atomic_store(&t->misfit, now.last_policy_id + 1);
    const uint64_t one = 1;
    (void)!write(t->source->wake_fd, &one, sizeof one);
}

/* ---- the reader ---- */

// As rosbag2 asks: only for what every writer offers. All else is asked for as little as can be.
static dds_qos_t *make_qos(bool is_reliable, bool is_latched)
{
    const char *partitions[] = {"", "*"};
    static const dds_data_representation_id_t FORMS[] = {DDS_DATA_REPRESENTATION_XCDR1,
                                                         DDS_DATA_REPRESENTATION_XCDR2};
    dds_qos_t *qos = dds_create_qos();
    if (!qos)
        return NULL;
    dds_qset_reliability(qos, is_reliable ? DDS_RELIABILITY_RELIABLE : DDS_RELIABILITY_BEST_EFFORT,
                         DDS_SECS(1));
    dds_qset_durability(qos, is_latched ? DDS_DURABILITY_TRANSIENT_LOCAL : DDS_DURABILITY_VOLATILE);
    dds_qset_history(qos, DDS_HISTORY_KEEP_ALL, 0); // none is overwritten before it is heard
    dds_qset_latency_budget(qos, DDS_INFINITY);
    dds_qset_data_representation(qos, 2, FORMS);
    dds_qset_partition(qos, 2, partitions);
    return qos;
}

static enum et_status open_reader(struct et__dds_topic *t, bool is_reliable, bool is_latched,
                                  struct et_err *err)
{
    close_reader(t);
    (void)pthread_mutex_lock(&t->source->lock);
    for (size_t i = 0; i < t->n_ways; i++)
        t->ways[i].repeated = is_latched ? t->ways[i].last : 0;
    (void)pthread_mutex_unlock(&t->source->lock);
    dds_qos_t *qos = make_qos(is_reliable, is_latched);
    dds_listener_t *listener = dds_create_listener(t);
    if (qos && listener) {
        dds_lset_requested_incompatible_qos(listener, on_incompatible);
        t->reader = et__dds_listen(t->source->participant, &t->raw, qos, listener, hear, t);
    }
    dds_delete_qos(qos);
    dds_delete_listener(listener);
    if (t->reader <= 0)
        return et_fail(err, ET_EIO, -1, "DDS makes no reader: %s", dds_strretcode(t->reader));
    t->was_heard = true;
    t->is_reliable = is_reliable;
    t->is_latched = is_latched;
    return ET_OK;
}

// A reader is exchanged only when a writer would not match it.
static enum et_status have_reader(struct et__dds_topic *t, struct et_err *err)
{
    bool is_reliable = !t->source->is_best_effort, is_latched = is_reliable;
    for (const struct et__dds_writer *w = t->writers; w; w = w->next) {
        is_reliable = is_reliable && w->is_reliable;
        is_latched = is_latched && w->is_latched && w->is_reliable;
    }
    if (t->reader > 0 && t->is_reliable <= is_reliable && t->is_latched <= is_latched)
        return ET_OK;
    return open_reader(t, is_reliable, is_latched, err);
}

/* ---- all of it ---- */

static void tell_of_policy(struct et__dds_topic *t)
{
    const uint32_t policy = atomic_exchange(&t->misfit, 0);
    if (policy > 0 && !t->has_told_policy) {
        t->has_told_policy = true;
        et__dds_tell(t, "source.warning", "a writer of %s cannot be heard: its %s fits no recorder",
                     t->name, et__dds_policy_name(policy - 1));
    }
}

static void tell_of_two(struct et__dds_topic *t)
{
    if (t->source->split != ET__DDS_NONE || t->has_told_shared || !t->writers)
        return;
    for (const struct et__dds_writer *w = t->writers->next; w; w = w->next) {
        if (memcmp(&w->participant, &t->writers->participant, sizeof w->participant) == 0)
            continue;
        char a[ET__DDS_PLACE_BYTES], b[ET__DDS_PLACE_BYTES];
        t->has_told_shared = true;
        et__dds_place(&t->raw, &w->participant, a);
        et__dds_place(&t->raw, &t->writers->participant, b);
        et__dds_tell(
            t, "source.warning",
            "%s is written at %s (%08x) and at %s (%08x), and recorded as one; `split: host` or "
            "`split: writer` keeps them apart",
            t->name, a, hash_of(&w->key), b, hash_of(&t->writers->key));
        return;
    }
}

// A writer that gets no stream of its own keeps the others from nothing.
static size_t announce_all(struct et__dds_topic *t)
{
    struct et_err err = {.status = ET_OK};
    size_t n = 0;
    for (const struct et__dds_writer *w = t->writers; w; w = w->next)
        if (make_way(t, w->handle, &w->key, &w->participant, &err) == ET_OK)
            n++;
        else
            refuse(t, &err);
    return n;
}

static enum et_status open_topic(struct et__dds_topic *t, struct et_err *err)
{
    struct et__dds *s = t->source;
    enum et_status st = ET_OK;
    if (t->raw.topic <= 0)
        st = et__dds_raw_open(&t->raw, s->participant, t->dds_name, t->dds_type, t->is_keyed, err);
    if (st != ET_OK)
        return st;
    if (!have_qos(t))
        return et_fail(err, ET_ENOMEM, -1, "no memory");
    const size_t n_streams = announce_all(t);
    tell_of_two(t);
    return s->only_look || n_streams == 0 ? ET_OK : have_reader(t, err);
}

static void tell_of_loss(struct et__dds_topic *t)
{
    const bool is_lost = t->n_writers == 0;
    if (t->was_heard && is_lost != t->has_told_loss) {
        t->has_told_loss = is_lost;
        et__dds_tell(t, is_lost ? "stream.lost" : "stream.back",
                     is_lost ? "nobody writes %s any more" : "%s is written again", t->name);
    }
}

enum et_status et__dds_topic_settle(struct et__dds_topic *t)
{
    struct et_err err = {.status = ET_OK};

    tell_of_policy(t);
    if (t->n_writers > 0) {
        if (et__dds_have_schema(t) == ET_AGAIN)
            return ET_AGAIN;
        if (open_topic(t, &err) != ET_OK)
            refuse(t, &err);
    }
    tell_of_loss(t);
    return ET_OK;
}

void et__dds_topic_free(struct et__dds_topic *t)
{
    while (t->writers) {
        struct et__dds_writer *next = t->writers->next;
        free(t->writers);
        t->writers = next;
    }
    free(t->schema);
    free(t->qos);
    free(t);
}
