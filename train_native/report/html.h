/* Pages that are one file: a template of this program, filled in, under a policy that lets them run their own script,
 * show their own pictures, and nothing else.
 *
 *     const struct html_part parts[] = {{"style.css", (const char *)style_css},
 *                                       {"report.css", (const char *)report_css},
 *                                       {"data", json},
 *                                       {"modules", modules},
 *                                       {0}};
 *     size_t size;
 *     char *page = html_page(&size, report_html, parts);
 *
 * A template holds {{data}} and the like, each with its part. In the Content-Security-Policy of its head,
 * 'sha256-{{script-sha256}}' and 'sha256-{{style-sha256}}' hash its one <script type="module"> and its one <style>. */
#ifndef HTML_H
#define HTML_H

#include <stddef.h>

/* Files of the source, zero-terminated; the Makefile makes them part of the program. */
extern const unsigned char report_html[], report_css[], report_js[], relabel_js[], relabel_view_js[], standalone_html[],
    standalone_js[], index_html[], style_css[], contract_js[], source_js[], pixels_js[], engine_js[], picture_js[],
    view_js[];

struct html_part {
    const char *name, *text; /* put in as it is: neither data nor base64 may hold "<" */
};

/* The caller frees the page. The parts end with {0}; each {{name}} of the template has its part. */
char *html_page(size_t *size, const unsigned char *template, const struct html_part *parts);

/* What stands in a page between <!-- shared: NAME --> and <!-- /shared -->, which it has. The caller frees it. */
char *html_shared(const unsigned char *page, const char *name);

/* Modules as the statements of one script: without their imports, each a line, and the word export. Each module stands
 * behind those that it imports; together they declare no name twice. The list ends with NULL. The caller frees the
 * text. */
char *html_script(const unsigned char *const *modules);

/* Zero-terminated; the caller frees it. */
char *html_base64(const void *bytes, size_t size);

/* JSON for a <script> of data: "<", which stands only in its strings, as \u003c. Replaces the text, which it frees. */
char *html_json(char *json);

#endif
