/* Online clock: what a device's stamps are worth while it is recorded, for display and alarms.
 *
 * The recording keeps raw stamps and arrivals, and the clock model of curation is fitted to all of
 * them afterwards (etude/clock_model.h). This one sees a sample at a time, and only the past: the
 * lower hull of arrival − stamp over the last minute. The edge that spans a moment a quarter of the
 * window ago is prolonged to now, since the hull's own end is the last sample, whatever its delay.
 *
 * A clock that jumps, or a device that starts again, begins anew and is counted. What the hull
 * cannot tell is told beside it: the tick of coarse stamps, and whether there are stamps at all.
 * The least delay of the path stays in the offset, as it does in every one-way method; and a step
 * back by less than 50 ms looks like a congestion until it is as old as the window.
 *
 * Units:   nanoseconds; both clocks count from where they like.
 * Threads: a clock belongs to one thread.
 * Memory:  about 32 KB, allocated when it is opened. */
#ifndef ETUDE_CLOCK_LIVE_H
#define ETUDE_CLOCK_LIVE_H

#include "etude/clock_model.h"
#include "etude/str.h"

struct et_clock_live;

/* Zeroed: the defaults, which are those of et_clock_options. */
struct et_clock_live_options {
    int64_t window_ns; // of the hull; 0: 60 s
    int64_t step_ns;   // a jump forward that begins anew; 0: 5 ms
    int64_t coarse_ns; // ticks from here on are coarse; 0: 100 µs
};

/* options may be NULL. ET_EARG: an option is negative, the window not 1 s … a day. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_clock_live_open(struct et_clock_live **clock,
                                                     const struct et_clock_live_options *options,
                                                     struct et_err *err);
ET_API void et_clock_live_close(struct et_clock_live *clock); // NULL is allowed

/* Takes in a sample; t_device_ns 0, or beyond 70 years: it has no stamp. */
ET_API void et_clock_live_put(struct et_clock_live *clock, int64_t t_device_ns,
                              int64_t t_arrival_ns);

struct et_clock_live_state {
    uint64_t n;            // samples
    uint64_t n_unstamped;  // of them without a stamp
    uint64_t n_disordered; // with a stamp before that of a sample before
    uint64_t n_resets;     // jumps of the device's clock
    int64_t step_ns;       // the last of these; 0: none
    bool has_stamps;       // half the samples have one
    /* ARRIVAL: there are no stamps. COUNTER: they are coarse; samples may be counted by them, and
     * times from this model are early by up to a tick. Else DEVICE. */
    enum et_clock_source source;
    int64_t tick_ns;     // what all stamps since the last reset are multiples of, from its first on
    int64_t t_device_ns; // the latest stamp
    int64_t offset_ns;   // arrival's clock minus the device's, there, beyond the least delay
    double skew_ppm;     // how much faster arrival's clock runs
    int64_t delay_p50_ns; // beyond the least, of the last half to whole window, to 10 %
    int64_t delay_p99_ns;
    int64_t jitter_ns; // from sample to sample, smoothed (RFC 3550, 6.4.1)
};

/* What is known now. The model behind it is at most 1/60 of the window old. */
ET_API struct et_clock_live_state et_clock_live_state(const struct et_clock_live *clock);

/* A stamp moved to arrival's clock; itself while there is no model. */
ET_API int64_t et_clock_live_ns(const struct et_clock_live *clock, int64_t t_device_ns);

/* Appends an etude_msgs/msg/ClockModel, in CDR, whose stamp is t_ns: the line of the window as two
 * knots, none where there are no stamps. Check the buffer after. */
ET_API void et_clock_live_message(const struct et_clock_live *clock, struct et_str stream,
                                  int64_t t_ns, struct et_buf *buf);

#endif
