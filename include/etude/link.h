/* The link: live samples from a robot's computer to the recorder, over TCP, TLS or a Unix socket.
 *
 * A hundred robots on one network cannot all be listened to by one process: they use the same
 * names, and each sample would cost the recorder a call into the system. So a small agent on each
 * robot takes what its sources bring, some milliseconds at a time, and sends it as one batch. What
 * the recorder has not taken yet the agent keeps, in memory and then on its disk; after a break it
 * goes on where the recorder was, so that a break neither loses nor repeats a sample. What was lost
 * all the same is told by stream and number, as everywhere.
 *
 *     sources → et_feed → et_link_agent  ~~~  et_link_server → et_feed → recorder
 *
 * The recorder pings each agent, so that a sample's arrival at the agent is known on the recorder's
 * clock: half the fastest round trip is what it may be wrong by. doc/format-link.md has the bytes.
 *
 * Units:   times are nanoseconds of CLOCK_MONOTONIC, each machine's own.
 * Threads: an agent, a server and what is on them belong to the thread of their loop, which is the
 *          one that takes from an agent's feeds and puts into a server's.
 * Memory:  an agent has window_bytes and the batch that it makes. A server has for each agent what
 * a connection may hold: one frame, of at most ET_LINK_SAMPLE_BYTES_MAX and a little. */
#ifndef ETUDE_LINK_H
#define ETUDE_LINK_H

#include "etude/feed.h"
#include "etude/log.h"
#include "etude/net.h"

#define ET_LINK_ADDRESS "127.0.0.1:7447"
#define ET_LINK_SAMPLE_BYTES_MAX ((size_t)4 << 20) // a larger one is lost, and told to be
#define ET_LINK_TOKEN_BYTES_MAX 256
#define ET_LINK_SPOOL_BYTES_MAX (INT64_C(1) << 42) // a file of ext4 ends at 2^44

/* A token from a file: its text without white space around it. ET_ECORRUPT: it is empty or too
 * long, or others than its owner may read it. ET_ENOTFOUND, ET_EIO. */
ET_MUST_USE ET_API enum et_status
et_link_token_read(const char *path, char token[ET_LINK_TOKEN_BYTES_MAX + 1], struct et_err *err);

/* ---- the robot's side ---- */

struct et_link_agent;
struct et_station_file;

#define ET_LINK_FEEDS_MAX 32

/* Zeroed but for the address and the id: all as usual. Copied, but for tls, log and ctx. */
struct et_link_agent_options {
    const char *address;
    const char *id;               // [a-z0-9_.-], at most 64; one of its own in the centre
    const char *token;            // NULL: none
    const char *robot, *serial;   // NULL: not known
    struct et_tls *tls;           // outlives the agent; NULL: none, to this machine alone
    const char *host;             // whom the certificate must name; NULL: the address's host
    uint64_t session;             // of this run of the agent; 0: drawn
    int64_t batch_ns;             // from batch to batch; 0: 10 ms
    size_t window_bytes;          // that may wait in memory for the recorder; 0: 16 MiB
    const char *spool;            // path of a file for what waits; NULL: none. See below
    int64_t spool_bytes;          // of it; 0: 1 GiB. Where it is full the oldest go
    int64_t retry_ns_max;         // between two attempts to connect; 0: 10 s
    const struct et_log *log;     // connections and what became of them
    int64_t (*now_ns)(void *ctx); // NULL: et_clock_monotonic_ns
    void *ctx;
};

/* Begins to connect, and goes on trying for ever. What an agent of that name before this one left
 * in the spool is sent first, in its session. While the recorder is away all goes to the spool, so
 * that a kill of the agent loses what it had not sealed yet, of the last batch_ns; of what it held
 * while the recorder was there, what was not taken: that is told as an event `lost`. A damaged
 * spool is taken as far as it holds.
 *
 * ET_EARG: the id or the token is none, or others would be spoken to without TLS. ET_EIO: the spool
 * cannot be made. ET_EEXISTS: another agent uses it. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_link_agent_open(struct et_link_agent **agent,
                                                     struct et_loop *loop,
                                                     const struct et_link_agent_options *options,
                                                     struct et_err *err);
/* What was not taken waits in the spool for the next one; without a spool it is lost. NULL is
 * allowed. */
ET_API void et_link_agent_close(struct et_link_agent *agent);

/* Takes from this feed, too, from now on; the feed outlives the agent. ET_ELIMIT: too many. */
ET_MUST_USE ET_API enum et_status et_link_agent_add(struct et_link_agent *agent,
                                                    struct et_feed *feed, struct et_err *err);

/* Opens the sources of a station's file, each on a feed of its own, and polls them on the loop. The
 * file outlives the agent. Errors are those of et_source_open, with the source's name. */
ET_MUST_USE ET_API enum et_status et_link_agent_add_sources(struct et_link_agent *agent,
                                                            const struct et_station_file *file,
                                                            struct et_err *err);

/* Nothing more will come, its own sources are polled no more: once all is taken the agent says
 * goodbye, and is over. */
ET_API void et_link_agent_finish(struct et_link_agent *agent);

enum et_link_state { ET_LINK_AWAY, ET_LINK_UP, ET_LINK_OVER };

struct et_link_agent_status {
    enum et_link_state state;
    bool is_dry;                 // every source is over (a replay that came to its end)
    uint64_t n_records, n_taken; // samples and words of loss: made or found in the spool, taken
    uint64_t n_lost;             // that went from the spool for want of room, or damaged
    uint64_t n_sent_bytes;
    size_t window_bytes;   // that wait in memory
    int64_t spool_bytes;   // and on the disk
    unsigned n_connected;  // times
    struct et_err trouble; // why it is away
};
ET_API struct et_link_agent_status et_link_agent_status(const struct et_link_agent *agent);

/* ---- the recorder's side ---- */

struct et_link_server;

/* Who is there; texts are valid until the call returns. */
struct et_link_hello {
    const char *agent, *robot, *serial; // robot, serial: NULL where it does not say
    const char *peer;                   // its address
    uint64_t session;
    int64_t t_agent_ns, t_real_ns; // its clocks when it said so
};

/* Where its samples go. */
struct et_link_place {
    struct et_feed *feed; // outlives the server
    bool is_prefixed;     // "/<agent>" before its topics, "<agent>." before its devices
    bool is_numbered;     // samples carry session and number, so that recordings tell n_taken
    uint64_t n_taken;     // of this session, by a server before this one; else 0
    void *ctx;            // for the calls below
};

/* Zeroed but for on_agent: all as usual. */
struct et_link_server_options {
    struct et_listen_options listen; // address NULL: ET_LINK_ADDRESS; connections are the server's
    const char *token;               // that agents must have; NULL: none, on this machine only
    size_t agents_max;               // that are known; 0: 256
    /* Says where an agent's samples go; called for every connection it makes. Failing refuses it,
     * with err's text. */
    enum et_status (*on_agent)(void *ctx, const struct et_link_hello *hello,
                               struct et_link_place *place, struct et_err *err);
    /* Its connection has ended. NULL: nobody asks. */
    void (*on_gone)(void *ctx, void *place_ctx);
    /* What was put into the place's feed until then is safe. Only that is acknowledged, so that an
     * agent sends again what a kill of the recorder takes. NULL: what is put is. */
    int64_t (*safe_ns)(void *ctx, void *place_ctx);
    const struct et_log *log;
    int64_t (*now_ns)(void *ctx); // NULL: et_clock_monotonic_ns
    void *ctx;
};

/* Listens. Errors are those of et_listener_open; ET_EARG: one that other machines reach, without a
 * token. */
ET_MUST_USE ET_API enum et_status et_link_server_open(struct et_link_server **server,
                                                      struct et_loop *loop,
                                                      const struct et_link_server_options *options,
                                                      struct et_err *err);
/* Ends all connections at once; agents try again. NULL is allowed. */
ET_API void et_link_server_close(struct et_link_server *server);
ET_API const char *et_link_server_address(const struct et_link_server *server);

/* Says to every agent what is taken by now, without waiting for the time to do so; it goes out when
 * the loop comes round. */
ET_API void et_link_server_acknowledge(struct et_link_server *server);

struct et_link_server_status {
    size_t n_agents, n_connected;
    uint64_t n_bytes, n_batches, n_records; // that were taken
    uint64_t n_repeated;                    // records that were taken before, and passed over
    uint64_t n_refused;                     // connections: token, name, version
    uint64_t n_broken;                      // connections that ended for breaking the rules
};
ET_API struct et_link_server_status et_link_server_status(const struct et_link_server *server);

struct et_link_agent_seen {
    const char *agent; // as long as the server
    bool is_connected;
    uint64_t session, n_taken;
    int64_t ahead_ns, round_ns; // its clock against ours, by the best ping; 0, 0: not known
};
ET_API struct et_link_agent_seen et_link_server_agent(const struct et_link_server *server,
                                                      size_t i);

#endif
