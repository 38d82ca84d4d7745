// Scales, ticks and numbers as people read them.

const SUPERSCRIPT = {'-': '⁻', 0: '⁰', 1: '¹', 2: '²', 3: '³', 4: '⁴', 5: '⁵', 6: '⁶', 7: '⁷', 8: '⁸', 9: '⁹'};
const raised = whole => String(whole).replace(/./g, letter => SUPERSCRIPT[letter]);
const minus = text => text.replace('-', '−');

// 0.0123, 4.56·10⁻⁹: three figures.
function said(value, figures = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (value === 0) return '0';
  if (!isFinite(value)) return value > 0 ? '∞' : '−∞';
  const [mantissa, power] = value.toExponential(figures - 1).split('e');
  if (+power >= -3 && +power < 5) return minus(String(+value.toPrecision(figures)));
  return minus(`${mantissa}·10`) + raised(+power);
}

// −5.8, +0.4: decades with their sign.
function signedDecades(value, digits = 1) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (!isFinite(value)) return value > 0 ? '+∞' : '−∞';
  const rounded = Math.abs(value).toFixed(digits);
  return (value < 0 && +rounded !== 0 ? '−' : '+') + rounded;
}

function linear([from, to], [start, end]) {
  const span = to - from || 1;
  const scale = value => start + (value - from) / span * (end - start);
  scale.back = place => from + (place - start) / (end - start) * span;
  return scale;
}

// A scale of log10 over at least so many decades, and whole ones as ticks, at most so many.
function logarithmic(values, range, most = 8, least = 1) {
  const logs = values.filter(value => value > 0 && isFinite(value)).map(Math.log10);
  let low = Math.min(...logs), high = Math.max(...logs);
  if (!logs.length) [low, high] = [-1, 0];
  if (high - low < least) [low, high] = [(low + high - least) / 2, (low + high + least) / 2];
  const room = (high - low) * 0.04;
  const place = linear([low - room, high + room], range);
  const every = [1, 2, 5, 10, 20].find(step => (high - low) / step <= most) || 50;
  const ticks = [];
  for (let power = Math.ceil((low - room) / every) * every; power <= high + room; power += every) {
    ticks.push({at: place(power), text: every === 1 && power >= -2 && power <= 3
      ? String(+(10 ** power).toPrecision(1)) : '10' + raised(power)});
  }
  if (ticks.length < 2) for (const at of [low, high]) ticks.push({at: place(at), text: said(10 ** at, 2)});
  const scale = value => place(Math.log10(value));
  return Object.assign(scale, {ticks: ticks.filter((tick, i) =>
    ticks.findIndex(other => Math.abs(other.at - tick.at) < 14) === i)});
}

// Round ticks of whole numbers between two.
function wholeTicks(from, to, scale, most) {
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].find(step => (to - from) / step <= most)
    || Math.ceil((to - from) / most);
  const ticks = [];
  for (let value = Math.ceil(from / every) * every; value <= to; value += every) ticks.push({at: scale(value),
    text: minus(String(value))});
  return ticks;
}

// A perceptually even colour map (viridis, nine points of it), as [red, green, blue] of 0 to 1.
const MAP = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99],
  [170, 220, 50], [253, 231, 37]];
function mapped(share) {
  const place = Math.min(Math.max(share, 0), 1) * (MAP.length - 1), below = Math.min(Math.floor(place), MAP.length - 2);
  return MAP[below].map((part, i) => Math.round(part + (MAP[below + 1][i] - part) * (place - below)));
}
