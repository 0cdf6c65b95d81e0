/* A sheet of pictures with a line of text below each, for people. */
#ifndef CLI_SHEET_H
#define CLI_SHEET_H

#include "cli.h"

#define CLI_LETTER_PX 18      // height of a text
#define CLI_LETTER_STEP_PX 12 // from letter to letter

struct cli_sheet {
    size_t width_px, height_px;
    uint8_t *rgb; // rows from the top
};

/* Empty, dark. ET_ENOMEM, ET_ELIMIT: the arena. */
enum et_status cli_sheet_make(struct cli_sheet *sheet, size_t width_px, size_t height_px,
                              struct et_arena *arena, struct et_err *err);

void cli_sheet_clear(struct cli_sheet *sheet, size_t y, size_t n_rows); // rows within it

/* Puts a picture with its upper left corner at x, y; what is outside is cut off. */
void cli_sheet_put(struct cli_sheet *sheet, size_t x, size_t y, const uint8_t *rgb, size_t width_px,
                   size_t height_px);

/* Small letters, digits, ".", "-" and ":"; capitals become small, everything else a blank. */
void cli_sheet_text(struct cli_sheet *sheet, size_t x, size_t y, const char *text);

/* As a PNG. */
enum et_status cli_sheet_write(const struct cli_sheet *sheet, const char *path, struct et_err *err);

#endif
