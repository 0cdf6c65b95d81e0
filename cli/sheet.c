#include "sheet.h"

#include "etude/file.h"
#include "etude/image.h"

#include <ctype.h>

#define PNG_BYTES_MAX ((size_t)1 << 28)
#define PNG_LEVEL 9
#define COLUMNS 5
#define ROWS 9
#define DOT_PX 2 // of a letter

static const uint8_t PAPER[3] = {27, 29, 33}, INK[3] = {222, 224, 228};

// clang-format off
static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789.-:";
#define LETTERS_A_LINE 13
static const char *const DOTS[] = {
    // abcdefghijklm
    "..... #.... ..... ....# ..... ..##. ..... #.... ..#.. ...#. #.... .##.. ..... ",
    "..... #.... ..... ....# ..... .#..# ..... #.... ..... ..... #.... ..#.. ..... ",
    ".###. #.##. .###. .##.# .###. .#... .#### #.##. .##.. ..##. #..#. ..#.. ##.#. ",
    "....# ##..# #...# #..## #...# ###.. #...# ##..# ..#.. ...#. #.#.. ..#.. #.#.# ",
    ".#### #...# #.... #...# ##### .#... #...# #...# ..#.. ...#. ##... ..#.. #.#.# ",
    "#...# #...# #...# #...# #.... .#... #...# #...# ..#.. ...#. #.#.. ..#.. #...# ",
    ".#### ####. .###. .#### .###. .#... .#### #...# .###. ...#. #..#. .###. #...# ",
    "..... ..... ..... ..... ..... ..... ....# ..... ..... #..#. ..... ..... ..... ",
    "..... ..... ..... ..... ..... ..... .###. ..... ..... .##.. ..... ..... ..... ",
    // nopqrstuvwxyz
    "..... ..... ..... ..... ..... ..... .#... ..... ..... ..... ..... ..... ..... ",
    "..... ..... ..... ..... ..... ..... .#... ..... ..... ..... ..... ..... ..... ",
    "#.##. .###. #.##. .##.# #.##. .#### ###.. #...# #...# #...# #...# #...# ##### ",
    "##..# #...# ##..# #..## ##..# #.... .#... #...# #...# #...# .#.#. #...# ...#. ",
    "#...# #...# #...# #...# #.... .###. .#... #...# #...# #.#.# ..#.. #...# ..#.. ",
    "#...# #...# #...# #...# #.... ....# .#..# #..## .#.#. #.#.# .#.#. #..## .#... ",
    "#...# .###. ####. .#### #.... ####. ..##. .##.# ..#.. .#.#. #...# .##.# ##### ",
    "..... ..... #.... ....# ..... ..... ..... ..... ..... ..... ..... ....# ..... ",
    "..... ..... #.... ....# ..... ..... ..... ..... ..... ..... ..... .###. ..... ",
    // 0123456789.-:
    ".###. ..#.. .###. ##### ...#. ##### ..##. ##### .###. .###. ..... ..... ..... ",
    "#...# .##.. #...# ...#. ..##. #.... .#... ....# #...# #...# ..... ..... .##.. ",
    "#..## ..#.. ....# ..#.. .#.#. ####. #.... ...#. #...# #...# ..... ..... .##.. ",
    "#.#.# ..#.. ...#. ...#. #..#. ....# ####. ..#.. .###. .#### ..... ##### ..... ",
    "##..# ..#.. ..#.. ....# ##### ....# #...# .#... #...# ....# ..... ..... .##.. ",
    "#...# ..#.. .#... #...# ...#. #...# #...# .#... #...# ...#. .##.. ..... .##.. ",
    ".###. .###. ##### .###. ...#. .###. .###. .#... .###. .##.. .##.. ..... ..... ",
    "..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ",
    "..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ",
};
// clang-format on

enum et_status cli_sheet_make(struct cli_sheet *sheet, size_t width_px, size_t height_px,
                              struct et_arena *arena, struct et_err *err)
{
    *sheet = (struct cli_sheet){.width_px = width_px, .height_px = height_px};
    sheet->rgb = et_arena_array(arena, width_px * height_px, 3);
    if (!sheet->rgb)
        return et_arena_fail(arena, "a sheet of pictures", err);
    cli_sheet_clear(sheet, 0, height_px);
    return ET_OK;
}

void cli_sheet_clear(struct cli_sheet *sheet, size_t y, size_t n_rows)
{
    for (size_t i = y * sheet->width_px; i < (y + n_rows) * sheet->width_px; i++)
        memcpy(sheet->rgb + 3 * i, PAPER, sizeof PAPER);
}

void cli_sheet_put(struct cli_sheet *sheet, size_t x, size_t y, const uint8_t *rgb, size_t width_px,
                   size_t height_px)
{
    if (x >= sheet->width_px)
        return;
    const size_t n = width_px < sheet->width_px - x ? width_px : sheet->width_px - x;
    for (size_t row = 0; row < height_px && y + row < sheet->height_px; row++)
        memcpy(sheet->rgb + 3 * ((y + row) * sheet->width_px + x), rgb + 3 * row * width_px, 3 * n);
}

static bool is_inked(size_t letter, size_t row, size_t column)
{
    const char *line = DOTS[letter / LETTERS_A_LINE * ROWS + row];
    return line[letter % LETTERS_A_LINE * (COLUMNS + 1) + column] == '#';
}

static void put_dot(struct cli_sheet *sheet, size_t x, size_t y)
{
    for (size_t i = 0; i < DOT_PX; i++)
        for (size_t k = 0; k < DOT_PX; k++)
            if (x + k < sheet->width_px && y + i < sheet->height_px)
                memcpy(sheet->rgb + 3 * ((y + i) * sheet->width_px + x + k), INK, sizeof INK);
}

void cli_sheet_text(struct cli_sheet *sheet, size_t x, size_t y, const char *text)
{
    for (; *text; text++, x += CLI_LETTER_STEP_PX) {
        const char *letter = strchr(LETTERS, tolower((unsigned char)*text));
        for (size_t i = 0; letter && i < (size_t)ROWS * COLUMNS; i++)
            if (is_inked((size_t)(letter - LETTERS), i / COLUMNS, i % COLUMNS))
                put_dot(sheet, x + i % COLUMNS * DOT_PX, y + i / COLUMNS * DOT_PX);
    }
}

enum et_status cli_sheet_write(const struct cli_sheet *sheet, const char *path, struct et_err *err)
{
    const struct et_image image = {.width_px = (int)sheet->width_px,
                                   .height_px = (int)sheet->height_px,
                                   .n_channels = 3,
                                   .n_bits = 8,
                                   .pixels = sheet->rgb};
    struct et_buf png = et_buf(PNG_BYTES_MAX);
    enum et_status st = et_image_encode_png(&image, PNG_LEVEL, &png, err);
    if (st == ET_OK)
        st = et_file_replace(path, png.p, png.n, err);
    et_buf_free(&png);
    return st;
}
