// The app's modals, the topmost in one <dialog>.

import { call } from './api.js';
import { h, iconButton, toast } from './dom.js';
import { plain } from './mrkdwn.js';
import { renderBlocks } from './blocks.js';
import { openDialog } from './overlays.js';
import { store } from './store.js';

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
    openDialog(dialog, () => {
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
      values, errors, surface: view.id, channel: view.channel,
      act: (element, block, value) => call('click', { view_id: view.id, action_id: element.action_id, block_id: block.block_id, value, values }),
    })),
    h('footer.dialog-buttons', {},
      h('button.button', { type: 'button', onclick: () => modal.dialog.close() }, plain(view.close?.text ?? 'Cancel')),
      view.submit ? h('button.button.primary', { type: 'submit' }, plain(view.submit.text)) : null));
  modal.dialog.replaceChildren(form);
  const wanted = Object.keys(errors).length ? '[aria-invalid=true]' : focused ? `[data-action-id="${CSS.escape(focused)}"]` : '.modal-body input, .modal-body textarea, .modal-body select';
  (form.querySelector(wanted) ?? form.querySelector('button[type=submit]') ?? form.querySelector('button')).focus();
}
