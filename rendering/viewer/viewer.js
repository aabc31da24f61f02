"use strict";
// Plays a video with its tracks. Everything shown comes from the data in the page; text is set as text, never as markup.
(() => {
  const given = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const video = at("video"), stage = at("stage"), zoomed = at("zoomed"), boxes = at("boxes"), chart = at("chart"), lanes = at("lanes");
  const INK = "rgb(18, 20, 24)", PAPER = "#fff", MUTED = "#bec2ca", LINE = "#3e424a";
  const ROW = 24, LANE_AT = 168, AXIS = 22, SCALE = 10000, BESIDE_S = 0.06;
  const frames = sums(given.frames).map((tick) => tick / 1e6);
  const tracks = given.sets.flatMap((set, number) => set.tracks.map((track) => open(track, number)));
  tracks.forEach((track, place) => { track.place = place; });
  const byStart = [...tracks].sort((a, b) => a.first - b.first);
  const longest = tracks.reduce((most, track) => Math.max(most, track.last - track.first), 0);
  const state = { time: 0, least: 0, numbered: given.sets.some((set) => set.tracks.some((track) => track.n)), labels: new Set(), sets: new Set(given.sets.map((_, n) => n)), chosen: null, zoom: false, rows: [] };
  const key = `tracklet corrections ${given.key}`;
  let corrections = stored();

  function sums(steps) {
    let sum = 0;
    return steps.map((step) => (sum += step));
  }

  function open(track, set) {
    const times = sums(track.t).map((tick) => tick / 1000);
    return { ...track, set, times, first: times[0], last: times[times.length - 1], called: track.label };
  }

  // ---- who is where ------------------------------------------------------------------------------------------------

  function before(times, time) { // the last place whose time is not after `time`; -1 where there is none
    let low = 0, high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle + 1; else high = middle;
    }
    return low - 1;
  }

  function boxAt(track, time) { // left, top, right, bottom as fractions; null where the object is away
    if (time < track.first - BESIDE_S || time > track.last + BESIDE_S) return null;
    const place = Math.max(0, before(track.times, time)), next = Math.min(place + 1, track.times.length - 1);
    const start = track.times[place], end = track.times[next], b = track.b;
    const gap = end - start;
    if (gap > track.gap && time > start + BESIDE_S && time < end - BESIDE_S) return null;
    const share = gap > 0 ? Math.min(Math.max((time - start) / gap, 0), 1) : 0;
    const box = [];
    for (let edge = 0; edge < 4; edge++) box.push((b[4 * place + edge] * (1 - share) + b[4 * next + edge] * share) / SCALE);
    return box;
  }

  function isShown(track) {
    const change = corrections[changeKey(track)];
    return (track.n || !state.numbered) && state.sets.has(track.set) && !state.labels.has(track.called) && track.conf * 100 >= state.least && !(change && change.kind === "not-an-object");
  }

  function present(time) {
    const found = [];
    const starts = byStart.length ? byStart : [];
    let low = 0, high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle].first < time - longest - BESIDE_S) low = middle + 1; else high = middle;
    }
    for (let n = low; n < starts.length && starts[n].first <= time + BESIDE_S; n++) {
      const track = starts[n];
      if (isShown(track)) {
        const box = boxAt(track, time);
        if (box) found.push([track, box]);
      }
    }
    return found.sort((a, b) => a[1][3] - b[1][3]);
  }

  // ---- drawing -----------------------------------------------------------------------------------------------------

  function picture() { // where the picture is inside of the element, in its pixels
    const width = video.clientWidth, height = video.clientHeight;
    const shape = (video.videoWidth || given.width) / (video.videoHeight || given.height);
    const shown = Math.min(width, height * shape);
    return { left: (width - shown) / 2, top: (height - shown / shape) / 2, width: shown, height: shown / shape };
  }

  function fit(canvas) {
    const ratio = window.devicePixelRatio || 1, width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    return pen;
  }

  function draw() {
    const pen = fit(boxes), frame = picture(), found = present(state.time);
    let chosenBox = null;
    for (const [track, box] of found) {
      const x = frame.left + box[0] * frame.width, y = frame.top + box[1] * frame.height;
      const width = (box[2] - box[0]) * frame.width, height = (box[3] - box[1]) * frame.height;
      const isChosen = track === state.chosen;
      if (isChosen) chosenBox = box;
      pen.setLineDash(track.set ? [6, 4] : []);
      pen.strokeStyle = INK; pen.lineWidth = isChosen ? 7 : 5; pen.strokeRect(x, y, width, height);
      pen.strokeStyle = track.colour; pen.lineWidth = isChosen ? 4 : 2; pen.strokeRect(x, y, width, height);
      pen.setLineDash([]);
      const text = named(track);
      pen.font = "600 13px system-ui, sans-serif";
      const room = pen.measureText(text).width + 8, top = y >= 20 ? y - 20 : y + 2;
      pen.fillStyle = track.colour; pen.fillRect(Math.max(x - 1, 0), top, room, 18);
      pen.fillStyle = INK; pen.fillText(text, Math.max(x - 1, 0) + 4, top + 13.5);
    }
    follow(chosenBox, frame);
    boxes.dataset.time = String(state.time);
    boxes.dataset.count = String(found.length);
    at("seek").value = String(state.time);
    at("clock").value = `${clock(state.time)} / ${clock(given.duration)}`;
    drawLanes();
  }

  function follow(box, frame) {
    if (!state.zoom || !box) {
      if (!state.zoom) zoomed.style.transform = "";
      return;
    }
    const size = Math.max((box[2] - box[0]) * frame.width / video.clientWidth, (box[3] - box[1]) * frame.height / video.clientHeight);
    const gain = Math.min(Math.max(0.5 / Math.max(size, 0.01), 1), 6);
    const x = frame.left + (box[0] + box[2]) / 2 * frame.width, y = frame.top + (box[1] + box[3]) / 2 * frame.height;
    const left = Math.min(Math.max(video.clientWidth / 2 - x * gain, video.clientWidth * (1 - gain)), 0);
    const top = Math.min(Math.max(video.clientHeight / 2 - y * gain, video.clientHeight * (1 - gain)), 0);
    zoomed.style.transform = `translate(${left}px, ${top}px) scale(${gain})`;
  }

  function drawLanes() { // only the rows in sight
    const pen = fit(chart), width = chart.clientWidth, height = chart.clientHeight;
    const first = Math.max(0, Math.floor(lanes.scrollTop / ROW)), lane = width - LANE_AT - 12;
    const x = (time) => LANE_AT + Math.min(Math.max(time / given.duration, 0), 1) * lane;
    pen.font = "13px system-ui, sans-serif";
    for (let n = first; n < state.rows.length && AXIS + n * ROW - lanes.scrollTop < height; n++) {
      const track = state.rows[n], top = AXIS + n * ROW - lanes.scrollTop;
      if (track === state.chosen) { pen.fillStyle = "#2a3038"; pen.fillRect(0, top, width, ROW); }
      pen.fillStyle = track.colour;
      for (const [start, end] of track.spans) {
        const left = x(start), long = Math.max(x(end) - left, 2);
        pen.globalAlpha = track.set ? 0.6 : 1;
        pen.fillRect(left, top + 6, long, ROW - 12);
        pen.globalAlpha = 1;
      }
      pen.fillStyle = PAPER;
      pen.save(); pen.beginPath(); pen.rect(0, top, LANE_AT - 8, ROW); pen.clip();
      pen.fillText(`${named(track)}${track.conf > 0 ? ` ${Math.min(Math.round(track.conf * 100), track.conf >= 1 ? 100 : 99)}%` : ""}`, 8, top + 16);
      pen.restore();
    }
    pen.fillStyle = INK; pen.fillRect(0, 0, width, AXIS);
    pen.fillStyle = MUTED;
    for (const shot of given.shots) { pen.fillStyle = LINE; pen.fillRect(x(shot), AXIS - 6, 1, height); }
    pen.fillStyle = MUTED; pen.fillText(clock(0), LANE_AT, 15);
    const end = clock(given.duration); pen.fillText(end, width - 12 - pen.measureText(end).width, 15);
    pen.fillStyle = PAPER; pen.fillRect(x(state.time), AXIS - 8, 2, height);
  }

  function named(track) { return `${track.n ? `${track.n} ` : ""}${track.called}`; }

  function clock(time) {
    const whole = Math.floor(time), tenths = Math.floor((time - whole) * 10);
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60, seconds = whole % 60;
    const two = (number) => String(number).padStart(2, "0");
    return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds)}.${tenths}`;
  }

  // ---- time --------------------------------------------------------------------------------------------------------

  function watch() { // the time of the picture that is really shown
    if (video.requestVideoFrameCallback) {
      const shown = (_, frame) => { state.time = frame.mediaTime; draw(); video.requestVideoFrameCallback(shown); };
      video.requestVideoFrameCallback(shown);
    } else {
      const tick = () => { if (state.time !== video.currentTime) { state.time = video.currentTime; draw(); } requestAnimationFrame(tick); };
      tick();
    }
  }

  function go(place) { // into the middle of a picture: at its edge, browsers differ about which is shown
    const number = Math.min(Math.max(place, 0), frames.length - 1);
    const end = number + 1 < frames.length ? frames[number + 1] : given.duration;
    video.currentTime = frames[number] + Math.max(Math.min((end - frames[number]) / 2, 0.5), 0.0005);
  }

  function step(by) { stop(); go(before(frames, state.time + 0.001) + by); }

  let backwards = 0;
  function stop() { video.pause(); clearInterval(backwards); backwards = 0; }
  function playBack() { stop(); backwards = setInterval(() => { const now = before(frames, state.time + 0.001); if (now > 0) go(now - 1); else stop(); }, 80); }
  function playOn() { stop(); video.play().catch(() => {}); }

  // ---- choosing, filtering -----------------------------------------------------------------------------------------

  function choose(track, { seek = true } = {}) {
    state.chosen = track;
    at("chosen").hidden = !track;
    if (track) {
      at("what").textContent = `${named(track)}, ${clock(track.first)} to ${clock(track.last)}`;
      const row = state.rows.indexOf(track);
      if (row >= 0 && (row * ROW < lanes.scrollTop || (row + 2) * ROW > lanes.scrollTop + lanes.clientHeight - AXIS)) lanes.scrollTop = Math.max(0, row * ROW - lanes.clientHeight / 2);
      if (seek) { stop(); go(Math.max(before(frames, track.first + 0.001), 0)); }
    } else { zoom(false); }
    draw();
  }

  function zoom(on) {
    state.zoom = on && Boolean(state.chosen);
    at("zoom").setAttribute("aria-pressed", String(state.zoom));
    draw();
  }

  function refresh() {
    for (const track of tracks) {
      const change = corrections[changeKey(track)];
      track.called = change && change.kind === "label" ? change.label : track.label;
    }
    state.rows = tracks.filter(isShown).sort((a, b) => a.set - b.set || (a.n || Infinity) - (b.n || Infinity) || a.first - b.first);
    at("height").style.height = `${AXIS + state.rows.length * ROW}px`;
    at("least").value = `${state.least}%`;
    at("shown").value = state.rows.length === tracks.length ? `${tracks.length} objects` : `${state.rows.length} of ${tracks.length} objects`;
    const count = Object.keys(corrections).length;
    at("save").disabled = !count;
    at("corrected").value = count ? `${count} ${count === 1 ? "object" : "objects"} corrected` : "";
    draw();
  }

  function box(text, checked, act, colour) {
    const label = document.createElement("label"), input = document.createElement("input");
    input.type = "checkbox"; input.checked = checked;
    input.addEventListener("change", () => { act(input.checked); refresh(); });
    const name = document.createElement("span");
    name.textContent = ` ${text}`;
    if (colour) name.style.borderBottom = `3px solid ${colour}`;
    label.append(input, name);
    return label;
  }

  // ---- corrections -------------------------------------------------------------------------------------------------

  function changeKey(track) { return `${track.set}:${track.id}`; }

  function stored() {
    try { return JSON.parse(localStorage.getItem(key)) || {}; } catch { return {}; }
  }

  function correct(change) {
    const track = state.chosen;
    if (!track) return;
    if (change) corrections[changeKey(track)] = { ...change, set: given.sets[track.set].name, track_id: track.id, number: track.n };
    else delete corrections[changeKey(track)];
    try { localStorage.setItem(key, JSON.stringify(corrections)); } catch { say("These corrections last until the page is closed: save them."); }
    refresh();
    if (change && change.kind === "not-an-object") choose(null); else choose(track, { seek: false });
  }

  function save() {
    const content = JSON.stringify({ video: given.name, made_at: new Date().toISOString(), corrections: Object.values(corrections) }, null, 2);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
    link.download = `${given.name}.corrections.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function say(text) { at("note").textContent = text; }

  // ---- wiring ------------------------------------------------------------------------------------------------------

  at("name").textContent = given.name;
  at("seek").max = String(given.duration);
  at("seek").addEventListener("input", (event) => { stop(); go(Math.max(before(frames, Number(event.target.value) + 1e-6), 0)); });
  at("play").addEventListener("click", () => (video.paused ? playOn() : stop()));
  video.addEventListener("play", () => { at("play").textContent = "Pause"; at("play").setAttribute("aria-label", "Pause"); });
  video.addEventListener("pause", () => { at("play").textContent = "Play"; at("play").setAttribute("aria-label", "Play"); });
  at("back").addEventListener("click", () => step(-1));
  at("next").addEventListener("click", () => step(1));
  at("speed").addEventListener("change", (event) => { video.playbackRate = Number(event.target.value); });
  at("confidence").addEventListener("input", (event) => { state.least = Number(event.target.value); refresh(); });
  const counts = new Map();
  for (const track of tracks) counts.set(track.label, (counts.get(track.label) || 0) + 1);
  for (const [label, count] of [...counts].sort((a, b) => b[1] - a[1])) {
    const colour = tracks.find((track) => track.label === label).colour;
    at("labels").append(box(`${label} (${count})`, true, (on) => { if (on) state.labels.delete(label); else state.labels.add(label); }, colour));
    const option = document.createElement("option");
    option.value = label;
    at("known").append(option);
  }
  const numbered = tracks.filter((track) => track.n).length;
  if (numbered && numbered < tracks.length) at("sets").append(box(`only those in the summary (${numbered})`, true, (on) => { state.numbered = on; }));
  if (given.sets.length > 1) given.sets.forEach((set, number) => at("sets").append(box(`${set.name}${number ? " (dashed)" : ""}`, true, (on) => { if (on) state.sets.add(number); else state.sets.delete(number); })));
  at("zoom").addEventListener("click", () => zoom(!state.zoom));
  at("nothing").addEventListener("click", () => correct({ kind: "not-an-object" }));
  at("relabel").addEventListener("change", (event) => { const label = event.target.value.trim(); if (label) correct({ kind: "label", label }); event.target.value = ""; });
  at("same").addEventListener("change", (event) => {
    const number = Number(event.target.value), other = tracks.find((track) => track.n === number && track.set === state.chosen.set);
    if (other && other !== state.chosen) { correct({ kind: "same-as", same_as: other.id }); say(""); } else { say(`There is no other object ${event.target.value}.`); }
    event.target.value = "";
  });
  at("undo").addEventListener("click", () => correct(null));
  at("save").addEventListener("click", save);
  lanes.addEventListener("scroll", drawLanes);
  lanes.addEventListener("click", (event) => {
    const place = Math.floor((event.clientY - lanes.getBoundingClientRect().top + lanes.scrollTop - AXIS) / ROW);
    if (state.rows[place]) choose(state.rows[place]);
  });
  stage.addEventListener("click", (event) => {
    const area = boxes.getBoundingClientRect(), frame = picture(), gain = area.width / video.clientWidth;
    const x = ((event.clientX - area.left) / gain - frame.left) / frame.width, y = ((event.clientY - area.top) / gain - frame.top) / frame.height;
    const hit = present(state.time).filter(([, b]) => x >= b[0] && x <= b[2] && y >= b[1] && y <= b[3]).sort((a, b) => (a[1][2] - a[1][0]) * (a[1][3] - a[1][1]) - (b[1][2] - b[1][0]) * (b[1][3] - b[1][1]))[0];
    choose(hit ? hit[0] : null, { seek: false });
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "checkbox") return;
    const row = state.rows.indexOf(state.chosen);
    const acts = {
      " ": () => (video.paused ? playOn() : stop()), ArrowLeft: () => step(-1), ArrowRight: () => step(1),
      ArrowUp: () => state.rows.length && choose(state.rows[Math.max(row - 1, 0)]), ArrowDown: () => state.rows.length && choose(state.rows[Math.min(row + 1, state.rows.length - 1)]),
      j: playBack, k: stop, l: playOn, z: () => zoom(!state.zoom), Escape: () => choose(null),
    };
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || (event.key === " " && event.target.tagName === "BUTTON")) return;
    event.preventDefault();
    act();
  });
  const missing = (why) => { at("missing").hidden = false; stage.classList.add("empty"); at("why").textContent = why; };
  video.addEventListener("error", () => missing(video.src.startsWith("blob:") ? "This browser cannot play that file. The video made with --make video plays in all of them." : `${given.name} is not beside this page, or this browser cannot play it.`));
  video.addEventListener("loadedmetadata", () => { at("missing").hidden = true; stage.classList.remove("empty"); draw(); });
  at("file").addEventListener("change", (event) => { const [file] = event.target.files; if (file) video.src = URL.createObjectURL(file); });
  new ResizeObserver(draw).observe(stage);
  watch();
  video.src = given.src;
  refresh();
})();
