/* CIFAR-10 and CIFAR-100 (Krizhevsky 2009), binary version. */
#ifndef CIFAR_H
#define CIFAR_H

#include "data/record_source.h"

extern const struct record_source cifar10_source, cifar100_source;

#endif
