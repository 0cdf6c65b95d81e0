/* The slow reference: a message is walked from its first value to its last, and every value's path
 * is compared, as text, with those that are wanted. */
#include "message__program.h"
#include "message__walk.h"

#include <stdlib.h>

/* What is left of a wanted path behind that of a value: "motor_state[].q" fits "motor_state[3].q",
 * and of "header.stamp.sec" ".sec" is left behind "header.stamp". NULL: another path. */
static const char *rest_of(const char *wanted, const char *found)
{
    while (*found) {
        if (wanted[0] == '[' && wanted[1] == ']' && *found == '[') {
            wanted += 2;
            found += strcspn(found, "]") + 1;
        } else if (*wanted == *found) {
            wanted++;
            found++;
        } else if (*wanted == '\0' && *found == '[' && found[strcspn(found, "]") + 1] == '\0') {
            return wanted; // "name" is all of "name[0]", "name[1]" …
        } else {
            return NULL;
        }
    }
    return strchr(".[", *wanted) ? wanted : NULL; // or at its end
}

struct pull {
    const struct et__walk *walk;
    const struct et__item *item;
    struct et__found found;
    void (*take)(void *ctx, const struct et__found *found);
    void *ctx;
};

static void take_number(struct pull *pull, const struct et__item *item, size_t i)
{
    pull->found.integer = et__item_integer(pull->walk, item, i);
    if (pull->found.form == ET_MESSAGE_NUMBERS)
        pull->found.real = et__item_real(pull->walk, item, i);
    pull->take(pull->ctx, &pull->found);
}

/* Element i of the item, or the part of it that `rest` names (".sec"). */
static void take_element(struct pull *pull, size_t i, const char *rest)
{
    const struct et_msgdef_type *type = pull->item->field->type;
    if (*rest == '\0') {
        take_number(pull, pull->item, i);
        return;
    }
    for (size_t k = 0; type && k < type->n_fields; k++) {
        const struct et__item part = {.field = &type->fields[k],
                                      .p = pull->item->p + 8 * i + 4 * k};
        if (*rest == '.' && et_str_is(part.field->name, rest + 1))
            take_number(pull, &part, 0);
    }
}

static void take_list(struct pull *pull, const char *rest)
{
    size_t first = 0, end = pull->item->n;
    if (rest[0] == '[' && rest[1] != ']') {
        const unsigned long index = strtoul(rest + 1, NULL, 10);
        first = index < end ? index : end;
        end = index < end ? index + 1 : end;
    }
    if (rest[0] == '[')
        rest += strcspn(rest, "]") + 1;
    for (size_t i = first; i < end; i++)
        take_element(pull, i, rest);
}

static void take_item(struct pull *pull, const struct et__path *path, const char *rest)
{
    const struct et__item *item = pull->item;
    pull->found.form = path->form;
    if (item->kind == ET__ITEM_TEXT || path->is_byte_array) {
        if (*rest && strcmp(rest, "[]") != 0)
            return;
        pull->found.view = (struct et_str){item->p, item->n};
        pull->take(pull->ctx, &pull->found);
    } else if (item->is_list) {
        take_list(pull, rest);
    } else {
        take_element(pull, 0, rest);
    }
}

enum et_status et__reference_run(const struct et_message_def *message, struct et_str bytes,
                                 const struct et__path *const *paths, size_t n_paths,
                                 void (*take)(void *ctx, const struct et__found *found), void *ctx,
                                 struct et_err *err)
{
    struct et_buf found = et_buf(SIZE_MAX / 2);
    struct et__walk walk;
    struct et__item item;
    struct pull pull = {.walk = &walk, .item = &item, .take = take, .ctx = ctx};

    enum et_status st = et__walk_open(&walk, message, bytes, err);
    while (st == ET_OK && (st = et__walk_next(&walk, &item)) == ET_OK) {
        if (item.kind != ET__ITEM_NUMBERS && item.kind != ET__ITEM_TEXT)
            continue;
        et_buf_clear(&found);
        et__walk_path(&walk, &found);
        st = et_buf_check(&found, "the path of a value", err);
        for (size_t i = 0; i < n_paths && st == ET_OK; i++) {
            const char *rest = rest_of(paths[i]->text, et_buf_text(&found));
            pull.found.i_path = i;
            if (rest)
                take_item(&pull, paths[i], rest);
        }
    }
    et_buf_free(&found);
    return st == ET_END ? ET_OK : st;
}

/* ---- one path, into an arena ---- */

static void gather(void *ctx, const struct et__found *found)
{
    struct et__slot *slot = ctx;
    if (found->form == ET_MESSAGE_NUMBERS)
        et__slot_put_real(slot, found->real);
    else if (found->form == ET_MESSAGE_INTEGERS)
        et__slot_put_integer(slot, found->integer);
    else
        et__slot_put_view(slot, found->view);
}

static enum et_status keep(const struct et__slot *slot, struct et_arena *arena,
                           struct et_message_values *values, struct et_err *err)
{
    const void *copy = et_arena_copy(arena, slot->buf.p, slot->buf.n);
    if (!copy)
        return et_arena_fail(arena, "the values of a message", err);
    const enum et_message_form form = slot->path.form;
    *values = (struct et_message_values){
        .n = slot->buf.n / (form == ET_MESSAGE_VIEWS ? sizeof(struct et_str) : 8),
        .numbers = form == ET_MESSAGE_NUMBERS ? copy : NULL,
        .integers = form == ET_MESSAGE_INTEGERS ? copy : NULL,
        .views = form == ET_MESSAGE_VIEWS ? copy : NULL,
    };
    return ET_OK;
}

enum et_status et_message_walk(const struct et_message_def *message,
                               const struct et_message_want *want, struct et_str bytes,
                               struct et_arena *arena, struct et_message_values *values,
                               struct et_err *err)
{
    struct et__slot slot = {.buf = et_buf(SIZE_MAX / 2)};
    const struct et__path *paths[] = {&slot.path};

    *values = (struct et_message_values){0};
    if (message->encoding != ET_MESSAGE_CDR && message->encoding != ET_MESSAGE_ROS1)
        return et_fail(err, ET_EARG, -1, "only CDR and ROS 1 are walked");
    enum et_status st = et__path_parse(want->path, &slot.path, err);
    if (st == ET_OK)
        st = et__path_resolve(&slot.path, message->def->root, want->form, err);
    if (st == ET_OK)
        st = et__reference_run(message, bytes, paths, 1, gather, &slot, err);
    if (st == ET_OK)
        st = et_buf_check(&slot.buf, "the values of a message", err);
    if (st == ET_OK)
        st = keep(&slot, arena, values, err);
    et_buf_free(&slot.buf);
    return st;
}
