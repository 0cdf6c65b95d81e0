/* OSC 1.0: the messages in a packet, be it a message or a bundle of them (of bundles).
 *
 * Our own, and not liblo's: that reads single messages, with memory for each; a bundle it reads
 * only into a server with a thread and callbacks. Here a packet is looked at where it lies.
 *
 * Anything that is not exactly OSC is passed over and counted: a length that does not fit ends its
 * bundle. Time tags are not used. */
#ifndef RECORD__OSC_H
#define RECORD__OSC_H

#include "etude/str.h"

#define ET__OSC_ARGS_MAX 16 // further ones are not looked at
#define ET__OSC_DEPTH_MAX 4 // bundles in bundles

struct et__osc_arg {
    char type;          // as in the message; of T, F, N, I and others there is nothing more
    double number;      // i f h d
    struct et_str text; // s S b
};

struct et__osc_message {
    struct et_str address;
    struct et__osc_arg args[ET__OSC_ARGS_MAX];
    size_t n_args;
};

struct et__osc {
    const unsigned char *bytes;
    size_t at, ends[ET__OSC_DEPTH_MAX];
    int depth;
    bool is_bundle; // the packet is
    size_t n_bad;   // messages and bundles that were none
};

void et__osc_begin(struct et__osc *osc, const void *bytes, size_t n);

/* The next message; its texts lie in the packet. False: there are no more. */
bool et__osc_next(struct et__osc *osc, struct et__osc_message *message);

/* The types of the arguments begin with these: "sfff". 'f' takes any number. */
bool et__osc_has(const struct et__osc_message *message, const char *types);

#endif
