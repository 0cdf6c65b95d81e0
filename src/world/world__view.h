/* What of a scene is drawn, and in which order. */
#ifndef WORLD__VIEW_H
#define WORLD__VIEW_H

#include <mujoco/mujoco.h>

struct et__seen {
    float distance_m;
    int i;
};

/* Leaves in the scene, near ones first, the geoms that its camera can see. The picture is the same
 * but for pixels in which two surfaces lie at one depth. Not for shadows: what is not seen throws
 * them, too. `aspect`: width / height of the picture. seen, copy: scratch for scene->maxgeom. */
void et__view_order(mjvScene *scene, float aspect, struct et__seen *seen, mjvGeom *copy);

#endif
