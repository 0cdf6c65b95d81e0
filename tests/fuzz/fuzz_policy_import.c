/* A checkpoint that anybody may have written: config.json, then behind bytes 0 the preprocessor and
 * what is normalised by. It is refused in words, and nothing is left. */
#include "etude/file.h"
#include "etude/policy_exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NORMAL "policy_preprocessor_step_3_normalizer_processor.safetensors"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[64], to[80];

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

/* Up to the next byte 0. */
static size_t part_of(const uint8_t *data, size_t n)
{
    const uint8_t *end = n ? memchr(data, 0, n) : NULL;
    return end ? (size_t)(end - data) : n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const JOINTS[] = {"a", "b", "c", "d", "e"};
    static const uint8_t WEIGHTS[] = {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'}; // none at all
    const struct et_policy_import_options options = {
        .joints = JOINTS, .n_joints = 5, .rate_hz = 25};
    struct et_err err = {0};
    enum et_path_kind kind;
    if (!root[0]) {
        (void)snprintf(root, sizeof root, "/dev/shm/etude-fuzz-import-%d", (int)getpid());
        (void)snprintf(to, sizeof to, "%s-to", root);
        require(et_dir_make(root, NULL) == ET_OK && atexit(clean_up) == 0);
        put("model.safetensors", WEIGHTS, sizeof WEIGHTS);
    }
    const size_t n = part_of(data, size), rest = size - n ? n + 1 : n;
    const size_t n_pre = part_of(data + rest, size - rest);
    const size_t last = size - rest - n_pre ? rest + n_pre + 1 : rest + n_pre;
    put("config.json", data, n);
    put("policy_preprocessor.json", data + rest, n_pre);
    put(NORMAL, data + last, size - last);
    require(et_policy_import(root, to, &options, &err) != ET_OK && err.text[0]);
    require(et_path_kind(to, &kind, NULL) == ET_OK && kind == ET_PATH_NONE);
    return 0;
}
