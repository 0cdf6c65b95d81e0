#include "record/record__osc.h"

#define BUNDLE_HEAD_BYTES 16 // "#bundle", its NUL, a time tag

struct cursor {
    const unsigned char *p;
    size_t n;
};

static uint32_t get_u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t get_u64(const unsigned char *p)
{
    return (uint64_t)get_u32(p) << 32 | get_u32(p + 4);
}

// n bytes and what fills them up to a multiple of 4.
static bool take(struct cursor *c, size_t n, const unsigned char **p)
{
    const size_t padded = n + (4 - n % 4) % 4;
    if (n > c->n || padded > c->n)
        return false;
    *p = c->p;
    c->p += padded;
    c->n -= padded;
    return true;
}

static bool take_text(struct cursor *c, struct et_str *text)
{
    const unsigned char *p, *end = memchr(c->p, 0, c->n);
    if (!end || !take(c, (size_t)(end - c->p) + 1, &p))
        return false;
    *text = (struct et_str){(const char *)p, (size_t)(end - p)};
    return true;
}

static bool take_number(struct cursor *c, char type, double *number)
{
    const unsigned char *p;
    const bool is_long = type == 'h' || type == 'd' || type == 't';
    if (!take(c, is_long ? 8 : 4, &p))
        return false;
    const uint32_t bits = is_long ? 0 : get_u32(p);
    const uint64_t long_bits = is_long ? get_u64(p) : 0;
    float f;
    double d;
    memcpy(&f, &bits, sizeof f);
    memcpy(&d, &long_bits, sizeof d);
    switch (type) {
    case 'f':
        *number = (double)f;
        break;
    case 'd':
        *number = d;
        break;
    case 'h':
        *number = (double)(int64_t)long_bits;
        break;
    case 'i':
        *number = (double)(int32_t)bits;
        break;
    default:
        break;
    }
    return true;
}

static bool take_arg(struct cursor *c, char type, struct et__osc_arg *arg)
{
    const unsigned char *p;
    *arg = (struct et__osc_arg){.type = type};
    switch (type) {
    case 's':
    case 'S':
        return take_text(c, &arg->text);
    case 'b': {
        if (!take(c, 4, &p))
            return false;
        const uint32_t n = get_u32(p);
        if (!take(c, n, &p))
            return false;
        arg->text = (struct et_str){(const char *)p, n};
        return true;
    }
    case 'T':
    case 'F':
    case 'N':
    case 'I':
        return true;
    case 'i':
    case 'f':
    case 'h':
    case 'd':
    case 't':
    case 'c':
    case 'r':
    case 'm':
        return take_number(c, type, &arg->number);
    default: // its length is not known
        return false;
    }
}

static bool read_message(struct cursor c, struct et__osc_message *message)
{
    struct et_str types;
    if (!take_text(&c, &message->address) || !et_str_starts(message->address, "/") ||
        !take_text(&c, &types) || !et_str_starts(types, ","))
        return false;
    message->n_args = 0;
    for (size_t i = 1; i < types.n && message->n_args < ET__OSC_ARGS_MAX; i++)
        if (!take_arg(&c, types.p[i], &message->args[message->n_args++]))
            return false;
    return true;
}

static bool is_bundle(const unsigned char *p, size_t n)
{
    return n >= BUNDLE_HEAD_BYTES && memcmp(p, "#bundle", 8) == 0;
}

void et__osc_begin(struct et__osc *osc, const void *bytes, size_t n)
{
    *osc = (struct et__osc){.bytes = bytes, .is_bundle = is_bundle(bytes, n)};
    osc->at = osc->is_bundle ? BUNDLE_HEAD_BYTES : 0;
    osc->ends[0] = n;
    osc->depth = 1;
}

/* The next element of the bundle that is open; false: the bundle has no more, or goes on with a
 * length that does not fit. */
static bool next_element(struct et__osc *osc, struct cursor *element)
{
    const size_t end = osc->ends[osc->depth - 1];
    if (osc->at == end)
        return false;
    if (end - osc->at >= 4) {
        const size_t n = get_u32(osc->bytes + osc->at);
        if (n > 0 && n % 4 == 0 && n <= end - osc->at - 4) {
            *element = (struct cursor){osc->bytes + osc->at + 4, n};
            osc->at += 4 + n;
            return true;
        }
    }
    osc->n_bad++;
    osc->at = end;
    return false;
}

bool et__osc_next(struct et__osc *osc, struct et__osc_message *message)
{
    if (!osc->is_bundle) { // the packet is the message
        const struct cursor all = {osc->bytes + osc->at, osc->ends[0] - osc->at};
        const bool is_first = osc->depth > 0;
        osc->depth = 0;
        const bool is_good = is_first && read_message(all, message);
        osc->n_bad += is_first && !is_good;
        return is_good;
    }
    while (osc->depth > 0) {
        struct cursor element;
        if (!next_element(osc, &element)) {
            osc->depth--;
        } else if (!is_bundle(element.p, element.n)) {
            if (read_message(element, message))
                return true;
            osc->n_bad++;
        } else if (osc->depth == ET__OSC_DEPTH_MAX) {
            osc->n_bad++;
        } else { // its end is where the next element begins
            osc->ends[osc->depth++] = osc->at;
            osc->at -= element.n - BUNDLE_HEAD_BYTES;
        }
    }
    return false;
}

bool et__osc_has(const struct et__osc_message *message, const char *types)
{
    const size_t n = strlen(types);
    if (message->n_args < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char type = message->args[i].type;
        const bool is_number = type == 'f' || type == 'i' || type == 'd' || type == 'h';
        if (types[i] == 'f' ? !is_number : type != types[i])
            return false;
    }
    return true;
}
