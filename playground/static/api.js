// The page's way to its server: JSON requests, uploads with progress, and the live connection.

export class Refused extends Error {}

// Its message is a sentence for the person.
export class UploadFailed extends Error {}

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

// Streams a file that is to be sent later; `onprogress` gets the share that has arrived, 0 to 1. The result has `done` (a
// promise of the file's id, null once it is cancelled) and `cancel`.
export function upload(file, onprogress) {
  const request = new XMLHttpRequest();
  const query = new URLSearchParams({ name: file.name || 'file' });
  const done = new Promise((resolve, reject) => {
    const fail = (why) => reject(new UploadFailed(`${file.name} ${why}.`));
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable) onprogress(event.loaded / event.total);
    });
    request.addEventListener('load', () => {
      if (request.status === 200) resolve(JSON.parse(request.responseText).file);
      else fail(request.status === 413 ? 'is too large for the playground' : 'could not be uploaded');
    });
    request.addEventListener('error', () => fail('could not be uploaded'));
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
