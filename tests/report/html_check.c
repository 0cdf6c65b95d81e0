#include "html_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64
#define NAMES_MAX 4096
#define NAME_BYTES 256

struct names {
    char (*at)[NAME_BYTES];
    size_t n;
};

struct checker {
    const char *p;
    char open[DEPTH_MAX][NAME_BYTES];
    size_t depth;
    struct names ids, targets;
    char *why;
    size_t n_why;
    bool is_bad;
};

static void fail(struct checker *c, const char *what, const char *which)
{
    if (!c->is_bad)
        snprintf(c->why, c->n_why, "%s \"%.80s\" before \"%.60s\"", what, which, c->p);
    c->is_bad = true;
}

static bool is_in(const char *name, const char *list)
{
    char spaced[NAME_BYTES + 2];
    snprintf(spaced, sizeof spaced, " %s ", name);
    return strstr(list, spaced) != NULL;
}

static void take_name(struct checker *c, char *name, const char *stops)
{
    const size_t n = strcspn(c->p, stops);
    snprintf(name, NAME_BYTES, "%.*s", (int)(n < NAME_BYTES ? n : NAME_BYTES - 1), c->p);
    c->p += n;
    if (n == 0 || n >= NAME_BYTES)
        fail(c, "a name of wrong length", name);
}

static void keep(struct checker *c, struct names *names, const char *name)
{
    if (names->n == NAMES_MAX)
        return;
    snprintf(names->at[names->n++], NAME_BYTES, "%s", name);
    (void)c;
}

static void check_id(struct checker *c, const char *id)
{
    for (size_t i = 0; i < c->ids.n; i++) {
        if (strcmp(c->ids.at[i], id) == 0)
            fail(c, "an id that is there twice", id);
    }
    if (*id == 0 || strpbrk(id, " \t\n"))
        fail(c, "a bad id", id);
    keep(c, &c->ids, id);
}

// Everything that could make a browser fetch or run something.
static void check_link(struct checker *c, const char *name, const char *value)
{
    if (strncmp(name, "on", 2) == 0)
        fail(c, "a handler", name);
    if ((strcmp(name, "src") == 0 || strcmp(name, "poster") == 0) &&
        strncmp(value, "data:image/", 11) != 0 && strncmp(value, "data:video/mp4;", 15) != 0)
        fail(c, "a source outside", value);
    if (strcmp(name, "href") == 0 && value[0] != '#' && strcmp(value, "data:,") != 0)
        fail(c, "a link outside", value);
}

static void check_attribute(struct checker *c, const char *name)
{
    char value[NAME_BYTES];
    const size_t n = strcspn(c->p, "\"");

    snprintf(value, sizeof value, "%.*s", (int)(n < NAME_BYTES ? n : NAME_BYTES - 1), c->p);
    check_link(c, name, value);
    if (strcmp(name, "id") == 0)
        check_id(c, value);
    if (strcmp(name, "href") == 0 && value[0] == '#')
        keep(c, &c->targets, value + 1);
    if (strcmp(name, "aria-labelledby") == 0 || strcmp(name, "aria-describedby") == 0)
        keep(c, &c->targets, value);
    if (strcmp(name, "d") == 0 && strspn(c->p, "MLHVahlvz 0123456789-.") < n)
        fail(c, "a path with a strange character", value);
    if (memchr(c->p, '<', n))
        fail(c, "an attribute with <", value);
    c->p += n;
    if (*c->p == '"')
        c->p++;
    else
        fail(c, "an attribute without end", name);
}

/* Reads attributes up to and with ">"; true for one that closes itself. */
static bool take_attributes(struct checker *c)
{
    while (!c->is_bad) {
        c->p += strspn(c->p, " \n");
        if (*c->p == '>') {
            c->p++;
            return false;
        }
        if (strncmp(c->p, "/>", 2) == 0) {
            c->p += 2;
            return true;
        }
        char name[NAME_BYTES];
        take_name(c, name, " =>/\"'<\n");
        if (strncmp(c->p, "=\"", 2) == 0) {
            c->p += 2;
            check_attribute(c, name);
        }
    }
    return false;
}

static void take_start(struct checker *c)
{
    char name[NAME_BYTES];

    take_name(c, name, " >/\n");
    if (is_in(name, " script iframe object embed link base form ") && strcmp(name, "link") != 0)
        fail(c, "a forbidden element", name);
    const bool is_closed = take_attributes(c) || is_in(name, " meta link img br hr input ");
    if (is_closed)
        return;
    if (c->depth == DEPTH_MAX) {
        fail(c, "too deep", name);
        return;
    }
    memcpy(c->open[c->depth++], name, NAME_BYTES);
    if (strcmp(name, "style") == 0) {
        const char *end = strstr(c->p, "</style>");
        c->p = end ? end : c->p + strlen(c->p);
    }
}

static void take_end(struct checker *c)
{
    char name[NAME_BYTES];

    take_name(c, name, ">");
    c->p += *c->p == '>';
    if (c->depth == 0 || strcmp(c->open[c->depth - 1], name) != 0)
        fail(c, "an end that fits no start", name);
    else
        c->depth--;
}

static void take_text(struct checker *c)
{
    for (; *c->p && *c->p != '<' && !c->is_bad; c->p++) {
        if (*c->p == '>')
            fail(c, "a bare", ">");
        const size_t n_name = *c->p == '&' ? strcspn(c->p, ";") : 0;
        if (*c->p == '&' && (n_name > 5 || c->p[n_name] != ';'))
            fail(c, "a bare", "&");
        if ((unsigned char)*c->p < 0x20 && *c->p != '\n')
            fail(c, "a control character", "");
    }
}

static void check_targets(struct checker *c)
{
    for (size_t i = 0; i < c->targets.n; i++) {
        bool is_there = false;
        for (size_t j = 0; j < c->ids.n; j++)
            is_there |= strcmp(c->targets.at[i], c->ids.at[j]) == 0;
        if (!is_there)
            fail(c, "a link to what is not there", c->targets.at[i]);
    }
}

bool html_is_whole(const char *page, char *why, size_t n_why)
{
    static const char TYPE[] = "<!doctype html>";
    struct checker c = {.p = page, .why = why, .n_why = n_why};

    c.ids.at = calloc(NAMES_MAX, NAME_BYTES);
    c.targets.at = calloc(NAMES_MAX, NAME_BYTES);
    if (!c.ids.at || !c.targets.at)
        abort();
    if (strncmp(page, TYPE, sizeof TYPE - 1) == 0)
        c.p += sizeof TYPE - 1;
    else
        fail(&c, "no", TYPE);
    while (*c.p && !c.is_bad) {
        if (strncmp(c.p, "</", 2) == 0) {
            c.p += 2;
            take_end(&c);
        } else if (*c.p == '<') {
            c.p++;
            take_start(&c);
        } else {
            take_text(&c);
        }
    }
    if (c.depth != 0)
        fail(&c, "never closed", c.open[c.depth - 1]);
    if (!c.is_bad)
        check_targets(&c);
    free(c.ids.at);
    free(c.targets.at);
    return !c.is_bad;
}
