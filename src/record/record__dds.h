/* The parts of the DDS source: what is said of and to Cyclone DDS, the one place that knows it.
 *
 *     source_dds.c         the kind: settings, and who writes what on the network
 *     source_dds_topic.c   a topic of a type: its streams, its reader, its samples
 *     source_dds_schema.c  what its bytes mean
 *     source_dds_net.c     a place on the network
 *     source_dds_names.c   names, patterns and qualities of service as text
 *     source_dds_raw.c     samples as they lie in packets      ] these two need headers that are
 *     source_dds_type.c    definitions, asked of who has them  ] Cyclone's own, of 0.10
 *
 * Threads: Cyclone's hear samples and say that there is something to poll for; all else is the
 *          source's. What both touch is under et__dds.lock, beneath which nothing of DDS is called.
 */
#ifndef ETUDE_RECORD_DDS_H
#define ETUDE_RECORD_DDS_H

#include "etude/source.h"
#include "record/record__pictures.h"

#include <dds/dds.h>
#include <pthread.h>
#include <stdatomic.h>

#define ET__DDS_NAME_BYTES (ET_NAME_BYTES_MAX + 1) // a name and its NUL
#define ET__DDS_QOS_BYTES 512                      // a profile as text
#define ET__DDS_PLACE_BYTES 64                     // "192.168.123.161"
#define ET__DDS_WAYS 128 // writers of a topic that are told apart at once; more are slow

/* ---- the network ---- */

struct et__dds_net {
    uint32_t domain;
    char *interface; // name; NULL: Cyclone chooses
    char **peers;    // addresses, n_peers of them
    size_t n_peers;
    uint64_t receive_buffer_bytes;
};

/* Takes a place in a domain; its first source in the process decides how. ET_AGAIN: there is no
 * such interface yet. ET_EIO: Cyclone refuses; the text has its words. */
ET_MUST_USE enum et_status et__dds_join(dds_entity_t *participant, const struct et__dds_net *net,
                                        struct et_err *err);
void et__dds_leave(dds_entity_t participant);

/* A setting that goes into Cyclone's own, which are XML: an interface, a peer. NULL: it is not set.
 * ET_ECORRUPT: it names no place on a network. */
ET_MUST_USE enum et_status et__dds_check_place(const struct et_value *value, const char *path,
                                               struct et_err *err);

/* The largest receive buffer that the system gives to anybody; 0: unknown. */
uint64_t et__dds_buffer_max(void);

/* ---- names ---- */

/* What ROS 2 calls a topic and a type: "rt/a/b" is "/a/b", "pkg::msg::dds_::Name_" is
 * "pkg/msg/Name"; all else keeps its name. */
void et__dds_topic_name(const char *dds_name, char name[ET__DDS_NAME_BYTES]);
void et__dds_type_name(const char *dds_type, char name[ET__DDS_NAME_BYTES]);

/* And back: "/a/b" is "rt/a/b", "pkg/msg/Name" is "pkg::msg::dds_::Name_". */
void et__dds_name_of_topic(const char *topic, char dds_name[ET__DDS_NAME_BYTES]);
void et__dds_name_of_type(const char *type, char dds_name[ET__DDS_NAME_BYTES]);

/* True when text is what the pattern says, in which '*' stands for any bytes. */
bool et__dds_fits(const char *pattern, const char *text);

/* One profile of offered_qos_profiles, as rosbag2 writes it. */
void et__dds_qos_text(const dds_qos_t *qos, char text[ET__DDS_QOS_BYTES]);

/* "RELIABILITY" */
const char *et__dds_policy_name(uint32_t policy);

/* ---- samples ---- */

struct et__dds_sample {
    int64_t t_arrival_ns, t_source_ns;
    uint64_t writer;  // handle of who wrote it
    uint64_t number;  // that its writer gave it, from 1 on; 0: unknown
    uint32_t n_bytes; // with the four that say how the others are encoded
    const void *bytes;
};

/* A topic whose samples nobody takes apart; type says which it is, to et__dds_place. ET_EIO. */
struct et__dds_raw {
    dds_entity_t topic;
    const void *type;
};
ET_MUST_USE enum et_status et__dds_raw_open(struct et__dds_raw *raw, dds_entity_t participant,
                                            const char *name, const char *type, bool is_keyed,
                                            struct et_err *err);

/* A reader on such a topic that passes every sample on as it comes, on Cyclone's threads, and keeps
 * none: what Cyclone's own cache does for a sample costs as much as receiving it. Sample and keys
 * last for the call, which must not wait. As dds_create_reader: < 0, the reason. */
struct et__dds_keys {
    dds_guid_t writer, participant;
};
typedef void (*et__dds_hear_fn)(void *ctx, const struct et__dds_sample *sample,
                                const struct et__dds_keys *keys);
dds_entity_t et__dds_listen(dds_entity_t participant, const struct et__dds_raw *raw,
                            const dds_qos_t *qos, const dds_listener_t *listener,
                            et__dds_hear_fn hear, void *ctx);

/* Takes all samples of a reader on such a topic. */
void et__dds_take(dds_entity_t reader, void (*hear)(void *ctx, const struct et__dds_sample *sample),
                  void *ctx);

/* Writes a sample on such a topic as it is, the four bytes that say how it is encoded first. false:
 * DDS did not take it. */
bool et__dds_raw_write(const struct et__dds_raw *raw, dds_entity_t writer, const void *bytes,
                       size_t n_bytes);

/* Where a participant is: "192.168.123.161", or "here" in this process. */
void et__dds_place(const struct et__dds_raw *raw, const dds_guid_t *participant,
                   char place[ET__DDS_PLACE_BYTES]);

/* A writer's type has keys. */
bool et__dds_is_keyed(const dds_guid_t *writer);

/* ---- definitions ---- */

/* By which a definition is asked for. */
struct et__dds_type_id {
    bool is_there;
    unsigned char hash[14];
};
struct et__dds_type_id et__dds_type_id(dds_builtintopic_endpoint_t *writer);

/* The definition of a type as ros2msg text, as whoever uses it on the network tells it. ET_AGAIN:
 * asked; try later. ET_EUNSUPPORTED: ROS cannot say it; the text says what. ET_ENOTFOUND: nobody
 * has it any more. ET_ELIMIT, ET_ENOMEM. */
ET_MUST_USE enum et_status et__dds_type_text(dds_entity_t participant,
                                             const struct et__dds_type_id *id, struct et_buf *text,
                                             struct et_err *err);

/* ---- a source, and its topics ---- */

enum et__dds_split { ET__DDS_NONE, ET__DDS_HOST, ET__DDS_WRITER };

struct et__dds {
    struct et_feed *feed;
    pthread_mutex_t lock; // puts into the feed; ways of topics; pictures
    int64_t (*now_ns)(void *ctx);
    void *ctx;
    char *device;   // NULL: none
    char *messages; // folder; NULL: none
    enum et__dds_split split;
    bool is_best_effort, only_look;
    struct et__pictures *pictures; // that are coded; its descriptor is the source's, too
    bool keeps_pictures;           // as they come
    struct et__dds_net net;
    int wake_fd;
    dds_entity_t participant, discovery; // 0: not there yet
    int64_t t_retry_ns;
    bool has_told_of_net, has_told_of_limit;
    char **topics, **exclude; // patterns
    size_t n_topics, n_exclude;
    struct et__dds_topic *first;
    size_t n;
};

/* A writer that is there. */
struct et__dds_writer {
    struct et__dds_writer *next;
    uint64_t handle;
    dds_guid_t key, participant;
    bool is_reliable, is_latched;
    struct et__dds_type_id type_id;
    char qos[ET__DDS_QOS_BYTES];
};

/* Where samples of a writer go, and which came last. */
struct et__dds_way {
    uint64_t writer, last, repeated; // up to number `repeated` they came once before
    bool is_camera;                  // its samples are pictures to be coded
    uint16_t stream;                 // of all others
    size_t camera;
};

struct et__dds_topic {
    struct et__dds *source;
    struct et__dds_topic *next;
    char dds_name[ET__DDS_NAME_BYTES], dds_type[ET__DDS_NAME_BYTES];
    char name[ET__DDS_NAME_BYTES], type[ET__DDS_NAME_BYTES];
    bool is_keyed;
    bool is_changed; // and not settled yet
    struct et__dds_writer *writers;
    size_t n_writers;
    struct et__dds_type_id type_id; // of its first writer
    bool has_schema;                // or it is known that nobody has one
    int64_t t_give_up_ns;           // asking for its definition; 0: not asked
    char *schema;
    size_t n_schema;
    struct et__dds_raw raw;
    dds_entity_t reader;
    bool is_reliable, is_latched;
    bool was_heard, has_told_loss; // it had a reader; that its writers went
    bool has_told_refusal, has_told_shared, has_told_type, has_told_policy, has_told_cameras;
    _Atomic uint32_t misfit; // number of the policy that does not fit, and 1
    char *qos;
    struct et__dds_way ways[ET__DDS_WAYS];
    size_t n_ways, i_way; // the one that was used last
};

/* The topic of a name and type, made when there is none. NULL: no memory, or too many. */
struct et__dds_topic *et__dds_topic_of(struct et__dds *s, const char *dds_name,
                                       const char *dds_type, bool is_keyed);

/* A writer came, or changed: false: there is no memory for it. It went: false: it never came. */
bool et__dds_topic_add(struct et__dds_topic *t, dds_builtintopic_endpoint_t *writer,
                       uint64_t handle);
bool et__dds_topic_remove(struct et__dds_topic *t, uint64_t handle);

/* Brings streams and reader to what the writers are now. ET_AGAIN: it waits for a definition. */
enum et_status et__dds_topic_settle(struct et__dds_topic *t);
void et__dds_topic_free(struct et__dds_topic *t);

/* Finds what its bytes mean, or that nobody knows. ET_AGAIN: the network is asked. */
enum et_status et__dds_have_schema(struct et__dds_topic *t);

/* Puts an event about a topic: for a program its value says which. */
void et__dds_tell(struct et__dds_topic *t, const char *kind, const char *fmt, ...) ET_PRINTF(3, 4);

/* Puts an event, on whichever thread; value may be NULL. */
void et__dds_event(struct et__dds *s, const char *kind, const char *value, const char *fmt, ...)
    ET_PRINTF(4, 5);

#endif
