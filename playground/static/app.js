// The page: channels, the conversation that is open, a thread beside it. The address after # says where one is.

import { call, connect } from './api.js';
import { renderBlocks } from './blocks.js';
import { Composer, dropZone, sampleLabel } from './composer.js';
import { showViews } from './dialogs.js';
import { announce, h, hasScreenKeyboard, icon, iconButton, toast } from './dom.js';
import { avatar, MessageList } from './messages.js';
import { summary } from './mrkdwn.js';
import {
  apply, channelTitle, findMessage, isAppIn, isReply, load, names, repliesOf, rootsOf, store,
} from './store.js';

const root = document.getElementById('app');
const route = { channel: '', thread: '', tab: 'messages' };
// What was focused when the thread was opened, and gets the focus back; whether the thread has been asked for.
let opener = null;
let enters = false;
let lists = null;

// Where one is

function parseRoute() {
  const [, channel, second] = location.hash.split('/');
  route.channel = store.channels.has(channel) ? channel : store.app.start;
  route.tab = second === 'home' ? 'home' : 'messages';
  route.thread = second && second !== 'home' && findMessage(route.channel, second) ? second : '';
}

function go(channel, second = '') {
  const hash = `#/${channel}${second ? `/${second}` : ''}`;
  if (location.hash !== hash) history.pushState(null, '', hash);
  onRoute();
}

// The links that Slack calls permalinks: to a message, or to a file.
function followPermalink(path, search) {
  const [, kind, first, second] = path.split('/');
  if (kind === 'archives' && store.channels.has(first)) {
    const ts = second.replace(/^p(\d+)(\d{6})$/, '$1.$2');
    const message = findMessage(first, ts);
    const thread = new URLSearchParams(search).get('thread_ts') ?? (message && isReply(message) ? message.thread_ts : '');
    go(first, thread ?? '');
    setTimeout(() => (thread ? lists.thread : lists.main).highlight(ts), 80);
    return true;
  }
  if (kind === 'files') {
    for (const list of store.messages.values()) {
      const message = list.find((each) => each.files.some((file) => file.id === second));
      if (message) {
        go(message.channel, isReply(message) ? message.thread_ts : '');
        setTimeout(() => (isReply(message) ? lists.thread : lists.main).highlight(message.ts), 80);
        return true;
      }
    }
  }
  return false;
}

// Frame

const sidebar = h('nav.sidebar', { id: 'sidebar', 'aria-label': 'Channels' });
const header = h('header.channel-head');
const main = h('main.main', { id: 'main' });
const threadPane = h('aside.thread', { 'aria-label': 'Thread', hidden: true });
const lost = h('div.lost', { role: 'status', hidden: true }, 'Connection lost. Trying again …');
const homePane = h('div.home-pane', { tabindex: '0', role: 'region', 'aria-label': 'Home' });
const threadTitle = h('h2', { tabindex: '-1' }, 'Thread');

function build() {
  lists = {
    main: new MessageList({ label: 'Messages', open: (ts) => openThread(ts) }),
    thread: new MessageList({ label: 'Messages in the thread', threadTs: 'none' }),
  };
  lists.composer = new Composer(() => ({
    channel: route.channel, threadTs: null, list: () => lists.main, title: titleOf(route.channel),
  }), 'composer-main', openThread);
  lists.threadComposer = new Composer(() => ({
    channel: route.channel, threadTs: route.thread, list: () => lists.thread, title: 'the thread',
  }), 'composer-thread', openThread);
  lists.gate = h('div.gate');
  main.append(header, lost, homePane, lists.main.element, lists.gate, lists.composer.element);
  threadPane.append(
    h('header.channel-head', {}, iconButton('back', 'Back', closeThread, { class: 'phone-only' }),
      h('div.channel-name', {}, threadTitle, h('span.purpose', { id: 'thread-where' })),
      iconButton('close', 'Close the thread', closeThread, { class: 'not-phone' })),
    lists.thread.element, lists.threadComposer.element);
  dropZone(main, lists.composer);
  dropZone(threadPane, lists.threadComposer);
  const veil = h('div.sidebar-veil', { onclick: () => toggleSidebar(false) });
  root.append(sidebar, veil, main, threadPane);
}

const titleOf = (id) => {
  const channel = store.channels.get(id);
  return channel.kind === 'im' ? channelTitle(channel) : `#${channel.name}`;
};

function toggleSidebar(shown) {
  root.classList.toggle('sidebar-open', shown);
  if (shown) sidebar.querySelector('[aria-current]')?.focus();
}

function drawSidebar() {
  const item = (channel) => {
    const unread = store.unread.get(channel.id) ?? 0;
    const current = channel.id === route.channel;
    const glyph = channel.kind === 'im' ? avatar(store.app.user, 'tiny') : h('span.hash', { 'aria-hidden': 'true' }, '#');
    return h('li', {}, h('a.channel-link', {
      href: `#/${channel.id}`, 'aria-current': current ? 'page' : null, class: unread ? 'unread' : '', onclick: () => toggleSidebar(false),
    }, glyph, h('span.channel-label', {}, channelTitle(channel)),
      unread ? h('span.unread-count', {}, String(unread), h('span.visually-hidden', {}, ' unread')) : null));
  };
  const channels = [...store.channels.values()].filter((channel) => !channel.archived);
  sidebar.replaceChildren(
    h('div.brand', {}, h('img', { src: '/static/icon.svg', alt: '', width: '34', height: '34' }),
      h('div', {}, h('strong', {}, 'Playground'), h('span', {}, `trying ${store.app.name}`))),
    h('h2', {}, 'Channels'),
    h('ul', {}, channels.filter((channel) => channel.kind !== 'im').map(item)),
    h('h2', {}, 'Apps'),
    h('ul', {}, channels.filter((channel) => channel.kind === 'im').map(item)),
    h('div.sidebar-foot', {}, h('span.dot-ok', { 'aria-hidden': 'true' }), 'This workspace lives on this computer alone.'));
}

function drawHeader() {
  const channel = store.channels.get(route.channel);
  const isDirect = channel.kind === 'im';
  const people = channel.members.map((member) => names.user(member)).filter(Boolean);
  const tab = (name, label) => h('a.tab', { href: `#/${channel.id}${name === 'home' ? '/home' : ''}`, 'aria-current': route.tab === name ? 'page' : null }, label);
  header.replaceChildren(...[
    iconButton('menu', 'Channels', () => toggleSidebar(true), { class: 'phone-only', 'aria-controls': 'sidebar' }),
    h('div.channel-name', {}, h('h1', {}, isDirect ? avatar(store.app.user, 'tiny') : h('span.hash', { 'aria-hidden': 'true' }, '#'), channelTitle(channel)),
      channel.purpose ? h('span.purpose', {}, channel.purpose) : null),
    isDirect ? h('nav.tabs', { 'aria-label': store.app.name }, tab('messages', 'Messages'), tab('home', 'Home')) : null,
    isDirect ? null : h('div.members', { title: people.join(', ') }, icon('people'), h('span', {}, String(people.length)), h('span.visually-hidden', {}, ` members: ${people.join(', ')}`)),
  ].filter(Boolean));
  document.title = `${titleOf(channel.id)} – Playground`;
}

function intro(channel) {
  const direct = channel.kind === 'im';
  if (channel.id !== store.app.start && !direct) {
    return h('li.intro.small', {}, h('h2', {}, `#${channel.name}`), h('p', {}, channel.purpose));
  }
  const command = store.commands[0];
  return h('li.intro', {},
    h('span.intro-mark', {}, icon('track')),
    h('h2', {}, direct ? `You and ${store.app.name}` : 'Drop a video here'),
    h('p', {}, `Then press Send. ${store.app.name} follows every object in it and answers in the thread: one picture of all of them, and a moving one of each.`),
    h('div.intro-ways', {},
      store.samples.map((name) => h('button.button.primary.sample', { type: 'button', onclick: () => lists.composer.useSample(name) }, icon('play'), sampleLabel(name))),
      h('button.button', { type: 'button', onclick: () => lists.composer.picker.click() }, icon('attach'), 'Choose a video'),
      command ? h('span.or', {}, 'or type ', h('kbd', {}, `${command.command} <link>`)) : null));
}

const intros = new Map();

function introOf(channel) {
  const state = JSON.stringify([channel, store.samples]);
  if (intros.get(channel.id)?.state !== state) intros.set(channel.id, { state, row: intro(channel) });
  return intros.get(channel.id).row;
}

function drawMain(fresh = null) {
  const channel = store.channels.get(route.channel);
  const isHome = channel.kind === 'im' && route.tab === 'home';
  homePane.hidden = !isHome;
  lists.main.element.hidden = isHome;
  lists.composer.element.hidden = isHome || channel.archived;
  lists.gate.replaceChildren();
  if (isHome) return;
  lists.main.list.setAttribute('aria-label', `Messages in ${titleOf(channel.id)}`);
  lists.main.show(rootsOf(channel.id), channel.id, { fresh, intro: introOf(channel) });
  if (channel.kind !== 'im' && !isAppIn(channel.id)) {
    lists.gate.append(h('div.invite', {}, h('span', {}, `${store.app.name} is not in this channel.`),
      h('button.button', { type: 'button', onclick: () => call('invite', { channel: channel.id }).catch(() => toast('The invitation did not work.')) }, `Invite ${store.app.name}`)));
  }
}

function drawHome() {
  const home = store.home;
  homePane.replaceChildren(home
    ? h('div.home', {}, renderBlocks(home.blocks, {
      values: {}, surface: home.id,
      act: (element, block, value) => call('click', { view_id: home.id, action_id: element.action_id, block_id: block.block_id, value, values: {} }),
    }))
    : h('div.home.empty', {}, icon('home'), h('p', {}, `${store.app.name} has put nothing here yet.`)));
}

function drawThread(fresh = null) {
  threadPane.hidden = skipToThread.hidden = !route.thread;
  root.classList.toggle('thread-open', Boolean(route.thread));
  if (!route.thread) return;
  lists.thread.threadTs = route.thread;
  document.getElementById('thread-where').textContent = titleOf(route.channel);
  const rootMessage = findMessage(route.channel, route.thread);
  lists.thread.show(rootMessage ? [rootMessage, ...repliesOf(route.channel, route.thread)] : [], route.channel, { fresh });
  if (store.unreadThreads.delete(route.thread)) drawMain();
}

function openThread(ts) {
  if (!threadPane.contains(document.activeElement)) opener = document.activeElement;
  enters = true;
  go(route.channel, ts);
}

function closeThread() {
  go(route.channel);
}

function enterThread() {
  if (hasScreenKeyboard()) threadTitle.focus();
  else lists.threadComposer.focus();
}

// After a thread was closed: back to what opened it, or to its message where that has been redrawn.
function leaveThread(ts) {
  const row = lists.main.rowOf(ts);
  const target = opener?.isConnected && opener !== document.body ? opener : row?.querySelector('.replies') ?? row;
  opener = null;
  if (target) target.focus();
  else lists.composer.focus();
}

let shown = '';
let shownThread = '';

function onRoute() {
  parseRoute();
  const place = `${route.channel} ${route.tab}`;
  store.unread.delete(route.channel);
  drawSidebar();
  drawHeader();
  if (place !== shown) {
    lists.main.pinned = true;
    lists.composer.moveTo(route.channel, `Message ${titleOf(route.channel)}`, `Message ${titleOf(route.channel)}${store.commands.length ? `, or ${store.commands[0].command} and a link` : ''}`);
    const channel = store.channels.get(route.channel);
    if (channel.kind === 'im') call('home', { tab: route.tab }).catch(() => {});
  }
  drawMain();
  if (place !== shown && !lists.main.element.hidden) {
    lists.main.toEnd();
    if (!hasScreenKeyboard()) lists.composer.focus();
  }
  drawHome();
  if (route.thread !== shownThread) {
    lists.thread.pinned = true;
    if (route.thread) lists.threadComposer.moveTo(`${route.channel} ${route.thread}`, 'Reply in the thread', 'Reply …');
  }
  drawThread();
  if (route.thread && route.thread !== shownThread) {
    lists.thread.toEnd();
    enters = true;
  }
  if (route.thread && enters) enterThread();
  else if (!route.thread && shownThread && place === shown) leaveThread(shownThread);
  enters = false;
  shown = place;
  shownThread = route.thread;
}

// What happens meanwhile

function noteFresh(message) {
  const own = message.user === store.me;
  const here = message.channel === route.channel;
  const thread = message.thread_ts && message.thread_ts !== message.ts ? message.thread_ts : '';
  const seen = here && (!thread || thread === route.thread);
  if (!own && message.type !== 'ephemeral') {
    if (!here) store.unread.set(message.channel, (store.unread.get(message.channel) ?? 0) + 1);
    if (thread && !seen) store.unreadThreads.add(thread);
  }
  if (!own) {
    const who = store.users.get(message.user)?.real_name ?? 'Playground';
    const where = here ? (thread ? 'in a thread' : '') : `in ${titleOf(message.channel)}`;
    const what = summary(message.text ?? '', names) || (message.files?.length ? `${message.files.length} ${message.files.length === 1 ? 'file' : 'files'}` : '');
    announce(`${message.type === 'ephemeral' ? 'Only visible to you: ' : ''}${where ? `${who} ${where}` : who}: ${what}`);
  }
}

function onUpdate(update) {
  const { channel, fresh, views, home } = apply(update);
  if (fresh) noteFresh(fresh);
  if (views) showViews();
  if (home) drawHome();
  // A thread can be asked for before its message is here.
  if (fresh && !route.thread && location.hash === `#/${fresh.channel}/${fresh.ts}`) onRoute();
  if (fresh || update.type === 'channel') drawSidebar();
  if (update.type === 'channel') drawHeader();
  if (channel === undefined || channel === route.channel) {
    const thread = fresh?.thread_ts && fresh.thread_ts !== fresh.ts ? fresh.thread_ts : null;
    drawMain(thread && !fresh.broadcast ? null : fresh);
    drawThread(thread === route.thread ? fresh : null);
  }
}

// Updates that come while the whole state is on its way are newer than it: they wait, and are applied on top.
let refreshing = 0;
let waiting = [];

async function refresh() {
  refreshing += 1;
  try {
    await load();
  } catch {
    return; // the connection is gone again; the next one asks again
  } finally {
    refreshing -= 1;
  }
  onRoute();
  showViews();
  if (refreshing) return;
  const missed = waiting;
  waiting = [];
  missed.forEach(onUpdate);
}

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return;
  if (root.classList.contains('sidebar-open')) toggleSidebar(false);
  else if (route.thread) closeThread();
});
document.addEventListener('click', (event) => {
  const anchor = event.target.closest('a[data-own]');
  if (anchor && followPermalink(anchor.pathname, anchor.search)) event.preventDefault();
});
const [skipToMain, skipToThread] = document.querySelectorAll('.skip');
skipToMain.addEventListener('click', (event) => { event.preventDefault(); lists.composer.focus(); });
skipToThread.addEventListener('click', (event) => { event.preventDefault(); enterThread(); });
addEventListener('hashchange', onRoute);
// A file dropped beside a drop zone must not replace the page.
for (const name of ['dragover', 'drop']) addEventListener(name, (event) => event.preventDefault());

await load();
build();
if (!(location.pathname !== '/' && followPermalink(location.pathname, location.search))) onRoute();
showViews();
root.removeAttribute('aria-busy');
connect({
  onupdate: (update) => (refreshing ? waiting.push(update) : onUpdate(update)),
  onopen: () => { lost.hidden = true; refresh(); },
  onlost: () => { lost.hidden = false; },
});
