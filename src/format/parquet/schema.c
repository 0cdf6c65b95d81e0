#include "format/parquet/parquet__meta.h"

#include <assert.h>
#include <stdio.h>

/* Converted and logical types, with the format's own numbers, that tell us something. */
enum { CONVERTED_UTF8 = 0, CONVERTED_LIST = 3, CONVERTED_INT_32 = 17, CONVERTED_INT_64 = 18 };
enum { CONVERTED_JSON = 19 };
enum { LOGICAL_STRING = 1, LOGICAL_LIST = 3, LOGICAL_INTEGER = 10, LOGICAL_JSON = 12 };

size_t et__parquet_value_bytes(enum et_parquet_type type)
{
    switch (type) {
    case ET_PARQUET_BOOL:
        return 1;
    case ET_PARQUET_INT32:
    case ET_PARQUET_FLOAT:
        return 4;
    case ET_PARQUET_INT64:
    case ET_PARQUET_DOUBLE:
        return 8;
    case ET_PARQUET_INT96:
    case ET_PARQUET_BYTES:
    case ET_PARQUET_FIXED:
        break;
    }
    return sizeof(struct et_str);
}

bool et__parquet_is_view(enum et_parquet_type type)
{
    return type == ET_PARQUET_INT96 || type == ET_PARQUET_BYTES || type == ET_PARQUET_FIXED;
}

size_t et__parquet_disk_bytes(enum et_parquet_type type, int type_bytes)
{
    if (type == ET_PARQUET_BOOL || type == ET_PARQUET_BYTES)
        return 0;
    if (type == ET_PARQUET_INT96)
        return 12;
    return type == ET_PARQUET_FIXED ? (size_t)type_bytes : et__parquet_value_bytes(type);
}

/* ---- reading ---- */

/* A SchemaElement as it stands in the file. */
struct element {
    struct et_str name;
    int32_t type, type_bytes, repetition, n_children, converted;
    int logical;
    bool has_type, is_plain_integer;
};

// LogicalType is a union: the id of its one field is the kind.
static int read_logical(struct et__thrift_in *in, int type, bool *is_plain_integer)
{
    int id = 0, of, kind = 0;
    if (!et__thrift_struct(in, type))
        return 0;
    while (et__thrift_field(in, &id, &of)) {
        kind = id;
        if (id != LOGICAL_INTEGER || of != ET__THRIFT_STRUCT) {
            et__thrift_skip(in, of);
            continue;
        }
        // IntType{1 bit width, 2 is signed}: only unsigned ones need more than the physical type.
        int i = 0, t;
        while (et__thrift_field(in, &i, &t)) {
            if (i == 2)
                *is_plain_integer = et__thrift_bool(in, t);
            else
                et__thrift_skip(in, t);
        }
    }
    return kind;
}

static struct element read_element(struct et__thrift_in *in)
{
    struct element e = {.repetition = ET_PARQUET_REQUIRED, .converted = -1};
    int id = 0, type;
    while (et__thrift_field(in, &id, &type)) {
        switch (id) {
        case 1:
            e.type = et__thrift_int32(in, type);
            e.has_type = true;
            break;
        case 2:
            e.type_bytes = et__thrift_int32(in, type);
            break;
        case 3:
            e.repetition = et__thrift_int32(in, type);
            break;
        case 4:
            e.name = et__thrift_binary(in, type);
            break;
        case 5:
            e.n_children = et__thrift_int32(in, type);
            break;
        case 6:
            e.converted = et__thrift_int32(in, type);
            break;
        case 10:
            e.logical = read_logical(in, type, &e.is_plain_integer);
            break;
        default:
            et__thrift_skip(in, type);
        }
    }
    return e;
}

static enum et_parquet_logical logical_of(const struct element *e)
{
    if (e->logical == LOGICAL_STRING || (e->logical == 0 && e->converted == CONVERTED_UTF8))
        return ET_PARQUET_STRING;
    if (e->logical == LOGICAL_LIST || (e->logical == 0 && e->converted == CONVERTED_LIST))
        return ET_PARQUET_LIST;
    if (e->logical == LOGICAL_JSON || (e->logical == 0 && e->converted == CONVERTED_JSON))
        return ET_PARQUET_JSON;
    const bool is_plain_converted =
        e->converted < 0 || e->converted == CONVERTED_INT_32 || e->converted == CONVERTED_INT_64;
    if (e->logical == LOGICAL_INTEGER ? e->is_plain_integer : e->logical == 0 && is_plain_converted)
        return ET_PARQUET_PLAIN;
    return ET_PARQUET_OTHER;
}

static const char *wrong_with(const struct element *e)
{
    if (e->repetition < ET_PARQUET_REQUIRED || e->repetition > ET_PARQUET_REPEATED)
        return "has an unknown repetition";
    if (e->n_children < 0)
        return "has a negative number of children";
    if (e->has_type && e->n_children > 0)
        return "is a column and has children";
    if (!e->has_type && e->n_children == 0)
        return "is a group without children";
    if (e->has_type && (e->type < ET_PARQUET_BOOL || e->type > ET_PARQUET_FIXED))
        return "has an unknown type";
    if (e->has_type && e->type == ET_PARQUET_FIXED && e->type_bytes <= 0)
        return "has a fixed length that is not positive";
    return NULL;
}

/* The walk over the elements in depth-first order: how many children each open group still needs.
 */
struct walk {
    struct {
        int node;
        int32_t n_left;
        int def, rep; // levels of the group
    } open[ET_PARQUET_DEPTH_MAX + 1];
    int depth; // open[0] is the root
};

static enum et_status add_node(struct et__parquet_meta *meta, const struct element *e,
                               struct walk *walk, struct et_arena *arena, struct et_err *err)
{
    while (walk->depth >= 0 && walk->open[walk->depth].n_left == 0)
        walk->depth--;
    if (walk->depth < 0)
        return et_fail(err, ET_ECORRUPT, -1, "the schema has more elements than its root says");
    walk->open[walk->depth].n_left--;

    enum et_status st = et_name_check(e->name, "a column's name", err);
    const char *wrong = st == ET_OK ? wrong_with(e) : NULL;
    if (st != ET_OK)
        return st;
    if (wrong)
        return et_fail(err, ET_ECORRUPT, -1, "\"%.*s\" in the schema %s", ET_STR_ARG(e->name),
                       wrong);

    const int def = walk->open[walk->depth].def + (e->repetition != ET_PARQUET_REQUIRED);
    const int rep = walk->open[walk->depth].rep + (e->repetition == ET_PARQUET_REPEATED);
    const char *name = et_arena_copy(arena, e->name.p, e->name.n);
    if (!name)
        return et_arena_fail(arena, "the schema", err);
    const int i_node = (int)meta->n_nodes++;
    meta->nodes[i_node] = (struct et_parquet_node){
        .name = name,
        .parent = walk->open[walk->depth].node,
        .repetition = (enum et_parquet_repetition)e->repetition,
        .is_leaf = e->has_type,
        .type = (enum et_parquet_type)e->type,
        .type_bytes = e->type == ET_PARQUET_FIXED ? e->type_bytes : 0,
        .logical = logical_of(e),
    };
    if (e->has_type) {
        meta->leaves[meta->n_leaves++] =
            (struct et_parquet_leaf){.node = i_node, .max_def = def, .max_rep = rep};
        return ET_OK;
    }
    if (walk->depth == ET_PARQUET_DEPTH_MAX)
        return et_fail(err, ET_ELIMIT, -1, "\"%.*s\" in the schema is nested deeper than %d levels",
                       ET_STR_ARG(e->name), ET_PARQUET_DEPTH_MAX);
    walk->depth++;
    walk->open[walk->depth].node = i_node;
    walk->open[walk->depth].n_left = e->n_children;
    walk->open[walk->depth].def = def;
    walk->open[walk->depth].rep = rep;
    return ET_OK;
}

// "action/list/element", and the top-level column's own name.
static bool name_leaf(const struct et__parquet_meta *meta, struct et_parquet_leaf *leaf,
                      struct et_arena *arena)
{
    const struct et_parquet_node *nodes = meta->nodes;
    const struct et_parquet_node *own = &nodes[leaf->node];
    int path[ET_PARQUET_DEPTH_MAX + 1], n = 0;
    for (int i = leaf->node; i >= 0; i = nodes[i].parent) {
        assert(n <= ET_PARQUET_DEPTH_MAX);
        path[n++] = i;
    }
    assert(n > 0);
    size_t n_bytes = 0;
    for (int i = 0; i < n; i++)
        n_bytes += strlen(nodes[path[i]].name) + 1;
    char *text = et_arena_alloc(arena, n_bytes);
    if (!text)
        return false;
    size_t at = 0;
    for (int i = n - 1; i >= 0; i--)
        at += (size_t)snprintf(text + at, n_bytes - at, "%s%s", nodes[path[i]].name, i ? "/" : "");

    leaf->column = nodes[path[n - 1]].name;
    leaf->path = text;
    leaf->type = own->type;
    leaf->type_bytes = own->type_bytes;
    leaf->logical = own->logical;
    return true;
}

enum et_status et__parquet_schema_read(struct et__parquet_meta *meta, struct et__thrift_in *in,
                                       int type, struct et_arena *arena, struct et_err *err)
{
    const size_t n = et__thrift_list(in, type, ET__THRIFT_STRUCT, 1);
    if (meta->nodes || (n == 0 && !in->bad))
        et__thrift_bad(in, "the schema is empty or there are two");
    enum et_status st = et__thrift_check(in, "the footer", err);
    if (st != ET_OK)
        return st;
    if (n > ET_PARQUET_NODES_MAX + 1)
        return et_fail(err, ET_ELIMIT, in->base + (in->p - in->start),
                       "the schema has %zu elements, more than %d", n, ET_PARQUET_NODES_MAX);
    meta->nodes = et_arena_array(arena, n, sizeof *meta->nodes);
    meta->leaves = et_arena_array(arena, n, sizeof *meta->leaves);
    if (!meta->nodes || !meta->leaves)
        return et_arena_fail(arena, "the schema", err);

    struct walk walk = {.open[0] = {.node = -1}};
    for (size_t i = 0; i < n; i++) {
        const int64_t at = in->base + (in->p - in->start);
        const struct element e = read_element(in);
        st = et__thrift_check(in, "the footer", err);
        if (st == ET_OK && i == 0) {
            // The root holds the columns; some writers give it a repetition, which means nothing.
            walk.open[0].n_left = e.n_children;
            if (e.has_type || e.n_children <= 0)
                st = et_fail(err, ET_ECORRUPT, at, "the schema's root has no columns");
        } else if (st == ET_OK) {
            st = add_node(meta, &e, &walk, arena, err);
            if (st != ET_OK && err)
                err->at = at;
        }
        if (st != ET_OK)
            return st;
    }
    for (int i = 0; i <= walk.depth; i++)
        if (walk.open[i].n_left != 0)
            return et_fail(err, ET_ECORRUPT, in->base + (in->p - in->start),
                           "the schema has fewer elements than its groups say");
    for (size_t i = 0; i < meta->n_leaves; i++)
        if (!name_leaf(meta, &meta->leaves[i], arena))
            return et_arena_fail(arena, "the schema", err);
    return ET_OK;
}

/* ---- writing ---- */

static int32_t n_children(const struct et_parquet_node *nodes, size_t n_nodes, int parent)
{
    int32_t n = 0;
    for (size_t i = 0; i < n_nodes; i++)
        n += nodes[i].parent == parent;
    return n;
}

static void write_logical(struct et__thrift_out *out, enum et_parquet_logical logical)
{
    int converted = -1, kind = 0;
    if (logical == ET_PARQUET_STRING) {
        converted = CONVERTED_UTF8;
        kind = LOGICAL_STRING;
    } else if (logical == ET_PARQUET_LIST) {
        converted = CONVERTED_LIST;
        kind = LOGICAL_LIST;
    } else if (logical == ET_PARQUET_JSON) {
        converted = CONVERTED_JSON;
        kind = LOGICAL_JSON;
    } else {
        return;
    }
    et__thrift_put_int(out, 6, ET__THRIFT_I32, converted);
    et__thrift_put_struct(out, 10);
    et__thrift_put_struct(out, kind);
    et__thrift_put_end(out);
    et__thrift_put_end(out);
}

void et__parquet_schema_write(struct et__thrift_out *out, int id,
                              const struct et_parquet_node *nodes, size_t n_nodes)
{
    et__thrift_put_list(out, id, ET__THRIFT_STRUCT, n_nodes + 1);
    et__thrift_put_struct(out, 0);
    et__thrift_put_int(out, 3, ET__THRIFT_I32, ET_PARQUET_REQUIRED);
    et__thrift_put_binary(out, 4, "schema", strlen("schema"));
    et__thrift_put_int(out, 5, ET__THRIFT_I32, n_children(nodes, n_nodes, -1));
    et__thrift_put_end(out);

    for (size_t i = 0; i < n_nodes; i++) {
        const struct et_parquet_node *node = &nodes[i];
        et__thrift_put_struct(out, 0);
        if (node->is_leaf)
            et__thrift_put_int(out, 1, ET__THRIFT_I32, node->type);
        et__thrift_put_int(out, 3, ET__THRIFT_I32, node->repetition);
        et__thrift_put_binary(out, 4, node->name, strlen(node->name));
        if (!node->is_leaf)
            et__thrift_put_int(out, 5, ET__THRIFT_I32, n_children(nodes, n_nodes, (int)i));
        write_logical(out, node->logical);
        et__thrift_put_end(out);
    }
}

static const char *wrong_with_node(const struct et_parquet_node *nodes, size_t n_nodes, size_t i)
{
    const struct et_parquet_node *node = &nodes[i];
    int depth = 0;
    for (int p = node->parent; p >= 0 && depth <= ET_PARQUET_DEPTH_MAX; p = nodes[p].parent)
        depth++;
    if (depth >= ET_PARQUET_DEPTH_MAX)
        return "is nested too deeply";
    if (node->repetition < ET_PARQUET_REQUIRED || node->repetition > ET_PARQUET_REPEATED)
        return "has an unknown repetition";
    if (node->is_leaf && (node->type < ET_PARQUET_BOOL || node->type > ET_PARQUET_BYTES ||
                          node->type == ET_PARQUET_INT96))
        return "has a type that is not written";
    if (node->logical == ET_PARQUET_OTHER)
        return "has a meaning that is not written";
    if (!node->is_leaf && n_children(nodes, n_nodes, (int)i) == 0)
        return "is a group without children";
    return NULL;
}

/* Depth-first: a node's parent is the node before it, or that one's parent, or the next above. */
static bool is_in_order(const struct et_parquet_node *nodes, size_t i)
{
    const int parent = nodes[i].parent;
    if (parent < -1 || parent >= (int)i || (parent >= 0 && nodes[parent].is_leaf))
        return false;
    int above = (int)i - 1;
    while (above > parent)
        above = nodes[above].parent;
    return above == parent;
}

enum et_status et__parquet_schema_check(const struct et_parquet_node *nodes, size_t n_nodes,
                                        struct et_err *err)
{
    if (n_nodes == 0 || n_nodes > ET_PARQUET_NODES_MAX)
        return et_fail(err, ET_EARG, -1, "a schema has 1 to %d nodes, not %zu",
                       ET_PARQUET_NODES_MAX, n_nodes);
    for (size_t i = 0; i < n_nodes; i++) {
        if (!is_in_order(nodes, i))
            return et_fail(err, ET_EARG, (int64_t)i, "node %zu of the schema is out of order", i);
        if (!nodes[i].name || et_name_check(et_str(nodes[i].name), "a column's name", err) != ET_OK)
            return et_fail(err, ET_EARG, (int64_t)i, "node %zu of the schema has no valid name", i);
        const char *wrong = wrong_with_node(nodes, n_nodes, i);
        if (wrong)
            return et_fail(err, ET_EARG, (int64_t)i, "\"%s\" in the schema %s", nodes[i].name,
                           wrong);
    }
    return ET_OK;
}

int et_parquet_add_column(struct et_parquet_node *nodes, size_t cap, size_t *n_nodes,
                          const char *name, enum et_parquet_type type,
                          enum et_parquet_logical logical, int depth)
{
    int leaf = 0;
    for (size_t i = 0; i < *n_nodes; i++)
        leaf += nodes[i].is_leaf;
    if (depth < 0 || *n_nodes > cap || cap - *n_nodes < 2 * (size_t)depth + 1)
        return -1;

    int parent = -1;
    for (int i = 0; i < depth; i++) {
        nodes[*n_nodes] = (struct et_parquet_node){.name = i == 0 ? name : "element",
                                                   .parent = parent,
                                                   .repetition = ET_PARQUET_OPTIONAL,
                                                   .logical = ET_PARQUET_LIST};
        nodes[*n_nodes + 1] = (struct et_parquet_node){
            .name = "list", .parent = (int)*n_nodes, .repetition = ET_PARQUET_REPEATED};
        parent = (int)*n_nodes + 1;
        *n_nodes += 2;
    }
    nodes[(*n_nodes)++] = (struct et_parquet_node){.name = depth == 0 ? name : "element",
                                                   .parent = parent,
                                                   .repetition = ET_PARQUET_OPTIONAL,
                                                   .is_leaf = true,
                                                   .type = type,
                                                   .logical = logical};
    return leaf;
}
