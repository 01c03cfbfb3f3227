'use strict';
// The page of heatbath monitor: takes frames as they come and draws the newest one.

const $ = (id) => document.getElementById(id);
const levels = new Map([...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].map((c, i) => [c.charCodeAt(0), i]));
const kept = 4096;  // records of a trace, and frames of the meters
let about = null, frame = null, chosen = 0, drawn = 0, drawnSince = performance.now(), fresh = false;
let traces = new Map();      // cell -> array of values, newest last
let times = [];              // of the records in the traces
let meters = [];             // [time, energy, work, heat]
let editing = new Set();     // inputs that the person changed and did not apply

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let palette = {};
function readPalette() {
  palette = {ink: colour('--ink'), soft: colour('--soft'), line: colour('--line'), card: colour('--card'),
             lines: ['--a', '--b', '--c', '--d', '--e', '--f', '--g', '--h'].map(colour)};
  if (about && !about.watch) drawCouplings();
  fresh = true;
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', readPalette);

// -- numbers ------------------------------------------------------------------------------------------------------
const digits = (x, n = 4) => x === null || x === undefined || !isFinite(x) ? '–' : Number(x.toPrecision(n)).toString();

function list(target, rows) {
  const dl = $(target);
  if (dl.childElementCount !== 2 * rows.length) {
    dl.replaceChildren(...rows.flatMap(() => [document.createElement('dt'), document.createElement('dd')]));
  }
  rows.forEach(([name, value], k) => {
    const dt = dl.children[2 * k], dd = dl.children[2 * k + 1];
    if (dt.textContent !== name) dt.textContent = name;
    if (dd.textContent !== value) dd.textContent = value;
  });
}

// -- drawing, on a canvas or into SVG -----------------------------------------------------------------------------
class OnCanvas {
  constructor(canvas) {
    const box = canvas.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    this.width = Math.max(50, box.width); this.height = Math.max(50, box.height);
    const w = Math.round(this.width * ratio), h = Math.round(this.height * ratio);
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    this.to = canvas.getContext('2d');
    this.to.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.to.clearRect(0, 0, this.width, this.height);
    this.to.font = '12px system-ui, sans-serif';
  }
  line(points, stroke, width = 1.5) {
    this.to.strokeStyle = stroke; this.to.lineWidth = width; this.to.beginPath();
    points.forEach(([x, y], k) => k ? this.to.lineTo(x, y) : this.to.moveTo(x, y));
    this.to.stroke();
  }
  box(x, y, w, h, fill) { this.to.fillStyle = fill; this.to.fillRect(x, y, w, h); }
  circle(x, y, r, fill) { this.to.fillStyle = fill; this.to.beginPath(); this.to.arc(x, y, r, 0, 7); this.to.fill(); }
  text(x, y, what, align = 'start') { this.to.fillStyle = palette.soft; this.to.textAlign = align; this.to.fillText(what, x, y); }
}
class OnSvg {
  constructor(width, height) { this.width = width; this.height = height; this.parts = []; }
  line(points, stroke, width = 1.5) {
    this.parts.push(`<polyline fill="none" stroke="${stroke}" stroke-width="${width}" points="${points.map(([x, y]) => x.toFixed(1) + ',' + y.toFixed(1)).join(' ')}"/>`);
  }
  box(x, y, w, h, fill) { this.parts.push(`<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${w.toFixed(1)}" height="${h.toFixed(1)}" fill="${fill}"/>`); }
  circle(x, y, r, fill) { this.parts.push(`<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}" fill="${fill}"/>`); }
  text(x, y, what, align = 'start') {
    const safe = String(what).replace(/&/g, '&amp;').replace(/</g, '&lt;');
    this.parts.push(`<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${palette.soft}" text-anchor="${align === 'center' ? 'middle' : align}" font-family="sans-serif" font-size="12">${safe}</text>`);
  }
}

/** Axes for y in [low, high] and x in [from, to]; returns the two maps. */
function axes(on, low, high, from, to, unit) {
  const left = 46, right = 8, top = 8, bottom = 20;
  const w = on.width - left - right, h = on.height - top - bottom;
  const x = (v) => left + (v - from) / (to - from || 1) * w;
  const y = (v) => top + (high - v) / (high - low || 1) * h;
  for (let k = 0; k <= 4; ++k) {
    const v = low + (high - low) * k / 4;
    on.line([[left, y(v)], [left + w, y(v)]], palette.line, 1);
    on.text(left - 5, y(v) + 4, digits(v, 3), 'end');
  }
  on.text(left, on.height - 4, digits(from, 5));
  on.text(left + w, on.height - 4, digits(to, 5) + unit, 'end');
  return [x, y];
}

// Blue - white - orange on light, the same through black on dark.
function heat(level) {
  const t = (level - 31.5) / 31.5, dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const mid = dark ? [22, 28, 36] : [247, 247, 247], end = t < 0 ? (dark ? [96, 170, 255] : [20, 82, 160]) : (dark ? [255, 165, 90] : [178, 74, 8]);
  const a = Math.min(1, Math.abs(t));
  return mid.map((m, k) => Math.round(m + (end[k] - m) * a));
}
let heatTable = [];

function levelsOf(text) {
  const out = new Uint8Array(text.length);
  for (let k = 0; k < text.length; ++k) out[k] = levels.get(text.charCodeAt(k)) ?? 0;
  return out;
}

/** Whether each cell has a place of its own: rings and graphs. */
const placed = () => about.layout.places && about.layout.places.length > 0;

/** Where a cell stands in a picture of that size: at its own place, else in rows. */
function placeOf(cell, width, height) {
  const {places, columns, rows} = about.layout, edge = 16;
  const [x, y] = placed() ? places[cell] : [(cell % columns + .5) / columns, (Math.floor(cell / columns) + .5) / rows];
  return [edge + x * (width - 2 * edge), edge + y * (height - 2 * edge)];
}

function drawMap() {
  const {columns, rows, cells} = about.layout, canvas = $('map');
  const level = levelsOf(frame.map);
  if (placed()) {
    canvas.style.imageRendering = 'auto';
    drawGraph(new OnCanvas(canvas), level);
    return;
  }
  if (canvas.width !== columns || canvas.height !== rows) {
    canvas.width = columns; canvas.height = rows;
    canvas.style.aspectRatio = `${columns} / ${rows}`;
    canvas.style.height = Math.min(384, Math.max(96, Math.round(22 * rows))) + 'px';
  }
  const to = canvas.getContext('2d'), image = to.createImageData(columns, rows);
  const data = new Uint32Array(image.data.buffer);
  for (let k = 0; k < cells.length; ++k) data[k] = heatTable[level[k]];
  to.putImageData(image, 0, 0);
}

/** Cells at their places with their couplings; `level`: their states as colours, or nothing for plain cells with weights. */
function drawGraph(on, level) {
  const n = about.cells, edges = about.couplings.list ?? [], most = about.couplings.strongest || 1;
  const radius = Math.max(2.5, Math.min(10, 60 / Math.sqrt(n)));
  const written = !level && edges.length <= 36;
  for (const [i, j, value] of edges) {
    const [from, to] = [placeOf(i, on.width, on.height), placeOf(j, on.width, on.height)];
    on.line([from, to], value < 0 ? palette.lines[1] : palette.lines[0], level ? .7 : .5 + 3.5 * Math.abs(value) / most);
    if (written) on.text((from[0] + to[0]) / 2 + 3, (from[1] + to[1]) / 2 - 3, digits(value, 3));
  }
  for (let k = 0; k < n; ++k) {
    const at = placeOf(k, on.width, on.height);
    on.circle(...at, radius, palette.ink);
    const [r, g, b] = level ? heat(level[k]) : [0, 0, 0];
    on.circle(...at, radius - 1, level ? `rgb(${r},${g},${b})` : palette.card);
  }
}

function drawMatrix() {
  const {side, matrix} = about.couplings, canvas = $('couplings');
  canvas.width = canvas.height = side;
  const to = canvas.getContext('2d'), image = to.createImageData(side, side), data = new Uint32Array(image.data.buffer), level = levelsOf(matrix);
  for (let k = 0; k < level.length; ++k) data[k] = heatTable[level[k] === 32 ? 31 : level[k]];
  to.putImageData(image, 0, 0);
}

const hasGraph = () => about.couplings.list && about.couplings.list.length > 0 && about.layout.kind !== 'image' && about.layout.kind !== 'sample';
function drawCouplings() {
  const {side, count, listed, strongest} = about.couplings, asGraph = hasGraph() && $('couplings-form').value === 'graph';
  $('couplings').style.imageRendering = asGraph ? 'auto' : 'pixelated';
  if (asGraph) drawGraph(new OnCanvas($('couplings')));
  else drawMatrix();
  const negative = count && asGraph ? '; the wider the stronger, blue: negative (wants to agree), orange: positive' : '';
  $('couplings-text').textContent = listed ? `${count} couplings${count ? ', the strongest ' + digits(strongest) : ''}` + negative +
    (!asGraph && side < about.cells ? `; each point is the mean of ${Math.ceil(about.cells / side)} x ${Math.ceil(about.cells / side)} pairs` : '') : 'too many couplings to show';
}
$('couplings-form').addEventListener('change', drawCouplings);

/** Where the view of the scope begins: at the last crossing of the level that leaves a whole view, else the newest. */
function scopeStart(values, base) {
  const mode = $('trigger').value, level = Number($('level').value), newest = Math.max(0, values.length - base);
  if (mode === 'off') return newest;
  for (let k = newest; k > 0; --k) {
    const before = values[k - 1], here = values[k];
    if (mode === 'up' ? before < level && here >= level : before > level && here <= level) return k;
  }
  return newest;
}

function drawScope(on) {
  const cells = [...traces.keys()];
  if (!cells.length || times.length < 2) return;
  const base = Number($('base').value), start = scopeStart(traces.get(cells[0]), base), end = Math.min(times.length, start + base);
  const [x, y] = axes(on, -frame.reach, frame.reach, times[start], times[start] + base * frame.knobs.period, ' time units');
  cells.forEach((cell, k) => {
    const values = traces.get(cell), points = [];
    for (let n = start; n < end; ++n) points.push([x(times[n]), y(values[n])]);
    on.line(points, palette.lines[k % 8]);
  });
  if ($('trigger').value !== 'off') on.line([[x(times[start]), y(Number($('level').value))], [on.width - 8, y(Number($('level').value))]], palette.soft, .7);
}

function drawHistogram(on) {
  const h = frame.histogram, bins = h.counts.length, inside = h.samples || 1;
  const p = h.counts.map((c) => c / inside), law = h.law ? h.law.probability : [];
  const top = Math.max(1e-6, ...p, ...law) * 1.08;
  const [x, y] = axes(on, 0, top, h.low, h.high, '');
  const w = (h.high - h.low) / bins;
  p.forEach((v, k) => on.box(x(h.low + k * w) + .5, y(v), Math.max(.5, x(h.low + w) - x(h.low) - 1), y(0) - y(v), palette.lines[1]));
  if (law.length) on.line(law.map((v, k) => [x(h.low + (k + .5) * w), y(v)]), palette.lines[0], 2.2);
}

function drawTraces(on) {
  if (meters.length < 2) return;
  let low = Infinity, high = -Infinity;
  for (const row of meters) for (let k = 1; k < 4; ++k) { low = Math.min(low, row[k]); high = Math.max(high, row[k]); }
  const [x, y] = axes(on, low, high, meters[0][0], meters[meters.length - 1][0], ' time units');
  const thin = Math.max(1, Math.floor(meters.length / 600));
  ['energy', 'work', 'heat'].forEach((name, k) => {
    on.line(meters.filter((_, n) => n % thin === 0).map((row) => [x(row[0]), y(row[k + 1])]), palette.lines[k]);
    if (on instanceof OnSvg) on.text(54 + 60 * k, 20, name), on.line([[54 + 60 * k, 24], [90 + 60 * k, 24]], palette.lines[k], 3);
  });
}

const pictures = {scope: drawScope, histogram: drawHistogram, traces: drawTraces, loss: (on) => drawLoss(on)};

// -- a frame ------------------------------------------------------------------------------------------------------
function take(next) {
  if (about.watch) return takeLook(next);
  const gap = frame && next.number !== frame.number + 1, back = frame && next.number < frame.number;
  const same = frame && !back && next.time === frame.time;  // paused: nothing new was recorded
  frame = next;
  fresh = true;
  if (same) return;
  const cells = Object.keys(frame.scope), count = frame.scope[cells[0]].length;
  const before = [...traces.keys()], period = frame.knobs.period;
  const hole = times.length > 0 && Math.abs(frame.time - (count - 1) * period - times[times.length - 1] - period) > 0.5 * period;
  if (hole || gap || back || cells.length !== before.length || cells.some((c, k) => c !== before[k])) { traces = new Map(cells.map((c) => [c, []])); times = []; }
  for (const cell of cells) {
    const values = traces.get(cell);
    values.push(...frame.scope[cell]);
    if (values.length > kept) values.splice(0, values.length - kept);
  }
  for (let k = 1; k <= count; ++k) times.push(frame.time + (k - count) * frame.knobs.period);
  if (times.length > kept) times.splice(0, times.length - kept);
  if (frame.meters) {
    meters.push([frame.time, frame.meters.energy, frame.meters.work, frame.meters.heat]);
    if (meters.length > kept) meters.splice(0, meters.length - kept);
  }
  fresh = true;
}

/** A frame of who looks on: what there is of a device in somebody else's hands. */
function takeLook(next) {
  const other = !frame || next.session !== frame.session;
  if (next.layout) about.layout = {...next.layout, cells: Array.from({length: next.map.length}, (_, k) => k)};
  if (other) meters = [];
  frame = next;
  fresh = true;
  const last = meters[meters.length - 1];
  if (frame.meters && !(last && last[0] === frame.time)) meters.push([frame.time, frame.meters.energy, frame.meters.work, frame.meters.heat]);
  if (meters.length > kept) meters.splice(0, meters.length - kept);
}

function drawLoss(on) {
  const values = frame.training ? frame.training.loss : null;
  if (!values || values.length < 2) return;
  const [x, y] = axes(on, Math.min(...values), Math.max(...values), 1, frame.training.updates, '');
  on.line(values.map((v, k) => [x(1 + k * (frame.training.updates - 1) / (values.length - 1)), y(v)]), palette.lines[0]);
}

function showTraining() {
  const t = frame.training;
  $('training-part').hidden = !t;
  if (!t) return;
  const last = t.loss && t.loss.length ? `, now ${digits(t.loss[t.loss.length - 1])}` : '';
  const text = t.trouble ? t.trouble : t.file ? `${t.file}: ${t.what}; ${t.updates} so far${last}` : `no model in ${t.folder} yet`;
  if ($('training-text').textContent !== text) $('training-text').textContent = text;
  const stamp = JSON.stringify(t.pictures), box = $('drawings');
  if (box.dataset.stamp === stamp) return;
  box.dataset.stamp = stamp;
  box.replaceChildren(...t.pictures.map((p) => {
    const figure = document.createElement('figure'), image = document.createElement('img'), words = document.createElement('figcaption');
    image.src = `/picture?name=${encodeURIComponent(p.name)}&changed=${p.changed}`;
    image.alt = `Picture ${p.name} of the training`;
    words.textContent = p.name;
    figure.append(image, words);
    return figure;
  }));
}

let slow = 0;
function draw(now) {
  requestAnimationFrame(draw);
  if (!fresh || !frame || !about || document.hidden) return;
  fresh = false;
  if (frame.map) drawMap();
  for (const name of about.watch ? ['traces'] : ['scope', 'histogram', 'traces']) pictures[name](new OnCanvas($(name)));
  if (frame.training) drawLoss(new OnCanvas($('loss')));
  ++drawn;
  $('time').value = digits(frame.time, 7);
  if (now - slow > 250) { slow = now; words(now); }
}

function words(now) {
  const running = frame.running === 1, watch = about.watch;
  const active = watch ? running || frame.at_work : running;
  const state = watch ? (frame.session === 0 ? 'nobody has the device' : `session ${frame.session}: ${active ? 'at work' : 'idle'}`) : running ? 'running' : 'paused';
  if ($('state').textContent !== state) $('state').textContent = state;
  $('lamp').className = active ? 'on' : 'paused';
  $('run').textContent = running ? 'Pause' : 'Run';
  if (now - drawnSince > 1000) { $('fps').value = (drawn * 1000 / (now - drawnSince)).toFixed(0); drawn = 0; drawnSince = now; }
  if (watch) showTraining();
  else ownWords();
  const m = frame.meters;
  list('meters', m ? [['Energy', digits(m.energy, 6)], ['Work', digits(m.work, 6)], ['Heat', digits(m.heat, 6)], ['Heat, joules', digits(m.joules, 5)],
                      ...(watch ? [['Of', "the job's last snapshot"]] : [['E − E₀ − W + Q', digits(m.closure, 2)]])] : [['Meters', watch ? 'the job takes no snapshot of any' : 'this device has none']]);
  const s = frame.health;
  if (s) {
    const bits = ['running', 'stalled', 'done', 'aborted', 'fault', 'rail', 'capture clip'].filter((_, n) => s.status >> n & 1);
    const interrupts = interruptsIn(s.interrupts);
    list('health', [['Status', bits.join(', ') || 'idle'], ['Fault', s.fault ? `${s.fault}${s.fault_pc === 4294967295 ? '' : `, instruction ${s.fault_pc}`}` : 'none'],
      ['Interrupts pending', interrupts.join(', ') || 'none'],
      watch ? ['Job', `${s.shots} shots, ${s.records} records so far`] : ['Jobs', `${s.jobs} done, ${s.failed} failed`],
      ['Parameters clipped', String(s.clips)], ['Cell-steps at a rail', String(s.rails)],
      ['Die', s.die ? `${digits(s.die / 1000)} K` : 'does not tell'],
      ...(watch ? [] : [['Access, sequence, parity errors', s.errors.join(', ')]]),
      ['Calibration', about.calibration]]);
  }
  showInterrupts();
  const log = $('log'), newest = frame.events.length ? frame.events[frame.events.length - 1].number : 0;
  if (Number(log.dataset.newest || 0) !== newest) {
    log.dataset.newest = newest;
    log.replaceChildren(...[...frame.events].reverse().map((e) => { const li = document.createElement('li'); li.textContent = `t = ${digits(e.time, 6)}: ${e.kind}: ${e.text}${e.times > 1 ? `, ${e.times} times` : ''}`; return li; }));
  }
}

const interruptNames = ['job done', 'aborted', 'fault', 'capture', 'program', 'dma done'];
const interruptsIn = (mask) => interruptNames.filter((_, n) => mask >> n & 1);

/** How often each interrupt was raised, and the last of them; of who looks on, those that looks have met. */
function showInterrupts() {
  const s = frame.interrupts, log = $('interrupt-log');
  const met = s ? s.counts.map((count, n) => [interruptNames[n], String(count)]).filter(([, count]) => count !== '0') : [];
  list('interrupts', met.length ? met : [['None yet', s ? 'as far as seen' : 'a rack shows none']]);
  const stamp = s ? s.counts.join() : '';
  if (log.dataset.stamp === stamp) return;
  log.dataset.stamp = stamp;
  log.replaceChildren(...[...(s ? s.last : [])].reverse().map(([time, mask]) => { const li = document.createElement('li');
    li.textContent = `${time === null ? '' : `device time ${digits(time, 8)}: `}${interruptsIn(mask).join(', ')}`; return li; }));
}

/** What only who has the device is shown. */
function ownWords() {
  const k = frame.knobs, h = frame.histogram, c = frame.certificate;
  for (const name of ['kT', 'gain', 'field', 'period']) {
    if (!editing.has(name) && document.activeElement !== $(name)) $(name).value = k[name];
  }
  if (!editing.has('cells') && document.activeElement !== $('cells')) $('cells').value = k.cells.join(', ');
  $('histogram-cell').textContent = h.cell;
  const error = h.law && h.samples ? ` (exact ${digits(h.law.mean)}, ${digits(h.law.variance)}; line: ${h.law.name})` : ' (no exact law for this cell)';
  $('histogram-text').textContent = h.samples ? `${h.samples} samples: mean ${digits(h.mean)}, variance ${digits(h.variance)}${error}` : 'settling after a change';
  list('certificate', c.why ? [['None yet', c.why]] : [
    ['Effective kT', `${digits(c.kT)} (95 %: ${digits(c.kT_low)} to ${digits(c.kT_high)}; set ${digits(c.kT_wanted)})`],
    ['Autocorrelation', `${digits(c.autocorrelation, 3)} frames (${c.slowest})`],
    ['Effective samples', `${digits(c.effective_samples, 5)} of ${c.samples}`],
    ['R-hat', `${digits(c.r_hat, 5)} (${c.least_mixed})`],
    ['Findings', c.findings.length ? c.findings.join(', ') : 'none']]);
  const legend = $('legend'), want = k.cells.join();
  if (legend.dataset.cells !== want) {
    legend.dataset.cells = want;
    legend.replaceChildren(...k.cells.map((cell, n) => { const li = document.createElement('li'); const mark = document.createElement('span'); mark.textContent = '━ ';
      mark.style.color = palette.lines[n % 8]; mark.setAttribute('aria-hidden', 'true'); li.append(mark, `cell ${cell}`); return li; }));
  }
}

// -- what the person asks for -------------------------------------------------------------------------------------
async function ask(what) {
  const answer = await fetch('/knobs', {method: 'POST', headers: {'X-Heatbath': '1'}, body: JSON.stringify(what)});
  $('complaint').textContent = answer.ok ? '' : (await answer.text()).trim();
  return answer.ok;
}
for (const name of ['kT', 'gain', 'field', 'period', 'cells']) $(name).addEventListener('input', () => editing.add(name));
$('knobs').addEventListener('submit', async (event) => {
  event.preventDefault();
  const what = {};
  for (const name of ['kT', 'gain', 'field', 'period']) if (editing.has(name) && $(name).value !== '') what[name] = Number($(name).value);
  if (Object.keys(what).length && await ask(what)) for (const name of ['kT', 'gain', 'field', 'period']) editing.delete(name);
});
$('scope-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const cells = $('cells').value.split(/[\s,]+/).filter(Boolean).map(Number);
  if (await ask({cells, histogram: cells[0]})) editing.delete('cells');
});
$('run').addEventListener('click', () => ask({running: frame?.running !== 1}));
$('step').addEventListener('click', () => ask({running: false, steps: 1}));
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|BUTTON|A)$/.test(event.target.tagName)) return;
  if (about.watch) return;
  if (event.key === ' ') { event.preventDefault(); $('run').click(); }
  if (event.key === '.') { event.preventDefault(); $('step').click(); }
});
function point(index) {
  const {cells, columns} = about.layout;
  chosen = Math.min(cells.length - 1, Math.max(0, index));
  const level = levelsOf(frame.map)[chosen], value = (level / 31.5 - 1) * frame.reach;
  const where = placed() ? '' : ` (row ${Math.floor(chosen / columns)}, column ${chosen % columns})`;
  $('map-text').textContent = `Cell ${cells[chosen]}${where}: about ${digits(value, 2)}.${about.watch ? '' : ' Enter shows it in the scope.'}`;
}
function show() { return about.watch ? null : ask({cells: [about.layout.cells[chosen]], histogram: about.layout.cells[chosen]}); }
/** The nearest cell in that direction, for cells with places of their own. */
function nextCell([right, down]) {
  const {places} = about.layout, [x, y] = places[chosen];
  let best = chosen, least = Infinity;
  places.forEach(([u, v], k) => {
    const along = (u - x) * right + (v - y) * down, aside = Math.abs((u - x) * down) + Math.abs((v - y) * right);
    if (along > 1e-6 && along + 2 * aside < least) { least = along + 2 * aside; best = k; }
  });
  return best;
}
$('map').addEventListener('keydown', (event) => {
  const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
  if (way) { event.preventDefault(); point(placed() ? nextCell(way) : chosen + way[0] + way[1] * about.layout.columns); }
  if (event.key === 'Enter') { event.preventDefault(); show(); }
});
$('map').addEventListener('click', (event) => {
  const box = $('map').getBoundingClientRect(), {columns, rows} = about.layout;
  if (placed()) {
    const places = about.layout.cells.map((_, k) => placeOf(k, box.width, box.height));
    const far = places.map(([x, y]) => Math.hypot(x - event.clientX + box.left, y - event.clientY + box.top));
    point(far.indexOf(Math.min(...far)));
  } else {
    point(Math.floor((event.clientY - box.top) / box.height * rows) * columns + Math.floor((event.clientX - box.left) / box.width * columns));
  }
  show();
});

let registers = [];
function showRegisters() {
  const wanted = $('find').value.toLowerCase(), body = $('registers').tBodies[0];
  $('registers').hidden = false;
  body.replaceChildren(...registers.filter((r) => (r.name + ' ' + r.doc).toLowerCase().includes(wanted)).map((r) => {
    const row = body.ownerDocument.createElement('tr');
    const fields = r.fields.map((f) => `${f.name} ${Math.floor(r.value / 2 ** f.low) % 2 ** (f.high - f.low + 1)}`).join(', ');
    for (const text of ['0x' + r.offset.toString(16).padStart(3, '0'), r.name, r.access, '0x' + r.value.toString(16).padStart(8, '0'), fields || r.doc]) {
      const cell = row.insertCell(); cell.textContent = text;
    }
    row.title = r.doc;
    return row;
  }));
}
$('read').addEventListener('click', async () => { registers = await (await fetch('/registers')).json(); showRegisters(); });
$('find').addEventListener('input', () => { if (registers.length) showRegisters(); });

// -- export -------------------------------------------------------------------------------------------------------
function save(name, kind, content) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], {type: kind})), link = document.createElement('a');
  link.href = url; link.download = name; link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
/** All pictures below one another, as SVG; the array as squares. */
function allAsSvg() {
  const width = 700, parts = [];
  let top = 0;
  const add = (height, title, inside) => {
    parts.push(`<g transform="translate(0 ${top})"><text x="8" y="16" fill="${palette.ink}" font-family="sans-serif" font-size="14">${title.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</text><g transform="translate(0 22)">${inside}</g></g>`);
    top += height + 30;
  };
  const {columns, rows, cells} = about.layout, level = levelsOf(frame.map), size = Math.min(400 / columns, 400 / rows);
  const map = new OnSvg(placed() ? 400 : width, placed() ? 400 : rows * size);
  if (placed()) drawGraph(map, level);
  else cells.forEach((_, k) => { const [r, g, b] = heat(level[k]); map.box(8 + k % columns * size, Math.floor(k / columns) * size, size, size, `rgb(${r},${g},${b})`); });
  add(map.height, `Array at time ${digits(frame.time, 7)}` + (about.watch ? '' : `, kT ${digits(frame.knobs.kT)}`), map.parts.join(''));
  const own = about.watch ? [] : [['scope', 'Cells ' + [...traces.keys()].join(', ')], ['histogram', 'Histogram of cell ' + frame.histogram.cell]];
  if (!about.watch && hasGraph()) {
    const graph = new OnSvg(400, 400);
    drawGraph(graph);
    add(400, `Couplings, the strongest ${digits(about.couplings.strongest)}`, graph.parts.join(''));
  }
  for (const [name, title] of [...own, ['traces', 'Energy, work, heat'], ...(frame.training ? [['loss', 'Loss: ' + (frame.training.what ?? 'none yet')]] : [])]) {
    const on = new OnSvg(width, 240);
    pictures[name](on);
    add(240, title, on.parts.join(''));
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}"><rect width="100%" height="100%" fill="${palette.card}"/>${parts.join('')}</svg>`;
}
$('svg').addEventListener('click', () => save('heatbath.svg', 'image/svg+xml', allAsSvg()));
$('png').addEventListener('click', () => {
  const image = new Image(), url = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(allAsSvg());
  image.onload = () => {
    const canvas = document.createElement('canvas');
    canvas.width = 2 * image.width; canvas.height = 2 * image.height;
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save('heatbath.png', 'image/png', blob));
  };
  image.src = url;
});
$('csv').addEventListener('click', () => {
  const cells = [...traces.keys()];
  save('heatbath.csv', 'text/csv', ['time,' + cells.map((c) => 'cell_' + c).join(',')].concat(times.map((t, k) => [t, ...cells.map((c) => traces.get(c)[k])].join(','))).join('\n') + '\n');
});

// -- start --------------------------------------------------------------------------------------------------------
function fillHeat() { heatTable = Array.from({length: 64}, (_, k) => { const [r, g, b] = heat(k); return (255 << 24 | b << 16 | g << 8 | r) >>> 0; }); }
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', fillHeat);
async function start() {
  fillHeat();
  readPalette();
  about = await (await fetch('/about')).json();
  const link = about.device.link ? about.device.link.uri : '';
  $('source').textContent = `· ${about.source}`;
  $('device').textContent = `${about.cells} ${about.kind} cells, ${about.shots} side by side, ${link}`;
  if (about.watch) {
    for (const part of document.querySelectorAll('.own')) part.hidden = true;
    $('map-text').textContent = 'The newest record of the first array.';
  } else {
    $('kT').disabled = !about.knobs.kT;
    $('couplings-choice').hidden = !hasGraph();
    if (about.couplings.count > 6 * about.cells) $('couplings-form').value = 'matrix';
    drawCouplings();
  }
  const events = new EventSource('/frames');
  events.onmessage = (event) => take(JSON.parse(event.data));
  events.onerror = () => { $('state').textContent = 'no connection'; $('lamp').className = ''; };
  requestAnimationFrame(draw);
}
start();
