/* Any bytes as a recording that is curated through a profile: episodes that can be read again, or a
 * sentence why not; the same twice. Times, counts and values are what the bytes say. */
#include "etude/curate.h"
#include "etude/episode_file.h"
#include "etude/file.h"

#include "../support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char PROFILE[] =
    "profile: 1\nmaker: M\nmodel: T\nparts:\n"
    "  left_arm:\n    unit: rad\n    joints: any\n  body:\n    unit: \"1\"\n    joints: any\n"
    "  right_hand:\n    unit: fraction\n    joints:\n      - {name: grip, lower: null, upper: "
    "null}\n"
    "cameras:\n  head: in the head\nrules:\n"
    "  - {stream: left_arm.position, topic: /j, field: position}\n"
    "  - {stream: command.left_arm.position, topic: /cmd, field: position}\n"
    "  - {stream: body.velocity, topic: /j, field: velocity, stamp: header.stamp}\n"
    "  - {stream: right_hand.position, topic: /j, names: [grip], unit: percent, invert: true}\n"
    "  - {stream: body.position, topic: /low, field: q, stamp: tick, stamp_unit: ms}\n"
    "  - {stream: base.imu, topic: /imu}\n"
    "  - {stream: head.image, topic: /c}\n"
    "  - {stream: body.effort, topic: /odd, field: data}\n"
    "  - {stream: scene.event, topic: /e}\n";

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void read_again(const char *out, const struct et_curated *curated)
{
    for (size_t i = 0; i < curated->n_episodes; i++) {
        char path[4300];
        struct et_arena *arena = NULL;
        struct et_episode episode;
        struct et_episode_facts facts;
        struct et_err err = {0};
        (void)snprintf(path, sizeof path, "%s/%s", out, curated->episodes[i].folder);
        require(et_arena_open(&arena, (size_t)256 << 20, NULL) == ET_OK);
        require(et_episode_read(path, arena, &episode, &facts, &err) == ET_OK);
        for (size_t k = 0; k < episode.n_remarks; k++)
            require(strncmp(episode.remarks[k].where, "tracks/", 7) != 0);
        et_arena_close(arena);
    }
}

/* A number that stands for the result. */
static size_t curate(const char *path, const char *profile, const char *out)
{
    const struct et_curate_options options = {
        .profile = profile, .memory_bytes = 4 << 20, .episode_bytes = (size_t)32 << 20};
    struct et_arena *arena = NULL;
    struct et_curated curated;
    struct et_err err = {0};
    require(et_arena_open(&arena, (size_t)64 << 20, NULL) == ET_OK);
    const enum et_status st = et_curate(path, out, true, &options, arena, &curated, &err);
    require(st == ET_OK || (err.status == st && err.text[0]));
    size_t result = (size_t)st * 1000000;
    if (st == ET_OK) {
        require(curated.n_episodes > 0 || curated.why[0]);
        read_again(out, &curated);
        result += curated.n_episodes * 1000 + curated.n_remarks;
        for (size_t i = 0; i < curated.n_episodes; i++)
            result += 7 * curated.episodes[i].n_findings + curated.episodes[i].n_segments;
    }
    et_arena_close(arena);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *path, *profile, *out;
    if (!path) {
        path = temp_path("recording");
        profile = temp_path("robot.yaml");
        out = temp_path("out");
        write_file(profile, PROFILE, sizeof PROFILE - 1);
    }
    require(et_dir_make(out, NULL) == ET_OK);
    write_file(path, data, n);
    const size_t result = curate(path, profile, out);
    if (n % 4 == 0)
        require(curate(path, profile, out) == result);
    require(et_path_remove(out, NULL) == ET_OK);
    return 0;
}
