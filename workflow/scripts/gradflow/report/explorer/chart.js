// Pictures of SVG, made anew at each change: elements, axes, lines, bands and letters at their ends.

const byId = name => document.getElementById(name);

// An element of HTML; what is not an element becomes text, never markup.
function html(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children);
  return made;
}

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, typeof value === 'number'
    ? +value.toFixed(2) : value);
  made.append(...children);
  return made;
}

// An empty picture as large as its place, with the numbers of its frame; label: what it shows, for those who hear it.
function picture(panel, label, margins = {}) {
  const place = panel.querySelector('.picture');
  const {left = 52, right = 14, top = 10, bottom = 34} = margins;
  const width = Math.max(place.clientWidth, 240), height = Math.max(place.clientHeight, 100);
  const root = svg('svg', {viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label});
  place.replaceChildren(root);
  return {root, width, height, left, top, right: width - right, bottom: height - bottom};
}

function axes(frame, across, up, names) {
  const {root, left, right, top, bottom} = frame;
  for (const tick of up) {
    root.append(svg('line', {class: 'grid', x1: left, x2: right, y1: tick.at, y2: tick.at}));
    root.append(text(left - 5, tick.at + 4, tick.text, 'end'));
  }
  let taken = -Infinity;
  for (const tick of across) {
    const half = tick.text.length * 3.4;
    if (tick.at - half < taken + 6 || tick.at + half > frame.width) continue;
    taken = tick.at + half;
    root.append(svg('line', {class: 'axis', x1: tick.at, x2: tick.at, y1: bottom, y2: bottom + 4}));
    root.append(text(tick.at, bottom + 15, tick.text, 'middle'));
  }
  root.append(svg('path', {class: 'axis', d: `M${left},${top}V${bottom}H${right}`}));
  root.append(text((left + right) / 2, bottom + 30, names.across, 'middle'));
}

function text(x, y, words, anchor = 'start', kind = '') {
  return svg('text', {x, y, 'text-anchor': anchor, class: kind}, words);
}

// A line through points [x, y]; where y is not finite it is broken.
function line(points, attributes) {
  let d = '', pen = 'M';
  for (const [x, y] of points) {
    if (!isFinite(y)) { pen = 'M'; continue; }
    d += `${pen}${x.toFixed(1)},${y.toFixed(1)}`;
    pen = 'L';
  }
  return svg('path', {fill: 'none', stroke: 'currentColor', 'stroke-width': 1.8, ...attributes, d});
}

// The stretch between two lines, of points [x, low, high].
function band(points, attributes) {
  const known = points.filter(point => isFinite(point[1]) && isFinite(point[2]));
  const there = known.map(([x, low]) => `${x.toFixed(1)},${low.toFixed(1)}`);
  const back = known.map(([x, , high]) => `${x.toFixed(1)},${high.toFixed(1)}`).reverse();
  return svg('polygon', {fill: 'currentColor', 'fill-opacity': 0.18, stroke: 'none', ...attributes,
    points: [...there, ...back].join(' ')});
}

// Letters beside lines, pushed apart so that none lies on another. ends: [{letter, colour, x, y}].
function letters(frame, ends) {
  const sorted = ends.filter(end => isFinite(end.y)).sort((a, b) => a.y - b.y);
  let taken = frame.top - 6;
  for (const end of sorted) {
    end.y = Math.max(end.y, taken + 15);
    taken = end.y;
  }
  let floor = frame.bottom + 4;
  for (const end of sorted.reverse()) {
    end.y = Math.min(end.y, floor);
    floor = end.y - 15;
    frame.root.append(svg('text', {x: end.x, y: end.y + 4, class: 'strong', style: `fill: var(--a${end.colour})`},
      end.letter));
  }
}

const LETTERS = 'ABCDEF';
const DASHES = ['none', '7 3', '2 3', '9 3 2 3', '5 5', '1 4'];
