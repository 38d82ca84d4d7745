// Every step of every layer of an arm, as colours: a click on a column is the step, on a row the layer.

function heatArm() {
  const arms = chosen();
  return arms[Math.min(state.heat, arms.length - 1)];
}

// The geometric means over random seeds, [steps][layers], at the steps that the longest run shows, the bounds of their
// log10, and their picture; what was looked at last is kept.
const seen = new Map();
function stepMeans(arm) {
  const key = `${arm.number} ${state.quantity}`;
  if (seen.has(key)) return seen.get(key);
  if (seen.size > 12) seen.clear();
  const longest = arm.runs.reduce((best, run) => run.steps.length > best.steps.length ? run : best);
  const rows = longest.steps.map(step => {
    const all = arm.runs.map(run => valuesOf(arm, run, state.quantity, 'step', step)).filter(Boolean);
    return summary(all, arm.layers.length).map(({mean}) => mean);
  });
  const [low = -1, high = 0] = d3.extent(rows.flat().filter(value => value > 0 && isFinite(value)), Math.log10);
  const there = rows.some(row => row.some(value => !Number.isNaN(value)));
  seen.set(key, {steps: there ? longest.steps : [], rows, low, high, address: there ? coloured(rows, low, high) : ''});
  return seen.get(key);
}

// A picture with a column a step and a row a layer, as an address.
function coloured(rows, low, high) {
  const wide = rows.length, tall = rows[0].length, canvas = html('canvas', {width: wide, height: tall});
  const context = canvas.getContext('2d'), image = context.createImageData(wide, tall);
  const colours = d3.range(256).map(i => d3.rgb(d3.interpolateViridis(i / 255)));
  const zero = d3.rgb('black'), lost = d3.rgb('#969696'), share = linear([low, high], [0, 255]);
  rows.forEach((row, x) => row.forEach((value, y) => {
    const known = value > 0 && isFinite(value);
    const {r, g, b} = known ? colours[Math.round(share(Math.log10(value)))] : value === 0 ? zero : lost;
    image.data.set([r, g, b, 255], 4 * (y * wide + x));
  }));
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

function drawHeatmap() {
  const panel = byId('heatmap'), arm = heatArm(), {steps, rows, low, high, address} = stepMeans(arm),
    layers = arm.layers.length;
  const frame = picture(panel, heatSentence(), {left: 44, top: 24, right: 12});
  if (!steps.length) {
    words(frame.root, frame.width / 2, frame.height / 2, 'This quantity has no steps here.', 'middle');
    byId('heat-said').textContent = '';
    return;
  }
  const columns = d3.scaleBand().domain(steps).range([frame.left, frame.right]), wide = columns.bandwidth();
  const lines = d3.scaleBand().domain(d3.range(1, layers + 1)).range([frame.top, frame.bottom]), tall = lines.bandwidth();
  axes(frame, {scale: columns, ticks: steps.filter((_, i) => i % Math.ceil(40 / wide) === 0)},
    {scale: lines, ticks: lines.domain().filter((_, i) => i % Math.ceil(22 / tall) === 0)},
    'step (the first ten, then fewer)');
  words(frame.root, frame.left - 5, 14, 'layer', 'end');
  const size = {width: frame.right - frame.left, height: frame.bottom - frame.top};
  put(frame.root, 'image', {x: frame.left, y: frame.top, ...size, href: address, preserveAspectRatio: 'none',
    style: 'image-rendering: pixelated'});
  heatKey(frame, low, high);
  const at = Math.max(0, d3.bisectRight(steps, currentStep()) - 1), layer = layerOf(arm);
  put(frame.root, 'rect', {class: 'cross', ...size, x: columns(steps[at]), y: frame.top, width: wide});
  put(frame.root, 'rect', {class: 'cross', ...size, x: frame.left, y: lines(layer + 1), height: tall});
  const hit = hitArea(frame);
  hit.addEventListener('click', event => {
    const box = hit.getBoundingClientRect(), place = (share, count) => Math.min(count - 1,
      Math.max(0, Math.floor(share * count)));
    const y = place((event.clientY - box.top) / box.height, layers), own = chosen()[0].layers.length;
    change({when: 'step', step: steps[place((event.clientX - box.left) / box.width, steps.length)],
      layer: Math.round(layers > 1 ? y / (layers - 1) * (own - 1) : 0)});
  });
  byId('heat-said').textContent = `Step ${steps[at]}, ${arm.layers[layer]}: ≈ ${said(rows[at][layer], 2)}. Click a column for its step, a row for its layer. Black is exactly zero, grey not finite.`;
}

// The step that the crosshair is at: the shown one, or that of the phase.
function currentStep() {
  const count = Math.max(1, ...heatArm().runs.map(run => run.steps.length ? last(run.steps) + 1 : 1));
  return {step: state.step, init: 0, one_step: 1, middle: Math.floor(count / 2), end: count - 1}[state.when];
}

function heatKey(frame, low, high) {
  const wide = Math.min(150, (frame.right - frame.left) / 2), left = frame.right - wide - 52;
  for (const i of d3.range(30)) put(frame.root, 'rect', {x: left + i * wide / 30, y: 5, width: wide / 30 + 0.5,
    height: 10, fill: d3.interpolateViridis(i / 29)});
  words(frame.root, left - 5, 14, said(10 ** low, 2), 'end');
  words(frame.root, left + wide + 5, 14, said(10 ** high, 2));
}

function heatSentence() {
  const arm = heatArm(), {steps, rows} = stepMeans(arm);
  if (!steps.length) return `${arm.label} has no steps of this quantity.`;
  const slope = row => signedDecades(Math.log10(row[0] / last(row)));
  return `Over training, the ${quantityLabel().split(',')[0]} of ${arm.label} goes from ${slope(rows[0])} decades, first layer over last, at step ${steps[0]} to ${slope(last(rows))} at step ${last(steps)}.`;
}

function heatRows() {
  const arm = heatArm(), {steps, rows} = stepMeans(arm);
  return [['arm', 'quantity', 'step', 'layer', 'geometric mean over random seeds, rounded'],
    ...steps.flatMap((step, i) => arm.layers.map((layer, l) => [arm.label, state.quantity, step, layer,
    Number(rows[i][l].toPrecision(3))]))];
}
