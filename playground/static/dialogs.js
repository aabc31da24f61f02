// Questions, pictures and modals: all of them <dialog>, which keeps the focus inside and closes on Escape.

import { call } from './api.js';
import { h, icon, iconButton, toast } from './dom.js';
import { plain, textObject } from './mrkdwn.js';
import { renderBlocks } from './blocks.js';
import { names, store } from './store.js';

// Opens a dialog and gives the focus back at its end. `onclose` hears of every way to close it.
function open(dialog, onclose) {
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
    open(dialog, () => resolve(answer));
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
  open(dialog);
}

// Modals of the app. One dialog shows the topmost; what was typed is kept while the app changes it.
let modal = null;
const held = new Map();

export function showViews() {
  const view = store.views.at(-1);
  if (!view) {
    modal?.dialog.close();
    return;
  }
  if (modal && modal.id !== view.id) modal.replace();
  if (!modal) {
    const dialog = h('dialog.dialog.modal', { 'aria-labelledby': 'modal-title' });
    modal = { id: view.id, dialog, replace: () => { modal.id = null; } };
    open(dialog, () => {
      const closed = modal.id;
      modal = null;
      const still = store.views.find((each) => each.id === closed);
      if (still) call('view/close', { view_id: closed }).catch(() => toast('The dialog could not be closed.'));
    });
  }
  modal.id = view.id;
  draw(view);
}

function draw(view, errors = {}) {
  if (!held.has(view.id)) held.set(view.id, {});
  const values = held.get(view.id);
  const focused = document.activeElement?.dataset?.actionId;
  const submit = async (event) => {
    event.preventDefault();
    form.setAttribute('aria-busy', 'true');
    try {
      const answer = await call('view/submit', { view_id: view.id, values });
      if (Object.keys(answer.errors ?? {}).length && modal?.id === view.id) draw(view, answer.errors);
    } catch {
      toast(`${store.app.name} is not answering.`);
    }
    form.removeAttribute('aria-busy');
  };
  const form = h('form', { onsubmit: submit, novalidate: true },
    h('header.modal-head', {},
      h('h2', { id: 'modal-title' }, plain(view.title.text)),
      iconButton('close', 'Close', () => modal.dialog.close())),
    h('div.modal-body', {}, renderBlocks(view.blocks, {
      values, errors, surface: view.id,
      act: (element, block, value) => call('click', { view_id: view.id, action_id: element.action_id, block_id: block.block_id, value, values }),
    })),
    h('footer.dialog-buttons', {},
      h('button.button', { type: 'button', onclick: () => modal.dialog.close() }, plain(view.close?.text ?? 'Cancel')),
      view.submit ? h('button.button.primary', { type: 'submit' }, plain(view.submit.text)) : null));
  modal.dialog.replaceChildren(form);
  const wanted = Object.keys(errors).length ? '[aria-invalid=true]' : focused ? `[data-action-id="${CSS.escape(focused)}"]` : '.modal-body input, .modal-body textarea, .modal-body select';
  (form.querySelector(wanted) ?? form.querySelector('button[type=submit]') ?? form.querySelector('button')).focus();
}
