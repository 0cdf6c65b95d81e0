/* Smoothness of a movement, from its speed.
 *
 * Threads: any. */
#ifndef ETUDE_SMOOTHNESS_H
#define ETUDE_SMOOTHNESS_H

#include "etude/status.h"

#include <stddef.h>

/* Spectral arc length of n speeds, rate_hz of them a second: how long the curve of their spectrum
 * is, below 10 Hz and as far as it has 0.05 of its peak, with a minus; −1.4 is a person's reach,
 * less is less smooth. Neither length nor speed of a movement changes it (Balasubramanian, Melendez
 * -Calderon, Roby-Brami, Burdet, "On the analysis of movement smoothness", J. NeuroEng. Rehabil.
 * 12:112, 2015: SPARC, eq. 4). NAN: nothing moves, a speed is no number, or there are fewer than
 * two. ET_EARG: more than ET_SPARC_MAX, or no rate. ET_ENOMEM. */
#define ET_SPARC_MAX ((size_t)1 << 20)
ET_MUST_USE ET_API enum et_status et_sparc(const double *speeds, size_t n, double rate_hz,
                                           double *sparc, struct et_err *err);

#endif
