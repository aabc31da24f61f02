// Making elements. Text always becomes text nodes: nothing here ever parses HTML.

const SVG = 'http://www.w3.org/2000/svg';

const ICONS = {
  home: 'M4 11.5 12 5l8 6.5M6.5 10v9h11v-9',
  reply: 'M20 12a7 7 0 0 1-7 7H5l2.2-2.6A7 7 0 1 1 20 12Z',
  close: 'M6 6l12 12M18 6 6 18',
  back: 'M14.5 5.5 8 12l6.5 6.5',
  forward: 'M9.5 5.5 16 12l-6.5 6.5',
  zoom: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.3 15.3 20 20M10.5 7.5v6M7.5 10.5h6',
  unzoom: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.3 15.3 20 20M7.5 10.5h6',
  attach: 'M20 11.5 12.2 19a4.6 4.6 0 0 1-6.4-6.6l8-7.7a3 3 0 0 1 4.3 4.3l-7.9 7.6a1.4 1.4 0 0 1-2-2l7.2-7',
  send: 'M5 12h13M12.5 5.5 19 12l-6.5 6.5',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Zm9.5 2.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6Z',
  film: 'M4 6.5h16v11H4zM8 6.5v11M16 6.5v11M4 12h16',
  file: 'M7 3.5h7l4 4v13H7zM14 3.5v4h4',
  download: 'M12 4v10m-4.5-4L12 14.5 16.5 10M5 19h14',
  menu: 'M4 7h16M4 12h16M4 17h16',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  bolt: 'M13 3 5.5 13.5H11L10 21l8-11h-5.8L13 3Z',
  track: 'M4 9V5.5A1.5 1.5 0 0 1 5.5 4H9M15 4h3.5A1.5 1.5 0 0 1 20 5.5V9M20 15v3.5a1.5 1.5 0 0 1-1.5 1.5H15M9 20H5.5A1.5 1.5 0 0 1 4 18.5V15M12 13.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4Z',
  play: 'M8 5.5v13l10.5-6.5L8 5.5Z',
  down: 'M12 5v14M6 13l6 6 6-6',
  check: 'M5 12.5 10 17.5 19.5 7',
  people: 'M9 11.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM3 19c.6-3 3-4.8 6-4.8s5.400 1.800 6 4.800M15.500 6a2.800 2.800 0 0 1 0 5.200M17.500 14.600c1.900.700 3.100 2.300 3.500 4.400',
};

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

// h('button.primary', {type: 'button', onclick: ...}, 'Text', child, ...)
export function h(spec, properties = {}, ...children) {
  const [tag, ...classes] = spec.split('.');
  const element = document.createElement(tag || 'div');
  if (classes.length) element.className = classes.join(' ');
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.className += ` ${value}`;
    else if (name === 'dataset') Object.assign(element.dataset, value);
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function iconButton(name, label, onclick, properties = {}) {
  return h('button.icon-button', { type: 'button', 'aria-label': label, title: label, onclick, ...properties }, icon(name));
}

// Whether a focused text field brings up a keyboard that covers half of the page.
export const hasScreenKeyboard = () => matchMedia('(pointer: coarse)').matches;

export function announce(text) {
  const live = document.getElementById('live');
  live.textContent = '';
  // A new text node in a later task: screen readers skip a change that happens at once.
  setTimeout(() => { live.textContent = text; }, 30);
}

export function toast(text) {
  const item = h('div.toast', {}, text);
  document.getElementById('toasts').append(item);
  setTimeout(() => item.remove(), 6000);
}

// A menu below a button: arrow keys move, Escape and a click elsewhere close.
export function openMenu(button, items) {
  const close = (focus) => {
    menu.remove();
    document.removeEventListener('pointerdown', outside, true);
    button.setAttribute('aria-expanded', 'false');
    if (focus) button.focus();
  };
  const outside = (event) => { if (!menu.contains(event.target)) close(false); };
  const entries = items.map((item) => h('button.menu-item', {
    type: 'button', role: 'menuitem', onclick: () => { close(true); item.run(); },
  }, item.icon ? icon(item.icon) : null, h('span', {}, item.label)));
  const menu = h('div.menu', {
    role: 'menu', 'aria-label': button.getAttribute('aria-label') ?? 'Menu',
    onkeydown: (event) => {
      const at = entries.indexOf(document.activeElement);
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) { event.preventDefault(); entries[(at + step + entries.length) % entries.length].focus(); }
      if (event.key === 'Escape') { event.stopPropagation(); close(true); }
      if (event.key === 'Tab') close(false);
    },
  }, entries);
  button.setAttribute('aria-expanded', 'true');
  button.closest('.menu-anchor').append(menu);
  document.addEventListener('pointerdown', outside, true);
  entries[0]?.focus();
}

export function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const dayName = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

export function timeText(ts) {
  const seconds = Date.now() / 1000 - Number(ts);
  if (seconds < 45) return 'just now';
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  return clock.format(new Date(Number(ts) * 1000));
}

export function timeElement(ts) {
  const date = new Date(Number(ts) * 1000);
  return h('time', { datetime: date.toISOString(), title: full.format(date), dataset: { ts } }, timeText(ts));
}

export function dayText(ts) {
  const date = new Date(Number(ts) * 1000);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86400000);
  return days === 0 ? 'Today' : days === 1 ? 'Yesterday' : dayName.format(date);
}

setInterval(() => {
  for (const element of document.querySelectorAll('time[data-ts]')) {
    const text = timeText(element.dataset.ts);
    if (element.textContent !== text) element.textContent = text;
  }
}, 15000);
