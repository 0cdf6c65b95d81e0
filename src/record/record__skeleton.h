/* The skeletons of motion captures: bones and segments by name. */
#ifndef RECORD__SKELETON_H
#define RECORD__SKELETON_H

#include "etude/pose.h"
#include "etude/str.h"

/* ---- Unity's humanoid, which VMC sends ---- */

#define ET__N_BONES 55
struct et__bone {
    const char *name;
    int parent; // −1: the root
};
extern const struct et__bone et__bones[ET__N_BONES];
int et__bone_find(struct et_str name); // −1: none

/* From Unity's axes (right, up, forward: left-handed) to those of robots (forward, left, up).
 *
 * The map M of vectors is (x, y, z) → (z, −x, y), whose determinant is −1. A rotation R becomes
 * M R M⁻¹; its axis, being no vector but a product of two, goes to det M · M: (−z, x, −y). */
struct et_pose et__from_unity(struct et_pose pose);

/* ---- Xsens MVN ---- */

#define ET__N_SEGMENTS 23 // of the body
#define ET__PROPS_MAX 4
#define ET__N_FINGERS 20 // a hand's: the carpus and 19 bones
#define ET__SEGMENTS_MAX (ET__N_SEGMENTS + ET__PROPS_MAX + 2 * ET__N_FINGERS)

/* The name of segment `id` (from 1 on) where n_props are worn: the body's, the props, the left
 * hand's, the right hand's; "Segment<id>" beyond them. */
#define ET__SEGMENT_NAME_BYTES 24
void et__segment_name(uint32_t id, unsigned n_props, char name[ET__SEGMENT_NAME_BYTES]);

#endif
