// A profile that anybody may have written, bound to features of every kind.
#include "etude/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void load_and_bind(const char *path)
{
    static const char *const names[] = {"J1.pos", "J2.pos", "A", "B"};
    static const struct et_feature_view features[] = {
        {.path = "state", .n_values = 4, .names = names},
        {.path = "observation.state", .n_values = 4},
        {.path = "action", .n_values = 26},
        {.path = "images.cam", .is_video = true},
        {.path = "images.cam_2", .is_video = true},
    };
    struct et_arena *arena = NULL;
    const struct et_profile *profile = NULL;
    struct et_binding binding;
    struct et_err err = {0};
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return;
    if (et_profile_load(path, arena, &profile, &err) == ET_OK &&
        et_profile_bind(profile, features, 5, arena, &binding, &err) == ET_OK &&
        binding.n_streams > 5 + profile->n_rules)
        abort();
    et_arena_close(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[64];
    const int fd = memfd_create("profile", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (write(fd, data, n) == (ssize_t)n)
        load_and_bind(path);
    (void)close(fd);
    return 0;
}
