/* The type of a network's numbers: float; double where the same sources are compiled once more to
 * check their gradients against differences, which floats are too coarse for. */
#ifndef LEARN__REAL_H
#define LEARN__REAL_H

#ifdef ET__REAL_IS_DOUBLE
typedef double et__real;
#define ET__REAL(x) ((et__real)x)
#else
typedef float et__real;
#define ET__REAL(x) (x##F)
#endif

#endif
