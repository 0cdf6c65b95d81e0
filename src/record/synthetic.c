#include "etude/synthetic.h"

#include "etude/cdr.h"
#include "etude/clock.h"
#include "etude/file.h"
#include "etude/hash.h"
#include "etude/mcap.h"

#include <math.h>
#include <stdlib.h>

#define N_JOINTS 29
#define N_PADS 1000
#define PICTURE_BYTES 8333 // of 2 Mbit/s at 30 Hz
#define KEY_EVERY 30       // pictures; a key is three times as large
#define MESSAGE_BYTES_MAX ((size_t)64 << 10)
#define ARENA_BYTES ((size_t)1 << 30)
#define ID_FILE_CHARS (ET_ID_CHARS + 5) // <id>.mcap

enum kind { NUMBERS, PADS, PICTURE };

static const struct spec {
    const char *topic;
    enum kind kind;
    size_t n_values;
    int rate_hz;
} SPECS[ET_SYNTHETIC_STREAMS] = {
    {"/joint_states", NUMBERS, 3 * N_JOINTS, 500},
    {"/joint_commands", NUMBERS, 5 * N_JOINTS, 500},
    {"/left_wrist/wrench", NUMBERS, 6, 1000},
    {"/right_wrist/wrench", NUMBERS, 6, 1000},
    {"/left_hand/touch", PADS, N_PADS, 100},
    {"/right_hand/touch", PADS, N_PADS, 100},
    {"/imu", NUMBERS, 10, 200},
    {"/camera/head", PICTURE, 0, 30},
    {"/camera/left_wrist", PICTURE, 0, 30},
    {"/camera/right_wrist", PICTURE, 0, 30},
};

static const char *const TYPES[] = {"std_msgs/msg/Float32MultiArray",
                                    "std_msgs/msg/UInt16MultiArray",
                                    "foxglove_msgs/msg/CompressedVideo"};

/* A second of one stream: messages as they are sent, but for their number. */
struct second {
    struct et_buf bytes;
    size_t *at;       // of each message; n + 1 of them
    size_t number_at; // of its 4 bytes, in each message
    size_t n;
};

struct et_synthetic_pool {
    struct second seconds[ET_SYNTHETIC_STREAMS];
};

struct et_synthetic {
    struct et_synthetic_pool *pool;
    struct et_feed *feed;
    int64_t t_begin_ns[ET_SYNTHETIC_STREAMS];
    uint32_t n[ET_SYNTHETIC_STREAMS]; // that were put
    uint16_t stream[ET_SYNTHETIC_STREAMS];
    unsigned char scratch[MESSAGE_BYTES_MAX];
};

/* ---- a second of it ---- */

static uint64_t next(uint64_t *state) // splitmix64 (Steele, Lea, Flood 2014)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static double noise(uint64_t *state)
{
    return (double)(next(state) >> 11) * 0x1p-53 - 0.5;
}

// As an encoder of 16 bits a turn sees a joint move.
static float joint(uint64_t *state, size_t i, double t_s)
{
    const double x =
        sin(6.283185307179586 * ((double)(i % 7) + 1) * t_s + (double)i) + 0.0005 * noise(state);
    return (float)(round(x * 10430.0) / 10430.0);
}

static void put_numbers(struct et_buf *buf, const struct spec *spec, uint64_t *state, double t_s)
{
    struct et_cdr w = et_cdr_begin(buf);
    et_cdr_count(&w, 0); // dimensions
    et_cdr_u32(&w, 0);   // data_offset: the number
    et_cdr_count(&w, spec->n_values);
    for (size_t i = 0; i < spec->n_values; i++)
        if (spec->kind == NUMBERS)
            et_cdr_f32(&w, joint(state, i, t_s));
        else // most pads feel nothing but their own noise
            et_cdr_u16(&w, (uint16_t)((i % 50 == 0 ? 500.0 + 400.0 * sin(6.28 * t_s) : 0.0) +
                                      (double)(next(state) % 2)));
}

static void put_picture(struct et_buf *buf, uint64_t *state, size_t k)
{
    unsigned char picture[3 * PICTURE_BYTES] = {0, 0, 0, 1};
    const size_t n =
        k % KEY_EVERY == 0 ? 3 * PICTURE_BYTES : PICTURE_BYTES * (KEY_EVERY - 3) / (KEY_EVERY - 1);
    struct et_cdr w = et_cdr_begin(buf);
    picture[4] = k % KEY_EVERY == 0 ? 0x65 : 0x41;
    for (size_t i = 5; i < n; i++)
        picture[i] = (unsigned char)(1 + next(state) % 255); // no start code by chance
    et_cdr_time(&w, 0);
    et_cdr_u32(&w, 5); // the frame's name: four letters and a NUL; the number stands there
    et_buf_put(buf, "\0\0\0\0", 5);
    et_cdr_bytes(&w, picture, n);
    et_cdr_text(&w, ET_STR("h264"));
}

static enum et_status make_second(struct second *s, const struct spec *spec, uint64_t seed,
                                  struct et_err *err)
{
    uint64_t state = seed;
    s->n = (size_t)spec->rate_hz;
    s->number_at = spec->kind == PICTURE ? 16 : 8;
    s->bytes = et_buf(s->n * MESSAGE_BYTES_MAX);
    s->at = calloc(s->n + 1, sizeof *s->at);
    if (!s->at)
        return et_fail(err, ET_ENOMEM, -1, "no memory for synthetic streams");
    for (size_t k = 0; k < s->n; k++) {
        const double t_s = (double)k / spec->rate_hz;
        struct et_buf message = et_buf(MESSAGE_BYTES_MAX);
        if (spec->kind == PICTURE)
            put_picture(&message, &state, k);
        else
            put_numbers(&message, spec, &state, t_s);
        et_buf_put(&s->bytes, message.p, message.n);
        if (message.status != ET_OK)
            s->bytes.status = message.status;
        et_buf_free(&message);
        s->at[k + 1] = s->bytes.n;
    }
    return et_buf_check(&s->bytes, "synthetic streams", err);
}

enum et_status et_synthetic_pool_open(struct et_synthetic_pool **pool, uint64_t seed,
                                      struct et_err *err)
{
    *pool = NULL;
    struct et_synthetic_pool *p = calloc(1, sizeof *p);
    if (!p)
        return et_fail(err, ET_ENOMEM, -1, "no memory for synthetic streams");
    enum et_status st = ET_OK;
    for (size_t i = 0; i < ET_SYNTHETIC_STREAMS && st == ET_OK; i++)
        st = make_second(&p->seconds[i], &SPECS[i], seed + i, err);
    if (st != ET_OK)
        et_synthetic_pool_close(p);
    else
        *pool = p;
    return st;
}

void et_synthetic_pool_close(struct et_synthetic_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < ET_SYNTHETIC_STREAMS; i++) {
        et_buf_free(&pool->seconds[i].bytes);
        free(pool->seconds[i].at);
    }
    free(pool);
}

static struct et_str message(const struct second *s, uint64_t k)
{
    const size_t i = k % s->n;
    return (struct et_str){s->bytes.p + s->at[i], s->at[i + 1] - s->at[i]};
}

/* ---- a station ---- */

enum et_status et_synthetic_open(struct et_synthetic **synthetic, struct et_synthetic_pool *pool,
                                 struct et_feed *feed, int64_t t_ns, struct et_err *err)
{
    *synthetic = NULL;
    struct et_synthetic *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a synthetic station");
    s->pool = pool;
    s->feed = feed;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < ET_SYNTHETIC_STREAMS && st == ET_OK; i++) {
        s->t_begin_ns[i] = t_ns + (int64_t)i * 100000;
        st = et_feed_add_type(feed, SPECS[i].topic, TYPES[SPECS[i].kind], "synthetic",
                              SPECS[i].rate_hz, &s->stream[i], err);
    }
    if (st != ET_OK)
        free(s);
    else
        *synthetic = s;
    return st;
}

void et_synthetic_close(struct et_synthetic *s)
{
    free(s);
}

static int64_t due_ns(const struct et_synthetic *s, size_t i)
{
    return s->t_begin_ns[i] + (int64_t)s->n[i] * (ET_NS_PER_S / SPECS[i].rate_hz);
}

static void put_next(struct et_synthetic *s, size_t i)
{
    const struct second *second = &s->pool->seconds[i];
    const struct et_str bytes = message(second, s->n[i]);
    memcpy(s->scratch, bytes.p, bytes.n);
    memcpy(s->scratch + second->number_at, &s->n[i], sizeof s->n[i]);
    (void)et_feed_put(s->feed, &(struct et_feed_sample){.t_device_ns = due_ns(s, i),
                                                        .stream = s->stream[i],
                                                        .n_bytes = (uint32_t)bytes.n,
                                                        .bytes = s->scratch});
    s->n[i]++;
}

int64_t et_synthetic_put(struct et_synthetic *s, int64_t t_ns)
{
    int64_t t_next_ns = INT64_MAX;
    for (size_t i = 0; i < ET_SYNTHETIC_STREAMS; i++) {
        while (due_ns(s, i) <= t_ns)
            put_next(s, i);
        t_next_ns = due_ns(s, i) < t_next_ns ? due_ns(s, i) : t_next_ns;
    }
    return t_next_ns;
}

/* ---- what came of it ---- */

const char *et_synthetic_topic(size_t i)
{
    return SPECS[i].topic;
}

static void check_message(const struct second *second, struct et_str data,
                          struct et_synthetic_stream *found)
{
    uint32_t k;
    if (data.n < second->number_at + 4) {
        found->n_wrong++;
        return;
    }
    memcpy(&k, data.p + second->number_at, 4);
    const struct et_str want = message(second, k);
    const size_t rest = second->number_at + 4;
    const uint64_t last = found->first + found->n + found->n_missing; // that is expected
    if (data.n != want.n || memcmp(data.p, want.p, second->number_at) != 0 ||
        memcmp(data.p + rest, want.p + rest, want.n - rest) != 0 || (found->n && k < last)) {
        found->n_wrong++;
        return;
    }
    if (found->n == 0)
        found->first = k;
    else
        found->n_missing += k - last;
    found->n++;
}

enum et_status et_synthetic_check(struct et_synthetic_pool *pool, const char *path,
                                  struct et_synthetic_stream streams[ET_SYNTHETIC_STREAMS],
                                  struct et_err *err)
{
    struct et_mcap_reader *reader;
    struct et_mcap_message m;
    const struct et_mcap_query query = {.in_file_order = true};
    enum et_status st = et_mcap_open(&reader, path, NULL, err);
    if (st != ET_OK)
        return st;
    st = et_mcap_query(reader, &query, err);
    while (st == ET_OK && (st = et_mcap_next(reader, &m, err)) == ET_OK) {
        const struct et_str topic = et_mcap_channel(reader, m.channel_id)->topic;
        for (size_t i = 0; i < ET_SYNTHETIC_STREAMS; i++)
            if (et_str_is(topic, SPECS[i].topic))
                check_message(&pool->seconds[i], m.data, &streams[i]);
    }
    et_mcap_close(reader);
    return st == ET_END ? ET_OK : st;
}

/* ---- what came of it, over a restart ---- */

struct folder {
    struct et_synthetic_pool *pool;
    const char *path, *station;
    struct et_arena *arena;
};

static bool is_recording(const char *name)
{
    char id[ET_ID_CHARS + 1] = "";
    if (strlen(name) == ID_FILE_CHARS)
        memcpy(id, name, ET_ID_CHARS);
    return et_id_is(id) && strcmp(name + ET_ID_CHARS, ".mcap") == 0;
}

static enum et_status is_of_station(const struct folder *f, const char *path, bool *is_its,
                                    struct et_err *err)
{
    struct et_mcap_reader *reader;
    enum et_status st = et_mcap_open(&reader, path, NULL, err);
    *is_its = false;
    for (size_t i = 0; st == ET_OK && i < (size_t)et_mcap_info(reader)->n_metadata; i++) {
        struct et_mcap_metadata metadata;
        st = et_mcap_metadata(reader, i, f->arena, &metadata, err);
        for (size_t k = 0; st == ET_OK && k < metadata.n_pairs; k++)
            *is_its = *is_its || (et_str_is(metadata.name, "etude.run") &&
                                  et_str_is(metadata.pairs[k].key, "station") &&
                                  et_str_is(metadata.pairs[k].value, f->station));
    }
    et_mcap_close(reader);
    return st;
}

// All that is in it begins at 0, films aside: their last key frame may be older.
static bool begins_anew(const struct et_synthetic_stream streams[ET_SYNTHETIC_STREAMS])
{
    bool has_any = false;
    for (size_t i = 0; i < ET_SYNTHETIC_STREAMS; i++) {
        if (SPECS[i].kind == PICTURE || streams[i].n == 0)
            continue;
        has_any = true;
        if (streams[i].first != 0)
            return false;
    }
    return has_any;
}

static uint64_t end_of(const struct et_synthetic_stream *s)
{
    return s->first + s->n + s->n_missing;
}

// Goes on with what the next recording has of the stream.
static void join(struct et_synthetic_stream *all, const struct et_synthetic_stream *next,
                 bool is_film)
{
    const uint64_t end = end_of(all);
    const uint64_t n_again = next->n && next->first < end ? end - next->first : 0;
    const uint64_t n_new = next->n > n_again ? next->n - n_again : 0;
    all->n_wrong += next->n_wrong + (is_film ? 0 : next->n - n_new);
    if (all->n == 0)
        all->first = next->first;
    else if (next->n && next->first > end)
        all->n_missing += next->first - end;
    if (end_of(next) > end)
        all->n_missing += next->n_missing;
    all->n += n_new;
}

/* From the last recording back to the one in which the streams began, and through them on. */
static enum et_status check_folder(const struct folder *f, const char *const *names, size_t n_names,
                                   struct et_synthetic_found *found, struct et_err *err)
{
    enum et_status st = ET_OK;
    bool is_its, is_begun = false;
    struct et_synthetic_stream(*parts)[ET_SYNTHETIC_STREAMS] =
        et_arena_array(f->arena, n_names, sizeof *parts);
    if (!parts)
        return et_arena_fail(f->arena, "a folder of recordings", err);
    for (size_t i = n_names; i-- > 0 && st == ET_OK;) {
        const char *path =
            is_recording(names[i]) ? et_path_join(f->arena, f->path, names[i]) : NULL;
        if (!path)
            continue;
        st = is_of_station(f, path, &is_its, err);
        if (st != ET_OK || !is_its)
            continue;
        if (is_begun) {
            found->n_left_out++;
            continue;
        }
        struct et_synthetic_stream *part = parts[found->n_recordings++];
        memset(part, 0, sizeof *parts);
        st = et_synthetic_check(f->pool, path, part, err);
        is_begun = begins_anew(part);
    }
    for (size_t k = found->n_recordings; k-- > 0 && st == ET_OK;)
        for (size_t i = 0; i < ET_SYNTHETIC_STREAMS; i++)
            join(&found->streams[i], &parts[k][i], SPECS[i].kind == PICTURE);
    return st;
}

enum et_status et_synthetic_check_folder(struct et_synthetic_pool *pool, const char *folder,
                                         const char *station, struct et_synthetic_found *found,
                                         struct et_err *err)
{
    struct folder f = {.pool = pool, .path = folder, .station = station};
    const char *const *names;
    size_t n_names;
    *found = (struct et_synthetic_found){0};
    enum et_status st = et_arena_open(&f.arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = et_dir_list(folder, f.arena, &names, &n_names, err);
    if (st == ET_OK)
        st = check_folder(&f, names, n_names, found, err);
    et_arena_close(f.arena);
    return st;
}
