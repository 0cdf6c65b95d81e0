/* What a robot of dds_sim.c says in its sample number k, so that who hears it can know. */
#ifndef TESTS_DDS_VALUES_H
#define TESTS_DDS_VALUES_H

#include <stdint.h>

#define DDS_N_JOINTS 29
#define DDS_N_MOTORS 35
#define DDS_NAME "left_shoulder_pitch_joint_%02d" // as long as makers' names are
#define DDS_NAME_BYTES 32
#define DDS_STAMP_S 1700000000

static inline double dds_position(uint32_t k, int joint)
{
    return k + joint / 64.0;
}

static inline unsigned char dds_byte(uint32_t k, uint32_t i)
{
    return (unsigned char)((k * 2654435761u + i * 40503u) >> 8);
}

// Of pictures: what changes little from one to the next, for bytes; in mm, for depth, with holes.
static inline unsigned char dds_grey(uint32_t k, uint32_t x, uint32_t y)
{
    return (unsigned char)(40 + (x + y) % 128 + k % 16 * 4);
}

static inline uint16_t dds_depth(uint32_t k, uint32_t x, uint32_t y)
{
    return (uint16_t)((x + k) % 11 == 0 ? 0 : 700 + (x * 7 + y * 13 + k * 29) % 4000);
}

#endif
