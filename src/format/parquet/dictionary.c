#include "format/parquet/parquet__encode.h"
#include "format/parquet/parquet__hybrid.h"

#include "etude/hash.h"

#include <assert.h>

/* pyarrow stops at a page of 1 MiB too. */
#define VALUES_MAX 65536u
#define PAGE_BYTES_MAX ((size_t)1 << 20)

#define FIRST_BITS 6u // of the table's size
#define LAST_BITS 17u // half full with VALUES_MAX
#define SAMPLE_MAX 1024u

struct entry {
    uint64_t key;        // the value's bits, or a text's hash
    uint32_t index_plus; // index + 1; 0: free
};
static_assert(sizeof(struct entry) == 16, "the table's size is stated in entries of 16 bytes");

struct et__dictionary_out et__dictionary_out(void)
{
    return (struct et__dictionary_out){
        .table = et_buf(sizeof(struct entry) << LAST_BITS),
        .page = et_buf(2 * PAGE_BYTES_MAX),
        .texts = et_buf(VALUES_MAX * sizeof(struct et_str)),
        .indices = et_buf(SIZE_MAX / 2),
    };
}

void et__dictionary_free(struct et__dictionary_out *dictionary)
{
    et_buf_free(&dictionary->table);
    et_buf_free(&dictionary->page);
    et_buf_free(&dictionary->texts);
    et_buf_free(&dictionary->indices);
}

static struct entry *entries(struct et__dictionary_out *d)
{
    return (struct entry *)(void *)d->table.p;
}

// An empty table of 2^bits entries. False: no memory.
static bool begin_table(struct et__dictionary_out *d, unsigned bits)
{
    const size_t n_bytes = sizeof(struct entry) << bits;
    et_buf_clear(&d->table);
    void *p = et_buf_reserve(&d->table, n_bytes);
    if (!p)
        return false;
    memset(p, 0, n_bytes);
    d->table.n = n_bytes;
    d->bits = bits;
    return true;
}

// As many keys alone, zeroed, for the sample. NULL: no memory.
static uint64_t *begin_keys(struct et__dictionary_out *d, unsigned bits)
{
    const size_t n_bytes = sizeof(uint64_t) << bits;
    et_buf_clear(&d->table);
    void *p = et_buf_reserve(&d->table, n_bytes);
    if (p)
        memset(p, 0, n_bytes);
    return p;
}

/* Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4): the product's high bits depend
 * on all of the key's. Floats that differ little differ in low bits, so these are mixed up first.
 */
static size_t slot_of(uint64_t key, unsigned bits)
{
    return (size_t)(((key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - bits));
}

/* A number's bits are its key; always inlined, with a constant size. */
static inline __attribute__((always_inline)) uint64_t key_of_number(const uint8_t *values,
                                                                    size_t size, size_t i)
{
    return size == 4 ? et__load32(values + 4 * i) : et__load64(values + 8 * i);
}

static uint64_t key_of_text(struct et_str text)
{
    return et_hash64(text.n > 0 ? text.p : "", text.n);
}

/* Doubles the table. Distinct entries need no comparing; they are put anew in the order of their
 * slots, which decides nothing but the slots. */
static bool grow(struct et__dictionary_out *d)
{
    struct et_buf old = d->table;
    const size_t n_old = (size_t)1 << d->bits;
    d->table = et_buf(old.limit);
    const bool is_good = begin_table(d, d->bits + 1);
    const size_t mask = ((size_t)1 << d->bits) - 1;
    for (size_t i = 0; is_good && i < n_old; i++) {
        const struct entry e = ((const struct entry *)(void *)old.p)[i];
        size_t slot = slot_of(e.key, d->bits);
        if (e.index_plus == 0)
            continue;
        while (entries(d)[slot].index_plus != 0)
            slot = (slot + 1) & mask;
        entries(d)[slot] = e;
    }
    et_buf_free(&old);
    return is_good;
}

/* True when so much of a sample, spread over all values, differs that a dictionary cannot pay.
 * Numbers that were measured differ in their last bits, and what repeats among them the codec finds
 * too: for those a quarter is enough. (For others: of 1024 out of 20000 equally likely values, 26
 * are expected to be seen twice.) Keys stand for values here; two texts of one hash would only make
 * us try. */
static bool is_hopeless(struct et__dictionary_out *d, enum et_parquet_type type, const void *values,
                        size_t n)
{
    const bool is_real = type == ET_PARQUET_FLOAT || type == ET_PARQUET_DOUBLE;
    const size_t size = et__parquet_value_bytes(type);
    const size_t want = 256 + n / 64, n_sample = want < SAMPLE_MAX ? want : SAMPLE_MAX;
    const unsigned bits = (unsigned)et__bit_width((uint32_t)(2 * n_sample));
    const size_t step = n / n_sample, mask = ((size_t)1 << bits) - 1;
    uint64_t *table = step > 0 ? begin_keys(d, bits) : NULL;
    bool has_zero = false; // 0 marks a free slot
    size_t n_distinct = 0;
    if (!table)
        return false; // few values: no sample is needed
    for (size_t i = 0; i < n_sample; i++) {
        const uint64_t key = type == ET_PARQUET_BYTES
                                 ? key_of_text(((const struct et_str *)values)[i * step])
                                 : key_of_number(values, size, i * step);
        size_t slot = slot_of(key, bits);
        while (table[slot] != 0 && table[slot] != key)
            slot = (slot + 1) & mask;
        n_distinct += key == 0 ? !has_zero : table[slot] == 0;
        has_zero = has_zero || key == 0;
        table[slot] = key;
    }
    return n_distinct > (is_real ? n_sample / 4 : n_sample - n_sample / 50);
}

// True when one more distinct value of n_bytes would be too many.
static bool is_full(const struct et__dictionary_out *d, size_t n_bytes, size_t n)
{
    return d->n == VALUES_MAX || n_bytes > PAGE_BYTES_MAX - d->page.n ||
           (d->n > 1024 && d->n > n / 2);
}

static bool make_room(struct et__dictionary_out *d)
{
    return 4 * (uint64_t)d->n < (uint64_t)3 << d->bits || grow(d);
}

/* Gives every number its index. False: too many differ, or there is no memory. Runs of one number
 * are common (an episode's index, a task's) and need no look into the table. */
static inline __attribute__((always_inline)) bool index_numbers(struct et__dictionary_out *d,
                                                                const uint8_t *values, size_t size,
                                                                size_t n, uint32_t *indices)
{
    struct entry *table = entries(d);
    size_t mask = ((size_t)1 << d->bits) - 1;
    for (size_t i = 0; i < n;) {
        const uint64_t key = key_of_number(values, size, i);
        size_t slot = slot_of(key, d->bits);
        while (table[slot].index_plus != 0 && table[slot].key != key)
            slot = (slot + 1) & mask;
        const bool is_new = table[slot].index_plus == 0;
        if (is_new) {
            if (is_full(d, size, n))
                return false;
            et_buf_put(&d->page, &key, size);
            table[slot] = (struct entry){.key = key, .index_plus = ++d->n};
        }
        const uint32_t index = table[slot].index_plus - 1;
        do
            indices[i++] = index;
        while (i < n && key_of_number(values, size, i) == key);
        if (is_new) {
            if (!make_room(d))
                return false;
            table = entries(d);
            mask = ((size_t)1 << d->bits) - 1;
        }
    }
    return true;
}

static const struct et_str *text_at(const struct et__dictionary_out *d, const struct entry *e)
{
    return (const struct et_str *)(const void *)d->texts.p + (e->index_plus - 1);
}

static bool index_texts(struct et__dictionary_out *d, const struct et_str *values, size_t n,
                        uint32_t *indices)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && et_str_eq(values[i], values[i - 1])) {
            indices[i] = indices[i - 1];
            continue;
        }
        struct entry *table = entries(d);
        const uint64_t key = key_of_text(values[i]);
        const size_t mask = ((size_t)1 << d->bits) - 1;
        size_t slot = slot_of(key, d->bits);
        while (table[slot].index_plus != 0 &&
               (table[slot].key != key || !et_str_eq(*text_at(d, &table[slot]), values[i])))
            slot = (slot + 1) & mask;
        const bool is_new = table[slot].index_plus == 0;
        if (is_new) {
            if (is_full(d, 4 + values[i].n, n))
                return false;
            et__plain_write(&d->page, ET_PARQUET_BYTES, &values[i], 1);
            et_buf_put(&d->texts, &values[i], sizeof values[i]);
            if (d->texts.status != ET_OK)
                return false;
            table[slot] = (struct entry){.key = key, .index_plus = ++d->n};
        }
        indices[i] = table[slot].index_plus - 1;
        if (is_new && !make_room(d))
            return false;
    }
    return true;
}

static bool index_all(struct et__dictionary_out *d, enum et_parquet_type type, const void *values,
                      size_t n)
{
    uint32_t *indices = et_buf_reserve(&d->indices, n * sizeof *indices);
    if (!indices)
        return false;
    d->indices.n = n * sizeof *indices;
    if (type == ET_PARQUET_BYTES)
        return index_texts(d, values, n, indices);
    return et__parquet_value_bytes(type) == 4 ? index_numbers(d, values, 4, n, indices)
                                              : index_numbers(d, values, 8, n, indices);
}

int et__dictionary_bits(uint32_t n)
{
    return n > 1 ? et__bit_width(n - 1) : 1;
}

static size_t plain_bytes(enum et_parquet_type type, const void *values, size_t n)
{
    size_t total = n * et__parquet_value_bytes(type);
    if (type == ET_PARQUET_BYTES) {
        total = 4 * n;
        for (size_t i = 0; i < n; i++)
            total += ((const struct et_str *)values)[i].n;
    }
    return total;
}

enum et_status et__dictionary_try(struct et__dictionary_out *dictionary, enum et_parquet_type type,
                                  const void *values, size_t n, bool *is_worth, struct et_err *err)
{
    struct et__dictionary_out *d = dictionary;
    assert(type != ET_PARQUET_BOOL);
    *is_worth = false;
    et_buf_clear(&d->page);
    et_buf_clear(&d->texts);
    et_buf_clear(&d->indices);
    d->n = 0;
    if (n < 2 || is_hopeless(d, type, values, n))
        return et_buf_check(&d->table, "a dictionary", err);
    if (begin_table(d, FIRST_BITS) && index_all(d, type, values, n)) {
        const size_t bits = (size_t)et__dictionary_bits(d->n);
        *is_worth = 4 * (d->page.n + n * bits / 8) < 3 * plain_bytes(type, values, n);
    }
    const struct et_buf *const all[] = {&d->table, &d->page, &d->texts, &d->indices};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i]->status != ET_OK)
            return et_buf_check(all[i], "a dictionary", err);
    return ET_OK;
}

void et__extremes_add_dictionary(struct et__extremes *extremes, enum et_parquet_type type,
                                 const struct et__dictionary_out *dictionary)
{
    const struct et_buf *values = type == ET_PARQUET_BYTES ? &dictionary->texts : &dictionary->page;
    et__extremes_add(extremes, type, values->p, dictionary->n);
}
