// The arms, unpacked: the bytes that packing.py wrote, in the same order.

const last = values => values[values.length - 1];

function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), letter => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')));
}

function readPacked(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const take = (kind, count) => {
    const end = at + count * kind.BYTES_PER_ELEMENT;
    const values = new kind(buffer.slice(at, end));
    at = end;
    return values;
  };
  head.arms.forEach((arm, number) => {
    const layers = arm.layers.length;
    arm.number = number;
    for (const said of Object.values(arm.judgements)) said.decades = said.decades === null ? null
      : Number(said.decades);  // '-Infinity'
    arm.off = new Set(arm.beside.map(name => arm.layers.indexOf(name)));
    if (arm.theory) arm.theory = {predicted: take(Float32Array, layers), pure: take(Float32Array, layers),
      spread: take(Float32Array, layers)};
    for (const run of arm.runs) {
      run.exact = {};
      for (const phase of run.phases) {
        run.exact[phase] = {};
        for (const quantity of head.quantities) run.exact[phase][quantity.name] = take(Float32Array, layers);
      }
      if (run.loss) run.losses = Float64Array.from(take(Uint16Array, run.steps.length), meaning(run.loss, 65535));
      run.codes = {};
      run.numbers = {};
      for (const quantity of head.quantities) {
        if (run.scales[quantity.name]) run.codes[quantity.name] = take(Uint8Array, run.steps.length * layers);
      }
    }
  });
  return head;
}

// The number that a code means: 0 says zero, the largest not finite.
const meaning = ([low, step], largest) => code => code === 0 ? 0 : code === largest ? NaN
  : 10 ** (low + step * (code - 1));

// The codes of a quantity of a run, as numbers: of every `every`th from `start` on, at most `count`.
function decode(run, quantity, start, count, every = 1) {
  const codes = run.codes[quantity], numbers = run.numbers[quantity] ||= Array.from({length: 256},
    (_, code) => meaning(run.scales[quantity], 255)(code));
  return Float64Array.from({length: count}, (_, i) => numbers[codes[start + i * every]]);
}

// The values of a run's layers; null where it has none. when: a phase, or 'step' with the number of a step.
function valuesOf(arm, run, quantity, when, step) {
  if (when !== 'step') return run.exact[when] ? run.exact[when][quantity] : null;
  const row = rowAt(run, step);
  if (row < 0 || !run.codes[quantity]) return null;
  const layers = arm.layers.length;
  return decode(run, quantity, row * layers, layers);
}

// The row of the last step that is shown and not after this one; none after the end of the run.
function rowAt(run, step) {
  return step > last(run.steps) ? -1 : d3.bisectRight(run.steps, step) - 1;
}

// The geometric mean of each place over several arrays, and their smallest and largest; zeros and what is not finite
// count as no value where others have one.
function summary(arrays, length) {
  return Array.from({length}, (_, place) => {
    const all = arrays.map(values => values[place]);
    const known = all.filter(value => value > 0 && isFinite(value));
    if (!known.length) return {mean: all.some(value => value === 0) ? 0 : NaN, low: NaN, high: NaN, known: 0,
      of: all.length};
    const [low, high] = d3.extent(known);
    return {mean: Math.exp(d3.mean(known, Math.log)), low, high, known: known.length, of: all.length};
  });
}
