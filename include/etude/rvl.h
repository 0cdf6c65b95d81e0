/* RVL: lossless depth, fast enough for a live camera.
 *
 * A. D. Wilson, "Fast Lossless Depth Image Compression", ISS 2017. Runs of zeros and of other
 * values take turns; of the others the differences are written. Every number is written in groups
 * of 3 bits, lowest first, each with a bit that says whether more follow; eight such nibbles make a
 * word, from its highest down, and words are little-endian. An end is not marked: whoever reads
 * knows the number of values.
 *
 * compressed_depth_image_transport of ROS calls it "rvl" ("16UC1; compressedDepth rvl"), with the
 * width and the height in front, as 32-bit numbers; see et_rvl_picture.
 *
 * Units:   whatever the values are, usually millimetres; 0 is nothing seen.
 * Threads: any; no state. Memory: the caller's. */
#ifndef ETUDE_RVL_H
#define ETUDE_RVL_H

#include "etude/image.h"

/* Appends n values to the buffer, which needs room for 4 n + 32 bytes while it is done; failures
 * are the buffer's. */
ET_API void et_rvl_put(struct et_buf *buf, const uint16_t *values, size_t n);

/* Reads n values. ET_ECORRUPT: the bytes end before, a run goes beyond n, or a number beyond 16
 * bits of difference; err->at is the byte. What is in `values` then is of no use. */
ET_MUST_USE ET_API enum et_status et_rvl_get(struct et_str bytes, uint16_t *values, size_t n,
                                             struct et_err *err);

/* A picture as ROS has it: width, height, values. Its size alone where arena is NULL (image->pixels
 * is NULL then). ET_ECORRUPT: as above, or the size is none. ET_ELIMIT: a side over
 * ET_IMAGE_SIDE_PX_MAX, or the arena is full. On failure the arena is as it was. */
ET_MUST_USE ET_API enum et_status et_rvl_picture(struct et_str bytes, struct et_arena *arena,
                                                 struct et_image *image, struct et_err *err);

#endif
