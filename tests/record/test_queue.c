/* Messages come out as they arrive; clocks show what they were set to. */
#include "record/record__record.h"

#include "support.h"
#include "tap.h"

static struct et_err err;

static void messages_come_out_by_arrival_and_then_by_order(void)
{
    struct et__queue queue = {0};
    struct et__message *message;
    struct rng rng = {7};
    CHECK_OK(et__queue_open(&queue, &err));
    for (uint32_t i = 0; i < 1000; i++) {
        CHECK_OK(et__queue_new(&queue, &message, &err));
        message->t_arrival_ns = (int64_t)(rng_next(&rng) % 100);
        message->sequence = i;
        et__queue_put(&queue, message);
    }
    int64_t last = -1;
    uint32_t sequence = 0;
    size_t n = 0;
    while ((message = et__queue_take(&queue, 49))) {
        CHECK(message->t_arrival_ns > last ||
              (message->t_arrival_ns == last && message->sequence > sequence));
        last = message->t_arrival_ns;
        sequence = message->sequence;
        et__queue_done(&queue, message);
        n++;
    }
    CHECK(last == 49 && n > 400 && n < 600);
    CHECK_EQ(queue.n, 1000 - n);
    CHECK_EQ(queue.n_spare, n);
    et__queue_close(&queue);
}

static void a_full_queue_is_told(void)
{
    struct et__queue queue = {0};
    struct et__message *message;
    CHECK_OK(et__queue_open(&queue, &err));
    for (size_t i = 0; i < ET_WORLD_RECORD_MESSAGES_MAX; i++) {
        CHECK_OK(et__queue_new(&queue, &message, &err));
        et__queue_put(&queue, message);
    }
    CHECK_EQ(et__queue_new(&queue, &message, &err), ET_ELIMIT);
    CHECK(!message);
    et__queue_close(&queue);
}

static void a_clock_drifts_ticks_and_is_set(void)
{
    struct et__device device = {.base_ns = 1000, .drift_ppm = 100};
    CHECK_EQ(et__device_time(&device, 0), 1000);
    CHECK_EQ(et__device_time(&device, 1000000), 1001100);
    device.tick_ns = 5000;
    CHECK_EQ(et__device_time(&device, 1000000), 1000000);
    device = (struct et__device){.base_ns = 1000};
    et__device_set(&device, 500, 0);
    CHECK_EQ(et__device_time(&device, 500), 0);
    CHECK_EQ(et__device_time(&device, 700), 200);
}

static void a_link_that_stalls_lets_all_through_at_its_end(void)
{
    struct et__device device = {.delay_ns = 100, .stall_s = 0.1, .chance = {3}};
    int64_t n_late = 0, most = 0;
    for (int64_t t = 0; t < 10000000000; t += 1000000) {
        const int64_t delay = et__device_arrival(&device, t) - t;
        CHECK(delay >= 100 && delay <= 100000000 + 160);
        n_late += delay > 1000;
        most = delay > most ? delay : most;
    }
    // A tenth of a second of stall, 0.4 s of pause on average.
    CHECK(n_late > 1500 && n_late < 2500);
    CHECK(most > 90000000);
}

int main(void)
{
    RUN(messages_come_out_by_arrival_and_then_by_order);
    RUN(a_full_queue_is_told);
    RUN(a_clock_drifts_ticks_and_is_set);
    RUN(a_link_that_stalls_lets_all_through_at_its_end);
    return tap_end();
}
