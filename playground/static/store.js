// What the page knows: one plain object, changed by updates of the server. Times are Slack's timestamps, compared as text.

import { loadState } from './api.js';

export const store = {
  me: '', app: {}, users: new Map(), channels: new Map(), messages: new Map(), ephemerals: [], views: [], home: null,
  commands: [], shortcuts: [], samples: [], maxFileBytes: Infinity, maxFiles: Infinity, unread: new Map(), unreadThreads: new Set(),
};

export const names = {
  user: (id) => store.users.get(id)?.real_name,
  channel: (id) => store.channels.get(id)?.name,
};

export async function load() {
  const state = await loadState();
  store.me = state.me;
  store.app = state.app;
  store.users = new Map(state.users.map((user) => [user.id, user]));
  store.channels = new Map(state.channels.map((channel) => [channel.id, channel]));
  store.messages = new Map(Object.entries(state.messages));
  store.ephemerals = state.ephemerals;
  store.views = state.views;
  store.home = state.home;
  store.commands = state.commands;
  store.shortcuts = state.shortcuts;
  store.samples = state.samples;
  store.maxFileBytes = state.max_file_bytes;
  store.maxFiles = state.max_files;
}

export const messagesOf = (channel) => store.messages.get(channel) ?? [];
export const findMessage = (channel, ts) => messagesOf(channel).find((message) => message.ts === ts);
export const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;
export const rootsOf = (channel) => messagesOf(channel).filter((message) => !isReply(message) || message.broadcast);
export const repliesOf = (channel, ts) => messagesOf(channel).filter((message) => isReply(message) && message.thread_ts === ts);
export const ephemeralsOf = (channel, threadTs) => store.ephemerals.filter(
  (message) => message.channel === channel && (message.thread_ts ?? null) === threadTs);
export const isAppIn = (channel) => Boolean(store.channels.get(channel)?.members.includes(store.app.user));

export function channelTitle(channel) {
  return channel.kind === 'im' ? store.app.name : channel.name;
}

function upsert(list, item, same) {
  const at = list.findIndex(same);
  if (at >= 0) list[at] = item;
  else {
    list.push(item);
    list.sort((a, b) => (a.ts < b.ts ? -1 : 1));
  }
}

// Applies one update; the result says which channel changed and whether a message in it is new.
export function apply(update) {
  const message = update.message;
  switch (update.type) {
    case 'message': {
      if (!store.messages.has(message.channel)) store.messages.set(message.channel, []);
      upsert(store.messages.get(message.channel), message, (each) => each.ts === message.ts);
      return { channel: message.channel, fresh: update.fresh ? message : null };
    }
    case 'message_deleted':
      store.messages.set(update.channel, messagesOf(update.channel).filter((each) => each.ts !== update.ts));
      return { channel: update.channel };
    case 'ephemeral':
      upsert(store.ephemerals, message, (each) => each.ts === message.ts);
      return { channel: message.channel, fresh: message };
    case 'ephemeral_removed':
      store.ephemerals = store.ephemerals.filter((each) => each.ts !== message.ts);
      return { channel: message.channel };
    case 'file': {
      for (const list of store.messages.values()) {
        for (const each of list) {
          each.files = each.files.map((file) => (file.id === update.file.id ? update.file : file));
        }
      }
      return {};
    }
    case 'channel':
      store.channels.set(update.channel.id, update.channel);
      return { channel: update.channel.id };
    case 'view':
      store.views = [...store.views.filter((view) => view.id !== update.view.id), update.view];
      return { views: true };
    case 'view_closed':
      store.views = store.views.filter((view) => view.id !== update.view.id);
      return { views: true };
    case 'home':
      store.home = update.view;
      return { home: true };
    default:
      return {};
  }
}
