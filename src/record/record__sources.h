/* The kinds of sources, one file each; source.c has the table. */
#ifndef ETUDE_RECORD_SOURCES_H
#define ETUDE_RECORD_SOURCES_H

#include "etude/source.h"

extern const struct et_source_kind et__source_dds;   // where Cyclone DDS is (ET_HAS_DDS)
extern const struct et_source_kind et__source_drive; // the same
extern const struct et_source_kind et__source_dynamixel;
extern const struct et_source_kind et__source_foxglove;
extern const struct et_source_kind et__source_gamepad; // where libevdev is (ET_HAS_EVDEV)
extern const struct et_source_kind et__source_keys;    // in source_gamepad.c
extern const struct et_source_kind et__source_link;
extern const struct et_source_kind et__source_replay;
extern const struct et_source_kind et__source_v4l2;
extern const struct et_source_kind et__source_vmc;
extern const struct et_source_kind et__source_webxr;
extern const struct et_source_kind et__source_world;
extern const struct et_source_kind et__source_xsens;

#endif
