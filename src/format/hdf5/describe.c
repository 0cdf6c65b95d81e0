// What a dataset is, and whether it can be read with limits.
#include "hdf5__file.h"

static void refuse(struct et__hdf5_set *set, const char *why)
{
    set->about.kind = ET_HDF5_OTHER;
    set->about.trouble = why;
}

// The integers and reals of C; anything else of that class (24 bits, padding) is not read.
static enum et_hdf5_number number_of(hid_t type, H5T_class_t class, size_t size)
{
    if (class == H5T_FLOAT) {
        if (H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F32BE) > 0)
            return ET_HDF5_FLOAT32;
        if (H5Tequal(type, H5T_IEEE_F64LE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0)
            return ET_HDF5_FLOAT64;
        return ET_HDF5_NO_NUMBER;
    }
    if (H5Tget_precision(type) != size * 8 || H5Tget_offset(type) != 0)
        return ET_HDF5_NO_NUMBER;
    const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
    switch (size) {
    case 1:
        return is_signed ? ET_HDF5_INT8 : ET_HDF5_UINT8;
    case 2:
        return is_signed ? ET_HDF5_INT16 : ET_HDF5_UINT16;
    case 4:
        return is_signed ? ET_HDF5_INT32 : ET_HDF5_UINT32;
    case 8:
        return is_signed ? ET_HDF5_INT64 : ET_HDF5_UINT64;
    default:
        return ET_HDF5_NO_NUMBER;
    }
}

static void describe_number(struct et__hdf5_set *set, hid_t type)
{
    const H5T_class_t class = H5Tget_class(type);
    set->about.number = number_of(type, class, H5Tget_size(type));
    set->is_big_endian = H5Tget_order(type) == H5T_ORDER_BE;
    set->about.kind = ET_HDF5_NUMBERS;
    if (set->about.number == ET_HDF5_NO_NUMBER)
        refuse(set, "numbers of a size that is not read");
}

// Of an enumeration (h5py's bool is one) or a sequence.
static void describe_base(struct et__hdf5_set *set, bool is_blob)
{
    const hid_t base = H5Tget_super(set->type);
    if (base < 0) {
        refuse(set, "a type that cannot be read");
        return;
    }
    const H5T_class_t class = H5Tget_class(base);
    if (class == H5T_INTEGER)
        describe_number(set, base);
    else
        refuse(set, "a type that is not read");
    (void)H5Tclose(base);
    if (!is_blob || set->about.kind == ET_HDF5_OTHER)
        return;
    set->about.kind = ET_HDF5_BLOBS;
    if (set->about.number != ET_HDF5_UINT8 && set->about.number != ET_HDF5_INT8)
        refuse(set, "rows of variable length that are not of bytes");
    set->about.number = ET_HDF5_NO_NUMBER;
}

static void describe_type(const struct et_hdf5 *file, struct et__hdf5_set *set)
{
    const H5T_class_t class = H5Tget_class(set->type);
    set->item_bytes = H5Tget_size(set->type);
    if (class == H5T_INTEGER || class == H5T_FLOAT)
        describe_number(set, set->type);
    else if (class == H5T_ENUM)
        describe_base(set, false);
    else if (class == H5T_VLEN)
        describe_base(set, true);
    else if (class == H5T_STRING)
        set->about.kind = ET_HDF5_TEXTS;
    else
        refuse(set, "a type that is not read");
    set->is_variable =
        class == H5T_VLEN || (class == H5T_STRING && H5Tis_variable_str(set->type) > 0);
    if (set->is_variable) // in the file: a length, an address, an index
        set->item_bytes = 4 + file->n_addr_bytes + 4;
}

static void describe_shape(struct et__hdf5_set *set)
{
    struct et_hdf5_object *about = &set->about;
    hsize_t dims[H5S_MAX_RANK] = {0};
    about->n_rows = about->n_row_values = about->n_chunk_rows = 1;
    if (H5Sget_simple_extent_type(set->space) == H5S_NULL) {
        about->n_dims = 1;
        about->n_rows = 0;
        return;
    }
    about->n_dims = H5Sget_simple_extent_ndims(set->space);
    if (about->n_dims < 0 || about->n_dims > ET_HDF5_DIMS_MAX) {
        about->n_dims = 0;
        refuse(set, "more dimensions than are read");
        return;
    }
    if (H5Sget_simple_extent_dims(set->space, dims, NULL) < 0) {
        refuse(set, "a shape that cannot be read");
        return;
    }
    const int64_t most = (int64_t)(ET_HDF5_ROW_BYTES_MAX / (set->item_bytes ? set->item_bytes : 1));
    for (int i = 0; i < about->n_dims; i++) {
        const int64_t limit = i == 0 ? ET_HDF5_ROWS_MAX : most;
        if (dims[i] > (hsize_t)limit) {
            refuse(set, i == 0 ? "more rows than are read" : "rows larger than are read");
            return;
        }
        about->dims[i] = (int64_t)dims[i];
        if (i == 0)
            about->n_rows = about->dims[i];
        else if (dims[i] > 0 && about->n_row_values > most / about->dims[i])
            refuse(set, "rows larger than are read");
        else
            about->n_row_values *= about->dims[i];
    }
}

static void describe_filters(struct et__hdf5_set *set)
{
    const int n = H5Pget_nfilters(set->dcpl);
    if (n < 0 || n > ET__HDF5_FILTERS_MAX) {
        refuse(set, "more filters than are read");
        return;
    }
    for (int i = 0; i < n; i++) {
        unsigned flags, config, values[8];
        size_t n_values = 8;
        const H5Z_filter_t filter =
            H5Pget_filter2(set->dcpl, (unsigned)i, &flags, &n_values, values, 0, NULL, &config);
        if (filter == H5Z_FILTER_SZIP)
            refuse(set, "compressed by SZIP, which is not read");
        else if (filter == 32000)
            refuse(set, "compressed by LZF, which is not read");
        else if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
                 filter != H5Z_FILTER_FLETCHER32)
            refuse(set, "a filter that is not read");
        set->filters[i] = filter;
    }
    set->n_filters = n;
}

static void describe_chunks(struct et__hdf5_set *set)
{
    struct et_hdf5_object *about = &set->about;
    const int n_dims = H5Pget_chunk(set->dcpl, ET_HDF5_DIMS_MAX, set->chunk);
    size_t bytes = set->item_bytes;
    int64_t row_chunks = 1;
    set->layout = ET__HDF5_CHUNKS;
    if (n_dims != about->n_dims || n_dims < 1 || bytes == 0) {
        refuse(set, "chunks of another shape than the data");
        return;
    }
    for (int i = 0; i < n_dims; i++) {
        if (set->chunk[i] < 1 || set->chunk[i] > ET_HDF5_CHUNK_BYTES_MAX / bytes) {
            refuse(set, "chunks larger than are read");
            return;
        }
        bytes *= set->chunk[i];
        if (i > 0)
            row_chunks *= (about->dims[i] + (int64_t)set->chunk[i] - 1) / (int64_t)set->chunk[i];
        if (row_chunks > ET_HDF5_ROW_CHUNKS_MAX) {
            refuse(set, "rows of more chunks than are read");
            return;
        }
    }
    set->chunk_bytes = bytes;
    about->n_chunk_rows = (int64_t)set->chunk[0];
    describe_filters(set);
}

static void describe_layout(struct et__hdf5_set *set)
{
    switch (H5Pget_layout(set->dcpl)) {
    case H5D_COMPACT:
        set->layout = ET__HDF5_COMPACT;
        return;
    case H5D_CONTIGUOUS:
        if (H5Pget_external_count(set->dcpl) != 0)
            refuse(set, "its data is in another file, which is not followed");
        return;
    case H5D_CHUNKED:
        describe_chunks(set);
        return;
    case H5D_VIRTUAL:
        refuse(set, "a virtual dataset, which is not followed");
        return;
    case H5D_LAYOUT_ERROR:
    case H5D_NLAYOUTS:
    default:
        refuse(set, "a layout that is not read");
        return;
    }
}

void et__hdf5_describe(const struct et_hdf5 *file, struct et__hdf5_set *set)
{
    set->type = H5Dget_type(set->id);
    set->space = H5Dget_space(set->id);
    set->dcpl = H5Dget_create_plist(set->id);
    set->about.n_rows = set->about.n_row_values = set->about.n_chunk_rows = 1;
    if (set->type < 0 || set->space < 0 || set->dcpl < 0) {
        refuse(set, "it cannot be read");
        return;
    }
    describe_type(file, set);
    if (set->about.kind != ET_HDF5_OTHER)
        describe_shape(set);
    if (set->about.kind != ET_HDF5_OTHER)
        describe_layout(set);
    if (set->about.kind == ET_HDF5_BLOBS && set->about.n_row_values != 1)
        refuse(set, "rows of several sequences");
}
