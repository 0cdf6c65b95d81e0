/* Clocks and links: what a device's clock shows, and when its messages come. */
#include "record__record.h"

#include <math.h>

#define JITTER_NS 20000 // of a device: its loop takes that long to read clocks

double et__chance_next(struct et__chance *chance)
{
    uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-53;
}

struct et__device et__device_at_best(enum et__device_name i, int64_t t0_ns, uint64_t seed)
{
    static const int64_t DELAY_NS[ET__N_DEVICES] = {
        [ET__DEVICE_BODY] = 150000, [ET__DEVICE_WRISTS] = 150000, [ET__DEVICE_HANDS] = 200000,
        [ET__DEVICE_IMU] = 150000,  [ET__DEVICE_CENTRE] = 20000,
    };
    return (struct et__device){
        .base_ns = t0_ns,
        .delay_ns = DELAY_NS[i] ? DELAY_NS[i] : 5000000, // a camera reads out and encodes
        .jitter_ns = i == ET__DEVICE_CENTRE ? 0 : JITTER_NS,
        .chance = {seed * 257 + i},
    };
}

int64_t et__device_time(const struct et__device *device, int64_t t_ns)
{
    const int64_t passed = t_ns - device->since_ns;
    const int64_t shows =
        device->base_ns + passed + llround((double)passed * device->drift_ppm * 1e-6);
    return device->tick_ns > 1 ? shows - shows % device->tick_ns : shows;
}

int64_t et__device_stamp(struct et__device *device, int64_t t_ns)
{
    return et__device_time(
        device, t_ns + llround((double)device->jitter_ns * et__chance_next(&device->chance)));
}

void et__device_set(struct et__device *device, int64_t t_ns, int64_t base_ns)
{
    device->since_ns = t_ns;
    device->base_ns = base_ns;
}

/* A stall holds everything that is sent in it until its end. */
static int64_t stall(struct et__device *device, int64_t t_ns)
{
    while (t_ns >= device->stall_to_ns) { // of the last one: draw the next
        const double pause_s = 0.2 + 0.4 * et__chance_next(&device->chance);
        device->stall_from_ns = device->stall_to_ns + llround(pause_s * 1e9);
        device->stall_to_ns = device->stall_from_ns + llround(device->stall_s * 1e9);
    }
    return t_ns >= device->stall_from_ns ? device->stall_to_ns : t_ns;
}

int64_t et__device_arrival(struct et__device *device, int64_t t_ns)
{
    const double u = et__chance_next(&device->chance);
    const int64_t t_sent = device->stall_s > 0 ? stall(device, t_ns) : t_ns;
    return t_sent + device->delay_ns + llround(0.6 * (double)device->delay_ns * u * u);
}
