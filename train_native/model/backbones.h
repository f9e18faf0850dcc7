/* Trained models that are at hand as a start for others.
 *
 *     char *path = backbones_find();                 // NULL: none
 *     free(path);
 *
 * Looked for in $EYELET_BACKBONES alone, if it is set; else in the user's cache ($XDG_CACHE_HOME/eyelet or
 * ~/.cache/eyelet), where `eyelet import NAME` puts what it has fetched; and where there is none in the folders that come
 * with the program: PREFIX/share/eyelet of one that is installed, web/models of one that was built in its folder. */
#ifndef BACKBONES_H
#define BACKBONES_H

/* The path of one of the models of the first of these folders that has any; the caller frees it.
 *
 * Of those that tell at least half as many classes apart as the one that tells most of them, that is the one with the
 * most multiply-adds for an image. What was trained on more kinds of things has features for more of them: a model of ten
 * classes is not the better start for its being larger. Of models of about as many classes the larger one is in general
 * the more accurate (Canziani et al. 2017), and accuracy carries over (Kornblith et al. 2019). What is no model is
 * named on standard error, and passed over. */
char *backbones_find(void);

#endif
