import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ThroughtimeError } from '../errors.ts';
import { splitLines } from './lines.ts';
import { type SequencesOptions, sequencesData, sequencesDataset } from './sequences.ts';
import type { StoredSequences } from './storedSequences.ts';

type Given = Partial<SequencesOptions>;

function read(lines: string[], given: Given = {}, validation = lines) {
  return sequencesData({
    train: { file: 'train.ndjson', lines },
    validation: { file: 'validation.ndjson', lines: validation },
    options: { kind: 'sequences', loss: 'mse', ...given },
  });
}

async function train(lines: string[], given: Given = {}): Promise<StoredSequences> {
  return (await read(lines, given)).train as StoredSequences;
}

/** What a file was understood as: kinds and sizes, then the steps and the numbers of the targets. */
function understood(data: StoredSequences): string {
  const { targetSteps, classes, values } = data.arrays;
  const { input, target } = data;
  return `${input.size} ${input.kind} -> ${target.size} ${target.kind} at ${targetSteps.join()}: ${[...classes, ...values].join()}`;
}

/** A line with T steps of one number, and the given y. */
const line = (T: number, y: string) => `{"x":[${Array.from({ length: T }, (_, t) => `[${t}]`).join()}],"y":${y}}`;

/** Checks that a promise is refused with a code, at a place written `file:line: field`, in a sentence with a word in it. */
async function refused(promise: Promise<unknown>, code: string, place: string, word: RegExp | string = ''): Promise<void> {
  await assert.rejects(promise, (error: ThroughtimeError) => {
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.startsWith(place.endsWith(':') ? place : `${place}: `), `${error.message} does not begin with ${place}`);
    assert.match(error.message, new RegExp(word));
    return true;
  });
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const each of lines) all.push(each);
  return all;
}

test('what a file is understood as', async () => {
  const cases: [string[], Given, string][] = [
    [[line(3, '0.5'), line(1, '2')], {}, '1 vectors -> 1 values at 2,0: 0.5,2'],
    [['{"x":[1,0,4],"y":0.5}'], {}, '5 symbols -> 1 values at 2: 0.5'],
    [['{"x":[1,0,4],"y":2}', '{"x":[3],"y":0}'], { loss: 'crossEntropy' }, '5 symbols -> 3 classes at 2,0: 2,0'],
    [['{"x":[1,0,4],"y":[2,null,1]}', '{"x":[3],"y":[null]}'], { loss: 'crossEntropy' }, '5 symbols -> 3 classes at 0,2: 2,1'],
    [['{"x":[1,0],"y":1}'], { loss: 'crossEntropy', symbols: 9, classes: 7 }, '9 symbols -> 7 classes at 1: 1'],
    [[line(2, '[[1,2,3],null]')], {}, '1 vectors -> 3 values at 0: 1,2,3'],
    [[line(2, '[[0,1],[0.5,1]]')], { loss: 'binaryCrossEntropy' }, '1 vectors -> 2 values at 0,1: 0,1,0.5,1'],
    [[line(2, '[null,null]'), line(1, '[[4,5]]')], {}, '1 vectors -> 2 values at 0: 4,5'],
    // A blank last line and spaces at the ends are allowed.
    [[`${line(1, '3')} \r`, ''], {}, '1 vectors -> 1 values at 0: 3'],
  ];
  for (const [lines, given, expected] of cases) assert.equal(understood(await train(lines, given)), expected);
});

test('an array of numbers is one vector or T scalars, by the lengths of all lines together', async () => {
  const three = line(3, '[1,2,3]');
  // The first line fits both readings; the second decides.
  assert.equal(understood(await train([three, line(2, '[4,5]')])), '1 vectors -> 1 values at 0,1,2,0,1: 1,2,3,4,5');
  assert.equal(understood(await train([three, line(2, '[4,5,6]')])), '1 vectors -> 3 values at 2,1: 1,2,3,4,5,6');
  assert.equal(understood(await train([three, line(3, '[4,null,6]')])), '1 vectors -> 1 values at 0,1,2,0,2: 1,2,3,4,6');
  assert.equal(understood(await train([line(2, '[4,5,6]'), three])), '1 vectors -> 3 values at 1,2: 4,5,6,1,2,3');
  assert.equal(understood(await train([line(3, '[null,null,null]'), three])), '1 vectors -> 1 values at 0,1,2: 1,2,3');
  // A line that fits neither is an error; so is a file in which every line fits both.
  await refused(train([three, line(2, '[4,5,6,7]')]), 'DATA_INVALID', 'train.ndjson:2: y', '2 numbers .* or a vector of 3 .* got 4');
  await refused(train([line(3, '[1,null,3]'), line(2, '[1]')]), 'DATA_INVALID', 'train.ndjson:2: y', 'got 1 number;');
  await refused(train([three, three]), 'DATA_INVALID', 'train.ndjson: y', 'set data.targets to "last" or to "every"');
  assert.equal(understood(await train([three], { targets: 'last' })), '1 vectors -> 3 values at 2: 1,2,3');
  assert.equal(understood(await train([three], { targets: 'every' })), '1 vectors -> 1 values at 0,1,2: 1,2,3');
  // Where every sequence has one step and one number, both readings are the same.
  assert.equal(understood(await train([line(1, '[5]')])), '1 vectors -> 1 values at 0: 5');
});

test('the other files are read as the training file is', async () => {
  const every = [line(3, '[1,2,3]'), line(2, '[1,2]')];
  const { validation } = await read(every, {}, [line(3, '[7,8,9]')]);
  assert.equal(understood(validation as StoredSequences), '1 vectors -> 1 values at 0,1,2: 7,8,9');
  const wrong = 'DATA_INVALID';
  await refused(read(every, {}, [line(2, '[7,8,9]')]), wrong, 'validation.ndjson:1: y', 'training file train.ndjson, got 3 numbers');
  await refused(read([line(2, '3')], {}, [line(2, '[3,4]')]), wrong, 'validation.ndjson:1: y');
  await refused(read([line(2, '3')], {}, ['{"x":[[1,2]],"y":3}']), wrong, 'validation.ndjson:1: x[0]', 'must have 1 number');
  await refused(read([line(2, '3')], {}, ['{"x":[1,2],"y":3}']), wrong, 'validation.ndjson:1: x[0]');
});

test('a class or symbol that only a later file has is named', async () => {
  const lines = ['{"x":[0,3],"y":2}', '{"x":[1],"y":0}'];
  const given: Given = { loss: 'crossEntropy' };
  const wrong = 'DATA_INVALID';
  await refused(read(lines, given, ['{"x":[0],"y":1}']), wrong, 'validation.ndjson:1: y', 'class 1 does not appear in the training file');
  await refused(read(lines, given, [lines[0], '{"x":[0],"y":7}']), wrong, 'validation.ndjson:2: y', 'class 7');
  await refused(read(lines, given, ['{"x":[0,2],"y":0}']), wrong, 'validation.ndjson:1: x[1]', 'symbol 2');
  const parts = await read(lines, { ...given, symbols: 4, classes: 3 }, ['{"x":[0,2],"y":1}']);
  assert.deepEqual(parts.description, { kind: 'sequences', targets: 'last', symbols: 4, classes: 3 });
  await refused(read(lines, { ...given, classes: 2 }), wrong, 'train.ndjson:1: y', 'from 0 to 1, as data.classes says, got 2');
  await refused(read(lines, { ...given, symbols: 3 }), wrong, 'train.ndjson:1: x[1]', 'data.symbols says, got 3');
});

test('what a line may not hold', async () => {
  const classes: Given = { loss: 'crossEntropy' };
  const binary: Given = { loss: 'binaryCrossEntropy' };
  const cases: [string, string, string, Given?][] = [
    ['{"x":[[1]],"y":1', '', 'must be JSON'],
    ['{"x":[[NaN]],"y":1}', '', 'JSON has no NaN'],
    ['[[1],[2]]', '', 'must be an object'],
    ['null', '', 'must be an object'],
    ['{"x":[[1]],"y":1,"id":3}', 'id', 'not a field'],
    ['{"__proto__":{},"x":[[1]],"y":1}', '__proto__', 'not a field'],
    ['{"y":1}', 'x', 'got nothing'],
    ['{"x":[[1]]}', 'y', 'got nothing'],
    ['{"x":[],"y":1}', 'x', 'at least one'],
    ['{"x":[[]],"y":1}', 'x[0]', 'at least one'],
    ['{"x":[[1,2],[3]],"y":1}', 'x[1]', 'must have 2 numbers'],
    ['{"x":[[1,2],3],"y":1}', 'x[1]', 'array of 2 numbers'],
    ['{"x":[[1,2],[3,"4"]],"y":1}', 'x[1][1]', 'must be a number, got "4"'],
    ['{"x":[[1,2],[3,null]],"y":1}', 'x[1][1]', 'got null'],
    ['{"x":[[1e999]],"y":1}', 'x[0][0]', 'finite as a float32'],
    ['{"x":[[0],[-1e39]],"y":1}', 'x[1][0]', 'finite as a float32'],
    ['{"x":[0,1.5],"y":1}', 'x[1]', 'write \\[1.5\\]'],
    ['{"x":[0,-1],"y":1}', 'x[1]', 'whole number from 0'],
    ['{"x":[0,[1]],"y":1}', 'x[1]', 'must be a symbol'],
    ['{"x":[0],"y":1e39}', 'y', 'finite as a float32'],
    ['{"x":[0,1],"y":[1,1e999]}', 'y[1]', 'finite as a float32'],
    ['{"x":[0,1],"y":[[1,2],[1]]}', 'y[1]', 'must have 2 numbers'],
    ['{"x":[0,1],"y":[[1,2],3]}', 'y[1]', 'must be an array of 2 numbers'],
    ['{"x":[0,1],"y":[[1,"2"],[1,2]]}', 'y[0][1]', 'must be a number'],
    ['{"x":[0,1],"y":[[1,2]]}', 'y', 'each of the 2 steps'],
    ['{"x":[0,1],"y":[1,[2]]}', 'y[1]', 'must be a number'],
    ['{"x":[0,1],"y":null}', 'y', 'must be a number'],
    ['{"x":[0,1],"y":[]}', 'y', 'got 0'],
    ['{"x":[0,1],"y":-1}', 'y', 'whole number from 0', classes],
    ['{"x":[0,1],"y":0.5}', 'y', 'set data.loss to "mse"', classes],
    ['{"x":[0,1],"y":1e18}', 'y', 'whole number from 0', classes],
    ['{"x":[0,1],"y":[1,true]}', 'y[1]', 'got true', classes],
    ['{"x":[0,1],"y":[1]}', 'y', 'each of the 2 steps', classes],
    ['{"x":[0,1],"y":[1,0]}', 'y', 'with data.targets "last"', { ...classes, targets: 'last' }],
    ['{"x":[0,1],"y":1}', 'y', 'with data.targets "every"', { ...classes, targets: 'every' }],
    ['{"x":[0,1],"y":[1,2,3]}', 'y', 'with data.targets "every"', { targets: 'every' }],
    ['{"x":[0,1],"y":[[1],[2]]}', 'y', 'with data.targets "last"', { targets: 'last' }],
    ['{"x":[0,1],"y":[0,1.01]}', 'y[1]', 'from 0 to 1', binary],
  ];
  for (const [text, field, word, given] of cases) {
    await refused(train([text], given), 'DATA_INVALID', field === '' ? 'train.ndjson:1' : `train.ndjson:1: ${field}`, word);
  }
});

test('what a file may not hold', async () => {
  await refused(train([]), 'DATA_TOO_SHORT', 'train.ndjson');
  await refused(train(['', ' ']), 'DATA_TOO_SHORT', 'train.ndjson');
  await refused(train([line(1, '1'), '', line(1, '1')]), 'DATA_INVALID', 'train.ndjson:2', 'blank line');
  await refused(train(['', line(1, '1')]), 'DATA_INVALID', 'train.ndjson:1', 'blank line');
  await refused(train([line(2, '[null,null]')]), 'DATA_INVALID', 'train.ndjson: y', 'nothing can be learned');
  await refused(train([line(2, '1'), line(2, '[1,null]')]), 'DATA_INVALID', 'train.ndjson:2: y', 'a single value');
  await refused(train([line(2, '1'), line(2, '[null,null]')]), 'DATA_INVALID', 'train.ndjson:2: y', 'one number');
  await refused(train([line(2, '[1,null]'), line(1, '[[1]]')]), 'DATA_INVALID', 'train.ndjson:2: y', 'an array of values');
  await refused(train([line(2, '1'), '{"x":[1,2],"y":1}']), 'DATA_INVALID', 'train.ndjson:2: x[0]', 'arrays of 1 number');
});

test('options that are not allowed, or have no meaning beside the others', async () => {
  const vectors = [line(1, '1')];
  const cases: [string[], object, string][] = [
    [vectors, { loss: 'mae' }, 'data.loss'],
    [vectors, { loss: undefined }, 'data.loss'],
    [vectors, { classes: 3 }, 'data.classes'],
    [vectors, { symbols: 3 }, 'data.symbols'],
    [vectors, { targets: 'first' }, 'data.targets'],
    [vectors, { standardize: 1 }, 'data.standardize'],
    [vectors, { split: 0.5 }, 'data.split'],
    [['{"x":[1],"y":1}'], { loss: 'crossEntropy', standardize: true }, 'data.standardize'],
    [['{"x":[1],"y":1}'], { loss: 'crossEntropy', classes: 0 }, 'data.classes'],
  ];
  for (const [lines, given, field] of cases) await refused(read(lines, given as Given), 'EXPERIMENT_INVALID', field);
});

test('standardize: means and deviations of the training file, in every file; a constant column has deviation 1', async () => {
  const lines = ['{"x":[[1,7],[3,7]],"y":10}', '{"x":[[5,7]],"y":14}'];
  const parts = await read(lines, { standardize: true }, ['{"x":[[3,8]],"y":16}']);
  // Column 0: 1, 3, 5 have mean 3 and variance (4 + 0 + 4) / 3; the targets 10, 14 have mean 12 and deviation 2.
  const deviation = Math.sqrt(8 / 3);
  const { vectors, values } = (parts.train as StoredSequences).arrays;
  assert.deepEqual([...vectors], [-2 / deviation, 0, 0, 0, 2 / deviation, 0]);
  assert.deepEqual([...values], [-1, 1]);
  const others = (parts.validation as StoredSequences).arrays;
  assert.deepEqual([[...others.vectors], [...others.values]], [[0, 1], [2]]);
  assert.deepEqual(parts.description, {
    kind: 'sequences',
    targets: 'last',
    means: [3, 7],
    deviations: [deviation, 1],
    targetMeans: [12],
    targetDeviations: [2],
  });
  const tiny = ['{"x":[[0],[1e-30]],"y":1}'];
  const huge = read(tiny, { standardize: true }, [tiny[0], '{"x":[[1],[1e38]],"y":1}']);
  await refused(huge, 'DATA_INVALID', 'validation.ndjson:2: x', 'after standardisation');
});

test('one file for a given network: its sizes decide what the file alone leaves open', async () => {
  const one = async (text: string, inputSize: number, outputSize: number, loss: 'mse' | 'crossEntropy' = 'mse') =>
    understood((await sequencesDataset({ file: 'f', lines: [text] }, { loss, expected: { inputSize, outputSize } })) as StoredSequences);
  assert.equal(await one(line(3, '[1,2,3]'), 1, 3), '1 vectors -> 3 values at 2: 1,2,3');
  assert.equal(await one(line(3, '[1,2,3]'), 1, 1), '1 vectors -> 1 values at 0,1,2: 1,2,3');
  assert.equal(await one('{"x":[1,0],"y":1}', 4, 5, 'crossEntropy'), '4 symbols -> 5 classes at 1: 1');
  assert.equal(await one('{"x":[[1,2,3,4]],"y":[1]}', 4, 5, 'crossEntropy'), '4 vectors -> 5 classes at 0: 1');
  const wrong = 'SHAPE_MISMATCH';
  await refused(one(line(3, '[1,2,3]'), 1, 2), wrong, 'f:1: y', 'as the weights have, got 3 numbers');
  await refused(one(line(3, '[1,2,3]'), 2, 3), wrong, 'f:1: x[0]', 'must have 2 numbers, as the weights have');
  await refused(one(line(3, '1'), 1, 2), wrong, 'f:1: y', 'must have 2 numbers');
  await refused(one('{"x":[1,4],"y":1}', 4, 5, 'crossEntropy'), wrong, 'f:1: x[1]', 'from 0 to 3, as the weights have, got 4');
  await refused(one('{"x":[1,3],"y":5}', 4, 5, 'crossEntropy'), wrong, 'f:1: y', 'from 0 to 4');
});

test('lines are cut from pieces in any place, with any line end, and must be UTF-8', async () => {
  const bytes = new TextEncoder().encode('\ufeff{"x":[1]}\r\nzwölf\n\nlast');
  for (let size = 1; size <= bytes.length; size++) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
    assert.deepEqual(await collect(splitLines(pieces, 'f')), ['{"x":[1]}', 'zwölf', '', 'last']);
  }
  assert.deepEqual(await collect(splitLines(['a\nb\n'], 'f')), ['a', 'b']);
  assert.deepEqual(await collect(splitLines([], 'f')), []);
  await refused(collect(splitLines([Uint8Array.of(65, 10, 0xff, 0xfe)], 'f')), 'DATA_INVALID', 'f:', 'UTF-8');
});
