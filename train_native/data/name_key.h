/* Names that a person would take for one: those with equal keys.
 *
 *     char *a = name_key("Banana", NAME_KEY_ALL), *b = name_key("banana ", NAME_KEY_ALL);
 *     bool same = strcmp(a, b) == 0;        // true
 *
 * Without tables of Unicode. Letters of one case: Latin (ASCII, Latin-1, Latin Extended-A and Additional), Greek and
 * Cyrillic without their rarer letters. Accents in one encoding, composed or decomposed: those of these Latin letters,
 * Cyrillic, kana and Hangul. */
#ifndef NAME_KEY_H
#define NAME_KEY_H

/* What is not told apart. */
enum name_key_part {
    NAME_KEY_CASE = 1,    /* capitals */
    NAME_KEY_SPACES = 2,  /* spaces, _ and - of any length and kind; none at either end */
    NAME_KEY_ACCENTS = 4, /* how accents are encoded */
    NAME_KEY_ALL = 7
};

/* name: valid UTF-8. parts: of enum name_key_part. The caller frees the key. */
char *name_key(const char *name, int parts);

/* Those among them, as text with what they differ in: "Banana" and "banana" (capitals). The first few; NULL: there are
 * none. *count: how many. The caller frees the text. */
char *name_key_twins(int *count, char *const *names, int name_count);

#endif
