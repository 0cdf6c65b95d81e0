/* Links between a device and the centre, simulated: what is sent when, and when it arrives. */
#ifndef TESTS_SIM_CLOCK_H
#define TESTS_SIM_CLOCK_H

#include <stddef.h>
#include <stdint.h>

enum sim_link { SIM_WIRED, SIM_BUSY, SIM_WIFI, SIM_USB };

struct sim_device {
    enum sim_link link;
    double rate_hz, duration_s;
    double skew_ppm;          // the device's clock runs faster by
    double walk;              // of the skew, a root second
    double offset_s;          // the device's clock at the start
    double tick_s;            // stamps are multiples of it; 0: nanoseconds
    double reset_at_s;        // the device starts again, its clock from 0; 0: never
    double step_at_s, step_s; // its clock is set forward
    double drop;              // part of the messages that never come
    uint64_t seed;
};

/* n messages, all in arrays that the caller frees with sim_free. t_true_ns is the moment of the
 * sample on the centre's clock plus the least delay of the link, which no one can know. */
struct sim_messages {
    int64_t *t_device_ns, *t_arrival_ns, *t_true_ns;
    uint32_t *sequence;
    size_t n;
};
void sim_run(const struct sim_device *device, struct sim_messages *messages);
void sim_free(struct sim_messages *messages);

/* The part `level` of n errors in ns is at most this. */
double sim_quantile(const int64_t *got, const int64_t *wanted, size_t n, double level);

#endif
