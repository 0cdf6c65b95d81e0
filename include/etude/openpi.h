/* openpi's serving protocol, both ends: a policy behind a WebSocket, and who asks it.
 *
 * Robots' programs that speak to pi0 and its kin (openpi-client) ask a policy of ours without a
 * change, and our robots ask theirs. A message is named arrays and texts in MessagePack: the server
 * begins with one about itself, then each observation is answered with actions. A text in place of
 * an answer is a failure, and the end. doc/openpi.md has the keys of robots, and what differs.
 *
 * openpi nests some keys ("images": {"cam_high": …}) and puts a '/' into others
 * ("observation/state"). Here both are names with a '/', and `maps` says which parts of names are
 * maps: a message that was read is written as it came.
 *
 * Source: github.com/Physical-Intelligence/openpi, packages/openpi-client and serving (its
 * messages).
 *
 * Threads: a server, those of its loop; a client, the thread that calls it.
 * Memory:  per client of a server one message; of a client two. Both up to message_bytes_max. */
#ifndef ETUDE_OPENPI_H
#define ETUDE_OPENPI_H

#include "etude/arena.h"
#include "etude/msgpack.h"
#include "etude/tls.h"

struct et_loop;

/* ---- messages ---- */

#define ET_OPENPI_NAMES_MAX 256 // arrays, texts and maps of a message, each
#define ET_OPENPI_DEPTH_MAX 8   // of maps in maps

struct et_openpi_text {
    const char *name, *text;
};

/* An array without dimensions is a plain number (or bool) in the message; lists of numbers are read
 * as arrays of F64 or I64, bytes as arrays of U8. */
struct et_openpi_message {
    const struct et_tensor *arrays; // by name; bytes at any offset
    size_t n_arrays;
    const struct et_openpi_text *texts;
    size_t n_texts;
    const char *const *maps; // "images", "a/b": what stands behind such a part is nested
    size_t n_maps;
    size_t n_left_out; // read: values that have no form here (nil, lists of other things)
};

/* Reads a message. What it points to lies in the arena and in `bytes`. ET_ECORRUPT: it is none,
 * has a name twice or numpy's mark in one; err->at is the offset. ET_EUNSUPPORTED: an array of a
 * type that is not read. ET_ELIMIT: more or deeper than the limits above, or the arena's.
 * ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_openpi_read(struct et_str bytes, struct et_arena *arena,
                                                 struct et_openpi_message *message,
                                                 struct et_err *err);

/* Appends a message to a buffer. ET_EARG: a name twice, or a map that is no name; ET_ECORRUPT: a
 * name that is none (et_name_check), a text that is no UTF-8; else as et_msgpack_put_array. Of the
 * buffer what was put is then void. */
ET_MUST_USE ET_API enum et_status et_openpi_write(const struct et_openpi_message *message,
                                                  struct et_buf *buf, struct et_err *err);

/* By name; NULL: there is none. A camera's picture and a state as they came; et_tensor_floats makes
 * floats of any type. */
ET_API const struct et_tensor *et_openpi_find(const struct et_openpi_message *message,
                                              const char *name);
ET_API const char *et_openpi_text(const struct et_openpi_message *message, const char *name);

/* The one value of an array ("server_timing/infer_ms"); `otherwise` where there is not just one. */
ET_API double et_openpi_number(const struct et_openpi_message *message, const char *name,
                               double otherwise);

/* ---- a server ---- */

#define ET_OPENPI_ADDRESS "127.0.0.1:8000"

/* Answers an observation: fills the reply, which begins as {0}. What the reply points to is in the
 * arena, which dies with the request, or stays as it is until the next call. A failure's words go
 * to the client, whose connection then ends. Called on the loop, which waits for it. */
typedef enum et_status (*et_openpi_infer)(void *ctx, const struct et_openpi_message *request,
                                          struct et_arena *arena, struct et_openpi_message *reply,
                                          struct et_err *err);

/* Zero means the default. Pointers but metadata's outlive the server. */
struct et_openpi_server_options {
    const char *address; // ET_OPENPI_ADDRESS; port 0: one that is free
    bool is_public;      // may be reached from other machines; then tls and api_key are demanded
    struct et_tls *tls;
    const char *api_key;      // 16 to 256 letters, digits and -._~; asked of all; NULL: of nobody
    const char *const *hosts; // further names that it is asked by without a key; ended by NULL
    const struct et_openpi_message *metadata; // what it says of itself; NULL: nothing
    et_openpi_infer infer;
    void *ctx;
    size_t message_bytes_max; // of a request, and of an answer; 32 MiB
    size_t clients_max;       // 16; more are refused (503)
    int64_t idle_ns; // of a client that says nothing; it is pinged then, and ends at twice; 10 min

    /* A client has come (why NULL) or gone; may be NULL. */
    void (*on_client)(void *ctx, const char *peer, const char *why);

    /* What is kept for each client: infer's ctx for its requests. Both or none; none: infer's is
     * `ctx`. Who cannot be taken is refused with the words (503). */
    enum et_status (*open_client)(void *ctx, void **client, struct et_err *err);
    void (*close_client)(void *ctx, void *client);
};

struct et_openpi_server;

/* Serves on a loop, which the caller runs. `GET /healthz` is answered with "OK\n" to everybody;
 * a WebSocket is opened at any path. ET_EARG: no infer, metadata that cannot be written, an
 * api_key that is none; else as et_http_open. */
ET_MUST_USE ET_API enum et_status
et_openpi_server_open(struct et_openpi_server **server, struct et_loop *loop,
                      const struct et_openpi_server_options *options, struct et_err *err);

/* Says good-bye to its clients, and takes no more. They are gone (n_clients) after some turns of
 * the loop, where they answer; closing does not wait for them. */
ET_API void et_openpi_server_end(struct et_openpi_server *server);

/* Ends it, and its clients. NULL is allowed. Not from its callbacks. */
ET_API void et_openpi_server_close(struct et_openpi_server *server);

ET_API const char *et_openpi_server_address(const struct et_openpi_server *server); // with its port

struct et_openpi_counts {
    size_t n_clients;               // now
    int64_t n_requests, n_failed;   // answered, and failed, in all
    int64_t n_refused;              // WebSockets beyond clients_max
    int64_t infer_ns, infer_ns_max; // the last one's, and the longest
};
ET_API struct et_openpi_counts et_openpi_server_counts(const struct et_openpi_server *server);

/* ---- a client ---- */

/* Zero means the default. tls outlives the client. */
struct et_openpi_client_options {
    const char *url;          // "ws://127.0.0.1:8000", "wss://gpu-3.local:8000"
    const char *address;      // to connect to in place of the URL's
    const char *api_key;      // goes out as Authorization: Api-Key; by wss or to this machine alone
    struct et_tls *tls;       // demanded for wss
    size_t message_bytes_max; // either way; 32 MiB
    int64_t open_ns;          // until the server has said what it is; 10 s
};

struct et_openpi_client;

/* Connects, and waits for what the server says of itself. ET_EARG: as et_websocket_open.
 * ET_ECANCELLED: it took too long. ET_EIO: it is not there, refused (the text says with what code),
 * or said that it failed. ET_ECORRUPT: what speaks there is no policy. ET_ELIMIT, ET_ENOMEM. To try
 * again is the caller's. */
ET_MUST_USE ET_API enum et_status
et_openpi_client_open(struct et_openpi_client **client,
                      const struct et_openpi_client_options *options, struct et_err *err);
ET_API void et_openpi_client_close(struct et_openpi_client *client); // NULL is allowed

/* What the server said of itself; valid while the client is. */
ET_API const struct et_openpi_message *
et_openpi_client_metadata(const struct et_openpi_client *client);

/* Asks, and waits for the answer, which is valid until the next question. ET_EARG, ET_ECORRUPT of
 * the request, ET_ELIMIT: it was not sent, the connection stands. After any other failure, and an
 * answer that is none, the connection has ended: ET_EIO, the server said that it failed (err has
 * the last line of its words) or is gone; ET_ECORRUPT, it sent nonsense; ET_ECANCELLED, it took
 * longer than timeout_ns, or had ended before; ET_ELIMIT; ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_openpi_ask(struct et_openpi_client *client,
                                                const struct et_openpi_message *request,
                                                int64_t timeout_ns, struct et_openpi_message *reply,
                                                struct et_err *err);

/* The same in two steps, for who moves a robot meanwhile. Only one question is under way (ET_EARG).
 * et_openpi_receive: ET_AGAIN, the answer has not come within timeout_ns (0: do not wait). */
ET_MUST_USE ET_API enum et_status et_openpi_send(struct et_openpi_client *client,
                                                 const struct et_openpi_message *request,
                                                 struct et_err *err);
ET_MUST_USE ET_API enum et_status et_openpi_receive(struct et_openpi_client *client,
                                                    int64_t timeout_ns,
                                                    struct et_openpi_message *reply,
                                                    struct et_err *err);

/* Answers the server's pings: to be called every few seconds by who asks nothing for longer.
 * Python's servers end a connection after 40 s without. ET_OK: it stands. Else as et_openpi_ask. */
ET_MUST_USE ET_API enum et_status et_openpi_client_poll(struct et_openpi_client *client,
                                                        struct et_err *err);

/* All that a server said when it failed, a traceback often; "" before. */
ET_API const char *et_openpi_client_words(const struct et_openpi_client *client);

#endif
