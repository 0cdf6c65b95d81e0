/* Hands that lose their hold: contacts with one have no friction while it is slippery. */
#include "world/world__world.h"

#define ABOVE_ALL 1000 // priority: the hand's surface decides, whatever it touches

void et__hand_slippery(struct et_world *w, enum et__side side, bool is_slippery)
{
    mjModel *m = w->model;
    if (w->is_slippery[side] == is_slippery)
        return;
    w->is_slippery[side] = is_slippery;
    for (int i = 0; i < m->ngeom; i++) {
        if (!et__is_of(w, i, w->hands[side].palm))
            continue;
        if (is_slippery) {
            w->own[i] = (struct et__surface){m->geom_condim[i], m->geom_priority[i]};
            m->geom_condim[i] = 1; // friction near 0 instead makes MuJoCo throw things about
            m->geom_priority[i] = ABOVE_ALL;
        } else {
            m->geom_condim[i] = w->own[i].condim;
            m->geom_priority[i] = w->own[i].priority;
        }
    }
}
