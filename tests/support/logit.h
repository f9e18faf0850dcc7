/* A logit of a net as a function of the last feature map, for the oracle.
 *
 *     struct logit logit = {.net = &net, .parameters = parameters, .class = 1};
 *     logit_start(&logit, image);                               // tensor[net.kept] holds the map's values
 *     double value = logit_value(&logit);                       // after they have been changed */
#ifndef LOGIT_H
#define LOGIT_H

#include "support/oracle.h"

struct logit {
    const struct net *net; /* with net->kept */
    double *tensor[LIMIT_NODES + 1];
    const double *parameters;
    int class;
};

/* Computes the whole net for an image (h, w, c). */
void logit_start(struct logit *logit, const float *image);

/* From the map on. */
double logit_value(void *logit);

#endif
