// The image and the answer of one model. All text is set as text, never as HTML.

const SVG = 'http://www.w3.org/2000/svg';
const MOST_TAGS = 8;

export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'class') node.className = value;
    else if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

const score = (value) => (value === null || value === undefined ? '–' : value.toFixed(2));

export class Panel {
  constructor(model, actions) {
    this.model = model;
    this.actions = actions;
    this.image = make('img', { alt: 'The image, windowed as the model sees it' });
    this.picture = make('div', { class: 'picture' }, this.image);
    this.told = make('div');
    this.caption = make('p', { class: 'caption' });
    this.seconds = make('small');
    this.root = make(
      'article', { class: 'panel' },
      make('h2', {}, `${model.name} `, this.seconds),
      make('div', { class: 'stage' }, this.picture), this.caption, this.told,
    );
  }

  show(view) {
    // Pixels need not be square: the picture has the shape of the body.
    const [row, column] = view.spacing_mm ?? [1, 1];
    const shape = (view.width * column) / (view.height * row);
    this.picture.style.aspectRatio = String(shape);
    this.picture.style.width = `min(100%, ${Math.round(640 * Math.min(1.4, shape))}px)`;
    this.image.src = view.picture;
    this.size = view;
    const [low, high] = view.intensity_range.map((value) => Math.round(value * 10) / 10);
    const spacing = view.spacing_mm ? `, ${row.toFixed(2)} × ${column.toFixed(2)} mm` : '';
    this.caption.textContent =
      `${view.name} · ${view.modality} · ${view.width} × ${view.height} px${spacing} · black ${low}, white ${high}`;
  }

  stale() {
    this.picture.classList.add('stale');
    this.told.classList.add('stale-told');
  }

  clear() {
    this.picture.querySelectorAll('svg, .tag').forEach((node) => node.remove());
    this.picture.classList.remove('stale');
    this.told.classList.remove('stale-told');
    this.told.replaceChildren();
    this.seconds.textContent = '';
  }

  answer(answer) {
    this.clear();
    if (answer.failure) {
      this.told.append(make('p', { class: 'trouble' }, answer.failure));
      return;
    }
    this.seconds.textContent = `${answer.seconds.toFixed(1)} s`;
    const looks = new Map(answer.names.map((one) => [one.name, one]));
    this.draw(answer.result, looks);
    this.told.append(this.phrases(answer, looks));
    const above = answer.result.boxes.filter((box) => box.phrase === null);
    if (above.length) this.told.append(make('h3', {}, 'Above the prompt'), this.boxes(above, looks));
    if (answer.negated.length) this.told.append(...this.negated(answer.negated));
    if (answer.result.not_asked.length) this.told.append(...this.notAsked(answer.result.not_asked));
    this.told.append(this.files(answer.dicom));
  }

  draw(result, looks) {
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('viewBox', `0 0 ${result.width} ${result.height}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    const tags = [];
    // The best are drawn last and lie on top.
    for (const box of [...result.boxes].reverse()) {
      const [x1, y1, x2, y2] = box.bbox;
      const look = looks.get(box.name);
      for (const kind of ['halo', look.dashed ? 'dashed' : 'line']) {
        const rect = document.createElementNS(SVG, 'rect');
        for (const [key, value] of Object.entries({ x: x1, y: y1, width: x2 - x1, height: y2 - y1 })) {
          rect.setAttribute(key, value);
        }
        if (kind !== 'halo') rect.setAttribute('stroke', look.colour);
        rect.setAttribute('class', kind);
        rect.dataset.name = box.name;
        svg.append(rect);
      }
    }
    // Names stand at the best box of each; lists tell the others.
    const best = new Map([...result.boxes].reverse().map((box) => [box.name, box]));
    const shown = result.boxes.filter((box) => best.get(box.name) === box).slice(0, MOST_TAGS);
    for (const box of shown) {
      const tag = make('span', { class: 'tag' }, `${box.name} ${score(box.score)}`);
      tag.dataset.name = box.name;
      tag.style.background = looks.get(box.name).colour;
      tags.push([tag, box.bbox[0] / result.width, box.bbox[1] / result.height]);
    }
    this.picture.append(svg, ...tags.map(([tag]) => tag));
    this.tags = tags;
    this.place();
  }

  place() {
    // Above its box where there is room; lower where another name stands already.
    const { clientWidth: width, clientHeight: height } = this.picture;
    const placed = [];
    for (const [tag, x, y] of this.tags ?? []) {
      const [w, h] = [tag.offsetWidth, tag.offsetHeight];
      const left = Math.max(0, Math.min(x * width, width - w));
      let top = Math.max(0, y * height - h - 1);
      const meets = (other) => left < other.right && left + w > other.left
        && top < other.bottom && top + h > other.top;
      for (let tries = 0; tries < 40; tries += 1) {
        const other = placed.find(meets);
        if (!other) break;
        top = other.bottom + 1;
      }
      top = Math.min(top, Math.max(0, height - h));
      tag.style.left = `${left}px`;
      tag.style.top = `${top}px`;
      placed.push({ left, top, right: left + w, bottom: top + h });
    }
  }

  highlight(name) {
    const nodes = [...this.picture.querySelectorAll('[data-name]')];
    const drawn = nodes.some((node) => node.dataset.name === name);
    nodes.forEach((node) => node.classList.toggle('dimmed', drawn && node.dataset.name !== name));
  }

  row(name, look, cells, attributes = {}) {
    const chip = make('span', { class: `chip${look ? '' : ' none'}${look?.dashed ? ' dashed' : ''}` });
    if (look) chip.style.background = look.colour;
    const row = make(
      'tr', { ...attributes, onmouseenter: () => this.highlight(name), onmouseleave: () => this.highlight(null) },
      make('td', {}, chip, name), ...cells,
    );
    row.dataset.name = name;
    return row;
  }

  phrases(answer, looks) {
    const told = answer.result.phrases.some((one) => one.probability !== null);
    const head = ['Phrase', 'Present', 'Boxes', 'Best score'].map((text, column) =>
      make('th', column > 1 ? { class: 'number' } : {}, text));
    const rows = answer.result.phrases.map((one) => {
      const present = one.present ? 'yes' : 'no';
      return this.row(one.phrase, one.boxes ? looks.get(one.phrase) : null, [
        make('td', {}, told && one.probability !== null ? `${present}, ${score(one.probability)}` : present),
        make('td', { class: 'number' }, String(one.boxes)),
        make('td', { class: 'number' }, score(one.best_score)),
      ], one.boxes ? {} : { class: 'absent' });
    });
    return make('table', { class: 'phrases' },
      make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...rows));
  }

  boxes(boxes, looks) {
    const rows = boxes.map((box) => this.row(box.name, looks.get(box.name), [
      make('td', {}, box.level ?? ''), make('td', { class: 'number' }, score(box.score)),
    ]));
    return make('table', { class: 'above' }, make('tbody', {}, ...rows));
  }

  negated(evidence) {
    const lines = evidence.map((one) => {
      const probability = one.probability === null ? '' : `, presence ${score(one.probability)}`;
      if (one.found) {
        const best = one.best_score === null ? 'no box' : `best box ${score(one.best_score)}`;
        return make('li', { class: 'against' },
          `${one.phrase}: found although it is said to be absent (${best}${probability})`);
      }
      const near = one.best_score === null
        ? 'no box above 0.02' : `strongest box ${score(one.best_score)}`;
      return make('li', {}, `${one.phrase}: not found (${near}${probability})`);
    });
    return [make('h3', {}, 'Said to be absent'), make('ul', { class: 'negated' }, ...lines)];
  }

  notAsked(pairs) {
    const lines = pairs.map(([words, reason]) => make('li', {}, `${words}: ${reason}`));
    return [make('h3', {}, 'Mentioned, not asked'), make('ul', {}, ...lines)];
  }

  files(dicom) {
    const kinds = { json: 'JSON', boxes: 'Boxes (CSV)', phrases: 'Phrases (CSV)', png: 'Overlay (PNG)' };
    if (dicom) Object.assign(kinds, { sr: 'DICOM report', gsps: 'DICOM overlay' });
    const buttons = Object.entries(kinds).map(([kind, title]) => make('button', {
      type: 'button', 'data-kind': kind, onclick: () => this.actions.download(this.model, kind),
    }, title));
    if (this.model.heat_maps) {
      buttons.push(make('button', {
        type: 'button', 'data-kind': 'heat', onclick: () => this.actions.heat(this),
      }, 'Heat maps'));
    }
    return make('div', { class: 'files' }, ...buttons);
  }

  heat(address) {
    this.told.querySelector('.heat')?.remove();
    this.told.append(make('img', { class: 'heat', src: address, alt: 'Where the words of each phrase are seen' }));
  }
}
