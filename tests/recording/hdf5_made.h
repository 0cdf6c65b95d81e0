/* HDF5 files as make_hdf5.py writes them, once a program. */
#ifndef TESTS_HDF5_MADE_H
#define TESTS_HDF5_MADE_H

/* The path of one of its files; NULL: there is no h5py, and the test is to be skipped. */
const char *hdf5_made(const char *name);

#endif
