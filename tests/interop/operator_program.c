/* How hands have to move for a skill of the virtual centre to be done, as JSON:
 *
 *     operator_program SKILL SEED
 *
 * A list of steps, 10 ms apart: left and right x, y, z, qx, qy, qz, qw (on the robot's axes) and
 * grip. */
#include "../record/operator_made.h"

#include "etude/str.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    static struct made_step steps[MADE_STEPS_MAX];
    int64_t seed;
    if (argc != 3 || !et_str_to_int64(et_str(argv[2]), &seed))
        return 2;
    const size_t n = operator_made(argv[1], (uint64_t)seed, steps);
    (void)putchar('[');
    for (size_t i = 0; i < n; i++) {
        (void)fputs(i ? ",\n[" : "[", stdout);
        for (int side = 0; side < 2; side++) {
            const struct et_pose *p = &steps[i].hands[side];
            (void)printf("%s%.6f,%.6f,%.6f,%.8f,%.8f,%.8f,%.8f,%.4f", side ? "," : "",
                         p->position.x, p->position.y, p->position.z, p->rotation.x, p->rotation.y,
                         p->rotation.z, p->rotation.w, steps[i].grip[side]);
        }
        (void)putchar(']');
    }
    (void)puts("]");
    return n > 0 ? 0 : 1;
}
