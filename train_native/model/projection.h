/* A net whose head, beside the classes, projects to a teacher's embedding (training/embedding_matching.h), and the one
 * without, which is what gets written.
 *
 *     struct net projected;
 *     enum status status = projection_attach(&projected, &net, teacher.features);
 *     ... train projected: its first outputs are the classes of net ...
 *     projection_detach(parameters, &net, trained, &projected);       // of net
 *
 * The head is a dense layer, and the projections are more of its outputs: there is no other layer, and nothing that
 * trains, saves or resumes a net has to know of them. */
#ifndef PROJECTION_H
#define PROJECTION_H

#include "net/net.h"

/* STATUS_NODE: the last layer with weights of the net is no dense one; STATUS_LIMIT: there are too many outputs. */
enum status projection_attach(struct net *projected, const struct net *net, int projections);

/* parameters of net: those of projected, but for the projections. */
void projection_detach(float *parameters, const struct net *net, const float *trained, const struct net *projected);

/* The other way: parameters of projected become those of net; its projections stay as they are. */
void projection_fill(float *parameters, const struct net *projected, const float *trained, const struct net *net);

#endif
