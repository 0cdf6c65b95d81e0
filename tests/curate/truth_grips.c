/* Faults of what bodies do: another episode takes the clean one's place, a grasp as it is made in
 * grip_made.c, in which something goes wrong. */
#include "grip_made.h"
#include "truth.h"

#include <stdlib.h>

static void play(struct clean *clean, const struct grip_story *story)
{
    struct grip_made *made = et_arena_array(clean->arena, 1, sizeof *made);
    if (!made)
        abort();
    grip_fill(made, clean->arena, story);
    clean->episode = made->episode;
}

void truth_miss(struct clean *clean, double felt_s)
{
    play(clean, &(struct grip_story){.width_m = -1, .felt_s = felt_s});
}

void truth_slip(struct clean *clean, double weight_n)
{
    play(clean, &(struct grip_story){.slides_s = 4, .weight_n = weight_n});
}

void truth_drop(struct clean *clean, double width_mm)
{
    play(clean, &(struct grip_story){.lost_s = 4, .width_m = 1e-3 * width_mm});
}

void truth_release(struct clean *clean, double speed_rad_s)
{
    play(clean, &(struct grip_story){.speed_rad_s = speed_rad_s});
}

void truth_hit(struct clean *clean, double force_n)
{
    play(clean, &(struct grip_story){.hit_n = force_n, .hit_s = 0.8});
}
