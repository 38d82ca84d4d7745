// What is shown, to take away: SVG, PNG, CSV, and a sentence.

const DRAWN = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-opacity', 'fill-opacity', 'font-size',
  'font-family', 'font-weight', 'text-anchor', 'image-rendering'];

// The text of a panel's picture as a file of its own, in the colours that it is shown in.
function pictureText(panel) {
  const shown = panel.querySelector('.picture svg'), copy = shown.cloneNode(true);
  const [, , width, height] = shown.getAttribute('viewBox').split(' ');
  const originals = [shown, ...shown.querySelectorAll('*')];
  [copy, ...copy.querySelectorAll('*')].forEach((part, i) => {
    const style = getComputedStyle(originals[i]);
    for (const name of DRAWN) part.style.setProperty(name, style.getPropertyValue(name));
    part.removeAttribute('class');
  });
  const paper = getComputedStyle(document.body).backgroundColor;
  d3.select(copy).attr('width', width).attr('height', height).insert('rect', ':first-child')
    .attr('width', '100%').attr('height', '100%').attr('fill', paper);
  return new XMLSerializer().serializeToString(copy);
}

function download(name, content) {
  const address = URL.createObjectURL(content);
  html('a', {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

function savePicture(panel) {
  download(`gradflow-${panel.id}.svg`, new Blob([pictureText(panel)], {type: 'image/svg+xml'}));
}

function savePixels(panel) {
  const drawn = new Image();
  drawn.onload = () => {
    const canvas = html('canvas', {width: drawn.width * 2, height: drawn.height * 2});
    canvas.getContext('2d').drawImage(drawn, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(content => download(`gradflow-${panel.id}.png`, content), 'image/png');
  };
  drawn.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(pictureText(panel));
}

// Rows as CSV. A text that a spreadsheet would take for a formula gets an apostrophe.
function asCsv(rows) {
  const cell = value => {
    if (typeof value === 'number') return Number.isNaN(value) ? '' : String(value);
    return String(value ?? '').replace(/^[=+\-@\t\r]/, "'$&");
  };
  return d3.csvFormatRows(rows.map(row => row.map(cell))) + '\n';
}

function copySentence(words, button) {
  const place = byId('copied'), field = html('textarea', {readonly: true, rows: 3, 'aria-label': 'The sentence'});
  field.value = words;
  place.replaceChildren(field);
  field.select();
  const done = document.execCommand('copy');
  if (!done) return;
  place.replaceChildren('Copied: ' + words);
  button.focus();
  setTimeout(() => place.replaceChildren(), 5000);
}

// The menu of a panel. rows: returns the numbers of what is shown; sentence: says it.
function addMenu(panel, rows, sentence) {
  const csv = () => download(`gradflow-${panel.id}.csv`, new Blob([asCsv(rows())], {type: 'text/csv'}));
  const menu = html('details', {class: 'menu'}, html('summary',
    {'aria-label': `Save or copy: ${panel.querySelector('h2').textContent}`}, 'Save'));
  const button = (words, work) => html('button', {type: 'button',
    onclick: event => { work(event.currentTarget); if (work !== copy) menu.open = false; }}, words);
  const copy = pressed => { copySentence(sentence(), pressed); menu.open = false; };
  menu.append(html('div', {}, button('SVG', () => savePicture(panel)), button('PNG', () => savePixels(panel)),
    button('CSV', csv), button('Copy as sentence', copy)));
  menu.addEventListener('keydown', event => {
    if (event.key !== 'Escape') return;
    menu.open = false;
    menu.querySelector('summary').focus();
  });
  panel.append(menu);
}
