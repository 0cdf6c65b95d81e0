/* Choosing a profile for a recording, and of several robots in it the one that the profile sees. */
#ifndef RECORDING_RECORDING__CHOOSE_H
#define RECORDING_RECORDING__CHOOSE_H

#include "recording/recording__open.h"

// A topic's first messages: publishers of one topic that name different joints take turns, and some
// begin with an empty message.
#define ET__SAMPLES_MAX 8

/* What is known of a channel before it is bound. */
struct et__glance {
    bool is_needed; // some rule leads from it
    bool is_read;   // and its first messages were
    size_t n_samples;
    struct et_str samples[ET__SAMPLES_MAX]; // first messages, the longest in front; owned
};

// A definition made while a profile is tried goes with it.
enum { ET__NO_DEF, ET__DEF, ET__TRIAL_DEF };

/* Streams that a profile makes, by the hashes of their names. Events and words tell no robots
 * apart, and are only counted. */
struct et__offer {
    uint64_t *streams; // owned
    size_t n, cap;
    size_t n_words;
    size_t n_joints; // with positions
};

/* How much a profile makes; words alone are nothing. */
static inline size_t et__offer_count(const struct et__offer *offer)
{
    return offer->n > 0 ? offer->n + offer->n_words : 0;
}

/* The channels of one device; those that name none are one, too, called "". */
struct et__robot {
    const char *name;
    bool is_wanted;         // by who asked
    bool is_taken;          // its channels are seen
    bool is_rival;          // it makes streams that one that is taken makes
    bool is_usual;          // it is taken where nobody is asked for
    struct et__offer offer; // what the profile makes of it alone
    size_t n_best;          // the most that a profile made of it alone, and the joints in that
    size_t n_best_joints;
};

struct et__choosing {
    struct et_recording *r;
    struct et_arena *arena;     // the recording's; a scratch one while profiles are tried
    struct et__glance *glances; // one a channel
    size_t n_glances;
    struct et_message_def *defs; // one a channel, made when first needed
    uint8_t *has_def;            // one of those above
    bool is_trial;
    struct et__robot *robots;
    size_t n_robots;
    size_t *robot_of; // one a channel; SIZE_MAX: what our own recorder says, which is everybody's
    bool *is_open;    // one a channel: it is seen
    bool has_wanted;  // who asked named devices
    bool must_claim;  // a stream is only of the robot that is taken for it
    struct et_err *err;
};

/* ---- trying (profile.c) ---- */

/* Not the profile's fault. */
static inline bool et__is_of_system(enum et_status status)
{
    return status == ET_ENOMEM || status == ET_EIO;
}

/* The topic without what tells robots apart. */
static inline const char *et__plain(const struct et_channel *channel)
{
    return channel->plain ? channel->plain : channel->topic;
}

/* Whether a rule leads from a channel, by its whole topic or the plain one. */
bool et__leads_from(const struct et_rule *rule, const struct et_channel *channel);

enum et_quantity et__quantity_of(const struct et_rule *rule);

/* Our own recorder's events. */
bool et__is_own_events(const struct et_channel *channel);

void et__choose_need(struct et__choosing *c, const struct et_profile *profile);

/* Reads the first messages of all channels that are needed, once. */
ET_MUST_USE enum et_status et__choose_glance(struct et__choosing *c);

/* Makes all definitions at once, in front of trials, which are rewound. */
ET_MUST_USE enum et_status et__choose_define(struct et__choosing *c);

/* Which streams a profile makes of the channels that are open. None where it contradicts them;
 * fails for want of memory and the like. */
ET_MUST_USE enum et_status et__choose_try(struct et__choosing *c, const struct et_profile *profile,
                                          struct et__offer *offer);

/* Binds the recording to it. */
ET_MUST_USE enum et_status et__choose_bind(struct et__choosing *c,
                                           const struct et_profile *profile);

/* ---- robots (devices.c) ---- */

/* The plain topic and the device of a channel of our own recorder, by what its metadata says of the
 * device: "/w1/joint_states" of "w1.arm" is "/joint_states", "/lowstate@10.0.0.7" of "g1" is
 * "/lowstate" of "g1@10.0.0.7". False: the arena is full. */
ET_MUST_USE bool et__name_device(struct et_channel *channel, struct et_str device,
                                 struct et_arena *arena);

/* Lists the devices. */
ET_MUST_USE enum et_status et__robots_open(struct et__choosing *c);
void et__robots_close(struct et__choosing *c);

/* Marks those that are wanted: names with commas between. ET_ENOTFOUND: none has such a name; the
 * text lists those there are. */
ET_MUST_USE enum et_status et__robots_want(struct et__choosing *c, const char *wanted);

/* What a profile makes of those that no other made anything of, to tell who is there. */
ET_MUST_USE enum et_status et__robots_look(struct et__choosing *c,
                                           const struct et_profile *profile);

/* Those that are taken now are the usual ones. */
void et__robots_are_usual(struct et__choosing *c);

/* Takes the robots that a profile sees, and opens their channels: of several that make one stream
 * only one. *n_streams: how many it makes of them; of the wanted ones, where some are wanted. */
ET_MUST_USE enum et_status et__robots_settle(struct et__choosing *c,
                                             const struct et_profile *profile, size_t *n_streams);

/* Whether a stream may be taken from a channel. */
bool et__robots_may(const struct et__choosing *c, const char *stream, size_t i_channel);

/* Fills the binding's devices, and who of them was taken. *left_out: whom to tell of, as names with
 * commas between, NULL: nobody; where some were wanted, those of them. False: the recording's arena
 * is full. is_other: the profile is not the one that is usual. */
ET_MUST_USE bool et__robots_told(const struct et__choosing *c, bool is_other,
                                 const char **left_out);

/* *names: with commas between, those that were asked for beside others and make nothing; NULL:
 * there are none. False: the recording's arena is full. */
ET_MUST_USE bool et__robots_unseen(const struct et__choosing *c, const char **names);

#endif
