"""Text of all kinds becomes nodes, never markup: Markdown, terminal output, code, differences."""

from __future__ import annotations

import asyncio
import json

import pytest

from support.browser import browser

MARKDOWN = [
    ("# One *two*", "<p>One <em>two</em></p>"),
    ("a **b** _c_ ~~d~~ `e*f*`", "<p>a <strong>b</strong> <em>c</em> <del>d</del> <code>e*f*</code></p>"),
    ("snake_case_name and 2*3*4", "<p>snake_case_name and 2<em>3</em>4</p>"),
    ("- a\n- b\n  - c\n\n1. x", "<ul><li>a</li><li><p>b</p><ul><li>c</li></ul></li></ul><ol><li>x</li></ol>"),
    ("> q\n> r", "<blockquote><p>q\nr</p></blockquote>"),
    ("```js\nlet a = 1\n```", "<pre><code><span>let</span> a = <span>1</span></code></pre>"),
    ("```\n<b>*x*", "<pre><code>&lt;b&gt;*x*</code></pre>"),
    ("|a|b|\n|-|-|\n|1|2\\|3|", "<table><thead><tr><th>a</th><th>b</th></tr></thead>"
     "<tbody><tr><td>1</td><td>2|3</td></tr></tbody></table>"),
    ("[x](https://a.example/b)", "<p><a>x</a> (a.example)</p>"),
    ("see https://a.example/b.", "<p>see <a>https://a.example/b</a>.</p>"),
    ("https://good.example@evil.example/", "<p><a>https://good.example@evil.example/</a> (evil.example)</p>"),
    ("[x](javascript:alert(1))", "<p>x (javascript:alert(1))</p>"),
    ("![p](https://a.example/p.png)", "<p><a>Picture: p</a> (a.example)</p>"),
    ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
    ("\\*a\\*", "<p>*a*</p>"),
    ("---", "<hr>"),
]  # fmt: skip
RENDERED = """import("/web/markdown.js").then(({ MarkdownView }) => %s.map((text) => {
  const view = new MarkdownView()
  view.update(text)
  const copy = view.node.cloneNode(true)
  copy.querySelectorAll("figcaption").forEach((part) => part.remove())
  for (const part of copy.querySelectorAll("figure, div, span:not([class^=tok])")) part.replaceWith(...part.childNodes)
  for (const part of copy.querySelectorAll("*")) for (const { name } of [...part.attributes]) part.removeAttribute(name)
  return copy.innerHTML
}))"""
# However a text is cut into chunks, what is shown at the end is the same.
GROWN = """import("/web/markdown.js").then(({ MarkdownView }) => {
  const whole = %s.join("\\n\\n")
  const at_once = new MarkdownView()
  at_once.update(whole)
  return [1, 7, 40].map((step) => {
    const view = new MarkdownView()
    for (let end = step; end < whole.length + step; end += step) view.update(whole.slice(0, end))
    return view.node.innerHTML === at_once.node.innerHTML
  })
})"""
HOSTILE = """import("/web/markdown.js").then(({ MarkdownView }) => {
  const texts = ["*".repeat(50000), "*a ".repeat(20000), "[".repeat(50000), "[a](".repeat(15000),
    "``` `` ` ".repeat(9000), "> ".repeat(3000), "- ".repeat(3000), "|a".repeat(20000) + "\\n" + "|-".repeat(20000),
    "_".repeat(9999) + "x" + "_".repeat(9999), "http://" + "a".repeat(50000), "\\u202e".repeat(20000)]
  return texts.map((text) => {
    const view = new MarkdownView()
    view.update(text)
    return view.node.textContent.length > 0 || /^[*> -]+$/.test(text)
  })
})"""
ANSI = """import("/web/ansi.js").then(({ terminalNodes }) => {
  const box = document.createElement("div")
  box.append(terminalNodes("\\u001b[1;31mred\\u001b[0m plain \\u001b]0;title\\u0007\\u001b[2J\\u001b[38;5;46mgreen"
    + "\\u001b[48;2;0;0;250m blue\\u001b[m\\u202e\\r\\nten\\rtwo"))
  return [box.innerHTML.replaceAll(/ title="[^"]*"/g, ""), box.querySelectorAll("[style]").length]
})"""
DIFF = """import("/web/diff.js").then(({ rowsOf, hunks, pairs }) => {
  const old = Array.from({ length: 40 }, (_, n) => `line ${n + 1}`).join("\\n")
  const { rows, added, removed } = rowsOf({ oldText: old, newText: old.replace("line 20", "line twenty\\nand more") })
  const parts = hunks(rows).map(({ folded, rows }) => [folded, rows.length])
  const changed = rows.filter(({ sign }) => sign !== " ")
    .map(({ sign, old, new: now, text }) => [sign, old ?? null, now ?? null, text])
  const side = pairs(rows.slice(18, 23)).map(([a, b]) => [a?.text ?? null, b?.text ?? null])
  return { added, removed, parts, changed, side }
})"""


@pytest.mark.timeout(180)
def test_text_becomes_nodes_as_it_was_meant_and_never_markup(processes, cluster, tmp_path):
    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(f"{cluster.bases[0]}/")
            await page.wait_for("document.querySelector('#start-link').getClientRects().length > 0")
            texts = [text for text, _ in MARKDOWN]
            for (text, wanted), shown in zip(MARKDOWN, await page.evaluate(RENDERED % json.dumps(texts)), strict=True):
                assert shown == wanted, text
            assert await page.evaluate(GROWN % json.dumps(texts)) == [True, True, True]
            assert set(await page.evaluate(HOSTILE)) == {True}
            html, styles = await page.evaluate(ANSI)
            assert html == (
                '<span class="ansi-bold ansi-fg-1">red</span> plain <span class="ansi-fg-10">green</span>'
                '<span class="ansi-fg-10 ansi-bg-12"> blue</span><span class="revealed">U+202E</span>\ntwo'
            )
            assert styles == 0
            diff = await page.evaluate(DIFF)
            assert (diff["added"], diff["removed"]) == (2, 1)
            assert diff["parts"] == [[True, 16], [False, 9], [True, 17]]
            assert diff["changed"] == [
                ["-", 20, None, "line 20"],
                ["+", None, 20, "line twenty"],
                ["+", None, 21, "and more"],
            ]
            assert diff["side"][1:3] == [["line 20", "line twenty"], [None, "and more"]]
            assert page.problems == []

    asyncio.run(whole())
