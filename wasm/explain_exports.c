/* The maps of core/explain.h: a part of web/teacher.wasm alone. web/engine.js is its only caller.
 *
 *     explain_open() -> status                 after model_open; 0 at once if it is open
 *     explain(class) -> status                 of the picture that was classified last
 *     explain_map() -> address of explain_rows() x explain_columns() floats
 *     explain_heat() -> address of input_height() x input_width() floats; 0: not enough memory
 *     explain_part() -> address of 4 doubles: the part of the picture that the map is of */
#include "instance.h"

#include "explain.h"

static struct {
    struct block workspace, heat;
    struct eyelet_explainer *explainer;
    double part[4];
} explaining;

enum status EXPORT(explain_open)(void)
{
    size_t bytes;
    if (explaining.explainer)
        return STATUS_OK;
    const enum status status = eyelet_explainer_bytes(&bytes, instance.model.bytes, instance.model.size);
    if (status)
        return status;
    if (!reserve(&explaining.workspace, bytes))
        return STATUS_MEMORY;
    return eyelet_explainer_open(&explaining.explainer, explaining.workspace.bytes, instance.model.bytes,
                                 instance.model.size);
}

enum status EXPORT(explain)(int class)
{
    return eyelet_explainer_run(explaining.explainer, eyelet_classifier_pixels(instance.classifier), class);
}

const float *EXPORT(explain_map)(void) { return eyelet_explainer_map(explaining.explainer); }

int EXPORT(explain_rows)(void)
{
    int height, width;
    eyelet_explainer_grid(explaining.explainer, &height, &width);
    return height;
}

int EXPORT(explain_columns)(void)
{
    int height, width;
    eyelet_explainer_grid(explaining.explainer, &height, &width);
    return width;
}

const float *EXPORT(explain_heat)(void)
{
    int height, width, channels;
    eyelet_classifier_input(instance.classifier, &height, &width, &channels);
    if (!reserve(&explaining.heat, (size_t)height * (size_t)width * sizeof(float)))
        return NULL;
    float *const heat = (float *)(void *)explaining.heat.bytes;
    eyelet_explainer_heat(heat, explaining.explainer, height, width);
    return heat;
}

const double *EXPORT(explain_part)(void)
{
    eyelet_classifier_part(explaining.part, instance.classifier);
    return explaining.part;
}
