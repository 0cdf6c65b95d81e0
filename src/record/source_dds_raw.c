/* Samples as they lie in packets: a type of Cyclone's that takes nothing apart.
 *
 * This file needs headers that are Cyclone's own and change with its versions; these are 0.10's. */
#include "etude/clock.h"
#include "record/record__dds.h"

#include <assert.h>
#include <dds/ddsc/dds_rhc.h>
#include <dds/ddsi/ddsi_domaingv.h>
#include <dds/ddsi/ddsi_entity_index.h>
#include <dds/ddsi/ddsi_proxy_participant.h>
#include <dds/ddsi/ddsi_serdata.h>
#include <dds/ddsi/ddsi_sertype.h>
#include <dds/ddsi/ddsi_tkmap.h>
#include <dds/ddsi/q_addrset.h>
#include <dds/ddsi/q_bswap.h>
#include <dds/ddsi/q_protocol.h>
#include <dds/ddsi/q_radmin.h>
#include <dds/ddsi/q_thread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH 16
#define SAMPLE_BYTES_MAX ((size_t)512 << 20) // half of the largest feed; it would find no room

struct data {
    struct ddsi_serdata c;
    int64_t t_arrival_ns;
    uint64_t number;
    uint32_t n_bytes;
    unsigned char bytes[];
};

/* ---- samples; these calls come from Cyclone's threads ---- */

// NULL, for want of memory, is a sample lost: the next one's number tells.
static struct data *new_data(const struct ddsi_sertype *type, enum ddsi_serdata_kind kind, size_t n)
{
    if (n > SAMPLE_BYTES_MAX)
        return NULL;
    const size_t n_padded = (n + 3) & ~(size_t)3; // Cyclone reads words
    struct data *d = malloc(sizeof *d + n_padded);
    if (!d)
        return NULL;
    ddsi_serdata_init(&d->c, type, kind);
    d->t_arrival_ns = et_clock_monotonic_ns();
    d->number = 0;
    d->n_bytes = (uint32_t)n;
    memset(d->bytes + n, 0, n_padded - n);
    return d;
}

// The submessage that a fragment came in begins alike whether it is DATA or DATA_FRAG.
static uint64_t number_of(const struct nn_rdata *first)
{
    Data_DataFrag_common_t head;
    if (NN_RDATA_SUBMSG_OFF(first) == 0)
        return 0;
    memcpy(&head, NN_RMSG_PAYLOADOFF(first->rmsg, NN_RDATA_SUBMSG_OFF(first)), sizeof head);
    return (uint64_t)(uint32_t)head.writerSN.high << 32 | head.writerSN.low;
}

// Fragments come in order, and may overlap.
static struct ddsi_serdata *from_packets(const struct ddsi_sertype *type,
                                         enum ddsi_serdata_kind kind,
                                         const struct nn_rdata *fragment, size_t n)
{
    struct data *d = new_data(type, kind, n);
    if (!d)
        return NULL;
    d->number = number_of(fragment);
    uint32_t at = 0;
    for (; fragment; fragment = fragment->nextfrag) {
        if (fragment->maxp1 <= at)
            continue;
        if (fragment->min > at || fragment->maxp1 > n)
            break; // Cyclone puts nothing together so
        const unsigned char *p = NN_RMSG_PAYLOADOFF(fragment->rmsg, NN_RDATA_PAYLOAD_OFF(fragment));
        memcpy(d->bytes + at, p + (at - fragment->min), fragment->maxp1 - at);
        at = fragment->maxp1;
    }
    return &d->c;
}

// Of writers in this process.
static struct ddsi_serdata *from_pieces(const struct ddsi_sertype *type,
                                        enum ddsi_serdata_kind kind, ddsrt_msg_iovlen_t n_pieces,
                                        const ddsrt_iovec_t *pieces, size_t n)
{
    struct data *d = new_data(type, kind, n);
    size_t at = 0;
    for (size_t i = 0; d && i < n_pieces && at < n; i++) {
        const size_t part = pieces[i].iov_len < n - at ? pieces[i].iov_len : n - at;
        memcpy(d->bytes + at, pieces[i].iov_base, part);
        at += part;
    }
    return d ? &d->c : NULL;
}

static struct ddsi_serdata *from_key(const struct ddsi_sertype *type, const ddsi_keyhash_t *key)
{
    (void)key;
    struct data *d = new_data(type, SDK_KEY, 0);
    return d ? &d->c : NULL;
}

static struct ddsi_serdata *from_sample(const struct ddsi_sertype *type,
                                        enum ddsi_serdata_kind kind, const void *sample)
{
    (void)type, (void)kind, (void)sample;
    return NULL; // who writes with this type writes bytes
}

static struct ddsi_serdata *to_untyped(const struct ddsi_serdata *c)
{
    struct data *d = new_data(c->type, SDK_KEY, 0);
    if (d)
        d->c.type = NULL;
    return d ? &d->c : NULL;
}

// All keys are one: samples are told apart by nobody here.
static bool is_same_key(const struct ddsi_serdata *a, const struct ddsi_serdata *b)
{
    (void)a, (void)b;
    return true;
}

static uint32_t n_bytes_of(const struct ddsi_serdata *c)
{
    return ((const struct data *)c)->n_bytes;
}

static void to_bytes(const struct ddsi_serdata *c, size_t at, size_t n, void *to)
{
    memcpy(to, ((const struct data *)c)->bytes + at, n);
}

static struct ddsi_serdata *to_bytes_ref(const struct ddsi_serdata *c, size_t at, size_t n,
                                         ddsrt_iovec_t *ref)
{
    struct ddsi_serdata *kept = ddsi_serdata_ref(c);
    ref->iov_base = ((struct data *)kept)->bytes + at;
    ref->iov_len = n;
    return kept;
}

static void to_bytes_unref(struct ddsi_serdata *c, const ddsrt_iovec_t *ref)
{
    (void)ref;
    ddsi_serdata_unref(c);
}

static bool to_sample(const struct ddsi_serdata *c, void *sample, void **at, void *end)
{
    (void)c, (void)sample, (void)at, (void)end;
    return false;
}

static bool untyped_to_sample(const struct ddsi_sertype *type, const struct ddsi_serdata *c,
                              void *sample, void **at, void *end)
{
    (void)type, (void)c, (void)sample, (void)at, (void)end;
    return true;
}

static void free_data(struct ddsi_serdata *c)
{
    free(c);
}

static size_t print_data(const struct ddsi_sertype *type, const struct ddsi_serdata *c, char *text,
                         size_t cap)
{
    (void)type, (void)c;
    return (size_t)snprintf(text, cap, "raw");
}

static void key_hash(const struct ddsi_serdata *c, struct ddsi_keyhash *hash, bool force_md5)
{
    (void)c, (void)force_md5;
    memset(hash, 0, sizeof *hash);
}

static const struct ddsi_serdata_ops DATA_CALLS = {.eqkey = is_same_key,
                                                   .get_size = n_bytes_of,
                                                   .from_ser = from_packets,
                                                   .from_ser_iov = from_pieces,
                                                   .from_keyhash = from_key,
                                                   .from_sample = from_sample,
                                                   .to_ser = to_bytes,
                                                   .to_ser_ref = to_bytes_ref,
                                                   .to_ser_unref = to_bytes_unref,
                                                   .to_sample = to_sample,
                                                   .to_untyped = to_untyped,
                                                   .untyped_to_sample = untyped_to_sample,
                                                   .free = free_data,
                                                   .print = print_data,
                                                   .get_keyhash = key_hash};

/* ---- the type ---- */

static void free_type(struct ddsi_sertype *type)
{
    ddsi_sertype_fini(type);
    free(type);
}

static void zero_samples(const struct ddsi_sertype *type, void *samples, size_t n)
{
    (void)type, (void)samples, (void)n;
}

// Only loans of samples would need it, and there are no samples.
static void grow_samples(void **p, const struct ddsi_sertype *type, void *old, size_t n_old,
                         size_t n)
{
    (void)p, (void)type, (void)old, (void)n_old, (void)n;
    assert(false);
}

static void free_samples(const struct ddsi_sertype *type, void **p, size_t n, dds_free_op_t op)
{
    (void)type, (void)p, (void)n, (void)op;
}

// Cyclone has compared names, keys and calls before.
static bool is_same_type(const struct ddsi_sertype *a, const struct ddsi_sertype *b)
{
    (void)a, (void)b;
    return true;
}

static uint32_t hash_type(const struct ddsi_sertype *type)
{
    (void)type;
    return 0;
}

static const struct ddsi_sertype_ops TYPE_CALLS = {.version = ddsi_sertype_v0,
                                                   .free = free_type,
                                                   .zero_samples = zero_samples,
                                                   .realloc_samples = grow_samples,
                                                   .free_samples = free_samples,
                                                   .equal = is_same_type,
                                                   .hash = hash_type};

enum et_status et__dds_raw_open(struct et__dds_raw *raw, dds_entity_t participant, const char *name,
                                const char *type, bool is_keyed, struct et_err *err)
{
    *raw = (struct et__dds_raw){0};
    struct ddsi_sertype *own = calloc(1, sizeof *own);
    if (!own)
        return et_fail(err, ET_ENOMEM, -1, "no memory for the topic %s", name);
    ddsi_sertype_init_flags(own, type, &TYPE_CALLS, &DATA_CALLS,
                            is_keyed ? 0 : DDSI_SERTYPE_FLAG_TOPICKIND_NO_KEY);
    own->allowed_data_representation =
        DDS_DATA_REPRESENTATION_FLAG_XCDR1 | DDS_DATA_REPRESENTATION_FLAG_XCDR2;
    const dds_entity_t topic = dds_create_topic_sertype(participant, name, &own, NULL, NULL, NULL);
    if (topic < 0) {
        ddsi_sertype_unref(own);
        return et_fail(err, ET_EIO, -1, "DDS takes no topic %s of type %s: %s", name, type,
                       dds_strretcode(topic));
    }
    // What stands there now is the topic's: ours, or one of the same that was there before.
    *raw = (struct et__dds_raw){.topic = topic, .type = own};
    return ET_OK;
}

void et__dds_take(dds_entity_t reader, void (*hear)(void *ctx, const struct et__dds_sample *sample),
                  void *ctx)
{
    struct ddsi_serdata *data[BATCH];
    dds_sample_info_t info[BATCH];
    int32_t n;
    do {
        n = dds_takecdr(reader, data, BATCH, info, DDS_ANY_STATE);
        for (int32_t i = 0; i < n; i++) {
            const struct data *d = (const struct data *)data[i];
            if (info[i].valid_data)
                hear(ctx, &(struct et__dds_sample){.t_arrival_ns = d->t_arrival_ns,
                                                   .t_source_ns = info[i].source_timestamp,
                                                   .writer = info[i].publication_handle,
                                                   .number = d->number,
                                                   .n_bytes = d->n_bytes,
                                                   .bytes = d->bytes});
            ddsi_serdata_unref(data[i]);
        }
    } while (n == BATCH);
}

/* ---- a reader that keeps nothing: a cache of Cyclone's with no room ---- */

/* Cyclone looks for a sample's key in a map before it stores it. One that nobody holds is made anew
 * for each sample and given to a thread that clears up, at twice the price: so it is held. */
struct tap {
    struct dds_rhc c;
    struct ddsi_tkmap *keys;
    _Atomic(struct ddsi_tkmap_instance *) key;
    et__dds_hear_fn hear;
    void *ctx;
};

static struct et__dds_keys keys_of(const ddsi_guid_t *guid)
{
    union {
        ddsi_guid_t guid;
        dds_guid_t key;
    } writer = {.guid = nn_hton_guid(*guid)}, participant = {.guid = *guid};
    participant.guid.entityid.u = NN_ENTITYID_PARTICIPANT;
    participant.guid = nn_hton_guid(participant.guid);
    return (struct et__dds_keys){writer.key, participant.key};
}

// true: it was taken. What a writer says of its instances is no sample.
static bool tap_store(struct ddsi_rhc *restrict rhc, const struct ddsi_writer_info *restrict writer,
                      struct ddsi_serdata *restrict c, struct ddsi_tkmap_instance *restrict key)
{
    struct tap *tap = (struct tap *)rhc;
    const struct data *d = (const struct data *)c;
    struct ddsi_tkmap_instance *none = NULL;
    if (!atomic_load_explicit(&tap->key, memory_order_relaxed)) {
        ddsi_tkmap_instance_ref(key);
        if (!atomic_compare_exchange_strong(&tap->key, &none, key))
            ddsi_tkmap_instance_unref(tap->keys, key);
    }
    if (c->kind != SDK_DATA)
        return true;
    const struct et__dds_keys keys = keys_of(&writer->guid);
    tap->hear(tap->ctx,
              &(struct et__dds_sample){.t_arrival_ns = d->t_arrival_ns,
                                       .t_source_ns = c->timestamp.v,
                                       .writer = writer->iid,
                                       .number = d->number,
                                       .n_bytes = d->n_bytes,
                                       .bytes = d->bytes},
              &keys);
    return true;
}

static void tap_unregister(struct ddsi_rhc *restrict rhc,
                           const struct ddsi_writer_info *restrict writer)
{
    (void)rhc, (void)writer;
}

static void tap_relinquish(struct ddsi_rhc *restrict rhc, const uint64_t writer)
{
    (void)rhc, (void)writer;
}

static void tap_set_qos(struct ddsi_rhc *rhc, const struct dds_qos *qos)
{
    (void)rhc, (void)qos;
}

static void tap_free(struct ddsi_rhc *rhc)
{
    struct tap *tap = (struct tap *)rhc;
    struct ddsi_tkmap_instance *key = atomic_load(&tap->key);
    if (key)
        ddsi_tkmap_instance_unref(tap->keys, key);
    free(tap);
}

static int32_t tap_read(struct dds_rhc *rhc, bool lock, void **values, dds_sample_info_t *info,
                        uint32_t n, uint32_t mask, dds_instance_handle_t handle,
                        struct dds_readcond *condition)
{
    (void)rhc, (void)lock, (void)values, (void)info, (void)n, (void)mask, (void)handle;
    (void)condition;
    return 0;
}

static int32_t tap_read_cdr(struct dds_rhc *rhc, bool lock, struct ddsi_serdata **values,
                            dds_sample_info_t *info, uint32_t n, uint32_t samples, uint32_t views,
                            uint32_t instances, dds_instance_handle_t handle)
{
    (void)rhc, (void)lock, (void)values, (void)info, (void)n, (void)samples, (void)views;
    (void)instances, (void)handle;
    return 0;
}

static bool tap_add_condition(struct dds_rhc *rhc, struct dds_readcond *condition)
{
    (void)rhc, (void)condition;
    return false;
}

static void tap_remove_condition(struct dds_rhc *rhc, struct dds_readcond *condition)
{
    (void)rhc, (void)condition;
}

static uint32_t tap_lock_samples(struct dds_rhc *rhc)
{
    (void)rhc;
    return 0;
}

static dds_return_t tap_associate(struct dds_rhc *rhc, struct dds_reader *reader,
                                  const struct ddsi_sertype *type, struct ddsi_tkmap *keys)
{
    (void)reader, (void)type;
    ((struct tap *)rhc)->keys = keys;
    return DDS_RETCODE_OK;
}

static const struct dds_rhc_ops TAP_CALLS = {.rhc_ops = {.store = tap_store,
                                                         .unregister_wr = tap_unregister,
                                                         .relinquish_ownership = tap_relinquish,
                                                         .set_qos = tap_set_qos,
                                                         .free = tap_free},
                                             .read = tap_read,
                                             .take = tap_read,
                                             .readcdr = tap_read_cdr,
                                             .takecdr = tap_read_cdr,
                                             .add_readcondition = tap_add_condition,
                                             .remove_readcondition = tap_remove_condition,
                                             .lock_samples = tap_lock_samples,
                                             .associate = tap_associate};

dds_entity_t et__dds_listen(dds_entity_t participant, const struct et__dds_raw *raw,
                            const dds_qos_t *qos, const dds_listener_t *listener,
                            et__dds_hear_fn hear, void *ctx)
{
    struct tap *tap = malloc(sizeof *tap);
    if (!tap)
        return DDS_RETCODE_OUT_OF_RESOURCES;
    *tap = (struct tap){.c.common.ops = &TAP_CALLS, .hear = hear, .ctx = ctx};
    const dds_entity_t reader =
        dds_create_reader_rhc(participant, raw->topic, qos, listener, &tap->c);
    if (reader < 0) // else it is the reader's, and goes with it
        free(tap);
    return reader;
}

bool et__dds_raw_write(const struct et__dds_raw *raw, dds_entity_t writer, const void *bytes,
                       size_t n_bytes)
{
    struct data *d = new_data(raw->type, SDK_DATA, n_bytes);
    if (!d)
        return false;
    memcpy(d->bytes, bytes, n_bytes);
    return dds_writecdr(writer, &d->c) == DDS_RETCODE_OK; // which has the sample from now on
}

/* ---- who is where ---- */

bool et__dds_is_keyed(const dds_guid_t *writer)
{
    return (writer->v[15] & NN_ENTITYID_KIND_MASK) == NN_ENTITYID_KIND_WRITER_WITH_KEY;
}

// The first address is as good as the others, unless it is one of many.
static void put_address(const ddsi_xlocator_t *locator, void *ctx)
{
    char *place = ctx;
    const unsigned char *a = locator->c.address;
    const bool is_4 =
        locator->c.kind == NN_LOCATOR_KIND_UDPv4 || locator->c.kind == NN_LOCATOR_KIND_TCPv4;
    if (place[0] || (is_4 ? a[12] >= 224 : a[0] == 0xff))
        return;
    if (is_4)
        (void)snprintf(place, ET__DDS_PLACE_BYTES, "%d.%d.%d.%d", a[12], a[13], a[14], a[15]);
    else if (locator->c.kind == NN_LOCATOR_KIND_UDPv6)
        (void)snprintf(place, ET__DDS_PLACE_BYTES,
                       "%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x",
                       a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11],
                       a[12], a[13], a[14], a[15]);
}

void et__dds_place(const struct et__dds_raw *raw, const dds_guid_t *participant,
                   char place[ET__DDS_PLACE_BYTES])
{
    const struct ddsi_sertype *type = raw->type;
    struct ddsi_domaingv *gv = ddsrt_atomic_ldvoidp(&type->gv);
    union {
        ddsi_guid_t guid;
        uint32_t words[4];
    } key;

    place[0] = 0;
    memcpy(&key, participant->v, sizeof key);
    for (size_t i = 0; i < 4; i++)
        key.words[i] = ddsrt_fromBE4u(key.words[i]); // keys are in the network's order
    thread_state_awake(lookup_thread_state(), gv);   // so that what is found is not freed meanwhile
    const struct ddsi_proxy_participant *found =
        entidx_lookup_proxy_participant_guid(gv->entity_index, &key.guid);
    if (found)
        addrset_forall(found->as_default, put_address, place);
    thread_state_asleep(lookup_thread_state());
    if (!place[0])
        (void)snprintf(place, ET__DDS_PLACE_BYTES, "%s", "here");
}
