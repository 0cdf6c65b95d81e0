/* Any bytes as a recording, through a profile that takes a bit of everything, or the one that fits:
 * samples are of streams that are there, twice the same; what was wrong is said. Its draft of a
 * profile loads. */
#include "etude/recording.h"

#include "../support.h"

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
    "  - {stream: body.velocity, topic: /j, field: velocity, stamp: header.stamp}\n"
    "  - {stream: right_hand.position, topic: /j, names: [grip], unit: percent, invert: true}\n"
    "  - {stream: body.position, topic: /low, field: q, stamp: tick, stamp_unit: ms}\n"
    "  - {stream: base.imu, topic: /imu}\n"
    "  - {stream: head.image, topic: /c}\n"
    "  - {stream: \"*.image\", topic: /cam_*}\n"
    "  - {stream: body.effort, topic: /odd, field: data}\n"
    "  - {stream: scene.event, topic: /e}\n";

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        hash = hash * 31 + p[i];
    return hash;
}

/* Every byte of a sample is looked at. */
static uint64_t look(const struct et_sample *s, const struct et_recording_binding *binding)
{
    require(s->i_stream < binding->n_streams);
    const struct et_stream *stream = &binding->streams[s->i_stream].stream;
    uint64_t hash = mix((uint64_t)s->t_arrival_ns, &s->t_device_ns, sizeof s->t_device_ns);
    if (s->values)
        hash = mix(hash, s->values, stream->n_values * sizeof *s->values);
    hash = mix(hash, s->text.p, s->text.n);
    hash = mix(hash, s->picture.bytes.p, s->picture.bytes.n);
    if (s->picture.coding == ET_PICTURE_RAW)
        require(s->picture.step_bytes * s->picture.height_px <= (int64_t)s->picture.bytes.n);
    return hash;
}

static uint64_t read_all(struct et_recording *r)
{
    struct et_sample sample;
    struct et_err err = {0};
    uint64_t hash = 1;
    enum et_status st = et_recording_query(r, NULL, &err);
    while (st == ET_OK && (st = et_recording_next(r, &sample, &err)) == ET_OK)
        hash = hash * 0x9E3779B97F4A7C15u + look(&sample, et_recording_binding(r));
    require(st == ET_END || err.text[0]);
    const struct et_recording_info *info = et_recording_info(r);
    for (size_t i = 0; i < info->n_remarks; i++)
        require(info->remarks[i].where && info->remarks[i].text && info->remarks[i].n > 0);
    return hash;
}

static void guess(const char *path)
{
    static const struct et_recording_options OPTIONS = {.memory_bytes = 4 << 20};
    static const char *draft;
    struct et_recording *r = NULL;
    struct et_arena *arena = NULL;
    struct et_err err = {0};
    const struct et_profile *profile;
    struct et_buf yaml = et_buf(1 << 20);
    draft = draft ? draft : temp_path("draft.yaml");
    require(et_recording_open(&r, path, &OPTIONS, &err) == ET_OK);
    const enum et_status st = et_recording_guess(r, &yaml, &err);
    require(st == ET_OK || err.text[0]);
    if (st == ET_OK) {
        write_file(draft, yaml.p, yaml.n);
        require(et_arena_open(&arena, (size_t)64 << 20, NULL) == ET_OK);
        require(et_profile_load(draft, arena, &profile, &err) == ET_OK);
        et_arena_close(arena);
    }
    et_buf_free(&yaml);
    et_recording_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct et_recording_options OPTIONS = {.memory_bytes = 4 << 20};
    static const char *path, *profile;
    struct et_recording *r = NULL;
    struct et_err err = {0};
    if (!path) {
        path = temp_path("recording");
        profile = temp_path("robot.yaml");
        write_file(profile, PROFILE, sizeof PROFILE - 1);
    }
    write_file(path, data, n);
    const bool is_known = et_recording_knows(path);
    enum et_status st = et_recording_open(&r, path, &OPTIONS, &err);
    require(st == ET_OK ? is_known && r : !r && err.text[0]);
    if (st != ET_OK)
        return 0;
    err = (struct et_err){0};
    st = et_recording_use_profile(r, n % 8 == 0 ? NULL : profile, &err);
    require(st == ET_OK ? !err.text[0] : err.status == st && err.text[0]);
    if (st == ET_OK) {
        const uint64_t hash = read_all(r);
        require(read_all(r) == hash);
    }
    et_recording_close(r);
    if (n % 4 == 0)
        guess(path);
    return 0;
}
