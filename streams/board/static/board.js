// Keeps the page current: listens to /events, and fetches anew, as the server renders it, what changed.
// Without this script the page is whole; it is then of the moment at which it was loaded.
"use strict";
(() => {
  const MIN_PAUSE_MS = 500; // between two fetches
  const EVIDENCE_PAUSE_MS = 5000; // between two fetches of the whole page
  const FIRST_RETRY_MS = 5000; // after a refusal; doubled each time
  const LAST_RETRY_MS = 300000;
  const AWAY_AFTER_MS = 10000; // a restart takes less
  const body = document.body;
  const live = document.getElementById("live");
  const detail = document.getElementById("pair-detail");
  const table = document.getElementById("pairs");
  const list = document.querySelector("[data-refresh]"); // a section that is fetched whole, at most every so many seconds
  const changed = new Set();
  let wholePage = false;
  let evidenceIsOld = false;
  let busy = false;
  let wholePageAt = Date.now();
  let stream = null;
  let retryMs = FIRST_RETRY_MS;
  let lostAt = 0;

  function say(state, text) {
    if (live.dataset.state === state) return;
    live.dataset.state = state;
    live.querySelector(".live-text").textContent = text;
  }

  function ageOf(since) {
    const minutes = Math.floor((Date.now() - since) / 60000);
    if (!(minutes >= 1)) return "";
    if (minutes < 120) return ` for ${minutes} minute${minutes === 1 ? "" : "s"}`;
    return minutes < 2880 ? ` for ${Math.floor(minutes / 60)} hours` : ` for ${Math.floor(minutes / 1440)} days`;
  }

  function showAges() {
    const problemAge = document.getElementById("problem-age");
    const since = Date.parse(problemAge.dataset.since);
    if (since) problemAge.textContent = ageOf(since);
    document.getElementById("away").hidden = !lostAt || Date.now() - lostAt < AWAY_AFTER_MS;
    document.getElementById("away-age").textContent = lostAt ? ageOf(lostAt) : "";
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
    document.getElementById("problem-age").dataset.since = event.as_of;
    showAges();
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
    const old = document.getElementById(`pair-${pair}`);
    if (!old) return; // it stands on another page of the table
    const answer = await fetch(`/fragments/pair/${encodeURIComponent(pair)}${location.search}`);
    if (!answer.ok) {
      wholePage = wholePage || answer.status === 404;
      return;
    }
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    const row = holder.content.querySelector("tr");
    if (!row || old.outerHTML === row.outerHTML) return;
    row.classList.add("changed");
    row.addEventListener("animationend", () => row.classList.remove("changed"), { once: true });
    swap(old, row);
  }

  async function refreshPage(ids) {
    const answer = await fetch(location.pathname + location.search);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ids) {
      const old = document.getElementById(id);
      // What a reader has just put the cursor into, a form above all, is left alone.
      if (old && !(id === "controls" && old.contains(document.activeElement))) swap(old, fresh.getElementById(id));
    }
    body.dataset.newest = fresh.body.dataset.newest;
    wholePageAt = Date.now();
  }

  function partsOfPage() {
    if (detail) return ["pair-detail"];
    if (list) return [list.id];
    return ["stand", "controls", "pairs", "latest"];
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
          await refreshPage(partsOfPage());
        } else {
          const [pair] = changed;
          changed.delete(pair);
          await refreshRow(pair);
        }
        await new Promise((done) => setTimeout(done, changed.size && !wholePage ? 50 : MIN_PAUSE_MS));
      }
      const pauseMs = list ? list.dataset.refresh * 1000 : EVIDENCE_PAUSE_MS;
      if (evidenceIsOld && Date.now() - wholePageAt > pauseMs) {
        evidenceIsOld = false;
        await refreshPage(list ? [list.id] : body.dataset.rows === "all" ? partsOfPage() : ["stand", "latest"]);
      }
    } catch {
      // The server is away: the stream says so, and reconnecting brings what was missed.
    } finally {
      busy = false;
    }
  }

  function onChange(message) {
    const event = JSON.parse(message.data);
    body.dataset.event = message.lastEventId;
    showCounters(event.counters);
    showStatus(event);
    if (event.has_news !== (body.dataset.news === "yes")) {
      location.reload();
      return;
    }
    const moved = body.dataset.follows === "yes" && event.has_news && event.counters.newest_week !== body.dataset.newest;
    if (list) {
      evidenceIsOld = true;
    } else if (event.all || moved) {
      wholePage = Boolean(detail || table);
    } else if (detail) {
      wholePage = wholePage || event.pairs.includes(detail.dataset.pair);
    } else if (table && event.pairs.length) {
      // In an order or a choice of the reader's own, a changed pair may have to stand elsewhere: the table is fetched whole.
      if (body.dataset.rows !== "all") for (const pair of event.pairs) changed.add(pair);
      evidenceIsOld = true;
    }
    work();
  }

  // Of a refusal the browser does not say why: where a sign-in is over, the page itself leads to the form.
  async function signInAgain() {
    try {
      if ((await fetch("/api/v1/progress")).status === 401) location.reload();
    } catch {
      // The server is away; the next try tells.
    }
  }

  function lost() {
    lostAt = lostAt || Date.now();
    say("lost", "reconnecting …");
    // The browser comes back by itself from a broken stream, but not from a refusal: too many readers, or a proxy's error.
    if (stream && stream.readyState === EventSource.CLOSED) {
      stream = null;
      signInAgain();
      setTimeout(listen, retryMs * (0.75 + Math.random() / 2));
      retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
    }
  }

  function listen() {
    if (stream || document.hidden) return;
    stream = new EventSource(`/events?last=${encodeURIComponent(body.dataset.event)}`);
    stream.addEventListener("open", () => {
      lostAt = 0;
      retryMs = FIRST_RETRY_MS;
      say("on", "live");
      showAges();
    });
    stream.addEventListener("error", lost);
    stream.addEventListener("change", onChange);
  }

  function hush() {
    if (stream) stream.close();
    stream = null;
  }

  // A browser opens six connections to a server at most: a page that nobody sees gives its own back, and catches up when it is seen.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      hush();
      say("off", "paused");
    } else {
      listen();
      work();
    }
  });
  addEventListener("pagehide", hush);
  addEventListener("pageshow", listen);
  setInterval(() => {
    showAges();
    if (list && !document.hidden && Date.now() - wholePageAt > list.dataset.refresh * 6000) evidenceIsOld = true;
    if (evidenceIsOld) work();
  }, EVIDENCE_PAUSE_MS);
  listen();
})();
