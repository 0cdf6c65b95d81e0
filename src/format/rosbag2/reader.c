/* A recording as a whole: its files looked through, its metadata compared with them. */
#include "etude/file.h"
#include "format/rosbag2/rosbag2__reader.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMORY_DEFAULT ((size_t)256 << 20)
#define TEMP_DEFAULT ((int64_t)64 << 30)
#define ARENA_BYTES ((size_t)1 << 30) // of topics, lists of files and blocks
#define N_SLOTS ((size_t)1 << 17)
#define KEPT_MAX 16 // files that stay open

/* ---- one file ---- */

static enum et_status open_storage(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                   const char *path, enum et__r2_kind kind, struct et_err *err)
{
    struct et__r2_file *file = &r->files[s->i_file];
    file->kind = kind;
    return kind == ET__R2_MCAP ? et__r2_mcap_open(r, s, path, err)
                               : et__r2_sqlite_open(r, s, path, err);
}

// The copy loses its name as soon as it is open, so that nothing stays behind, whatever happens.
static enum et_status open_unpacked(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                    struct et_err *err)
{
    char name[ET_PATH_BYTES_MAX];
    enum et__r2_kind kind = ET__R2_NONE;
    bool is_zstd = false;
    enum et_status st = et__r2_unpack_file(r, s->i_file, name, &s->temp_bytes, err);
    if (st != ET_OK) {
        s->temp_bytes = 0;
        return st;
    }
    r->temp_used += s->temp_bytes;
    st = et__r2_kind_of(name, &kind, &is_zstd, err);
    if (st == ET_OK && kind == ET__R2_NONE)
        st = et_fail(err, ET_ECORRUPT, 0, "it holds neither SQLite nor MCAP");
    if (st == ET_OK)
        st = open_storage(r, s, name, kind, err);
    et__r2_temp_remove(r, s->i_file, name);
    if (st != ET_OK)
        (void)et_err_context(err, "%s, decompressed", r->told[s->i_file].path);
    return st;
}

enum et_status et__r2_source_open(struct et_rosbag2_reader *r, size_t i_file,
                                  struct et__r2_source **source, struct et_err *err)
{
    const char *path = r->told[i_file].path;
    enum et__r2_kind kind = ET__R2_NONE;
    struct et__r2_source *s = calloc(1, sizeof *s);
    *source = NULL;
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "%s: no memory to open it", path);
    s->i_file = i_file;
    enum et_status st = et__r2_kind_of(path, &kind, &r->files[i_file].is_zstd, err);
    if (st == ET_OK)
        st = r->files[i_file].is_zstd ? open_unpacked(r, s, err)
                                      : open_storage(r, s, path, kind, err);
    if (st != ET_OK) {
        et__r2_source_close(r, s);
        return st;
    }
    r->sources[i_file] = s;
    *source = s;
    return ET_OK;
}

void et__r2_source_close(struct et_rosbag2_reader *r, struct et__r2_source *s)
{
    if (!s)
        return;
    r->temp_used -= s->temp_bytes;
    if (r->sources[s->i_file] == s)
        r->sources[s->i_file] = NULL;
    et_mcap_close(s->mcap);
    et__r2_sqlite_close(s);
    free(s);
}

static enum et_status size_of(const char *path, int64_t *n_bytes, struct et_err *err)
{
    struct et_file *file = NULL;
    enum et_status st = et_file_open(&file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(file, n_bytes, err);
    et_file_close(file);
    return st;
}

static enum et_status look(struct et_rosbag2_reader *r, size_t i_file, struct et_err *err)
{
    struct et_rosbag2_file *told = &r->told[i_file];
    struct et__r2_source *s = NULL;
    enum et_status st = size_of(told->path, &told->n_bytes, err);
    if (st == ET_OK)
        st = et__r2_source_open(r, i_file, &s, err);
    if (st != ET_OK)
        return st;
    const bool is_mcap = r->files[i_file].kind == ET__R2_MCAP;
    st = is_mcap ? et__r2_mcap_look(r, s, err) : et__r2_sqlite_look(r, s, err);
    if (st == ET_OK) {
        told->storage = is_mcap ? "mcap" : "sqlite3";
        told->is_compressed = r->files[i_file].is_zstd;
        memset(r->files[i_file].n_seen, 0, sizeof r->files[i_file].n_seen);
    }
    if (st == ET_OK && r->n_kept < KEPT_MAX && (!told->is_compressed || r->n_kept == 0)) {
        r->n_kept++;
        r->files[i_file].is_kept = true;
        return ET_OK;
    }
    et__r2_source_close(r, s);
    return st;
}

// A file that is none costs itself; what the system or a limit refuses costs all.
static bool is_left_out(enum et_status st)
{
    return st == ET_ECORRUPT || st == ET_EUNSUPPORTED || st == ET_ENOTFOUND;
}

static enum et_status look_at_files(struct et_rosbag2_reader *r, struct et_err *err)
{
    struct et_err first = {0};
    size_t n_good = 0;
    for (size_t i = 0; i < r->info.n_files; i++) {
        struct et_err why = {0};
        const enum et_status st = look(r, i, &why);
        if (st == ET_OK) {
            n_good++;
            continue;
        }
        if (!is_left_out(st)) {
            if (err)
                *err = why;
            return st;
        }
        first = first.status == ET_OK ? why : first;
        r->files[i].kind = ET__R2_NONE;
        r->told[i] = (struct et_rosbag2_file){
            .path = r->told[i].path, .n_bytes = r->told[i].n_bytes, .n_messages = -1};
        et__r2_remark(r, ET_ROSBAG2_FILE, i, -1, r->told[i].n_bytes, "%.20s%.130s",
                      strlen(why.text) > 130 ? "…" : "",
                      why.text + (strlen(why.text) > 130 ? strlen(why.text) - 130 : 0));
    }
    const struct et_str storage = r->metadata.storage;
    if (n_good == 0 && storage.n && !et_str_is(storage, "sqlite3") && !et_str_is(storage, "mcap"))
        return et_fail(err, ET_EUNSUPPORTED, -1, "storage \"%.*s\" is not read",
                       (int)(storage.n < 60 ? storage.n : 60), storage.p);
    if (n_good == 0 && err)
        *err = first;
    return n_good ? ET_OK : first.status;
}

/* ---- the whole ---- */

void et__r2_inner_metadata(struct et_rosbag2_reader *r, struct et_str yaml)
{
    if (r->metadata.is_there)
        return;
    struct et__r2_metadata inner;
    const struct et_arena_mark mark = et_arena_mark(r->arena);
    char *copy = et_arena_copy(r->arena, yaml.p, yaml.n);
    if (copy &&
        et__r2_metadata_read((struct et_str){copy, yaml.n}, r->arena, &inner, NULL) == ET_OK)
        r->metadata = inner;
    else
        et_arena_rewind(r->arena, mark);
}

static void sum_up(struct et_rosbag2_reader *r)
{
    bool has_any = false;
    for (size_t i = 0; i < r->info.n_files; i++) {
        const struct et_rosbag2_file *f = &r->told[i];
        r->info.n_bytes += f->n_bytes;
        if (!f->storage)
            continue;
        r->info.storage = r->info.storage ? r->info.storage : f->storage;
        r->info.n_messages =
            f->n_messages < 0 || r->info.n_messages < 0 ? -1 : r->info.n_messages + f->n_messages;
        if (f->n_messages == 0)
            continue;
        if (!has_any || f->start_ns < r->info.start_ns)
            r->info.start_ns = f->start_ns;
        if (!has_any || f->end_ns > r->info.end_ns)
            r->info.end_ns = f->end_ns;
        has_any = true;
    }
}

static void disagree(struct et_rosbag2_reader *r, struct et_str topic, int64_t said, int64_t found)
{
    et__r2_remark(r, ET_ROSBAG2_METADATA, SIZE_MAX, -1, 0,
                  "metadata.yaml says %lld messages%s%.*s, the files have %lld", (long long)said,
                  topic.n ? " of " : "", (int)(topic.n < 60 ? topic.n : 60), topic.n ? topic.p : "",
                  (long long)found);
}

static enum et_status compare_topics(struct et_rosbag2_reader *r, struct et_err *err)
{
    const struct et__r2_metadata *m = &r->metadata;
    bool *is_listed = et_arena_array(r->arena, r->info.n_topics, sizeof *is_listed);
    if (!is_listed)
        return et_arena_fail(r->arena, "the topics", err);
    for (size_t i = 0; i < m->n_topics; i++) {
        const struct et__r2_count *c = &m->topics[i];
        const struct et_rosbag2_topic wanted = {
            .name = c->name,
            .type = c->type,
            .serialization = c->serialization.n ? c->serialization : ET_STR("cdr")};
        const size_t found = et__r2_topic_find(r, &wanted);
        if (found == SIZE_MAX) {
            et__r2_remark(r, ET_ROSBAG2_METADATA, SIZE_MAX, -1, 0,
                          "metadata.yaml lists topic %.*s, which no file has",
                          (int)(c->name.n < 80 ? c->name.n : 80), c->name.n ? c->name.p : "");
            continue;
        }
        struct et_rosbag2_topic *t = &r->topics[found];
        is_listed[found] = true;
        t->qos = t->qos.n ? t->qos : c->qos;
        if (t->n_messages >= 0 && c->n >= 0 && c->n != t->n_messages)
            disagree(r, t->name, c->n, t->n_messages);
    }
    for (size_t i = 0; m->n_topics && i < r->info.n_topics; i++)
        if (!is_listed[i] && r->topics[i].n_messages > 0)
            disagree(r, r->topics[i].name, 0, r->topics[i].n_messages);
    return ET_OK;
}

// Only of metadata.yaml: a copy within a file may be older than the file's end.
static enum et_status compare_metadata(struct et_rosbag2_reader *r, struct et_err *err)
{
    const struct et__r2_metadata *m = &r->metadata;
    const struct et_rosbag2_info *info = &r->info;
    if (!info->has_metadata)
        return ET_OK;
    if (m->n_messages >= 0 && info->n_messages >= 0 && m->n_messages != info->n_messages)
        disagree(r, (struct et_str){NULL, 0}, m->n_messages, info->n_messages);
    const enum et_status st = compare_topics(r, err);
    if (st != ET_OK || info->n_messages == 0 || m->start_ns < 0 || m->duration_ns < 0)
        return st;
    if (m->start_ns != info->start_ns)
        et__r2_remark(r, ET_ROSBAG2_METADATA, SIZE_MAX, -1, 0,
                      "metadata.yaml says it begins at %lld ns, the files at %lld",
                      (long long)m->start_ns, (long long)info->start_ns);
    else if (m->duration_ns != info->end_ns - info->start_ns)
        et__r2_remark(r, ET_ROSBAG2_METADATA, SIZE_MAX, -1, 0,
                      "metadata.yaml says it lasts %lld ns, the files %lld",
                      (long long)m->duration_ns, (long long)(info->end_ns - info->start_ns));
    return ET_OK;
}

static enum et_status check_compression(const struct et_rosbag2_reader *r, struct et_err *err)
{
    const struct et_str name = r->metadata.compression;
    if ((r->metadata.mode != ET__R2_MODE_MESSAGE && r->metadata.mode != ET__R2_MODE_FILE) ||
        et_str_is(name, "zstd"))
        return ET_OK;
    return et_fail(err, ET_EUNSUPPORTED, -1, "compression \"%.*s\" is not read, only zstd",
                   (int)(name.n < 60 ? name.n : 60), name.n ? name.p : "");
}

static enum et_status make_lists(struct et_rosbag2_reader *r, struct et_err *err)
{
    const size_t n = r->info.n_files;
    r->files = et_arena_array(r->arena, n, sizeof *r->files);
    r->sources = et_arena_array(r->arena, n, sizeof *r->sources);
    r->order = et_arena_array(r->arena, n, sizeof *r->order);
    r->active = et_arena_array(r->arena, n, sizeof *r->active);
    return r->files && r->sources && r->order && r->active
               ? ET_OK
               : et_arena_fail(r->arena, "the list of files", err);
}

static enum et_status open_it(struct et_rosbag2_reader *r, const char *path, struct et_err *err)
{
    enum et_path_kind kind = ET_PATH_NONE;
    enum et_status st = et_arena_open(&r->arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = et_path_kind(path, &kind, err);
    if (st == ET_OK && kind == ET_PATH_NONE)
        return et_fail(err, ET_ENOTFOUND, -1, "%s: no such file or folder", path);
    if (st == ET_OK)
        st = kind == ET_PATH_DIR ? et__r2_folder_read(r, path, err) : et__r2_file_add(r, path, err);
    if (st == ET_OK)
        st = check_compression(r, err);
    if (st == ET_OK)
        st = make_lists(r, err);
    if (st == ET_OK)
        st = look_at_files(r, err);
    if (st == ET_OK) // the copy of the metadata in a file may say it
        st = check_compression(r, err);
    if (st != ET_OK)
        return st;
    sum_up(r);
    if ((st = compare_metadata(r, err)) != ET_OK)
        return st;
    const struct et__r2_metadata *m = &r->metadata;
    r->info.metadata_version = m->version;
    r->info.custom = m->custom;
    r->info.n_custom = m->n_custom;
    if (m->distro.n)
        r->info.ros_distro = m->distro;
    r->info.compression = m->mode == ET__R2_MODE_MESSAGE                ? "message"
                          : r->info.n_files && r->told[0].is_compressed ? "file"
                                                                        : "none";
    return et_rosbag2_query(r, NULL, err);
}

enum et_status et_rosbag2_open(struct et_rosbag2_reader **reader, const char *path,
                               const struct et_rosbag2_open_options *options, struct et_err *err)
{
    const char *system_temp = getenv("TMPDIR");
    struct et_rosbag2_reader *r = calloc(1, sizeof *r);
    *reader = NULL;
    if (r)
        r->slots = calloc(N_SLOTS, sizeof *r->slots);
    if (!r || !r->slots) {
        free(r);
        return et_fail(err, ET_ENOMEM, -1, "%s: no memory to open it", path);
    }
    r->memory_bytes = options && options->memory_bytes ? options->memory_bytes : MEMORY_DEFAULT;
    r->temp_bytes = options && options->temp_bytes > 0 ? options->temp_bytes : TEMP_DEFAULT;
    r->temp_folder = options && options->temp_folder ? options->temp_folder
                     : system_temp && system_temp[0] ? system_temp
                                                     : "/tmp";
    r->unpacked =
        et_buf(r->memory_bytes < ET_ROSBAG2_MESSAGE_BYTES_MAX ? r->memory_bytes
                                                              : ET_ROSBAG2_MESSAGE_BYTES_MAX);
    const enum et_status st = open_it(r, path, err);
    if (st != ET_OK) {
        et_rosbag2_close(r);
        return st;
    }
    *reader = r;
    return ET_OK;
}

void et_rosbag2_close(struct et_rosbag2_reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; reader->sources && i < reader->info.n_files; i++)
        et__r2_source_close(reader, reader->sources[i]);
    et__r2_unpack_free(reader->zstd);
    et_buf_free(&reader->unpacked);
    free(reader->asked);
    free(reader->slots);
    et_arena_close(reader->arena);
    free(reader);
}

const struct et_rosbag2_info *et_rosbag2_info(const struct et_rosbag2_reader *reader)
{
    return &reader->info;
}
