"""Looking at a served board with a real browser: sizes, what a page must not do, and its complaints."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from streams.board.model import BoardModel

SIZES = {"phone": (390, 844), "laptop": (1366, 900), "wall": (2560, 1440)}
SCHEMES = ("light", "dark")
SCREENSHOTS = Path(__file__).parents[1] / "browser" / "screenshots"

# Every visible text whose contrast with what is painted behind it is under 4.5 (3 for large text), by WCAG 2's formula.
POOR_CONTRAST = """() => {
  const parse = (text) => { const m = text.match(/[\\d.]+/g).map(Number); return {rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1}; };
  const light = ([r, g, b]) => { const f = [r, g, b].map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
  const behind = (node) => { for (let n = node; n; n = n.parentElement) { const c = parse(getComputedStyle(n).backgroundColor);
    if (c.a === 1) return c.rgb; } return [255, 255, 255]; };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !node.checkVisibility() || node.closest('.aside, .skip, title')) continue;
    const style = getComputedStyle(node), svg = node.namespaceURI.endsWith('svg');
    const a = light(parse(svg ? style.fill : style.color).rgb), b = light(behind(node));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05), size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if (ratio < least) found.push(`${node.className.baseVal ?? node.className} "${walker.currentNode.textContent.trim()}" ${ratio.toFixed(2)}`);
  }
  return found;
}"""

# Pieces of a row that paint over each other, and text that is cut off or runs out of its box or of the window.
MISPLACED = """() => {
  const found = [], wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  const visible = (n) => n.checkVisibility() && n.getBoundingClientRect().width > 0;
  for (const n of document.querySelectorAll('main *')) {
    // A table that is wider than its frame is moved within it.
    if (!visible(n) || n.closest('.aside, svg svg, .measured table, .wide table')) continue;
    const r = n.getBoundingClientRect();
    if (r.right > wide + 1 || r.left < -1) found.push(`${n.tagName}.${n.className.baseVal ?? n.className} ends at ${r.right}`);
  }
  const meet = (a, b) => { const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
    return Math.min(p.right, q.right) - Math.max(p.left, q.left) > 1 && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 1; };
  for (const row of document.querySelectorAll('tr[data-pair], tr[data-state], .chart, .counters, .controls, .story, .headlines, .tally')) {
    const leaves = [...row.querySelectorAll('*')].filter((n) => visible(n) && !n.closest('.aside') && !n.parentElement.closest('svg')
      && (n.matches('svg') || [...n.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim())));
    leaves.forEach((a, i) => leaves.slice(i + 1).forEach((b) => {
      if (!a.contains(b) && !b.contains(a) && meet(a, b)) found.push(`${row.id || row.className}: ${a.tagName}.${a.className.baseVal ?? a.className}`
        + ` "${a.tagName === 'svg' ? '' : a.textContent.trim()}" over ${b.tagName}.${b.className.baseVal ?? b.className} "${b.tagName === 'svg' ? '' : b.textContent.trim()}"`);
    }));
  }
  return found;
}"""


@dataclass
class Board:
    """A served board, its model, and the complaints of the browser."""

    address: str
    model: BoardModel
    complaints: list[str] = field(default_factory=list)

    def open(self, context: BrowserContext, path: str = "/", *, live: bool = True) -> Page:
        """A page of the board; waits until it is live."""
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.address + path)
        if live:
            expect(page.locator("#live")).to_have_attribute("data-state", "on")
        return page


def found_by_axe(page: Page) -> list[str]:
    """Every serious or critical finding on a page: its rule, and the first piece of the page that breaks it."""
    violations = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in violations if one["impact"] in ("serious", "critical")]
