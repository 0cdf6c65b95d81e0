/* WebXR: a trainer's headset, whose browser shows our page and sends poses over a WebSocket.
 *
 * doc/format-webxr.md has the bytes. What is pure stands first: frames out of bytes, clocks out of
 * pings. Behind it the source: one server, one headset at a time.
 *
 * Units: metres, radians; times are nanoseconds, t_…_ns of a frame on the page's clock. */
#ifndef ETUDE_RECORD_WEBXR_H
#define ETUDE_RECORD_WEBXR_H

#include "etude/operator.h"
#include "etude/source.h"
#include "etude/websocket.h"

/* ---- frames (source_webxr_frame.c) ---- */

#define ET__WEBXR_VERSION 1
#define ET__WEBXR_BUTTONS_MAX 16
#define ET__WEBXR_AXES_MAX 8
#define ET__WEBXR_MESSAGE_BYTES_MAX 4096 // of any message of a page

enum { ET__WEBXR_FRAME = 1, ET__WEBXR_PING = 2 }; // first byte of a binary message

enum et__webxr_input { ET__WEBXR_ABSENT, ET__WEBXR_CONTROLLER, ET__WEBXR_HAND };

struct et__webxr_hand {
    enum et__webxr_input input;
    bool is_tracked, is_emulated, has_joints;
    struct et_pose pose; // of the grip
    size_t n_buttons, n_axes;
    uint32_t pressed; // bit i: button i
    double values[ET__WEBXR_BUTTONS_MAX], axes[ET__WEBXR_AXES_MAX];
    struct et_pose joints[ET_OPERATOR_JOINTS];
    float radii_m[ET_OPERATOR_JOINTS];
};

struct et__webxr_frame {
    uint32_t seq;
    int64_t t_frame_ns, t_predicted_ns, t_sent_ns; // t_predicted_ns 0: not known
    bool head_is_tracked, head_is_emulated, is_reset;
    struct et_pose head;
    struct et__webxr_hand hands[2]; // left, right
};

/* Poses come out on the robot's axes. A pose with numbers that are none is not tracked, whatever it
 * says of itself. ET_ECORRUPT: it is no frame; err->at is the byte. */
ET_MUST_USE enum et_status et__webxr_frame_read(struct et_str bytes, struct et__webxr_frame *frame,
                                                struct et_err *err);

/* x right, y up, z back → x front, y left, z up: the axes of world and body are both exchanged. */
struct et_pose et__webxr_to_robot(struct et_pose pose);

/* Milliseconds of performance.now(); 0: they are no time. */
int64_t et__webxr_time(double t_ms);

/* An answer to a ping: its number, and when it came and was answered on the page's clock. */
struct et__webxr_pong {
    uint32_t id;
    int64_t t_came_ns, t_sent_ns;
};
ET_MUST_USE enum et_status et__webxr_pong_read(struct et_str bytes, struct et__webxr_pong *pong,
                                               struct et_err *err);
/* A ping's bytes. */
#define ET__WEBXR_PING_BYTES 8
void et__webxr_ping_put(uint32_t id, char bytes[ET__WEBXR_PING_BYTES]);

/* ---- clocks (source_webxr_sync.c) ---- */

#define ET__WEBXR_SYNC_SAMPLES 64 // 13 s of pings
#define ET__WEBXR_DRIFT 100e-6    // that two quartzes may differ by

struct et__webxr_sync {
    struct {
        int64_t t_ns, offset_ns, delay_ns;
    } samples[ET__WEBXR_SYNC_SAMPLES];
    size_t n, i_next;
    int64_t resolution_ns; // of the page's clock
};

/* A ping's four times: sent here, come there, answered there, come here. Those that cannot be are
 * passed over. */
void et__webxr_sync_put(struct et__webxr_sync *sync, int64_t t_sent_ns,
                        const struct et__webxr_pong *pong, int64_t t_back_ns);

struct et__webxr_offset {
    int64_t offset_ns;                  // CLOCK_MONOTONIC less the page's clock
    int64_t uncertainty_ns;             // the truth is within so much; > 0
    int64_t round_trip_ns;              // of the ping behind it
    int64_t delay_p50_ns, delay_p99_ns; // one way, beyond the least
};
/* What is known at t_ns. false: nothing yet. */
bool et__webxr_sync_offset(const struct et__webxr_sync *sync, int64_t t_ns,
                           struct et__webxr_offset *offset);

/* ---- into the feed (source_webxr_put.c) ---- */

struct et__webxr_streams {
    struct et_feed *feed;
    const char *frame; // that poses are given in
    uint16_t head, hands[2], joints[2], radii[2], moment, clock;
    struct et_pose last_head, last_hands[2]; // that were tracked
    struct et_buf buf;
};

ET_MUST_USE enum et_status et__webxr_streams_open(struct et__webxr_streams *streams,
                                                  struct et_feed *feed, const char *device,
                                                  const char *frame, double rate_hz,
                                                  struct et_err *err);
void et__webxr_streams_close(struct et__webxr_streams *streams);

/* offset NULL: not known. */
void et__webxr_put_frame(struct et__webxr_streams *streams, const struct et__webxr_frame *frame,
                         const struct et__webxr_offset *offset, int64_t t_arrival_ns);
void et__webxr_put_radii(struct et__webxr_streams *streams, const struct et__webxr_frame *frame,
                         int64_t t_arrival_ns);
void et__webxr_put_clock(struct et__webxr_streams *streams, const struct et__webxr_offset *offset,
                         int64_t t_now_ns);

/* The name of button i of the left (0) or the right hand: "trigger", "x"; NULL beyond the last. */
const char *et__webxr_button_name(int side, size_t i);

/* ---- the headset (source_webxr_peer.c) ---- */

#define ET__WEBXR_PAGE_BYTES 40
#define ET__WEBXR_TEXT_BYTES 256
#define ET__WEBXR_PAGES_MAX 8

// Why a page is sent away; its own codes begin at 4000 (RFC 6455, 7.4.2).
enum { ET__WEBXR_BUSY = 4001, ET__WEBXR_REPLACED = 4002, ET__WEBXR_OTHER_VERSION = 4003 };

struct et__webxr_peer {
    struct et_source_options options;
    struct et_loop *loop;
    struct et__webxr_streams streams;
    const struct et_value *settings;
    bool replaces; // a second headset takes over
    struct et_timer ping, tick;

    struct et_websocket *ws;                           // the headset's; NULL: nobody is there
    struct et_websocket *pages[ET__WEBXR_PAGES_MAX];   // that only look on and set marks
    struct et_websocket *leaving[ET__WEBXR_PAGES_MAX]; // that were sent away
    struct et_arena *arena;                            // of one text of the page
    char page[ET__WEBXR_PAGE_BYTES];
    char agent[ET__WEBXR_TEXT_BYTES];
    bool is_live;       // frames come
    bool has_seq;       // of this page
    uint32_t seq;       // of its last frame
    int64_t t_frame_ns; // when it came
    struct et__webxr_frame frame;
    struct et__webxr_sync sync;
    uint32_t ping_id;
    int64_t t_ping_ns; // 0: none is under way
    uint64_t n_frames, n_lost, n_garbage, n_garbage_told;
    uint64_t n_frames_before;           // at the last tick
    char garbage[ET__WEBXR_TEXT_BYTES]; // what was wrong with the last
    struct et_source_news news;
    char skill[ET__WEBXR_TEXT_BYTES], instruction[ET__WEBXR_TEXT_BYTES];
};

ET_MUST_USE enum et_status et__webxr_peer_open(struct et__webxr_peer *peer, struct et_err *err);
void et__webxr_peer_close(struct et__webxr_peer *peer);

/* A request for the WebSocket. */
void et__webxr_peer_accept(void *ctx, struct et_http_exchange *x);
void et__webxr_peer_tell(struct et__webxr_peer *peer, const struct et_source_news *news);

/* Checks that buttons are named and marks are words; for settings. */
ET_MUST_USE enum et_status et__webxr_check_buttons(const struct et_value *buttons, const char *path,
                                                   struct et_err *err);

#endif
