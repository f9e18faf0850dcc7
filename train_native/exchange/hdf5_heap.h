/* Checks of an HDF5 file what libhdf5 believes: where texts of any length lie.
 *
 *     if (!hdf5_heap_valid(bytes, size))
 *         failure_set(&failure, "model.h5", NULL, "the HDF5 file is damaged");
 *
 * They are objects of global heap collections, and an attribute refers to one by length, address of the collection and
 * index (HDF5 File Format Specification 3.0, III.E and IV.A.2.d). libhdf5 1.10 reads and writes behind its blocks where an
 * object ends behind its collection or is longer than a reference says, and hangs at free space of no bytes. */
#ifndef HDF5_HEAP_H
#define HDF5_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether every collection, and every reference to an object that is there, holds together. */
bool hdf5_heap_valid(const uint8_t *bytes, size_t size);

#endif
