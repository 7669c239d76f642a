import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The rules of axe-core about colours. All other rules find the same in light and dark mode. */
const colourRules = { runOnly: ['color-contrast', 'link-in-text-block'] }

/** Fails for every violation that axe-core finds on the page in its current state, in light and dark mode. */
export async function expectAccessible(t: Test, page: Page, what: string): Promise<void> {
  if (!(await page.evaluate('"axe" in globalThis'))) await page.evaluate(axe)
  for (const [colorScheme, rules, atLeast] of [
    ['light', {}, 6],
    ['dark', colourRules, 1]
  ] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    const { violations, passes } = (await page.evaluate(`axe.run(${JSON.stringify(rules)})`)) as AxeResults
    t.strictSame(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`),
      [],
      `${what}, ${colorScheme}`
    )
    t.ok(passes.length >= atLeast, 'axe ran its checks')
  }
}

/** Fails if the page scrolls sideways at 320 px. */
export async function expectNarrow(t: Test, page: Page, what: string): Promise<void> {
  const size = page.viewportSize()
  await page.setViewportSize({ width: 320, height: 640 })
  t.ok(Number(await page.evaluate('document.scrollingElement.scrollWidth')) <= 320, `${what} at 320 px`)
  if (size !== null) await page.setViewportSize(size)
}
