// A robot that anybody may have written: our walk through it, and MuJoCo on what we made of it.
#include "etude/dynamics.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void load_and_move(const char *path)
{
    struct et_dynamics *dynamics = NULL;
    double q[ET_DYNAMICS_JOINTS_MAX], zero[ET_DYNAMICS_JOINTS_MAX] = {0};
    double torque[ET_DYNAMICS_JOINTS_MAX];
    if (et_dynamics_open(&dynamics, path, NULL, NULL) != ET_OK)
        return;
    if (et_dynamics_n_joints(dynamics) > ET_DYNAMICS_JOINTS_MAX)
        abort();
    for (size_t i = 0; i < ET_DYNAMICS_JOINTS_MAX; i++)
        q[i] = 0.1 * (double)i;
    if (et_dynamics_inverse(dynamics, q, zero, q, torque, NULL) == ET_OK)
        (void)et_dynamics_scale(dynamics, zero, NULL);
    if (et_dynamics_place(dynamics, q, NULL) == ET_OK)
        (void)et_dynamics_pose(dynamics, 0);
    et_dynamics_close(dynamics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[64];
    const int fd = memfd_create("urdf", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (write(fd, data, n) == (ssize_t)n)
        load_and_move(path);
    (void)close(fd);
    return 0;
}
