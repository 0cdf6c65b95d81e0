/* Foxglove's WebSocket protocol, version 1 (also called foxglove.sdk.v1): what a server of live
 * streams and its viewers say to each other. Functions over bytes, which the server, the source and
 * their tests share.
 *
 * Text frames are JSON with a member "op"; binary frames are little-endian. Channels are numbered
 * by the server, subscriptions by the client.
 *
 * Units:   times are nanoseconds since 1970. */
#ifndef ETUDE_RECORD_FOXGLOVE_H
#define ETUDE_RECORD_FOXGLOVE_H

#include "etude/arena.h"
#include "etude/str.h"

// Both names that it goes by; the first is that of today's programs.
#define ET__FOXGLOVE_PROTOCOLS "foxglove.sdk.v1 foxglove.websocket.v1"

struct et__foxglove_channel {
    uint32_t id;
    const char *topic, *encoding; // "/joint_states", "cdr"
    const char *type;             // "sensor_msgs/msg/JointState"
    const char *schema_encoding;  // "ros2msg"; "": there is no definition
    struct et_str schema;         // as it is: text, or bytes of protobuf and flatbuffers
    bool is_wrong;                // what was read has a schema that is no base64: it cannot be had
};

struct et__foxglove_subscription {
    uint32_t id, channel;
};

enum et__foxglove_op {
    ET__FOXGLOVE_SERVER_INFO,
    ET__FOXGLOVE_ADVERTISE,
    ET__FOXGLOVE_UNADVERTISE,
    ET__FOXGLOVE_STATUS,
    ET__FOXGLOVE_SUBSCRIBE,
    ET__FOXGLOVE_UNSUBSCRIBE,
    ET__FOXGLOVE_OTHER, // of a part of the protocol that is not spoken here
};

enum et__foxglove_level { ET__FOXGLOVE_INFO, ET__FOXGLOVE_WARNING, ET__FOXGLOVE_ERROR };

/* A text frame. What its op does not have is zeroed. */
struct et__foxglove_text {
    enum et__foxglove_op op;
    const char *op_name;
    const char *text; // SERVER_INFO: the server's name; STATUS: its message
    enum et__foxglove_level level;
    const struct et__foxglove_channel *channels; // ADVERTISE
    const struct et__foxglove_subscription *subscriptions;
    const uint32_t *ids; // UNADVERTISE: of channels; UNSUBSCRIBE: of subscriptions
    size_t n;            // of whichever list it has
};

/* Reads a text frame into the arena. ET_ECORRUPT: it is none of the protocol's, the text says why.
 * ET_ELIMIT: the arena is full; ET_ENOMEM. */
ET_MUST_USE enum et_status et__foxglove_read_text(struct et_str json, struct et_arena *arena,
                                                  struct et__foxglove_text *text,
                                                  struct et_err *err);

/* A server's binary frame. */
struct et__foxglove_data {
    bool is_time; // the server's time alone
    uint32_t subscription;
    int64_t t_ns;
    struct et_str bytes; // within the frame
};
/* ET_ECORRUPT: it is cut, or its time is beyond 2262. ET_EUNSUPPORTED: another kind of frame. */
ET_MUST_USE enum et_status
et__foxglove_read_data(struct et_str frame, struct et__foxglove_data *data, struct et_err *err);

/* What stands in front of a message's bytes. */
#define ET__FOXGLOVE_HEAD_BYTES 13
void et__foxglove_put_head(unsigned char head[ET__FOXGLOVE_HEAD_BYTES], uint32_t subscription,
                           int64_t t_ns);

/* Text frames, appended to a buffer; failures are the buffer's. */
void et__foxglove_put_info(struct et_buf *buf, const char *name, const char *session);
void et__foxglove_put_advertise(struct et_buf *buf, const struct et__foxglove_channel *channels,
                                size_t n);
void et__foxglove_put_status(struct et_buf *buf, enum et__foxglove_level level, const char *text);
void et__foxglove_put_subscribe(struct et_buf *buf,
                                const struct et__foxglove_subscription *subscriptions, size_t n);
void et__foxglove_put_unsubscribe(struct et_buf *buf, const uint32_t *ids, size_t n);

#endif
