// The gradient against depth: the chosen arms beside each other, measured and predicted.

const chosen = () => state.arms.map(number => data.arms[number]);
const isLine = (arm, layer) => !arm.off.has(layer);

// The values of an arm's runs as they are shown, one array a run; over the last layer's where that is asked for.
function shownValues(arm) {
  const runs = arm.runs.map(run => ({run, values: valuesOf(arm, run, state.quantity, state.when, state.step)}));
  return runs.filter(({values}) => values).map(({run, values}) => ({run, values: scaled(values)}));
}

const scaled = values => state.scale === 'last' ? Float64Array.from(values, value => value / last(values)) : values;

// Where a layer lies across: its number where all chosen arms have as many, else its share of the depth.
function layerAxis(arms, frame) {
  const counts = new Set(arms.map(arm => arm.layers.length)), [count] = counts, range = [frame.left + 26, frame.right];
  if (counts.size === 1 && count > 1) {
    const scale = linear([1, count], range);
    return {scale, ticks: wholeTicks(scale, 9), at: (arm, layer) => scale(layer + 1),
      name: 'layer, from the input to the output'};
  }
  const scale = linear([0, 1], range);
  const at = (arm, layer) => scale(arm.layers.length > 1 ? layer / (arm.layers.length - 1) : 0);
  return {scale, ticks: scale.ticks(4), at, name: 'depth: 0 first layer, 1 last layer'};
}

// The layer of an arm that goes with the chosen one of A.
function layerOf(arm) {
  const [a] = chosen();
  return a.layers.length < 2 ? 0 : Math.round(state.layer / (a.layers.length - 1) * (arm.layers.length - 1));
}

const hasTheory = arm => state.theory && arm.theory && state.when === 'init' && state.quantity === 'grad_sample_norm';

function drawProfile() {
  const panel = byId('profile'), arms = chosen(), frame = picture(panel, profileSentence(), {left: 56});
  const series = arms.map(arm => ({arm, runs: shownValues(arm)}));
  const all = series.flatMap(({arm, runs}) => [...runs.flatMap(({values}) => [...values]),
    ...(hasTheory(arm) ? [...scaled(arm.theory.predicted), ...scaled(arm.theory.pure)] : [])]);
  const up = logarithmic(all, [frame.bottom, frame.top]), across = layerAxis(arms, frame), ends = [];
  axes(frame, across, {scale: up, ticks: powerTicks(up, 8), say: powerSaid}, across.name);
  series.forEach(({arm, runs}, i) => {
    const group = put(frame.root, 'g', {class: `c${i}`});
    const means = summary(runs.map(({values}) => values), arm.layers.length);
    const path = arm.layers.map((_, layer) => layer).filter(layer => isLine(arm, layer));
    const height = value => value > 0 ? up(value) : NaN;
    const points = values => path.map(layer => [across.at(arm, layer), height(values[layer])]);
    const dash = {'stroke-dasharray': DASHES[i]};
    if (state.seeds === 'lines') for (const {values} of runs) line(group, points(values), {'stroke-width': 1.1, ...dash});
    else {
      if (runs.length > 1) band(group, path.map(layer => [across.at(arm, layer), up(means[layer].low),
        up(means[layer].high)]));
      line(group, points(means.map(({mean}) => mean)), dash);
    }
    const mark = (layer, attributes) => {
      const cy = height(means[layer].mean);
      if (isFinite(cy)) put(group, 'circle', {cx: across.at(arm, layer), cy, ...attributes});
    };
    for (const layer of arm.off) mark(layer, {r: 3, fill: 'none', stroke: 'currentColor'});
    if (hasTheory(arm)) {
      line(group, points(scaled(arm.theory.predicted)),
        {'stroke-width': 3.5, 'stroke-opacity': 0.45, 'stroke-dasharray': '1 5', 'stroke-linecap': 'round'});
      line(group, points(scaled(arm.theory.pure)), {'stroke-width': 1, 'stroke-opacity': 0.8, 'stroke-dasharray': '4 5'});
    }
    mark(layerOf(arm), {r: 3.5, fill: 'currentColor'});
    if (runs.length) ends.push({letter: LETTERS[i], colour: i, x: frame.left + 8, y: means.length
      && means[path[0]].mean > 0 ? up(means[path[0]].mean) : frame.bottom - 4});
  });
  letters(frame, ends);
  const [a] = arms, hit = hitArea(frame);
  hit.addEventListener('pointermove', event => {
    const [x] = d3.clientPoint(hit, event), away = layer => Math.abs(across.at(a, layer) - x);
    const layer = d3.scan(d3.range(a.layers.length), (one, other) => away(one) - away(other));
    if (layer !== state.layer) hover(layer);
  });
  drawLegend(series);
  byId('profile-note').textContent = notes(series).join(' ');
}

// Hovering chooses a layer, but draws the profile alone until the pointer rests.
let resting;
function hover(layer) {
  state.layer = layer;
  byId('layer').value = layer;
  drawLegend(chosen().map(arm => ({arm, runs: shownValues(arm)})));
  clearTimeout(resting);
  resting = setTimeout(() => change({}), 120);
}

function drawLegend(series) {
  byId('legend').replaceChildren(...series.map(({arm, runs}, i) => {
    const layer = layerOf(arm), {mean, low, high, of} = runs.length
      ? summary(runs.map(({values}) => values), arm.layers.length)[layer] : {};
    const range = of > 1 && mean > 0 ? ` (${said(low, 2)} to ${said(high, 2)})` : '';
    const words = runs.length
      ? `${arm.layers[layer]}: ${about(mean)}${range} · ${signedDecades(decadesShown(arm))} decades${verdictShown(arm)}` : noValues(arm);
    const away = html('button', {type: 'button', 'aria-label': `Take ${LETTERS[i]} away`,
      onclick: () => { choose(arm.number); byId('search').focus(); }}, '×');
    return html('li', {}, html('span', {class: `letter c${i}`}, LETTERS[i]), ` ${arm.label} · ${words} `,
      ...(state.arms.length > 1 ? [away] : []));
  }));
}

// Why an arm has nothing to show.
function noValues(arm) {
  return state.when === 'step' ? 'its runs have no such step' : verdictShown(arm).slice(3) || 'not measured';
}

// The verdict on what is shown: it is one of the activation gradient at a phase.
function verdictShown(arm) {
  const judged = state.when !== 'step' && state.quantity === 'grad_sample_norm' && arm.judgements[state.when];
  return judged ? ` · ${judged.verdict}` : '';
}

// A value with three figures where it is exact, two where it is of a step.
const about = value => state.when === 'step' ? `≈ ${said(value, 2)}` : said(value);

// Decades of the first layer over the last, as shown: over the runs their mean.
function decadesShown(arm) {
  const each = shownValues(arm).map(({values}) => Math.log10(values[0] / last(values))).filter(value =>
    !Number.isNaN(value));
  return d3.mean(each) ?? NaN;
}

function notes(series) {
  const found = [];
  series.forEach(({arm, runs}, i) => {
    const means = summary(runs.map(({values}) => values), arm.layers.length);
    const zero = runs.length ? means.filter(({mean}) => mean === 0).length : 0, lost = runs.length
      ? means.filter(({mean}) => Number.isNaN(mean)).length : 0;
    const some = means.filter(({known, of}) => known && known < of).length;
    if (some) found.push(`${LETTERS[i]}: in ${some} layers some random seeds are zero or not finite; the mean is of the others.`);
    if (zero) found.push(`${LETTERS[i]}: exactly zero in ${zero} layers, which are not drawn.`);
    if (lost) found.push(`${LETTERS[i]}: not finite or not measured in ${lost} layers.`);
    if (arm.off.size) found.push(`${LETTERS[i]}: rings are layers beside the main path.`);
  });
  const asked = state.theory && state.quantity === 'grad_sample_norm' && state.when === 'init';
  if (state.theory && !asked) found.push('Theory is of the activation gradient at init.');
  if (asked && series.some(({arm}) =>
    arm.theory)) found.push('Dots: predicted from one forward pass. Fine dashes: from choices alone.');
  return found;
}

const quantityLabel = () => data.quantities.find(({name}) => name === state.quantity).label;
const whenSaid = () => state.when === 'step' ? `at step ${state.step}` : data.phases[state.when];

function profileSentence() {
  const each = chosen().map((arm, i) => {
    const decades = decadesShown(arm), runs = shownValues(arm).length;
    if (Number.isNaN(decades)) return `${arm.label} (${LETTERS[i]}) is not known (${runs ? 'an end of it is zero or not finite' : noValues(arm)})`;
    if (!isFinite(decades)) return `${arm.label} (${LETTERS[i]}) ${decades < 0 ? 'is exactly zero' : 'overflows'} at the first layer`;
    const way = decades < 0 ? 'falls' : 'grows';
    return `${arm.label} (${LETTERS[i]}) ${way} by ${Math.abs(decades).toFixed(1)} decades from the last layer to the first (${runs} random seed${runs === 1 ? '' : 's'})${verdictShown(arm).replace(' · ', ': ')}`;
  });
  const words = quantityLabel();
  return `${whenSaid().replace(/^./, letter => letter.toUpperCase())}, the ${words.split(',')[0]} of ${each.join('; that of ')}.`;
}

function profileRows() {
  const rows = [['arm', 'run', 'random seed', 'when', 'quantity', 'scale', 'layer number', 'layer', 'value',
    'rounded to decades']];
  for (const arm of chosen()) for (const {run, values} of shownValues(arm)) {
    const rounded = state.when === 'step' ? run.scales[state.quantity][1] : 0;
    arm.layers.forEach((layer, i) => rows.push([arm.label, run.name, run.seed, whenSaid(), state.quantity, state.scale,
      i + 1, layer, Number(values[i].toPrecision(8)), rounded]));
  }
  return rows;
}

// The table of what the profile shows; made only while it is open.
function drawTable() {
  if (!byId('table-fold').open) return;
  const head = html('tr', {}, ...['arm', 'layer', 'mean', 'smallest', 'largest',
    'predicted'].map(name => html('th', {scope: 'col'}, name)));
  const rows = chosen().flatMap((arm, i) => {
    const means = summary(shownValues(arm).map(({values}) => values), arm.layers.length), theory = hasTheory(arm)
      ? scaled(arm.theory.predicted) : [];
    return arm.layers.map((layer, l) => html('tr', {}, ...[`${LETTERS[i]} ${arm.label}`, layer, about(means[l].mean),
      said(means[l].low), said(means[l].high), said(theory[l])].map(words => html('td', {}, words))));
  });
  byId('table').replaceChildren(html('caption', {class: 'note'}, profileSentence()), html('thead', {}, head),
    html('tbody', {}, ...rows));
}
