/* TensorFlow.js graph models, written operator by operator as tensorflowjs_converter does: GraphDef in JSON, texts in base64, integers
 * of 64 bits as texts, constants as weights.
 *
 *     const graph = new GraphFile([1, 12, 12, 3]);
 *     const x = graph.op('Conv2D', ['input', graph.constant([3, 3, 3, 4], values)], { strides: ints(1, 1, 1, 1), padding: text('SAME') });
 *     folder(filesOf(graph.artifacts(x)));
 */
export const ints = (...values) => ({ list: { i: values.map(String) } });
export const text = (value) => ({ s: Buffer.from(value).toString('base64') });
export const texts = (...values) => ({ list: { s: values.map((value) => Buffer.from(value).toString('base64')) } });
export const float = (f) => ({ f });
export const bool = (b) => ({ b });
export const int = (i) => ({ i: String(i) });

const shapeOf = (dims) => ({ dim: dims.map((size) => ({ size: String(size) })) });

export class GraphFile {
    nodes = [];
    specs = [];
    values = [];

    constructor(input) {
        this.nodes.push({ name: 'input', op: 'Placeholder', attr: { dtype: { type: 'DT_FLOAT' }, shape: { shape: shapeOf(input) } } });
    }

    /* A name for what is added; dtype: float32 or int32. */
    constant(shape, values, dtype = 'float32') {
        const name = `constant_${this.nodes.length}`;
        this.nodes.push({ name, op: 'Const', attr: { dtype: { type: dtype === 'int32' ? 'DT_INT32' : 'DT_FLOAT' } } });
        this.specs.push({ name, shape, dtype });
        this.values.push(Buffer.from((dtype === 'int32' ? Int32Array : Float32Array).from(values).buffer));
        return name;
    }

    integers(...values) {
        return this.constant([values.length], values, 'int32');
    }

    integer(value) {
        return this.constant([], [value], 'int32');
    }

    op(op, input, attr = {}) {
        const name = `${op}_${this.nodes.length}`;
        this.nodes.push({ name, op, input, attr: { T: { type: 'DT_FLOAT' }, ...attr } });
        return name;
    }

    artifacts(output, { signed = true } = {}) {
        const tensor = (name) => ({ [`${name}:0`]: { name: `${name}:0`, dtype: 'DT_FLOAT' } });
        return { format: 'graph-model', generatedBy: '2.15.0', convertedBy: 'TensorFlow.js Converter v4.22.0',
            ...signed ? { signature: { inputs: tensor('input'), outputs: tensor(output) } } : {},
            modelTopology: { node: this.nodes, library: {}, versions: {} }, weightSpecs: this.specs, weightData: new Uint8Array(Buffer.concat(this.values)).buffer };
    }
}
