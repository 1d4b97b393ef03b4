// Keeps the page current: listens to /events, and fetches anew, as the server renders it, what changed.
// Without this script the page is whole; it is then of the moment at which it was loaded.
"use strict";
(() => {
  const MIN_PAUSE_MS = 500; // between two fetches
  const EVIDENCE_PAUSE_MS = 5000; // between two fetches of the whole page
  const body = document.body;
  const live = document.getElementById("live");
  const detail = document.getElementById("pair-detail");
  const changed = new Set();
  let wholePage = false;
  let evidenceIsOld = false;
  let busy = false;
  let wholePageAt = 0;

  function say(state, text) {
    if (live.dataset.state === state) return;
    live.dataset.state = state;
    live.querySelector(".live-text").textContent = text;
  }

  function showCounters(counters) {
    for (const [name, value] of Object.entries(counters)) {
      const place = document.querySelector(`[data-counter="${name}"]`);
      if (place && place.textContent !== value) place.textContent = value;
    }
  }

  function showStatus(event) {
    document.getElementById("loading").hidden = event.ready;
    document.getElementById("loading-bar").value = event.percent;
    if (!event.ready) document.getElementById("loading-text").textContent = event.problem || `${event.percent}% done`;
    document.getElementById("problem").hidden = !event.ready || !event.problem;
    document.getElementById("problem-text").textContent = event.problem;
  }

  function swap(old, fresh) {
    if (!old || !fresh) return;
    const open = new Set([...old.querySelectorAll("details[open]")].map((one) => one.id));
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    old.replaceWith(fresh);
    for (const id of open) {
      const again = id && document.getElementById(id);
      if (again) again.open = true;
    }
    if (focused) fresh.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  async function refreshRow(pair) {
    const answer = await fetch(`/fragments/pair/${encodeURIComponent(pair)}${location.search}`);
    if (!answer.ok) {
      wholePage = wholePage || answer.status === 404;
      return;
    }
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    const row = holder.content.querySelector("tr");
    const old = document.getElementById(`pair-${pair}`);
    if (!row || !old || old.outerHTML === row.outerHTML) return;
    row.classList.add("changed");
    row.addEventListener("animationend", () => row.classList.remove("changed"), { once: true });
    swap(old, row);
  }

  async function refreshPage(ids) {
    const answer = await fetch(location.pathname + location.search);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ids) swap(document.getElementById(id), fresh.getElementById(id));
    body.dataset.newest = fresh.body.dataset.newest;
    wholePageAt = Date.now();
  }

  async function work() {
    if (busy || document.hidden) return;
    busy = true;
    try {
      while (wholePage || changed.size) {
        if (wholePage) {
          wholePage = false;
          evidenceIsOld = false;
          changed.clear();
          await refreshPage(detail ? ["pair-detail"] : ["pairs", "latest", ...(document.activeElement?.closest("#controls") ? [] : ["controls"])]);
        } else {
          const [pair] = changed;
          changed.delete(pair);
          await refreshRow(pair);
        }
        await new Promise((done) => setTimeout(done, changed.size && !wholePage ? 50 : MIN_PAUSE_MS));
      }
      if (evidenceIsOld && Date.now() - wholePageAt > EVIDENCE_PAUSE_MS) {
        evidenceIsOld = false;
        await refreshPage(["latest"]);
      }
    } catch {
      // The server is away: the stream says so, and reconnecting brings what was missed.
    } finally {
      busy = false;
    }
  }

  function onChange(message) {
    const event = JSON.parse(message.data);
    showCounters(event.counters);
    showStatus(event);
    if (event.has_news !== (body.dataset.news === "yes")) {
      location.reload();
      return;
    }
    const moved = body.dataset.follows === "yes" && event.has_news && event.counters.newest_week !== body.dataset.newest;
    if (event.all || moved) {
      wholePage = true;
    } else if (detail) {
      wholePage = wholePage || event.pairs.includes(detail.dataset.pair);
    } else {
      for (const pair of event.pairs) changed.add(pair);
      evidenceIsOld = evidenceIsOld || event.pairs.length > 0;
    }
    work();
  }

  const stream = new EventSource(`/events?last=${encodeURIComponent(body.dataset.event)}`);
  stream.addEventListener("open", () => say("on", "live"));
  stream.addEventListener("error", () => say("lost", "reconnecting …"));
  stream.addEventListener("change", onChange);
  document.addEventListener("visibilitychange", work);
  setInterval(() => { if (evidenceIsOld) work(); }, EVIDENCE_PAUSE_MS);
  addEventListener("pagehide", () => stream.close());
})();
