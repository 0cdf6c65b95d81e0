// What one thread puts the other takes, in order and whole; what has no room is refused.
#include "record/record__ring.h"
#include "support.h"
#include "tap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;

#define N_SAMPLES 300000
#define BYTES_MAX 1500

// Sample k: its length and bytes follow from k.
static uint32_t length_of(uint64_t k)
{
    return (uint32_t)(k * 2654435761u % BYTES_MAX);
}

static struct et__ring_sample sample_of(uint64_t k)
{
    return (struct et__ring_sample){.t_arrival_ns = (int64_t)k,
                                    .t_device_ns = -(int64_t)k,
                                    .n_bytes = length_of(k),
                                    .stream = (uint16_t)(k % 1000)};
}

static bool is_sample(const struct et__ring_sample *sample, const unsigned char *bytes, uint64_t k)
{
    const struct et__ring_sample want = sample_of(k);
    bool is_same = sample->t_arrival_ns == want.t_arrival_ns &&
                   sample->t_device_ns == want.t_device_ns && sample->n_bytes == want.n_bytes &&
                   sample->stream == want.stream;
    for (uint32_t i = 0; is_same && i < want.n_bytes; i++)
        is_same = bytes[i] == (unsigned char)(k + i);
    return is_same;
}

static bool put(struct et__ring *ring, uint64_t k)
{
    unsigned char bytes[BYTES_MAX];
    const struct et__ring_sample sample = sample_of(k);
    for (uint32_t i = 0; i < sample.n_bytes; i++)
        bytes[i] = (unsigned char)(k + i);
    return et__ring_put(ring, &sample, bytes);
}

static void takes_what_was_put_in_order(void)
{
    struct rng rng = {5};
    struct et__ring *ring;
    uint64_t n_put = 0, n_taken = 0;
    const void *bytes;
    CHECK_OK(et__ring_open(&ring, 4096, &err));
    CHECK(!et__ring_peek(ring, &bytes));
    for (int i = 0; i < 100000; i++) {
        if (rng_next(&rng) % 2) {
            n_put += put(ring, n_put);
            continue;
        }
        const struct et__ring_sample *sample = et__ring_peek(ring, &bytes);
        if (!CHECK(sample ? is_sample(sample, bytes, n_taken) : n_taken == n_put))
            break;
        if (sample) {
            et__ring_pop(ring);
            n_taken++;
        }
        CHECK(et__ring_used(ring) <= et__ring_bytes(ring));
    }
    CHECK(n_put > 30000);
    et__ring_close(ring);
}

static void what_has_no_room_is_refused(void)
{
    static unsigned char bytes[4096];
    struct et__ring *ring;
    const void *got;
    size_t n = 0;
    CHECK_OK(et__ring_open(&ring, 4096, &err));
    struct et__ring_sample sample = {.n_bytes = 2048};
    CHECK(!et__ring_put(ring, &sample, bytes)); // more than half, with its head
    sample.n_bytes = 2048 - sizeof sample;
    CHECK(et__ring_put(ring, &sample, bytes));
    CHECK(et__ring_put(ring, &sample, bytes));
    CHECK_EQ(et__ring_used(ring), 4096);
    CHECK(!et__ring_put(ring, &(struct et__ring_sample){0}, bytes));
    while (et__ring_peek(ring, &got)) {
        et__ring_pop(ring);
        n++;
    }
    CHECK_EQ(n, 2);
    CHECK_EQ(et__ring_used(ring), 0);
    et__ring_close(ring);
    static const size_t SIZES[] = {0, 1, 2048, 5000, (size_t)2 << 30};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++)
        CHECK_EQ(et__ring_open(&ring, SIZES[i], &err), ET_EARG);
}

static void an_emptied_ring_stays_near_its_beginning(void)
{
    struct et__ring *ring;
    const void *bytes, *lowest = NULL, *highest = NULL;
    uint64_t n_put = 0, n_taken = 0;
    CHECK_OK(et__ring_open(&ring, (size_t)8 << 20, &err));
    for (int i = 0; i < 1000; i++) {
        size_t n_bytes = 0;
        for (int k = 0; k < 20; k++, n_put++) {
            n_bytes += (length_of(n_put) + 7) / 8 * 8 + sizeof(struct et__ring_sample);
            CHECK(put(ring, n_put));
            CHECK_EQ(et__ring_used(ring), n_bytes);
        }
        for (const struct et__ring_sample *s; (s = et__ring_peek(ring, &bytes)); n_taken++) {
            if (!CHECK(is_sample(s, bytes, n_taken)))
                break;
            lowest = !lowest || bytes < lowest ? bytes : lowest;
            highest = bytes > highest ? bytes : highest;
            et__ring_pop(ring);
        }
    }
    CHECK_EQ(n_taken, n_put);
    // Gone back, it has room for as much as ever.
    const size_t room = et__ring_bytes(ring) - (64 << 10);
    while (et__ring_used(ring) < room && CHECK(put(ring, n_put)))
        n_put++;
    CHECK((const char *)highest - (const char *)lowest < 128 << 10);
    et__ring_close(ring);
}

static void *put_all(void *arg)
{
    for (uint64_t k = 0; k < N_SAMPLES;)
        k += put(arg, k);
    return NULL;
}

static void two_threads_lose_nothing(void)
{
    struct et__ring *ring;
    pthread_t thread;
    uint64_t n_taken = 0, n_wrong = 0;
    CHECK_OK(et__ring_open(&ring, (size_t)256 << 10, &err));
    if (!CHECK(pthread_create(&thread, NULL, put_all, ring) == 0))
        return;
    while (n_taken < N_SAMPLES) {
        const void *bytes;
        const struct et__ring_sample *sample = et__ring_peek(ring, &bytes);
        if (!sample)
            continue;
        n_wrong += !is_sample(sample, bytes, n_taken++);
        et__ring_pop(ring);
    }
    CHECK_EQ(n_wrong, 0);
    (void)pthread_join(thread, NULL);
    et__ring_close(ring);
}

int main(void)
{
    RUN(takes_what_was_put_in_order);
    RUN(what_has_no_room_is_refused);
    RUN(an_emptied_ring_stays_near_its_beginning);
    RUN(two_threads_lose_nothing);
    return tap_end();
}
