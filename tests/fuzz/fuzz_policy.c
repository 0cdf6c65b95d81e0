/* A policy's folder that anybody may have written: etude.json, and behind the first byte 0 the
 * normalisation. What is read has the sizes that it says, and numbers for numbers; and a network of
 * it is made or refused, with weights that are not there. */
#include "etude/file.h"
#include "learn/learn__checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)256 << 20)
#define PIXELS_MAX ((size_t)1 << 16) // larger ones are slow to make places for
#define PRE_FILE "policy_preprocessor_step_3_normalizer_processor.safetensors"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[64];

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void clean_up(void)
{
    (void)!et_path_remove(root, NULL);
}

static void put(const char *name, const uint8_t *data, size_t n)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "wb");
    require(file && fwrite(data, 1, n, file) == n && fclose(file) == 0);
}

static void check(const struct et__saved *saved)
{
    const struct et__recipe *r = &saved->recipe;
    require(r->n_joints > 0 && r->joints && r->n_in == r->n_own + r->n_around && r->n_out > 0);
    require(!r->knows_phase || r->first_phase < r->n_phases);
    for (size_t i = 0; i < r->n_joints; i++)
        require(r->joints[i] != NULL);
    for (size_t i = 0; i < r->n_in; i++)
        require(isfinite(saved->normal->in_mean[i]) && isfinite(saved->normal->in_scale[i]));
    for (size_t i = 0; i < r->n_out; i++)
        require(isfinite(saved->normal->out_mean[i]) && isfinite(saved->normal->out_deviation[i]));
}

/* Colours that divide, and what is seen within what comes. */
static void check_pictures(const struct et__recipe_pictures *p)
{
    require(p->n_cameras <= ET__RECIPE_CAMERAS_MAX);
    for (size_t i = 0; i < p->n_cameras; i++) {
        require(p->features[i] != NULL && p->seen_width_px > 0 && p->seen_height_px > 0);
        require(p->seen_width_px <= p->scaled_width_px && p->scaled_width_px <= p->width_px);
        require(p->seen_height_px <= p->scaled_height_px);
        for (size_t c = 0; c < 3; c++)
            require(isfinite(p->mean[i][c]) && isfinite(1 / p->deviation[i][c]));
    }
}

static void make_net(const struct et__saved *saved, struct et_arena *arena)
{
    const struct et__recipe_pictures *p = &saved->recipe.pictures;
    if ((size_t)p->seen_width_px * (size_t)p->seen_height_px > PIXELS_MAX)
        return;
    struct et__net net;
    struct et_err err = {0};
    const struct et__recipe *r = &saved->recipe;
    const struct et__net_shape shape = {.n_own = r->n_own,
                                        .n_around = r->n_around,
                                        .n_out = r->n_out,
                                        .n_steps = (size_t)saved->settings.chunk,
                                        .n_cameras = (int)p->n_cameras,
                                        .height_px = p->seen_height_px,
                                        .width_px = p->seen_width_px};
    if (et__net_make(&net, &shape, &saved->settings, arena, &err) != ET_OK)
        require(err.text[0] != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    struct et__saved saved;
    if (!root[0]) {
        (void)snprintf(root, sizeof root, "/dev/shm/etude-fuzz-policy-%d", (int)getpid());
        require(et_dir_make(root, NULL) == ET_OK && atexit(clean_up) == 0);
    }
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    const size_t n = end ? (size_t)(end - data) : size;
    put("etude.json", data, n);
    put(PRE_FILE, end ? end + 1 : data, end ? size - n - 1 : 0);
    require(et_arena_open(&arena, ARENA_BYTES, NULL) == ET_OK);
    if (et__policy_read(root, arena, &saved, &err) == ET_OK) {
        check(&saved);
        check_pictures(&saved.recipe.pictures);
        make_net(&saved, arena);
    } else {
        require(err.text[0] != 0);
    }
    et_arena_close(arena);
    return 0;
}
