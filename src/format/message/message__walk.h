/* A message gone through value by value, as its definition says: CDR of every kind and ROS 1.
 * The slow way: what is written as JSON, what programs are held against, and what finds the place
 * of an error. */
#ifndef FORMAT_MESSAGE__WALK_H
#define FORMAT_MESSAGE__WALK_H

#include "etude/message.h"

#define ET__WALK_DEPTH (2 * ET_MSGDEF_DEPTH_MAX + 2) // a list and a message for every level
#define ET__EMPTY_MAX ((size_t)1 << 20) // messages without bytes, which a count may claim for free

/* How the bytes of a message lie. */
struct et__layout {
    const char *bytes; // the whole message
    size_t origin;     // alignment counts from here
    size_t end;
    size_t align_max; // 1 in ROS 1, 4 in XCDR2, 8 in XCDR1
    bool is_cdr;
    bool is_swapped;   // big-endian
    bool has_headers;  // XCDR2: lists of anything but numbers begin with their length in bytes
    bool is_delimited; // XCDR2: messages too
};

/* ET_ECORRUPT: no CDR header. ET_EUNSUPPORTED: a kind that is not read. */
enum et_status et__layout_open(struct et__layout *layout, enum et_message_encoding encoding,
                               struct et_str bytes, struct et_err *err);

enum et__item_kind {
    ET__ITEM_OPEN,       // a message begins
    ET__ITEM_CLOSE,      // and ends
    ET__ITEM_OPEN_LIST,  // a list of messages or texts begins
    ET__ITEM_CLOSE_LIST, // and ends
    ET__ITEM_NUMBERS,    // one, or a list of them
    ET__ITEM_TEXT,
};

struct et__item {
    enum et__item_kind kind;
    const struct et_msgdef_field *field; // NULL for the message itself
    bool is_list;                        // NUMBERS of an array
    bool is_element;                     // of a list: it has no name of its own
    const char *p;                       // NUMBERS, TEXT
    size_t n;                            // NUMBERS: how many; TEXT: bytes
};

struct et__frame {
    const struct et_msgdef_type *type;        // of a message
    const struct et_msgdef_field *list_field; // of a list; NULL for a message
    size_t i;                                 // the next field or element
    size_t n;                                 // of fields or elements
    size_t end;                               // of a delimited message, else the layout's
};

struct et__walk {
    struct et__layout layout;
    const struct et_msgdef_type *root;
    size_t pos; // in the message
    struct et__frame stack[ET__WALK_DEPTH];
    size_t depth;
    size_t n_empty;
    size_t n_slack; // padding that empty sequences would have, were they not empty
    bool is_begun;
    struct et_err *err;
};

enum et_status et__walk_open(struct et__walk *walk, const struct et_message_def *message,
                             struct et_str bytes, struct et_err *err);

/* ET_END: the message is over; walk->pos is behind its last value. */
enum et_status et__walk_next(struct et__walk *walk, struct et__item *item);

/* Appends the path of what was read last: "transforms[2].header.frame_id". */
void et__walk_path(const struct et__walk *walk, struct et_buf *path);

/* One number of an array at p, swapped where it has to be: as an integer, or a float's bits. */
uint64_t et__load_bits(const char *p, size_t n_bytes, bool is_swapped);

/* Element i of an item of NUMBERS, by kind. A time is its nanoseconds, a uint64 its bits. */
int64_t et__item_integer(const struct et__walk *walk, const struct et__item *item, size_t i);
double et__item_real(const struct et__walk *walk, const struct et__item *item, size_t i);

#endif
