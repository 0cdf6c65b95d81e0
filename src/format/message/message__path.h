/* Paths, taken apart and held against a definition. */
#ifndef FORMAT_MESSAGE__PATH_H
#define FORMAT_MESSAGE__PATH_H

#include "etude/message.h"

#define ET__ALL (-1)
#define ET__STEPS_MAX (ET_MSGDEF_DEPTH_MAX + 2) // the fields of a time are a step more

struct et__step {
    struct et_str name;
    bool has_brackets;
    int64_t index;                       // ET__ALL, or the element that is meant
    const struct et_msgdef_field *field; // NULL before it is looked up
};

struct et__path {
    const char *text;
    struct et__step steps[ET__STEPS_MAX];
    size_t n_steps;
    enum et_msg_kind kind;
    enum et_message_form form;
    int64_t n_values;   // in every message; -1: each has its own
    bool is_byte_array; // the last step is an array of bytes, each array one view
};

/* Takes a path apart. ET_EARG: it is no path. The text must outlive it. */
enum et_status et__path_parse(const char *text, struct et__path *path, struct et_err *err);

/* Looks every step up from `root` on and settles the form. ET_EARG, ET_ENOTFOUND, ET_EUNSUPPORTED
 * as et_message_program_open. */
enum et_status et__path_resolve(struct et__path *path, const struct et_msgdef_type *root,
                                enum et_message_form form, struct et_err *err);

/* What a field of a kind is given as, unless it is asked for otherwise. */
enum et_message_form et__form_of(const struct et_msgdef_field *field);

/* True for what is given as one view though it is an array. */
bool et__is_byte_array(const struct et_msgdef_field *field);

#endif
