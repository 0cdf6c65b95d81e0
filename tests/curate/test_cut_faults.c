/* Memory ends at every call in turn: cutting says so, and leaves the caller's arena as it was. */
#include "etude/cut.h"

#include "clean.h"
#include "fault.h"
#include "tap.h"

static struct et_err err;

static void a_cut_is_whole_or_says_why_not(void)
{
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.duration_s = 6});
    const struct et_mark marks[] = {{0, "end"}, {1, "begin"}, {INT64_C(5000000000), "end"}};
    const struct et_cut_input input = {.tracks = clean.episode.tracks,
                                       .n_tracks = clean.episode.n_tracks,
                                       .marks = marks,
                                       .n_marks = 3,
                                       .t_last_ns = et_episode_last_ns(&clean.episode)};
    FOR_EACH_FAULT(at)
    {
        struct et_arena *arena = NULL;
        struct et_cut cut;
        CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
        fault_only = "malloc calloc realloc";
        fault_arm(at);
        const enum et_status st = et_cut(&input, NULL, arena, &cut, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_ENOMEM : st == ET_OK);
        CHECK(st == ET_OK ? cut.n_episodes == 1 : et_arena_used(arena) == 0);
        et_arena_close(arena);
    }
    clean_close(&clean);
}

static void segments_are_whole_or_say_why_not(void)
{
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.duration_s = 6});
    FOR_EACH_FAULT(at)
    {
        struct et_arena *arena = NULL;
        const struct et_segment *segments;
        size_t n;
        CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
        fault_only = "malloc calloc realloc";
        fault_arm(at);
        const enum et_status st =
            et_cut_segments(clean.episode.tracks, clean.episode.n_tracks, 0,
                            et_episode_last_ns(&clean.episode), arena, &segments, &n, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_ENOMEM && n == 0 : st == ET_OK && n > 0);
        et_arena_close(arena);
    }
    clean_close(&clean);
}

int main(void)
{
    RUN(a_cut_is_whole_or_says_why_not);
    RUN(segments_are_whole_or_say_why_not);
    return tap_end();
}
