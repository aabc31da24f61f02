// The message box: Enter sends, "/" offers the app's commands, "@" people. Files come by button, paste or drop; they are
// uploaded at once and wait here, with a button that removes each, until the message is sent with all of them.

import { call, upload, UploadFailed } from './api.js';
import { announce, h, hasScreenKeyboard, icon, iconButton, openMenu, sizeText, toast } from './dom.js';
import { store } from './store.js';

const SAMPLE_LABEL = 'Try the sample clip';

export const sampleLabel = (name) => (store.samples.length > 1 ? `Try the sample “${name.replace(/\.[^.]+$/, '')}”` : SAMPLE_LABEL);

// A file that waits to be sent. `done` is a promise of its id; `element` shows it with its progress.
class Attachment {
  constructor(file, onremove) {
    this.name = file.name || 'file';
    this.size = file.size;
    this.share = 0;
    this.bar = h('progress', { max: '1', value: 0, 'aria-label': `Uploading ${this.name}` });
    this.status = h('span.attachment-size', {}, sizeText(file.size));
    this.element = h('li.attachment', {}, icon(file.type.startsWith('image/') ? 'file' : 'film'),
      h('div.attachment-text', {}, h('strong', { title: this.name }, this.name), this.status, this.bar),
      iconButton('close', `Remove ${this.name}`, onremove));
    const sending = upload(file, (share) => this.#progress(share));
    this.cancel = sending.cancel;
    this.done = sending.done.then((id) => { this.id = id; this.#progress(1); return id; });
    this.done.catch((error) => { this.error = error; });
  }

  #progress(share) {
    this.share = share;
    this.bar.value = share;
    this.bar.hidden = Boolean(this.id);
    this.onprogress?.();
  }

  discard() {
    if (this.id) call('discard', { file: this.id }).catch(() => {});
    else this.cancel();
  }
}

export class Composer {
  // `where()` gives {channel, threadTs, list, title}; `openThread(ts)` opens the thread of a message.
  constructor(where, id, openThread) {
    this.where = where;
    this.id = id;
    this.openThread = openThread;
    this.attachments = [];
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
    this.attached = h('ul.attachments', { 'aria-label': 'Attached files', hidden: true });
    this.offers = h('ul.offers', { id: `${id}-offers`, role: 'listbox', 'aria-label': 'Suggestions', hidden: true });
    this.sendButton = iconButton('send', 'Send', () => this.send(), { class: 'send', disabled: true });
    this.plus = iconButton('bolt', 'Shortcuts', () => openMenu(this.plus, this.#shortcuts()), { 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
    this.hint = h('span.composer-hint', {}, h('kbd', {}, 'Enter'), ' to send');
    this.element = h('form.composer', { onsubmit: (event) => { event.preventDefault(); this.send(); } }, this.offers,
      h('div.composer-box', {}, this.input, this.attached,
        h('div.composer-bar.menu-anchor', {},
          iconButton('attach', 'Attach a video', () => this.picker.click()), this.plus, this.picker, h('span.spacer'), this.hint, this.sendButton)));
  }

  #shortcuts() {
    const { channel, threadTs } = this.where();
    return [
      ...store.samples.map((name) => ({ label: sampleLabel(name), icon: 'play', run: () => this.useSample(name) })),
      { label: 'Attach a video', icon: 'attach', run: () => this.picker.click() },
      ...(threadTs ? [] : store.commands.map((command) => ({ label: `${command.command} …`, icon: 'bolt', run: () => this.#fill(`${command.command} `) }))),
      ...store.shortcuts.filter((each) => each.kind === 'global').map((each) => ({
        label: each.name, icon: 'track', run: () => call('shortcut', { callback_id: each.callback_id, channel }).catch(() => toast('This is not possible.')),
      })),
    ];
  }

  // Shares the sample clip, and opens its thread, where the answer comes.
  async useSample(name) {
    const { channel, threadTs } = this.where();
    try {
      const { ts } = await call('sample', { name, channel, thread_ts: threadTs });
      if (!threadTs) this.openThread(ts);
    } catch {
      toast('The sample clip could not be shared.');
    }
  }

  // The box for another conversation: keeps what was typed and attached in each. `label` says what the box is for.
  moveTo(key, label, placeholder) {
    if (this.key !== undefined) this.drafts.set(this.key, { text: this.input.value, attachments: this.attachments });
    this.key = key;
    const draft = this.drafts.get(key) ?? { text: '', attachments: [] };
    this.input.placeholder = placeholder;
    this.input.setAttribute('aria-label', label);
    this.element.setAttribute('aria-label', label);
    this.#show(draft);
  }

  focus() { this.input.focus(); }

  #show({ text, attachments }) {
    this.input.value = text;
    this.attachments = attachments;
    this.#drawAttachments();
    this.#grow();
  }

  #drawAttachments() {
    this.attached.replaceChildren(...this.attachments.map((each) => each.element));
    this.attached.hidden = !this.attachments.length;
    this.#ready();
  }

  #ready() { this.sendButton.disabled = !this.input.value.trim() && !this.attachments.length; }

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
    const draft = { text: this.input.value.trim(), attachments: this.attachments };
    if (!draft.text && !draft.attachments.length) return;
    const { channel, threadTs, list } = this.where();
    const [, command, rest] = draft.text.match(/^(\/[a-z0-9_-]+)(?:\s+([\s\S]*))?$/i) ?? [];
    if (command && threadTs) {
      toast('Commands do not work in threads. Mention the app here, or use the channel’s own box.');
      return;
    }
    if (command && draft.attachments.length) {
      toast('A command takes no files. Remove them, or send them first.');
      return;
    }
    const key = this.key;
    this.#show({ text: '', attachments: [] });
    this.#close();
    list().toEnd();
    try {
      if (command) await call('commands', { channel, command, text: rest ?? '' });
      else await this.#post(draft, { channel, threadTs, list: list() });
    } catch (error) {
      this.#takeBack(key, draft);
      if (error) toast(error instanceof UploadFailed ? error.message : 'The message could not be sent.');
    }
  }

  // Posts one message with all files of the draft, once they have arrived. Throws null when the person stops it.
  async #post({ text, attachments }, { channel, threadTs, list }) {
    const body = { channel, text, thread_ts: threadTs };
    if (!attachments.length) {
      await call('messages', body);
      return;
    }
    let row = null;
    try {
      const stopped = new Promise((_, reject) => {
        if (attachments.some((each) => !each.id)) row = list.addUpload(channel, attachments, () => reject(null));
      });
      const files = await Promise.race([Promise.all(attachments.map((each) => each.done)), stopped]);
      await call('messages', { ...body, files });
    } finally {
      row?.end();
    }
  }

  // Gives back what could not be sent, in front of what has been typed or attached since.
  #takeBack(key, draft) {
    const now = key === this.key ? { text: this.input.value, attachments: this.attachments } : this.drafts.get(key) ?? { text: '', attachments: [] };
    const back = {
      text: [draft.text, now.text].filter(Boolean).join('\n'),
      attachments: [...draft.attachments.filter((each) => !each.error), ...now.attachments],
    };
    if (key === this.key) this.#show(back);
    else this.drafts.set(key, back);
  }

  addFiles(files) {
    const added = [];
    for (const file of files) {
      if (file.size > store.maxFileBytes) toast(`${file.name} is too large for the playground.`);
      else if (!file.size) toast(`${file.name} is empty.`);
      else if (this.attachments.length >= store.maxFiles) {
        toast(`A message takes ${store.maxFiles} files. The others were left out.`);
        break;
      } else {
        const attachment = new Attachment(file, () => this.#remove(attachment));
        const { key } = this;
        attachment.done.catch(() => this.#lost(attachment, key));
        this.attachments.push(attachment);
        added.push(attachment.name);
      }
    }
    if (!added.length) return;
    this.#drawAttachments();
    announce(`Attached: ${added.join(', ')}. Not sent yet.`);
    if (hasScreenKeyboard()) this.sendButton.focus();
    else this.focus();
  }

  #remove(attachment) {
    const at = this.attachments.indexOf(attachment);
    this.attachments = this.attachments.filter((each) => each !== attachment);
    attachment.discard();
    this.#drawAttachments();
    announce(`Removed: ${attachment.name}`);
    (this.attachments[at] ?? this.attachments[at - 1])?.element.querySelector('button').focus();
    if (!this.attachments.length) this.focus();
  }

  // An upload that broke before the message was sent.
  #lost(attachment, key) {
    const list = key === this.key ? this.attachments : this.drafts.get(key)?.attachments ?? [];
    if (!list.includes(attachment)) return;
    list.splice(list.indexOf(attachment), 1);
    if (key === this.key) this.#drawAttachments();
    toast(attachment.error.message);
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

// Takes files that are dropped anywhere on `target` while its message box is shown.
export function dropZone(target, composer) {
  const veil = h('div.drop-veil', { 'aria-hidden': 'true' }, h('div', {}, icon('film'), h('strong', {}), h('span', {}, 'Any video: mp4, mov, mkv, webm …')));
  let depth = 0;
  const hasFiles = (event) => !composer.element.hidden && [...(event.dataTransfer?.types ?? [])].includes('Files');
  target.addEventListener('dragenter', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth += 1;
    veil.querySelector('strong').textContent = `Attach to your message in ${composer.where().title}`;
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

