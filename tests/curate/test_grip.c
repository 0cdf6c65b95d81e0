/* What bodies do: grasps that miss, things that slide, fall or are let go, hands that hit. */
#include "grip_made.h"

#include "etude/inspect.h"

#include "tap.h"

#include <math.h>

static const char *const KINDS[] = {"missed_grasp", "slip", "drop", "early_release", "collision"};
#define N_KINDS (sizeof KINDS / sizeof *KINDS)

static struct et_err err;

/* What is found of our kinds in an episode, counted. */
struct found {
    size_t n[N_KINDS];
    struct et_finding first; // of whichever kind comes first
};

static struct found look(const struct et_episode *episode)
{
    struct found found = {0};
    struct et_arena *arena = NULL;
    struct et_inspection inspection = {0};
    CHECK_OK(et_arena_open(&arena, (size_t)128 << 20, &err));
    CHECK_OK(et_inspect_episode(episode, NULL, arena, &inspection, &err));
    for (size_t i = 0; i < inspection.findings.n; i++)
        for (size_t k = 0; k < N_KINDS; k++) {
            const struct et_finding *f = &inspection.findings.items[i];
            if (strcmp(f->kind, KINDS[k]) != 0)
                continue;
            if (!found.first.kind)
                found.first = *f;
            found.n[k]++;
        }
    if (found.first.kind) { // its texts go with the arena
        found.first.kind = NULL;
        found.first.text = found.first.stream = NULL;
    }
    et_arena_close(arena);
    return found;
}

static struct found tell(const struct grip_story *story)
{
    struct grip_made made;
    grip_open(&made, story);
    const struct found found = look(&made.episode);
    grip_close(&made);
    return found;
}

static size_t total(const struct found *found)
{
    size_t n = 0;
    for (size_t k = 0; k < N_KINDS; k++)
        n += found->n[k];
    return n;
}

/* Only this kind, once. */
static bool is_only(const struct found *found, const char *kind)
{
    for (size_t k = 0; k < N_KINDS; k++)
        if (strcmp(KINDS[k], kind) == 0)
            return found->n[k] == 1 && total(found) == 1;
    return false;
}

static double from_s(const struct found *found)
{
    return (double)found->first.t_first_ns * 1e-9;
}

static void a_good_grasp_is_silent(void)
{
    const struct found found = tell(&(struct grip_story){0});
    CHECK(total(&found) == 0);
}

static void a_grasp_that_misses(void)
{
    struct found found = tell(&(struct grip_story){.width_m = -1});
    CHECK(is_only(&found, "missed_grasp"));
    CHECK_NEAR(from_s(&found), 2, 0.05);
    CHECK_NEAR((double)found.first.t_last_ns * 1e-9, 6, 0.05);
    CHECK(found.first.severity == ET_SEVERITY_WARN);
    found = tell(&(struct grip_story){.width_m = -1, .felt_s = 0.1});
    CHECK(is_only(&found, "missed_grasp"));
    CHECK_NEAR(found.first.value, 20, 1e-9);
}

static void a_hand_that_never_opens_again_missed_nothing(void)
{
    const struct found found = tell(&(struct grip_story){.width_m = -1, .open_s = 9});
    CHECK(total(&found) == 0);
}

static void what_falls_out_of_a_closed_hand(void)
{
    struct found found = tell(&(struct grip_story){.lost_s = 4});
    CHECK(is_only(&found, "drop"));
    CHECK_NEAR(from_s(&found), 4, 0.03);
    CHECK_NEAR(found.first.value, 0.04 / 0.11, 0.01);
    // A hand that closes no further lost nothing that it could tell.
    found = tell(&(struct grip_story){.lost_s = 4, .width_m = 0.001});
    CHECK(total(&found) == 0);
}

static void what_slides_and_is_caught_again(void)
{
    struct found found = tell(&(struct grip_story){.slides_s = 4});
    CHECK(is_only(&found, "slip"));
    CHECK_NEAR(from_s(&found), 4, 0.05);
    CHECK(found.first.severity == ET_SEVERITY_WARN);
    CHECK_NEAR(found.first.value, 6, 0.5);
    found = tell(&(struct grip_story){.slides_s = 4, .weight_n = 1});
    CHECK(total(&found) == 0);
    found = tell(&(struct grip_story){.slides_s = 4, .dips_s = 3});
    CHECK(is_only(&found, "slip"));
    // Who irons hits upon a moment without force, too.
    found = tell(&(struct grip_story){.slides_s = 4, .shakes_n = 3});
    CHECK(total(&found) == 0);
    found = tell(&(struct grip_story){.slides_s = 4, .shakes_n = 0.6});
    CHECK(is_only(&found, "slip"));
}

static void a_hand_that_lets_go_on_its_way(void)
{
    struct found found = tell(&(struct grip_story){.open_s = 4});
    CHECK(is_only(&found, "early_release"));
    CHECK_NEAR(from_s(&found), 4, 0.03);
    CHECK_NEAR(found.first.value, 0.4, 0.02);
    found = tell(&(struct grip_story){.speed_rad_s = 0.05});
    CHECK(total(&found) == 0);
}

static void an_empty_hand_that_hits(void)
{
    struct found found = tell(&(struct grip_story){.hit_n = 150, .hit_s = 0.8});
    CHECK(is_only(&found, "collision"));
    CHECK(found.first.severity == ET_SEVERITY_WARN);
    CHECK_NEAR(from_s(&found), 0.8, 0.01);
    CHECK_NEAR(found.first.value, 150, 1);
    found = tell(&(struct grip_story){.hit_n = 30, .hit_s = 0.8});
    CHECK(is_only(&found, "collision"));
    CHECK(found.first.severity == ET_SEVERITY_INFO);
    found = tell(&(struct grip_story){.hit_n = 8, .hit_s = 0.8});
    CHECK(total(&found) == 0);
}

static void what_a_hand_meets_at_its_work_is_no_blow(void)
{
    // Just before it closes, while it is a fist, while it holds.
    struct found found = tell(&(struct grip_story){.hit_n = 150, .hit_s = 1.7});
    CHECK(is_only(&found, "collision"));
    CHECK(found.first.severity == ET_SEVERITY_INFO);
    found = tell(
        &(struct grip_story){.hit_n = 150, .is_closed_first = true, .width_m = -1, .open_s = 9});
    CHECK(total(&found) == 0);
    found = tell(&(struct grip_story){.hit_n = 150, .hit_s = 5.5});
    CHECK(total(&found) == 0);
}

/* Every story without one of its streams. */
static void it_is_silent_where_a_stream_is_missing(void)
{
    static const struct grip_story STORIES[] = {{.width_m = -1},
                                                {.slides_s = 4},
                                                {.lost_s = 4},
                                                {.open_s = 4},
                                                {.hit_n = 150, .hit_s = 0.8}};
    static const int NEEDED[] = {GRIP_HAND, GRIP_TOUCH, GRIP_HAND_COMMAND};
    for (size_t s = 0; s < sizeof STORIES / sizeof *STORIES; s++)
        for (size_t i = 0; i < sizeof NEEDED / sizeof *NEEDED; i++) {
            struct grip_made made;
            grip_open(&made, &STORIES[s]);
            made.tracks[NEEDED[i]] = made.tracks[GRIP_TRACKS - 1 - (NEEDED[i] == GRIP_TRACKS - 1)];
            made.episode.n_tracks = GRIP_TRACKS - 1;
            const struct found found = look(&made.episode);
            if (!CHECK(total(&found) == 0))
                printf("#   story %zu without track %d\n", s, NEEDED[i]);
            grip_close(&made);
        }
}

static void without_a_wrench_only_it_is_missed(void)
{
    struct grip_made made;
    grip_open(&made, &(struct grip_story){.lost_s = 4, .hit_n = 150, .hit_s = 0.8});
    made.tracks[GRIP_WRENCH] = made.tracks[GRIP_TRACKS - 1];
    made.episode.n_tracks = GRIP_TRACKS - 1;
    const struct found found = look(&made.episode);
    CHECK(is_only(&found, "drop"));
    grip_close(&made);
}

static void it_bears_what_is_no_number(void)
{
    static const struct grip_story STORIES[] = {{.width_m = -1},
                                                {.slides_s = 4},
                                                {.lost_s = 4},
                                                {.open_s = 4},
                                                {.hit_n = 150, .hit_s = 0.8}};
    for (size_t s = 0; s < sizeof STORIES / sizeof *STORIES; s++)
        for (int t = 0; t < GRIP_TRACKS; t++) {
            struct grip_made made;
            grip_open(&made, &STORIES[s]);
            const struct et_track *track = &made.tracks[t];
            for (size_t k = 0; k < track->n_samples * track->stream.n_values; k++)
                made.values[t][k] = (double)NAN;
            const struct found found = look(&made.episode);
            if (t == GRIP_TOUCH || t == GRIP_HAND_COMMAND) // nobody knows what it was told, or felt
                CHECK(total(&found) - found.n[4] == 0);
            grip_close(&made);
        }
    // A few that are none hide nothing.
    struct grip_made made;
    grip_open(&made, &(struct grip_story){.slides_s = 4});
    for (size_t k = 0; k < 5; k++)
        made.values[GRIP_WRENCH][6 * (3 * GRIP_WRENCH_HZ + k)] = (double)NAN;
    const struct found found = look(&made.episode);
    CHECK(is_only(&found, "slip"));
    grip_close(&made);
}

static void an_episode_without_samples_is_none(void)
{
    struct grip_made made;
    grip_open(&made, &(struct grip_story){0});
    for (int t = 0; t < GRIP_TRACKS; t++)
        made.tracks[t].n_samples = t == GRIP_ARM;
    const struct found found = look(&made.episode);
    CHECK(total(&found) == 0);
    grip_close(&made);
}

int main(void)
{
    RUN(a_good_grasp_is_silent);
    RUN(a_grasp_that_misses);
    RUN(a_hand_that_never_opens_again_missed_nothing);
    RUN(what_falls_out_of_a_closed_hand);
    RUN(what_slides_and_is_caught_again);
    RUN(a_hand_that_lets_go_on_its_way);
    RUN(an_empty_hand_that_hits);
    RUN(what_a_hand_meets_at_its_work_is_no_blow);
    RUN(it_is_silent_where_a_stream_is_missing);
    RUN(without_a_wrench_only_it_is_missed);
    RUN(it_bears_what_is_no_number);
    RUN(an_episode_without_samples_is_none);
    return tap_end();
}
