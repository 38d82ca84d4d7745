// The state, the controls that change it, and the drawing of all that follows from it.

let data;
const state = {arms: [0], quantity: '', when: 'init', step: 0, layer: 0, scale: 'absolute', seeds: 'band',
  theory: true, search: '', chips: [], study: '', heat: 0, outcome: 'loss'};
const ALONE = location.protocol !== 'data:' && window === window.top;  // else there is no address to keep a state in
const STILL = matchMedia('(prefers-reduced-motion: reduce)');

const options = pairs => pairs.map(([value, words]) => html('option', {value}, words));
const steps = () => [...new Set(chosen().flatMap(arm => arm.runs.flatMap(run => run.steps)))].sort((a, b) => a - b);
const phases = () => Object.keys(data.phases).filter(phase =>
  data.arms.some(arm => arm.runs.some(run => run.phases.includes(phase))));

// Change a part of the state, and draw what follows from it.
function change(part) {
  Object.assign(state, part);
  if (!state.arms.length) state.arms = [listed()[0]?.number ?? 0];
  state.layer = Math.min(state.layer, chosen()[0].layers.length - 1);
  state.heat = Math.min(state.heat, state.arms.length - 1);
  drawControls();
  if (['arms', 'search', 'chips', 'study'].some(name => name in part) || phaseSaid() !== listedAt) drawNavigator();
  for (const draw of [drawProfile, drawHeatmap, drawOutcome, drawTable]) draw();
  if ('arms' in part) drawPredict();
  keepState();
}

function drawControls() {
  const all = steps(), slider = byId('step');
  for (const name of ['quantity', 'when', 'scale', 'seeds', 'study', 'search']) byId(name).value = state[name];
  byId('theory').checked = state.theory;
  byId('outcome-of').value = state.outcome;
  slider.max = Math.max(0, all.length - 1);
  slider.disabled = byId('play').disabled = all.length < 2;
  slider.value = Math.max(0, all.filter(step => step <= (state.when === 'step' ? state.step
    : currentStep())).length - 1);
  const words = all.length ? `step ${all[+slider.value]}` : 'no steps';
  byId('step-said').textContent = words;
  slider.setAttribute('aria-valuetext', words);
  byId('layer').replaceChildren(...options(chosen()[0].layers.map((name, i) => [i, `${i + 1} · ${name}`])));
  byId('layer').value = state.layer;
  byId('heat-arm').replaceChildren(...options(chosen().map((arm, i) => [i, `${LETTERS[i]} ${arm.label}`])));
  byId('heat-arm').value = state.heat;
}

let playing = null;
function play(on) {
  clearInterval(playing);
  playing = on ? setInterval(() => {
    const all = steps(), next = all.find(step => step > (state.when === 'step' ? state.step : -1));
    if (next === undefined) return play(false);
    change({when: 'step', step: next});
  }, STILL.matches ? 1000 : 120) : null;
  byId('play').setAttribute('aria-pressed', String(on));
  byId('play').textContent = on ? 'Stop' : 'Play';
}

function prepareControls() {
  byId('quantity').append(...options(data.quantities.map(({name, label}) => [name, label])));
  byId('when').append(...options(phases().map(phase => [phase, data.phases[phase]])));
  if (data.longest) byId('when').append(...options([['step', 'at one step']]));
  for (const name of ['quantity', 'when', 'scale', 'seeds']) byId(name).addEventListener('change',
    event => change({[name]: event.target.value, ...(name === 'when' && event.target.value === 'step'
    ? {step: currentStep()} : {})}));
  byId('layer').addEventListener('change', event => change({layer: +event.target.value}));
  byId('theory').addEventListener('change', event => change({theory: event.target.checked}));
  byId('step').addEventListener('input', event => { play(false); change({when: 'step',
    step: steps()[+event.target.value]}); });
  byId('play').addEventListener('click', () => {
    const starting = !playing;
    if (starting && state.when === 'step' && state.step >= last(steps())) state.step = -1;
    play(starting);
  });
  byId('heat-arm').addEventListener('change', event => change({heat: +event.target.value}));
  byId('outcome-of').addEventListener('change', event => change({outcome: event.target.value}));
  byId('table-fold').addEventListener('toggle', drawTable);
  byId('controls').addEventListener('submit', event => event.preventDefault());
}

const KEPT = ['quantity', 'when', 'scale', 'seeds', 'outcome', 'study', 'search'];

function keepState() {
  if (!ALONE) return;
  const kept = new URLSearchParams({arms: state.arms.join(), step: state.step, layer: state.layer, heat: state.heat,
    theory: +state.theory, chips: state.chips.join('')});
  for (const name of KEPT) kept.set(name, state[name]);
  history.replaceState(null, '', '#' + kept);
}

// The state that the address has; what is unknown there is passed over.
function restoreState() {
  if (!ALONE) return;
  const kept = new URLSearchParams(location.hash.slice(1)),
    whole = name => Math.max(0, parseInt(kept.get(name), 10) || 0);
  const arms = [...new Set((kept.get('arms') || '').split(',').map(Number))].filter(number => kept.get('arms')
    && data.arms[number]);
  if (arms.length) state.arms = arms.slice(0, MOST);
  Object.assign(state, {step: whole('step'), layer: whole('layer'), heat: whole('heat')});
  if (kept.has('theory')) state.theory = kept.get('theory') === '1';
  state.chips = [...(kept.get('chips') || '')].filter(chip => chip === '†' || chip in WORDS);
  for (const name of KEPT) {
    const field = byId(name === 'outcome' ? 'outcome-of' : name), value = kept.get(name);
    if (value !== null && (name === 'search' || [...field.options].some(option =>
      option.value === value))) state[name] = value;
  }
}

function aboutData() {
  const {seeds} = data.thinning, every = Math.max(...data.arms.flatMap(arm => arm.runs.map(run => run.every))),
    runs = data.arms.reduce((sum, arm) => sum + arm.runs.length, 0),
    count = (number, word) => `${number} ${word}${number === 1 ? '' : 's'}`;
  const words = [`${count(data.arms.length, 'distinct arm')}, ${count(runs, 'run')}.`];
  if (data.longest) {
    words.push(every > data.longest ? 'Of the steps, the first ten and the last are here'
      : `The first ten steps, every ${every}th and the last are here`);
    words.push(`rounded to ± ${(data.coarsest / 2).toFixed(2)} decades; the phases are exact.`);
  }
  if (seeds && data.most > seeds) words.push(`For want of room, at most ${seeds} random seed${seeds > 1 ? 's' : ''} of an arm ${seeds > 1 ? 'are' : 'is'} drawn; verdicts are of all.`);
  return words.join(' ').replace('here rounded', 'here, rounded').replace('every 2th', 'every 2nd');
}

// What is shown first: the arm that vanishes most, and the best of its architecture, or of all.
function firstArms() {
  const [worst] = listed(), reached = arm => Math.max(-1, ...arm.runs.map(run => run.test_accuracy ?? -1));
  const others = data.arms.filter(arm => arm !== worst), alike = others.filter(arm =>
    arm.settings.architecture === worst.settings.architecture);
  const [best] = (alike.length ? alike : others).sort((a, b) => reached(b) - reached(a));
  return [worst, best].filter(Boolean).map(arm => arm.number);
}

async function start() {
  document.head.append(html('script', {}, await unpack(byId('library').textContent).text()));
  data = readPacked(await unpack(byId('packed').textContent).arrayBuffer());
  byId('about').textContent = aboutData();
  state.quantity = data.quantities[0].name;
  state.arms = firstArms();
  document.body.classList.toggle('still', !data.longest);  // one profile, and no steps
  if (!data.arms.some(arm => arm.runs.some(run => run.losses))) {
    state.outcome = 'layer';
    byId('outcome-of').options[0].disabled = true;
  }
  for (const prepare of [prepareControls, prepareNavigator, preparePredict, restoreState]) prepare();
  addMenu(byId('profile'), profileRows, profileSentence);
  addMenu(byId('heatmap'), heatRows, heatSentence);
  addMenu(byId('outcome'), outcomeRows, outcomeSentence);
  addMenu(byId('predict'), predictRows, predictSentence);
  change({arms: state.arms});
  const sized = new ResizeObserver(() => requestAnimationFrame(() => { change({}); drawPredict(); }));
  for (const place of document.querySelectorAll('.picture')) sized.observe(place);
  document.body.dataset.ready = 'yes';
}

start().catch(error => {
  byId('about').textContent = `The explorer could not start (${error.message}): open the page in a browser of 2023 or later.`;
  throw error;
});
