/* What the bytes of a topic mean: definitions from the user, the store and the network.
 *
 * A maker may change a type and keep its name. So what the store says is held against what the
 * writer says, where it says anything, and counts only when the bytes lie alike. */
#include "etude/clock.h"
#include "etude/msgdef.h"
#include "record/record__dds.h"

#include <stdlib.h>

#define SCHEMA_BYTES_MAX ((size_t)4 << 20)
#define ARENA_BYTES ((size_t)64 << 20)
#define ASK_NS (2 * ET_NS_PER_S)     // for a definition that nobody else has
#define COMPARE_NS (ET_NS_PER_S / 2) // for one to compare with
#define PAIRS_MAX 1024               // of types that are compared

static enum et_status keep(struct et__dds_topic *t, const struct et_buf *text)
{
    t->has_schema = true;
    t->schema = text && text->n > 0 ? malloc(text->n) : NULL;
    t->n_schema = t->schema ? text->n : 0;
    if (t->schema)
        memcpy(t->schema, text->p, text->n);
    return ET_OK;
}

static enum et_status do_without(struct et__dds_topic *t, const char *why)
{
    et__dds_tell(t, "source.warning", "%s is recorded without a definition of %s: %s", t->name,
                 t->type, why);
    return keep(t, NULL);
}

/* ---- comparing ---- */

struct pair {
    const struct et_msgdef_type *a, *b;
};

static bool add_pair(struct pair *pairs, size_t *n, const struct et_msgdef_type *a,
                     const struct et_msgdef_type *b)
{
    if (!a || !b)
        return a == b;
    for (size_t i = 0; i < *n; i++)
        if (pairs[i].a == a && pairs[i].b == b)
            return true;
    if (*n == PAIRS_MAX)
        return false;
    pairs[(*n)++] = (struct pair){a, b};
    return true;
}

// Names may differ; kinds and numbers are what bytes hang on.
static bool is_alike(const struct et_msgdef *a, const struct et_msgdef *b)
{
    struct pair pairs[PAIRS_MAX];
    size_t n = 0;
    bool is = add_pair(pairs, &n, a->root, b->root);
    for (size_t i = 0; i < n && is; i++) {
        is = pairs[i].a->n_fields == pairs[i].b->n_fields;
        for (size_t k = 0; is && k < pairs[i].a->n_fields; k++) {
            const struct et_msgdef_field *x = &pairs[i].a->fields[k], *y = &pairs[i].b->fields[k];
            is = x->kind == y->kind && x->array == y->array &&
                 (x->array != ET_MSG_FIXED || x->n_array == y->n_array) &&
                 add_pair(pairs, &n, x->type, y->type);
        }
    }
    return is;
}

static bool is_same_layout(const char *type, const struct et_buf *a, const struct et_buf *b)
{
    struct et_arena *arena;
    const struct et_msgdef *x, *y;
    struct et_msgdef_source source = {.name = et_str(type), .flavour = ET_MSGDEF_ROS2};
    if (et_arena_open(&arena, ARENA_BYTES, NULL) != ET_OK)
        return true;
    source.text = et_buf_str(a);
    bool is = et_msgdef_parse(&source, arena, &x, NULL) == ET_OK;
    source.text = et_buf_str(b);
    is = is && et_msgdef_parse(&source, arena, &y, NULL) == ET_OK && is_alike(x, y);
    et_arena_close(arena);
    return is;
}

/* ---- finding ---- */

// ET_AGAIN until the network has answered, or had its time.
static enum et_status ask(struct et__dds_topic *t, int64_t limit_ns, struct et_buf *text,
                          struct et_err *err)
{
    struct et__dds *s = t->source;
    const int64_t t_ns = s->now_ns(s->ctx);
    if (t->t_give_up_ns == 0)
        t->t_give_up_ns = t_ns + limit_ns;
    const enum et_status st = et__dds_type_text(s->participant, &t->type_id, text, err);
    if (st != ET_AGAIN || t_ns < t->t_give_up_ns)
        return st;
    return et_fail(err, ET_ENOTFOUND, -1, "nobody answers what it is made of");
}

static enum et_status take_store(struct et__dds_topic *t, const struct et_buf *stored,
                                 struct et_buf *told)
{
    if (!t->type_id.is_there)
        return keep(t, stored);
    const enum et_status st = ask(t, COMPARE_NS, told, NULL);
    if (st == ET_AGAIN)
        return ET_AGAIN;
    if (st != ET_OK || is_same_layout(t->type, stored, told))
        return keep(t, stored);
    et__dds_tell(t, "source.warning",
                 "%s: its writer says that %s is made of something else than share/msg says, and "
                 "is believed",
                 t->name, t->type);
    return keep(t, told);
}

static enum et_status take_network(struct et__dds_topic *t, struct et_buf *told)
{
    struct et_err err = {.status = ET_OK};
    if (!t->type_id.is_there)
        return do_without(t, "neither share/msg nor its writer has one");
    const enum et_status st = ask(t, ASK_NS, told, &err);
    if (st == ET_AGAIN)
        return ET_AGAIN;
    return st == ET_OK ? keep(t, told) : do_without(t, err.text);
}

enum et_status et__dds_have_schema(struct et__dds_topic *t)
{
    struct et_buf stored = et_buf(SCHEMA_BYTES_MAX), told = et_buf(SCHEMA_BYTES_MAX);
    struct et_err err = {.status = ET_OK};
    if (t->has_schema)
        return ET_OK;
    enum et_status st =
        et_msgdef_folder_text(t->source->messages, et_str(t->type), ET_MSGDEF_ROS2, &stored, &err);
    if (st == ET_OK)
        st = take_store(t, &stored, &told);
    else
        st = st == ET_ENOTFOUND ? take_network(t, &told) : do_without(t, err.text);
    et_buf_free(&stored);
    et_buf_free(&told);
    return st;
}
