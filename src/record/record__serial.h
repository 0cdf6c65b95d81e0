/* Serial ports at any speed. */
#ifndef RECORD__SERIAL_H
#define RECORD__SERIAL_H

#include "etude/status.h"

/* Opens a port raw, 8 bits without parity, for this process alone, and as fast in telling of bytes
 * as its driver can. −1: it is not there, or will not; errno says why. */
int et__serial_open(const char *path, int baud);

#endif
