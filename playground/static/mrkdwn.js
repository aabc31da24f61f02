// Slack's mrkdwn as DOM nodes. Text is hostile: it only ever becomes text nodes, and links only lead to http(s) and mail.

import { h } from './dom.js';
import { EMOJI } from './emoji.js';

const TOKEN = new RegExp([
  '`(?<code>[^`\\n]+)`',
  '<(?<angle>[^<>\\n]+)>',
  '(?<![\\w*])\\*(?<bold>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])',
  '(?<![\\w_])_(?<italic>[^\\s_](?:[^_\\n]*[^\\s_])?)_(?![\\w_])',
  '(?<![\\w~])~(?<strike>[^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\w~])',
  ':(?<emoji>[a-z0-9_+\\-]+)(?:::skin-tone-[2-6])?:',
].join('|'), 'g');

const ENTITIES = { '&amp;': '&', '&lt;': '<', '&gt;': '>' };

export const decode = (text) => text.replace(/&(amp|lt|gt);/g, (entity) => ENTITIES[entity]);

export const emoji = (name) => EMOJI[name] ?? null;

function angle(body, names) {
  const bar = body.indexOf('|');
  const target = bar < 0 ? body : body.slice(0, bar);
  const label = bar < 0 ? '' : decode(body.slice(bar + 1));
  if (target.startsWith('@')) {
    return h('span.mention', {}, `@${names.user(target.slice(1)) ?? (label || target.slice(1))}`);
  }
  if (target.startsWith('#')) {
    const id = target.slice(1);
    const name = names.channel(id) ?? (label || id);
    return names.channel(id) ? h('a.mention', { href: `#/${id}` }, `#${name}`) : h('span.mention', {}, `#${name}`);
  }
  if (target.startsWith('!')) return h('span.mention', {}, label || `@${target.slice(1).split('^')[0]}`);
  return link(decode(target), label);
}

export function link(url, label) {
  let parsed = null;
  try { parsed = new URL(url); } catch { /* no address: shown as text */ }
  if (!parsed || !['http:', 'https:', 'mailto:'].includes(parsed.protocol)) return document.createTextNode(label || url);
  const own = parsed.origin === location.origin;
  return h('a', own ? { href: url, dataset: { own: '' } } : { href: url, target: '_blank', rel: 'noopener noreferrer' }, label || url);
}

function inline(text, names) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const part = match.groups;
    let node = null;
    if (part.code !== undefined) node = h('code', {}, decode(part.code));
    else if (part.angle !== undefined) node = angle(part.angle, names);
    else if (part.bold !== undefined) node = h('strong', {}, inline(part.bold, names));
    else if (part.italic !== undefined) node = h('em', {}, inline(part.italic, names));
    else if (part.strike !== undefined) node = h('s', {}, inline(part.strike, names));
    else if (emoji(part.emoji)) node = h('span.emoji', { role: 'img', 'aria-label': part.emoji.replaceAll('_', ' ') }, emoji(part.emoji));
    if (node === null) continue;
    if (match.index > end) nodes.push(decode(text.slice(end, match.index)));
    nodes.push(node);
    end = match.index + match[0].length;
  }
  if (end < text.length) nodes.push(decode(text.slice(end)));
  return nodes;
}

function lines(text, names) {
  const blocks = [];
  let quote = null;
  for (const line of text.split('\n')) {
    if (line.startsWith('&gt;')) {
      const rest = line.slice(4).replace(/^ /, '');
      if (quote) quote.append(h('br'), ...inline(rest, names));
      else blocks.push(quote = h('blockquote', {}, inline(rest, names)));
      continue;
    }
    const previous = blocks.at(-1);
    if (quote || !previous) blocks.push(h('div.line', {}, inline(line, names)));
    else previous.append(h('br'), ...inline(line, names));
    quote = null;
  }
  return blocks;
}

// `names` has user(id) and channel(id), each a name or undefined.
export function mrkdwn(text, names) {
  const nodes = [];
  text.split('```').forEach((part, index, parts) => {
    const isCode = index % 2 === 1 && index < parts.length - 1;
    if (isCode) nodes.push(h('pre', { tabindex: '0' }, decode(part.replace(/^\n|\n$/g, ''))));
    else {
      const rest = (index % 2 === 1 ? '```' : '') + part;
      if (rest.replace(/^\n|\n$/g, '')) nodes.push(...lines(rest.replace(/^\n|\n$/g, ''), names));
    }
  });
  return nodes;
}

// A text object of Block Kit: plain text has emoji names only.
export function textObject(text, names) {
  if (!text) return [];
  if (text.type === 'mrkdwn') return mrkdwn(text.text, names);
  return plain(text.text, text.emoji !== false);
}

export function plain(text, withEmoji = true) {
  return [withEmoji ? text.replace(/:([a-z0-9_+-]+):/g, (all, name) => emoji(name) ?? all) : text];
}

// A message in one line, for announcements.
export function summary(text, names) {
  const named = text.replace(/<@(\w+)[^<>]*>/g, (all, id) => names.user(id) ?? id);
  return decode(named.replace(/<([^<>|]+)\|([^<>]+)>/g, '$2').replace(/[*_~`]/g, '').replace(/:([a-z0-9_+-]+):/g, '')).slice(0, 140);
}
