import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'

const clientFolder = new URL('../../../src/client/', import.meta.url)

/**
 * Another web server on its own port. It serves an empty page at every address, with the cookie of `setCookieAt`, and
 * `latchkey/client` at /client/, as an app would bundle it. Returns its port.
 */
export async function openOtherSite(t: Test): Promise<number> {
  const server = createServer(async (request, response) => {
    const name = /^\/client\/([a-z/-]+\.js)$/.exec(request.url ?? '')?.[1]
    response.setHeader('content-type', name === undefined ? 'text/html' : 'text/javascript')
    const cookie = /[?]set-cookie=([\w-]+)$/.exec(request.url ?? '')?.[1]
    if (cookie !== undefined) response.setHeader('set-cookie', Buffer.from(cookie, 'base64url').toString('latin1'))
    response.end(
      name === undefined ? '<!doctype html><title>Another site</title>' : await readFile(new URL(name, clientFolder))
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  return (server.address() as AddressInfo).port
}

/** Opens a page of another site that sends this Set-Cookie header. Each character is one byte of the header. */
export async function setCookieAt(page: Page, origin: string, header: string): Promise<void> {
  await page.goto(`${origin}/?set-cookie=${Buffer.from(header, 'latin1').toString('base64url')}`)
}
