// Keeps the list of alerts live, shows alarms, ends with the session, and locks what was opened. Every page works
// without it: then pages load themselves again (see the `Refresh` header and <noscript>).
"use strict";
(() => {
  const page = document.body;
  const own = window.trustedTypes
    ? trustedTypes.createPolicy("platesieve", { createHTML: (text) => text }) // drawn and escaped by our server
    : { createHTML: (text) => text };
  const put = (place, where, html) => place.insertAdjacentHTML(where, own.createHTML(html));
  const byId = (id) => document.getElementById(id);

  function arrived(told) {
    if (byId(`alert-${told.id}`)) return;
    const docket = byId("docket");
    if (!docket) return;
    byId("empty")?.remove();
    docket.hidden = false;
    put(docket, "afterbegin", told.html);
    docket.firstElementChild.classList.add("fresh");
    const undecided = byId("undecided");
    undecided.textContent = String(Number(undecided.textContent) + 1);
    byId("say").textContent = told.say;
    if (document.hidden) document.title = `(${(waiting += 1)}) ${title}`;
  }

  function alarmed(told) {
    const place = byId("alarm");
    if (place.innerHTML.trim() === told.html.trim()) return;
    place.replaceChildren();
    put(place, "afterbegin", told.html);
  }

  function light(state, words) {
    const live = byId("live");
    if (!live) return;
    live.dataset.state = state;
    live.firstElementChild.textContent = words;
  }

  const title = document.title;
  let waiting = 0;
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { waiting = 0; document.title = title; }
  });

  if (byId("alarm")) {
    const since = page.dataset.live;
    const stream = new EventSource(since === undefined ? "/live" : `/live?since=${since}`);
    stream.addEventListener("open", () => light("on", "Live: new alerts appear by themselves"));
    stream.addEventListener("error", () => light("off", "The connection is gone; trying again"));
    stream.addEventListener("hit", (event) => arrived(JSON.parse(event.data)));
    stream.addEventListener("alarm", (event) => alarmed(JSON.parse(event.data)));
    stream.addEventListener("ended", () => { stream.close(); location.replace("/sign-in?ended=1"); });
    addEventListener("pagehide", () => stream.close());
  }

  if (page.dataset.relock) {
    const whole = Number(page.dataset.relock);
    const from = performance.now();
    const lock = () => { byId("opened")?.remove(); location.replace(page.dataset.back); };
    const tick = setInterval(() => {
      const left = Math.max(whole - Math.floor((performance.now() - from) / 1000), 0);
      byId("left").value = left;
      byId("countdown").textContent = `Locks itself in ${left} s`;
      if (left === 0) { clearInterval(tick); lock(); }
    }, 250);
    addEventListener("pagehide", () => byId("opened")?.remove()); // nothing is left for the back button
  }
})();
