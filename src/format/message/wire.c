#include "message__wire.h"

#define VARINT_BYTES_MAX 10

static enum et_status fail(const struct et__wire *w, const char *why, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, w->p - w->start, "at byte %td: %s", w->p - w->start, why);
}

static enum et_status varint(struct et__wire *w, uint64_t *value, struct et_err *err)
{
    *value = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
        if (w->p + i == w->end)
            return fail(w, "the message ends within a number", err);
        const uint8_t byte = (uint8_t)w->p[i];
        if (i == VARINT_BYTES_MAX - 1 && byte > 1)
            break;
        *value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            w->p += i + 1;
            return ET_OK;
        }
    }
    return fail(w, "a number of more than 64 bits", err);
}

static enum et_status fixed(struct et__wire *w, size_t n, uint64_t *value, struct et_err *err)
{
    *value = 0;
    if ((size_t)(w->end - w->p) < n)
        return fail(w, "the message ends within a number", err);
    for (size_t i = 0; i < n; i++)
        *value |= (uint64_t)(uint8_t)w->p[i] << (8 * i);
    w->p += n;
    return ET_OK;
}

enum et_status et__wire_number(struct et__wire *w, enum et__wire_type type, uint64_t *value,
                               struct et_err *err)
{
    return type == ET__WIRE_VARINT ? varint(w, value, err)
                                   : fixed(w, type == ET__WIRE_64 ? 8 : 4, value, err);
}

static enum et_status bytes(struct et__wire *w, struct et_str *value, struct et_err *err)
{
    uint64_t n;
    const enum et_status st = varint(w, &n, err);
    if (st != ET_OK)
        return st;
    if (n > (uint64_t)(w->end - w->p))
        return fail(w, "a value that is longer than what is left of the message", err);
    *value = (struct et_str){w->p, (size_t)n};
    w->p += n;
    return ET_OK;
}

/* Number and type of the next value. */
static enum et_status tag(struct et__wire *w, struct et__wire_entry *entry, struct et_err *err)
{
    const char *before = w->p;
    uint64_t value;
    const enum et_status st = varint(w, &value, err);
    if (st != ET_OK)
        return st;
    if (value >> 3 != 0 && value <= UINT32_MAX && (value & 7) <= ET__WIRE_32) {
        entry->number = (uint32_t)(value >> 3);
        entry->type = (enum et__wire_type)(value & 7);
        return ET_OK;
    }
    w->p = before;
    return fail(w, "this begins no field", err);
}

enum et_status et__wire_next(struct et__wire *w, struct et__wire_entry *entry, struct et_err *err)
{
    size_t depth = 0; // of groups, which nobody has used for long
    while (w->p < w->end) {
        const char *before = w->p;
        enum et_status st = tag(w, entry, err);
        if (st != ET_OK)
            return st;
        if (entry->type == ET__WIRE_GROUP) {
            depth++;
            continue;
        }
        if (entry->type == ET__WIRE_GROUP_END && depth == 0) {
            w->p = before;
            return fail(w, "the end of a group that did not begin", err);
        }
        if (entry->type == ET__WIRE_GROUP_END) {
            depth--;
            continue;
        }
        st = entry->type == ET__WIRE_BYTES ? bytes(w, &entry->bytes, err)
                                           : et__wire_number(w, entry->type, &entry->value, err);
        if (st != ET_OK || depth == 0)
            return st;
    }
    return depth == 0 ? ET_END : fail(w, "the message ends within a group", err);
}
