#include "commands/sweep_runs.h"

#include "cli/text.h"
#include "model/interval.h"

#include <stdio.h>
#include <string.h>

/* In pixels: the plot, its margins, and a line of the legend. */
enum { WIDTH = 640, LEFT = 60, RIGHT = 20, TOP = 40, HEIGHT = 320, BOTTOM = 50, LEGEND_LINE = 18 };

/* Colours that can be told apart by colour-blind people (Okabe and Ito 2008), in turn. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
enum { COLOURS = sizeof colours / sizeof *colours };

struct axes {
    double low, high; /* accuracies */
    int values;       /* of the first factor */
};

static double across(const struct axes *axes, int value)
{
    const double left = LEFT, room = WIDTH - LEFT - RIGHT;
    return left + room * (value + 0.5) / axes->values;
}

static double down(const struct axes *axes, double accuracy)
{
    const double top = TOP, room = HEIGHT - TOP - BOTTOM;
    return top + room * (axes->high - accuracy) / (axes->high - axes->low);
}

static void print_text(FILE *out, const char *text)
{
    for (; *text; text++)
        if (strchr("&<>", *text))
            fprintf(out, "&#%d;", *text);
        else
            fputc((unsigned char)*text < ' ' ? '?' : *text, out);
}

/* From the lowest end of an interval to the highest, with some room. */
static struct axes axes_of(const struct sweep_runs *runs)
{
    const double room = 0.02;
    struct axes axes = {1, 0, runs->factors[0].values.count};
    for (int i = 0; i < runs->count; i++) {
        const struct interval interval = interval_of(runs->results[i].right, runs->results[i].count);
        if (!runs->complete[i])
            continue;
        axes.low = interval.low < axes.low ? interval.low : axes.low;
        axes.high = interval.high > axes.high ? interval.high : axes.high;
    }
    axes.low = axes.low > room ? axes.low - room : 0;
    axes.high = axes.high < 1 - room ? axes.high + room : 1;
    return axes;
}

static void print_axes(FILE *out, const struct sweep_runs *runs, const struct axes *axes)
{
    const int ticks = 5;
    for (int i = 0; i <= ticks; i++) {
        const double accuracy = axes->low + (axes->high - axes->low) * i / ticks, y = down(axes, accuracy);
        fprintf(out, "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>", LEFT, y, WIDTH - RIGHT);
        fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.1f %%</text>\n", LEFT - 8, y + 4, 100 * accuracy);
    }
    for (int i = 0; i < axes->values; i++) {
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">", across(axes, i), HEIGHT - BOTTOM + 20);
        print_text(out, runs->factors[0].values.texts[i]);
        fputs("</text>\n", out);
    }
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10);
    print_text(out, runs->factors[0].option + 2);
    fprintf(out, "</text>\n<text x=\"8\" y=\"20\">validation accuracy, with its 95 %% interval</text>\n");
}

/* The runs with one combination of the other factors, `line` of `lines`. */
static void print_line(FILE *out, const struct sweep_runs *runs, const struct axes *axes, int line, int lines)
{
    bool begun = false;
    fprintf(out, "<g stroke=\"%s\" fill=\"none\" stroke-width=\"2\"><path d=\"", colours[line % COLOURS]);
    for (int i = line; i < runs->count; i += lines) {
        if (!runs->complete[i])
            continue;
        fprintf(out, "%c%.1f %.1f", begun ? 'L' : 'M', across(axes, i / lines),
                down(axes, (double)runs->results[i].right / runs->results[i].count));
        begun = true;
    }
    fputs("\"/>", out);
    for (int i = line; i < runs->count; i += lines) {
        const struct train_result *result = &runs->results[i];
        const struct interval interval = interval_of(result->right, result->count);
        const double x = across(axes, i / lines) + 3 * (line % COLOURS);
        if (runs->complete[i])
            fprintf(out, "<path stroke-width=\"1\" d=\"M%.1f %.1fV%.1f\"/><circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", x,
                    down(axes, interval.low), down(axes, interval.high), across(axes, i / lines),
                    down(axes, (double)result->right / result->count));
    }
    fputs("</g>\n", out);
    if (runs->factor_count < 2)
        return;
    fprintf(out, "<text x=\"%d\" y=\"%d\" fill=\"%s\">", LEFT, HEIGHT + LEGEND_LINE * line + 10,
            colours[line % COLOURS]);
    for (int factor = 1; factor < runs->factor_count; factor++) {
        print_text(out, runs->factors[factor].option + 2);
        fputc(' ', out);
        print_text(out, sweep_value(runs, line, factor));
        fputs(factor + 1 < runs->factor_count ? ", " : "</text>\n", out);
    }
}

char *sweep_plot(const struct sweep_runs *runs)
{
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    const struct axes axes = axes_of(runs);
    const int lines = runs->count / axes.values;
    const int height = HEIGHT + (runs->factor_count > 1 ? LEGEND_LINE * lines : 0);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            WIDTH, height, WIDTH, height);
    print_axes(out, runs, &axes);
    for (int line = 0; line < lines; line++)
        print_line(out, runs, &axes, line, lines);
    fputs("</svg>\n", out);
    text_close(out);
    return text;
}
