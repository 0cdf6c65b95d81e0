/* Severity discipline: what is clean raises no warning. Fifty episodes of every kind of length,
 * rate, lag and noise, each with its video, through every inspector. */
#include "etude/inspect.h"

#include "clean.h"
#include "tap.h"

#define N_EPISODES 50

static struct et_err err;

static struct clean_options options_of(uint64_t seed)
{
    static const double rates[] = {30, 20, 50, 30, 25};
    return (struct clean_options){
        .seed = 1000 + seed,
        .rate_hz = rates[seed % 5],
        .duration_s = 5 + (double)(seed % 7),
        .lag_s = 0.02 + 0.2 * (double)(seed % 11) / 10,
        .noise_rad = seed % 3 == 0 ? 0.001 : 0.0002,
        .speed = 0.6 + 0.2 * (double)(seed % 4),
    };
}

static void print_findings(const struct et_findings *findings, enum et_severity least)
{
    for (size_t i = 0; i < findings->n; i++)
        if (findings->items[i].severity >= least)
            printf("#   %s %s: %s\n", et_severity_text(findings->items[i].severity),
                   findings->items[i].kind, findings->items[i].text);
}

static void check_episode(uint64_t seed)
{
    struct clean clean;
    struct et_arena *arena = NULL;
    struct et_inspection inspection;
    const struct clean_options o = options_of(seed);

    clean_open(&clean, &o);
    clean_film(&clean, temp_path("clean.mp4"), clean.n, NULL);
    CHECK_OK(et_arena_open(&arena, (size_t)256 << 20, &err));
    CHECK_OK(et_inspect_episode(&clean.episode, NULL, arena, &inspection, &err));
    const struct et_findings_count count =
        et_findings_count(inspection.findings.items, inspection.findings.n);
    if (!CHECK(count.n[ET_SEVERITY_WARN] + count.n[ET_SEVERITY_ERROR] == 0)) {
        printf("# episode %d:\n", (int)seed);
        print_findings(&inspection.findings, ET_SEVERITY_WARN);
    }
    CHECK_EQ(inspection.n_frames_seen, clean.n);
    CHECK(inspection.latency.is_known);
    CHECK_NEAR(inspection.latency.lag_s, o.lag_s, 0.002);
    et_arena_close(arena);
    (void)remove(clean.video.path);
    clean_close(&clean);
}

static void raises_no_warning_on_fifty_clean_episodes(void)
{
    for (uint64_t seed = 0; seed < N_EPISODES; seed++)
        check_episode(seed);
}

int main(void)
{
    RUN(raises_no_warning_on_fifty_clean_episodes);
    return tap_end();
}
