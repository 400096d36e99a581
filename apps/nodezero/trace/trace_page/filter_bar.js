// SPDX-License-Identifier: BSD-3-Clause

// The controls above the lanes: what passes the filter, and what search finds among it.
import {byId, make} from './dom.js';
import {filterEvents, isActive, noFilter, rangeOf, searchEvents} from './filters.js';
import {actorName, plural, thousands} from './words.js';

export class FilterBar {
  /** `on` has filtered(passes or null), after rows may have come or gone, and goTo(event). */
  constructor(trace, layout, view, on) {
    Object.assign(this, {trace, layout, view, on});
    this.filter = noFilter();
    this.passes = null;
    this.found = [];
    this.at = -1;  // in found
    this.fill();
    this.listen();
    this.tellFound();
  }

  fill() {
    const {trace, layout} = this;
    for (const {number} of layout.epochs.slice().sort((a, b) => a.number - b.number)) {
      byId('epoch').append(make('option', {value: String(number)}, String(number)));
    }
    const names = [...new Set(trace.actors.slice(1).map(({name}) => name))];
    byId('actor-names').append(...names.map((name) => make('option', {value: name})));
    for (const [type, count] of layout.types) {
      const box = make('input', {type: 'checkbox', checked: true});
      const swatch = make('span', {className: 'swatch'});
      box.dataset.type = swatch.dataset.type = type;
      byId('type-list').append(make('label', {}, box, swatch, trace.names[type].text || '(no name)',
        make('span', {className: 'count'}, thousands(count))));
    }
    this.boxes = [...byId('type-list').querySelectorAll('input')];
  }

  listen() {
    const on = (id, type, run) => byId(id).addEventListener(type, run);
    on('only', 'change', () => this.apply());
    on('clear', 'click', () => this.clear());
    on('epoch', 'change', () => {
      this.filter.epoch = byId('epoch').value === '' ? -1 : Number(byId('epoch').value);
      this.apply();
    });
    on('actor', 'input', () => {
      this.filter.actor = byId('actor').value;
      this.apply();
    });
    on('step', 'input', () => {
      this.filter.step = rangeOf(byId('step').value) ? byId('step').value : '';
      this.apply();
    });
    on('type-list', 'change', () => this.readTypes());
    for (const [id, checked] of [['types-all', true], ['types-none', false]]) {
      on(id, 'click', () => {
        for (const box of this.boxes) box.checked = checked;
        this.readTypes();
      });
    }
    on('search', 'input', () => this.search());
    on('search', 'keydown', (event) => {
      if (event.key === 'Enter') this.step(event.shiftKey ? -1 : 1);
    });
    on('next', 'click', () => this.step(1));
    on('previous', 'click', () => this.step(-1));
  }

  readTypes() {
    const checked = this.boxes.filter((box) => box.checked);
    this.filter.types = checked.length === this.boxes.length ? null
      : new Set(checked.map((box) => Number(box.dataset.type)));
    byId('types-summary').textContent = this.filter.types
      ? `${checked.length} of ${this.boxes.length} types` : 'all types';
    this.apply();
  }

  showOnly(actor) {
    byId('actor').value = this.filter.actor = actorName(this.trace, actor);
    this.apply();
  }

  clear() {
    this.filter = noFilter();
    for (const id of ['actor', 'step', 'epoch']) byId(id).value = '';
    for (const box of this.boxes) box.checked = true;
    this.readTypes();
  }

  apply() {
    const {trace, view} = this;
    const isWrong = rangeOf(byId('step').value) === undefined;
    byId('step').classList.toggle('wrong', isWrong);
    byId('step').setAttribute('aria-invalid', String(isWrong));
    this.passes = isActive(this.filter) ? filterEvents(trace, this.filter) : null;
    const only = byId('only').checked && this.passes;
    view.hiddenActors = only ? new Uint8Array(trace.actors.length).fill(1) : null;
    let count = 0;
    for (let e = 1; this.passes && e <= trace.eventCount; ++e) {
      if (!this.passes[e]) continue;
      ++count;
      if (only) view.hiddenActors[trace.actor[e]] = 0;
    }
    view.listRows();
    byId('clear').hidden = !this.passes;
    byId('passed').textContent = this.passes
      ? `${thousands(count)} of ${plural(trace.eventCount, 'event')} pass the filter` : '';
    this.search();
    this.on.filtered(this.passes);
  }

  search() {
    this.found = searchEvents(this.trace, byId('search').value, this.passes);
    this.at = -1;
    this.tellFound();
  }

  /** Goes to the next (1) or previous (-1) found event, from the last to the first. */
  step(direction) {
    const count = this.found.length;
    if (!count) return;
    this.at = this.at < 0 && direction < 0 ? count - 1 : (this.at + direction + count) % count;
    this.tellFound();
    this.on.goTo(this.found[this.at]);
  }

  tellFound() {
    const {found, at} = this;
    byId('found').textContent = byId('search').value.trim() === '' ? ''
      : !found.length ? 'nothing found'
        : at < 0 ? `${thousands(found.length)} found`
          : `${thousands(at + 1)} of ${thousands(found.length)}`;
    byId('next').disabled = byId('previous').disabled = !found.length;
  }
}
