/* Any bytes as what a server says of its policy: what is taken is within its limits, and is written
 * and read as the same. */
#include "etude/openpi.h"
#include "learn/learn__policy_remote.h"

#include <stdlib.h>
#include <string.h>

#define CAP ((size_t)1 << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static bool take(struct et_str bytes, struct et_arena *arena, struct et_policy_info *info)
{
    struct et_openpi_message m;
    struct et_err err = {0};
    bool is_ours = false;
    if (et_openpi_read(bytes, arena, &m, &err) != ET_OK)
        return false;
    if (et__metadata_read(&m, arena, &is_ours, info, &err) != ET_OK) {
        require(err.text[0] && is_ours);
        return false;
    }
    return is_ours;
}

static void check(const struct et_policy_info *info)
{
    require(info->n_joints > 0 && info->n_inputs > 0 && info->i_first_picture <= info->n_inputs);
    require(info->rate_hz > 0 && info->n_steps > 0 && info->kind);
    for (size_t i = 0; i < info->n_joints; i++)
        require(info->joints[i] != NULL);
    for (size_t i = 0; i < info->n_inputs; i++) {
        const struct et_policy_input *input = &info->inputs[i];
        require(input->feature && input->n_values > 0);
        require((input->width_px > 0) == (i >= info->i_first_picture));
        for (size_t k = 0; input->names && k < input->n_values; k++)
            require(input->names[k] != NULL);
    }
}

/* Names that hold a '/' are not ours, and may become others. */
static void again(const struct et_policy_info *info, struct et_arena *arena)
{
    struct et_policy_info other;
    struct et_openpi_message m;
    struct et_buf buf = et_buf(CAP);
    if (et__metadata_make(info, 1, arena, &m, NULL) == ET_OK &&
        et_openpi_write(&m, &buf, NULL) == ET_OK && take(et_buf_str(&buf), arena, &other)) {
        check(&other);
        require(other.n_joints == info->n_joints);
    }
    et_buf_free(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et_arena *arena = NULL;
    struct et_policy_info info;
    require(et_arena_open(&arena, 4 * CAP, NULL) == ET_OK);
    if (take((struct et_str){(const char *)data, n}, arena, &info)) {
        check(&info);
        again(&info, arena);
    }
    et_arena_close(arena);
    return 0;
}
