import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'

const defaultPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
/** The path of Chromium, or undefined if it is not installed. TEST_CHROMIUM makes a missing Chromium an error. */
const chromiumPath = [process.env.CHROMIUM_PATH ?? [], defaultPaths].flat().find((path) => existsSync(path))

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

/** The time limit of a test file. It is generous, because other tests run beside it and none of these measures time. */
export const fileTimeoutMilliseconds = 170_000

const stepMilliseconds = 30_000

/** Opens a browser that closes when `t` ends. Returns undefined and reports a skip if there is no Chromium. */
export async function openBrowser(t: Test): Promise<Browser | undefined> {
  if (chromiumPath === undefined) {
    if (process.env.TEST_CHROMIUM !== undefined) throw new Error('TEST_CHROMIUM is set, and there is no Chromium.')
    t.pass('browser tests', { skip: 'There is no Chromium (CHROMIUM_PATH).' })
    return undefined
  }
  // Playwright disables the back-forward cache, which real users have.
  const ignoreDefaultArgs = ['--disable-back-forward-cache']
  const browser = await chromium.launch({ executablePath: chromiumPath, args, ignoreDefaultArgs })
  t.teardown(() => browser.close())
  return browser
}

/** A browser profile with its own cookies; closed when `t` ends. */
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

/** A browser whose user blocks the data of all sites; closed when `t` ends. */
export async function openBlockingProfile(t: Test): Promise<BrowserContext> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-profile-'))
  await mkdir(join(folder, 'Default'))
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } }
  await writeFile(join(folder, 'Default', 'Preferences'), JSON.stringify(preferences))
  const profile = await chromium.launchPersistentContext(folder, { executablePath: chromiumPath ?? '', args })
  t.teardown(async () => {
    await profile.close()
    // Chromium may still write for a moment.
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  })
  return profile
}

/** Collects what the page must not do: policy violations, thrown errors, and requests to other origins. */
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
