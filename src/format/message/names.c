#include "message__def.h"

#include "etude/hash.h"

#define FIRST_SLOTS 64

static struct et__name *slot_of(const struct et__names *names, struct et_str name)
{
    size_t i = (size_t)et_hash64(name.p, name.n) & (names->cap - 1);
    while (names->slots[i].name.p && !et_str_eq(names->slots[i].name, name))
        i = (i + 1) & (names->cap - 1);
    return &names->slots[i];
}

static bool grow(struct et__names *names, struct et_arena *arena)
{
    const struct et__names old = *names;
    names->cap = old.cap ? 2 * old.cap : FIRST_SLOTS;
    names->slots = et_arena_array(arena, names->cap, sizeof *names->slots);
    if (!names->slots) {
        *names = old;
        return false;
    }
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].name.p)
            *slot_of(names, old.slots[i].name) = old.slots[i];
    return true;
}

bool et__names_put(struct et__names *names, struct et_arena *arena, struct et_str name,
                   size_t value)
{
    if (2 * (names->n + 1) > names->cap && !grow(names, arena))
        return false;
    if (!name.p)
        name.p = "";
    struct et__name *slot = slot_of(names, name);
    names->n += !slot->name.p;
    *slot = (struct et__name){name, value};
    return true;
}

size_t et__names_get(const struct et__names *names, struct et_str name)
{
    const struct et__name *slot = names->cap ? slot_of(names, name) : NULL;
    return slot && slot->name.p ? slot->value : ET__NO_NAME;
}

/* ---- names of types ---- */

struct et_str et__name_last(struct et_str name)
{
    const char *slash = name.n ? memrchr(name.p, '/', name.n) : NULL;
    if (!slash)
        return name;
    return (struct et_str){slash + 1, (size_t)(name.p + name.n - slash - 1)};
}

struct et_str et__name_package(struct et_str name)
{
    const char *slash = name.n ? memchr(name.p, '/', name.n) : NULL;
    return slash ? (struct et_str){name.p, (size_t)(slash - name.p)} : (struct et_str){NULL, 0};
}

/* Cuts "a/msg/b" into "a" and "b"; false when it is anything else. */
static bool cut_middle(struct et_str name, struct et_str *package, struct et_str *last)
{
    *package = et__name_package(name);
    *last = et__name_last(name);
    if (!package->p || package->n + last->n + 2 > name.n)
        return false;
    const struct et_str middle = {name.p + package->n + 1, name.n - package->n - last->n - 2};
    return et_str_is(middle, "msg") || et_str_is(middle, "srv") || et_str_is(middle, "action");
}

struct et_str et__name_short(struct et_str name, struct et_arena *arena)
{
    struct et_str package, last;
    if (!cut_middle(name, &package, &last))
        return (struct et_str){et_arena_copy(arena, name.p, name.n), name.n};
    return et_str(et_arena_printf(arena, "%.*s/%.*s", ET_STR_ARG(package), ET_STR_ARG(last)));
}

bool et_msgdef_same_name(struct et_str a, struct et_str b)
{
    struct et_str package_a, last_a, package_b, last_b;
    const bool is_cut_a = cut_middle(a, &package_a, &last_a);
    const bool is_cut_b = cut_middle(b, &package_b, &last_b);
    if (!is_cut_a && !is_cut_b)
        return et_str_eq(a, b);
    return package_a.p && package_b.p && et_str_eq(package_a, package_b) &&
           et_str_eq(last_a, last_b) && (is_cut_a || package_a.n + last_a.n + 1 == a.n) &&
           (is_cut_b || package_b.n + last_b.n + 1 == b.n);
}

const struct et_msgdef_type *et_msgdef_type(const struct et_msgdef *def, struct et_str name)
{
    for (size_t i = 0; i < def->n_types; i++)
        if (et_msgdef_same_name(def->types[i]->name, name))
            return def->types[i];
    return NULL;
}

const struct et_msgdef_field *et_msgdef_field(const struct et_msgdef_type *type, struct et_str name)
{
    for (size_t i = 0; i < type->n_fields; i++)
        if (et_str_eq(type->fields[i].name, name))
            return &type->fields[i];
    return NULL;
}

/* ---- kinds ---- */

const char *et_msg_kind_text(enum et_msg_kind kind)
{
    switch (kind) {
#define X(name, text, n_bytes) \
    case name:                 \
        return text;
        ET_MSG_KIND_MAP(X)
#undef X
    }
    return "?";
}

size_t et_msg_kind_bytes(enum et_msg_kind kind)
{
    switch (kind) {
#define X(name, text, n_bytes) \
    case name:                 \
        return n_bytes;
        ET_MSG_KIND_MAP(X)
#undef X
    }
    return 0;
}
