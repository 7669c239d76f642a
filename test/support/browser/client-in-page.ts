import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'

const clientFolder = new URL('../../../src/client/', import.meta.url)

/** Creates a `latchkey/client` in the page, named `client`. It is served at /client/, as an app would bundle it. */
export async function loadClient(page: Page, options: object): Promise<void> {
  await page.route('**/client/**/*.js', async (route) => {
    const name = new URL(route.request().url()).pathname.slice('/client/'.length)
    await route.fulfill({ contentType: 'text/javascript', body: await readFile(new URL(name, clientFolder), 'utf8') })
  })
  await page.evaluate(
    async ({ options, from }) => {
      const { createAuthClient } = await import(from)
      Object.assign(globalThis, { client: createAuthClient(options) })
    },
    { options, from: '/client/index.js' }
  )
}

/** The state of `latchkey/client` in the page after `action`, an expression. */
export function clientSays(page: Page, action: string): Promise<unknown> {
  return page.evaluate(`(async () => ${action})().then(
    (value) => ({ value, state: client.state }),
    ({ code, reason }) => ({ code, reason, state: client.state })
  )`)
}
