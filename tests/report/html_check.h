/* A small reader of the HTML that the report room writes: are its tags balanced, its attributes
 * quoted, its ids unique, its links inside the page, its paths made of whole numbers? */
#ifndef TESTS_HTML_CHECK_H
#define TESTS_HTML_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* True when the page is well-formed; else `why` says what is not. The page is NUL-terminated. */
bool html_is_whole(const char *page, char *why, size_t n_why);

#endif
