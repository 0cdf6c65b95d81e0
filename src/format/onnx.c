#include "etude/onnx.h"

#include "etude/arena.h"
#include "etude/file.h"
#include "etude/hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define VARINT_BYTES_MAX 10
#define HEAD_BYTES_MAX 128 // of what stands before the graph
#define NAMES_BYTES_MAX ((size_t)ET_ONNX_VALUES_MAX * 320)
#define SLOTS ((size_t)2 * ET_ONNX_VALUES_MAX)

static_assert((SLOTS & (SLOTS - 1)) == 0, "a hash is cut to the number of slots");

// onnx.proto's numbers.
enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER, MODEL_PRODUCER_VERSION };
enum { MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_NOTE = 14 };
enum { OPSET_DOMAIN = 1, OPSET_VERSION };
enum { NOTE_KEY = 1, NOTE_TEXT };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALISER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT, NODE_NAME, NODE_OP, NODE_ATTRIBUTE };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_F = 2, ATTRIBUTE_I = 3, ATTRIBUTE_S = 4, ATTRIBUTE_INTS = 8 };
enum { ATTRIBUTE_TYPE = 20, TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_STRING = 3, TYPE_INTS = 7 };
enum { TENSOR_DIM = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_BYTES = 9 };
enum { TENSOR_FLOAT = 1, TENSOR_INT64 = 7 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_ELEMENT = 1, TENSOR_SHAPE = 2 };
enum { SHAPE_DIM = 1, DIM_SIZE = 1, DIM_NAME = 2 };

struct et_onnx {
    struct et_arena *arena; // names
    const char **slots;     // names by their hash; those of a wrong place lie behind it
    size_t n_values, limit_values, n_nodes, n_outputs;
    struct et_buf bytes; // HEAD_BYTES_MAX left open, then the graph
    struct et_buf tail;  // what stands behind the graph
    const char *keys[ET_ONNX_NOTES_MAX];
    size_t n_keys;
    struct et_err err; // the first failure
};

/* ---- protobuf ---- */

enum { VARINT = 0, LENGTH = 2, FIXED32 = 5 };

static size_t varint(char to[VARINT_BYTES_MAX], uint64_t value)
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        to[n++] = (char)(value | 0x80);
    to[n++] = (char)value;
    return n;
}

static void put_varint(struct et_buf *buf, uint64_t value)
{
    char bytes[VARINT_BYTES_MAX];
    et_buf_put(buf, bytes, varint(bytes, value));
}

static void put_tag(struct et_buf *buf, int field, int wire)
{
    put_varint(buf, (uint64_t)field << 3 | (uint64_t)wire);
}

static void put_int(struct et_buf *buf, int field, int64_t value)
{
    put_tag(buf, field, VARINT);
    put_varint(buf, (uint64_t)value);
}

static void put_float(struct et_buf *buf, int field, float value)
{
    put_tag(buf, field, FIXED32);
    et_buf_put(buf, &value, sizeof value);
}

static void put_bytes(struct et_buf *buf, int field, const void *p, size_t n)
{
    put_tag(buf, field, LENGTH);
    put_varint(buf, n);
    et_buf_put(buf, p, n);
}

static void put_text(struct et_buf *buf, int field, const char *text)
{
    put_bytes(buf, field, text, strlen(text));
}

// A message within another: how long it is stands before it, and is known behind it.
static size_t begin(struct et_buf *buf, int field)
{
    put_tag(buf, field, LENGTH);
    return buf->n;
}

static void end(struct et_buf *buf, size_t at)
{
    char head[VARINT_BYTES_MAX];
    if (buf->status != ET_OK)
        return;
    const size_t n = buf->n - at, n_head = varint(head, n);
    if (!et_buf_reserve(buf, n_head))
        return;
    memmove(buf->p + at + n_head, buf->p + at, n);
    memcpy(buf->p + at, head, n_head);
    buf->n += n_head;
}

/* ---- failures and names ---- */

static bool is_good(struct et_onnx *m)
{
    enum et_status st = m->err.status;
    if (st == ET_OK)
        st = et_buf_check(&m->bytes, "a model", &m->err);
    if (st == ET_OK)
        st = et_buf_check(&m->tail, "what a model says of itself", &m->err);
    return st == ET_OK;
}

// The slot where a name is, or would be.
static const char **slot_of(const struct et_onnx *m, const char *name)
{
    size_t i = et_hash64(name, strlen(name)) & (SLOTS - 1);
    while (m->slots[i] && strcmp(m->slots[i], name) != 0)
        i = (i + 1) & (SLOTS - 1);
    return &m->slots[i];
}

const char *et_onnx_find(const struct et_onnx *m, const char *name)
{
    return *slot_of(m, name);
}

// A copy of a new value's name; "" after a failure.
static const char *new_value(struct et_onnx *m, const char *name)
{
    if (!is_good(m) || et_name_check(et_str(name), "a value's name", &m->err) != ET_OK)
        return "";
    const char **slot = slot_of(m, name);
    if (*slot)
        (void)et_fail(&m->err, ET_EARG, -1, "two values are called %.200s", name);
    else if (m->n_values == m->limit_values)
        (void)et_fail(&m->err, ET_ELIMIT, -1, "more than %zu values", m->limit_values);
    else if (!(*slot = et_arena_copy(m->arena, name, strlen(name))))
        (void)et_arena_fail(m->arena, "the names of a model", &m->err);
    else
        m->n_values++;
    return m->err.status == ET_OK ? *slot : "";
}

/* ---- opening ---- */

enum et_status et_onnx_open(struct et_onnx **model, const struct et_onnx_options *options,
                            struct et_err *err)
{
    const size_t limit = options->limit_bytes ? options->limit_bytes : ET_ONNX_BYTES_MAX;
    *model = NULL;
    enum et_status st = et_name_check(et_str(options->name), "a graph's name", err);
    if (st != ET_OK)
        return st;
    struct et_onnx *m = calloc(1, sizeof *m);
    if (!m || !(m->slots = calloc(SLOTS, sizeof *m->slots))) {
        et_onnx_close(m);
        return et_fail(err, ET_ENOMEM, -1, "no memory for a model");
    }
    assert(limit <= ET_ONNX_BYTES_MAX && options->limit_values <= ET_ONNX_VALUES_MAX);
    m->limit_values = options->limit_values ? options->limit_values : ET_ONNX_VALUES_MAX;
    m->bytes = et_buf(limit);
    m->tail = et_buf(limit);
    st = et_arena_open(&m->arena, NAMES_BYTES_MAX, err);
    if (st != ET_OK) {
        et_onnx_close(m);
        return st;
    }
    static const char HEAD[HEAD_BYTES_MAX];
    et_buf_put(&m->bytes, HEAD, sizeof HEAD);
    put_text(&m->bytes, GRAPH_NAME, options->name);
    const size_t at = begin(&m->tail, MODEL_OPSET);
    put_text(&m->tail, OPSET_DOMAIN, ""); // ONNX's own operators
    put_int(&m->tail, OPSET_VERSION, ET_ONNX_OPSET);
    end(&m->tail, at);
    *model = m;
    return ET_OK;
}

void et_onnx_close(struct et_onnx *model)
{
    if (!model)
        return;
    et_arena_close(model->arena);
    et_buf_free(&model->bytes);
    et_buf_free(&model->tail);
    free(model->slots);
    free(model);
}

/* ---- inputs and outputs ---- */

static bool are_sizes(struct et_onnx *m, const char *name, const int64_t *sizes, size_t n_dims,
                      int64_t least)
{
    if (n_dims > ET_ONNX_DIMS_MAX) {
        (void)et_fail(&m->err, ET_ELIMIT, -1, "%.200s: %zu dimensions, more than %d", name, n_dims,
                      ET_ONNX_DIMS_MAX);
        return false;
    }
    for (size_t i = 0; i < n_dims; i++)
        if (sizes[i] < least) {
            (void)et_fail(&m->err, ET_EARG, -1, "%.200s: a size is negative", name);
            return false;
        }
    return true;
}

static void put_value(struct et_onnx *m, int field, const char *name, const int64_t *sizes,
                      size_t n_dims)
{
    struct et_buf *buf = &m->bytes;
    const size_t value = begin(buf, field);
    put_text(buf, VALUE_NAME, name);
    const size_t type = begin(buf, VALUE_TYPE), tensor = begin(buf, TYPE_TENSOR);
    put_int(buf, TENSOR_ELEMENT, TENSOR_FLOAT);
    const size_t shape = begin(buf, TENSOR_SHAPE);
    for (size_t i = 0; i < n_dims; i++) {
        const size_t dim = begin(buf, SHAPE_DIM);
        if (sizes[i] == ET_ONNX_BATCH)
            put_text(buf, DIM_NAME, "batch");
        else
            put_int(buf, DIM_SIZE, sizes[i]);
        end(buf, dim);
    }
    end(buf, shape);
    end(buf, tensor);
    end(buf, type);
    end(buf, value);
}

const char *et_onnx_input(struct et_onnx *m, const char *name, const int64_t *sizes, size_t n_dims)
{
    const char *own = new_value(m, name);
    if (is_good(m) && are_sizes(m, name, sizes, n_dims, ET_ONNX_BATCH))
        put_value(m, GRAPH_INPUT, name, sizes, n_dims);
    return is_good(m) ? own : "";
}

void et_onnx_output(struct et_onnx *m, const char *name, const int64_t *sizes, size_t n_dims)
{
    if (!is_good(m) || !are_sizes(m, name, sizes, n_dims, ET_ONNX_BATCH))
        return;
    if (!et_onnx_find(m, name)) {
        (void)et_fail(&m->err, ET_EARG, -1, "the output %.200s: nothing makes it", name);
        return;
    }
    put_value(m, GRAPH_OUTPUT, name, sizes, n_dims);
    m->n_outputs++;
}

/* ---- constants ---- */

static const char *constant(struct et_onnx *m, const char *name, const struct et_onnx_attribute *of,
                            int type, const void *values, size_t n_bytes)
{
    const char *own = new_value(m, name);
    if (!is_good(m))
        return "";
    const size_t tensor = begin(&m->bytes, GRAPH_INITIALISER);
    for (size_t i = 0; i < of->n_integers; i++)
        put_int(&m->bytes, TENSOR_DIM, of->integers[i]);
    put_int(&m->bytes, TENSOR_TYPE, type);
    put_text(&m->bytes, TENSOR_NAME, name);
    put_bytes(&m->bytes, TENSOR_BYTES, values, n_bytes); // little-endian, as memory is
    end(&m->bytes, tensor);
    return is_good(m) ? own : "";
}

const char *et_onnx_floats(struct et_onnx *m, const char *name, const int64_t *sizes, size_t n_dims,
                           const float *values)
{
    size_t n_bytes = sizeof *values;
    if (!is_good(m) || !are_sizes(m, name, sizes, n_dims, 0))
        return "";
    for (size_t i = 0; i < n_dims; i++)
        if (__builtin_mul_overflow(n_bytes, (size_t)sizes[i], &n_bytes) ||
            n_bytes > m->bytes.limit) {
            (void)et_fail(&m->err, ET_ELIMIT, -1, "%.200s: more than %zu bytes", name,
                          m->bytes.limit);
            return "";
        }
    const struct et_onnx_attribute of = {.integers = sizes, .n_integers = n_dims};
    return constant(m, name, &of, TENSOR_FLOAT, values, n_bytes);
}

const char *et_onnx_integers(struct et_onnx *m, const char *name, const int64_t *values, size_t n)
{
    const int64_t size = (int64_t)n;
    const struct et_onnx_attribute of = {.integers = &size, .n_integers = 1};
    assert(n <= ET_ONNX_BYTES_MAX / sizeof *values);
    return constant(m, name, &of, TENSOR_INT64, values, n * sizeof *values);
}

/* ---- nodes ---- */

static void put_attribute(struct et_buf *buf, const struct et_onnx_attribute *a)
{
    static const int TYPES[] = {[ET_ONNX_INTEGER] = TYPE_INT,
                                [ET_ONNX_FLOAT] = TYPE_FLOAT,
                                [ET_ONNX_TEXT] = TYPE_STRING,
                                [ET_ONNX_INTEGERS] = TYPE_INTS};
    const size_t at = begin(buf, NODE_ATTRIBUTE);
    put_text(buf, ATTRIBUTE_NAME, a->name);
    switch (a->kind) {
    case ET_ONNX_INTEGER:
        put_int(buf, ATTRIBUTE_I, a->integer);
        break;
    case ET_ONNX_FLOAT:
        put_float(buf, ATTRIBUTE_F, a->number);
        break;
    case ET_ONNX_TEXT:
        put_text(buf, ATTRIBUTE_S, a->text);
        break;
    case ET_ONNX_INTEGERS:
        for (size_t i = 0; i < a->n_integers; i++)
            put_int(buf, ATTRIBUTE_INTS, a->integers[i]);
        break;
    }
    put_int(buf, ATTRIBUTE_TYPE, TYPES[a->kind]);
    end(buf, at);
}

static void put_inputs(struct et_onnx *m, const struct et_onnx_node *node)
{
    for (size_t i = 0; i < ET_ONNX_INPUTS_MAX && node->inputs[i]; i++) {
        if (node->inputs[i][0] && !et_onnx_find(m, node->inputs[i])) {
            (void)et_fail(&m->err, ET_EARG, -1, "a node %.40s asks for %.200s: nothing makes it",
                          node->op, node->inputs[i]);
            return;
        }
        put_text(&m->bytes, NODE_INPUT, node->inputs[i]);
    }
}

static const char *put_output(struct et_onnx *m, const struct et_onnx_node *node, const char *name)
{
    char made_up[ET_NAME_BYTES_MAX];
    if (!name) {
        (void)snprintf(made_up, sizeof made_up, "%.200s_%zu", node->op, m->n_values);
        name = made_up;
    }
    const char *own = new_value(m, name);
    put_text(&m->bytes, NODE_OUTPUT, own);
    return own;
}

const char *et_onnx_node(struct et_onnx *m, const struct et_onnx_node *node)
{
    const char *one = NULL;
    const char **outputs = node->n_outputs ? node->outputs : &one;
    const size_t n_outputs = node->n_outputs ? node->n_outputs : 1;
    if (n_outputs > ET_ONNX_OUTPUTS_MAX && is_good(m))
        (void)et_fail(&m->err, ET_ELIMIT, -1, "a node %.40s makes %zu values, more than %d",
                      node->op, n_outputs, ET_ONNX_OUTPUTS_MAX);
    const size_t at = begin(&m->bytes, GRAPH_NODE);
    if (is_good(m))
        put_inputs(m, node);
    for (size_t i = 0; i < n_outputs; i++)
        outputs[i] = put_output(m, node, outputs[i]);
    put_text(&m->bytes, NODE_NAME, outputs[0]);
    put_text(&m->bytes, NODE_OP, node->op);
    for (size_t i = 0; i < ET_ONNX_ATTRIBUTES_MAX && node->attributes[i].name; i++)
        put_attribute(&m->bytes, &node->attributes[i]);
    end(&m->bytes, at);
    m->n_nodes++;
    return is_good(m) ? outputs[0] : "";
}

const char *et_onnx_apply(struct et_onnx *m, const char *op, const char *a, const char *b)
{
    return et_onnx_node(m, &(struct et_onnx_node){.op = op, .inputs = {a, b}});
}

/* ---- the file ---- */

void et_onnx_note(struct et_onnx *m, const char *key, const char *text)
{
    if (!is_good(m) || et_name_check(et_str(key), "a note's key", &m->err) != ET_OK)
        return;
    for (size_t i = 0; i < m->n_keys; i++)
        if (strcmp(m->keys[i], key) == 0) {
            (void)et_fail(&m->err, ET_EARG, -1, "two notes are called %.200s", key);
            return;
        }
    if (m->n_keys == ET_ONNX_NOTES_MAX)
        (void)et_fail(&m->err, ET_ELIMIT, -1, "more than %d notes", ET_ONNX_NOTES_MAX);
    else if (!et_str_is_utf8(et_str(text)))
        (void)et_fail(&m->err, ET_ECORRUPT, -1, "the note %.200s is no UTF-8", key);
    else if (!(m->keys[m->n_keys] = et_arena_copy(m->arena, key, strlen(key))))
        (void)et_arena_fail(m->arena, "the notes of a model", &m->err);
    if (m->err.status != ET_OK)
        return;
    m->n_keys++;
    const size_t at = begin(&m->tail, MODEL_NOTE);
    put_text(&m->tail, NOTE_KEY, key);
    put_text(&m->tail, NOTE_TEXT, text);
    end(&m->tail, at);
}

enum et_status et_onnx_check(const struct et_onnx *m, struct et_err *err)
{
    enum et_status st = ET_OK;
    if (m->err.status != ET_OK) {
        if (err)
            *err = m->err;
        return m->err.status;
    }
    st = et_buf_check(&m->bytes, "a model", err);
    if (st == ET_OK)
        st = et_buf_check(&m->tail, "what a model says of itself", err);
    if (st == ET_OK && (m->n_nodes == 0 || m->n_outputs == 0))
        st = et_fail(err, ET_EARG, -1, "a model of %zu nodes and %zu outputs says nothing",
                     m->n_nodes, m->n_outputs);
    return st;
}

// What stands before the graph, ending where the graph begins; returns where it begins.
static size_t put_head(struct et_onnx *m)
{
    char bytes[VARINT_BYTES_MAX], head[HEAD_BYTES_MAX];
    struct et_buf buf = {.p = head, .cap = sizeof head, .limit = sizeof head - 1};
    put_int(&buf, MODEL_IR_VERSION, ET_ONNX_IR_VERSION);
    put_text(&buf, MODEL_PRODUCER, "etude");
    put_text(&buf, MODEL_PRODUCER_VERSION, ET_VERSION);
    put_tag(&buf, MODEL_GRAPH, LENGTH);
    et_buf_put(&buf, bytes, varint(bytes, m->bytes.n - HEAD_BYTES_MAX));
    assert(buf.status == ET_OK && buf.p == head);
    memcpy(m->bytes.p + HEAD_BYTES_MAX - buf.n, head, buf.n);
    return HEAD_BYTES_MAX - buf.n;
}

enum et_status et_onnx_write(struct et_onnx *m, const char *path, struct et_err *err)
{
    enum et_status st = et_onnx_check(m, err);
    if (st != ET_OK)
        return st;
    const size_t at = put_head(m), n_graph = m->bytes.n;
    et_buf_put(&m->bytes, m->tail.p, m->tail.n);
    st = et_buf_check(&m->bytes, "a model", err);
    if (st == ET_OK)
        st = et_file_replace(path, m->bytes.p + at, m->bytes.n - at, err);
    m->bytes.n = n_graph;
    m->bytes.status = ET_OK; // the file found no room, the graph did
    return st;
}
