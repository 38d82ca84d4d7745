// Scales, ticks and numbers as people read them.

const SUPERSCRIPT = {'-': '⁻', 0: '⁰', 1: '¹', 2: '²', 3: '³', 4: '⁴', 5: '⁵', 6: '⁶', 7: '⁷', 8: '⁸', 9: '⁹'};
const raised = whole => String(whole).replace(/./g, letter => SUPERSCRIPT[letter]);
const minus = text => String(text).replace('-', '−');

// 0.0123, 4.56·10⁻⁹: three figures.
function said(value, figures = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (value === 0) return '0';
  if (!isFinite(value)) return value > 0 ? '∞' : '−∞';
  const [mantissa, power] = value.toExponential(figures - 1).split('e');
  if (+power >= -3 && +power < 5) return minus(+value.toPrecision(figures));
  return minus(`${mantissa}·10`) + raised(+power);
}

// −5.8, +0.4: decades with their sign.
function signedDecades(value, digits = 1) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (!isFinite(value)) return value > 0 ? '+∞' : '−∞';
  const rounded = Math.abs(value).toFixed(digits);
  return (value < 0 && +rounded !== 0 ? '−' : '+') + rounded;
}

const linear = (domain, range) => d3.scaleLinear().domain(domain).range(range);

// A logarithmic scale of all values that have a logarithm, over at least so many decades.
function logarithmic(values, range, least = 1) {
  let [low, high] = d3.extent(values.filter(value => value > 0 && isFinite(value)), Math.log10);
  if (low === undefined) [low, high] = [-1, 0];
  const room = Math.max((high - low) * 0.04, (least - high + low) / 2);
  return d3.scaleLog().domain([10 ** (low - room), 10 ** (high + room)]).range(range);
}

// Powers of ten; where there are less than three, 1, 2 and 5 of each, or whatever there is.
function powerTicks(scale, most) {
  const all = scale.ticks(most), starting = letters => all.filter(tick => letters.includes(tick.toExponential()[0]));
  const few = [starting('1'), starting('125')].find(ticks => ticks.length > 2) || all;
  return few.reduce((kept, tick) => kept.some(other => Math.abs(scale(other) - scale(tick)) < 14) ? kept
    : [...kept, tick], []);
}

const wholeTicks = (scale, most) => scale.ticks(Math.max(1, most)).filter(Number.isInteger);

// 0.1, 1, 1000, 10⁻⁹.
function powerSaid(value) {
  const power = Math.round(Math.log10(value));
  return power >= -2 && power <= 3 ? String(+value.toPrecision(1)) : said(value, 1).replace('1·', '');
}
