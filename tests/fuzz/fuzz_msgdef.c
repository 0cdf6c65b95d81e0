/* Any definition either fails with a reason and leaves nothing, or gives a tree that holds
 * together: every message has its type, paths lead somewhere, programs of them open or say why not.
 * The first byte says what it is a definition of. */
#include "etude/message.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define PATHS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_values(const struct et_msgdef_type *type, struct et_arena *arena)
{
    const struct et_value *value;
    for (size_t i = 0; i < type->n_constants; i++) {
        const struct et_msgdef_constant *c = &type->constants[i];
        const enum et_status st =
            et_msgdef_literal(c->kind, ET_MSG_ONE, c->text, arena, &value, NULL);
        require((st == ET_OK) == (value != NULL));
    }
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct et_msgdef_field *f = &type->fields[i];
        require((f->kind == ET_MSG_NESTED || f->kind == ET_MSG_TIME ||
                 f->kind == ET_MSG_DURATION) == (f->type != NULL));
        require(f->name.n > 0 && et_msgdef_field(type, f->name) == f);
        if (f->default_text.p)
            (void)!et_msgdef_literal(f->kind, f->array, f->default_text, arena, &value, NULL);
    }
}

static void check_programs(const struct et_msgdef *def, enum et_message_encoding encoding,
                           struct et_arena *arena)
{
    const struct et_message_def message = {.encoding = encoding, .def = def};
    const struct et_message_path *paths;
    struct et_err err = {0};
    size_t n;
    if (et_message_paths(&message, arena, &paths, &n, &err) != ET_OK) {
        require(err.text[0]);
        return;
    }
    for (size_t i = 0; i < n && i < PATHS_MAX; i++) {
        const struct et_message_want want = {paths[i].path, ET_MESSAGE_NATURAL};
        struct et_message_program *program;
        const enum et_status st = et_message_program_open(&program, &message, &want, 1, NULL, &err);
        require((st == ET_OK) == (program != NULL));
        // A path that is offered is one that can be had, unless something before it cannot be read.
        require(st == ET_OK || st == ET_EUNSUPPORTED || st == ET_ENOTFOUND || st == ET_ELIMIT);
        if (program) {
            const struct et_message_path *told = et_message_program_path(program, 0);
            require(told->form == paths[i].form && told->n_values == paths[i].n_values);
        }
        et_message_program_close(program);
    }
}

static void check(const struct et_msgdef *def, struct et_arena *arena)
{
    char md5[ET_MSGDEF_MD5_CHARS + 1];
    for (size_t i = 0; i < def->n_types; i++) {
        require(def->types[i]->index == i);
        check_values(def->types[i], arena);
    }
    if (def->flavour == ET_MSGDEF_PROTOBUF) {
        check_programs(def, ET_MESSAGE_PROTOBUF, arena);
        return;
    }
    (void)!et_msgdef_md5(def, def->root, md5, NULL);
    check_programs(def, ET_MESSAGE_ROS1, arena);
    check_programs(def, ET_MESSAGE_CDR, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et_arena *arena;
    const struct et_msgdef *def = NULL;
    struct et_err err = {0};
    if (size == 0 || et_arena_open(&arena, ARENA_BYTES, NULL) != ET_OK)
        return 0;
    const struct et_str text = {(const char *)data + 1, size - 1};
    const struct et_msgdef_source source = {
        .name = data[0] & 2 ? ET_STR("pkg/srv/Root_Event") : ET_STR("pkg/msg/Root"),
        .text = text,
        .flavour = data[0] & 1 ? ET_MSGDEF_ROS2 : ET_MSGDEF_ROS1,
    };
    const enum et_status st =
        data[0] & 4 ? et_msgdef_parse_protobuf(text, ET_STR("robot.State"), arena, &def, &err)
                    : et_msgdef_parse(&source, arena, &def, &err);
    if (st == ET_OK)
        check(def, arena);
    else
        require(def == NULL && et_arena_used(arena) == 0 && err.text[0]);
    et_arena_close(arena);
    return 0;
}
