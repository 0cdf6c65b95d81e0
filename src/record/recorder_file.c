/* A recording's file: MCAP on a tape, hashed as it is written, and the page beside it. */
#include "record/record__recorder.h"

#include "etude/file.h"
#include "etude/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCKS_FROM ((int64_t)64 << 10) // a commit of less is not worth whole blocks
#define PAGE_BYTES_MAX ((size_t)64 << 10)

struct et__file {
    struct et_mcap_writer *mcap;
    struct et__tape *tape;
    struct et_blake2b hash;
    int64_t n_flushed;
    char path[ET_RECORDING_PATH_MAX];
    char part[ET_RECORDING_PATH_MAX + sizeof ET_FILE_PART_SUFFIX];
};

static enum et_status put(void *ctx, const void *bytes, size_t n, struct et_err *err)
{
    struct et__file *file = ctx;
    const enum et_status st = et__tape_put(file->tape, bytes, n, err);
    if (st == ET_OK)
        et_blake2b_add(&file->hash, bytes, n);
    return st;
}

enum et_status et__file_open(struct et__file **file, struct et__deck *deck,
                             const struct et__file_options *options, struct et_err *err)
{
    *file = NULL;
    struct et__file *f = calloc(1, sizeof *f);
    if (!f)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a recording");
    const int n = snprintf(f->path, sizeof f->path, "%s/%s.mcap", options->folder, options->id);
    (void)snprintf(f->part, sizeof f->part, "%s" ET_FILE_PART_SUFFIX, f->path);
    enum et_status st = n > 0 && (size_t)n < sizeof f->path
                            ? et_dir_make(options->folder, err)
                            : et_fail(err, ET_ELIMIT, -1, "%.100s…: more than %d bytes of path",
                                      options->folder, ET_RECORDING_PATH_MAX);
    if (st == ET_OK)
        st = et__tape_open(&f->tape, deck, f->part, err);
    if (st == ET_OK) {
        et_blake2b_begin(&f->hash);
        const struct et_mcap_write_options how = {.profile = ET_STR("ros2"),
                                                  .compression = options->compression,
                                                  .level = options->level,
                                                  // The station closes chunks.
                                                  .chunk_bytes = ET_MCAP_CHUNK_BYTES_MAX / 2,
                                                  .sink = {put, f}};
        st = et_mcap_create(&f->mcap, f->part, &how, err);
    }
    if (st != ET_OK) {
        et__file_leave(f);
        return st;
    }
    *file = f;
    return ET_OK;
}

struct et_mcap_writer *et__file_mcap(struct et__file *file)
{
    return file->mcap;
}

const char *et__file_path(const struct et__file *file)
{
    return file->path;
}

int64_t et__file_bytes(const struct et__file *file)
{
    return et__tape_bytes(file->tape);
}

int64_t et__file_safe(const struct et__file *file)
{
    return et__tape_safe(file->tape);
}

bool et__file_outlives(const struct et__file *file)
{
    return et__tape_outlives(file->tape);
}

bool et__file_is_locked(const struct et__file *file)
{
    return et__tape_is_locked(file->tape);
}

enum et_status et__file_check(const struct et__file *file, struct et_err *err)
{
    return et__tape_check(file->tape, err);
}

enum et_status et__file_flush(struct et__file *file, struct et_err *err)
{
    enum et_status st = et_mcap_flush(file->mcap, err);
    if (st == ET_OK && et__tape_bytes(file->tape) - file->n_flushed >= BLOCKS_FROM)
        st = et_mcap_fill(file->mcap, ET__TAPE_BLOCK, err);
    file->n_flushed = et__tape_bytes(file->tape);
    return st;
}

void et__file_leave(struct et__file *file)
{
    if (!file)
        return;
    et_mcap_writer_close(file->mcap);
    const enum et_status st = et__tape_close(file->tape, NULL);
    (void)st; // what is on the disk is what there is
    free(file);
}

enum et_status et__file_cut(struct et__file *file, int64_t n, struct et_err *err)
{
    et_mcap_writer_close(file->mcap);
    const enum et_status st = et__tape_cut(file->tape, n, err);
    free(file);
    return st;
}

enum et_status et__file_finish(struct et__file *file, const struct et__file_facts *facts,
                               struct et_err *err)
{
    struct et__recording_page page = {.run = facts->run,
                                      .i_part = facts->i_part,
                                      .n_messages = (int64_t)facts->n_messages,
                                      .links = facts->links,
                                      .n_links = facts->n_links,
                                      .n_cut = -1};
    enum et_status st = et_mcap_finish(file->mcap, err);
    file->mcap = NULL;
    page.n_bytes = et__tape_bytes(file->tape);
    struct et_err later = {0};
    const enum et_status closed = et__tape_close(file->tape, st == ET_OK ? err : &later);
    file->tape = NULL;
    st = st == ET_OK ? closed : st;
    page.digest = et_blake2b_end(&file->hash);
    if (st == ET_OK)
        st = et__recording_page_write(file->path, &page, err);
    if (st == ET_OK)
        st = et_file_rename(file->part, file->path, err);
    et__file_leave(file);
    return st;
}

static void page_path(const char *path, char page[ET_RECORDING_PATH_MAX + 8])
{
    const size_t n = strlen(path) - (et_str_ends(et_str(path), ".mcap") ? sizeof ".mcap" - 1 : 0);
    (void)snprintf(page, ET_RECORDING_PATH_MAX + 8, "%.*s.json", (int)n, path);
}

// A session is told in hex: numbers of JSON hold 53 bits.
static void put_links(struct et_json_writer *w, const struct et__recording_page *page)
{
    char session[17];
    et_json_key(w, "links");
    et_json_open_list(w);
    for (size_t i = 0; i < page->n_links; i++) {
        (void)snprintf(session, sizeof session, "%016" PRIx64, page->links[i].session);
        et_json_open_map(w);
        et_json_put_text(w, "session", session);
        et_json_put_int(w, "taken", (int64_t)page->links[i].n_taken);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

enum et_status et__recording_page_write(const char *path, const struct et__recording_page *page,
                                        struct et_err *err)
{
    char to[ET_RECORDING_PATH_MAX + 8], digest[2 * ET_BLAKE2B_BYTES + 1];
    page_path(path, to);
    et_digest_text(&page->digest, digest);
    const char *base = et_path_base(path);
    struct et_buf buf = et_buf(PAGE_BYTES_MAX);
    struct et_json_writer w = {.buf = &buf, .indent = 2};
    et_json_open_map(&w);
    et_json_put_text(&w, "etude", "recording");
    et_json_put_int(&w, "version", 1);
    et_json_key(&w, "id");
    et_json_str(&w, (struct et_str){base, strlen(base) - (sizeof ".mcap" - 1)});
    et_json_put_text(&w, "run", page->run);
    if (page->i_part > 0)
        et_json_put_int(&w, "part", page->i_part);
    et_json_put_text(&w, "file", base);
    et_json_put_int(&w, "bytes", page->n_bytes);
    et_json_put_text(&w, "blake2b", digest);
    if (page->n_messages >= 0)
        et_json_put_int(&w, "messages", page->n_messages);
    if (page->n_links)
        put_links(&w, page);
    et_json_put_bool(&w, "recovered", page->n_cut >= 0);
    if (page->n_cut >= 0)
        et_json_put_int(&w, "cut_bytes", page->n_cut);
    et_json_put_text(&w, "program", "etude " ET_VERSION);
    et_json_close_map(&w);
    et_buf_putc(&buf, '\n');
    enum et_status st = et_buf_check(&buf, "a recording's page", err);
    if (st == ET_OK)
        st = et_file_replace(to, buf.p, buf.n, err);
    et_buf_free(&buf);
    return st;
}

// What is said of a recording after its end, in place of what was said before.
struct verdict {
    const char *outcome; // NULL: what was said stays, under what is said now
    const char *discarded_by, *judged_by;
};

static bool is_verdict(struct et_str key, const struct verdict *verdict)
{
    return et_str_is(key, "discarded_by") ||
           (verdict->outcome && (et_str_is(key, "outcome") || et_str_is(key, "judged_by")));
}

static void put_if(struct et_json_writer *w, const char *key, const char *text)
{
    if (text)
        et_json_put_text(w, key, text);
}

static enum et_status put_verdict(const struct et_value *page, const struct verdict *verdict,
                                  const char *to, struct et_err *err)
{
    struct et_buf buf = et_buf(PAGE_BYTES_MAX);
    struct et_json_writer w = {.buf = &buf, .indent = 2};
    et_json_open_map(&w);
    for (size_t i = 0; i < et_value_count(page); i++) {
        if (is_verdict(page->as.many.keys[i], verdict))
            continue;
        et_json_key_str(&w, page->as.many.keys[i]);
        et_json_value(&w, et_value_at(page, i));
    }
    put_if(&w, "outcome", verdict->outcome);
    put_if(&w, "judged_by", verdict->judged_by);
    put_if(&w, "discarded_by", verdict->discarded_by);
    et_json_close_map(&w);
    et_buf_putc(&buf, '\n');
    enum et_status st = et_buf_check(&buf, "a recording's page", err);
    if (st == ET_OK)
        st = et_file_replace(to, buf.p, buf.n, err);
    et_buf_free(&buf);
    return st;
}

static enum et_status say_on_page(const char *path, const struct verdict *verdict,
                                  struct et_err *err)
{
    char page[ET_RECORDING_PATH_MAX + 8];
    const struct et_value *value;
    struct et_arena *arena;
    page_path(path, page);
    enum et_status st = et_arena_open(&arena, PAGE_BYTES_MAX * 16, err);
    if (st != ET_OK)
        return st;
    st = et_json_read(page, PAGE_BYTES_MAX, NULL, arena, &value, err);
    if (st == ET_OK && strcmp(et_value_text(et_value_get(value, "etude"), ""), "recording") != 0)
        st = et_fail(err, ET_ECORRUPT, -1, "%s is no page of a recording", page);
    if (st == ET_OK)
        st = put_verdict(value, verdict, page, err);
    et_arena_close(arena);
    return st;
}

enum et_status et_recording_discard(const char *path, const char *who, struct et_err *err)
{
    return say_on_page(path, &(struct verdict){.discarded_by = who}, err);
}

enum et_status et_recording_judge(const char *path, const char *outcome, const char *who,
                                  struct et_err *err)
{
    return say_on_page(path, &(struct verdict){.outcome = outcome, .judged_by = who}, err);
}
