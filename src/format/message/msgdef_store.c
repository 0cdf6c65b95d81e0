/* The store: definitions in files, for recordings that carry none. */
#include "message__def.h"

#include "etude/file.h"

#include <stdlib.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define WAY_BYTES 200 // of the folders that a message names

static const char *const LINE_OF_EQUALS =
    "================================================================================\n";

/* A part of a name becomes a part of a path: letters, digits, '_' and nothing else. */
static bool is_plain(struct et_str part)
{
    for (size_t i = 0; i < part.n; i++) {
        const char c = part.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_')
            return false;
    }
    return part.n > 0;
}

/* Reads <folder>/msg/<middle><package>/msg/<Name>.msg, which may not be there. */
static enum et_status read_one(const struct et__maker *m, struct et_str folder, const char *middle,
                               struct et_str name, struct et_str *text)
{
    const char *path =
        et_arena_printf(m->arena, "%.*s/msg/%s%.*s/msg/%.*s.msg", ET_STR_ARG(folder), middle,
                        ET_STR_ARG(et__name_package(name)), ET_STR_ARG(et__name_last(name)));
    if (!path)
        return et_arena_fail(m->arena, "a message definition", m->err);
    return et_file_read(path, FILE_BYTES_MAX, m->arena, text, m->err);
}

/* What a type was in an edition is what it was in the next one that says so. */
static enum et_status read_from(const struct et__maker *m, struct et_str folder, struct et_str name,
                                struct et_str *text)
{
    static const char *const EDITIONS[ET__N_EDITIONS] = {"", "humble/", "foxy/"};
    enum et_status st = ET_ENOTFOUND;
    if (m->flavour == ET_MSGDEF_ROS1) {
        st = read_one(m, folder, "ros1/", name, text);
        return st == ET_ENOTFOUND ? read_one(m, folder, "", name, text) : st;
    }
    for (int i = (int)m->edition; i >= 0 && st == ET_ENOTFOUND; i--)
        st = read_one(m, folder, EDITIONS[i], name, text);
    return st;
}

/* Folders of data, in order: those of $ETUDE_SHARE, then the installed one. */
static bool next_folder(struct et_str *own, bool *is_done, struct et_str *folder)
{
    while (et_str_cut(own, ':', folder))
        if (folder->n > 0)
            return true;
    *folder = ET_STR(ET_SHARE_DIR);
    const bool is_there = !*is_done;
    *is_done = true;
    return is_there;
}

/* Reads <folder>/<package>/msg/<Name>.msg of a user's folder, as ROS lays them out. */
static enum et_status read_own(const struct et__maker *m, struct et_str name, struct et_str *text)
{
    const char *path =
        et_arena_printf(m->arena, "%.*s/%.*s/msg/%.*s.msg", ET_STR_ARG(m->folder),
                        ET_STR_ARG(et__name_package(name)), ET_STR_ARG(et__name_last(name)));
    if (!path)
        return et_arena_fail(m->arena, "a message definition", m->err);
    return et_file_read(path, FILE_BYTES_MAX, m->arena, text, m->err);
}

enum et_status et__store_read(const struct et__maker *m, struct et_str name, struct et_str *text)
{
    struct et_str own = et_str(getenv("ETUDE_SHARE")), folder;
    bool is_done = false;

    *text = (struct et_str){NULL, 0};
    if (!is_plain(et__name_package(name)) || !is_plain(et__name_last(name)) ||
        et__name_package(name).n + et__name_last(name).n + 1 != name.n)
        return ET_ENOTFOUND;
    if (m->folder.n > 0) {
        const enum et_status st = read_own(m, name, text);
        if (st != ET_ENOTFOUND)
            return st;
    }
    while (next_folder(&own, &is_done, &folder)) {
        const struct et_arena_mark mark = et_arena_mark(m->arena);
        const enum et_status st = read_from(m, folder, name, text);
        if (st != ET_ENOTFOUND)
            return st;
        et_arena_rewind(m->arena, mark);
    }
    return ET_ENOTFOUND;
}

static enum et_status fail_unknown(struct et_str name, struct et_err *err)
{
    const char *own = getenv("ETUDE_SHARE");
    return et_fail(err, ET_ENOTFOUND, -1, "no definition of %.*s in msg/ of %.*s%s%s",
                   ET_STR_ARG(name), WAY_BYTES, own ? own : "", own && *own ? ", " : "",
                   ET_SHARE_DIR);
}

static enum et_status load(struct et__maker *m, struct et_str name)
{
    struct et_str text;
    const struct et_str short_name = et__name_short(name, m->arena);
    if (!short_name.p)
        return et_arena_fail(m->arena, "a message definition", m->err);
    enum et_status st = et__store_read(m, short_name, &text);
    if (st == ET_ENOTFOUND)
        return fail_unknown(name, m->err);
    if (st != ET_OK)
        return st;
    st = et__maker_parse(m, short_name, text, 1);
    if (st != ET_OK)
        return st == ET_ECORRUPT ? et_err_context(m->err, "%.*s", ET_STR_ARG(name)) : st;
    return et__maker_resolve(m);
}

static enum et_status load_def(struct et__maker *m, struct et_str name,
                               const struct et_msgdef **def)
{
    const struct et_arena_mark mark = et_arena_mark(m->arena);

    *def = NULL;
    if (m->flavour == ET_MSGDEF_PROTOBUF)
        return et_fail(m->err, ET_ENOTFOUND, -1, "the store has no definitions of protobuf");
    enum et_status st = load(m, name);
    if (st == ET_OK)
        st = et__maker_finish(m, name, def);
    if (st != ET_OK)
        et_arena_rewind(m->arena, mark);
    return st;
}

enum et_status et__store_load(struct et_str name, enum et_msgdef_flavour flavour,
                              enum et__edition edition, struct et_arena *arena,
                              const struct et_msgdef **def, struct et_err *err)
{
    struct et__maker m = {
        .arena = arena, .err = err, .flavour = flavour, .edition = edition, .use_store = true};
    return load_def(&m, name, def);
}

enum et_status et_msgdef_load(struct et_str name, enum et_msgdef_flavour flavour,
                              struct et_arena *arena, const struct et_msgdef **def,
                              struct et_err *err)
{
    return et__store_load(name, flavour, ET__NEWEST, arena, def, err);
}

/* What ROS itself knows stands in no file: times, and what they are made of in ROS 1. */
static bool is_written(const struct et_msgdef_type *type, const struct et_msgdef *def)
{
    return !type->is_missing && type != def->root && et__name_package(type->name).n > 0;
}

static void put_part(struct et_buf *text, struct et_str part)
{
    et_buf_putstr(text, part);
    if (part.n > 0 && part.p[part.n - 1] != '\n')
        et_buf_putc(text, '\n');
}

enum et_status et_msgdef_store_text(struct et_str name, enum et_msgdef_flavour flavour,
                                    struct et_buf *text, struct et_err *err)
{
    return et_msgdef_folder_text(NULL, name, flavour, text, err);
}

enum et_status et_msgdef_folder_text(const char *folder, struct et_str name,
                                     enum et_msgdef_flavour flavour, struct et_buf *text,
                                     struct et_err *err)
{
    struct et__maker m = {
        .err = err, .flavour = flavour, .use_store = true, .folder = et_str(folder)};
    const struct et_msgdef *def;
    struct et_str part;

    enum et_status st = et_arena_open(&m.arena, 8 * ET_MSGDEF_TEXT_BYTES_MAX, err);
    if (st != ET_OK)
        return st;
    struct et__maker parsed = m; // what is parsed stays there
    st = load_def(&parsed, name, &def);
    if (st == ET_OK)
        st = et__store_read(&m, def->root->name, &part);
    if (st == ET_OK)
        put_part(text, part);
    for (size_t i = 0; st == ET_OK && i < def->n_types; i++) {
        if (!is_written(def->types[i], def))
            continue;
        st = et__store_read(&m, def->types[i]->name, &part);
        if (st == ET_OK) {
            et_buf_puts(text, LINE_OF_EQUALS);
            et_buf_printf(text, "MSG: %.*s\n", ET_STR_ARG(def->types[i]->name));
            put_part(text, part);
        } else if (st == ET_ENOTFOUND) {
            st = ET_OK; // built in
        }
    }
    if (st == ET_OK)
        st = et_buf_check(text, "the text of a definition", err);
    et_arena_close(m.arena);
    return st;
}
