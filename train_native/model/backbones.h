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

/* Of the models of the first of these folders that has any, the one with the most multiply-adds for an image: in
 * general the more accurate one (Canziani et al. 2017). The caller frees it. */
char *backbones_find(void);

#endif
