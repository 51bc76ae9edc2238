// Faults that keep people from using a page: () => ["what, where", …]. Ours, small: names, labels, headings, tables,
// landmarks, ids, contrast of text.
() => {
  const faults = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (element) => element.getClientRects().length > 0;
  const at = (element) => element.outerHTML.slice(0, 80).replace(/\s+/g, " ");
  const words = (element) => (element?.textContent || "").trim();
  const named = (element) =>
    element.getAttribute("aria-label") ||
    (element.getAttribute("aria-labelledby") || "").split(" ").map((id) => words(document.getElementById(id))).join("");

  if (!document.documentElement.lang) faults.push("no language");
  if (!document.title) faults.push("no title");
  if (all("main").length !== 1) faults.push("not one main");
  if (all("h1").length !== 1) faults.push("not one h1");
  let level = 0;
  for (const heading of all("h1, h2, h3, h4")) {
    const now = Number(heading.tagName[1]);
    if (now > level + 1) faults.push(`a heading skips a level: ${at(heading)}`);
    level = now;
  }
  for (const field of all("input:not([type=hidden]), select, textarea"))
    if (![...(field.labels || [])].some(words) && !named(field)) faults.push(`a field without label: ${at(field)}`);
  for (const press of all("a[href], button"))
    if (!words(press) && !named(press)) faults.push(`nothing to read: ${at(press)}`);
  for (const table of all("table")) {
    if (!words(table.caption)) faults.push(`a table without caption: ${at(table)}`);
    for (const head of table.querySelectorAll("th")) if (!head.scope) faults.push(`a header without scope: ${at(head)}`);
  }
  for (const section of all("section, form[aria-labelledby], [role=region]"))
    if (!named(section)) faults.push(`a region without name: ${at(section)}`);
  const ids = all("[id]").map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) faults.push(`an id twice: ${id}`);
  for (const wide of all(".table"))
    if (wide.scrollWidth > wide.clientWidth && wide.tabIndex < 0) faults.push(`scrolls, but not by keyboard: ${at(wide)}`);

  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => (part /= 255) <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const [r, g, b, a = 1] = channels(getComputedStyle(one).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  for (const element of all("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !shown(element) || element.matches("option, script")) continue;
    const pair = [light(channels(getComputedStyle(element).color).slice(0, 3)), light(ground(element))].sort();
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(1)}: ${at(element)}`);
  }
  return faults;
}
