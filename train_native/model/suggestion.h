/* Active learning: which of many unlabelled images to label next. Those that the model is least sure of (margin
 * sampling, Scheffer et al. 2001), and among them ones that are unlike each other, so that a hundred pictures of one
 * doubtful thing do not fill the list (cf. Sener and Savarese 2018).
 *
 *     int chosen[20];
 *     const int count = suggestion_choose(chosen, 20, margins, embeddings, images, dimensions); */
#ifndef SUGGESTION_H
#define SUGGESTION_H

/* Chooses greedily: first the image of the smallest margin, then each time the one with the greatest (1 - margin) *
 * (1 - cosine of its embedding and that of the most similar chosen one); the first among equals. How many were chosen:
 * `wanted`, or all `count`.
 *
 * margins (count): the best class's probability less the second best's. embeddings (count, dimensions), each brought
 * to length 1 here. */
int suggestion_choose(int *chosen, int wanted, const float *margins, float *embeddings, int count, int dimensions);

#endif
