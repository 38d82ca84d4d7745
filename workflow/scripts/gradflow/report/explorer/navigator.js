// The arms, sorted by their decades, with filters; up to six are chosen.

const MOST = 6;
const WORDS = {V: 'vanishing', H: 'healthy', E: 'exploding', U: 'undecided or not measured'};

// The phase that the list speaks of: a single step has no verdict, so there it is that at init.
const phaseSaid = () => state.when === 'step' ? 'init' : state.when;

function standing(arm) {
  return arm.judgements[phaseSaid()] || {verdict: 'not measured', decades: null, n: 0};
}

function letterOf(verdict) {
  const word = verdict.split(/[ ,]/)[0];
  return Object.keys(WORDS).find(letter => WORDS[letter] === word) || 'U';
}

const isDead = arm => /, dead/.test(standing(arm).verdict);

function listed() {
  const wanted = state.search.toLowerCase();
  return data.arms.filter(arm => {
    const names = [arm.label, ...arm.aliases].join('\n').toLowerCase();
    const letter = letterOf(standing(arm).verdict);
    const kind = !state.chips.length || state.chips.includes(letter) || (state.chips.includes('†') && isDead(arm));
    return kind && names.includes(wanted) && (!state.study || arm.studies.includes(state.study));
  }).sort((a, b) => (standing(a).decades ?? Infinity) - (standing(b).decades ?? Infinity));
}

let listedAt = '';  // the phase of the list as it stands

function drawNavigator() {
  listedAt = phaseSaid();
  const list = byId('arms'), inside = list.contains(document.activeElement) && document.activeElement.value,
    rows = listed();
  list.replaceChildren(...rows.map(arm => {
    const {verdict, decades, n} = standing(arm), letter = letterOf(verdict), place = state.arms.indexOf(arm.number);
    const box = html('input', {type: 'checkbox', value: arm.number,
      'aria-label': `${arm.label}: ${verdict}, ${signedDecades(decades)} decades`});
    box.checked = place >= 0;
    box.disabled = place < 0 && state.arms.length >= MOST;
    box.addEventListener('change', () => choose(arm.number));
    const also = arm.aliases.length ? [html('small', {}, 'also: ' + arm.aliases.join('; '))] : [];
    const label = html('label', {title: `${verdict}; ${n} random seeds; ${arm.studies.join(', ')}`}, box,
      html('span', {class: `letter c${place}`}, LETTERS[place] || ''),
      html('span', {class: `badge ${letter}`}, letter + (isDead(arm) ? '†' : '')),
      html('span', {class: 'name'}, arm.label, ...also),
      html('span', {class: 'decades'}, signedDecades(decades)));
    return html('li', {class: place >= 0 ? 'chosen' : ''}, label);
  }));
  if (!rows.length) list.append(html('li', {class: 'note'}, 'No arm is like this: take a filter away.'));
  if (inside) list.querySelector(`input[value="${CSS.escape(inside)}"]`)?.focus();
  for (const chip of byId('chips').children) chip.setAttribute('aria-pressed', state.chips.includes(chip.value));
  byId('navigator-head').textContent = `Arms by decades ${data.phases[phaseSaid()]}`;
}

function choose(number) {
  const arms = state.arms.includes(number) ? state.arms.filter(other => other !== number)
    : [...state.arms, number].slice(0, MOST);
  change({arms});
}

function prepareNavigator() {
  const count = letter => data.arms.filter(arm => letter === '†' ? isDead(arm)
    : letterOf(standing(arm).verdict) === letter).length;
  for (const letter of [...Object.keys(WORDS), '†']) {
    const toggle = () => change({chips: state.chips.includes(letter) ? state.chips.filter(chip => chip !== letter)
      : [...state.chips, letter]});
    const name = `${WORDS[letter] || 'dead'}: ${count(letter)} arms at init`;
    byId('chips').append(html('button', {type: 'button', value: letter, class: letter === '†' ? '' : letter,
      'aria-label': name, title: name, 'aria-pressed': 'false', onclick: toggle}, letter));
  }
  const titles = [...new Set(data.arms.flatMap(arm => arm.studies))];
  byId('study').append(...titles.map(title => html('option', {value: title}, title)));
  byId('study').addEventListener('change', event => change({study: event.target.value}));
  byId('search').addEventListener('input', event => change({search: event.target.value}));
  byId('arms').addEventListener('keydown', event => {  // arrows walk the list
    const move = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (!move) return;
    event.preventDefault();
    const boxes = [...byId('arms').querySelectorAll('input:enabled')];
    boxes[Math.min(Math.max(boxes.indexOf(event.target) + move, 0), boxes.length - 1)]?.focus();
  });
}
