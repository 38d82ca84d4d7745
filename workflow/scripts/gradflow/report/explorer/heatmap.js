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
  const logs = rows.flat().filter(value => value > 0 && isFinite(value)).map(Math.log10);
  const low = logs.reduce((a, b) => Math.min(a, b), Infinity), high = logs.reduce((a, b) => Math.max(a, b), -Infinity);
  const there = rows.some(row => row.some(value => !Number.isNaN(value)));
  seen.set(key, {steps: there ? longest.steps : [], rows, low, high, address: there ? coloured(rows, low, high) : ''});
  return seen.get(key);
}

// A picture with a column a step and a row a layer, as an address.
function coloured(rows, low, high) {
  const wide = rows.length, tall = rows[0].length, canvas = html('canvas', {width: wide, height: tall});
  const context = canvas.getContext('2d'), image = context.createImageData(wide, tall);
  rows.forEach((row, x) => row.forEach((value, y) => {
    const colour = value > 0 && isFinite(value) ? mapped((Math.log10(value) - low) / (high - low || 1)) : value === 0
      ? [0, 0, 0] : [150, 150, 150];
    image.data.set([...colour, 255], 4 * (y * wide + x));
  }));
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

function drawHeatmap() {
  const panel = byId('heatmap'), arm = heatArm(), {steps, rows, low, high, address} = stepMeans(arm),
    layers = arm.layers.length;
  const frame = picture(panel, heatSentence(), {left: 44, top: 24, right: 12});
  if (!steps.length) {
    frame.root.append(text(frame.width / 2, frame.height / 2, 'This quantity has no steps here.', 'middle'));
    byId('heat-said').textContent = '';
    return;
  }
  const wide = (frame.right - frame.left) / steps.length, tall = (frame.bottom - frame.top) / layers;
  const across = steps.map((step, i) => ({step, at: frame.left + (i + 0.5) * wide,
    text: String(step)})).filter(({step}, i) => i % Math.ceil(40 / wide) === 0 || i === 0);
  const row = linear([1, layers], [frame.top + tall / 2, frame.bottom - tall / 2]);
  axes(frame, across, layers > 1 ? wholeTicks(1, layers, row, Math.max(2, (frame.bottom - frame.top) / 22)) : [],
    {across: 'step (the first ten, then fewer)'});
  frame.root.append(text(frame.left - 5, 14, 'layer', 'end'));
  frame.root.append(svg('image', {x: frame.left, y: frame.top, width: frame.right - frame.left,
    height: frame.bottom - frame.top, href: address, preserveAspectRatio: 'none',
    style: 'image-rendering: pixelated'}));
  heatKey(frame, low, high);
  const at = Math.max(0, steps.filter(step => step <= currentStep()).length - 1), layer = layerOf(arm);
  frame.root.append(svg('rect', {class: 'cross', x: frame.left + at * wide, y: frame.top, width: wide,
    height: frame.bottom - frame.top}));
  frame.root.append(svg('rect', {class: 'cross', x: frame.left, y: frame.top + layer * tall,
    width: frame.right - frame.left, height: tall}));
  const hit = svg('rect', {class: 'hit', x: frame.left, y: frame.top, width: frame.right - frame.left,
    height: frame.bottom - frame.top});
  hit.addEventListener('click', event => {
    const box = hit.getBoundingClientRect(), place = (share, count) => Math.min(count - 1,
      Math.max(0, Math.floor(share * count)));
    const y = place((event.clientY - box.top) / box.height, layers), own = chosen()[0].layers.length;
    change({when: 'step', step: steps[place((event.clientX - box.left) / box.width, steps.length)],
      layer: Math.round(layers > 1 ? y / (layers - 1) * (own - 1) : 0)});
  });
  frame.root.append(hit);
  byId('heat-said').textContent = `Step ${steps[at]}, ${arm.layers[layer]}: ≈ ${said(rows[at][layer], 2)}. Click a column for its step, a row for its layer. Black is exactly zero, grey not finite.`;
}

// The step that the crosshair is at: the shown one, or that of the phase.
function currentStep() {
  const count = Math.max(1, ...heatArm().runs.map(run => run.steps.length ? last(run.steps) + 1 : 1));
  return {step: state.step, init: 0, one_step: 1, middle: Math.floor(count / 2), end: count - 1}[state.when];
}

function heatKey(frame, low, high) {
  const wide = Math.min(150, (frame.right - frame.left) / 2), left = frame.right - wide - 52;
  for (let i = 0; i < 30; i++) frame.root.append(svg('rect',
    {x: left + i * wide / 30, y: 5, width: wide / 30 + 0.5, height: 10, fill: `rgb(${mapped(i / 29)})`,
    stroke: 'none'}));
  frame.root.append(text(left - 5, 14, said(10 ** low, 2), 'end'), text(left + wide + 5, 14, said(10 ** high, 2)));
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
