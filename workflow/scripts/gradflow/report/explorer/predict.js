// Predict: first the guess, then the theory's line over the measured one.

const VARIANCES = {default: 1 / 3, xavier: 1, lecun: 1, orthogonal: 1, he: 2};
let revealed = false, unknown = [];  // whether the theory shows; what is not known of A, after its settings were taken

function preparePredict() {
  byId('activation').append(...Object.entries(ACTIVATIONS).map(([name, {label}]) => html('option', {value: name},
    label)));
  for (const name of ['variance', 'depth', 'guess', 'activation']) byId(name).addEventListener('input',
    () => { if (name === 'guess') revealed = false; else unknown = []; drawPredict(); });
  byId('guessing').addEventListener('submit', event => {
    event.preventDefault();
    revealed = true;
    drawPredict();
  });
  byId('take').addEventListener('click', () => {
    const [arm] = chosen(), {init, activation} = arm.settings;
    byId('depth').value = arm.layers.length - arm.off.size;
    if (VARIANCES[init]) byId('variance').value = VARIANCES[init];
    if (ACTIVATIONS[activation]) byId('activation').value = activation;
    unknown = [VARIANCES[init] ? '' : 'initialisation', ACTIVATIONS[activation] ? '' : 'activation'].filter(Boolean);
    revealed = false;
    drawPredict();
  });
}

const predicted = () => theoryProfile(+byId('variance').value, byId('activation').value, +byId('depth').value);

// The decades of A at init against its last layer, over random seeds their mean; null where A has none.
function measuredAtInit() {
  const [arm] = chosen(), runs = arm.runs.map(run => run.exact.init && run.exact.init.grad_sample_norm).filter(Boolean);
  if (!runs.length) return null;
  const rows = summary(runs, arm.layers.length), path = rows.filter((_, layer) => isLine(arm, layer));
  return path.map(({mean}) => Math.log10(mean / last(path).mean));
}

function drawPredict() {
  for (const name of ['variance', 'depth',
    'guess']) byId(name).parentElement.querySelector('output').textContent = name === 'guess'
    ? signedDecades(+byId(name).value) : byId(name).value;
  byId('predict-said').textContent = predictSentence();
  const panel = byId('predict'), frame = picture(panel, predictSentence(), {left: 46});
  const guess = +byId('guess').value, logs = revealed ? predicted() : [], measured = revealed ? measuredAtInit() || []
    : [];
  const [low, high] = d3.extent([...logs, ...measured, guess, 1, -3].filter(isFinite));
  const up = linear([low - 0.3, high + 0.3], [frame.bottom, frame.top]),
    across = linear([0, 1], [frame.left + 10, frame.right - 60]);
  axes(frame, {scale: across, ticks: [0, 0.5, 1]}, {scale: up, ticks: wholeTicks(up, 6)},
    'depth: 0 first, 1 last layer (decades upwards)');
  const points = values => values.map((value, i) => [across(i / Math.max(1, values.length - 1)), up(value)]);
  const names = [['guess', [guess, 0], '4 4', 4], ['theory', logs, 'none', 1],
    ['A', measured, '1 4', 0]].filter(([, values]) => values.length);
  const ends = names.map(([name, values, dash, colour]) => {
    line(put(frame.root, 'g', {class: `c${colour}`}), points(values), {'stroke-dasharray': dash});
    return {letter: name, colour, x: frame.right - 52, y: up(last(values))};
  });
  letters(frame, ends);
}

function predictSentence() {
  const missing = unknown.length ? `A's ${unknown.join(' and ')} ${unknown.length > 1 ? 'are' : 'is'} not known here: choose. ` : '';
  return missing + predictWords();
}

function predictWords() {
  const guess = +byId('guess').value, depth = +byId('depth').value;
  if (!revealed) return `By how many decades does the gradient change from the last of ${depth} layers to the first? Move the guess, then show the theory.`;
  const [decades] = predicted(), per = decades / Math.max(1, depth - 1), measured = measuredAtInit();
  const theirs = 'The profile’s theory has padding, pools, skips and norms too.';
  const off = Math.abs(guess - decades).toFixed(1), a = measured && isFinite(measured[0])
    ? ` A measures ${signedDecades(measured[0])} over ${measured.length} layers. ${theirs}` : '';
  return `Theory: ${signedDecades(decades)} decades over ${depth} fully connected ${ACTIVATIONS[byId('activation').value].label} layers at a variance of ${byId('variance').value}, a factor of ${said(10 ** per)} a layer. The guess was ${off} off.${a}`;
}

function predictRows() {
  const own = revealed ? predicted() : [], measured = revealed ? measuredAtInit() || [] : [];
  return [['line', 'layer', 'decades over the last layer'], ...own.map((value, i) => ['theory', i + 1, value]),
    ...measured.map((value, i) => [chosen()[0].label, i + 1, value])];
}
