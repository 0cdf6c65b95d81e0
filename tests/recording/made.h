/* Small recordings in MCAP, written message by message. */
#ifndef TESTS_RECORDING_MADE_H
#define TESTS_RECORDING_MADE_H

#include "etude/image.h"
#include "etude/mcap_write.h"

#define MS INT64_C(1000000)
#define SEC INT64_C(1000000000)

struct made {
    struct et_mcap_writer *writer;
    struct et_buf buf; // of one message
    uint16_t n_channels;
    int64_t t_publish_ns; // of the messages that follow; 0: their log time
    uint32_t sequence;    // of the next message; counts on when it is not 0
};

/* What cannot be written ends the program. */
void made_open(struct made *m, const char *path);
void made_finish(struct made *m);

/* A channel in CDR of a type that share/msg defines; its id. */
uint16_t made_channel(struct made *m, const char *topic, const char *type);
uint16_t made_channel_as(struct made *m, const char *topic, const char *type,
                         const char *schema_encoding, const char *definition, const char *encoding);

void made_bytes(struct made *m, uint16_t channel, int64_t t_ns, const void *bytes, size_t n);

/* sensor_msgs/JointState; `names` are parted by spaces ("" none). velocity is 10 × position, effort
 * 100 ×. */
void made_joints(struct made *m, uint16_t channel, int64_t t_ns, int64_t t_stamp_ns,
                 const char *names, const double *positions, size_t n);
void made_string(struct made *m, uint16_t channel, int64_t t_ns, const char *text);

/* etude_msgs/Event without a stamp. */
void made_event(struct made *m, uint16_t channel, int64_t t_ns, const char *kind, const char *text);
void made_imu(struct made *m, uint16_t channel, int64_t t_ns, int64_t t_stamp_ns,
              const double values[10]); // the stream's order

/* sensor_msgs/CompressedImage and Image. */
void made_compressed(struct made *m, uint16_t channel, int64_t t_ns, const char *format,
                     struct et_str data);
void made_raw(struct made *m, uint16_t channel, int64_t t_ns, const struct et_image *image,
              const char *pixels, uint32_t step);

/* An 8 × 6 picture whose pixel (x, y) is (k, 10 x, 10 y), as JPEG (flat then) or PNG. */
enum { MADE_WIDTH = 8, MADE_HEIGHT = 6 };
struct et_buf made_jpeg(int k);
struct et_buf made_png(int k);

/* A 16-bit PNG of that size behind compressedDepth's header with its two floats. */
struct et_buf made_depth(uint16_t first, float a, float b);

/* Writes a text to a path in the test's own folder. */
const char *made_file(const char *name, const char *text);

#endif
