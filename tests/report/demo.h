/* A page with every part in it, as a report of a recording's checks would have: for the golden
 * file, the limits, and the eye (`test_report_page --demo FILE`). */
#ifndef TESTS_REPORT_DEMO_H
#define TESTS_REPORT_DEMO_H

#include "etude/report.h"

/* `scale` thins the numbers out: 1 for the eye, more for a golden file that stays small. */
void demo_page(struct et_buf *buf, size_t scale);

/* Appends a PNG of a soft picture, w × h px (both at most 250). */
void demo_png(struct et_buf *png, unsigned w, unsigned h, unsigned seed);

#endif
