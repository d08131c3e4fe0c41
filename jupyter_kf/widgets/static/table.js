// What makes a table of an answer handy where scripts run: sorting by a column's head, a filter, times that go on.
// The table is whole without it. `root` is the element in front of the script.
((root) => {
  if (!root || root.dataset.kfAlive) return;
  root.dataset.kfAlive = "yes";
  const table = root.querySelector("table");
  const rows = [...table.tBodies[0].rows];
  const value = (row, i) => row.cells[i].dataset.v ?? row.cells[i].textContent.trim();
  const order = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === ""); // what is missing comes last, either way
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, undefined, { numeric: true }) : x - y;
  };
  [...table.tHead.rows[0].cells].forEach((head, i) => {
    if (head.tagName !== "TH") return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.title = "sort by this column";
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sorted = [...rows].sort((one, two) => {
        const [a, b] = [value(one, i), value(two, i)];
        return (down && a !== "" && b !== "" ? -1 : 1) * order(a, b);
      });
      table.tBodies[0].append(...sorted);
    });
  });
  if (rows.length > 5) {
    const line = document.createElement("div");
    const input = document.createElement("input");
    const count = document.createElement("span");
    input.type = "search";
    input.placeholder = "filter";
    input.setAttribute("aria-label", "filter the rows: words that they must hold");
    count.className = "soft";
    count.setAttribute("role", "status");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        left += !row.hidden;
      }
      count.textContent = words.length ? `${left} of ${rows.length}` : "";
    });
    line.className = "kf-filter";
    line.append(input, count);
    root.prepend(line);
  }
  const times = [...root.querySelectorAll("time[datetime]")];
  const ago = (past) => {
    for (const [limit, unit, name] of [[90, 1, "s"], [5400, 60, "min"], [129600, 3600, "h"], [Infinity, 86400, "d"]])
      if (past < limit) return `${Math.max(0, Math.round(past / unit))} ${name} ago`;
  };
  let clock = 0;
  const tick = () => {
    if (!root.isConnected) clock = clearInterval(clock);
    for (const time of times) time.textContent = ago((Date.now() - Date.parse(time.dateTime)) / 1000);
  };
  const wake = () => {
    tick();
    clock ||= setInterval(tick, 15000);
  };
  if (times.length) {
    wake();
    root.addEventListener("pointerenter", wake); // back in a page that had taken it out
  }
})(document.currentScript.previousElementSibling);
