#include "etude/stream.h"

#include <assert.h>

#define COMMAND_PREFIX "command."

static const char *const QUANTITY_TEXTS[] = {
#define X(name, text, meaning, unit, n) [ET_QUANTITY_##name] = (text),
    ET_QUANTITY_MAP(X)
#undef X
};

static const char *const QUANTITY_UNITS[] = {
#define X(name, text, meaning, unit, n) [ET_QUANTITY_##name] = (unit),
    ET_QUANTITY_MAP(X)
#undef X
};

static const size_t QUANTITY_VALUES[] = {
#define X(name, text, meaning, unit, n) [ET_QUANTITY_##name] = (n),
    ET_QUANTITY_MAP(X)
#undef X
};

static const char *const PART_TEXTS[] = {
#define X(name, text) [ET_PART_##name] = (text),
    ET_PART_MAP(X)
#undef X
};

const char *et_quantity_text(enum et_quantity quantity)
{
    assert((unsigned)quantity < ET_N_QUANTITIES);
    return QUANTITY_TEXTS[quantity];
}

const char *et_quantity_unit(enum et_quantity quantity)
{
    assert((unsigned)quantity < ET_N_QUANTITIES);
    return QUANTITY_UNITS[quantity];
}

size_t et_quantity_values(enum et_quantity quantity)
{
    assert((unsigned)quantity < ET_N_QUANTITIES);
    return QUANTITY_VALUES[quantity];
}

const char *et_part_text(enum et_part part)
{
    assert((unsigned)part < ET_N_PARTS);
    return PART_TEXTS[part];
}

bool et_part_parse(struct et_str text, enum et_part *part)
{
    for (size_t i = 0; i < ET_N_PARTS; i++) {
        if (et_str_is(text, PART_TEXTS[i])) {
            *part = (enum et_part)i;
            return true;
        }
    }
    return false;
}

bool et_part_has_joints(enum et_part part)
{
    return part <= ET_PART_BASE || part == ET_PART_BODY;
}

bool et_quantity_is_of_joints(enum et_quantity quantity)
{
    return quantity == ET_QUANTITY_POSITION || quantity == ET_QUANTITY_VELOCITY ||
           quantity == ET_QUANTITY_EFFORT;
}

static bool parse_quantity(struct et_str text, enum et_quantity *quantity)
{
    for (size_t i = 0; i < ET_N_QUANTITIES; i++) {
        if (et_str_is(text, QUANTITY_TEXTS[i])) {
            *quantity = (enum et_quantity)i;
            return true;
        }
    }
    return false;
}

/* A place of a camera or a microphone: one of our own identifiers without a dot. */
static bool is_place(struct et_str text)
{
    return et_name_is_own(text) && !memchr(text.p, '.', text.n);
}

bool et_stream_parse(const char *name, enum et_part *part, enum et_quantity *quantity,
                     bool *is_command)
{
    assert(name && part && quantity && is_command);
    struct et_str rest = et_str(name), place;
    enum et_part found_part = ET_PART_SCENE;
    enum et_quantity found_quantity;

    const bool has_prefix = et_str_starts(rest, COMMAND_PREFIX);
    if (has_prefix) {
        rest.p += sizeof COMMAND_PREFIX - 1;
        rest.n -= sizeof COMMAND_PREFIX - 1;
    }
    if (!et_str_cut(&rest, '.', &place) || !parse_quantity(rest, &found_quantity))
        return false;
    if (!et_part_parse(place, &found_part)) {
        const bool may_be_anywhere = found_quantity == ET_QUANTITY_IMAGE ||
                                     found_quantity == ET_QUANTITY_DEPTH ||
                                     found_quantity == ET_QUANTITY_AUDIO;
        if (!may_be_anywhere || !is_place(place))
            return false;
    }
    *part = found_part;
    *quantity = found_quantity;
    *is_command = has_prefix;
    return true;
}

int et_stream_compare(const void *a, const void *b)
{
    const struct et_stream *x = a, *y = b;
    if (x->is_command != y->is_command)
        return x->is_command ? 1 : -1;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    if (x->quantity != y->quantity)
        return x->quantity < y->quantity ? -1 : 1;
    return strcmp(x->name, y->name);
}
