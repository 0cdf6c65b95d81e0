#include "etude/arena.h"
#include "tap.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define IS_POISONED(p) __asan_address_is_poisoned(p)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define IS_POISONED(p) __asan_address_is_poisoned(p)
#endif
#endif

static struct et_err err;

static struct et_arena *opened(size_t limit)
{
    struct et_arena *arena = NULL;
    CHECK_OK(et_arena_open(&arena, limit, &err));
    return arena;
}

static bool is_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static void gives_zeroed_aligned_memory(void)
{
    struct et_arena *arena = opened(10 << 20);
    for (size_t n = 0; n < 3000; n++) {
        unsigned char *p = et_arena_alloc(arena, n);
        if (!CHECK(p != NULL))
            break;
        CHECK_EQ((uintptr_t)p % 16, 0);
        CHECK(is_zero(p, n));
        memset(p, 0xa5, n);
    }
    et_arena_close(arena);
}

static void zeroes_what_it_gives_again(void)
{
    struct et_arena *arena = opened(1 << 20);
    const struct et_arena_mark mark = et_arena_mark(arena);
    for (int round = 0; round < 5; round++) {
        for (size_t n = 1; n < 20000; n *= 3) {
            unsigned char *p = et_arena_alloc(arena, n);
            CHECK(p && is_zero(p, n));
            if (p)
                memset(p, 0xff, n);
        }
        et_arena_rewind(arena, mark);
        CHECK_EQ(et_arena_used(arena), 0);
    }
    et_arena_close(arena);
}

static void hands_out_its_limit_and_not_a_byte_more(void)
{
    struct et_arena *arena = opened(1000);
    CHECK(et_arena_alloc(arena, 1001) == NULL);
    CHECK_EQ(et_arena_fail(arena, "a table", &err), ET_ELIMIT);
    CHECK_STR(err.text, "a table would take more than the limit of 1000 bytes");
    CHECK(et_arena_alloc(arena, 1000) != NULL);
    CHECK_EQ(et_arena_used(arena), 1000);
    CHECK(et_arena_alloc(arena, 1) == NULL);
    CHECK(et_arena_alloc(arena, 0) == NULL); // aligned, it would begin behind the limit
    et_arena_close(arena);

    arena = opened(0);
    CHECK(et_arena_alloc(arena, 0) != NULL);
    CHECK(et_arena_alloc(arena, 1) == NULL);
    et_arena_close(arena);
}

static void refuses_sizes_that_overflow(void)
{
    struct et_arena *arena = opened(SIZE_MAX);
    CHECK(et_arena_array(arena, SIZE_MAX / 8 + 1, 8) == NULL);
    CHECK_EQ(et_arena_fail(arena, "x", NULL), ET_ELIMIT);
    CHECK(et_arena_array(arena, 5, SIZE_MAX / 4) == NULL);
    CHECK(et_arena_copy(arena, "", SIZE_MAX) == NULL);
    CHECK(et_arena_alloc(arena, SIZE_MAX) == NULL);
    CHECK_EQ(et_arena_fail(arena, "all of it", &err), ET_ENOMEM);
    CHECK_STR(err.text, "no memory for all of it");
    CHECK(et_arena_array(arena, 0, 8) != NULL);
    CHECK(et_arena_array(arena, 8, 0) != NULL);
    et_arena_close(arena);
}

static void copies_and_formats(void)
{
    struct et_arena *arena = opened(100000);
    const char *copy = et_arena_copy(arena, "abc", 2);
    CHECK_STR(copy, "ab");
    CHECK_STR(et_arena_copy(arena, NULL, 0), "");
    CHECK_STR(et_arena_printf(arena, "%s-%05d", "x", 42), "x-00042");
    const char *many = et_arena_printf(arena, "%050000d", 1);
    CHECK(many && strlen(many) == 50000);
    CHECK(et_arena_printf(arena, "%050000d", 1) == NULL);
    et_arena_close(arena);
}

static void rewinds_to_a_mark_and_keeps_what_was_before(void)
{
    struct et_arena *arena = opened(100 << 20);
    char *kept = et_arena_copy(arena, "kept", 4);
    const size_t used = et_arena_used(arena);
    const struct et_arena_mark mark = et_arena_mark(arena);
    for (int i = 0; i < 1000; i++) {
        CHECK(et_arena_alloc(arena, (size_t)i * 100) != NULL);
        if (i % 7 == 0)
            et_arena_rewind(arena, mark);
    }
    et_arena_rewind(arena, mark);
    CHECK_EQ(et_arena_used(arena), used);
    CHECK_STR(kept, "kept");
    et_arena_close(arena);
}

static void remembers_its_peak(void)
{
    struct et_arena *arena = opened(1 << 20);
    const struct et_arena_mark mark = et_arena_mark(arena);
    CHECK(et_arena_alloc(arena, 5000) != NULL);
    CHECK(et_arena_alloc(arena, 32) != NULL);
    CHECK_EQ(et_arena_peak(arena), 5008 + 32);
    et_arena_rewind(arena, mark);
    CHECK(et_arena_alloc(arena, 16) != NULL);
    CHECK_EQ(et_arena_used(arena), 16);
    CHECK_EQ(et_arena_peak(arena), 5008 + 32);
    et_arena_close(arena);
}

static void closes_nothing(void)
{
    et_arena_close(NULL);
}

static void poisons_what_it_rewinds(void)
{
#ifdef IS_POISONED
    struct et_arena *arena = opened(1 << 20);
    char *a = et_arena_alloc(arena, 40);
    const struct et_arena_mark mark = et_arena_mark(arena);
    char *b = et_arena_alloc(arena, 40);
    char *far = et_arena_alloc(arena, 100000);
    CHECK(!IS_POISONED(a) && !IS_POISONED(a + 39) && !IS_POISONED(b) && !IS_POISONED(far));
    CHECK(IS_POISONED(a + 40)); // a red zone stands between two allocations
    et_arena_rewind(arena, mark);
    CHECK(!IS_POISONED(a));
    CHECK(IS_POISONED(b) && IS_POISONED(b + 39) && IS_POISONED(far));
    et_arena_close(arena);
#else
    tap_skip("built without AddressSanitizer");
#endif
}

int main(void)
{
    RUN(gives_zeroed_aligned_memory);
    RUN(zeroes_what_it_gives_again);
    RUN(hands_out_its_limit_and_not_a_byte_more);
    RUN(refuses_sizes_that_overflow);
    RUN(copies_and_formats);
    RUN(rewinds_to_a_mark_and_keeps_what_was_before);
    RUN(remembers_its_peak);
    RUN(closes_nothing);
    RUN(poisons_what_it_rewinds);
    return tap_end();
}
