// What became of the arms: the loss by step or a layer's value, accuracy, status.

function outcomeSeries() {
  return chosen().map(arm => {
    const layer = layerOf(arm), layers = arm.layers.length;
    const runs = arm.runs.map(run => {
      if (state.outcome === 'loss') return {run, values: run.losses};
      return {run, values: run.codes[state.quantity] && decode(run, state.quantity, layer, run.steps.length, layers)};
    });
    return {arm, runs: runs.filter(({values}) => values && values.length)};
  });
}

function drawOutcome() {
  const panel = byId('outcome'), series = outcomeSeries(), frame = picture(panel, outcomeSentence(),
    {left: 46, bottom: 34});
  const all = series.flatMap(({runs}) => runs), most = Math.max(1, ...all.map(({run}) => last(run.steps)));
  if (!all.length) {
    words(frame.root, frame.width / 2, frame.height / 2, state.outcome === 'loss' ? 'No loss is known here.'
      : 'This quantity has no steps here.', 'middle');
  } else {
    const across = linear([0, most], [frame.left, frame.right - 16]);
    const up = logarithmic(all.flatMap(({values}) => [...values]), [frame.bottom, frame.top], 0.3), ends = [];
    axes(frame, {scale: across, ticks: wholeTicks(across, 6)}, {scale: up, ticks: powerTicks(up, 6), say: powerSaid}, 'step');
    series.forEach(({arm, runs}, i) => {
      const group = put(frame.root, 'g', {class: `c${i}`}), longest = runs.reduce((best, one) => !best
        || one.values.length > best.values.length ? one : best, null);
      if (!longest) return;
      const averages = summary(runs.map(({values}) => Array.from(longest.values, (_, at) => at < values.length
        ? values[at] : NaN)), longest.values.length);
      const points = values => longest.run.steps.map((step, at) => [across(step), at < values.length && values[at] > 0
        ? up(values[at]) : NaN]);
      if (state.seeds === 'lines') for (const {values} of runs) line(group, points(values),
        {'stroke-width': 1, 'stroke-dasharray': DASHES[i]});
      else {
        if (runs.length > 1) band(group, averages.map(({low, high}, at) => [across(longest.run.steps[at]),
          up(low), up(high)]));
        line(group, points(averages.map(({mean}) => mean)), {'stroke-dasharray': DASHES[i]});
      }
      ends.push({letter: LETTERS[i], colour: i, x: frame.right - 10, y: up(last(averages).mean)});
    });
    if (state.when === 'step') put(frame.root, 'line',
      {class: 'cross', x1: across(state.step), x2: across(state.step), y1: frame.top, y2: frame.bottom});
    letters(frame, ends);
  }
  drawOutcomeTable();
}

const share = value => value === null || value === undefined ? '–' : value.toFixed(2);

// The mean of an accuracy over the runs that have one, with the range where it is that of the test.
function accuracies(arm, name) {
  const known = arm.runs.map(run => run[name]).filter(value => value !== null);
  if (!known.length) return '–';
  const mean = share(d3.mean(known));
  return known.length < 2 || name !== 'test_accuracy' ? mean : `${mean} (${d3.extent(known).map(share).join('–')})`;
}

function statuses(arm) {
  const counts = {};
  for (const run of arm.runs) if (run.status) counts[run.status] = (counts[run.status] || 0) + 1;
  return Object.entries(counts).map(([status, count]) => `${count} ${status}`).join(', ') || '–';
}

function drawOutcomeTable() {
  const head = ['arm', 'test accuracy', 'train', 'chance', 'runs'].map(name => html('th', {scope: 'col'}, name));
  const rows = chosen().map((arm, i) => html('tr', {title: arm.runs.map(run => run.reason).find(Boolean) || ''},
    html('th', {scope: 'row', class: `c${i}`}, html('span', {title: arm.label}, LETTERS[i])),
    ...[accuracies(arm, 'test_accuracy'), accuracies(arm, 'train_accuracy'), share(arm.chance),
      statuses(arm)].map(words => html('td', {}, words))));
  byId('outcome-table').replaceChildren(html('thead', {}, html('tr', {}, ...head)), html('tbody', {}, ...rows));
}

function outcomeSentence() {
  return chosen().map(arm =>
    `${arm.label} reaches a test accuracy of ${accuracies(arm, 'test_accuracy')}, chance ${share(arm.chance)} (${statuses(arm)})`).join('; ') + '.';
}

function outcomeRows() {
  const rows = [['arm', 'run', 'random seed', 'status', 'test accuracy', 'step', state.outcome === 'loss'
    ? 'training loss' : `${state.quantity} of a layer`]];
  for (const {arm, runs} of outcomeSeries()) for (const {run, values} of runs) {
    run.steps.forEach((step, at) => rows.push([arm.label, run.name, run.seed, run.status, run.test_accuracy ?? NaN,
      step, Number(values[at].toPrecision(4))]));
  }
  return rows;
}
