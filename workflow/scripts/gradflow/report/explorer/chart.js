// Pictures of SVG, drawn with D3 and made anew at each change: elements, axes, lines, bands and letters at their ends.

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

// A new element within a picture, as D3 selects it.
function put(parent, tag, attributes = {}) {
  const made = parent.append(tag);
  for (const [name, value] of Object.entries(attributes)) made.attr(name, value);
  return made;
}

// An empty picture as large as its place, with the numbers of its frame; label: what it shows, for those who hear it.
function picture(panel, label, margins = {}) {
  const place = panel.querySelector('.picture');
  const {left = 52, right = 14, top = 10, bottom = 34} = margins;
  const width = Math.max(place.clientWidth, 240), height = Math.max(place.clientHeight, 100);
  place.replaceChildren();
  const root = put(d3.select(place), 'svg', {viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label});
  return {root, width, height, left, top, right: width - right, bottom: height - bottom};
}

// across and up: {scale, ticks, say}; up's ticks are lines through the picture.
function axes({root, left, right, top, bottom}, across, up, name) {
  const below = d3.axisBottom(across.scale).tickValues(across.ticks).tickFormat(across.say || minus).tickSizeOuter(0);
  const beside = d3.axisLeft(up.scale).tickValues(up.ticks).tickFormat(up.say || minus);
  put(root, 'g', {class: 'grid', transform: `translate(${left},0)`}).call(beside.tickSize(left - right)).select('path').remove();
  put(root, 'g', {class: 'axis', transform: `translate(0,${bottom})`}).call(below).select('path').remove();
  put(root, 'path', {class: 'frame', d: `M${left},${top}V${bottom}H${right}`});
  words(root, (left + right) / 2, bottom + 30, name, 'middle');
}

function words(parent, x, y, said, anchor = 'start', kind = '') {
  return put(parent, 'text', {x, y, 'text-anchor': anchor, class: kind}).text(said);
}

// A line through points [x, y]; where y is not finite it is broken.
function line(parent, points, attributes) {
  const d = d3.line().defined(([, y]) => isFinite(y))(points) || '';
  return put(parent, 'path', {fill: 'none', stroke: 'currentColor', 'stroke-width': 1.8, ...attributes, d});
}

// The stretch between two lines, of points [x, low, high].
function band(parent, points) {
  const area = d3.area().x(([x]) => x).y0(([, low]) => low).y1(([, , high]) => high);
  const d = area(points.filter(([, low, high]) => isFinite(low) && isFinite(high))) || '';
  return put(parent, 'path', {fill: 'currentColor', 'fill-opacity': 0.18, stroke: 'none', d});
}

// What takes the pointer in a frame.
const hitArea = ({root, left, right, top, bottom}) => put(root, 'rect',
  {class: 'hit', x: left, y: top, width: right - left, height: bottom - top}).node();

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
    words(frame.root, end.x, end.y + 4, end.letter, 'start', `strong c${end.colour}`);
  }
}

const LETTERS = 'ABCDEF';
const DASHES = ['none', '7 3', '2 3', '9 3 2 3', '5 5', '1 4'];
