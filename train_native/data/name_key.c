#include "data/name_key.h"

#include "cli/memory.h"
#include "cli/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uchar.h>

/* The canonical decompositions of Unicode, a row for each mark: letters with it, and the same without. */
static const struct accent {
    char16_t mark;
    const char16_t *letters, *bases;
} accents[] = {
    {0x0300, u"ÀÈÌÒÙàèìòùẦầẰằỀềỒồỜờỪừỲỳ", u"AEIOUaeiouÂâĂăÊêÔôƠơƯưYy"},
    {0x0301, u"ÁÉÍÓÚÝáéíóúýĆćĹĺŃńŔŕŚśŹźЃЌѓќẤấẮắẾếỐốỚớỨứ", u"AEIOUYaeiouyCcLlNnRrSsZzГКгкÂâĂăÊêÔôƠơƯư"},
    {0x0302, u"ÂÊÎÔÛâêîôûĈĉĜĝĤĥĴĵŜŝŴŵŶŷẬậỆệỘộ", u"AEIOUaeiouCcGgHhJjSsWwYyẠạẸẹỌọ"},
    {0x0303, u"ÃÑÕãñõĨĩŨũẪẫẴẵẼẽỄễỖỗỠỡỮữỸỹ", u"ANOanoIiUuÂâĂăEeÊêÔôƠơƯưYy"},
    {0x0304, u"ĀāĒēĪīŌōŪū", u"AaEeIiOoUu"},
    {0x0306, u"ĂăĔĕĞğĬĭŎŏŬŭЎЙйўẶặ", u"AaEeGgIiOoUuУИиуẠạ"},
    {0x0307, u"ĊċĖėĠġİŻż", u"CcEeGgIZz"},
    {0x0308, u"ÄËÏÖÜäëïöüÿŸЁЇёї", u"AEIOUaeiouyYЕІеі"},
    {0x0309, u"ẢảẨẩẲẳẺẻỂểỈỉỎỏỔổỞởỦủỬửỶỷ", u"AaÂâĂăEeÊêIiOoÔôƠơUuƯưYy"},
    {0x030a, u"ÅåŮů", u"AaUu"},
    {0x030b, u"ŐőŰű", u"OoUu"},
    {0x030c, u"ČčĎďĚěĽľŇňŘřŠšŤťŽž", u"CcDdEeLlNnRrSsTtZz"},
    {0x0323, u"ẠạẸẹỊịỌọỢợỤụỰựỴỵ", u"AaEeIiOoƠơUuƯưYy"},
    {0x0327, u"ÇçĢģĶķĻļŅņŖŗŞşŢţ", u"CcGgKkLlNnRrSsTt"},
    {0x0328, u"ĄąĘęĮįŲų", u"AaEeIiUu"},
    {0x3099, u"がぎぐげござじずぜぞだぢづでどばびぶべぼゔゞ", u"かきくけこさしすせそたちつてとはひふへほうゝ"},
    {0x3099, u"ガギグゲゴザジズゼゾダヂヅデドバビブベボヴヷヸヹヺヾ",
     u"カキクケコサシスセソタチツテトハヒフヘホウワヰヱヲヽ"},
    {0x309a, u"ぱぴぷぺぽパピプペポ", u"はひふへほハヒフヘホ"},
};
enum { ACCENTS = sizeof accents / sizeof *accents, MAX_MARKS = 3 };

/* Hangul syllables are numbered by their parts (Unicode, 3.12). */
enum {
    SYLLABLES = 0xac00,
    SYLLABLE_COUNT = 11172,
    LEADS = 0x1100,
    VOWELS = 0x1161,
    TAILS = 0x11a7,
    TAIL_COUNT = 28,
    VOWEL_COUNT = 21
};

/* Takes one mark off a letter, if there is one in it: the mark, or 0. */
static uint32_t take_mark(uint32_t *letter)
{
    for (int row = 0; row < ACCENTS; row++)
        for (int i = 0; accents[row].letters[i]; i++)
            if (accents[row].letters[i] == *letter) {
                *letter = accents[row].bases[i];
                return accents[row].mark;
            }
    return 0;
}

static bool is_within(uint32_t x, uint32_t first, uint32_t last) { return x >= first && x <= last; }

static uint32_t lower(uint32_t letter)
{
    if (is_within(letter, 'A', 'Z') || (is_within(letter, 0xc0, 0xde) && letter != 0xd7) ||
        is_within(letter, 0x391, 0x3a9) || is_within(letter, 0x410, 0x42f))
        return letter + 0x20;
    if (is_within(letter, 0x400, 0x40f))
        return letter + 0x50;
    const bool even_is_capital =
        is_within(letter, 0x100, 0x137) || is_within(letter, 0x14a, 0x177) || is_within(letter, 0x1e00, 0x1eff);
    const bool odd_is_capital = is_within(letter, 0x139, 0x148) || is_within(letter, 0x179, 0x17e);
    return letter == 0x178 ? 0xff : letter + ((even_is_capital && !(letter & 1)) || (odd_is_capital && letter & 1));
}

/* ASCII's, the no-break space and the ideographic one; and dashes. */
static bool is_space(uint32_t letter)
{
    return letter == ' ' || letter == '_' || letter == '-' || letter == 0xa0 || is_within(letter, 0x2000, 0x2015) ||
           letter == 0x3000;
}

static uint32_t next_letter(const char **text)
{
    const unsigned char first = (unsigned char)*(*text)++;
    const int more = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t letter = more ? first & (0x3fu >> more) : first;
    for (int i = 0; i < more && **text; i++)
        letter = letter << 6 | (*(*text)++ & 0x3f);
    return letter;
}

/* The code points in hexadecimal: only whether two are equal matters. */
static void print_letter(FILE *out, uint32_t letter, int parts)
{
    uint32_t marks[MAX_MARKS];
    int count = 0;
    if (parts & NAME_KEY_ACCENTS && is_within(letter, SYLLABLES, SYLLABLES + SYLLABLE_COUNT - 1)) {
        const uint32_t index = letter - SYLLABLES, tail = index % TAIL_COUNT, rest = index / TAIL_COUNT;
        fprintf(out, "%x %x ", LEADS + rest / VOWEL_COUNT, VOWELS + rest % VOWEL_COUNT);
        if (tail)
            fprintf(out, "%x ", TAILS + tail);
        return;
    }
    if (parts & NAME_KEY_ACCENTS)
        while (count < MAX_MARKS && (marks[count] = take_mark(&letter)))
            count++;
    fprintf(out, "%x ", parts & NAME_KEY_CASE ? lower(letter) : letter);
    while (count)
        fprintf(out, "%x ", marks[--count]);
}

char *name_key(const char *name, int parts)
{
    char *key;
    size_t size;
    bool begun = false, spaced = false;
    FILE *out = text_open(&key, &size);
    while (*name) {
        const uint32_t letter = next_letter(&name);
        if (parts & NAME_KEY_SPACES && is_space(letter)) {
            spaced = true;
            continue;
        }
        if (begun && spaced)
            print_letter(out, ' ', parts);
        print_letter(out, letter, parts);
        begun = true;
        spaced = false;
    }
    text_close(out);
    return key;
}

/* ---- Twins ---- */

struct keyed_name {
    char *key;
    const char *name;
    int index;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed_name *x = a, *y = b;
    const int order = strcmp(x->key, y->key);
    return order ? order : x->index - y->index;
}

static bool differ_without(const char *a, const char *b, int part)
{
    char *x = name_key(a, NAME_KEY_ALL & ~part), *y = name_key(b, NAME_KEY_ALL & ~part);
    const bool differ = strcmp(x, y) != 0;
    free(x);
    free(y);
    return differ;
}

static void print_twins(FILE *out, const char *a, const char *b)
{
    static const char *const parts[] = {"capitals", "spaces", "encoding of accents"};
    const char *separator = " (";
    fprintf(out, "\"%s\" and \"%s\"", a, b);
    for (int i = 0; i < 3; i++)
        if (differ_without(a, b, 1 << i)) {
            fprintf(out, "%s%s", separator, parts[i]);
            separator = ", ";
        }
    fputc(')', out);
}

char *name_key_twins(int *count, char *const *names, int name_count)
{
    enum { SHOWN = 8 };
    struct keyed_name *keyed = allocate((size_t)name_count, sizeof *keyed);
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    *count = 0;
    for (int i = 0; i < name_count; i++)
        keyed[i] = (struct keyed_name){name_key(names[i], NAME_KEY_ALL), names[i], i};
    qsort(keyed, (size_t)name_count, sizeof *keyed, by_key);
    for (int i = 1; i < name_count; i++)
        if (strcmp(keyed[i].key, keyed[i - 1].key) == 0 && (*count)++ < SHOWN) {
            fputs(*count > 1 ? "; " : "", out);
            print_twins(out, keyed[i - 1].name, keyed[i].name);
        }
    if (*count > SHOWN)
        fputs("; ...", out);
    text_close(out);
    for (int i = 0; i < name_count; i++)
        free(keyed[i].key);
    free(keyed);
    if (*count)
        return text;
    free(text);
    return NULL;
}
