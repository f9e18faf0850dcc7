"""Prints keras.json: models as Keras writes them (.h5 as Keras 2.15 does, .keras, by the files in it, as Keras 3.8), files
that only look like that, and what the models compute, by NumPy in float64. Needs h5py and numpy (Debian: python3-h5py).

    python3 tests/golden/keras.py > tests/golden/keras.json

The layout is that of keras/src/saving/saving_lib.py and keras/src/legacy/saving/legacy_h5_format.py: names, order and forms
of groups, attributes and arrays."""
import base64
import gzip
import io
import json
import os
import sys
import tempfile

import h5py
import numpy as np

os.chdir(tempfile.mkdtemp()) # for what a file with external storage makes beside it
random = np.random.default_rng(7)
SIDE = 8


def weights(*shape, scale=None):
    scale = scale or 1 / np.sqrt(np.prod(shape[:-1]) or 1)
    return (random.standard_normal(shape) * scale).astype(np.float32)


def variances(count):
    return (0.5 + np.abs(random.standard_normal(count))).astype(np.float32)


# ---- What the layers compute, (h, w, c) ----

def padded(x, kernel, stride):
    """As SAME: out = ceil(in / stride), the odd cell of padding behind."""
    pads = []
    for size, k in zip(x.shape[:2], kernel):
        need = max((-(-size // stride) - 1) * stride + k - size, 0)
        pads.append((need // 2, need - need // 2))
    return np.pad(x, [*pads, (0, 0)])


def windows(x, kernel, stride):
    x = padded(x, kernel, stride)
    for i in range(0, x.shape[0] - kernel[0] + 1, stride):
        yield [x[i:i + kernel[0], j:j + kernel[1]] for j in range(0, x.shape[1] - kernel[1] + 1, stride)]


def conv(x, kernel, bias, stride=1):
    return np.array([[np.einsum('hwi,hwio->o', w, kernel) + bias for w in row] for row in windows(x, kernel.shape[:2], stride)])


def depthwise(x, kernel):
    return np.array([[np.einsum('hwc,hwc->c', w, kernel[..., 0]) for w in row] for row in windows(x, kernel.shape[:2], 1)])


def normalised(x, gamma, beta, mean, variance, epsilon):
    return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta


def maxpool2(x):
    return x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2, -1).max((1, 3))


# ---- Configurations ----

def keras2(name, class_name, **config):
    return {'class_name': class_name, 'config': {'name': name, 'trainable': True, 'dtype': 'float32', **config}}


def keras3(name, class_name, **config):
    policy = {'module': 'keras', 'class_name': 'DTypePolicy', 'config': {'name': 'float32'}, 'registered_name': None}
    return {'module': 'keras.layers', 'class_name': class_name, 'registered_name': None, 'build_config': {},
            'config': {'name': name, 'trainable': True, 'dtype': policy, **config}}


def window(filters=None, **settings):
    return {**({'filters': filters} if filters else {}), 'kernel_size': [3, 3], 'strides': [1, 1], 'padding': 'same',
            'data_format': 'channels_last', 'dilation_rate': [1, 1], 'groups': 1, 'activation': 'linear', 'use_bias': True, **settings}


def sequential(layer, shape_key):
    first = layer('conv2d_input', 'InputLayer', **{shape_key: [None, SIDE, SIDE, 3]})
    return {'name': 'small', 'layers': [
        first, layer('conv2d', 'Conv2D', **window(4)),
        layer('batch_normalization', 'BatchNormalization', axis=-1 if layer is keras3 else [3], momentum=0.99, epsilon=0.001, center=True, scale=True),
        layer('activation', 'Activation', activation='relu'),
        layer('max_pooling2d', 'MaxPooling2D', pool_size=[2, 2], padding='valid', strides=[2, 2], data_format='channels_last'),
        layer('conv2d_1', 'Conv2D', **window(6, activation='relu')),
        layer('flatten', 'Flatten', data_format='channels_last'), layer('dropout', 'Dropout', rate=0.5),
        layer('dense', 'Dense', units=5, activation='softmax', use_bias=True)]}


def linked(layer, *inputs):
    """The layer, reading these: in Keras 2 by lists, in Keras 3 by tensors."""
    layer['name'] = layer['config']['name']
    if 'module' not in layer:
        layer['inbound_nodes'] = [[[name, 0, 0, {}] for name in inputs]] if inputs else []
        return layer
    tensors = [{'class_name': '__keras_tensor__', 'config': {'shape': [None], 'dtype': 'float32', 'keras_history': [name, 0, 0]}} for name in inputs]
    layer['inbound_nodes'] = [{'args': tensors if len(tensors) == 1 else [tensors], 'kwargs': {}}] if inputs else []
    return layer


def functional(layer, shape_key):
    inner = {'name': 'block', 'trainable': True, 'layers': [
        linked(layer('inner', 'InputLayer', **{shape_key: [None, 4, 4, 4]})),
        linked(layer('depthwise', 'DepthwiseConv2D', depth_multiplier=1, **window(use_bias=False)), 'inner'),
        linked(layer('batch_normalization', 'BatchNormalization', axis=-1, momentum=0.99, epsilon=0.01, center=True, scale=False), 'depthwise'),
        linked(layer('relu', 'ReLU', max_value=6.0, negative_slope=0.0, threshold=0.0), 'batch_normalization')],
        'input_layers': [['inner', 0, 0]], 'output_layers': [['relu', 0, 0]]}
    block = layer('block', 'Functional')
    block['config'] = inner
    return {'name': 'branched', 'trainable': True, 'layers': [
        linked(layer('image', 'InputLayer', **{shape_key: [None, SIDE, SIDE, 3]})),
        linked(layer('rescaling', 'Rescaling', scale=1 / 127.5, offset=-1), 'image'),
        linked(layer('normalization', 'Normalization', axis=[-1], invert=False, mean=None, variance=None), 'rescaling'),
        linked(layer('stem', 'Conv2D', **window(4, strides=[2, 2], activation='relu')), 'normalization'),
        linked(block, 'stem'), linked(layer('add', 'Add'), 'block', 'stem'),
        linked(layer('head', 'Conv2D', **window(6, kernel_size=[1, 1], use_bias=False, activation='tanh')), 'add'),
        linked(layer('pool', 'GlobalAveragePooling2D', data_format='channels_last', keepdims=False), 'head'),
        linked(layer('dense', 'Dense', units=4, activation='softmax', use_bias=True), 'pool')],
        'input_layers': [['image', 0, 0]], 'output_layers': [['dense', 0, 0]]}


# ---- Files ----

def written(fill, **settings):
    out = io.BytesIO()
    with h5py.File(out, 'w', **settings) as file:
        fill(file)
    return out.getvalue()


def fill_h5(file, class_name, config, layers, version='2.15.0', store=None):
    """layers: name -> [(name of a weight, its values)], every layer of the model."""
    file.attrs['keras_version'], file.attrs['backend'] = version.encode(), b'tensorflow'
    file.attrs['model_config'] = json.dumps({'class_name': class_name, 'config': config}).encode()
    group = file.create_group('model_weights')
    group.attrs['layer_names'] = np.asarray([name.encode() for name in layers])
    group.attrs['backend'], group.attrs['keras_version'] = b'tensorflow', version.encode()
    for name in sorted(layers):
        layer = group.create_group(name)
        layer.attrs['weight_names'] = np.asarray([weight.encode() for weight, _ in layers[name]])
        for weight, values in layers[name]:
            (store or (lambda layer, weight, values: layer.create_dataset(weight, data=values)))(layer, weight, values)


def archive(class_name, config, arrays, version='3.8.0'):
    """arrays: path of a layer -> the values of its weights."""
    def fill(file):
        file.create_group('vars')
        for path, values in arrays.items():
            group = file.create_group(path).create_group('vars')
            for i, value in enumerate(values):
                group[str(i)] = value
    return {'metadata.json': json.dumps({'keras_version': version, 'date_saved': '2025-01-01@00:00:00'}).encode(),
            'config.json': json.dumps({'module': 'keras', 'class_name': class_name, 'config': config, 'registered_name': class_name}).encode(),
            'model.weights.h5': written(fill)}


def pixels():
    y, x, c = np.ogrid[:SIDE, :SIDE, :3]
    return ((y * 37 + x * 59 + c * 83 + y * x * 7) % 256).astype(np.float64)


files, logits = {}, {}

# ---- A Sequential ----

conv1, conv1_bias, gamma, beta, mean, variance = weights(3, 3, 3, 4), weights(4), variances(4), weights(4), weights(4, scale=0.1), variances(4)
conv2, conv2_bias, dense, dense_bias = weights(3, 3, 4, 6), weights(6), weights(96, 5), weights(5)
x = np.maximum(normalised(conv(pixels() / 127.5 - 1, conv1, conv1_bias), gamma, beta, mean, variance, 0.001), 0)
logits['sequential'] = np.maximum(conv(maxpool2(x), conv2, conv2_bias), 0).reshape(-1) @ dense + dense_bias
in_h5 = {'conv2d': [('conv2d/kernel:0', conv1), ('conv2d/bias:0', conv1_bias)],
         'batch_normalization': [(f'batch_normalization/{name}:0', values) for name, values in
                                 [('gamma', gamma), ('beta', beta), ('moving_mean', mean), ('moving_variance', variance)]],
         'activation': [], 'max_pooling2d': [], 'conv2d_1': [('conv2d_1/kernel:0', conv2), ('conv2d_1/bias:0', conv2_bias)],
         'flatten': [], 'dropout': [], 'dense': [('dense/kernel:0', dense), ('dense/bias:0', dense_bias)]}
files['sequential.h5'] = written(lambda file: fill_h5(file, 'Sequential', sequential(keras2, 'batch_input_shape'), in_h5))
files['sequential.keras'] = archive('Sequential', sequential(keras3, 'batch_shape'), {
    'layers/conv2d': [conv1, conv1_bias], 'layers/batch_normalization': [gamma, beta, mean, variance], 'layers/activation': [],
    'layers/max_pooling2d': [], 'layers/conv2d_1': [conv2, conv2_bias], 'layers/flatten': [],
    'layers/dropout': [], 'layers/dropout/seed_generator': [np.array([1, 2], np.uint32)], 'layers/dense': [dense, dense_bias]})

# ---- A Functional with a model in it ----

centre, spread, count = weights(3, scale=0.1), variances(3), np.array(0, np.int64)
stem, stem_bias, depth, shift = weights(3, 3, 3, 4), weights(4), weights(3, 3, 4, 1, scale=0.5), weights(4)
inner_mean, inner_variance, head, out, out_bias = weights(4, scale=0.1), variances(4), weights(1, 1, 4, 6), weights(6, 4, scale=2), weights(4)
x = (pixels() / 127.5 - 1 - centre) / np.sqrt(spread)
x = np.maximum(conv(x, stem, stem_bias, stride=2), 0)
x = x + np.clip(normalised(depthwise(x, depth), 1, shift, inner_mean, inner_variance, 0.01), 0, 6)
logits['functional'] = np.tanh(conv(x, head, 0)).mean((0, 1)) @ out + out_bias
of_block = [('depthwise/depthwise_kernel:0', depth), ('batch_normalization/beta:0', shift), ('batch_normalization/moving_mean:0', inner_mean),
            ('batch_normalization/moving_variance:0', inner_variance)]
in_h5 = {'image': [], 'rescaling': [], 'normalization': [('mean:0', centre), ('variance:0', spread), ('count:0', count)],
         'stem': [('stem/kernel:0', stem), ('stem/bias:0', stem_bias)], 'block': of_block, 'add': [],
         'head': [('head/kernel:0', head)], 'pool': [], 'dense': [('dense/kernel:0', out), ('dense/bias:0', out_bias)]}
files['functional.h5'] = written(lambda file: fill_h5(file, 'Functional', functional(keras2, 'batch_input_shape'), in_h5))
# Keras 3 calls the weights by their paths, and a depthwise one `kernel`.
in_h5['block'] = [(f'block/{name[:-2].replace("depthwise_kernel", "kernel")}', values) for name, values in of_block]
files['functional3.h5'] = written(lambda file: fill_h5(file, 'Functional', functional(keras3, 'batch_shape'), {
    name: [(f'{name}/{weight[:-2].split("/")[-1]}' if name != 'block' else weight, values) for weight, values in layer] for name, layer in in_h5.items()}, '3.8.0'))
in_archive = {
    'layers/input_layer': [], 'layers/rescaling': [], 'layers/normalization': [centre, spread, np.array(0, np.int32)],
    'layers/conv2d': [stem, stem_bias], 'layers/functional': [], 'layers/functional/layers/input_layer': [],
    'layers/functional/layers/depthwise_conv2d': [depth], 'layers/functional/layers/batch_normalization': [shift, inner_mean, inner_variance],
    'layers/functional/layers/re_lu': [], 'layers/add': [], 'layers/conv2d_1': [head], 'layers/global_average_pooling2d': [],
    'layers/dense': [out, out_bias]}
files['functional.keras'] = archive('Functional', functional(keras3, 'batch_shape'), in_archive)
files['functional213.keras'] = archive('Functional', functional(keras2, 'batch_input_shape'), {
    path.replace('layers', '_layer_checkpoint_dependencies'): values for path, values in in_archive.items()}, '2.13.1')

# ---- Kinds of numbers and of storage, and what is refused ----

kernel, bias = (random.integers(-8, 8, (3 * SIDE * SIDE, 2)) / 64).astype(np.float16), np.array([0.25, -0.5], np.float64)
tiny = {'name': 'tiny', 'layers': [keras2('flatten_input', 'InputLayer', batch_input_shape=[None, SIDE, SIDE, 3]), keras2('flatten', 'Flatten'),
                                   keras2('dense', 'Dense', units=2, activation='softmax', use_bias=True)]}
logits['tiny'] = (pixels() / 127.5 - 1).reshape(-1) @ kernel.astype(np.float64) + bias


def stored(**settings):
    """The tiny model with its weights stored so."""
    def store(layer, weight, values):
        if 'kernel' in weight and 'how' in settings:
            settings['how'](layer, weight)
        elif 'kernel' in weight:
            layer.create_dataset(weight, data=values.astype(settings.get('dtype', np.float32)),
                                 **{key: value for key, value in settings.items() if key != 'dtype'})
        else:
            layer.create_dataset(weight, data=values)
    return lambda file: fill_h5(file, 'Sequential', tiny, {'flatten': [], 'dense': [('dense/kernel:0', kernel), ('dense/bias:0', bias)]}, store=store)


def link(target):
    def make(layer, weight):
        layer.require_group('dense')
        layer[weight] = target
    return make


def virtual(layer, weight):
    layout = h5py.VirtualLayout(kernel.shape, np.float32)
    layout[:] = h5py.VirtualSource('other.h5', 'x', kernel.shape)
    layer.create_virtual_dataset(weight, layout)


def split(file):
    """The names of the weights in two attributes, as where they are too long for one."""
    stored()(file)
    group = file['model_weights/dense']
    group.attrs['weight_names0'], group.attrs['weight_names1'] = (group.attrs['weight_names'][i:i + 1] for i in range(2))
    del group.attrs['weight_names']


def fixed(file):
    """The configuration as a text of fixed length."""
    stored()(file)
    file.attrs['model_config'] = np.bytes_(file.attrs['model_config'])


def weights_only(file):
    stored()(file)
    del file.attrs['model_config']


def of_another(file):
    file['x'] = np.arange(3)


files |= {f'tiny_{name}.h5': written(fill) for name, fill in {
    'float16': stored(dtype='<f2'), 'float16_big_endian': stored(dtype='>f2'), 'float64': stored(dtype='<f8'), 'float32_big_endian': stored(dtype='>f4'),
    'gzip': stored(chunks=(50, 2), compression='gzip'), 'chunks': stored(chunks=(50, 2)), 'split': split, 'fixed': fixed}.items()}
files['tiny_latest.h5'] = written(stored(), libver='latest')
files |= {f'wrong_{name}.h5': written(fill) for name, fill in {
    'soft_link': stored(how=link(h5py.SoftLink('/model_weights/dense/dense/kernel:0'))), 'external_link': stored(how=link(h5py.ExternalLink('other.h5', '/x'))),
    'external': stored(external=[('other.raw', 0, 10000)]), 'virtual': stored(how=virtual), 'lzf': stored(chunks=(50, 2), compression='lzf'),
    'shuffle': stored(chunks=(50, 2), shuffle=True), 'integers': stored(dtype='<i4'),
    'group': stored(how=lambda layer, weight: layer.create_group(weight)),
    'unwritten': stored(how=lambda layer, weight: layer.create_dataset(weight, kernel.shape, np.float32)),
    'huge': stored(how=lambda layer, weight: layer.create_dataset(weight, (1 << 40, 1 << 40), np.float32, chunks=(1, 2))),
    'rank': stored(how=lambda layer, weight: layer.create_dataset(weight, data=np.zeros([1] * 9, np.float32))),
    'weights_only': weights_only, 'another': of_another}.items()}

def packed(content):
    if isinstance(content, dict):
        return {name: packed(part) for name, part in content.items()}
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


json.dump({'logits': {name: [float(value) for value in values] for name, values in logits.items()},
           'files': packed(files)}, sys.stdout, indent=1)
print()
