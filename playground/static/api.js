// The page's way to its server: JSON requests, uploads with progress, and the live connection.

export class Refused extends Error {}

export async function call(name, body) {
  const response = await fetch(`/playground/${name}`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(answer.error ?? `status ${response.status}`);
  return answer;
}

export async function loadState() {
  const response = await fetch('/playground/state');
  if (!response.ok) throw new Refused(`status ${response.status}`);
  return response.json();
}

// Streams the file; `onprogress` gets the share that is sent, 0 to 1. The result has `done` (a promise) and `cancel`.
export function upload(file, { channel, threadTs, text }, onprogress) {
  const request = new XMLHttpRequest();
  const query = new URLSearchParams({ channel, name: file.name || 'file' });
  if (threadTs) query.set('thread_ts', threadTs);
  if (text) query.set('text', text);
  const done = new Promise((resolve, reject) => {
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable) onprogress(event.loaded / event.total);
    });
    request.addEventListener('load', () => {
      if (request.status === 200) resolve(JSON.parse(request.responseText));
      else reject(new Refused(request.status === 413 ? 'This file is too large.' : 'The upload did not work.'));
    });
    request.addEventListener('error', () => reject(new Refused('The upload did not work.')));
    request.addEventListener('abort', () => resolve(null));
  });
  request.open('POST', `/playground/upload?${query}`);
  request.setRequestHeader('Content-Type', 'application/octet-stream');
  request.send(file);
  return { done, cancel: () => request.abort() };
}

// Keeps a WebSocket open. `onopen(again)` comes at each connection, `onlost` when it breaks.
export function connect({ onupdate, onopen, onlost }) {
  let attempt = 0;
  let leaving = false;
  addEventListener('pagehide', () => { leaving = true; });
  const open = () => {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/playground/live`);
    socket.addEventListener('open', () => { onopen(attempt > 0); attempt = 0; });
    socket.addEventListener('message', (event) => onupdate(JSON.parse(event.data)));
    socket.addEventListener('close', () => {
      if (leaving) return;
      attempt += 1;
      onlost();
      setTimeout(open, Math.min(8000, 400 * 2 ** attempt));
    });
  };
  open();
}
