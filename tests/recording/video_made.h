/* Cameras that send videos, written into recordings in every form that such messages have. */
#ifndef TESTS_RECORDING_VIDEO_MADE_H
#define TESTS_RECORDING_VIDEO_MADE_H

#include "format/video_fixture.h"
#include "made.h"

enum video_form {
    FORM_ROS2,     // foxglove_msgs/msg/CompressedVideo, CDR
    FORM_ROS1,     // the same of ROS 1
    FORM_PROTOBUF, // foxglove.CompressedVideo
    FORM_JSON,
    FORM_PACKET, // ffmpeg_image_transport_msgs/msg/FFMPEGPacket
    FORM_IMAGE,  // sensor_msgs/msg/CompressedImage
    N_FORMS
};

uint16_t made_video_channel(struct made *m, const char *topic, enum video_form form);
void made_video(struct made *m, uint16_t channel, enum video_form form, int64_t t_ns,
                int64_t t_stamp_ns, const char *format, struct et_str unit);

/* The number of a picture of the fixture, of any size. */
int image_number(const struct et_image *image);

#endif
