#include "etude/arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#define RED_ZONE_BYTES 16 // between two allocations, so that an overrun of one is found
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define RED_ZONE_BYTES 0
#endif

#define ALIGN 16
#define FIRST_BLOCK_BYTES ((size_t)4096)

struct block {
    struct block *below;
    size_t cap;     // bytes in data
    size_t used;    // bytes of data that are handed out, paddings counted
    size_t touched; // bytes of data that may differ from the zeros of calloc
    _Alignas(ALIGN) unsigned char data[];
};

struct et_arena {
    struct block *top;
    struct block *spare; // kept by a rewind, so that a loop of marks does not call malloc each time
    size_t n_blocks;
    size_t limit;
    size_t used;           // bytes handed out, with the paddings that align them
    size_t peak;           // the largest `used` so far
    enum et_status reason; // why the last allocation failed
};

// Rounds up; callers make sure that n is far from SIZE_MAX.
static size_t aligned(size_t n)
{
    return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

enum et_status et_arena_open(struct et_arena **arena, size_t limit_bytes, struct et_err *err)
{
    assert(arena);
    *arena = calloc(1, sizeof **arena);
    if (!*arena)
        return et_fail(err, ET_ENOMEM, -1, "no memory for an arena");
    (*arena)->limit = limit_bytes;
    (*arena)->reason = ET_ELIMIT;
    return ET_OK;
}

static void free_block(struct block *block)
{
    if (!block)
        return;
    UNPOISON(block->data, block->cap);
    free(block);
}

void et_arena_close(struct et_arena *arena)
{
    if (!arena)
        return;
    while (arena->top) {
        struct block *below = arena->top->below;
        free_block(arena->top);
        arena->top = below;
    }
    free_block(arena->spare);
    free(arena);
}

static bool has_room(const struct block *block, size_t n_bytes)
{
    if (!block)
        return false;
    const size_t start = aligned(block->used);
    return start <= block->cap && n_bytes <= block->cap - start;
}

/* Puts a block with room for n_bytes on top: the spare one, or a new one of twice the size of the
 * last, so that the number of blocks stays small. False when there is no memory. */
static bool add_block(struct et_arena *arena, size_t n_bytes)
{
    struct block *block = arena->spare;
    if (has_room(block, n_bytes)) {
        arena->spare = NULL;
    } else {
        size_t cap = arena->top ? 2 * arena->top->cap : FIRST_BLOCK_BYTES;
        const size_t left = arena->limit - arena->used;
        if (cap > left)
            cap = left;
        if (cap < n_bytes)
            cap = n_bytes;
        if (cap > SIZE_MAX - sizeof *block)
            return false;
        block = calloc(1, sizeof *block + cap);
        if (!block)
            return false;
        block->cap = cap;
        POISON(block->data, cap);
    }
    block->below = arena->top;
    arena->top = block;
    arena->n_blocks++;
    return true;
}

/* Takes n_bytes of the top block, which has room for them. Only what an earlier user may have
 * written is zeroed; fresh memory is zero already. */
static void *take(struct block *block, size_t n_bytes)
{
    assert(has_room(block, n_bytes));
    const size_t start = aligned(block->used), end = start + n_bytes;
    unsigned char *p = block->data + start;
    UNPOISON(p, n_bytes);
    if (start < block->touched)
        memset(p, 0, (end < block->touched ? end : block->touched) - start);
    if (end > block->touched)
        block->touched = end;
    block->used = end;
    return p;
}

void *et_arena_alloc(struct et_arena *arena, size_t n_bytes)
{
    assert(arena);
    const size_t start = aligned(arena->used);
    if (start < arena->used || start > arena->limit || n_bytes > arena->limit - start) {
        arena->reason = ET_ELIMIT;
        return NULL;
    }
    const size_t with_zone = n_bytes + RED_ZONE_BYTES;
    if (with_zone < n_bytes || (!has_room(arena->top, with_zone) && !add_block(arena, with_zone))) {
        arena->reason = ET_ENOMEM;
        return NULL;
    }
    arena->used = start + n_bytes;
    if (arena->used > arena->peak)
        arena->peak = arena->used;

    unsigned char *p = take(arena->top, with_zone);
    POISON(p + n_bytes, RED_ZONE_BYTES);
    return p;
}

void *et_arena_array(struct et_arena *arena, size_t n, size_t size)
{
    if (size != 0 && n > SIZE_MAX / size) {
        arena->reason = ET_ELIMIT;
        return NULL;
    }
    return et_arena_alloc(arena, n * size);
}

void *et_arena_copy(struct et_arena *arena, const void *p, size_t n_bytes)
{
    if (n_bytes == SIZE_MAX) {
        arena->reason = ET_ELIMIT;
        return NULL;
    }
    char *copy = et_arena_alloc(arena, n_bytes + 1);
    if (copy && n_bytes > 0)
        memcpy(copy, p, n_bytes);
    return copy;
}

char *et_arena_printf(struct et_arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);

    char *text = NULL;
    if (n >= 0)
        text = et_arena_alloc(arena, (size_t)n + 1);
    if (text)
        (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

enum et_status et_arena_fail(const struct et_arena *arena, const char *what, struct et_err *err)
{
    if (arena->reason == ET_ENOMEM)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %s", what);
    return et_fail(err, ET_ELIMIT, -1, "%s would take more than the limit of %zu bytes", what,
                   arena->limit);
}

struct et_arena_mark et_arena_mark(const struct et_arena *arena)
{
    return (struct et_arena_mark){
        .i_block = arena->n_blocks,
        .used = arena->top ? arena->top->used : 0,
        .total = arena->used,
    };
}

// Takes the top block off; the larger one of it and the spare one is kept.
static void drop_block(struct et_arena *arena)
{
    struct block *block = arena->top;
    arena->top = block->below;
    arena->n_blocks--;

    block->used = 0;
    POISON(block->data, block->cap);
    if (!arena->spare || arena->spare->cap < block->cap) {
        free_block(arena->spare);
        arena->spare = block;
    } else {
        free_block(block);
    }
}

void et_arena_rewind(struct et_arena *arena, struct et_arena_mark mark)
{
    assert(mark.i_block <= arena->n_blocks && mark.total <= arena->used);
    while (arena->n_blocks > mark.i_block)
        drop_block(arena);
    if (arena->top) {
        assert(mark.used <= arena->top->used);
        POISON(arena->top->data + mark.used, arena->top->cap - mark.used);
        arena->top->used = mark.used;
    }
    arena->used = mark.total;
}

size_t et_arena_used(const struct et_arena *arena)
{
    return arena->used;
}

size_t et_arena_peak(const struct et_arena *arena)
{
    return arena->peak;
}
