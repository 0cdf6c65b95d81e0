// Built without MuJoCo: skills, robots and styles can be read; no world can be opened.
#include "etude/trainer.h"

#define NEEDED "built without MuJoCo: install the Debian package libmujoco-dev and build again"

enum et_status et_world_open(struct et_world **world, const struct et_world_options *options,
                             struct et_err *err)
{
    (void)options;
    *world = NULL;
    return et_fail(err, ET_EUNSUPPORTED, -1, NEEDED);
}

void et_world_close(struct et_world *world)
{
    (void)world;
}

enum et_status et_trainer_open(struct et_trainer **trainer, struct et_world *world,
                               const struct et_trainer_style *style, struct et_err *err)
{
    (void)world;
    (void)style;
    *trainer = NULL;
    return et_fail(err, ET_EUNSUPPORTED, -1, NEEDED);
}

void et_trainer_close(struct et_trainer *trainer)
{
    (void)trainer;
}

// No world is ever opened, so nothing below is reached.
struct et_world_options et_world_options(const struct et_world *world)
{
    (void)world;
    return (struct et_world_options){0};
}

const struct et_skill *et_world_skill(const struct et_world *world)
{
    (void)world;
    return NULL;
}

const char *et_world_robot(const struct et_world *world)
{
    (void)world;
    return "";
}

const struct et_world_joint *et_world_joints(const struct et_world *world, size_t *n_joints)
{
    (void)world;
    *n_joints = 0;
    return NULL;
}

const char *const *et_world_task_names(const struct et_world *world, size_t *n_values)
{
    (void)world;
    *n_values = 0;
    return NULL;
}

void et_world_task(const struct et_world *world, double *values)
{
    (void)world;
    (void)values;
}

enum et_status et_world_reset(struct et_world *world, uint64_t seed, enum et_tier tier,
                              struct et_err *err)
{
    (void)world;
    (void)seed;
    (void)tier;
    return et_fail(err, ET_EUNSUPPORTED, -1, NEEDED);
}

enum et_status et_world_step(struct et_world *world, const double *action, struct et_err *err)
{
    (void)world;
    (void)action;
    return et_fail(err, ET_EUNSUPPORTED, -1, NEEDED);
}

const struct et_world_state *et_world_observe(const struct et_world *world)
{
    (void)world;
    return NULL;
}

int64_t et_world_time_ns(const struct et_world *world)
{
    (void)world;
    return 0;
}

bool et_world_success(const struct et_world *world, const char **missing)
{
    (void)world;
    if (missing)
        *missing = NULL;
    return false;
}

size_t et_world_n_objects(const struct et_world *world)
{
    (void)world;
    return 0;
}

void et_world_hands(const struct et_world *world, struct et_pose hands[2])
{
    (void)world;
    hands[0] = hands[1] = (struct et_pose){{0, 0, 0}, {0, 0, 0, 1}};
}

struct et_world_contact et_world_contact(const struct et_world *world)
{
    (void)world;
    return (struct et_world_contact){0};
}

struct et_world_object et_world_object(const struct et_world *world, size_t i)
{
    (void)world;
    (void)i;
    return (struct et_world_object){"", {{0, 0, 0}, {0, 0, 0, 1}}};
}

size_t et_world_snapshot_bytes(struct et_world *world)
{
    (void)world;
    return 0;
}

void et_world_save(struct et_world *world, void *snapshot)
{
    (void)world;
    (void)snapshot;
}

void et_world_restore(struct et_world *world, const void *snapshot)
{
    (void)world;
    (void)snapshot;
}

enum et_status et_trainer_begin(struct et_trainer *trainer, uint64_t seed, struct et_err *err)
{
    (void)trainer;
    (void)seed;
    return et_fail(err, ET_EUNSUPPORTED, -1, NEEDED);
}

enum et_status et_trainer_act(struct et_trainer *trainer, double *action, struct et_err *err)
{
    (void)trainer;
    (void)action;
    return et_fail(err, ET_EUNSUPPORTED, -1, NEEDED);
}

struct et_trainer_state et_trainer_state(const struct et_trainer *trainer)
{
    (void)trainer;
    return (struct et_trainer_state){0};
}

enum et_status et_trainer_plan(struct et_trainer *trainer, const struct et_trainer_mishap *mishaps,
                               size_t n, struct et_err *err)
{
    (void)trainer;
    (void)mishaps;
    (void)n;
    return et_fail(err, ET_EUNSUPPORTED, -1, NEEDED);
}

struct et_trainer_mishap_state et_trainer_mishap_state(const struct et_trainer *trainer,
                                                       enum et_mishap what)
{
    (void)trainer;
    (void)what;
    return (struct et_trainer_mishap_state){0};
}
