#include "format/parquet/parquet__reader.h"

static void read_data_head(struct et__thrift_in *in, int type, struct et__page *page)
{
    int id = 0, of;
    if (!et__thrift_struct(in, type))
        return;
    while (et__thrift_field(in, &id, &of)) {
        switch (id) {
        case 1:
            page->n_values = et__thrift_int32(in, of);
            break;
        case 2:
            page->encoding = et__thrift_int32(in, of);
            break;
        case 3:
            page->def_encoding = et__thrift_int32(in, of);
            break;
        case 4:
            page->rep_encoding = et__thrift_int32(in, of);
            break;
        default:
            et__thrift_skip(in, of);
        }
    }
}

static void read_dictionary_head(struct et__thrift_in *in, int type, struct et__page *page)
{
    int id = 0, of;
    if (!et__thrift_struct(in, type))
        return;
    while (et__thrift_field(in, &id, &of)) {
        if (id == 1)
            page->n_values = et__thrift_int32(in, of);
        else if (id == 2)
            page->encoding = et__thrift_int32(in, of);
        else
            et__thrift_skip(in, of);
    }
}

static void read_data_v2_head(struct et__thrift_in *in, int type, struct et__page *page)
{
    int id = 0, of;
    if (!et__thrift_struct(in, type))
        return;
    page->is_packed = true;
    while (et__thrift_field(in, &id, &of)) {
        switch (id) {
        case 1:
            page->n_values = et__thrift_int32(in, of);
            break;
        case 3:
            page->n_rows = et__thrift_int32(in, of);
            break;
        case 4:
            page->encoding = et__thrift_int32(in, of);
            break;
        case 5:
            page->n_def_bytes = et__thrift_int32(in, of);
            break;
        case 6:
            page->n_rep_bytes = et__thrift_int32(in, of);
            break;
        case 7:
            page->is_packed = et__thrift_bool(in, of);
            break;
        default:
            et__thrift_skip(in, of);
        }
    }
}

static void read_head(struct et__thrift_in *in, struct et__page *page)
{
    int id = 0, type;
    while (et__thrift_field(in, &id, &type)) {
        switch (id) {
        case 1:
            page->type = et__thrift_int32(in, type);
            break;
        case 2:
            page->n_unpacked = et__thrift_int32(in, type);
            break;
        case 3:
            page->n_packed = et__thrift_int32(in, type);
            break;
        case 4:
            page->crc = (uint32_t)et__thrift_int32(in, type);
            page->has_crc = true;
            break;
        case 5:
            read_data_head(in, type, page);
            break;
        case 7:
            read_dictionary_head(in, type, page);
            break;
        case 8:
            read_data_v2_head(in, type, page);
            break;
        default:
            et__thrift_skip(in, type);
        }
    }
}

bool et__page_read(struct et__page *page, const uint8_t *p, size_t n, size_t *n_head,
                   bool *is_short, struct et_err *err)
{
    struct et__thrift_in in = et__thrift_in(p, n, page->at);
    *page = (struct et__page){.at = page->at,
                              .type = -1,
                              .n_unpacked = -1,
                              .n_packed = -1,
                              .n_values = -1,
                              .encoding = -1,
                              .rep_encoding = ET__PARQUET_RLE,
                              .def_encoding = ET__PARQUET_RLE};
    read_head(&in, page);
    *n_head = (size_t)(in.p - p);
    *is_short = in.is_short;
    page->body_at = page->at + (int64_t)*n_head;
    return et__thrift_check(&in, "a page's header", err) == ET_OK;
}

void et__page_write(struct et_buf *buf, const struct et__page *page)
{
    struct et__thrift_out out = et__thrift_out(buf);
    et__thrift_put_struct(&out, 0);
    et__thrift_put_int(&out, 1, ET__THRIFT_I32, page->type);
    et__thrift_put_int(&out, 2, ET__THRIFT_I32, page->n_unpacked);
    et__thrift_put_int(&out, 3, ET__THRIFT_I32, page->n_packed);
    et__thrift_put_int(&out, 4, ET__THRIFT_I32, (int32_t)page->crc);
    et__thrift_put_struct(&out, page->type == ET__PAGE_DICTIONARY ? 7 : 5);
    et__thrift_put_int(&out, 1, ET__THRIFT_I32, page->n_values);
    et__thrift_put_int(&out, 2, ET__THRIFT_I32, page->encoding);
    if (page->type == ET__PAGE_DATA) {
        et__thrift_put_int(&out, 3, ET__THRIFT_I32, ET__PARQUET_RLE);
        et__thrift_put_int(&out, 4, ET__THRIFT_I32, ET__PARQUET_RLE);
    }
    et__thrift_put_end(&out);
    et__thrift_put_end(&out);
}
