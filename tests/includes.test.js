// The layers of core/: a file includes its own layer's headers at most, and those below; and what core never does.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import test from 'node:test'

const core = new URL('../core/', import.meta.url)

// From the lowest up. A module includes headers of lower layers, its own, and those that `beside` names.
const layers = [
  ['status', 'limits', 'arena', 'bytes', 'vec', 'random', 'tensor', 'lifetime'],
  ['gemm', 'image', 'bmp', 'decode'],
  ['conv', 'winograd', 'winograd_line', 'winograd_rows', 'depthwise', 'pool', 'norm', 'activation', 'loss', 'integer', 'integer_sums', 'integer_winograd'],
  ['net', 'net_plan', 'net_backward', 'optimizer', 'muon', 'integer_net'],
  ['model'],
  ['classifier']
]
const beside = {
  lifetime: ['limits'],
  winograd: ['winograd_line'],
  winograd_rows: ['winograd_line'],
  integer: ['integer_sums'],
  integer_sums: ['integer'],
  integer_winograd: ['integer', 'integer_sums'],
  integer_net: ['net'],
  decode: ['image', 'bmp'], // the limits on a picture's size; one of the formats
  bmp: ['image'],
  loss: ['activation'], // cross-entropy contains a softmax
  net_plan: ['net'],
  net_backward: ['net'],
  optimizer: ['net', 'muon']
}
const variants = { gemm_fast: 'gemm' } // files that are compiled from another one

const files = readdirSync(core).filter(name => /\.[ch]$/.test(name))
const textOf = name => readFileSync(new URL(name, core), 'utf8')
const moduleOf = name => name.replace(/\.[ch]$/, '')
const layerOf = module => layers.findIndex(layer => layer.includes(variants[module] ?? module))

// Code without comments, strings and character constants.
function codeOf (name) {
  return textOf(name).replace(/\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g,
    part => part.startsWith('/') ? ' ' : '""')
}

function includesOf (name) {
  const text = textOf(name).replace(/\/\*[^]*?\*\/|\/\/[^\n]*/g, ' ')
  return [...text.matchAll(/^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]/gm)].map(([, kind, path]) => ({ own: kind === '"', path }))
}

// The include of `path` in file `name`: null, or what is wrong with it.
function violation (name, path) {
  const module = moduleOf(name)
  const from = layerOf(module)
  const included = moduleOf(path)
  const to = layerOf(included)
  if (to < 0) return `${name} includes ${path}, which is in no layer`
  if (included === module || included === variants[module]) return null
  if (to < from || beside[module]?.includes(included)) return null
  return `${name} (layer ${from}) includes ${path} (layer ${to})`
}

test('every file of core is in one layer', () => {
  assert.ok(files.length > 20)
  for (const name of files) assert.ok(layerOf(moduleOf(name)) >= 0, `${name} is in no layer: add it to includes.test.js`)
})

test('includes go one way', () => {
  const violations = files.flatMap(name => includesOf(name).filter(({ own }) => own).map(({ path }) => violation(name, path)))
  assert.deepEqual(violations.filter(Boolean), [])
})

test('this check sees a violation', () => {
  assert.match(violation('gemm.c', 'net.h'), /gemm\.c \(layer 1\) includes net\.h \(layer 3\)/)
  assert.match(violation('conv.c', 'pool.h'), /layer 2/)
  assert.match(violation('net.h', '../wasm/exports.h'), /no layer/)
  assert.equal(violation('net.c', 'conv.h'), null)
})

test('intrinsics stand in vec.h only', () => {
  for (const name of files) {
    if (name === 'vec.h') continue
    for (const { path } of includesOf(name)) assert.doesNotMatch(path, /intrin|simd|neon/, `${name} includes ${path}`)
    assert.doesNotMatch(codeOf(name), /\b_mm\d*_|\b__m(128|256|512)|\bwasm_[fiv]\d|__AVX|__SSE|__ARM_NEON|__wasm/, name)
  }
})

test('core prints nothing, ends nothing and reads no files', () => {
  for (const name of files) {
    for (const { path } of includesOf(name)) assert.doesNotMatch(path, /^(stdio|unistd|fcntl|time|pthread)\.h$/, `${name} includes ${path}`)
    assert.doesNotMatch(codeOf(name), /\b(f|s|sn|v)?printf\s*\(|\bputs\s*\(|\bexit\s*\(|\babort\s*\(|\bf(open|read|write)\s*\(/, name)
  }
})

test('core allocates in decode.c only', () => {
  for (const name of files) {
    if (name === 'decode.c') continue
    assert.doesNotMatch(codeOf(name), /\b(m|c|re|aligned_)alloc\s*\(|\balloca\s*\(|\bfree\s*\(/, name)
    assert.ok(!includesOf(name).some(({ path }) => path === 'stdlib.h'), `${name} includes stdlib.h`)
  }
})
