#include "back_ends.h"

#include "kernels_emulated.h"
#include "learn/learn__cuda.h"
#include "learn/learn__onednn.h"

#define TEAM 4       // threads of one
#define SCRATCH 5000 // numbers: less than most tests want at a time
#define SCRATCH_LARGE 2000000

static void judge_emulated(void (*judge)(const struct back_end *end), const char *name,
                           unsigned n_lanes, size_t n_scratch)
{
    struct back_end end = {
        .name = name, .kernels = &kernels_emulated, .device = emulated_open(n_lanes, n_scratch)};
    judge(&end);
    emulated_close(end.device);
}

void back_ends_each(void (*judge)(const struct back_end *end))
{
    struct et_err err = {0};
    struct et__cuda cuda;
    judge(&(struct back_end){.name = "cpu", .kernels = &et__kernels_cpu});
    if (et__onednn_kernels()) {
        judge(&(struct back_end){.name = "oneDNN", .kernels = et__onednn_kernels()});
    } else {
        tap_skip("no oneDNN");
        tap_result("oneDNN does what the reference does");
    }
    judge_emulated(judge, "pieces in a loop", 1, SCRATCH);
    judge_emulated(judge, "teams of threads", TEAM, SCRATCH_LARGE);
    if (et__cuda_open(&cuda, 0, &err) == ET_OK) {
        judge(&(struct back_end){.name = "cuda", .kernels = cuda.kernels, .device = cuda.device});
        et__cuda_close(&cuda);
    } else {
        printf("# %s\n", err.text);
        tap_skip("no GPU");
        tap_result("a GPU does what the reference does");
    }
}

void back_end_share(const struct back_end *end, void *p, size_t bytes)
{
    if (end->kernels->memory)
        CHECK(end->kernels->memory->share(end->device, p, bytes));
}

void back_end_unshare(const struct back_end *end, void *p)
{
    if (end->kernels->memory)
        end->kernels->memory->unshare(end->device, p);
}

void back_end_finish(const struct back_end *end)
{
    char why[200] = "";
    if (end && end->kernels->memory &&
        !CHECK(end->kernels->memory->finish(end->device, why, sizeof why)))
        printf("#   %s\n", why);
}
