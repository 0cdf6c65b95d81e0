/* Truth recordings: three makers' layouts, moved by one robot's real motion, with every fault
 * known.
 *
 * One true motion is sampled by devices whose clocks are wrong in known ways; their messages cross
 * links of known delays; what arrives is written as each maker's software would write it, and the
 * truth beside it. doc/truth-recordings.md says what is in which file.
 *
 * Units:   seconds from the recording's begin on the centre's clock (…_s), nanoseconds since 1970
 *          on it (…_ns), rad, N m, N. Values of the motion stand as Q_… says.
 * Memory:  plain calloc, given back at the end of the program; a failure ends the program. */
#ifndef TESTS_TRUTH_H
#define TESTS_TRUTH_H

#include "../support.h"

#include "etude/str.h"

#define N_ARM 7
#define N_HAND 6
enum { Q_ARM = 0, Q_HAND = 2 * N_ARM, N_Q = 2 * N_ARM + 2 * N_HAND }; // left before right
enum { LEFT, RIGHT };

#define EPISODES_MAX 32
#define PUSHES_MAX 64
#define GRID_HZ 500.0
#define GRID_BEFORE_S 1.0 // the grid begins so much before the recording, and ends so much after it
#define REST_S 4.0        // between demonstrations
#define MARK_S 0.4        // marks stand so much before and after the motion
#define ENCODER_NOISE_RAD 5e-5

/* ---- motion ---- */

struct demonstration {
    double begin_s, end_s; // of the motion; standing still before and after
    char label[160];
};

struct push {
    double from_s, to_s; // a half sine of force between them
    int side;
    double force_n, direction[3]; // at the hand, in the torso's frame
    double torque_nm;             // the largest that a joint feels
};

struct motion {
    double seconds;
    bool is_made;         // generated, not from real data
    size_t n;             // samples of the grid
    double *q, *dq, *ddq; // n × N_Q
    double low[N_Q], high[N_Q];
    struct demonstration episodes[EPISODES_MAX];
    size_t n_episodes;
    struct push pushes[PUSHES_MAX];
    size_t n_pushes;
};

/* Demonstrations one after the other. `data` is the folder with unitree_g1, or NULL for made
 * motion; it is also made where the folder cannot be read, which is said on stderr. Where only one
 * arm will be shown it is the same in all. */
void motion_make(struct motion *motion, double seconds, uint64_t seed, bool has_one_arm,
                 const char *data);
void motion_free(struct motion *motion);

/* Positions, and where not NULL velocities and accelerations, at a time. */
void motion_at(const struct motion *motion, double t_s, double *q, double *dq, double *ddq);

/* A smooth function of time of deviation 1 with 30 random values a second: noise of encoder k. */
double motion_noise(uint64_t seed, size_t k, double t_s);

/* ---- torque ---- */

/* What joint sensors of an arm feel: inverse dynamics of a G1's arm, friction, pushes. */
void arm_torque(const struct motion *motion, int side, double t_s, double tau[N_ARM]);

/* The force at a hand by pushes, torso's frame. */
void push_force(const struct motion *motion, int side, double t_s, double force[3]);

/* One or two pushes in every demonstration, arms in turn. */
void pushes_plan(struct motion *motion, double force_n, uint64_t seed);

extern const double ARM_VISCOUS[N_ARM], ARM_COULOMB[N_ARM], ARM_MASS_SCALE;
#define COULOMB_SPEED 0.03 // rad/s: friction is ARM_COULOMB × tanh(speed / this)

/* ---- devices ---- */

#define RESETS_MAX 4
struct device {
    const char *name;
    int64_t offset_ns; // device − centre when the recording begins
    double drift_ppm;  // the device runs faster by
    int64_t tick_ns;   // its stamps are multiples of it; 1: nanoseconds
    double reset_s[RESETS_MAX];
    int64_t after_ns[RESETS_MAX]; // what it shows just after the reset
    size_t n_resets;
};

enum link { LINK_WIRED, LINK_BUSY, LINK_WIFI, LINK_USB };

struct channel;
struct recording;
typedef void encode_fn(const struct recording *recording, const struct channel *channel, size_t i,
                       struct et_buf *to);

#define STREAMS_MAX 24
#define SPANS_MAX 4
struct channel {
    const char *topic, *type; // "unitree_hg/msg/LowState"
    struct {
        const char *stream, *field;
    } streams[STREAMS_MAX]; // the first one names the file of true times
    size_t n_streams;
    const struct device *device; // NULL: messages have no stamp
    enum link link;
    double min_delay_s;
    double rate_hz, jitter_s;  // of sampling; rate 0: at given times
    double latency_s;          // of a camera: exposure before stamp
    double drop;               // part of the messages that never come
    double gaps[SPANS_MAX][2]; // all of them are lost
    size_t n_gaps;
    double frozen[SPANS_MAX][2]; // a camera repeats its picture
    size_t n_frozen;
    double disordered_at_s; // one stamp is 3.5 periods early; 0: none
    int side;               // of a wrist's camera and the like
    encode_fn *encode;
    const char *const *texts; // of events, one a message

    // Made by channel_schedule.
    size_t n;
    double *t_s; // of the stamp on the centre's clock
    int64_t *t_arrival_ns, *t_device_ns;
    uint32_t *number; // of the sample, lost ones counted
    uint32_t *lost;   // numbers of those that were dropped (gaps not counted)
    size_t n_lost;
    uint32_t *disordered; // places in the file's order
    size_t n_disordered;
};

#define CHANNELS_MAX 24
struct recording {
    const char *name, *file; // "kuavo", "kuavo.bag"
    const struct motion *motion;
    int magnitude;
    uint64_t seed;
    int64_t t0_ns;
    double arm_latency_s, hand_latency_s; // of states behind commands
    double stall_s[2], slow_s[2];         // of a busy host: nothing arrives; 50 ms more
    const char *torque;                   // how it was made
    const char *pushed[2];                // the part that a push on either arm is seen in; NULL
    const char *commanded[4];             // parts of both arms and both hands; NULL
    bool is_marked;
    int arm; // of a robot with one arm: the one that is shown
    struct device devices[CHANNELS_MAX];
    size_t n_devices;
    struct channel channels[CHANNELS_MAX];
    size_t n_channels;
};

/* Samples, stamps and arrivals of a channel. `times_s` for channels of rate 0. */
void channel_schedule(struct recording *recording, struct channel *channel, const double *times_s,
                      size_t n_times);

/* The nanoseconds that a device shows, before its ticks. */
int64_t device_time(const struct recording *recording, const struct device *device, double t_s);

/* A number of deviation 1 that belongs to value k of message i. */
double message_noise(const struct recording *recording, const struct channel *channel, size_t i,
                     size_t k);

/* Begins a recording of a magnitude; its parts say which device has which fault. */
void recording_begin(struct recording *recording, const struct motion *motion, int magnitude,
                     uint64_t seed);
void recording_free(struct recording *recording);

/* A device: the magnitude's offset and drift times factors, so that no two are alike. */
struct device *add_device(struct recording *recording, const char *name, double offset_factor,
                          double drift_factor);
void add_reset(struct device *device, double at_s, double shows_s);
/* A channel; the caller fills in the rest and schedules it. */
struct channel *add_channel(struct recording *recording, const char *topic, const char *type,
                            const struct device *device, double rate_hz);
void add_stream(struct channel *channel, const char *stream, const char *field);
void add_gap(struct channel *channel, double from_s, double to_s);
void add_frozen(struct channel *channel, double from_s, double to_s);

/* Values of the magnitude: of three, the one that counts. */
double by_magnitude(const struct recording *recording, double one, double two, double three);

/* A moment when the arms move: the middle of demonstration k (of the last where there are fewer),
 * or `part` of the recording where there is none. */
double moving_at(const struct motion *motion, size_t k, double part);

/* All messages in the order of arrival. */
typedef bool put_fn(void *to, const struct recording *recording, size_t i_channel, size_t i,
                    struct et_str bytes);
bool recording_write(const struct recording *recording, put_fn *put, void *to);

/* ---- pictures ---- */

#define PICTURE_WIDTH 320
#define PICTURE_HEIGHT 240
/* Which joints move a picture: two discs, one an arm, or (wrist) the whole of it. */
enum { DISC_X = 0, DISC_Y = 3, PAN_X = 4, PAN_Y = 0 };
double picture_px_per_rad(const struct motion *motion, int side, int joint);
void picture_jpeg(const struct recording *recording, const struct channel *channel, size_t i,
                  bool is_wrist, struct et_buf *to);
void picture_depth_png(const struct recording *recording, const struct channel *channel, size_t i,
                       struct et_buf *to);

/* ---- the truth, and the three layouts ---- */

bool truth_write(const struct recording *recording, const char *folder);

bool make_unitree(const struct motion *motion, int magnitude, uint64_t seed, const char *folder);
bool make_ros2(const struct motion *motion, int magnitude, uint64_t seed, const char *folder);
bool make_kuavo(const struct motion *motion, int magnitude, uint64_t seed, const char *folder,
                const char *data);

/* Ends the program where memory is short: a tool for tests may. */
void *need(void *p);

#endif
