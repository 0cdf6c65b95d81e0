#include "etude/safetensors.h"

#include "etude/file.h"
#include "etude/json.h"

#include <inttypes.h>
#include <stdlib.h>

#define HEAD_BYTES 8
#define METADATA "__metadata__"
#define ALIGN 8                          // of data in files of ours
#define TREE_BYTES_MIN ((size_t)1 << 20) // of the arena that the header's tree has
#define TREE_RATIO 48                    // of the tree to its text: "{}," is a node and a key

struct et_safetensors {
    struct et_arena *arena;    // names, shapes, notes
    struct et_tensor *tensors; // by offset
    size_t n;
    const struct et_tensor **by_name;
    const struct et_value *metadata; // NULL: none
    char *bytes;                     // of the whole file, or NULL
};

// clang-format off
static const struct {
    const char *text;
    size_t n_bytes;
} TYPES[] = {
#define X(name, text, bytes) [ET_TENSOR_##name] = {text, bytes},
    ET_TENSOR_TYPE_MAP(X)
#undef X
};
// clang-format on
#define N_TYPES (sizeof TYPES / sizeof *TYPES)

const char *et_tensor_type_text(enum et_tensor_type type)
{
    return TYPES[type].text;
}

size_t et_tensor_type_bytes(enum et_tensor_type type)
{
    return TYPES[type].n_bytes;
}

/* ---- reading ---- */

static uint64_t get_u64(const char *p)
{
    uint64_t value = 0;
    for (int i = 0; i < HEAD_BYTES; i++)
        value |= (uint64_t)(unsigned char)p[i] << 8 * i;
    return value;
}

static enum et_status corrupt(struct et_err *err, const char *name, const char *what)
{
    return et_fail(err, ET_ECORRUPT, HEAD_BYTES, "%.200s: %s", name, what);
}

static enum et_status read_type(const struct et_value *said, struct et_tensor *tensor,
                                struct et_err *err)
{
    const char *text = et_value_text(et_value_get(said, "dtype"), NULL);
    if (!text)
        return corrupt(err, tensor->name, "its dtype is missing, or no text");
    for (size_t i = 0; i < N_TYPES; i++)
        if (strcmp(text, TYPES[i].text) == 0) {
            tensor->type = (enum et_tensor_type)i;
            return ET_OK;
        }
    return et_fail(err, ET_EUNSUPPORTED, HEAD_BYTES, "%.200s: dtype %.40s is not known",
                   tensor->name, text);
}

static enum et_status read_shape(const struct et_value *said, struct et_arena *arena,
                                 struct et_tensor *tensor, struct et_err *err)
{
    const struct et_value *shape = et_value_get(said, "shape");
    if (!shape || shape->kind != ET_VALUE_LIST)
        return corrupt(err, tensor->name, "its shape is missing, or no list");
    tensor->n_dims = et_value_count(shape);
    if (tensor->n_dims > ET_TENSOR_DIMS_MAX)
        return et_fail(err, ET_ELIMIT, HEAD_BYTES, "%.200s: %zu dimensions, more than %d",
                       tensor->name, tensor->n_dims, ET_TENSOR_DIMS_MAX);
    int64_t *sizes = et_arena_array(arena, tensor->n_dims + 1, sizeof *sizes);
    if (!sizes)
        return et_arena_fail(arena, "tensors", err);
    tensor->shape = sizes;
    tensor->n_values = 1;
    for (size_t i = 0; i < tensor->n_dims; i++) {
        const struct et_value *size = et_value_at(shape, i);
        if (size->kind != ET_VALUE_INT || size->as.integer < 0)
            return corrupt(err, tensor->name, "a size is no whole number, or negative");
        sizes[i] = size->as.integer;
        if (__builtin_mul_overflow(tensor->n_values, sizes[i], &tensor->n_values))
            return corrupt(err, tensor->name, "its shape has more values than can be counted");
    }
    return ET_OK;
}

// [*begin, *end) of its bytes, behind the header.
static enum et_status read_offsets(const struct et_value *said, const struct et_tensor *tensor,
                                   int64_t n_data, int64_t *begin, struct et_err *err)
{
    const struct et_value *offsets = et_value_get(said, "data_offsets");
    if (!offsets || offsets->kind != ET_VALUE_LIST || et_value_count(offsets) != 2 ||
        et_value_at(offsets, 0)->kind != ET_VALUE_INT ||
        et_value_at(offsets, 1)->kind != ET_VALUE_INT)
        return corrupt(err, tensor->name, "its data_offsets are missing, or not two whole numbers");
    *begin = et_value_at(offsets, 0)->as.integer;
    const int64_t end = et_value_at(offsets, 1)->as.integer;
    if (*begin < 0 || end < *begin || end > n_data)
        return et_fail(err, ET_ECORRUPT, HEAD_BYTES,
                       "%.200s: bytes %" PRId64 " to %" PRId64 ", where the file has %" PRId64,
                       tensor->name, *begin, end, n_data);
    int64_t n_bytes;
    if (__builtin_mul_overflow(tensor->n_values, (int64_t)TYPES[tensor->type].n_bytes, &n_bytes) ||
        n_bytes != end - *begin)
        return et_fail(err, ET_ECORRUPT, HEAD_BYTES,
                       "%.200s: %" PRId64 " bytes, which is not the size of its shape",
                       tensor->name, end - *begin);
    return ET_OK;
}

static enum et_status read_tensor(struct et_safetensors *f, const struct et_value *header, size_t i,
                                  struct et_str data, struct et_err *err)
{
    const struct et_value *said = et_value_at(header, i);
    struct et_tensor *tensor = &f->tensors[f->n];
    int64_t begin = 0;
    *tensor = (struct et_tensor){.name = header->as.many.keys[i].p};
    if (said->kind != ET_VALUE_MAP)
        return corrupt(err, tensor->name, "what is said of it is no map");
    enum et_status st = read_type(said, tensor, err);
    if (st == ET_OK)
        st = read_shape(said, f->arena, tensor, err);
    if (st == ET_OK)
        st = read_offsets(said, tensor, (int64_t)data.n, &begin, err);
    if (st != ET_OK)
        return st;
    tensor->bytes = data.p + begin;
    f->n++;
    return ET_OK;
}

static int64_t bytes_of(const struct et_tensor *tensor)
{
    return tensor->n_values * (int64_t)TYPES[tensor->type].n_bytes;
}

static int compare_places(const void *a, const void *b)
{
    const struct et_tensor *x = a, *y = b;
    if (x->bytes != y->bytes)
        return (const char *)x->bytes < (const char *)y->bytes ? -1 : 1;
    const int64_t n = bytes_of(x), m = bytes_of(y);
    return n != m ? (n > m) - (n < m) : strcmp(x->name, y->name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const struct et_tensor *const *)a)->name,
                  (*(const struct et_tensor *const *)b)->name);
}

/* Each byte is one tensor's. */
static enum et_status check_cover(const struct et_safetensors *f, struct et_str data,
                                  struct et_err *err)
{
    const char *at = data.p;
    for (size_t i = 0; i < f->n; i++) {
        const struct et_tensor *tensor = &f->tensors[i];
        if (tensor->bytes != at)
            return et_fail(err, ET_ECORRUPT, at - f->bytes, "%.200s: %s", tensor->name,
                           (const char *)tensor->bytes < at
                               ? "its bytes are another tensor's, too"
                               : "between it and what stands before are bytes of nobody");
        at += bytes_of(tensor);
    }
    return at == data.p + data.n ? ET_OK
                                 : et_fail(err, ET_ECORRUPT, at - f->bytes,
                                           "%zu bytes behind the last tensor belong to nobody",
                                           (size_t)(data.p + data.n - at));
}

static enum et_status read_metadata(struct et_safetensors *f, const struct et_value *metadata,
                                    struct et_err *err)
{
    if (metadata->kind != ET_VALUE_MAP)
        return corrupt(err, METADATA, "it is no map");
    for (size_t i = 0; i < et_value_count(metadata); i++)
        if (et_value_at(metadata, i)->kind != ET_VALUE_STRING)
            return corrupt(err, METADATA, "a value is no text");
    f->metadata = metadata;
    return ET_OK;
}

static enum et_status read_header(struct et_safetensors *f, const struct et_value *header,
                                  struct et_str data, struct et_err *err)
{
    if (header->kind != ET_VALUE_MAP)
        return et_fail(err, ET_ECORRUPT, HEAD_BYTES, "the header is no map");
    const size_t n = et_value_count(header);
    f->tensors = et_arena_array(f->arena, n + 1, sizeof *f->tensors);
    f->by_name = et_arena_array(f->arena, n + 1, sizeof *f->by_name);
    if (!f->tensors || !f->by_name)
        return et_arena_fail(f->arena, "tensors", err);
    enum et_status st = ET_OK;
    for (size_t i = 0; i < n && st == ET_OK; i++)
        st = et_str_is(header->as.many.keys[i], METADATA)
                 ? read_metadata(f, et_value_at(header, i), err)
                 : read_tensor(f, header, i, data, err);
    if (st != ET_OK)
        return st;
    qsort(f->tensors, f->n, sizeof *f->tensors, compare_places);
    for (size_t i = 0; i < f->n; i++)
        f->by_name[i] = &f->tensors[i];
    qsort(f->by_name, f->n, sizeof *f->by_name, compare_names);
    return check_cover(f, data, err);
}

static enum et_status read_bytes(struct et_safetensors *f, size_t n, struct et_err *err)
{
    const struct et_value *header;
    if (n < HEAD_BYTES)
        return et_fail(err, ET_ECORRUPT, (int64_t)n, "%zu bytes are no safetensors file", n);
    const uint64_t n_header = get_u64(f->bytes);
    if (n_header > ET_SAFETENSORS_HEADER_MAX)
        return et_fail(err, ET_ELIMIT, 0, "a header of %" PRIu64 " bytes, more than %zu", n_header,
                       ET_SAFETENSORS_HEADER_MAX);
    if (n_header > n - HEAD_BYTES)
        return et_fail(err, ET_ECORRUPT, (int64_t)n,
                       "the file ends within its header of %" PRIu64 " bytes", n_header);
    const struct et_str text = {f->bytes + HEAD_BYTES, (size_t)n_header};
    const struct et_str data = {text.p + text.n, n - HEAD_BYTES - text.n};
    if (!et_str_starts(text, "{"))
        return et_fail(err, ET_ECORRUPT, HEAD_BYTES, "the header is no JSON map");
    enum et_status st =
        et_arena_open(&f->arena, TREE_BYTES_MIN + TREE_RATIO * (size_t)n_header, err);
    if (st == ET_OK)
        st = et_json_parse(text, NULL, f->arena, &header, err);
    if (st != ET_OK) {
        if (err && err->at >= 0)
            err->at += HEAD_BYTES;
        return st;
    }
    return read_header(f, header, data, err);
}

static enum et_status finish(struct et_safetensors **file, struct et_safetensors *f, size_t n,
                             const char *name, struct et_err *err)
{
    const enum et_status st = read_bytes(f, n, err);
    if (st != ET_OK) {
        et_err_context(err, "%.200s", name);
        et_safetensors_close(f);
        return st;
    }
    *file = f;
    return ET_OK;
}

static struct et_safetensors *new_file(size_t n)
{
    struct et_safetensors *f = calloc(1, sizeof *f);
    if (f && !(f->bytes = malloc(n + 1))) {
        free(f);
        return NULL;
    }
    return f;
}

enum et_status et_safetensors_parse(struct et_safetensors **file, struct et_str bytes,
                                    const char *name, struct et_err *err)
{
    *file = NULL;
    struct et_safetensors *f = new_file(bytes.n);
    if (!f)
        return et_fail(err, ET_ENOMEM, -1, "%.200s: no memory for %zu bytes", name, bytes.n);
    if (bytes.n)
        memcpy(f->bytes, bytes.p, bytes.n);
    return finish(file, f, bytes.n, name, err);
}

static enum et_status read_file(struct et_file *from, struct et_safetensors **f, size_t *n,
                                struct et_err *err)
{
    int64_t n_bytes;
    enum et_status st = et_file_size(from, &n_bytes, err);
    if (st != ET_OK)
        return st;
    if (n_bytes > ET_SAFETENSORS_BYTES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%.200s: more than %" PRId64 " bytes",
                       et_file_path(from), ET_SAFETENSORS_BYTES_MAX);
    *n = (size_t)n_bytes;
    *f = new_file(*n);
    return *f ? et_file_read_exact(from, 0, (*f)->bytes, *n, err)
              : et_fail(err, ET_ENOMEM, -1, "%.200s: no memory for %zu bytes", et_file_path(from),
                        *n);
}

enum et_status et_safetensors_open(struct et_safetensors **file, const char *path,
                                   struct et_err *err)
{
    *file = NULL;
    struct et_file *from;
    struct et_safetensors *f = NULL;
    size_t n = 0;
    enum et_status st = et_file_open(&from, path, ET_FILE_READ, err);
    if (st != ET_OK)
        return st;
    st = read_file(from, &f, &n, err);
    et_file_close(from);
    if (st == ET_OK)
        return finish(file, f, n, path, err);
    et_safetensors_close(f);
    return st;
}

void et_safetensors_close(struct et_safetensors *file)
{
    if (!file)
        return;
    et_arena_close(file->arena);
    free(file->bytes);
    free(file);
}

size_t et_safetensors_count(const struct et_safetensors *file)
{
    return file->n;
}

const struct et_tensor *et_safetensors_at(const struct et_safetensors *file, size_t i)
{
    return &file->tensors[i];
}

const struct et_tensor *et_safetensors_find(const struct et_safetensors *file, const char *name)
{
    const struct et_tensor wanted = {.name = name}, *key = &wanted;
    const struct et_tensor **found =
        file->n ? bsearch(&key, file->by_name, file->n, sizeof *file->by_name, compare_names)
                : NULL;
    return found ? *found : NULL;
}

const char *et_safetensors_note(const struct et_safetensors *file, const char *key)
{
    return et_value_text(et_value_get(file->metadata, key), NULL);
}

/* ---- values ---- */

static float from_half(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t exponent = half >> 10 & 31, mantissa = half & 1023;
    uint32_t bits;
    float value;
    if (exponent == 0) { // a multiple of 2^-24, which floats have
        value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    if (exponent == 31)
        bits = sign | 0x7f800000 | mantissa << 13;
    else
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float from_bfloat(uint16_t brain)
{
    const uint32_t bits = (uint32_t)brain << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

enum et_status et_tensor_floats(const struct et_tensor *tensor, float *values, struct et_err *err)
{
    const char *p = tensor->bytes;
    // Bytes that may lie anywhere, so each value is copied out.
#define EACH(type, expression)                          \
    for (int64_t i = 0; i < tensor->n_values; i++) {    \
        type x;                                         \
        memcpy(&x, p + (size_t)i * sizeof x, sizeof x); \
        values[i] = (expression);                       \
    }                                                   \
    return ET_OK
    switch (tensor->type) {
    case ET_TENSOR_F32:
        if (tensor->n_values)
            memcpy(values, p, (size_t)tensor->n_values * sizeof *values);
        return ET_OK;
    case ET_TENSOR_F64:
        EACH(double, (float)x);
    case ET_TENSOR_F16:
        EACH(uint16_t, from_half(x));
    case ET_TENSOR_BF16:
        EACH(uint16_t, from_bfloat(x));
    case ET_TENSOR_BOOL:
        EACH(uint8_t, (float)(x != 0));
    case ET_TENSOR_U8:
        EACH(uint8_t, (float)x);
    case ET_TENSOR_I8:
        EACH(int8_t, (float)x);
    case ET_TENSOR_I16:
        EACH(int16_t, (float)x);
    case ET_TENSOR_U16:
        EACH(uint16_t, (float)x);
    case ET_TENSOR_I32:
        EACH(int32_t, (float)x);
    case ET_TENSOR_U32:
        EACH(uint32_t, (float)x);
    case ET_TENSOR_I64:
        EACH(int64_t, (float)x);
    case ET_TENSOR_U64:
        EACH(uint64_t, (float)x);
    case ET_TENSOR_F8_E5M2:
    case ET_TENSOR_F8_E4M3:
        break;
    }
#undef EACH
    return et_fail(err, ET_EUNSUPPORTED, -1, "%.200s: %s is not read as numbers", tensor->name,
                   TYPES[tensor->type].text);
}

/* ---- writing ---- */

static enum et_status check_names(const struct et_tensor *tensors, size_t n, struct et_err *err)
{
    const struct et_tensor **by_name = calloc(n + 1, sizeof *by_name);
    if (!by_name)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %zu tensors", n);
    for (size_t i = 0; i < n; i++)
        by_name[i] = &tensors[i];
    qsort(by_name, n, sizeof *by_name, compare_names);
    enum et_status st = ET_OK;
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        st = et_name_check(et_str(by_name[i]->name), "a tensor's name", err);
        if (st == ET_OK && strcmp(by_name[i]->name, METADATA) == 0)
            st = et_fail(err, ET_EARG, -1, "a tensor cannot be called " METADATA);
        if (st == ET_OK && i > 0 && strcmp(by_name[i - 1]->name, by_name[i]->name) == 0)
            st = et_fail(err, ET_EARG, -1, "two tensors are called %.200s", by_name[i]->name);
    }
    free(by_name);
    return st;
}

static enum et_status size_of(const struct et_tensor *tensor, int64_t *n_bytes, struct et_err *err)
{
    *n_bytes = (int64_t)TYPES[tensor->type].n_bytes;
    if (tensor->n_dims > ET_TENSOR_DIMS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%.200s: %zu dimensions, more than %d", tensor->name,
                       tensor->n_dims, ET_TENSOR_DIMS_MAX);
    for (size_t i = 0; i < tensor->n_dims; i++) {
        if (tensor->shape[i] < 0)
            return et_fail(err, ET_EARG, -1, "%.200s: a size is negative", tensor->name);
        if (__builtin_mul_overflow(*n_bytes, tensor->shape[i], n_bytes) ||
            *n_bytes > ET_SAFETENSORS_BYTES_MAX)
            return et_fail(err, ET_ELIMIT, -1, "%.200s: more than %" PRId64 " bytes", tensor->name,
                           ET_SAFETENSORS_BYTES_MAX);
    }
    return ET_OK;
}

static enum et_status put_tensor(struct et_json_writer *w, const struct et_tensor *tensor,
                                 int64_t *at, struct et_err *err)
{
    int64_t n_bytes;
    const enum et_status st = size_of(tensor, &n_bytes, err);
    if (st != ET_OK)
        return st;
    et_json_key(w, tensor->name);
    et_json_open_map(w);
    et_json_put_text(w, "dtype", TYPES[tensor->type].text);
    et_json_key(w, "shape");
    et_json_open_list(w);
    for (size_t i = 0; i < tensor->n_dims; i++)
        et_json_int(w, tensor->shape[i]);
    et_json_close_list(w);
    et_json_key(w, "data_offsets");
    et_json_open_list(w);
    et_json_int(w, *at);
    *at += n_bytes;
    et_json_int(w, *at);
    et_json_close_list(w);
    et_json_close_map(w);
    return *at <= ET_SAFETENSORS_BYTES_MAX
               ? ET_OK
               : et_fail(err, ET_ELIMIT, -1, "more than %" PRId64 " bytes of tensors",
                         ET_SAFETENSORS_BYTES_MAX);
}

// The header, behind the place of its length.
static enum et_status put_header(struct et_buf *buf, const struct et_tensor *tensors, size_t n,
                                 const struct et_safetensors_note *notes, size_t n_notes,
                                 struct et_err *err)
{
    struct et_json_writer w = {.buf = buf};
    int64_t at = 0;
    enum et_status st = ET_OK;
    et_json_open_map(&w);
    if (n_notes) {
        et_json_key(&w, METADATA);
        et_json_open_map(&w);
        for (size_t i = 0; i < n_notes; i++)
            et_json_put_text(&w, notes[i].key, notes[i].text);
        et_json_close_map(&w);
    }
    for (size_t i = 0; i < n && st == ET_OK; i++)
        st = put_tensor(&w, &tensors[i], &at, err);
    if (st != ET_OK)
        return st;
    et_json_close_map(&w);
    while (buf->status == ET_OK && buf->n % ALIGN)
        et_buf_putc(buf, ' ');
    st = et_buf_check(buf, "a header", err);
    if (st == ET_OK && buf->n - HEAD_BYTES > ET_SAFETENSORS_HEADER_MAX)
        st = et_fail(err, ET_ELIMIT, -1, "a header of more than %zu bytes",
                     ET_SAFETENSORS_HEADER_MAX);
    return st;
}

enum et_status et_safetensors_write(const char *path, const struct et_tensor *tensors, size_t n,
                                    const struct et_safetensors_note *notes, size_t n_notes,
                                    struct et_err *err)
{
    static const char LENGTH[HEAD_BYTES];
    struct et_buf buf =
        et_buf((size_t)ET_SAFETENSORS_BYTES_MAX + ET_SAFETENSORS_HEADER_MAX + 2 * HEAD_BYTES);
    enum et_status st = check_names(tensors, n, err);
    if (st != ET_OK)
        return st;
    et_buf_put(&buf, LENGTH, HEAD_BYTES);
    st = put_header(&buf, tensors, n, notes, n_notes, err);
    if (st == ET_OK)
        for (int i = 0; i < HEAD_BYTES; i++)
            buf.p[i] = (char)((uint64_t)(buf.n - HEAD_BYTES) >> 8 * i);
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        int64_t n_bytes;
        st = size_of(&tensors[i], &n_bytes, err);
        if (st == ET_OK)
            et_buf_put(&buf, tensors[i].bytes, (size_t)n_bytes);
    }
    if (st == ET_OK)
        st = et_buf_check(&buf, "tensors", err);
    if (st == ET_OK)
        st = et_file_replace(path, buf.p, buf.n, err);
    et_buf_free(&buf);
    return st;
}
