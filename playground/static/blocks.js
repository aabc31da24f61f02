// Block Kit as elements. A block that is not known is shown as its kind, never left out.

import { Refused } from './api.js';
import { h, icon, openMenu, toast } from './dom.js';
import { confirmed, showPicture } from './overlays.js';
import { emoji, link, mrkdwn, plain, summary, textObject } from './mrkdwn.js';
import { names, store } from './store.js';

// `context`: act(element, block, value) tells the app; `values` holds inputs by action id; `errors` by block id; `surface` makes
// ids; `channel` is the conversation that a select may begin with.
export function renderBlocks(blocks, context) {
  return blocks.map((block) => (BLOCKS[block.type] ?? unknown)(block, context));
}

const unknown = (block) => h('p.block-unknown', {}, `(a block of the kind “${block.type}”)`);

const BLOCKS = {
  section: (block, context) => h('div.block-section', { class: block.accessory ? 'with-accessory' : '' },
    h('div.section-body', {},
      block.text ? h('div.text', {}, textObject(block.text, names)) : null,
      block.fields ? h('dl.fields', {}, block.fields.map((field) => h('div.text', {}, textObject(field, names)))) : null),
    block.accessory ? h('div.accessory', {}, element(block.accessory, block, context)) : null),
  divider: () => h('hr.block-divider'),
  header: (block) => h('h3.block-header', {}, plain(block.text.text)),
  image: (block) => h('figure.block-image', {},
    block.title ? h('figcaption', {}, plain(block.title.text)) : null, picture(block, block.title?.text)),
  context: (block, context) => h('div.block-context', {}, block.elements.map((item) => (
    item.type === 'image' ? element(item, block, context) : h('div.text', {}, textObject(item, names))))),
  actions: (block, context) => h('div.block-actions', {}, block.elements.map((item) => element(item, block, context))),
  context_actions: (block, context) => h('div.block-actions', {}, block.elements.map((item) => element(item, block, context))),
  markdown: (block) => h('div.text', {}, mrkdwn(block.text.replace(/\*\*(.+?)\*\*/g, '*$1*').replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;'), names)),
  rich_text: (block) => h('div.text', {}, block.elements.map(richPart)),
  alert: (block) => h(`div.block-alert.${block.level ?? 'default'}`, {}, textObject(block.text, names)),
  plan: (block, context) => h('div.block-plan', {}, h('h3', {}, plain(block.title)), (block.tasks ?? []).map((task) => BLOCKS.task_card(task, context))),
  task_card: (block) => h(`div.task.${block.status ?? 'pending'}`, {},
    h('span.task-mark', { role: 'img', 'aria-label': (block.status ?? 'pending').replace('_', ' ') }, block.status === 'complete' ? icon('check') : block.status === 'error' ? icon('close') : null),
    h('div', {}, h('span', {}, plain(block.title)), block.details ? BLOCKS.rich_text(block.details) : null)),
  input: (block, context) => {
    const id = `${context.surface}-${block.block_id}`;
    const error = context.errors?.[block.block_id];
    const control = element(block.element, block, context, { id, 'aria-describedby': `${id}-hint`, 'aria-invalid': error ? 'true' : null });
    const isGroup = ['checkboxes', 'radio_buttons'].includes(block.element.type);
    return h(isGroup ? 'fieldset.block-input' : 'div.block-input', { class: error ? 'invalid' : '' },
      h(isGroup ? 'legend' : 'label', isGroup ? {} : { for: id }, plain(block.label.text), block.optional ? h('span.optional', {}, ' (optional)') : null),
      control,
      h('div.hint', { id: `${id}-hint` }, error ? h('span.error', {}, error) : block.hint ? plain(block.hint.text) : null));
  },
};

function picture(thing, title = '') {
  if (!thing.src) {
    return h('div.no-picture', { role: 'img', 'aria-label': thing.alt_text }, icon('file'),
      thing.image_url ? link(thing.image_url, thing.alt_text) : h('span', {}, thing.alt_text));
  }
  const shown = { src: thing.src, alt: thing.alt_text, title };
  return h('button.picture', { type: 'button', 'aria-label': `Show larger: ${thing.alt_text}`, onclick: (event) => showPicture([shown], 0, event.currentTarget) },
    h('img', { src: thing.src, alt: thing.alt_text, width: thing.width || null, height: thing.height || null, loading: 'lazy' }));
}

const LEAVES = {
  text: (leaf) => styled(leaf.text, leaf.style),
  link: (leaf) => link(leaf.url, leaf.text),
  emoji: (leaf) => h('span.emoji', { role: 'img', 'aria-label': leaf.name }, emoji(leaf.name) ?? `:${leaf.name}:`),
  user: (leaf) => h('span.mention', {}, `@${names.user(leaf.user_id) ?? leaf.user_id}`),
  channel: (leaf) => h('span.mention', {}, `#${names.channel(leaf.channel_id) ?? leaf.channel_id}`),
  broadcast: (leaf) => h('span.mention', {}, `@${leaf.range}`),
};

function styled(text, style = {}) {
  let node = document.createTextNode(text);
  for (const [name, tag] of [['code', 'code'], ['bold', 'strong'], ['italic', 'em'], ['strike', 's']]) {
    if (style[name]) node = h(tag, {}, node);
  }
  return node;
}

function richPart(part) {
  if (part.type === 'rich_text_list') {
    return h(part.style === 'ordered' ? 'ol' : 'ul', {}, part.elements.map((item) => h('li', {}, leaves(item))));
  }
  const tag = { rich_text_quote: 'blockquote', rich_text_preformatted: 'pre' }[part.type] ?? 'div';
  return h(tag, {}, leaves(part));
}

const leaves = (part) => (part.elements ?? []).map((leaf) => (LEAVES[leaf.type] ?? (() => `(${leaf.type})`))(leaf));

// Elements. `extra` are attributes of the control in an input block.

function element(item, block, context, extra = {}) {
  const make = ELEMENTS[item.type] ?? (item.type.endsWith('_select') ? ELEMENTS.other_select : null);
  return make ? make(item, block, context, extra) : h('span.block-unknown', {}, `(${item.type})`);
}

async function act(control, item, block, context, value) {
  if (item.confirm && !(await confirmed(item.confirm))) return;
  control.setAttribute('aria-busy', 'true');
  try {
    const answer = await context.act(item, block, value);
    if (answer && answer.ok === false) toast(`${store.app.name} is not answering.`);
  } catch (error) {
    toast(error instanceof Refused ? 'This is not possible any more.' : 'The playground is not answering.');
  }
  control.removeAttribute('aria-busy');
}

// Remembers an input's value; in a message, or where the block says so, the app is notified at once.
function input(control, item, block, context, read, extra) {
  for (const [name, value] of Object.entries(extra)) if (value !== null) control.setAttribute(name, value);
  control.dataset.actionId = item.action_id;
  const key = `${block.block_id}/${item.action_id}`;
  const note = () => { context.values[key] = read(); };
  control.addEventListener('input', note);
  control.addEventListener('change', () => {
    note();
    if (block.type !== 'input' || block.dispatch_action) act(control, item, block, context, read());
  });
  return control;
}

const heldValue = (item, block, context, initial) => context.values[`${block.block_id}/${item.action_id}`] ?? initial;
const optionsOf = (item) => item.options ?? [];

function textField(type) {
  return (item, block, context, extra) => {
    const control = h(item.multiline ? 'textarea' : 'input', {
      type: item.multiline ? null : type, rows: item.multiline ? 4 : null, maxlength: item.max_length ?? 3000, autocomplete: 'off',
      placeholder: item.placeholder?.text, value: heldValue(item, block, context, item.initial_value ?? item.initial_date ?? item.initial_time ?? ''),
    });
    return input(control, item, block, context, () => control.value || null, extra);
  };
}

function select(choices, many) {
  return (item, block, context, extra) => {
    const one = item.initial_option?.value ?? item.initial_user ?? item.initial_channel ?? item.initial_conversation ?? currentConversation(item, context);
    const value = heldValue(item, block, context, many ? (item.initial_options ?? []).map((option) => option.value) : one);
    const option = ([id, label]) => h('option', { value: id, selected: many ? value.includes(id) : id === value }, label);
    const groups = (item.option_groups ?? []).map((group) => h('optgroup', { label: group.label.text }, group.options.map((each) => option([each.value, plain(each.text.text)[0]]))));
    // In an input block its label is the name.
    const label = block.type === 'input' ? null : item.placeholder?.text ?? textOf(block) ?? 'Choose';
    const control = h('select', { multiple: many || null, 'aria-label': label },
      many ? null : h('option', { value: '' }, item.placeholder?.text ?? 'Choose'), choices(item).map(option), groups);
    const read = () => (many ? [...control.selectedOptions].map((each) => each.value) : control.value || null);
    return input(control, item, block, context, read, extra);
  };
}

// Whether a `conversations_select` offers a conversation; those of one person are all with the app, a bot.
function isOffered(item, channel) {
  const kind = { channel: 'public', group: 'private', im: 'im' }[channel.kind];
  return (item.filter?.include ?? [kind]).includes(kind) && !(kind === 'im' && item.filter?.exclude_bot_users);
}

function currentConversation(item, context) {
  const channel = item.default_to_current_conversation ? store.channels.get(context.channel) : null;
  return channel && isOffered(item, channel) ? channel.id : '';
}

// A block's own words, for the names of what stands in it.
const textOf = (block) => (block.text?.text ? summary(block.text.text, names).slice(0, 80) : null);

function choices(type) {
  return (item, block, context, extra) => {
    const many = type === 'checkbox';
    const initial = many ? (item.initial_options ?? []).map((option) => option.value) : item.initial_option?.value;
    const value = heldValue(item, block, context, initial);
    const boxes = optionsOf(item).map((option) => h('label.choice', {},
      h('input', { type, name: `${context.surface}-${item.action_id}`, value: option.value, checked: many ? value.includes(option.value) : value === option.value }),
      h('span', {}, textObject(option.text, names), option.description ? h('small', {}, textObject(option.description, names)) : null)));
    const group = h('div.choices', { role: many ? 'group' : 'radiogroup' }, boxes);
    const read = () => {
      const on = [...group.querySelectorAll('input:checked')].map((box) => box.value);
      return many ? on : on[0] ?? null;
    };
    return input(group, item, block, context, read, extra);
  };
}

const optionPairs = (item) => optionsOf(item).map((option) => [option.value, plain(option.text.text)[0]]);

const ELEMENTS = {
  button: (item, block, context) => {
    const button = h('button.button', {
      type: 'button', class: item.style ?? '', 'aria-label': item.accessibility_label, dataset: { actionId: item.action_id },
      onclick: () => {
        if (item.url) window.open(link(item.url, '').href ?? 'about:blank', '_blank', 'noopener,noreferrer');
        act(button, item, block, context, null);
      },
    }, plain(item.text.text));
    return button;
  },
  image: (item) => (item.src
    ? h('img.small-image', { src: item.src, alt: item.alt_text, loading: 'lazy' })
    : h('span.no-picture.small', { role: 'img', 'aria-label': item.alt_text }, icon('file'))),
  overflow: (item, block, context) => {
    const button = h('button.icon-button', {
      type: 'button', 'aria-label': textOf(block) ? `More actions for ${textOf(block)}` : 'More actions', title: 'More actions', 'aria-haspopup': 'menu', 'aria-expanded': 'false', dataset: { actionId: item.action_id },
      onclick: () => openMenu(button, optionsOf(item).map((option) => ({ label: plain(option.text.text)[0], run: () => act(button, item, block, context, option.value) }))),
    }, icon('more'));
    return h('div.menu-anchor', {}, button);
  },
  static_select: select(optionPairs, false),
  multi_static_select: select(optionPairs, true),
  users_select: select(() => [...store.users.values()].map((user) => [user.id, user.real_name]), false),
  channels_select: select(() => [...store.channels.values()].filter((each) => each.name).map((each) => [each.id, `#${each.name}`]), false),
  conversations_select: select((item) => [...store.channels.values()].filter((each) => isOffered(item, each)).map((each) => [each.id, each.name ? `#${each.name}` : store.app.name]), false),
  other_select: select(() => [], false),
  checkboxes: choices('checkbox'),
  radio_buttons: choices('radio'),
  plain_text_input: textField('text'),
  url_text_input: textField('url'),
  email_text_input: textField('email'),
  number_input: textField('number'),
  datepicker: textField('date'),
  timepicker: textField('time'),
};
