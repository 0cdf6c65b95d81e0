// The virtual robot does a skill when an operator's hands do, by a headset's own frames.
#include "etude/clock.h"
#include "operator_made.h"
#include "record/record__follower.h"
#include "record/record__webxr.h"
#include "support.h"
#include "tap.h"
#include "xr_hands.h"
#include "xr_made.h"

#include <stdlib.h>

static struct et_err err;

#define SEED 3

struct rig {
    struct et_world *world;
    struct et__follower *follower;
    struct et_feed *feed;
    struct et__webxr_streams streams;
    double joints[ET_TELEOP_JOINTS_MAX];
    uint32_t seq;
    size_t n_followed;
};

static void hear(void *ctx, const struct et_feed_sample *sample)
{
    struct rig *rig = ctx;
    rig->n_followed += et__follower_hear(rig->follower, et_feed_stream(rig->feed, sample->stream),
                                         sample, rig->joints);
}

static void open_rig(struct rig *rig, const char *skill)
{
    const struct et_feed_listener listener = {hear, rig};
    CHECK_OK(et_world_open(&rig->world, &(struct et_world_options){.skill = skill}, &err));
    CHECK_OK(et_world_reset(rig->world, SEED, ET_TIER_CONTROLLED, &err));
    // The test's time is not the clock's: steps come as fast as they can.
    const struct et_teleop_options how = {.speed_rad_s = 1e6,
                                          .hand_m_s_max = 1e6,
                                          .hand_rad_s_max = 1e6,
                                          .smoothing_s = -1,
                                          .watchdog_ns = INT64_MAX / 2,
                                          .force_n_max = 200};
    CHECK_OK(et__follower_open_world(&rig->follower, rig->world, &how, &err));
    const struct et_world_state *state = et_world_observe(rig->world);
    for (size_t i = 0; i < state->n_joints; i++)
        rig->joints[i] = state->command[(ET_WORLD_TICKS - 1) * state->n_joints + i];
    et__follower_begin(rig->follower, rig->joints);
    CHECK_OK(et_feed_open(&rig->feed, &(struct et_feed_options){.n_bytes = 4096}, &err));
    CHECK_OK(et_feed_listen(rig->feed, &listener, &err));
    CHECK_OK(et__webxr_streams_open(&rig->streams, rig->feed, "headset", "floor", 72, &err));
}

static void close_rig(struct rig *rig)
{
    et__webxr_streams_close(&rig->streams);
    et_feed_close(rig->feed);
    et__follower_close(rig->follower);
    et_world_close(rig->world);
}

static void send(struct rig *rig, const struct made_step *at, bool is_clutched)
{
    const struct et__webxr_frame frame = xr_hands(++rig->seq, at->hands, at->grip, is_clutched);
    et__webxr_put_frame(&rig->streams, &frame, NULL, et_clock_monotonic_ns());
}

static void a_skill_is_done_by_hands_that_know_it(void)
{
    static const char *const SKILLS[] = {"press_button", "take_bottle"};
    static struct made_step steps[MADE_STEPS_MAX];
    for (size_t k = 0; k < sizeof SKILLS / sizeof *SKILLS; k++) {
        struct rig rig = {0};
        const size_t n = operator_made(SKILLS[k], SEED, steps);
        CHECK(n > 0);
        open_rig(&rig, SKILLS[k]);
        send(&rig, &steps[0], false);
        for (size_t i = 0; i < n; i++) {
            send(&rig, &steps[i], true);
            et__follower_step(rig.follower, et_world_observe(rig.world), rig.joints);
            CHECK_OK(et_world_step(rig.world, rig.joints, &err));
        }
        CHECK(et_world_success(rig.world, NULL));
        CHECK_EQ(rig.n_followed, n + 1);
        const struct et_teleop_status status = et__follower_status(rig.follower);
        CHECK(status.latency_p99_ns > 0);
        printf("# %s: pose to joints p50 %.0f us, p99 %.0f us\n", SKILLS[k],
               (double)status.latency_p50_ns / 1e3, (double)status.latency_p99_ns / 1e3);
        close_rig(&rig);
    }
}

static void nothing_moves_without_a_clutch(void)
{
    static struct made_step steps[MADE_STEPS_MAX];
    struct rig rig = {0};
    double before[ET_TELEOP_JOINTS_MAX];
    const size_t n = operator_made("press_button", SEED, steps);
    open_rig(&rig, "press_button");
    memcpy(before, rig.joints, sizeof before);
    for (size_t i = 0; i < n; i += 10)
        send(&rig, &steps[i], false);
    CHECK(memcmp(before, rig.joints, sizeof before) == 0);
    // Nor when all is stopped.
    et__follower_stop(rig.follower, true);
    for (size_t i = 0; i < n; i += 10)
        send(&rig, &steps[i], i > 0);
    CHECK(memcmp(before, rig.joints, sizeof before) == 0);
    CHECK_EQ(et__follower_status(rig.follower).state, ET_TELEOP_STOPPED);
    et__follower_stop(rig.follower, false);
    send(&rig, &steps[0], false);
    CHECK_EQ(et__follower_status(rig.follower).state, ET_TELEOP_IDLE);
    close_rig(&rig);
    et__follower_close(NULL);
}

int main(void)
{
    RUN(a_skill_is_done_by_hands_that_know_it);
    RUN(nothing_moves_without_a_clutch);
    return tap_end();
}
