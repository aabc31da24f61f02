// What lies over the page and is no modal of the app: questions and pictures, each a <dialog>, which keeps the focus inside and
// closes on Escape.

import { h, icon, iconButton } from './dom.js';
import { plain, textObject } from './mrkdwn.js';
import { names } from './store.js';

// Opens a dialog and gives the focus back at its end. `onclose` hears of every way to close it.
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

export function showPicture(src, alt, title) {
  const dialog = h('dialog.dialog.lightbox', { 'aria-label': title || alt || 'Picture' },
    h('div.lightbox-head', {},
      h('span', {}, title || ''),
      h('a.icon-button', { href: `${src}?download`, download: title || '', 'aria-label': 'Save', title: 'Save' }, icon('download')),
      iconButton('close', 'Close', () => dialog.close(), { autofocus: true })),
    h('img', { src, alt }),
    alt ? h('p.lightbox-alt', {}, alt) : null);
  openDialog(dialog);
}
