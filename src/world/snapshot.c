/* All that decides how a world goes on. MuJoCo 2.2.2 has no call for it; without qacc_warmstart the
 * solver begins elsewhere, and the last bits differ. The model's part (masses, places, colours) is
 * what the reset drew: a snapshot belongs to the episode it was taken in. */
#include "world/world__world.h"

#include <assert.h>
#include <string.h>

struct piece {
    void *p;
    size_t n_bytes;
};

enum { N_PIECES_MAX = 48 };

static void add(struct piece *pieces, size_t *n, void *p, size_t n_bytes)
{
    assert(*n < N_PIECES_MAX);
    pieces[(*n)++] = (struct piece){p, n_bytes};
}

static void add_numbers(struct piece *pieces, size_t *n, mjtNum *p, int n_values)
{
    add(pieces, n, p, (size_t)n_values * sizeof *p);
}

static void add_physics(const struct et_world *w, struct piece *pieces, size_t *n)
{
    const mjModel *m = w->model;
    mjData *d = w->data;
    add_numbers(pieces, n, &d->time, 1);
    add_numbers(pieces, n, d->qpos, m->nq);
    add_numbers(pieces, n, d->qvel, m->nv);
    add_numbers(pieces, n, d->act, m->na);
    add_numbers(pieces, n, d->ctrl, m->nu);
    add_numbers(pieces, n, d->qfrc_applied, m->nv);
    add_numbers(pieces, n, d->qfrc_bias, m->nv); // the next tick's weight is of the last one
    add_numbers(pieces, n, d->xfrc_applied, 6 * m->nbody);
    add_numbers(pieces, n, d->mocap_pos, 3 * m->nmocap);
    add_numbers(pieces, n, d->mocap_quat, 4 * m->nmocap);
    add_numbers(pieces, n, d->qacc_warmstart, m->nv);
    add(pieces, n, d->warning, sizeof d->warning);
    add(pieces, n, m->eq_active, (size_t)m->neq * sizeof *m->eq_active);
}

static void add_rows(const struct et_world *w, const struct et__rows *r, struct piece *pieces,
                     size_t *n)
{
    const int n_joints = ET_WORLD_TICKS * (int)w->robot->n_joints;
    add_numbers(pieces, n, r->position, n_joints);
    add_numbers(pieces, n, r->velocity, n_joints);
    add_numbers(pieces, n, r->effort, n_joints);
    add_numbers(pieces, n, r->command, n_joints);
    add_numbers(pieces, n, r->wrench, ET_WORLD_TICKS * ET_WORLD_WRENCH_VALUES);
    add_numbers(pieces, n, r->touch, ET_WORLD_TICKS * ET_WORLD_TOUCH_VALUES);
    add_numbers(pieces, n, r->pressure, ET_WORLD_TICKS * ET_WORLD_PRESSURE_VALUES);
    add_numbers(pieces, n, r->imu, ET_WORLD_TICKS * ET_WORLD_IMU_VALUES);
}

static size_t list(struct et_world *w, struct piece *pieces)
{
    const size_t n_joints = w->robot->n_joints;
    size_t n = 0;
    add_physics(w, pieces, &n);
    add_rows(w, &w->rows, pieces, &n);
    add_rows(w, &w->late, pieces, &n);
    add(pieces, &n, &w->state.t_ns, sizeof w->state.t_ns); // it points to those rows
    add(pieces, &n, &w->random, sizeof w->random);
    add(pieces, &n, &w->sensor_random, sizeof w->sensor_random);
    add(pieces, &n, &w->n_ticks, sizeof w->n_ticks);
    add(pieces, &n, &w->push, sizeof w->push);
    add(pieces, &n, w->action, n_joints * sizeof *w->action);
    add(pieces, &n, w->speed, n_joints * sizeof *w->speed);
    add(pieces, &n, w->lagged, n_joints * sizeof *w->lagged);
    add(pieces, &n, w->astray, n_joints * sizeof *w->astray);
    add(pieces, &n, &w->astray_random, sizeof w->astray_random);
    add(pieces, &n, w->joint_max, (size_t)w->model->njnt * sizeof *w->joint_max);
    add(pieces, &n, w->wiped, (size_t)w->model->nsite);
    add(pieces, &n, w->is_slippery, sizeof w->is_slippery);
    return n;
}

size_t et_world_snapshot_bytes(struct et_world *w)
{
    struct piece pieces[N_PIECES_MAX];
    const size_t n = list(w, pieces);
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++)
        n_bytes += pieces[i].n_bytes;
    return n_bytes;
}

void et_world_save(struct et_world *w, void *snapshot)
{
    struct piece pieces[N_PIECES_MAX];
    const size_t n = list(w, pieces);
    char *to = snapshot;
    for (size_t i = 0; i < n; to += pieces[i].n_bytes, i++)
        if (pieces[i].n_bytes)
            memcpy(to, pieces[i].p, pieces[i].n_bytes);
}

void et_world_restore(struct et_world *w, const void *snapshot)
{
    struct piece pieces[N_PIECES_MAX];
    const size_t n = list(w, pieces);
    const char *from = snapshot;
    const bool is_slippery[2] = {w->is_slippery[0], w->is_slippery[1]};
    for (size_t i = 0; i < n; from += pieces[i].n_bytes, i++)
        if (pieces[i].n_bytes)
            memcpy(pieces[i].p, from, pieces[i].n_bytes);
    for (int side = ET__LEFT; side <= ET__RIGHT; side++) { // the model goes along
        const bool was_slippery = w->is_slippery[side];
        w->is_slippery[side] = is_slippery[side];
        et__hand_slippery(w, (enum et__side)side, was_slippery);
    }
}
