/* Arena: memory of variable size that dies with one unit of work (an episode, a request, a
 * command).
 *
 * Allocation is a pointer bump; release is one call. An arena cannot be made without its limit, so
 * what comes from a hostile file cannot take the machine's memory.
 *
 * Threads: one arena belongs to one thread at a time.
 * Memory:  blocks come from malloc and go back in et_arena_close; under AddressSanitizer what is
 *          rewound is poisoned, so that a use after a rewind is found. */
#ifndef ETUDE_ARENA_H
#define ETUDE_ARENA_H

#include "etude/status.h"

#include <stddef.h>

struct et_arena;

/* Opens an arena that will hand out at most limit_bytes. ET_ENOMEM: nothing was opened. */
ET_MUST_USE ET_API enum et_status et_arena_open(struct et_arena **arena, size_t limit_bytes,
                                                struct et_err *err);

/* Releases the arena and everything that came from it. NULL is allowed. */
ET_API void et_arena_close(struct et_arena *arena);

/* n_bytes of zeroed memory, aligned to 16 bytes; NULL when the limit or the machine's memory is
 * reached. n_bytes 0 gives a valid pointer to nothing. */
ET_MUST_USE ET_API void *et_arena_alloc(struct et_arena *arena, size_t n_bytes);

/* As et_arena_alloc for n elements of `size` bytes; NULL also when n × size overflows. */
ET_MUST_USE ET_API void *et_arena_array(struct et_arena *arena, size_t n, size_t size);

/* A copy of n_bytes at p, followed by a NUL that does not count. NULL as et_arena_alloc. */
ET_MUST_USE ET_API void *et_arena_copy(struct et_arena *arena, const void *p, size_t n_bytes);

/* A formatted, NUL-terminated string. NULL as et_arena_alloc. */
ET_MUST_USE ET_API char *et_arena_printf(struct et_arena *arena, const char *fmt, ...)
    ET_PRINTF(2, 3);

/* The status that stands for a NULL from the calls above: ET_ELIMIT when the arena's own limit was
 * reached, else ET_ENOMEM; fills *err in the words of `what` ("the episode's table"). */
ET_API enum et_status et_arena_fail(const struct et_arena *arena, const char *what,
                                    struct et_err *err);

/* A place to go back to. Rewinding releases all that was allocated after the mark was taken. */
struct et_arena_mark {
    size_t i_block;
    size_t used;
    size_t total;
};
ET_API struct et_arena_mark et_arena_mark(const struct et_arena *arena);
ET_API void et_arena_rewind(struct et_arena *arena, struct et_arena_mark mark);

/* Bytes handed out now, and the most that were ever handed out. */
ET_API size_t et_arena_used(const struct et_arena *arena);
ET_API size_t et_arena_peak(const struct et_arena *arena);

#endif
