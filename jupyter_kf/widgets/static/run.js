// The live view of a run, an anywidget module: plain JavaScript, nothing is fetched.
// The kernel sets `head`, `graph`, `steps`, `log`, `charts`, `notice` and `clock`; messages to it have a `type`.

const PATIENCE = 3000; // milliseconds that a kernel gets to answer a button
const BUSY = new Set(["PENDING", "RUNNING", "CANCELING"]);

export function duration(seconds) {
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 100) return `${minutes}m ${String(Math.floor(seconds % 60)).padStart(2, "0")}s`;
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, "0")}m`;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function button(text, title) {
  const made = element("button", "kf-button", text);
  made.type = "button";
  made.title = title;
  return made;
}

/** Put a text where it differs from what is there: what stays is not read aloud again, a selection stays, too. */
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

class RunView {
  constructor(model, el) {
    this.model = model;
    this.chosen = "";
    this.asked = null;
    this.root = element("div", "kf kf-run");
    this.root.setAttribute("role", "group");
    this.build();
    el.replaceChildren(this.root);
    this.skew = 0; // seconds that the browser's clock is ahead
    this.draw("head", this.drawHead);
    this.draw("graph", this.drawGraph);
    this.draw("steps", this.drawSteps);
    this.draw("log", this.drawLog);
    this.draw("charts", () => (this.charts.innerHTML = model.get("charts")));
    this.draw("notice", this.drawNotice);
    this.draw("clock", this.setClock);
    this.timer = setInterval(() => this.tick(), 1000);
    model.send({ type: "hello" });
  }

  /** Call `paint` now and whenever the trait changes. */
  draw(trait, paint) {
    const bound = paint.bind(this);
    this.model.on(`change:${trait}`, bound);
    (this.bound ??= []).push([trait, bound]);
    bound();
  }

  dispose() {
    clearInterval(this.timer);
    clearTimeout(this.patience);
    for (const [trait, bound] of this.bound) this.model.off(`change:${trait}`, bound);
  }

  build() {
    const head = element("div", "kf-head");
    this.name = element("b");
    this.state = element("span", "s");
    this.id = element("code");
    this.time = element("time", "soft");
    const buttons = element("span", "kf-buttons");
    this.cancel = button("Cancel", "Stop this run; what is finished is kept");
    this.resume = button("Resume", "Go on with this run from what is finished");
    this.open = button("Open", "Open this run in a view of its own");
    this.open.classList.add("kf-lab");
    this.open.dataset.commandlinkerCommand = "jupyter-kf:open-run"; // JupyterLab's own listener runs it
    this.cancel.addEventListener("click", () => this.ask("cancel", this.cancel));
    this.resume.addEventListener("click", () => this.ask("resume", this.resume));
    buttons.append(this.cancel, this.resume, this.open);
    head.append(this.name, " ", this.state, " ", this.id, " ", this.time, buttons);
    this.bar = element("div", "kf-progress");
    this.bar.setAttribute("role", "progressbar");
    this.bar.setAttribute("aria-label", "steps done");
    this.bar.append(element("div"));
    this.words = element("div", "soft kf-words");
    this.words.setAttribute("role", "status");
    this.notice = element("div", "kf-notice");
    this.notice.setAttribute("role", "alert");
    this.drawing = element("div", "scroll kf-drawing");
    this.drawing.tabIndex = 0;
    this.drawing.setAttribute("role", "group");
    this.drawing.setAttribute("aria-label", "steps; choose one to see what it prints");
    this.charts = element("div", "kf-charts");
    this.logHead = element("div", "kf-log-head soft");
    this.log = element("pre", "kf-log");
    this.log.tabIndex = 0;
    this.log.setAttribute("role", "log");
    this.log.setAttribute("aria-live", "off");
    this.drawing.addEventListener("click", (event) => this.choose(event.target.closest("[data-step]")));
    this.drawing.addEventListener("keydown", (event) => this.key(event));
    this.root.append(head, this.bar, this.words, this.notice, this.drawing, this.charts, this.logHead, this.log);
  }

  drawHead() {
    const head = this.model.get("head");
    this.root.setAttribute("aria-label", `Run ${head.name}`);
    put(this.name, head.name);
    put(this.id, head.id);
    put(this.state, `${head.sign} ${head.state}`);
    this.state.className = `s ${head.state}`;
    const share = head.total ? Math.round((100 * head.done) / head.total) : 0;
    this.bar.firstChild.style.width = `${share}%`;
    this.bar.className = `kf-progress ${head.state}`;
    for (const [name, value] of [["min", 0], ["max", head.total], ["now", head.done]])
      this.bar.setAttribute(`aria-value${name}`, String(value));
    this.bar.setAttribute("aria-valuetext", head.words);
    put(this.words, head.words);
    this.cancel.hidden = !BUSY.has(head.state);
    this.cancel.disabled = head.state === "CANCELING";
    this.resume.hidden = !["FAILED", "CANCELED", "INTERRUPTED"].includes(head.state);
    this.open.dataset.commandlinkerArgs = JSON.stringify({ run: head.id });
    if (this.asked && this.asked.state !== head.state) this.answered();
    this.tick();
  }

  drawGraph() {
    this.drawing.innerHTML = this.model.get("graph");
    this.drawing.hidden = !this.drawing.firstChild;
    const svg = this.drawing.querySelector("svg");
    if (!svg) return;
    svg.setAttribute("role", "presentation");
    svg.removeAttribute("aria-label");
    this.boxes = [...svg.querySelectorAll("g[data-step]")];
    this.boxes.forEach((box, i) => {
      box.setAttribute("role", "button");
      box.setAttribute("tabindex", i ? "-1" : "0"); // one stop for the Tab key, arrows move inside
    });
    this.drawing.removeAttribute("tabindex");
    this.drawSteps();
  }

  drawSteps() {
    const steps = this.model.get("steps");
    for (const box of this.boxes ?? []) {
      const [state, line, tip] = steps[box.dataset.step] ?? ["", "", box.dataset.step];
      const chosen = box.dataset.step === this.chosen ? " chosen" : "";
      if (box.getAttribute("class") !== state + chosen) box.setAttribute("class", state + chosen);
      put(box.querySelector(".sub"), line);
      put(box.querySelector("title"), tip);
      const spoken = `${box.dataset.step}, ${line}`;
      if (box.getAttribute("aria-label") !== spoken) box.setAttribute("aria-label", spoken);
      box.setAttribute("aria-pressed", String(Boolean(chosen)));
    }
    this.tick();
  }

  drawLog() {
    const log = this.model.get("log");
    const text = log.text + (log.error ? `${log.text && !log.text.endsWith("\n") ? "\n" : ""}${log.error}` : "");
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 12;
    put(this.log, text);
    this.log.hidden = !text;
    put(this.logHead, log.step ? (text ? log.step : `${log.step} has printed nothing`) : "");
    this.log.setAttribute("aria-label", `what ${log.step} printed`);
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  drawNotice() {
    const notice = this.model.get("notice");
    put(this.notice, notice.text ?? "");
    this.notice.className = `kf-notice ${notice.error ? "FAILED" : ""}`;
    if (notice.text) this.answered();
  }

  setClock() {
    if (this.greeted) this.skew = Date.now() / 1000 - this.model.get("clock"); // the answer to hello, a moment ago
    this.greeted = true;
  }

  now() {
    return Date.now() / 1000 - this.skew;
  }

  /** Times go on without the kernel. */
  tick() {
    const head = this.model.get("head");
    const end = head.finished ?? this.now();
    const began = new Date(head.started * 1000);
    put(this.time, duration(end - head.started));
    this.time.dateTime = began.toISOString();
    this.time.title = `started ${began.toLocaleString()}`;
    if (head.final) return;
    const steps = this.model.get("steps");
    for (const box of this.boxes ?? []) {
      const [state, line, , started] = steps[box.dataset.step] ?? [];
      if (state === "RUNNING" && started)
        put(box.querySelector(".sub"), `${line} · ${duration(this.now() - started)}`);
    }
  }

  choose(box) {
    if (!box) return;
    const step = box.dataset.step;
    this.chosen = this.chosen === step ? "" : step;
    this.drawSteps();
    this.model.send({ type: "choose", step: this.chosen });
  }

  key(event) {
    const at = (this.boxes ?? []).indexOf(document.activeElement);
    if (at < 0) return;
    const moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -at, End: this.boxes.length - 1 - at };
    if (event.key === "Enter" || event.key === " ") this.choose(this.boxes[at]);
    else if (event.key in moves) {
      const next = this.boxes[Math.min(this.boxes.length - 1, Math.max(0, at + moves[event.key]))];
      this.boxes[at].setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation(); // the notebook's own shortcuts
  }

  ask(what, pressed) {
    const head = this.model.get("head");
    pressed.disabled = true;
    this.asked = { pressed, state: head.state };
    put(this.notice, "asked …");
    this.model.send({ type: what });
    clearTimeout(this.patience);
    this.patience = setTimeout(() => {
      if (!this.asked) return;
      this.answered();
      const aside = document.getElementById("jupyter-kf-panel") ? "Use the sidebar, or in" : "In";
      put(this.notice, `The kernel is busy and does not answer. ${aside} a terminal: jupyter kf ${what} ${head.id}`);
    }, PATIENCE);
  }

  answered() {
    clearTimeout(this.patience);
    if (!this.asked) return;
    this.asked.pressed.disabled = false;
    this.asked = null;
    if (this.notice.textContent === "asked …") put(this.notice, this.model.get("notice").text ?? "");
  }
}

function render({ model, el }) {
  const view = new RunView(model, el);
  return () => view.dispose();
}

export default { render };
