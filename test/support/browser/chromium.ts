import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'

const usualPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
/** Where Chromium is; undefined where there is none. TEST_CHROMIUM says that it must be there. */
const chromiumPath = [process.env.CHROMIUM_PATH ?? [], usualPaths].flat().find((path) => existsSync(path))

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

/** How long all of one file's tests may take on a machine that runs other tests as well; none of them measures time. */
export const processTestMilliseconds = 170_000

const stepMilliseconds = 30_000

/** A browser that closes when `t` ends; undefined, and said so, where there is none and none is asked for. */
export async function openBrowser(t: Test): Promise<Browser | undefined> {
  if (chromiumPath === undefined) {
    if (process.env.TEST_CHROMIUM !== undefined) throw new Error('TEST_CHROMIUM is set, and there is no Chromium.')
    t.pass('what needs a browser', { skip: 'There is no Chromium (CHROMIUM_PATH).' })
    return undefined
  }
  // Playwright turns the back-forward cache off, which people have on.
  const ignoreDefaultArgs = ['--disable-back-forward-cache']
  const browser = await chromium.launch({ executablePath: chromiumPath, args, ignoreDefaultArgs })
  t.teardown(() => browser.close())
  return browser
}

/** Somebody's browser, with cookies of its own; closed when `t` ends. */
export async function openProfile(
  t: Test,
  browser: Browser,
  options: BrowserContextOptions = {}
): Promise<BrowserContext> {
  const profile = await browser.newContext(options)
  profile.setDefaultTimeout(stepMilliseconds)
  t.teardown(() => profile.close())
  return profile
}

/** What the page tried and its policy forbade, what it threw, and whom else it asked; nothing, if all is well. */
export function faultsOf(page: Page, origin: string): string[] {
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    const isRefusedRequest = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !isRefusedRequest) faults.push(message.text())
  })
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) faults.push(`asked ${request.url()}`)
  })
  return faults
}
