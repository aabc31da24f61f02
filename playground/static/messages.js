// A conversation as a list: who said what, when, with files and buttons. Rows are kept while what they show stays the same,
// so that a video goes on playing and the focus stays where it is while a progress message is edited.

import { call } from './api.js';
import { dayText, h, icon, iconButton, openMenu, sizeText, timeElement, toast } from './dom.js';
import { renderBlocks } from './blocks.js';
import { showPicture } from './overlays.js';
import { emoji, mrkdwn, plain, summary } from './mrkdwn.js';
import { ephemeralsOf, isReply, names, repliesOf, store } from './store.js';

const GROUP_S = 300;

export function avatar(userId, className = '') {
  const user = store.users.get(userId);
  if (userId === store.app.user) return h('span.avatar.app-avatar', { class: className, 'aria-hidden': 'true' }, icon('track'));
  const name = user?.real_name ?? '?';
  const initials = name.split(' ').map((part) => part[0]).slice(0, 2).join('').toUpperCase();
  const hue = [...userId].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 5, 0);
  return h(`span.avatar.hue-${hue}`, { class: className, 'aria-hidden': 'true' }, initials);
}

export class MessageList {
  // `threadTs` is null for a channel's own list. `open(ts)` opens a thread.
  constructor({ label, threadTs = null, open = null }) {
    this.threadTs = threadTs;
    this.open = open;
    this.rows = new Map();
    this.uploads = [];
    this.list = h('ol.messages', { 'aria-label': label, tabindex: '0', onkeydown: (event) => this.#move(event) });
    this.list.addEventListener('focusin', () => this.#stops());
    this.list.addEventListener('focusout', () => this.#stops());
    this.newerText = h('span');
    this.newer = h('button.newer', { type: 'button', hidden: true, onclick: () => this.toEnd() }, icon('down'), this.newerText);
    this.scroller = h('div.scroller', {}, this.list);
    this.element = h('div.list-wrap', {}, this.scroller, this.newer);
    this.scroller.addEventListener('scroll', () => { if (this.#atEnd()) this.newer.hidden = true; }, { passive: true });
    // Pictures get their height late: stay at the end when we were there.
    this.pinned = true;
    this.scroller.addEventListener('scroll', () => { this.pinned = this.#atEnd(); }, { passive: true });
    new ResizeObserver(() => this.#stay()).observe(this.list);
    // What is pressed stays below the finger until its click is done, whatever grows or comes meanwhile.
    this.pressed = false;
    this.list.addEventListener('pointerdown', () => { this.pressed = true; });
    for (const ended of ['pointerup', 'pointercancel']) {
      window.addEventListener(ended, () => setTimeout(() => { this.pressed = false; this.#stay(); }));
    }
  }

  #stay() {
    if (this.pinned && !this.pressed) this.toEnd();
  }

  #atEnd() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 60;
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.newer.hidden = true;
    this.pinned = true;
  }

  show(messages, channel, { fresh = null, intro = null } = {}) {
    const stay = this.pinned || fresh?.user === store.me;
    const items = [...messages, ...ephemeralsOf(channel, this.threadTs)].sort((a, b) => (a.ts < b.ts ? -1 : 1));
    const wanted = [];
    if (intro) wanted.push(intro);
    let previous = null;
    items.forEach((message, index) => {
      if (!this.threadTs && (!previous || dayText(previous.ts) !== dayText(message.ts))) {
        wanted.push(this.#row(`day ${dayText(message.ts)}`, dayText(message.ts), () => h('li.day', {}, h('span', {}, dayText(message.ts)))));
      }
      const grouped = Boolean(previous) && previous.user === message.user && previous.type === message.type && !previous.subtype?.startsWith('channel_')
        && message.ts - previous.ts < GROUP_S && !(this.threadTs && index === 1);
      wanted.push(this.#message(message, grouped));
      if (this.threadTs && index === 0 && items.length) {
        const count = repliesOf(channel, this.threadTs).length;
        const text = count === 0 ? 'No replies yet' : count === 1 ? '1 reply' : `${count} replies`;
        wanted.push(this.#row('count', text, () => h('li.day.count', {}, h('span', {}, text))));
      }
      previous = message;
    });
    wanted.push(...this.uploads.filter((upload) => upload.channel === channel).map((upload) => upload.row));
    this.#place(wanted);
    if (stay) {
      this.pinned = true;
      this.#stay();
    } else if (fresh) {
      this.newerText.textContent = fresh.type === 'ephemeral' ? 'An answer only visible to you' : 'New messages';
      this.newer.hidden = false;
    }
  }

  #place(wanted) {
    const keep = new Set(wanted);
    for (const row of [...this.list.children]) if (!keep.has(row)) row.remove();
    for (const [key, entry] of this.rows) if (!keep.has(entry.row)) this.rows.delete(key);
    wanted.forEach((row, index) => { if (this.list.children[index] !== row) this.list.insertBefore(row, this.list.children[index] ?? null); });
  }

  #row(key, state, make) {
    const entry = this.rows.get(key);
    if (entry?.state === state) return entry.row;
    const row = make();
    this.rows.set(key, { state, row });
    if (entry?.row.isConnected) entry.row.replaceWith(row);
    return row;
  }

  // A row whose parts are redrawn only when they changed.
  #message(message, grouped) {
    const key = `${message.type} ${message.ts}`;
    let entry = this.rows.get(key);
    if (!entry) {
      entry = { row: h('li.message', { tabindex: '-1', dataset: { ts: message.ts } }), parts: {} };
      this.rows.set(key, entry);
    }
    const { row } = entry;
    const isNote = message.type === 'ephemeral';
    row.classList.toggle('grouped', grouped);
    row.classList.toggle('ephemeral', isNote);
    row.classList.toggle('system', Boolean(message.subtype?.startsWith('channel_')));
    row.classList.toggle('mentions-me', !isNote && (message.text ?? '').includes(`<@${store.me}>`));
    const parts = [
      ['head', [grouped, message.user, message.edited?.ts], () => this.#head(message, grouped)],
      ['body', [message.text, message.blocks, message.subtype, message.edited?.ts], () => this.#body(message)],
      ['files', [message.files], () => files(message.files ?? [])],
      ['reactions', [message.reactions], () => reactions(message.reactions ?? [])],
      ['foot', [message.reply_count, message.latest_reply, message.reply_users, store.unreadThreads.has(message.ts), message.text], () => this.#foot(message)],
      ['tools', [message.subtype, message.text], () => this.#tools(message)],
    ];
    for (const [name, state, make] of parts) {
      const text = JSON.stringify(state);
      const old = entry.parts[name];
      if (old?.text === text) continue;
      const focused = old?.node.contains(document.activeElement) ? document.activeElement.dataset.actionId : null;
      const node = make();
      if (old) old.node.replaceWith(node);
      else row.append(node);
      entry.parts[name] = { text, node };
      if (name === 'tools') this.#stops(row);
      if (focused) (node.querySelector(`[data-action-id="${CSS.escape(focused)}"]`) ?? row).focus();
    }
    return row;
  }

  #head(message, grouped) {
    const time = timeElement(message.ts);
    if (message.type === 'ephemeral') {
      return h('div.head', {},
        h('div.note', {}, icon('eye'), 'Only visible to you'),
        avatar(message.user || 'client'),
        h('span.author', {}, store.users.get(message.user)?.real_name ?? 'Playground'), message.user ? h('span.badge', {}, 'App') : null, time);
    }
    const user = store.users.get(message.user);
    return h('div.head', {}, avatar(message.user),
      h('span.author', {}, user?.real_name ?? message.user), user?.is_bot ? h('span.badge', {}, 'App') : null, time,
      grouped ? h('span.visually-hidden', {}, `${user?.real_name ?? message.user} (continued)`) : null);
  }

  #body(message) {
    const body = h('div.body');
    const act = (element, block, value) => call('click', {
      channel: message.channel, ts: message.ts, action_id: element.action_id, block_id: block.block_id, value, values: {},
    });
    if (message.subtype === 'tombstone') body.append(h('p.gone', {}, message.text));
    else if (message.blocks?.length) body.append(...renderBlocks(message.blocks, { act, values: {}, surface: `m${message.ts}`, channel: message.channel }));
    else if (message.text) body.append(h('div.text', {}, mrkdwn(message.text, names)));
    if (message.edited) body.append(h('span.edited', {}, '(edited)'));
    return body;
  }

  #foot(message) {
    const foot = h('div.foot');
    if (this.threadTs || isReply(message) || !message.reply_count) return foot;
    const count = message.reply_count === 1 ? '1 reply' : `${message.reply_count} replies`;
    foot.append(h('button.replies', { type: 'button', class: store.unreadThreads.has(message.ts) ? 'unread' : '', onclick: () => this.open(message.ts) },
      h('span.faces', {}, message.reply_users.slice(0, 3).map((user) => avatar(user, 'tiny'))),
      h('span.count', {}, count, h('span.visually-hidden', {}, ` to the message of ${nameOf(message)}`)), h('span.when', {}, 'last ', timeElement(message.latest_reply)),
      store.unreadThreads.has(message.ts) ? h('span.dot', {}, h('span.visually-hidden', {}, 'new')) : null));
    return foot;
  }

  #tools(message) {
    const tools = h('div.tools.menu-anchor');
    if (message.type === 'ephemeral') {
      tools.append(namedButton('close', 'Dismiss', `Dismiss the message of ${nameOf(message)}`, () => call('dismiss', { channel: message.channel, ts: message.ts })));
      return tools;
    }
    if (message.subtype?.startsWith('channel_') || message.subtype === 'tombstone') return tools;
    const shortcuts = store.shortcuts.filter((shortcut) => shortcut.kind === 'message').map((shortcut) => ({
      label: shortcut.name, icon: 'track',
      run: () => call('shortcut', { callback_id: shortcut.callback_id, channel: message.channel, ts: message.ts }).catch(() => toast('This is not possible any more.')),
    }));
    if (!this.threadTs && this.open) tools.append(namedButton('reply', 'Reply in thread', `Reply in thread to message of ${nameOf(message)}`, () => this.open(isReply(message) ? message.thread_ts : message.ts)));
    if (shortcuts.length) {
      const more = namedButton('more', 'More actions', `More actions for message of ${nameOf(message)}`, () => openMenu(more, shortcuts), { 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
      tools.append(more);
    }
    return tools;
  }

  // The Tab key stops at the tools of the message that has the focus alone: a long list is passed quickly.
  #stops(within = this.list) {
    const current = document.activeElement?.closest('.message');
    for (const button of within.querySelectorAll('.tools .icon-button')) {
      button.tabIndex = button.closest('.message') === current ? 0 : -1;
    }
  }

  // Arrow keys go from message to message, Enter opens the thread.
  #move(event) {
    if (event.target !== this.list && !event.target.classList.contains('message')) return;
    const rows = [...this.list.querySelectorAll('.message')];
    const at = rows.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at < 0 ? rows.length - 1 : at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (next !== undefined && rows[next]) {
      event.preventDefault();
      rows[next].focus();
    } else if (event.key === 'Enter' && at >= 0 && this.open && !this.threadTs && !rows[at].classList.contains('ephemeral')) {
      event.preventDefault();
      this.open(rows[at].dataset.ts);
    }
  }

  highlight(ts) {
    const row = this.rowOf(ts);
    if (!row) return;
    this.pinned = false;
    row.scrollIntoView({ block: 'center' });
    row.classList.add('highlight');
    setTimeout(() => row.classList.remove('highlight'), 2600);
  }

  rowOf(ts) { return this.list.querySelector(`[data-ts="${CSS.escape(ts)}"]`); }

  // A row for a message whose files (`Attachment`s) are on their way; `stop` is for the person. The result has `end()`.
  addUpload(channel, attachments, stop) {
    const total = attachments.reduce((sum, each) => sum + each.size, 0);
    const name = attachments.length === 1 ? attachments[0].name : `${attachments.length} files`;
    const bar = h('progress', { max: '1', value: 0, 'aria-label': `Uploading ${name}` });
    const status = h('span.upload-status');
    const row = h('li.message.uploading', {}, h('div.head', {}, avatar(store.me), h('span.author', {}, names.user(store.me))),
      h('div.body', {}, h('div.upload-card', {}, icon('film'), h('div.upload-text', {}, h('strong', {}, name), status, bar),
        iconButton('close', 'Do not send', stop))));
    const progress = () => {
      const share = attachments.reduce((sum, each) => sum + each.share * each.size, 0) / total;
      bar.value = share;
      status.textContent = share < 1 ? `${Math.round(share * 100)} % of ${sizeText(total)}` : 'Nearly there …';
    };
    for (const each of attachments) each.onprogress = progress;
    progress();
    const entry = { channel, row };
    this.uploads.push(entry);
    this.list.append(row);
    this.toEnd();
    return {
      end: () => {
        for (const each of attachments) each.onprogress = null;
        this.uploads.splice(this.uploads.indexOf(entry), 1);
        row.remove();
      },
    };
  }
}

// Who wrote a message and how it begins: what tells its buttons from those of others.
function nameOf(message) {
  const author = store.users.get(message.user)?.real_name ?? 'Playground';
  const text = summary(message.text ?? '', names) || (message.files ?? []).map((file) => file.title ?? '').join(', ');
  return text ? `${author}: ${text.length > 60 ? `${text.slice(0, 60)} …` : text}` : author;
}

// A button whose tooltip is short, and whose name says which message it is about.
const namedButton = (glyph, tip, name, onclick, properties = {}) => iconButton(glyph, tip, onclick, { 'aria-label': name, ...properties });

function reactions(list) {
  return h('div.reactions', {}, list.map((reaction) => h('span.reaction', { 'aria-label': `${reaction.name.replaceAll('_', ' ')}, ${reaction.count}` },
    emoji(reaction.name) ?? `:${reaction.name}:`, ' ', String(reaction.count))));
}

function files(list) {
  const pictures = list.filter((file) => file.mimetype?.startsWith('image/') && file.src);
  const videos = list.filter((file) => file.mimetype?.startsWith('video/') && file.src);
  const rest = list.filter((file) => !pictures.includes(file) && !videos.includes(file));
  return h('div.files', {},
    videos.length ? h('div.videos', { class: videos.length > 1 ? 'many' : '' }, videos.map(video)) : null,
    rest.map(other),
    pictures.length ? h('div.pictures', { class: pictures.length > 1 ? 'many' : '' }, pictures.map((file) => pictureFile(file, pictures))) : null);
}

function pictureFile(file, pictures) {
  const alt = file.alt || file.title;
  const all = pictures.map((each) => ({ src: each.src, alt: each.alt || '', title: each.title }));
  return h('figure.picture-file', {},
    h('button.picture', { type: 'button', 'aria-label': `Show larger: ${alt}`, onclick: (event) => showPicture(all, pictures.indexOf(file), event.currentTarget) },
      h('img', { src: file.src, alt, width: file.width || null, height: file.height || null }),
      file.mimetype === 'image/gif' ? h('span.gif', { 'aria-hidden': 'true' }, 'GIF') : null),
    h('figcaption', {}, plain(file.title)));
}

function about(file) {
  return h('div.file-about', {}, h('span.file-name', { title: file.title }, file.title), h('span.file-size', {}, file.size ? sizeText(file.size) : 'on another site'),
    file.src ? h('a.icon-button', { href: `${file.src}?download`, download: file.name, 'aria-label': `Save ${file.title}`, title: 'Save' }, icon('download')) : null);
}

function video(file) {
  return h('div.file-card.video', {}, h('video', { src: file.src, controls: true, preload: 'metadata', playsinline: true, muted: true, 'aria-label': `Video: ${file.title}` }), about(file));
}

function other(file) {
  if (file.mode === 'tombstone') return h('p.gone', {}, 'This file was deleted.');
  if (file.mode === 'hidden_by_limit') return h('p.gone', {}, 'This file is hidden because of the workspace’s age limit.');
  return h('div.file-card', {}, icon(file.mimetype?.startsWith('video/') ? 'film' : 'file'), about(file));
}
