/* What noise on sums of clipped updates hides: (epsilon, delta) differential privacy of a client, by Renyi accounting.
 *
 *     const struct privacy privacy = {.noise = 4, .sample = 0.01, .rounds = 10000, .delta = 1e-5};
 *     printf("epsilon %.2f\n", privacy_epsilon(&privacy));       // 1.26 (Abadi et al. 2016, section 3.2)
 *
 * Each round adds N(0, (z C)^2) to a sum in which a client counts with norm C at most; noise is z. One round has, at
 * order a, the Renyi divergence
 *
 *     a / (2 z^2)                                                                       all clients take part
 *     1 / (a - 1) log sum_{k=0..a} binomial(a, k) (1 - q)^(a - k) q^k e^((k^2 - k) / (2 z^2))
 *                                                                    each does with probability q, for itself
 *
 * (Mironov 2017, "Renyi Differential Privacy", corollary 3; Mironov, Talwar and Zhang 2019, "Renyi Differential Privacy
 * of the Sampled Gaussian Mechanism", section 3.3, for whole a > 1). Rounds add up, and  epsilon = rounds times that +
 * log(1 / delta) / (a - 1)  (Mironov 2017, proposition 3), at the order where it is least: of any real a > 1 in the first
 * case, of whole ones up to 512 in the second, which can only be too large. */
#ifndef PRIVACY_H
#define PRIVACY_H

struct privacy {
    double noise;  /* z, above 0 */
    double sample; /* q, above 0; 1: all */
    int rounds;    /* 1 or more */
    double delta;  /* above 0, below 1 */
};

/* Of one round, at a whole order of 2 or more. */
double privacy_divergence(const struct privacy *privacy, int order);

double privacy_epsilon(const struct privacy *privacy);

#endif
