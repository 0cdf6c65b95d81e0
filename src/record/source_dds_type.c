/* Definitions from the network: what XTypes says of a type, as ros2msg text.
 *
 * Whoever offers a topic may tell by a hash what its type is made of, and answers what the hash
 * stands for; types within it have hashes of their own. ROS 2 itself tells nothing of the kind.
 *
 * This file needs headers that are Cyclone's own and change with its versions; these are 0.10's. */
#include "etude/msgdef.h"
#include "record/record__dds.h"

#include <dds/ddsi/ddsi_sertype.h>
#include <dds/ddsi/ddsi_typewrap.h>
#include <dds/ddsi/ddsi_xt_typeinfo.h>

#define TYPES_MAX 256                  // within one
#define MEMBERS_MAX 4096               // of one
#define STEPS_MAX 32                   // from a member's type to what it is
#define ELEMENTS_MAX 1000000000u       // of an array
#define ARENA_BYTES ((size_t)64 << 20) // to read again what was written

typedef DDS_XTypes_TypeIdentifier identifier;
typedef DDS_XTypes_CompleteTypeObject object;

/* Types that were met, in the order of the text. */
struct found {
    unsigned char hash[14];
    DDS_XTypes_TypeObject *type; // owned
    bool is_struct;
};

struct walk {
    dds_entity_t participant;
    struct found found[TYPES_MAX];
    size_t n;
    struct et_buf *text;
    struct et_err *err;
};

struct et__dds_type_id et__dds_type_id(dds_builtintopic_endpoint_t *writer)
{
    const dds_typeinfo_t *info = NULL;
    struct et__dds_type_id id = {.is_there = false};
    if (dds_builtintopic_get_endpoint_type_info(writer, &info) || !info)
        return id;
    ddsi_typeid_t *complete = ddsi_typeinfo_typeid(info, DDSI_TYPEID_KIND_COMPLETE);
    const identifier *x = (const identifier *)complete;
    if (x && x->_d == DDS_XTypes_EK_COMPLETE) {
        id.is_there = true;
        memcpy(id.hash, x->_u.equivalence_hash, sizeof id.hash);
    }
    if (complete) {
        ddsi_typeid_fini(complete);
        dds_free(complete);
    }
    return id;
}

/* ---- asking ---- */

// Asks without waiting for the answer: no time at all would not even ask.
static enum et_status ask(struct walk *w, const unsigned char hash[14], struct found **found)
{
    for (size_t i = 0; i < w->n; i++)
        if (memcmp(w->found[i].hash, hash, 14) == 0) {
            *found = &w->found[i];
            return ET_OK;
        }
    if (w->n == TYPES_MAX)
        return et_fail(w->err, ET_ELIMIT, -1, "more than %d types within one", TYPES_MAX);
    identifier id = {._d = DDS_XTypes_EK_COMPLETE};
    memcpy(id._u.equivalence_hash, hash, 14);
    dds_typeobj_t *type = NULL;
    const dds_return_t rc = dds_get_typeobj(w->participant, (const dds_typeid_t *)&id, 1, &type);
    if (rc == DDS_RETCODE_TIMEOUT)
        return ET_AGAIN;
    if (rc != DDS_RETCODE_OK || !type)
        return et_fail(w->err, ET_ENOTFOUND, -1, "nobody tells its definition: %s",
                       dds_strretcode(rc));
    *found = &w->found[w->n++];
    memcpy((*found)->hash, hash, 14);
    (*found)->type = (DDS_XTypes_TypeObject *)type;
    const object *o = &(*found)->type->_u.complete;
    (*found)->is_struct = o->_d == DDS_XTypes_TK_STRUCTURE;
    return (*found)->type->_d == DDS_XTypes_EK_COMPLETE
               ? ET_OK
               : et_fail(w->err, ET_EUNSUPPORTED, -1, "its definition has no names");
}

static void forget(struct walk *w)
{
    for (size_t i = 0; i < w->n; i++)
        (void)dds_free_typeobj((dds_typeobj_t *)w->found[i].type);
}

/* ---- saying ---- */

// "pkg::msg::dds_::Name_" is "pkg/Name", "a::b::Name" is "a_b/Name".
static void put_name(struct walk *w, const char *name)
{
    char ros[ET__DDS_NAME_BYTES];
    et__dds_type_name(name, ros);
    const struct et_str all = et_str(ros);
    const char *last = memrchr(all.p, '/', all.n);
    if (last) {
        const size_t n_package = (size_t)((const char *)memchr(all.p, '/', all.n) - all.p);
        et_buf_putstr(w->text, (struct et_str){all.p, n_package});
        et_buf_puts(w->text, last);
        return;
    }
    const char *colon = memrchr(all.p, ':', all.n);
    et_buf_puts(w->text, colon ? "" : "idl/");
    for (const char *c = all.p; *c; c++) {
        if (*c != ':')
            et_buf_putc(w->text, *c);
        else if (c == colon)
            et_buf_putc(w->text, '/');
        else if (c[1] == ':' && c + 1 != colon)
            et_buf_putc(w->text, '_');
    }
}

struct spelled {
    struct walk *walk;
    const char *member;
    const char *base;   // of a primitive
    const char *nested; // of a type with a name
    uint32_t text_bytes_max;
    bool is_sequence, is_array;
    uint32_t n; // elements, or the bound of a sequence (0: none)
};

static enum et_status cannot(const struct spelled *s, const char *what)
{
    return et_fail(s->walk->err, ET_EUNSUPPORTED, -1, "ROS cannot say what %s is: %s", s->member,
                   what);
}

static const char *primitive(uint8_t kind)
{
    switch (kind) {
    case DDS_XTypes_TK_BOOLEAN:
        return "bool";
    case DDS_XTypes_TK_BYTE:
    case DDS_XTypes_TK_CHAR8:
        return "uint8";
    case DDS_XTypes_TK_INT16:
        return "int16";
    case DDS_XTypes_TK_INT32:
        return "int32";
    case DDS_XTypes_TK_INT64:
        return "int64";
    case DDS_XTypes_TK_UINT16:
        return "uint16";
    case DDS_XTypes_TK_UINT32:
        return "uint32";
    case DDS_XTypes_TK_UINT64:
        return "uint64";
    case DDS_XTypes_TK_FLOAT32:
        return "float32";
    case DDS_XTypes_TK_FLOAT64:
        return "float64";
    case DDS_XTypes_TK_STRING8:
        return "string";
    default:
        return NULL;
    }
}

static const char *of_bits(unsigned n_bits)
{
    return n_bits <= 8 ? "uint8" : n_bits <= 16 ? "uint16" : n_bits <= 32 ? "uint32" : "uint64";
}

static enum et_status take_sequence(struct spelled *s, uint32_t bound)
{
    if (s->is_sequence || s->is_array)
        return cannot(s, "a sequence within another, or in an array");
    s->is_sequence = true;
    s->n = bound;
    return ET_OK;
}

// Arrays of arrays lie in one row.
static enum et_status take_bound(struct spelled *s, uint64_t bound)
{
    if (s->is_sequence)
        return cannot(s, "a sequence of arrays");
    const uint64_t n = (s->is_array ? s->n : 1) * bound;
    if (bound == 0 || n > ELEMENTS_MAX)
        return cannot(s, "an array of that many elements");
    s->is_array = true;
    s->n = (uint32_t)n;
    return ET_OK;
}

static enum et_status take_small_array(struct spelled *s, const DDS_XTypes_SBoundSeq *bounds)
{
    enum et_status st = ET_OK;
    for (uint32_t i = 0; i < bounds->_length && st == ET_OK; i++)
        st = take_bound(s, bounds->_buffer[i]);
    return st;
}

static enum et_status take_large_array(struct spelled *s, const DDS_XTypes_LBoundSeq *bounds)
{
    enum et_status st = ET_OK;
    for (uint32_t i = 0; i < bounds->_length && st == ET_OK; i++)
        st = take_bound(s, bounds->_buffer[i]);
    return st;
}

// One step from a type that another has a name for; *next NULL: arrived.
static enum et_status take_named(struct spelled *s, const unsigned char hash[14],
                                 const identifier **next)
{
    struct found *found;
    const enum et_status st = ask(s->walk, hash, &found);
    *next = NULL;
    if (st != ET_OK)
        return st;
    const object *o = &found->type->_u.complete;
    switch (o->_d) {
    case DDS_XTypes_TK_ALIAS:
        *next = &o->_u.alias_type.body.common.related_type;
        return ET_OK;
    case DDS_XTypes_TK_ENUM:
        s->base = of_bits(o->_u.enumerated_type.header.common.bit_bound);
        return ET_OK;
    case DDS_XTypes_TK_BITMASK:
        s->base = of_bits(o->_u.bitmask_type.header.common.bit_bound);
        return ET_OK;
    case DDS_XTypes_TK_STRUCTURE:
        s->nested = o->_u.struct_type.header.detail.type_name;
        return ET_OK;
    default:
        return cannot(s, "a union, or something else of many shapes");
    }
}

static enum et_status take_step(struct spelled *s, const identifier *id, const identifier **next)
{
    *next = NULL;
    s->base = primitive(id->_d);
    if (s->base)
        return ET_OK;
    switch (id->_d) {
    case DDS_XTypes_TI_STRING8_SMALL:
        s->base = "string";
        s->text_bytes_max = id->_u.string_sdefn.bound;
        return ET_OK;
    case DDS_XTypes_TI_STRING8_LARGE:
        s->base = "string";
        s->text_bytes_max = id->_u.string_ldefn.bound;
        return ET_OK;
    case DDS_XTypes_TI_PLAIN_SEQUENCE_SMALL:
        *next = id->_u.seq_sdefn.element_identifier;
        return take_sequence(s, id->_u.seq_sdefn.bound);
    case DDS_XTypes_TI_PLAIN_SEQUENCE_LARGE:
        *next = id->_u.seq_ldefn.element_identifier;
        return take_sequence(s, id->_u.seq_ldefn.bound);
    case DDS_XTypes_TI_PLAIN_ARRAY_SMALL:
        *next = id->_u.array_sdefn.element_identifier;
        return take_small_array(s, &id->_u.array_sdefn.array_bound_seq);
    case DDS_XTypes_TI_PLAIN_ARRAY_LARGE:
        *next = id->_u.array_ldefn.element_identifier;
        return take_large_array(s, &id->_u.array_ldefn.array_bound_seq);
    case DDS_XTypes_EK_COMPLETE:
        return take_named(s, id->_u.equivalence_hash, next);
    default:
        return cannot(s, "a map, a wide text or a long double");
    }
}

static enum et_status put_member(struct walk *w, const DDS_XTypes_CompleteStructMember *member)
{
    struct spelled s = {.walk = w, .member = member->detail.name};
    const identifier *id = &member->common.member_type_id;

    if (member->common.member_flags & DDS_XTypes_IS_OPTIONAL)
        return cannot(&s, "it may be left out");
    for (int i = 0; id; i++) {
        if (i == STEPS_MAX)
            return cannot(&s, "too many names for one type");
        const identifier *next;
        const enum et_status st = take_step(&s, id, &next);
        if (st != ET_OK)
            return st;
        id = next;
    }
    if (s.nested)
        put_name(w, s.nested);
    else
        et_buf_puts(w->text, s.base);
    if (s.text_bytes_max > 0)
        et_buf_printf(w->text, "<=%u", s.text_bytes_max);
    if (s.is_array)
        et_buf_printf(w->text, "[%u]", s.n);
    else if (s.is_sequence && s.n > 0)
        et_buf_printf(w->text, "[<=%u]", s.n);
    else if (s.is_sequence)
        et_buf_puts(w->text, "[]");
    et_buf_printf(w->text, " %s\n", s.member);
    return ET_OK;
}

// What has to be waited for keeps nothing from being asked for.
static enum et_status worse(enum et_status a, enum et_status b)
{
    return a == ET_OK || b < ET_OK ? b : a;
}

static enum et_status put_struct(struct walk *w, const DDS_XTypes_CompleteStructType *type)
{
    const char *name = type->header.detail.type_name;
    if (type->struct_flags & DDS_XTypes_IS_MUTABLE)
        return et_fail(w->err, ET_EUNSUPPORTED, -1,
                       "ROS cannot say what %s is: its members come in any order", name);
    if (type->header.base_type._d != DDS_XTypes_TK_NONE)
        return et_fail(w->err, ET_EUNSUPPORTED, -1,
                       "ROS cannot say what %s is: it adds to another type", name);
    if (type->member_seq._length > MEMBERS_MAX)
        return et_fail(w->err, ET_ELIMIT, -1, "%s has more than %d members", name, MEMBERS_MAX);
    enum et_status st = ET_OK;
    for (uint32_t i = 0; i < type->member_seq._length && st >= ET_OK; i++)
        st = worse(st, put_member(w, &type->member_seq._buffer[i]));
    return st;
}

// The list grows while it is gone through: with what the types before are made of.
static enum et_status put_all(struct walk *w)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; i < w->n && st >= ET_OK; i++) {
        if (!w->found[i].is_struct)
            continue;
        const DDS_XTypes_CompleteStructType *type = &w->found[i].type->_u.complete._u.struct_type;
        if (i > 0) {
            et_buf_printf(w->text, "%.80s\nMSG: ",
                          "========================================"
                          "========================================");
            put_name(w, type->header.detail.type_name);
            et_buf_putc(w->text, '\n');
        }
        st = worse(st, put_struct(w, type));
    }
    return st;
}

// Names come from outside: what our own reader does not take is no definition.
static enum et_status check(struct walk *w)
{
    struct et_arena *arena;
    const struct et_msgdef *def;
    enum et_status st = et_buf_check(w->text, "a definition", w->err);
    if (st == ET_OK)
        st = et_arena_open(&arena, ARENA_BYTES, w->err);
    if (st != ET_OK)
        return st;
    const struct et_msgdef_source source = {
        .name = ET_STR("idl/Root"), .text = et_buf_str(w->text), .flavour = ET_MSGDEF_ROS2};
    st = et_msgdef_parse(&source, arena, &def, w->err);
    et_arena_close(arena);
    return st == ET_ECORRUPT
               ? et_fail(w->err, ET_EUNSUPPORTED, -1, "ROS has no such names as its definition has")
               : st;
}

enum et_status et__dds_type_text(dds_entity_t participant, const struct et__dds_type_id *id,
                                 struct et_buf *text, struct et_err *err)
{
    struct walk w = {.participant = participant, .text = text, .err = err};
    struct found *root;

    et_buf_clear(text);
    enum et_status st = ask(&w, id->hash, &root);
    if (st == ET_OK && !root->is_struct)
        st = et_fail(err, ET_EUNSUPPORTED, -1, "ROS cannot say what is no struct");
    if (st == ET_OK)
        st = put_all(&w);
    if (st == ET_OK)
        st = check(&w);
    forget(&w);
    return st;
}
