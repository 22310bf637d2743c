"use strict";
// The installer's page. Nothing is kept: no storage, no cache; what the check showed is taken off the page when it ends.
const at = (id) => document.getElementById(id);
const token = document.querySelector("meta[name=page-token]").content;

async function send(path, body) {
  const answer = await fetch(path, { method: "POST", body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", "X-Page": token } });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}
function problem(text) { at("problem").textContent = text; at("problem").hidden = !text; }

if (at("enter")) {
  at("enter").addEventListener("submit", async (event) => {
    event.preventDefault();
    try { await send("/enter", { code: at("code").value }); location.reload(); } catch (error) { problem(error.message); at("code").select(); }
  });
} else {
  const view = at("view"), over = at("over"), svg = "http://www.w3.org/2000/svg";
  const areas = JSON.parse(document.body.dataset.areas);
  let kind = "masks", making = [], start = null, cursor = null, plates = [], size = [1280, 720], over_ = false, last = [], sharpest = 0, faulty = false;
  const drawn = () => areas.masks.length + areas.regions.length;

  const place = (event) => {
    const box = view.getBoundingClientRect(), share = (v) => Math.min(1, Math.max(0, Math.round(v * 1e4) / 1e4));
    return [share((event.clientX - box.left) / box.width), share((event.clientY - box.top) / box.height)];
  };
  const box = ([x, y], [u, v]) => [[Math.min(x, u), Math.min(y, v)], [Math.max(x, u), Math.min(y, v)], [Math.max(x, u), Math.max(y, v)], [Math.min(x, u), Math.max(y, v)]];
  const far = (a, b) => Math.hypot((a[0] - b[0]) * size[0], (a[1] - b[1]) * size[1]) > 0.015 * size[0];

  function add(name, values, text) {
    const element = document.createElementNS(svg, name);
    for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
    if (text) element.textContent = text;
    over.append(element);
  }
  function draw(moving) {
    over.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
    over.setAttribute("preserveAspectRatio", "none");
    over.replaceChildren();
    const letter = 14 * size[0] / (view.clientWidth || size[0]);  // 14 px on the screen, however small the picture is on it
    const points = (outline) => outline.map(([x, y]) => `${x * size[0]},${y * size[1]}`).join(" ");
    for (const name of ["regions", "masks"]) for (const outline of areas[name]) add("polygon", { points: points(outline), class: name });
    for (const one of plates) {
      const x = one.x * size[0], y = one.y * size[1], half = 0.7 * one.width_px;
      add("rect", { x: x - half, y: y - half / 2, width: 2 * half, height: half, class: "place" });
      add("text", { x: Math.min(x - half, size[0] - 3.4 * letter), y: y - half / 2 - 0.4 * letter, "font-size": letter }, `${one.width_px} px`);
    }
    const outline = moving ? box(start, moving) : making;
    if (outline.length > 1) add(moving ? "polygon" : "polyline", { points: points(outline), class: "making" });
    for (const [x, y] of making) add("circle", { cx: x * size[0], cy: y * size[1], r: letter / 2.5, class: "corner" });
    if (cursor) add("circle", { cx: cursor[0] * size[0], cy: cursor[1] * size[1], r: letter / 3, class: "cursor" });
    at("close").disabled = making.length < 3;
    at("undo").disabled = !making.length && !drawn();
  }
  function untried() {
    at("saved").textContent = "Drawn. Try shows the effect.";
    at("try").disabled = false;
    if (at("write")) at("write").disabled = true;
  }
  function finish(outline) {
    making = [];
    if (outline.length >= 3) {
      areas[kind] = [...areas[kind], outline]; last = [...last, kind];
      untried();
    }
    draw();
  }
  view.addEventListener("pointerdown", (event) => { start = place(event); view.setPointerCapture(event.pointerId); });
  view.addEventListener("pointermove", (event) => { if (start && far(start, place(event))) draw(place(event)); });
  view.addEventListener("pointercancel", () => { start = null; draw(); });
  view.addEventListener("pointerup", (event) => {
    if (!start) return;
    const end = place(event), from = start;
    start = null;
    if (far(from, end)) finish(box(from, end));
    else if (making.length > 2 && !far(making[0], end)) finish(making);
    else { making.push(end); draw(); }
  });
  view.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 0.05 : 0.01, ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (ways[event.key]) {
      const [x, y] = cursor || [0.5, 0.5], [dx, dy] = ways[event.key], hold = (v) => Math.min(1, Math.max(0, Math.round(v * 1e4) / 1e4));
      cursor = [hold(x + dx), hold(y + dy)];
    } else if (event.key === " ") making.push(cursor || (cursor = [0.5, 0.5]));
    else if (event.key === "Enter") finish(making);
    else if (event.key === "Escape") making = [];
    else return;
    event.preventDefault(); draw();
  });
  view.addEventListener("blur", () => { cursor = null; draw(); });
  for (const button of document.querySelectorAll("[data-kind]")) button.addEventListener("click", () => {
    kind = button.dataset.kind;
    for (const other of document.querySelectorAll("[data-kind]")) other.setAttribute("aria-pressed", String(other === button));
  });
  at("close").addEventListener("click", () => finish(making));
  at("undo").addEventListener("click", () => {
    if (making.length) making.pop();
    else { const one = last.pop() || (areas[kind].length ? kind : areas.masks.length ? "masks" : "regions"); areas[one] = areas[one].slice(0, -1); untried(); }
    draw();
  });
  let queue = Promise.resolve();  // one thing after the other, or an older answer would overwrite what a newer one said
  const guarded = (action) => () => { queue = queue.then(action).then(() => problem(""), (error) => problem(error.message)); };
  at("try").addEventListener("click", guarded(async () => {
    const { toml } = await send("/areas", areas);
    at("toml").textContent = toml.trim() || "# no region, no mask"; at("toml").hidden = false;
    if (at("write")) { at("write").disabled = false; at("saved").textContent = "In force now; not written yet."; }
    else at("saved").textContent = "In force until the page ends.";
  }));
  if (at("write")) at("write").addEventListener("click", guarded(async () => {
    await send("/areas/write", areas);
    at("write").disabled = true; at("saved").textContent = "Written to the settings, and logged.";
  }));
  if (at("profiles")) profilesCard(JSON.parse(document.body.dataset.profiles));
  function profilesCard(first) {
    let only = first.only || "";
    const input = (time, name) => at(`${time}-${name}`), number = (text) => (text.trim() === "" ? null : Number(text.replace(",", ".")));
    const wanted = () => ({ only: only || null, ...Object.fromEntries(["day", "night"].map((time) => [time,
      { shutter_us: number(input(time, "shutter").value), gain: number(input(time, "gain").value), ir: input(time, "ir").checked }])) });
    const say = (text) => { at("psaved").textContent = text; };
    const turn = guarded(async () => {
      const { toml } = await send("/profiles", wanted());
      at("ptoml").textContent = toml.trim(); at("ptoml").hidden = false;
      if (at("pwrite")) at("pwrite").disabled = false;
      say("In force now" + (at("pwrite") ? "; not written yet." : ", until the page ends."));
    });
    for (const time of ["day", "night"]) {
      input(time, "shutter").value = first[time].shutter_us ?? ""; input(time, "gain").value = first[time].gain ?? ""; input(time, "ir").checked = first[time].ir;
      input(time, "ir").disabled = !first.lamp;
      for (const name of ["shutter", "gain", "ir"]) input(time, name).addEventListener("input", () => { say("Changed, not tried yet."); if (at("pwrite")) at("pwrite").disabled = true; });
    }
    if (!first.lamp) say("The settings name no infrared lamp (exposure.ir_switch).");
    for (const button of document.querySelectorAll("[data-only]")) button.addEventListener("click", () => {
      only = button.dataset.only;
      for (const other of document.querySelectorAll("[data-only]")) other.setAttribute("aria-pressed", String(other === button));
      turn();
    });
    at("profiles").addEventListener("submit", (event) => { event.preventDefault(); turn(); });
    if (at("pwrite")) at("pwrite").addEventListener("click", guarded(async () => {
      await send("/profiles/write", wanted());
      at("pwrite").disabled = true; say("Written to the settings, and logged.");
    }));
  }
  at("check").addEventListener("click", guarded(async () => { await send("/check", {}); at("check").disabled = true; }));
  at("end").addEventListener("click", guarded(async () => { await send("/end", {}); gone("It was ended here. The camera reads again."); }));

  function gauge(id, text, small, level) {
    const one = at(id), value = one.querySelector("dd");
    value.textContent = text;
    if (small) { const note = document.createElement("small"); note.textContent = small; value.append(note); }
    one.className = level || "";
  }
  const said = (value, unit) => (value === null || value === undefined ? "–" : `${value}${unit}`);
  function show(told) {
    if (told.size_px) size = told.size_px;
    plates = told.plates || [];
    at("left").textContent = `${Math.floor(told.left_s / 60)}:${String(Math.max(0, told.left_s % 60)).padStart(2, "0")} left`;
    if (told.width_px) gauge("g-width", `${told.width_px} px`, told.width_px < 60 ? "zoom in: 60 wanted" : "enough", told.width_px < 60 ? "bad" : "good");
    else if (at("g-width").querySelector("dd").textContent.startsWith("–")) gauge("g-width", "–", "no plate yet");
    const sharp = told.focus_fom ?? told.sharpness ?? 0;
    sharpest = Math.max(sharpest, sharp);
    if (told.sharpness !== undefined) gauge("g-sharp", told.focus_fom === null ? `${sharp} %` : `${sharp}`, `highest so far ${sharpest}${told.focus_fom === null ? " %" : ""}`);
    gauge("g-exposure", said(told.exposure_ms, " ms"), told.exposure_ms === null ? "not told by this camera" : `gain ${told.gain}, ${told.lux} lux`);
    gauge("g-blur", said(told.blur_px, " px"), told.blur_px === null ? "needs exposure" : told.blur_px > 2 ? "shorten the shutter" : "fine", told.blur_px === null ? "" : told.blur_px > 2 ? "bad" : "good");
    if (told.angle_deg !== null && told.angle_deg !== undefined) gauge("g-angle", `${told.angle_deg}°`.replace("-", "−"), Math.abs(told.angle_deg) > 20 ? "turn the camera" : "fine", Math.abs(told.angle_deg) > 20 ? "bad" : "good");
    else if (at("g-angle").querySelector("dd").textContent.startsWith("–")) gauge("g-angle", "–", "no plate yet");
    gauge("g-dwell", said(told.dwell_s, " s"), told.fps ? `${told.fps} looks a second` : "");
    if (told.good_for_km_h !== null && told.good_for_km_h !== undefined) {
      at("verdict").className = `card verdict ${told.good_for_km_h >= 50 ? "good" : "bad"}`;
      at("verdict").querySelector("h2").textContent = `Good for ${told.good_for_km_h} km/h`;
      at("verdict").querySelector("p").textContent = `Three looks or more at each plate up to this speed; measured on ${told.passes} ${told.passes === 1 ? "vehicle" : "vehicles"}.`;
    }
    if (at("light") && told.daytime) at("light").textContent = `In force: the profile of the ${told.daytime}${told.lux === null ? "" : `, at ${told.lux} lux`}.${told.lamp_fails ? " The infrared lamp cannot be switched: see exposure.ir_switch." : " What is left empty, the camera judges by itself."}`;
    const check = told.check || { left_s: 0, reads: [], strict: 0, uncertain: 0 };
    at("reads").replaceChildren(...check.reads.map((read) => {
      const line = document.createElement("li"), text = document.createElement("b"), note = document.createElement("span");
      line.className = read.strict ? "strict" : "uncertain";
      text.textContent = read.text; note.textContent = `${read.strict ? "strict" : "uncertain"}, ${Math.round(100 * read.confidence)} %, ${read.frames} frames`;
      line.append(text, note);
      return line;
    }));
    at("check").disabled = check.left_s > 0;
    if (check.left_s > 0) at("checkline").textContent = `${Math.ceil(check.left_s)} seconds left. ${check.strict} strict, ${check.uncertain} uncertain.`;
    else if (at("checkline").textContent.includes("left")) at("checkline").textContent = `Erased. There were ${check.strict} strict and ${check.uncertain} uncertain reads.`;
    if (told.fault) problem(told.fault); else if (faulty) problem("");
    faulty = Boolean(told.fault);
    if (!start) draw();
  }
  function gone(sentence) {
    over_ = true;
    at("reads").replaceChildren(); at("picture").removeAttribute("src"); at("left").textContent = ""; problem("");
    document.querySelector(".aim").hidden = at("end").hidden = true;
    at("gone").hidden = false; at("why").textContent = sentence;
  }
  async function round() {
    if (over_) return;
    try {
      const answer = await fetch("/told", { cache: "no-store" });
      if (answer.status === 410 || answer.status === 401) return gone((await answer.text()).trim());
      if (answer.ok) { show(await answer.json()); await picture(); }
    } catch (error) { gone("Its time is over, it was ended at the device, or the cable or network is gone. If the device still shows a code, load the page again."); return; }
    setTimeout(round, 150);
  }
  function picture() {
    return new Promise((next) => { const image = at("picture"); image.onload = () => { image.hidden = false; next(); }; image.onerror = () => { image.hidden = true; next(); }; image.src = `/picture?${Date.now()}`; });
  }
  addEventListener("pagehide", () => at("reads").replaceChildren());
  draw(); round();
}
