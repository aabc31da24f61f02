// The message box: Enter sends, "/" offers the app's commands, "@" people, and files go in by button, paste or drop.

import { call, Refused, upload } from './api.js';
import { h, icon, iconButton, openMenu, toast } from './dom.js';
import { store } from './store.js';

const SAMPLE_LABEL = 'Try the sample clip';

export const sampleLabel = (name) => (store.samples.length > 1 ? `Try the sample “${name.replace(/\.[^.]+$/, '')}”` : SAMPLE_LABEL);

export async function useSample(name, channel, threadTs = null) {
  try {
    await call('sample', { name, channel, thread_ts: threadTs });
  } catch {
    toast('The sample clip could not be shared.');
  }
}

export class Composer {
  // `where()` gives {channel, threadTs, list, title}.
  constructor(where, id) {
    this.where = where;
    this.id = id;
    this.options = [];
    this.at = 0;
    this.drafts = new Map();
    this.input = h('textarea', {
      id, rows: '1', 'aria-label': 'Message', autocomplete: 'off', 'aria-autocomplete': 'list', 'aria-controls': `${id}-offers`, 'aria-expanded': 'false', role: 'combobox',
      oninput: () => { this.#grow(); this.#offer(); this.#ready(); },
      onkeydown: (event) => this.#key(event),
      onblur: () => setTimeout(() => this.#close(), 120),
      onpaste: (event) => { if (event.clipboardData.files.length) { event.preventDefault(); this.addFiles(event.clipboardData.files); } },
    });
    this.picker = h('input', { type: 'file', accept: 'video/*,image/*,.mkv,.mov,.avi', multiple: true, hidden: true, 'aria-label': 'Choose files', onchange: () => { this.addFiles(this.picker.files); this.picker.value = ''; } });
    this.offers = h('ul.offers', { id: `${id}-offers`, role: 'listbox', 'aria-label': 'Suggestions', hidden: true });
    this.sendButton = iconButton('send', 'Send', () => this.send(), { class: 'send', disabled: true });
    this.plus = iconButton('bolt', 'Shortcuts', () => openMenu(this.plus, this.#shortcuts()), { 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
    this.hint = h('span.composer-hint', {}, h('kbd', {}, 'Enter'), ' to send');
    this.element = h('form.composer', { onsubmit: (event) => { event.preventDefault(); this.send(); } }, this.offers,
      h('div.composer-box', {}, this.input,
        h('div.composer-bar.menu-anchor', {},
          iconButton('attach', 'Attach a video', () => this.picker.click()), this.plus, this.picker, h('span.spacer'), this.hint, this.sendButton)));
  }

  #shortcuts() {
    const { channel, threadTs } = this.where();
    return [
      ...store.samples.map((name) => ({ label: sampleLabel(name), icon: 'play', run: () => useSample(name, channel, threadTs) })),
      { label: 'Attach a video', icon: 'attach', run: () => this.picker.click() },
      ...(threadTs ? [] : store.commands.map((command) => ({ label: `${command.command} …`, icon: 'bolt', run: () => this.#fill(`${command.command} `) }))),
      ...store.shortcuts.filter((each) => each.kind === 'global').map((each) => ({
        label: each.name, icon: 'track', run: () => call('shortcut', { callback_id: each.callback_id }).catch(() => toast('This is not possible.')),
      })),
    ];
  }

  // The box for another conversation: keeps what was typed in each.
  moveTo(key, placeholder) {
    if (this.key !== undefined) this.drafts.set(this.key, this.input.value);
    this.key = key;
    this.input.value = this.drafts.get(key) ?? '';
    this.input.placeholder = placeholder;
    this.#grow();
    this.#ready();
  }

  focus() { this.input.focus(); }

  #ready() { this.sendButton.disabled = !this.input.value.trim(); }

  #grow() {
    if (CSS.supports('field-sizing', 'content')) return;
    this.input.style.height = 'auto';
    this.input.style.height = `${Math.min(this.input.scrollHeight, 180)}px`;
  }

  #fill(text) {
    this.input.value = text;
    this.input.focus();
    this.#grow();
    this.#ready();
    this.#offer();
  }

  async send() {
    const text = this.input.value.trim();
    if (!text) return;
    this.#fill('');
    this.#close();
    const { channel, threadTs } = this.where();
    const [, command, rest] = text.match(/^(\/[a-z0-9_-]+)(?:\s+([\s\S]*))?$/i) ?? [];
    try {
      if (command && threadTs) throw new Refused('Commands do not work in threads. Mention the app here, or use the channel’s own box.');
      if (command) await call('commands', { channel, command, text: rest ?? '' });
      else await call('messages', { channel, text, thread_ts: threadTs });
    } catch (error) {
      if (!this.input.value) this.#fill(text);
      toast(command && threadTs ? error.message : 'The message could not be sent.');
    }
  }

  addFiles(files) {
    for (const file of files) this.#upload(file);
  }

  async #upload(file) {
    const { channel, threadTs, list } = this.where();
    if (file.size > store.maxFileBytes) {
      toast(`${file.name} is too large for the playground.`);
      return;
    }
    if (!file.size) {
      toast(`${file.name} is empty.`);
      return;
    }
    let row = null;
    const sending = upload(file, { channel, threadTs }, (share) => row?.progress(share));
    row = list().addUpload(channel, file, () => sending.cancel());
    try {
      await sending.done;
    } catch (error) {
      toast(error.message);
    }
    row.end();
  }

  // Suggestions

  #offer() {
    const before = this.input.value.slice(0, this.input.selectionStart);
    const command = before.match(/^\/[a-z]*$/i);
    const person = before.match(/(?:^|\s)@([\w.-]*)$/);
    if (command) {
      this.options = store.commands.filter((each) => each.command.startsWith(before.toLowerCase())).map((each) => ({
        insert: `${each.command} `, from: 0, title: each.command, note: each.usage_hint, about: each.description,
      }));
    } else if (person) {
      this.options = [...store.users.values()].filter((user) => user.id !== store.me && (user.name + user.real_name).toLowerCase().includes(person[1].toLowerCase())).map((user) => ({
        insert: `<@${user.id}> `, shown: `@${user.name} `, from: before.length - person[1].length - 1, title: user.real_name, note: `@${user.name}`, about: user.is_bot ? 'App' : '',
      }));
    } else this.options = [];
    this.at = 0;
    this.#draw();
  }

  #draw() {
    this.offers.hidden = !this.options.length;
    this.input.setAttribute('aria-expanded', String(Boolean(this.options.length)));
    this.input.toggleAttribute('data-offering', Boolean(this.options.length));
    this.offers.replaceChildren(...this.options.map((option, index) => h('li', {
      id: `${this.id}-offer-${index}`, role: 'option', 'aria-selected': String(index === this.at),
      onpointerdown: (event) => { event.preventDefault(); this.#take(index); },
    }, h('strong', {}, option.title), ' ', h('span.offer-note', {}, option.note), h('span.offer-about', {}, option.about))));
    if (this.options.length) this.input.setAttribute('aria-activedescendant', `${this.id}-offer-${this.at}`);
    else this.input.removeAttribute('aria-activedescendant');
  }

  #close() {
    this.options = [];
    this.#draw();
  }

  #take(index) {
    const option = this.options[index];
    const end = this.input.selectionStart;
    const text = option.shown ?? option.insert;
    this.input.setRangeText(text, option.from, end, 'end');
    this.#close();
    this.input.focus();
    this.#grow();
    this.#ready();
  }

  #key(event) {
    if (event.isComposing) return;
    if (this.options.length) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const typedAll = this.options[this.at].insert.trim() === this.input.value.trim();
      if (step) {
        event.preventDefault();
        this.at = (this.at + step + this.options.length) % this.options.length;
        this.#draw();
        return;
      }
      if (event.key === 'Tab' || (event.key === 'Enter' && !typedAll)) {
        event.preventDefault();
        this.#take(this.at);
        return;
      }
      if (event.key === 'Escape') {
        event.preventDefault();
        event.stopPropagation();
        this.#close();
        return;
      }
    }
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.send();
    }
  }
}

// Takes files that are dropped anywhere on `target`.
export function dropZone(target, composer) {
  const veil = h('div.drop-veil', { 'aria-hidden': 'true' }, h('div', {}, icon('film'), h('strong', {}), h('span', {}, 'Any video: mp4, mov, mkv, webm …')));
  let depth = 0;
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
  target.addEventListener('dragenter', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth += 1;
    veil.querySelector('strong').textContent = `Drop it into ${composer.where().title}`;
    target.append(veil);
  });
  target.addEventListener('dragover', (event) => { if (hasFiles(event)) event.preventDefault(); });
  target.addEventListener('dragleave', () => { depth = Math.max(0, depth - 1); if (!depth) veil.remove(); });
  target.addEventListener('drop', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    veil.remove();
    composer.addFiles(event.dataTransfer.files);
  });
}

