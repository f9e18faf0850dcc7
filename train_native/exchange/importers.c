/* The formats that the program reads; the module of the page has a table of its own (wasm/importer/exports.c). */
#include "exchange/importer.h"

const struct importer *const importers[] = {
    &onnx_importer, &tflite_importer, &keras_importer, &tfjs_importer, &safetensors_importer, NULL,
};
