// What the person chooses, and what is asked for it.

import { Panel, make } from './panel.js';
import * as server from './server.js';

const $ = (id) => document.getElementById(id);
const state = { study: null, view: null, asked: false, custom: null };
let known;
let panels = [];
let running = new AbortController();
let timer;

function trouble(error) {
  if (error?.name === 'AbortError') return;
  $('trouble').hidden = !error;
  $('trouble').textContent = error ? error.message : '';
}

function asking() {
  return {
    study: state.study,
    slice: Number($('slice').value),
    plane: $('plane').value,
    modality: $('modality').value,
    window: $('window').value === 'custom' ? state.custom : $('window').value || null,
  };
}

function question() {
  return {
    ...asking(),
    prompt: $('prompt').value,
    report: $('report').checked,
    score_thr: Number($('threshold').value),
    level: $('level').value || null,
  };
}

// The newest wish wins: what was asked before is dropped.
async function newest(work) {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  document.body.setAttribute('aria-busy', 'true');
  try {
    await work(signal);
    trouble(null);
  } catch (error) {
    trouble(error);
  } finally {
    if (!signal.aborted) document.body.removeAttribute('aria-busy');
  }
}

function soon(work, milliseconds = 200) {
  clearTimeout(timer);
  timer = setTimeout(work, milliseconds);
}

function openStudy(study, start = 0) {
  state.study = study;
  state.asked = false;
  state.custom = null;
  $('window').value = '';
  panels.forEach((panel) => panel.clear());
  return newest((signal) => reopen(signal, start));
}

async function reopen(signal, start) {
  const found = await server.open(asking(), signal);
  const middle = start ?? Math.floor(found.slices / 2);
  $('slice').max = found.slices - 1;
  $('slice').value = Math.min(middle, found.slices - 1);
  $('slice-part').hidden = found.slices < 2;
  $('plane-part').hidden = !found.volume;
  $('notes').hidden = !found.notes.length;
  $('notes').replaceChildren(...found.notes.map((note) => make('li', {}, note)));
  await look(signal);
}

async function look(signal) {
  $('slice-told').textContent = `${Number($('slice').value) + 1} of ${Number($('slice').max) + 1}`;
  const view = await server.view(asking(), signal);
  if (state.view) URL.revokeObjectURL(state.view.picture);
  state.view = view;
  if ($('window').value !== 'custom') setWindow(view.intensity_range, view.modality === 'ct');
  panels.forEach((panel) => panel.show(view));
  if (state.asked) await ask(signal);
}

async function ask(signal) {
  $('ask').disabled = true;
  $('ask').textContent = 'Looking…';
  panels.forEach((panel) => panel.stale());
  try {
    const answers = await server.predict(question(), signal);
    answers.forEach((answer, index) => panels[index].answer(answer));
    state.asked = true;
  } catch (error) {
    if (error.name !== 'AbortError') {
      state.asked = false;
      panels.forEach((panel) => panel.clear());
    }
    throw error;
  } finally {
    $('ask').disabled = false;
    $('ask').textContent = 'Find';
  }
}

function setWindow([low, high], isCt) {
  const width = Math.max(high - low, 1e-6);
  const [least, most, widest] = isCt
    ? [-1000, 2000, 4000] : [low - width / 2, high + width / 2, 3 * width];
  const step = width > 20 ? 1 : width / 100;
  Object.assign($('width'), { min: step, max: Math.max(widest, width), step, value: width });
  const center = (low + high) / 2;
  Object.assign($('center'), {
    min: Math.min(least, center), max: Math.max(most, center), step, value: center,
  });
  tellWindow();
}

function tellWindow() {
  for (const id of ['width', 'center']) {
    const value = Number($(id).value);
    $(`${id}-told`).textContent = Math.abs(value) < 10 ? value.toFixed(2) : Math.round(value);
  }
}

function tellThreshold() {
  $('threshold-told').textContent = Number($('threshold').value).toFixed(2);
}

async function uploadFiles(files) {
  if (!files.length) return;
  const bytes = [...files].reduce((sum, file) => sum + file.size, 0);
  if (bytes > known.upload_bytes || files.length > known.files) {
    trouble(new Error(`That is too much: at most ${known.files} files and ${known.upload_bytes / 1e6} MB.`));
    return;
  }
  running.abort();
  $('uploading').hidden = false;
  $('uploading').value = 0;
  try {
    await server.upload(files, (part) => { $('uploading').value = part; });
    $('sample').value = '';
    $('modality').value = 'auto';
    await openStudy('upload', null);
  } catch (error) {
    trouble(error);
  } finally {
    $('uploading').hidden = true;
  }
}

function chooseSample() {
  const sample = known.samples.find((one) => one.name === $('sample').value);
  if (!sample) return;
  $('files').value = '';
  $('modality').value = 'auto';
  $('plane').value = 'axial';
  $('prompt').value = sample.prompt;
  $('report').checked = false;
  openStudy(sample.name, sample.start);
}

const option = (value, text) => make('option', { value }, text);

async function start() {
  known = await server.begin();
  $('sample').append(...known.samples.map((one) => option(one.name, one.title)), option('', '(your own)'));
  $('modality').append(option('auto', 'find it'), ...known.modalities.map((name) => option(name, name)));
  $('window').append(
    option('', 'as in training'),
    ...Object.keys(known.windows).map((name) => option(name, `${name.replace('_', ' ')} (CT)`)),
    option('percentile', 'percentiles'), option('keep', 'as stored'), option('custom', 'by the sliders'),
  );
  $('accepted').textContent =
    `${known.accepted.join(' ')}, or DICOM of any name; all slices of a series at once. `
    + `At most ${known.upload_bytes / 1e6} MB; removed when you close this page, or after `
    + `${known.idle_minutes} minutes without a question.`;
  if (!known.models.some((model) => model.levels)) $('level').disabled = true;
  panels = known.models.map((model) => new Panel(model, {
    download: (one, kind) => server.download(one.name, kind).then(() => trouble(null), trouble),
    heat: (panel) => server.heatMaps(question(), panel.model.name)
      .then((address) => panel.heat(address)).catch(trouble),
  }));
  $('panels').append(...panels.map((panel) => panel.root));
  $('threshold').value = known.score_thr;
  tellThreshold();

  $('controls').addEventListener('submit', (event) => {
    event.preventDefault();
    newest(ask).then(() => {
      // Where the page is one column, the answer is below the fold.
      if (state.asked && window.matchMedia('(max-width: 860px)').matches) $('panels').scrollIntoView();
    });
  });
  $('sample').addEventListener('change', chooseSample);
  $('files').addEventListener('change', () => uploadFiles($('files').files));
  $('modality').addEventListener('change', () => newest((signal) => reopen(signal, Number($('slice').value))));
  $('plane').addEventListener('change', () => newest((signal) => reopen(signal, null)));
  $('window').addEventListener('change', () => {
    state.custom = [Number($('width').value), Number($('center').value)];
    newest(look);
  });
  $('slice').addEventListener('input', () => {
    panels.forEach((panel) => (state.asked ? panel.stale() : panel.clear()));
    soon(() => newest(look), 120);
  });
  for (const id of ['width', 'center']) {
    $(id).addEventListener('input', () => {
      tellWindow();
      $('window').value = 'custom';
      state.custom = [Number($('width').value), Number($('center').value)];
      soon(() => newest(look));
    });
  }
  $('threshold').addEventListener('input', () => {
    tellThreshold();
    if (state.asked) soon(() => newest(ask), 350);
  });
  $('level').addEventListener('change', () => state.asked && newest(ask));
  $('prompt').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !$('report').checked) {
      event.preventDefault();
      newest(ask);
    }
  });
  for (const kind of ['dragover', 'dragleave', 'drop']) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      $('drop').classList.toggle('over', kind === 'dragover');
      if (kind === 'drop') uploadFiles(event.dataTransfer.files);
    });
  }
  window.addEventListener('resize', () => panels.forEach((panel) => panel.place()));
  window.addEventListener('pagehide', server.end);
  window.addEventListener('pageshow', (event) => event.persisted && location.reload());
  chooseSample();
}

start().catch(trouble);
