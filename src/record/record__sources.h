/* The kinds of sources, one file each; source.c has the table. */
#ifndef ETUDE_RECORD_SOURCES_H
#define ETUDE_RECORD_SOURCES_H

#include "etude/source.h"

extern const struct et_source_kind et__source_link;   // source_link.c
extern const struct et_source_kind et__source_replay; // source_replay.c
extern const struct et_source_kind et__source_world;  // source_world.c

#endif
