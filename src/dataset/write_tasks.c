/* Texts and their numbers: open addressing over the order of first appearance. */
#include "dataset/dataset__write.h"

#include "etude/hash.h"

#include <assert.h>

static size_t slot_of(const struct et__tasks *tasks, const char *text)
{
    size_t slot = (size_t)et_hash64(text, strlen(text)) & (tasks->n_slots - 1);
    while (tasks->slots[slot] && strcmp(tasks->texts[tasks->slots[slot] - 1], text) != 0)
        slot = (slot + 1) & (tasks->n_slots - 1);
    return slot;
}

int64_t et__tasks_find(const struct et__tasks *tasks, const char *text)
{
    if (tasks->n_slots == 0)
        return -1;
    return (int64_t)tasks->slots[slot_of(tasks, text)] - 1;
}

// Keeps at least half of the slots empty.
static bool make_room(struct et__tasks *tasks, struct et_arena *arena)
{
    const char **texts = et__grow(arena, tasks->texts, tasks->n, &tasks->cap, sizeof *tasks->texts);
    if (!texts)
        return false;
    tasks->texts = texts;
    if (2 * (tasks->n + 1) <= tasks->n_slots)
        return true;

    const size_t n_slots = tasks->n_slots ? 2 * tasks->n_slots : 64;
    size_t *slots = et_arena_array(arena, n_slots, sizeof *slots);
    if (!slots)
        return false;
    tasks->slots = slots;
    tasks->n_slots = n_slots;
    for (size_t i = 0; i < tasks->n; i++)
        slots[slot_of(tasks, tasks->texts[i])] = i + 1;
    return true;
}

enum et_status et__tasks_add(struct et__tasks *tasks, const char *text, struct et_arena *arena,
                             int64_t *number, struct et_err *err)
{
    *number = et__tasks_find(tasks, text);
    if (*number >= 0)
        return ET_OK;
    if (tasks->n >= ET__TASKS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %d different tasks", ET__TASKS_MAX);
    const char *copy = et__copy_text(arena, et_str(text));
    if (!copy || !make_room(tasks, arena))
        return et_arena_fail(arena, "the table of tasks", err);
    tasks->texts[tasks->n++] = copy;
    tasks->slots[slot_of(tasks, copy)] = tasks->n;
    *number = (int64_t)tasks->n - 1;
    return ET_OK;
}

enum et_status et__tasks_from_spec(struct et__tasks *tasks, const struct et__spec *spec,
                                   struct et_arena *arena, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < spec->n_tasks; i++) {
        int64_t number;
        st = et__tasks_add(tasks, spec->tasks[i], arena, &number, err);
        if (st == ET_OK && number != (int64_t)i)
            st = et_fail(err, ET_EARG, -1, "task %zu is the same as task %lld", i,
                         (long long)number);
    }
    return st;
}
