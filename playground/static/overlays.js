// What lies over the page and is no modal of the app: questions and pictures, each a <dialog>, which keeps the focus inside and
// closes on Escape.

import { h, icon, iconButton } from './dom.js';
import { plain, textObject } from './mrkdwn.js';
import { names } from './store.js';

// Opens a dialog and gives the focus back at its end. `onclose` is called whichever way it is closed.
export function openDialog(dialog, onclose) {
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (before?.isConnected) before.focus();
    onclose?.();
  });
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  dialog.showModal();
}

// Asks what a `confirm` object of Block Kit asks; resolves to whether the answer was yes.
export function confirmed(question) {
  return new Promise((resolve) => {
    let answer = false;
    const say = (value) => () => { answer = value; dialog.close(); };
    const dialog = h('dialog.dialog.confirm', { 'aria-labelledby': 'confirm-title' },
      h('h2', { id: 'confirm-title' }, plain(question.title.text)),
      h('div.text', {}, textObject(question.text, names)),
      h('div.dialog-buttons', {},
        h('button.button', { type: 'button', onclick: say(false) }, plain(question.deny.text)),
        h(`button.button.${question.style ?? 'primary'}`, { type: 'button', autofocus: true, onclick: say(true) }, plain(question.confirm.text))));
    openDialog(dialog, () => resolve(answer));
  });
}

// Shows `pictures` ({src, alt, title}) over the whole window, one at a time, from `at` on. Each fits the window at first, or
// covers it where fitting would hardly make it larger than `thumbnail`, as on a phone; a click goes from one to the other.
export function showPicture(pictures, at, thumbnail) {
  let zoomed = false;
  const img = h('img', { onload: () => begin(), onclick: (event) => zoom(!zoomed, event) });
  const stage = h('div.lightbox-stage', { tabindex: '0', role: 'region', 'aria-label': 'Picture', onclick: (event) => { if (event.target === stage) dialog.close(); } }, img);
  const title = h('span.lightbox-title', { id: 'lightbox-title' });
  const count = h('span.lightbox-count', { 'aria-live': 'polite' });
  const save = h('a.icon-button', { title: 'Save' }, icon('download'));
  const larger = iconButton('zoom', 'Zoom in', () => zoom(!zoomed));
  const words = h('p');
  const description = h('details.lightbox-alt', {}, h('summary', {}, 'Description'), words);
  const turn = (step) => { at = (at + step + pictures.length) % pictures.length; show(); };
  const several = pictures.length > 1;
  const dialog = h('dialog.lightbox', {
    'aria-labelledby': 'lightbox-title',
    onkeydown: (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step || !several || zoomed) return;
      event.preventDefault();
      turn(step);
    },
  }, h('div.lightbox-head', {}, title, count,
    several ? iconButton('back', 'Previous picture', () => turn(-1)) : null,
    several ? iconButton('forward', 'Next picture', () => turn(1)) : null,
    larger, save, iconButton('close', 'Close', () => dialog.close(), { autofocus: true })), stage, description);

  // Sizes in pixels of the page: the picture as it fits the window, and as it covers it, at least half as large again.
  const sizes = () => {
    const [wide, high] = [img.naturalWidth, img.naturalHeight];
    const [x, y] = [stage.clientWidth / wide, stage.clientHeight / high];
    const fit = Math.min(x, y);
    return { wide, high, fit, cover: Math.max(x, y, 1.5 * fit) };
  };

  function show() {
    const { src, alt, title: name } = pictures[at];
    img.src = src;
    img.alt = alt;
    title.textContent = name || alt || 'Picture';
    count.textContent = several ? `${at + 1} of ${pictures.length}` : '';
    save.href = `${src}?download`;
    save.download = name || '';
    save.setAttribute('aria-label', `Save ${name || 'the picture'}`);
    words.textContent = alt;
    description.hidden = !alt;
  }

  function begin() {
    const { wide, fit } = sizes();
    zoom(fit * wide < 1.4 * thumbnail.clientWidth);
  }

  // Keeps the point under the pointer where it is; without one, the start of the picture.
  function zoom(on, event = null) {
    const from = img.getBoundingClientRect();
    const [x, y] = event ? [(event.clientX - from.x) / from.width, (event.clientY - from.y) / from.height] : [0, 0];
    const { wide, high, fit, cover } = sizes();
    zoomed = on;
    img.style.width = `${wide * (on ? cover : fit)}px`;
    img.style.height = `${high * (on ? cover : fit)}px`;
    dialog.classList.toggle('zoomed', on);
    larger.setAttribute('aria-label', on ? 'Zoom out' : 'Zoom in');
    larger.title = on ? 'Zoom out' : 'Zoom in';
    larger.replaceChildren(icon(on ? 'unzoom' : 'zoom'));
    stage.scrollLeft = x * img.clientWidth - (event ? event.clientX - stage.getBoundingClientRect().x : 0);
    stage.scrollTop = y * img.clientHeight - (event ? event.clientY - stage.getBoundingClientRect().y : 0);
  }

  const resized = () => { if (img.complete) zoom(zoomed); };
  addEventListener('resize', resized);
  openDialog(dialog, () => removeEventListener('resize', resized));
  show();
}
