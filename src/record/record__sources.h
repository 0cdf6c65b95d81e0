/* The kinds of sources, one file each; source.c has the table. */
#ifndef ETUDE_RECORD_SOURCES_H
#define ETUDE_RECORD_SOURCES_H

#include "etude/source.h"

#endif
