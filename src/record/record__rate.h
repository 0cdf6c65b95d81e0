/* How often a stream's samples come, as it turns out: for streams of which nobody says it.
 *
 * Windows of some seconds are looked at. In each the median of the intervals between samples says
 * what is usual, by the device's stamps if it has them, and the mean of those near it how often:
 * samples that are lost, late or bunched change little. Where the median does not fit what came (a
 * topic of several writers, bursts) it is as many as came. A rate that windows agree on is learned.
 * It may rise later, but does not fall by itself: that samples come more seldom than they did is
 * what it is for.
 *
 * Memory: fixed, 600 bytes. */
#ifndef RECORD__RATE_H
#define RECORD__RATE_H

#include <stdint.h>

#define ET__RATE_INTERVALS 64

struct et__rate {                                                      // zeroed: nothing came yet
    float device_s[ET__RATE_INTERVALS], arrival_s[ET__RATE_INTERVALS]; // the last ones
    uint32_t n_device, n_arrival;                                      // of this window
    int64_t t_begin_ns, t_last_ns, t_device_ns;
    double before_hz; // of the window before
    unsigned n_agree; // windows, one after the other
    double learned_hz;
};

/* A sample came; t_device_ns 0: without a stamp. Returns what is learned by now, 0: nothing. */
double et__rate_put(struct et__rate *rate, int64_t t_arrival_ns, int64_t t_device_ns);

#endif
