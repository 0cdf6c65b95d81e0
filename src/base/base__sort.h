/* Sorting and selecting doubles, and the step from two neighbours to a quantile. */
#ifndef BASE_BASE__SORT_H
#define BASE_BASE__SORT_H

#include <stddef.h>

/* Reorders n values, none of them NaN, so that the one at k < n is what a full sort would put
 * there, with none larger before it and none smaller behind it. Linear on average, n log n at
 * worst. */
void et__select(double *values, size_t n, size_t k);

/* The value `part` in [0, 1) of the way from low to high ≥ low. */
double et__quantile_between(double low, double high, double part);

#endif
