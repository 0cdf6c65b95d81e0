#include "report/report__svg.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DIGITS_MAX 12        // of a number without an exponent
#define ZEROS_MAX 4          // after its decimal point
#define GROUPED_DIGITS_MIN 5 // 1000, but 10 000

// "1234567" as "1 234 567", with spaces that are narrow and do not break.
static void put_grouped(struct et_buf *buf, const char *digits, int n)
{
    for (int i = 0; i < n; i++) {
        if (i > 0 && n >= GROUPED_DIGITS_MIN && (n - i) % 3 == 0)
            et_buf_puts(buf, "\xe2\x80\xaf");
        et_buf_putc(buf, digits[i]);
    }
}

static void put_with_exponent(struct et_buf *buf, const char *digits, int n, int power)
{
    const int exponent = power + n - 1;

    while (n > 1 && digits[n - 1] == '0')
        n--;
    et_buf_putc(buf, digits[0]);
    if (n > 1)
        et_buf_putc(buf, '.');
    et_buf_put(buf, digits + 1, (size_t)n - 1);
    et_buf_printf(buf, "e%s%d", exponent < 0 ? "−" : "", abs(exponent));
}

void et__put_decimal(struct et_buf *buf, int64_t mantissa, int power)
{
    char digits[24];
    const int n = snprintf(digits, sizeof digits, "%" PRIu64,
                           mantissa < 0 ? 0 - (uint64_t)mantissa : (uint64_t)mantissa);
    const int n_whole = n + power; // digits before the decimal point

    assert(n > 0 && n < (int)sizeof digits);
    if (mantissa < 0)
        et_buf_puts(buf, "−");
    if (n_whole > DIGITS_MAX || n_whole < -ZEROS_MAX || n > DIGITS_MAX + 4) {
        put_with_exponent(buf, digits, n, power);
    } else if (power >= 0) {
        for (int i = n; i < n_whole; i++)
            digits[i] = '0';
        put_grouped(buf, digits, n_whole);
    } else if (n_whole > 0) {
        put_grouped(buf, digits, n_whole);
        et_buf_putc(buf, '.');
        et_buf_put(buf, digits + n_whole, (size_t)(n - n_whole));
    } else {
        et_buf_printf(buf, "0.%.*s", -n_whole, "0000000000");
        et_buf_put(buf, digits, (size_t)n);
    }
}

void et__put_number(struct et_buf *buf, double value, int n_digits)
{
    if (!isfinite(value)) {
        et_buf_puts(buf, isnan(value) ? "not a number" : value < 0 ? "−infinity" : "infinity");
        return;
    }
    // printf rounds right; its decimal point depends on the locale and is skipped.
    char text[48];
    assert(n_digits >= 1 && n_digits <= 17);
    (void)snprintf(text, sizeof text, "%.*e", n_digits - 1, value);
    int64_t mantissa = 0;
    const char *p = text + (text[0] == '-');
    for (; *p && *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9')
            mantissa = mantissa * 10 + (*p - '0');
    }
    int power = *p == 'e' ? (int)strtol(p + 1, NULL, 10) - (n_digits - 1) : 0;
    while (mantissa != 0 && mantissa % 10 == 0) {
        mantissa /= 10;
        power++;
    }
    et__put_decimal(buf, text[0] == '-' ? -mantissa : mantissa, mantissa == 0 ? 0 : power);
}

void et__put_percent(struct et_buf *buf, double share)
{
    const long long hundredths = llround(share * 10000);
    assert(hundredths >= 0 && hundredths <= 10000);
    et_buf_printf(buf, "%lld.%02lld%%", hundredths / 100, hundredths % 100);
}
