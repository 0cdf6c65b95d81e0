/* Field programs: what their parts share. */
#ifndef FORMAT_MESSAGE__PROGRAM_H
#define FORMAT_MESSAGE__PROGRAM_H

#include "message__path.h"

/* The values of one path. */
struct et__slot {
    struct et__path path;
    struct et_message_path told; // to the caller
    struct et_buf buf;           // doubles, int64s or views, as the form says
    struct et_message_values values;
};

/* Adds one value. Failures are the buffer's. */
void et__slot_put_integer(struct et__slot *slot, int64_t value);
void et__slot_put_real(struct et__slot *slot, double value);
void et__slot_put_view(struct et__slot *slot, struct et_str view);

// ---- the slow way, for all that the fast one does not know --------------------------------------

/* One value that a path leads to. */
struct et__found {
    size_t i_path;
    enum et_message_form form;
    int64_t integer;
    double real;
    struct et_str view;
};

/* Walks a message and hands every value of every path to `take`. */
enum et_status et__reference_run(const struct et_message_def *message, struct et_str bytes,
                                 const struct et__path *const *paths, size_t n_paths,
                                 void (*take)(void *ctx, const struct et__found *found), void *ctx,
                                 struct et_err *err);

// ---- the fast way: ROS 1, and little-endian XCDR1 -----------------------------------------------

struct et__code;

/* Compiles into the arena. Statuses as et_message_program_open. */
enum et_status et__code_compile(const struct et_message_def *message, const struct et__slot *slots,
                                size_t n_slots, bool must_fit, struct et_arena *arena,
                                struct et__code **code, struct et_err *err);

/* Runs on the bytes behind a message's header. ET_ECORRUPT without a message: the walk says it. */
enum et_status et__code_run(const struct et__code *code, const char *bytes, size_t n,
                            struct et__slot *slots);

// ---- protobuf and JSON --------------------------------------------------------------------------

struct et__tree;

enum et_status et__protobuf_compile(const struct et__slot *slots, size_t n_slots,
                                    struct et_arena *arena, struct et__tree **tree,
                                    struct et_err *err);
enum et_status et__protobuf_run(struct et__tree *tree, struct et_str bytes, struct et__slot *slots,
                                struct et_err *err);

/* The tree of values lives in the arena, and views in it. */
enum et_status et__json_run(struct et_str bytes, struct et_arena *arena, struct et__slot *slots,
                            size_t n_slots, struct et_err *err);

#endif
