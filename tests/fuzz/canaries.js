/* Bugs to plant, for fuzzers to find: each is a change of one source file, as a slip of the hand would make it.
 *
 *     plantedIn(canaries[0], source)             // the source with the bug; throws if the text to change is not there exactly once
 *
 * When a source changes so that a text is gone, tests/fuzz/canaries.test.js says so: plant the like in the new code. */

/* name: what is wrong; target: that finds it; variant: of which build, default `fuzz`; file, from, to: the change. */
export const canaries = [
    { name: 'labels: the length byte is not counted', target: 'model', file: 'core/net/model_read.c', from: 'at + 1 + p[at] > size', to: 'at + p[at] > size' },
    { name: 'labels: other classes than the last node has', target: 'model', file: 'core/net/model_read.c',
        from: 'i < net_classes(&model->net); i++) {\n        if (at >= size', to: 'i < net_classes(&model->net) - 1; i++) {\n        if (at >= size' },
    { name: 'notes: may reach past the file', target: 'model', file: 'core/net/model_read.c', from: 'if (*offset > size)\n        return STATUS_TRUNCATED;', to: '' },
    { name: 'node count: may be more than there are', target: 'model', file: 'core/net/model_read.c', from: 'if (offset > size)\n        return STATUS_TRUNCATED;', to: '' },
    { name: 'nodes: may read their own output', target: 'classify', file: 'core/net/net.c', from: 'within(node->input[0], 0, index)', to: 'within(node->input[0], 0, index + 1)' },
    { name: 'nodes: channels that groups do not divide', target: 'classify', file: 'core/net/net.c', from: 'in.c % node->groups || ', to: '' },
    { name: 'nodes: padding of any size', target: 'classify', file: 'core/net/net.c', from: 'valid = valid && within(', to: '(void)within(' },
    { name: 'weights: int8 has one scale for all channels', target: 'model', file: 'core/net/model_fields.c', from: '4 * (uint64_t)model->net.shapes[node + 1].c + count', to: '4 + count' },
    { name: 'weights: may be infinite', target: 'model', file: 'core/net/model_weights.c', from: 'values[k] - values[k] == 0;', to: 'values[k] == values[k];' },
    { name: 'examples: a class too many', target: 'model', file: 'core/net/model_read.c', from: 'model_example_class(model, i) >= net_classes', to: 'model_example_class(model, i) > net_classes' },
    { name: 'examples: thumbnails of one channel', target: 'model', file: 'core/net/model_fields.c', from: '3 * count * side * side', to: 'count * side * side' },
    { name: 'training: a colour that no byte holds', target: 'train', file: 'core/training/augment.c', from: 'return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)(value + 0.5f);', to: 'return (uint8_t)(value + 0.5f);' },
    { name: 'teacher: the head is counted twice', target: 'teacher', file: 'core/teacher_file.c', from: 'i < teacher->head; i++', to: 'i <= teacher->head; i++' },
    { name: 'teacher: a head in front of the embedding', target: 'teacher', file: 'core/training/tail.c', from: '*head < net->embedding || ', to: '' },
    { name: 'teacher: a head in groups', target: 'teacher', file: 'core/training/tail.c', from: 'node->groups <= 1 && ', to: '' },
    { name: 'teacher: weights that float16 does not hold', target: 'teacher', file: 'core/training/tail.c', from: 'if (!model_parameters(tail->unpacked, model, i))\n                return false;',
        to: '(void)model_parameters(tail->unpacked, model, i);' },
    { name: 'JSON: a text that nothing ends', target: 'json', file: 'wasm/importer/json.c', from: 'if (close >= reader->end)', to: 'if (close > reader->end)' },
    { name: 'JSON: brackets without a limit', target: 'json', file: 'wasm/importer/json.c', from: 'if (depth == 0 || depth > JSON_TREE_MAX_DEPTH)', to: 'if (depth == 0)' },
    { name: 'JSON: a number longer than its place', target: 'json', file: 'wasm/importer/json.c', from: 'length < USUAL_NUMBER ?', to: 'length <= USUAL_NUMBER ?' },
    { name: 'JSON: the second half of a character alone', target: 'json', file: 'wasm/importer/json.c', from: 'if (low < 0xdc00 || low >= 0xe000)', to: 'if (low < 0)' },
    { name: 'network: a name longer than its place', target: 'network', file: 'train_native/model/network.c', from: ' || length > NAME_SIZE) {', to: ') {' },
    { name: 'network: words without a limit', target: 'network', file: 'train_native/model/network_words.c', from: 'if (count == WORDS_MAX) {', to: 'if (count > WORDS_MAX) {' },
    { name: 'graph: padding of any size', target: 'graph', file: 'train_native/exchange/graph_windows.c', from: ' || window->padding[k] > LIMIT_PADDING', to: '' },
    { name: 'graph: dimensions in any number', target: 'graph', file: 'train_native/exchange/graph_axes.c', from: 'rank < 0 || rank > GRAPH_RANK', to: 'rank < 0' },
    { name: 'options: a run folder without a name', target: 'options', file: 'train_native/commands/train_options.c', from: 'while (end > 0 && folder[end - 1]', to: 'while (folder[end - 1]' },
    { name: 'safetensors: groups have all the inputs', target: 'export', file: 'train_native/exchange/safetensors.c', from: 'in = window.in.c / groups;', to: 'in = window.in.c;' },
    { name: 'protobuf: room for what comes first', target: 'export', file: 'train_native/exchange/protobuf.c', from: 'out->room = 2 * (out->size + count);', to: 'out->room = 2 * out->size + 64;' },
    { name: 'EXIF: a tag beyond the end of its directory', target: 'header', file: 'core/image/tiff.c', from: 'left && size - at >= ENTRY;', to: 'left && at < size;' },
    { name: 'PNG: a distance behind the beginning', target: 'picture', file: 'core/image/inflate.c', from: 'in.count < 0 || distance > (size_t)(out - inflate->buffer)', to: 'in.count < 0' },
    { name: 'JPEG: more codes than their length has', target: 'picture', file: 'core/image/jpeg_huffman.c', from: 'code + counts[length - 1] > 1u << length || ', to: '' },
    { name: 'BMP: pixels that no run sets', target: 'picture', variant: 'fuzz-memory', file: 'core/image/bmp.c',
        from: 'for (size_t i = 0; i < (size_t)bmp->width * (size_t)bmp->height; i++)\n        put_colour(rgba + i * 4, bmp, 0);', to: '' },
    { name: 'BMP: runs may end past the row', target: 'picture', file: 'core/image/bmp.c', from: 'i < count && x < bmp->width; i++', to: 'i < count; i++' },
    { name: 'BMP: rows that begin too late', target: 'picture', file: 'core/image/bmp.c', from: 'start > size || needed > size - start', to: 'start > size || needed > size' },
    { name: 'survey: the sizes of no images', target: 'survey', file: 'train_native/data/survey.c', from: 'if (sized) {', to: 'if (survey->count) {' },
    { name: 'checkpoint: a state that is cut off', target: 'checkpoint', file: 'train_native/model/checkpoint.c', from: '!zero || (size_t)(end - zero - 1) < STATE_BYTES', to: '!zero' },
    { name: 'checkpoint: more images than there are', target: 'checkpoint', file: 'train_native/model/checkpoint.c', from: 'if (so_far->count > images)', to: 'if (so_far->count < 0)' },
    { name: 'ONNX: raw bytes that are too few', target: 'onnx', file: 'train_native/exchange/onnx_tensor.c', from: 'if (raw->size != out->count * (size_t)bytes)', to: 'if (raw->size > out->count * (size_t)bytes)' },
    { name: 'ONNX: lists that are too short', target: 'onnx', file: 'train_native/exchange/onnx_tensor.c', from: 'if (there != out->count)', to: 'if (there > out->count)' },
    { name: 'ONNX: numbers behind the end of another file', target: 'onnx', file: 'train_native/exchange/onnx_tensor.c', from: '|| (length && count > size - first)', to: '' },
    { name: 'FlatBuffers: a list that goes on to the end', target: 'tflite', file: 'train_native/exchange/flatbuffer.c', from: 'count > (buffer->size - behind) / vector.bytes', to: 'count > buffer->size - behind' },
    { name: 'TFLite: a tensor too many', target: 'tflite', file: 'train_native/exchange/tflite_tensors.c', from: 'index >= 0 && index < model->tensor_count', to: 'index >= 0 && index <= model->tensor_count' },
    { name: 'TFLite: constants of more numbers than bytes', target: 'tflite', file: 'train_native/exchange/tflite_tensors.c',
        from: 'count < 0 || (uint64_t)count * type_bytes(tensor->type) != tensor->data.count)', to: 'count < 0)' },
    { name: 'TensorFlow.js: weights behind their shard', target: 'tfjs', file: 'train_native/exchange/tfjs_weights.c', from: 'if (needed > left) {', to: 'if (needed > group->size) {' },
    { name: 'Keras: a call that there is not', target: 'tfjs', file: 'train_native/exchange/keras_model.c', from: 'return place->layer && place->call < place->layer->calls;', to: 'return place->layer != NULL;' },
    { name: 'safetensors: a tensor of more values than bytes', target: 'safetensors', file: 'train_native/exchange/safetensors_tensors.c',
        from: 'return (size_t)end - *offset == count * (size_t)dtype->bytes;', to: 'return (size_t)end - *offset <= count * (size_t)dtype->bytes;' },
    { name: 'zip: a folder that is no whole name', target: 'zip', file: 'train_native/exchange/package_zip.c', from: 'strlen(zip->entries[i].name) <= length ||', to: '' },
    { name: 'zip: a name with a backslash', target: 'zip', file: 'train_native/exchange/package_zip.c', from: " || strchr(name, '\\\\'))", to: ')' },
    { name: 'zip: no place for the zero', target: 'zip', file: 'train_native/exchange/package_zip.c', from: 'allocate_or_null(entry->size + 1, 1)', to: 'allocate_or_null(entry->size, 1)' },
    { name: 'labels: longer than a model may have', target: 'labels', file: 'train_native/exchange/import_labels.c', from: 'if (to + taken - labels[i] > LIMIT_LABEL)\n                break;', to: '' },
    { name: 'preprocessing: numbers that are none', target: 'labels', file: 'train_native/exchange/import_preprocess.c', from: 'end == text || !isfinite(number) ||', to: 'end == text ||' },
    { name: 'preprocessing: a side of any size', target: 'labels', file: 'train_native/exchange/import_preprocess.c', from: '!*end && side >= larger(input.h, input.w) && side <= LIMIT_SHORTER_SIDE', to: '!*end && side >= larger(input.h, input.w)' },
    { name: 'table: a quote that nothing follows', target: 'table', file: 'train_native/data/table.c', from: 'if (p == cursor->end)\n            return NULL;', to: '' },
    { name: 'table: a row without fields is kept', target: 'table', file: 'train_native/data/table.c', from: 'return column < row->fields ?', to: 'return column <= row->fields ?' },
    { name: 'table: UTF-16 of an odd size', target: 'table', file: 'train_native/data/table.c', from: 'if (size - at < 2)\n            return false;', to: '' },
    { name: 'csv: a row with a fault gets a class', target: 'csv', file: 'train_native/data/csv.c', from: 'if (labels[i])\n            list->photos', to: 'list->photos' },
    { name: 'idx: values that are not there', target: 'idx', file: 'train_native/data/idx.c', from: 'if (size - header != count)', to: 'if (size - header > count)' },
    { name: 'gzip: a header that goes on to the end', target: 'idx', file: 'train_native/data/gzip.c', from: 'at < end ? memchr(bytes + at, 0, end - at) : NULL', to: 'memchr(bytes + at, 0, size)' },
    { name: 'cifar: a record too many', target: 'cifar', file: 'train_native/data/cifar.c', from: 'if (file->size != record_bytes * (size_t)file->records)', to: 'if (file->size + record_bytes < record_bytes * (size_t)file->records)' },
];

export function plantedIn({ file, from, to }, source) {
    if (source.split(from).length !== 2)
        throw new Error(`${file} has ${source.split(from).length - 1} times the text to change: ${from}`);
    return source.replace(from, () => to);
}
