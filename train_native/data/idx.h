/* MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017): IDX files, also gzipped. */
#ifndef IDX_H
#define IDX_H

#include "data/record_source.h"

extern const struct record_source idx_source;

#endif
