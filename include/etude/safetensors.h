/* safetensors: named arrays in one file, as Hugging Face keeps the weights of models.
 *
 *     u64, little-endian: n            bytes of the header
 *     n bytes of JSON                  {"name": {"dtype": "F32", "shape": [2, 3],
 *                                       "data_offsets": [0, 24]}, …, "__metadata__": {"k": "text"}}
 *     the arrays' bytes                little-endian, row-major, without holes
 *
 * Source: github.com/huggingface/safetensors, README "Format" and safetensors/src/tensor.rs. As
 * there, the arrays have to cover the bytes behind the header exactly, each once: a file that hides
 * something between them, or counts something twice, is refused. So are shapes whose size is not
 * that of their bytes, names that stand twice, and a header over ET_SAFETENSORS_HEADER_MAX.
 *
 * Arrays are written in the order they are given, the header padded with blanks so that data begins
 * at a multiple of 8. Same arrays, same bytes.
 *
 * Threads: an opened file is read-only and may be shared.
 * Memory:  a handle holds the whole file. */
#ifndef ETUDE_SAFETENSORS_H
#define ETUDE_SAFETENSORS_H

#include "etude/str.h"

#define ET_SAFETENSORS_HEADER_MAX ((size_t)100 << 20) // as the reference reader has it
#define ET_SAFETENSORS_BYTES_MAX ((int64_t)64 << 30)
#define ET_TENSOR_DIMS_MAX 32

// clang-format off
#define ET_TENSOR_TYPE_MAP(X) \
    X(BOOL,     "BOOL",    1) \
    X(U8,       "U8",      1) \
    X(I8,       "I8",      1) \
    X(F8_E5M2,  "F8_E5M2", 1) \
    X(F8_E4M3,  "F8_E4M3", 1) \
    X(I16,      "I16",     2) \
    X(U16,      "U16",     2) \
    X(F16,      "F16",     2) \
    X(BF16,     "BF16",    2) \
    X(I32,      "I32",     4) \
    X(U32,      "U32",     4) \
    X(F32,      "F32",     4) \
    X(F64,      "F64",     8) \
    X(I64,      "I64",     8) \
    X(U64,      "U64",     8)
// clang-format on

enum et_tensor_type {
#define X(name, text, bytes) ET_TENSOR_##name,
    ET_TENSOR_TYPE_MAP(X)
#undef X
};
ET_API const char *et_tensor_type_text(enum et_tensor_type type); // "F32"
ET_API size_t et_tensor_type_bytes(enum et_tensor_type type);     // of a value

struct et_tensor {
    const char *name;
    enum et_tensor_type type;
    const int64_t *shape; // n_dims sizes; none: one value
    size_t n_dims;
    int64_t n_values;  // product of the shape; not looked at where it is written
    const void *bytes; // n_values of its type, little-endian, at a multiple of 8 where the file's
                       // writer kept to that
};

/* A word that a file says of itself ("format": "pt"). */
struct et_safetensors_note {
    const char *key, *text;
};

struct et_safetensors;

/* Reads the whole file. ET_ENOTFOUND, ET_EIO: as et_file_open. ET_ECORRUPT: the file is not as
 * above; the text names the tensor, err->at is the offset in the file. ET_ELIMIT: a limit above.
 * ET_EUNSUPPORTED: a dtype that we do not know. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_safetensors_open(struct et_safetensors **file,
                                                      const char *path, struct et_err *err);
/* The same from memory, which is copied. `name` stands in messages. */
ET_MUST_USE ET_API enum et_status et_safetensors_parse(struct et_safetensors **file,
                                                       struct et_str bytes, const char *name,
                                                       struct et_err *err);
ET_API void et_safetensors_close(struct et_safetensors *file); // NULL is allowed

/* Tensors in the order of their bytes; valid until the file is closed. */
ET_API size_t et_safetensors_count(const struct et_safetensors *file);
ET_API const struct et_tensor *et_safetensors_at(const struct et_safetensors *file, size_t i);
/* NULL: there is none of that name. */
ET_API const struct et_tensor *et_safetensors_find(const struct et_safetensors *file,
                                                   const char *name);
/* What the file says of itself; NULL: nothing under that key. */
ET_API const char *et_safetensors_note(const struct et_safetensors *file, const char *key);

/* All n_values as float, rounded to nearest where the type has more digits. ET_EUNSUPPORTED: the
 * type is F8. */
ET_MUST_USE ET_API enum et_status et_tensor_floats(const struct et_tensor *tensor, float *values,
                                                   struct et_err *err);

/* Replaces the file at path, or creates it, as et_file_replace does. ET_EARG: a name twice,
 * "__metadata__" as a name, a negative size. ET_ECORRUPT: a name is none (et_name_check).
 * ET_ELIMIT: a limit above. ET_EIO, ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_safetensors_write(const char *path,
                                                       const struct et_tensor *tensors, size_t n,
                                                       const struct et_safetensors_note *notes,
                                                       size_t n_notes, struct et_err *err);

#endif
