// Which values of a feature or field belong to a part, and in what range they are.
#include "robot/robot__guess.h"

#include <math.h>

bool et__guess_members(const struct et__value_guess *values, size_t n, enum et_part part,
                       struct et_arena *arena, struct et__guess_members *members)
{
    members->n = 0;
    members->indices = et_arena_array(arena, n, sizeof *members->indices);
    if (!members->indices)
        return false;
    for (int is_right = 0; is_right <= 1; is_right++)
        for (size_t i = 0; i < n; i++) {
            const bool comes_later = part == ET_PART_LEGS && values[i].is_right;
            if (values[i].part == part && comes_later == (is_right == 1))
                members->indices[members->n++] = i;
        }
    return true;
}

bool et__guess_members_range(const struct et__guess_members *members, const double *lows,
                             const double *highs, double *min, double *max)
{
    *min = (double)INFINITY;
    *max = -(double)INFINITY;
    for (size_t i = 0; i < members->n && lows && highs; i++) {
        const double low = lows[members->indices[i]], high = highs[members->indices[i]];
        if (!isfinite(low) || !isfinite(high))
            continue;
        *min = fmin(*min, low);
        *max = fmax(*max, high);
    }
    return *min <= *max;
}
