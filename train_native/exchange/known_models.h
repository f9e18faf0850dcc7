/* Published networks that `eyelet import` knows by name, and where their makers publish them.
 *
 *     const struct known_model *known = known_model_named("mobilenet_v2");
 *     if (known)
 *         printf("%s: %s\n", known->url, known->licence);
 */
#ifndef KNOWN_MODELS_H
#define KNOWN_MODELS_H

struct known_model {
    const char *name, *about;     /* "MobileNetV2 1.0, 3.5 M parameters, 224x224" */
    const char *url, *sha256;     /* of the file */
    const char *source, *licence; /* shown, and kept in the model's notes */
    const char *preprocess;       /* as import_preprocess.h says */
    int megabytes;
};

extern const struct known_model known_models[]; /* small to large; ends with a name of NULL */

/* NULL: none. */
const struct known_model *known_model_named(const char *name);

#endif
