#include "robot/robot__urdf.h"

#include "etude/dynamics.h"
#include "robot/robot__xml.h"

#include <math.h>

struct reader {
    struct et__xml xml;
    struct et_arena *arena;
    struct et__urdf *urdf;
    struct et_err *err;
};

static enum et_status bad(const struct reader *r, enum et_status st, const char *what)
{
    return et_fail(r->err, st, r->xml.line, "line %lld: %s", (long long)r->xml.line, what);
}

/* Numbers of an attribute, exactly n, separated by white space. An absent attribute leaves `values`
 * as they are. */
static enum et_status take_numbers(const struct reader *r, const char *attribute, double *values,
                                   size_t n)
{
    struct et_str rest = et__xml_get(&r->xml, attribute);
    if (!rest.p)
        return ET_OK;
    size_t i = 0;
    while ((rest = et_str_trim(rest)).n > 0) {
        struct et_str number = {rest.p, 0};
        while (number.n < rest.n && !strchr(" \t\r\n", rest.p[number.n]))
            number.n++;
        double value;
        if (i == n || !et_str_to_double(number, &value) || !isfinite(value) ||
            fabs(value) > ET__URDF_NUMBER_MAX)
            break;
        values[i++] = value;
        rest.p += number.n;
        rest.n -= number.n;
    }
    if (rest.n == 0 && i == n)
        return ET_OK;
    return et_fail(r->err, ET_ECORRUPT, r->xml.line,
                   "line %lld: %s is not %zu number%s of at most 1e6", (long long)r->xml.line,
                   attribute, n, n == 1 ? "" : "s");
}

static enum et_status take_name(const struct reader *r, const char *attribute, const char **name)
{
    const struct et_str value = et__xml_get(&r->xml, attribute);
    if (!value.p)
        return et_fail(r->err, ET_ECORRUPT, r->xml.line, "line %lld: no attribute \"%s\"",
                       (long long)r->xml.line, attribute);
    if (value.p && memchr(value.p, '&', value.n))
        return bad(r, ET_EUNSUPPORTED, "an entity in a name");
    if (et_name_check(value, "a name", NULL) != ET_OK)
        return bad(r, ET_ECORRUPT, "a name of no or too many letters, or not in UTF-8");
    *name = et_arena_copy(r->arena, value.p, value.n);
    return *name ? ET_OK : et_arena_fail(r->arena, "a URDF's names", r->err);
}

static enum et_status take_origin(const struct reader *r, struct et__urdf_origin *origin)
{
    *origin = (struct et__urdf_origin){0};
    const enum et_status st = take_numbers(r, "xyz", origin->xyz, 3);
    return st == ET_OK ? take_numbers(r, "rpy", origin->rpy, 3) : st;
}

static struct et__urdf_link *last_link(const struct reader *r)
{
    return &r->urdf->links[r->urdf->n_links - 1];
}

static struct et__urdf_joint *last_joint(const struct reader *r)
{
    return &r->urdf->joints[r->urdf->n_joints - 1];
}

static enum et_status on_link(struct reader *r)
{
    if (r->urdf->n_links == ET_URDF_LINKS_MAX)
        return bad(r, ET_ELIMIT, "more than 1000 links");
    r->urdf->links[r->urdf->n_links++] =
        (struct et__urdf_link){.line = r->xml.line, .i_joint = ET__URDF_NONE};
    return take_name(r, "name", &last_link(r)->name);
}

static enum et_status on_link_origin(struct reader *r)
{
    return take_origin(r, &last_link(r)->inertial);
}

static enum et_status on_mass(struct reader *r)
{
    struct et__urdf_link *link = last_link(r);
    const enum et_status st = take_numbers(r, "value", &link->mass, 1);
    if (st == ET_OK && link->mass < 0)
        return bad(r, ET_ECORRUPT, "a mass below 0");
    return st;
}

static enum et_status on_inertia(struct reader *r)
{
    static const char *const names[] = {"ixx", "iyy", "izz", "ixy", "ixz", "iyz"};
    enum et_status st = ET_OK;
    for (size_t i = 0; i < 6 && st == ET_OK; i++)
        st = take_numbers(r, names[i], &last_link(r)->inertia[i], 1);
    return st;
}

static enum et_status on_joint(struct reader *r)
{
    // clang-format off
    static const struct { const char *type; enum et__urdf_kind kind; } types[] = {
        {"revolute",  ET__URDF_HINGE}, {"continuous", ET__URDF_HINGE},
        {"prismatic", ET__URDF_SLIDE}, {"fixed",      ET__URDF_FIXED},
        {"floating",  ET__URDF_FIXED}, {"planar",     ET__URDF_FIXED},
    };
    // clang-format on
    if (r->urdf->n_joints == ET_URDF_LINKS_MAX)
        return bad(r, ET_ELIMIT, "more than 1000 joints");
    struct et__urdf_joint joint = {.line = r->xml.line, .axis = {1, 0, 0}};
    const struct et_str type = et__xml_get(&r->xml, "type");
    size_t i = 0;
    while (i < sizeof types / sizeof *types && !et_str_is(type, types[i].type))
        i++;
    if (i == sizeof types / sizeof *types)
        return bad(r, ET_ECORRUPT, "a joint of unknown type");
    joint.kind = types[i].kind;
    r->urdf->joints[r->urdf->n_joints++] = joint;
    return take_name(r, "name", &last_joint(r)->name);
}

static enum et_status on_joint_origin(struct reader *r)
{
    return take_origin(r, &last_joint(r)->origin);
}

static enum et_status on_parent(struct reader *r)
{
    return take_name(r, "link", &last_joint(r)->parent_name);
}

static enum et_status on_child(struct reader *r)
{
    return take_name(r, "link", &last_joint(r)->child_name);
}

static enum et_status on_axis(struct reader *r)
{
    double xyz[3] = {1, 0, 0};
    const enum et_status st = take_numbers(r, "xyz", xyz, 3);
    if (st != ET_OK)
        return st;
    struct et_vec3 axis = {xyz[0], xyz[1], xyz[2]};
    const double length = et_vec3_norm(axis);
    if (length > 1e-6)
        axis = et_vec3_scale(axis, 1 / length);
    else if (last_joint(r)->kind != ET__URDF_FIXED)
        return bad(r, ET_ECORRUPT, "an axis of no length");
    last_joint(r)->axis = axis;
    return ET_OK;
}

static enum et_status walk(struct reader *r)
{
    // clang-format off
    static const struct { const char *path; enum et_status (*take)(struct reader *); } rules[] = {
        {"robot/link",                  on_link},
        {"robot/link/inertial/origin",  on_link_origin},
        {"robot/link/inertial/mass",    on_mass},
        {"robot/link/inertial/inertia", on_inertia},
        {"robot/joint",                 on_joint},
        {"robot/joint/origin",          on_joint_origin},
        {"robot/joint/parent",          on_parent},
        {"robot/joint/child",           on_child},
        {"robot/joint/axis",            on_axis},
    };
    // clang-format on
    for (;;) {
        enum et__xml_kind kind;
        enum et_status st = et__xml_next(&r->xml, &kind, r->err);
        if (st != ET_OK || kind == ET__XML_END)
            return st;
        if (kind != ET__XML_OPEN)
            continue;
        if (r->xml.depth == 1 && !et__xml_is_at(&r->xml, "robot"))
            return bad(r, ET_ECORRUPT, "not a URDF: its root element is not \"robot\"");
        for (size_t i = 0; i < sizeof rules / sizeof *rules && st == ET_OK; i++)
            if (et__xml_is_at(&r->xml, rules[i].path))
                st = rules[i].take(r);
        if (st != ET_OK)
            return st;
    }
}

static enum et_status wrong(struct et_err *err, int64_t line, const char *what, const char *name,
                            const char *rest)
{
    return et_fail(err, ET_ECORRUPT, line, "line %lld: %s \"%.100s\" %s", (long long)line, what,
                   name, rest);
}

static size_t find_link(const struct et__urdf *urdf, const char *name)
{
    size_t i = 0;
    while (i < urdf->n_links && strcmp(urdf->links[i].name, name) != 0)
        i++;
    return i < urdf->n_links ? i : ET__URDF_NONE;
}

static enum et_status check_names(const struct et__urdf *urdf, struct et_err *err)
{
    for (size_t i = 0; i < urdf->n_links; i++)
        if (find_link(urdf, urdf->links[i].name) != i)
            return wrong(err, urdf->links[i].line, "link", urdf->links[i].name, "stands twice");
    for (size_t i = 0; i < urdf->n_joints; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(urdf->joints[i].name, urdf->joints[k].name) == 0)
                return wrong(err, urdf->joints[i].line, "joint", urdf->joints[i].name,
                             "stands twice");
    return ET_OK;
}

static enum et_status join(struct et__urdf *urdf, struct et_err *err)
{
    for (size_t i = 0; i < urdf->n_joints; i++) {
        struct et__urdf_joint *joint = &urdf->joints[i];
        if (!joint->parent_name || !joint->child_name)
            return wrong(err, joint->line, "joint", joint->name, "has no parent or no child");
        joint->i_parent = find_link(urdf, joint->parent_name);
        joint->i_child = find_link(urdf, joint->child_name);
        if (joint->i_parent == ET__URDF_NONE || joint->i_child == ET__URDF_NONE)
            return wrong(err, joint->line, "joint", joint->name,
                         "joins a link that is not in the file");
        struct et__urdf_link *child = &urdf->links[joint->i_child];
        if (child->i_joint != ET__URDF_NONE)
            return wrong(err, joint->line, "link", child->name, "hangs on two joints");
        child->i_joint = i;
    }
    return ET_OK;
}

/* One root, no rings: from every link the way up ends at the root. The steps are bounded, so that a
 * ring ends as well. */
static enum et_status check_tree(struct et__urdf *urdf, struct et_err *err)
{
    size_t n_roots = 0;
    for (size_t i = 0; i < urdf->n_links; i++) {
        struct et__urdf_link *link = &urdf->links[i];
        n_roots += link->i_joint == ET__URDF_NONE;
        size_t up = i;
        while (urdf->links[up].i_joint != ET__URDF_NONE && link->depth <= urdf->n_links) {
            up = urdf->joints[urdf->links[up].i_joint].i_parent;
            link->depth++;
        }
        if (link->depth > urdf->n_links)
            return wrong(err, link->line, "link", link->name, "hangs on itself: a ring of joints");
        if (link->depth > ET_URDF_DEPTH_MAX)
            return et_fail(err, ET_ELIMIT, link->line,
                           "line %lld: link \"%.100s\" is more than 200 joints from the root",
                           (long long)link->line, link->name);
    }
    if (n_roots == 1)
        return ET_OK;
    return et_fail(err, ET_ECORRUPT, -1, "%zu links hang on no joint; a robot has one root",
                   n_roots);
}

/* Positive definite by its leading minors (Sylvester), with room for the rounding of printed
 * numbers. All zero is a point's, and fine. */
static bool has_inertia(const double *m)
{
    const double xx = m[0], yy = m[1], zz = m[2], xy = m[3], xz = m[4], yz = m[5];
    const double two = xx * yy - xy * xy;
    const double three =
        xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz);
    return xx > 0 && two > 0 && three > 0;
}

static bool is_zero(const double *m)
{
    for (size_t i = 0; i < 6; i++)
        if (m[i] != 0)
            return false;
    return true;
}

static enum et_status check_masses(const struct et__urdf *urdf, struct et_err *err)
{
    for (size_t i = 0; i < urdf->n_links; i++) {
        const struct et__urdf_link *link = &urdf->links[i];
        if (!is_zero(link->inertia) && !has_inertia(link->inertia))
            return wrong(err, link->line, "link", link->name, "has an inertia that no body has");
    }
    return ET_OK;
}

enum et_status et__urdf_parse(struct et_str text, struct et_arena *arena, struct et__urdf *urdf,
                              struct et_err *err)
{
    if (et_str_starts(text, "\xef\xbb\xbf"))
        text = (struct et_str){text.p + 3, text.n - 3};
    struct reader r = {.xml = {.text = text, .line = 1}, .arena = arena, .urdf = urdf, .err = err};
    *urdf = (struct et__urdf){
        .links = et_arena_array(arena, ET_URDF_LINKS_MAX, sizeof *urdf->links),
        .joints = et_arena_array(arena, ET_URDF_LINKS_MAX, sizeof *urdf->joints),
    };
    if (!urdf->links || !urdf->joints)
        return et_arena_fail(arena, "a URDF's links", err);
    enum et_status st = walk(&r);
    if (st == ET_OK)
        st = check_names(urdf, err);
    if (st == ET_OK)
        st = join(urdf, err);
    if (st == ET_OK)
        st = check_tree(urdf, err);
    if (st == ET_OK)
        st = check_masses(urdf, err);
    return st;
}

static void write_origin(struct et_buf *buf, const struct et__urdf_origin *origin)
{
    const double *xyz = origin->xyz, *rpy = origin->rpy;
    et_buf_printf(buf, "<origin xyz=\"%.17g %.17g %.17g\" rpy=\"%.17g %.17g %.17g\"/>\n", xyz[0],
                  xyz[1], xyz[2], rpy[0], rpy[1], rpy[2]);
}

/* Whether a moving joint carries link i, and neither it nor anything fixed to it has a mass: MuJoCo
 * wants every body to have one. */
static bool needs_mass(const struct et__urdf *urdf, const bool *moves, size_t i)
{
    if (urdf->links[i].i_joint == ET__URDF_NONE || !moves[urdf->links[i].i_joint])
        return false;
    for (size_t k = 0; k < urdf->n_links; k++) {
        size_t up = k;
        while (up != i && urdf->links[up].i_joint != ET__URDF_NONE &&
               !moves[urdf->links[up].i_joint])
            up = urdf->joints[urdf->links[up].i_joint].i_parent;
        if (up == i && urdf->links[k].mass > 1e-9)
            return false;
    }
    return true;
}

static void write_link(struct et_buf *buf, const struct et__urdf_link *link, size_t i,
                       bool has_to_weigh)
{
    et_buf_printf(buf, "<link name=\"b%zu\">", i);
    const double mass = has_to_weigh ? fmax(link->mass, 1e-6) : link->mass;
    if (mass > 0) {
        // A point's inertia is that of a small thing; MuJoCo wants a body to have one.
        static const double point[6] = {1e-9, 1e-9, 1e-9, 0, 0, 0};
        const double *m = is_zero(link->inertia) ? point : link->inertia;
        et_buf_puts(buf, "<inertial>");
        write_origin(buf, &link->inertial);
        et_buf_printf(buf,
                      "<mass value=\"%.17g\"/><inertia ixx=\"%.17g\" iyy=\"%.17g\" izz=\"%.17g\" "
                      "ixy=\"%.17g\" ixz=\"%.17g\" iyz=\"%.17g\"/></inertial>",
                      mass, m[0], m[1], m[2], m[3], m[4], m[5]);
    }
    et_buf_puts(buf, "</link>\n");
}

static void write_joint(struct et_buf *buf, const struct et__urdf_joint *joint, size_t i,
                        bool moves)
{
    const char *kind = !moves                          ? "fixed"
                       : joint->kind == ET__URDF_HINGE ? "continuous"
                                                       : "prismatic";
    et_buf_printf(buf, "<joint name=\"j%zu\" type=\"%s\">", i, kind);
    write_origin(buf, &joint->origin);
    et_buf_printf(buf,
                  "<parent link=\"b%zu\"/><child link=\"b%zu\"/>"
                  "<axis xyz=\"%.17g %.17g %.17g\"/></joint>\n",
                  joint->i_parent, joint->i_child, joint->axis.x, joint->axis.y, joint->axis.z);
}

/* Marks what moves: links that a moving joint carries, and those between them and the root. The
 * others weigh on no joint. */
static void mark_needed(const struct et__urdf *urdf, const bool *moves, bool *is_needed)
{
    for (size_t i = 0; i < urdf->n_links; i++) {
        bool is_carried = false;
        for (size_t up = i; urdf->links[up].i_joint != ET__URDF_NONE && !is_carried;
             up = urdf->joints[urdf->links[up].i_joint].i_parent)
            is_carried = moves[urdf->links[up].i_joint];
        for (size_t up = i; is_carried && !is_needed[up];
             up = urdf->joints[urdf->links[up].i_joint].i_parent) {
            is_needed[up] = true;
            if (urdf->links[up].i_joint == ET__URDF_NONE)
                break;
        }
    }
}

void et__urdf_write(const struct et__urdf *urdf, const bool *moves, struct et_buf *buf)
{
    bool is_needed[ET_URDF_LINKS_MAX] = {false};
    mark_needed(urdf, moves, is_needed);
    for (size_t i = 0; i < urdf->n_links; i++)
        is_needed[i] |= urdf->links[i].i_joint == ET__URDF_NONE;
    // MuJoCo could fuse links that are fixed to one another; its sums are good to 1e-8 only.
    et_buf_puts(buf, "<robot name=\"r\"><mujoco><compiler fusestatic=\"false\" "
                     "balanceinertia=\"true\"/></mujoco>\n");
    for (size_t i = 0; i < urdf->n_links; i++)
        if (is_needed[i])
            write_link(buf, &urdf->links[i], i, needs_mass(urdf, moves, i));
    for (size_t i = 0; i < urdf->n_joints; i++)
        if (is_needed[urdf->joints[i].i_child])
            write_joint(buf, &urdf->joints[i], i, moves[i]);
    et_buf_puts(buf, "</robot>\n");
}
