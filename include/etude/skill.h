/* Skill: a function that a robot learns, as one folder of data.
 *
 * share/world/skills/<id>/ holds skill.yaml (what is to be done, how a scripted trainer does it,
 * and when it is done) and scene.xml (MJCF: what stands in the scenario). Nothing in it names a
 * robot, so that every robot can try every skill. doc/skill.md is the guide.
 *
 * Units:   metres, seconds, radians; the file's own angles are degrees where it says so.
 * Threads: a loaded skill is read-only and may be shared.
 * Memory:  a skill lives in the caller's arena. */
#ifndef ETUDE_SKILL_H
#define ETUDE_SKILL_H

#include "etude/arena.h"
#include "etude/share.h"

#include <stdbool.h>
#include <stdint.h>

/* What a robot meets, in the order of difficulty; each tier holds all that is in those before. */
enum et_tier {
    ET_TIER_CONTROLLED, // nearly the same every time
    ET_TIER_DISPLACED,  // objects and furniture stand elsewhere
    ET_TIER_VARIED,     // and have other masses, friction, colours; light and cameras change
    ET_TIER_CLUTTERED,  // and other things stand between them
    ET_TIER_DISTURBED,  // and something pushes, sensors are noisy and late, a person walks by
    ET_N_TIERS,
};

ET_API const char *et_tier_name(enum et_tier tier); // "controlled" …
ET_MUST_USE ET_API bool et_tier_find(const char *name, enum et_tier *tier);

struct et_skill_phase {
    const char *name; // label of a segment: "reach"
};

struct et_skill_script; // what the trainer does: of the room `world`

struct et_skill {
    const char *path;   // of skill.yaml
    const char *folder; // where it lies
    const char *id;     // the folder's name
    const char *scenario;
    const char *instruction_en, *instruction_fr, *instruction_zh;
    double limit_s;  // an episode ends here
    double human_s;  // what a person needs
    double expected; // share of successes that the trainer must reach, tier controlled; 0 … 1
    const char *const *objects; // bodies of the scene that matter, for the true state
    size_t n_objects;
    const struct et_skill_phase *phases;
    size_t n_phases;
    const struct et_skill_script *script;
    uint8_t digest[32]; // BLAKE2b of skill.yaml, a 0, and scene.xml
};

/* Reads a skill: an id, or a folder's path (with a '/'). ET_ENOTFOUND: `wanted` is nowhere; the
 * text lists the ids there are. ET_ECORRUPT: "path:line:column: …", the first mistake: unknown
 * words with the nearest known one, what was expected instead; a scenario that is nowhere, too.
 * Names in the scene are checked when a world is opened. */
ET_MUST_USE ET_API enum et_status et_skill_load(const char *wanted, struct et_arena *arena,
                                                const struct et_skill **skill, struct et_err *err);

/* All skills there are: ids with the paths of their skill.yaml. As et_share_list. */
ET_MUST_USE ET_API enum et_status et_skill_list(struct et_arena *arena,
                                                const struct et_share_file **skills,
                                                size_t *n_skills, struct et_err *err);

#endif
