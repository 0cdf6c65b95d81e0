// The official conformance files, and ours with every compression, cut at every byte and with every
// bit flipped: a scan tells of each, a reader gives the messages that are whole or tells of each,
// and none that was never written. With ETUDE_MCAP_ALL in the environment of all 416 files, else of
// a sample of them.
#include "mcap_made.h"
#include "support.h"
#include "tap.h"

#include "etude/file.h"

#include <stdlib.h>

#define MESSAGES_MAX 64

static struct et_err err;

/* The messages of a file, as far as they can be told apart. */
struct given {
    uint64_t hashes[MESSAGES_MAX];
    size_t n;
    int64_t n_remarks; // or things that were wrong, for a scan
};

static uint64_t hash_of(const struct et_mcap_message *m)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    const uint64_t fields[] = {m->channel_id, m->sequence, (uint64_t)m->log_time_ns,
                               (uint64_t)m->publish_time_ns, m->data.n};
    for (size_t i = 0; i < 5; i++)
        hash = (hash ^ fields[i]) * UINT64_C(1099511628211);
    for (size_t i = 0; i < m->data.n; i++)
        hash = (hash ^ (unsigned char)m->data.p[i]) * UINT64_C(1099511628211);
    return hash;
}

static void take(struct given *given, const struct et_mcap_message *message)
{
    if (given->n < MESSAGES_MAX)
        given->hashes[given->n++] = hash_of(message);
}

static bool is_failure_of_file(enum et_status st)
{
    return st == ET_ECORRUPT || st == ET_EUNSUPPORTED || st == ET_ELIMIT;
}

static struct given scan(const char *path)
{
    struct given given = {.n = 0};
    struct et_mcap_scan *s;
    struct et_mcap_record record;
    enum et_status st = et_mcap_scan_open(&s, path, &err);
    if (st != ET_OK) {
        given.n_remarks = 1;
        CHECK(is_failure_of_file(st));
        return given;
    }
    while (st == ET_OK) {
        st = et_mcap_scan_next(s, &record, &err);
        if (st == ET_OK && record.op == ET_MCAP_MESSAGE)
            take(&given, &record.as.message);
        if (st < 0) {
            int64_t n_skipped;
            CHECK(is_failure_of_file(st) && err.at >= 0 && err.text[0]);
            given.n_remarks++;
            st = et_mcap_scan_resync(s, &n_skipped, &err);
        }
    }
    CHECK_EQ(st, ET_END);
    et_mcap_scan_close(s);
    return given;
}

static struct given read_messages(const char *path)
{
    struct given given = {.n = 0};
    struct et_mcap_reader *reader;
    struct et_mcap_message message;
    enum et_status st = et_mcap_open(&reader, path, NULL, &err);
    if (st != ET_OK) {
        given.n_remarks = 1;
        CHECK(is_failure_of_file(st));
        return given;
    }
    const struct et_mcap_query query = {.in_file_order = true};
    CHECK_OK(et_mcap_query(reader, &query, &err));
    while ((st = et_mcap_next(reader, &message, &err)) == ET_OK)
        take(&given, &message);
    CHECK_EQ(st, ET_END);
    for (size_t i = 0; i < et_mcap_info(reader)->n_remarks; i++)
        given.n_remarks += et_mcap_info(reader)->remarks[i].n;
    et_mcap_close(reader);
    return given;
}

static bool is_same(const struct given *a, const struct given *b)
{
    return a->n == b->n && memcmp(a->hashes, b->hashes, a->n * sizeof *a->hashes) == 0;
}

/* True when what was given are the first messages of the whole file. */
static bool is_beginning(const struct given *part, const struct given *whole)
{
    return part->n <= whole->n &&
           memcmp(part->hashes, whole->hashes, part->n * sizeof *part->hashes) == 0;
}

/* How many messages lie wholly within the first n bytes, also in a plain chunk. */
static size_t walk(const unsigned char *p, size_t n, bool is_inside)
{
    size_t n_messages = 0;
    for (size_t at = is_inside ? 0 : 8; n - at >= 9 && at < n;) {
        uint64_t length;
        memcpy(&length, p + at + 1, 8);
        const size_t left = n - at - 9, here = length < left ? (size_t)length : left;
        if (p[at] == ET_MCAP_MESSAGE)
            n_messages += length <= left;
        if (p[at] == ET_MCAP_CHUNK_OP && here > 40 && p[at + 9 + 28] == 0)
            n_messages += walk(p + at + 9 + 40, here - 40, true);
        at += 9 + here;
    }
    return n_messages;
}

struct subject {
    struct given whole;
    unsigned char *bytes;
    size_t n;
    bool is_plain; // no compression
    const char *name;
};

static void check_cut(const char *path, size_t n_kept, void *ctx)
{
    const struct subject *s = ctx;
    const struct given scanned = scan(path), given = read_messages(path);
    const bool is_good = scanned.n_remarks > 0 && given.n_remarks > 0 &&
                         is_beginning(&scanned, &s->whole) && is_beginning(&given, &s->whole) &&
                         given.n == scanned.n;
    const size_t n_least = n_kept > 8 && s->is_plain ? walk(s->bytes, n_kept, false) : 0;
    if (!CHECK(is_good && given.n >= n_least))
        printf("#   %s cut to %zu bytes: %zu messages of %zu by a scan, %zu read, %zu are whole\n",
               s->name, n_kept, scanned.n, s->whole.n, given.n, n_least);
}

static void check_flip(const char *path, size_t at, int bit, const struct subject *s)
{
    const struct given scanned = scan(path), given = read_messages(path);
    if (!CHECK(scanned.n_remarks > 0 && (given.n_remarks > 0 || is_same(&given, &s->whole))))
        printf("#   %s, bit %d of byte %zu: %lld faults by a scan, %lld remarks, %zu messages\n",
               s->name, bit, at, (long long)scanned.n_remarks, (long long)given.n_remarks, given.n);
}

static void cut_and_flip(const char *path, size_t step)
{
    const char *copy = temp_path("damaged.mcap");
    struct subject s = {.name = path};
    s.bytes = read_file(path, &s.n);
    if (!CHECK(s.bytes))
        return;
    s.whole = scan(path);
    const struct given read = read_messages(path);
    CHECK(s.whole.n_remarks == 0 && read.n_remarks == 0 && is_same(&read, &s.whole));
    s.is_plain = walk(s.bytes, s.n, false) == s.whole.n;
    cut_at_every_byte(s.bytes, s.n, step, copy, check_cut, &s);
    for (size_t at = 0; at < s.n; at += step)
        for (int bit = 0; bit < 8; bit++) {
            s.bytes[at] = (unsigned char)(s.bytes[at] ^ 1 << bit);
            write_file(copy, s.bytes, s.n);
            check_flip(copy, at, bit, &s);
            s.bytes[at] = (unsigned char)(s.bytes[at] ^ 1 << bit);
            remove(copy);
        }
    free(s.bytes);
}

static void survives_cuts_and_flips_of_the_official_files(void)
{
    const char *root = data_path("mcap-conformance/data");
    const bool is_all = getenv("ETUDE_MCAP_ALL") != NULL;
    struct et_arena *arena;
    const char *const *folders, *const *names;
    size_t n_folders, n_names, n_seen = 0, n_done = 0;
    if (!root) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(et_arena_open(&arena, 16 << 20, &err));
    CHECK_OK(et_dir_list(root, arena, &folders, &n_folders, &err));
    for (size_t i = 0; i < n_folders; i++) {
        const char *folder = et_path_join(arena, root, folders[i]);
        CHECK_OK(et_dir_list(folder, arena, &names, &n_names, &err));
        for (size_t k = 0; k < n_names; k++) {
            if (!et_str_ends(et_str(names[k]), ".mcap") || (!is_all && n_seen++ % 29 != 5))
                continue;
            cut_and_flip(et_path_join(arena, folder, names[k]), is_all ? 1 : 3);
            n_done++;
        }
    }
    CHECK(n_done == (is_all ? 416 : 15));
    et_arena_close(arena);
}

static void survives_cuts_and_flips_of_every_compression(void)
{
    static const enum et_mcap_compression COMPRESSIONS[] = {ET_MCAP_NONE, ET_MCAP_LZ4,
                                                            ET_MCAP_ZSTD};
    const bool is_all = getenv("ETUDE_MCAP_ALL") != NULL;
    const char *path = temp_path("ours.mcap");
    struct sample s;
    sample_make(&s, 12, 3, 40);
    for (size_t i = 0; i < 6; i++) {
        const struct et_mcap_write_options options = {.compression = COMPRESSIONS[i % 3],
                                                      .chunk_bytes = i < 3 ? 250 : 0,
                                                      .without_message_index = i == 1,
                                                      .with_padding = i == 2};
        CHECK_OK(sample_write(&s, path, &options, &err));
        cut_and_flip(path, is_all ? 1 : 5);
    }
    sample_free(&s);
}

int main(void)
{
    RUN(survives_cuts_and_flips_of_the_official_files);
    RUN(survives_cuts_and_flips_of_every_compression);
    return tap_end();
}
