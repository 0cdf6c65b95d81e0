/* A walk through the elements of an XML file: names and attributes, no text between them.
 *
 * For small machine-made files whose bytes are not trusted: no document types, no entities but the
 * five that are built in, no recursion, bounded depth and attributes. */
#ifndef ROBOT__XML_H
#define ROBOT__XML_H

#include "etude/str.h"

#define ET__XML_DEPTH_MAX 64
#define ET__XML_ATTRIBUTES_MAX 64

enum et__xml_kind {
    ET__XML_OPEN,  // an element begins; its attributes can be asked for
    ET__XML_CLOSE, // it ends, also where it has no content
    ET__XML_END,   // the file ends, all elements closed
};

struct et__xml_attribute {
    struct et_str name, value; // as they stand in the file
};

/* {.text = …, .line = 1} before the first call. */
struct et__xml {
    struct et_str text;
    size_t at;
    int64_t line;
    struct et_str open[ET__XML_DEPTH_MAX]; // names of the open elements, the root's first
    size_t depth;                          // of the element just opened or closed; the root is 1
    struct et__xml_attribute attributes[ET__XML_ATTRIBUTES_MAX];
    size_t n_attributes;
    bool is_closing; // the next event closes the last open element
    bool has_closed; // the last event was a close
    bool has_root;
};

/* The next event. ET_ECORRUPT with the line in err->at; ET_ELIMIT: too deep, too many attributes;
 * ET_EUNSUPPORTED: a document type declaration. */
ET_MUST_USE enum et_status et__xml_next(struct et__xml *xml, enum et__xml_kind *kind,
                                        struct et_err *err);

/* After ET__XML_OPEN: an attribute's value, or {NULL, 0} when it is not there. */
struct et_str et__xml_get(const struct et__xml *xml, const char *name);

/* Whether the open elements are exactly those of a path ("robot/link/inertial"). */
bool et__xml_is_at(const struct et__xml *xml, const char *path);

#endif
