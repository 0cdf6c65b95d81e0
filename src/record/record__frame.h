/* Frame: a message that is written again and again, laid out once.
 *
 * A robot is commanded hundreds of times a second with messages that differ in a few numbers. So a
 * message is laid out when it is opened, with the place of every number in it; from then on numbers
 * are put into their places, and the bytes are sent as they lie.
 *
 * Memory: the caller's arena; nothing is allocated after opening. */
#ifndef ETUDE_RECORD_FRAME_H
#define ETUDE_RECORD_FRAME_H

#include "etude/msgdef.h"

#define ET__FRAME_BYTES_MAX ((size_t)1 << 20)
#define ET__FRAME_PLACES_MAX 16384

struct et__frame_place {
    const char *path; // "motor_cmd[15].q"
    enum et_msg_kind kind;
    uint32_t at;   // in the message, its header counted
    uint32_t at_c; // in the struct that C makes of it
};

struct et__frame {
    unsigned char *bytes; // header and all
    size_t n_bytes;
    struct et__frame_place *places;
    size_t n_places;
    size_t n_c_bytes; // 0: it has texts or sequences, for which C has no place
    size_t i_crc;     // place of the field "crc"; SIZE_MAX: none
};

/* A sequence has as many elements as the paths need: "name[6]" makes it seven long. */
struct et__frame_text {
    const char *path, *text; // text NULL: a number's path
};

/* ET_ECORRUPT: the definition has none of such paths, or a text where a number is; the text names
 * it. ET_EUNSUPPORTED: a wstring. ET_ENOTFOUND: a type is missing. ET_ELIMIT, ET_ENOMEM. */
ET_MUST_USE enum et_status et__frame_open(struct et__frame *frame, const struct et_msgdef *def,
                                          const struct et__frame_text *paths, size_t n_paths,
                                          struct et_arena *arena, struct et_err *err);

/* The place of a number; SIZE_MAX: there is none. */
size_t et__frame_find(const struct et__frame *frame, const char *path);

/* Puts a number: integers are rounded and kept within their kind, a time is in s. What is not
 * finite is not put, and false. */
bool et__frame_put(struct et__frame *frame, size_t i_place, double value);

/* Unitree's checksum of words (CRC-32 of polynomial 0x04c11db7, from the most significant bit on,
 * begun with all ones, nothing reversed): of what C has before the field "crc". 0 for a message
 * without one. c_bytes has room for n_c_bytes. */
uint32_t et__unitree_crc(const void *words, size_t n_words);
uint32_t et__frame_crc(const struct et__frame *frame, const unsigned char *bytes,
                       unsigned char *c_bytes);

#endif
