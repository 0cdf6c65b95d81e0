#include "etude/pose.h"

#include <assert.h>
#include <float.h>
#include <math.h>

// The length of column `col` from row `first` on.
static double column_norm(const double *a, size_t n_rows, size_t n_cols, size_t first, size_t col)
{
    double sum = 0.0;
    for (size_t i = first; i < n_rows; i++)
        sum += a[i * n_cols + col] * a[i * n_cols + col];
    return sqrt(sum);
}

/* Reflects column k onto its diagonal, and with it the columns behind and b. `norm` is the column's
 * length from row k on, not 0. */
static void reflect(double *a, double *b, size_t n_rows, size_t n_cols, size_t k, double norm)
{
    // The sign that does not cancel; v = x + alpha e1 lies in the column itself.
    const double alpha = a[k * n_cols + k] < 0.0 ? -norm : norm;
    a[k * n_cols + k] += alpha;
    const double scale = 1.0 / (alpha * a[k * n_cols + k]); // 2 / (v'v)

    for (size_t col = k + 1; col <= n_cols; col++) {
        double *target = col < n_cols ? a + col : b;
        const size_t stride = col < n_cols ? n_cols : 1;
        double dot = 0.0;
        for (size_t i = k; i < n_rows; i++)
            dot += a[i * n_cols + k] * target[i * stride];
        for (size_t i = k; i < n_rows; i++)
            target[i * stride] -= scale * dot * a[i * n_cols + k];
    }
    a[k * n_cols + k] = -alpha; // the diagonal of R; v is not needed any more
}

bool et_lsq_solve(double *a, double *b, size_t n_rows, size_t n_cols, double *x)
{
    assert(n_cols >= 1 && n_cols <= ET_LSQ_COLS_MAX && n_cols <= n_rows);
    for (size_t k = 0; k < n_cols; k++) {
        // What is left of a column that depends on others is rounding error.
        const double whole = column_norm(a, n_rows, n_cols, 0, k);
        const double norm = column_norm(a, n_rows, n_cols, k, k);
        if (!(norm > whole * (double)n_rows * DBL_EPSILON) || !isfinite(norm))
            return false;
        reflect(a, b, n_rows, n_cols, k, norm);
    }
    double solution[ET_LSQ_COLS_MAX];
    for (size_t k = n_cols; k-- > 0;) {
        double sum = b[k];
        for (size_t col = k + 1; col < n_cols; col++)
            sum -= a[k * n_cols + col] * solution[col];
        solution[k] = sum / a[k * n_cols + k];
    }
    for (size_t k = 0; k < n_cols; k++)
        x[k] = solution[k];
    return true;
}
