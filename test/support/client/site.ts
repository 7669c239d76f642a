import type { Test } from 'tap'
import { type Runtime, systemRuntime } from '../../../src/client/runtime/runtime.js'
import { createServerClient } from '../../../src/client/server/create-server-client.js'
import type { BrowserRequest, ServerClientOptions } from '../../../src/client/server/server-client.js'
import { openTestDatabase, sql } from '../database.js'
import { newEmail } from '../http/people.js'
import { openService, goodPassword as password } from '../service.js'

/** The system's runtime without pauses between attempts, but with their timeouts. */
export const impatientRuntime: Runtime = {
  ...systemRuntime,
  schedule: (action, milliseconds, idle) => systemRuntime.schedule(action, milliseconds < 2000 ? 0 : milliseconds, idle)
}

/** A browser, as far as a site sees it: its cookies, and what it sends with each request. */
export class Visitor {
  readonly jar = new Map<string, string>()
  readonly headers: Record<string, string> = { 'user-agent': 'a browser', 'sec-fetch-site': 'same-origin' }

  get request(): BrowserRequest {
    const cookie = [...this.jar].map((pair) => pair.join('=')).join('; ')
    return { headers: { ...this.headers, ...(cookie && { cookie }) }, ip: '192.0.2.7' }
  }

  /** Keeps the cookies of a response. A response that is never passed here is lost. */
  receive<T extends Response | { readonly setCookies: readonly string[] }>(response: T): T {
    for (const header of response instanceof Response ? response.headers.getSetCookie() : response.setCookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
      if (value === '') this.jar.delete(name)
      else this.jar.set(name, value)
    }
    return response
  }

  /** The one cookie whose name contains `text`. */
  cookie(text: string): string | undefined {
    return [...this.jar].find(([name]) => name.includes(text))?.[1]
  }
}

/** A Latchkey on a port of its own, and sites beside it. All closes when `t` ends. */
export async function openLatchkeyForSites(t: Test, environment: Record<string, string> = {}) {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const app = await openService(t, database, environment)
  const baseURL = await app.listen({ port: 0, host: '127.0.0.1' })

  /** One process of the site. */
  function newSite(options: Partial<ServerClientOptions> = {}, runtime = impatientRuntime) {
    const requests: Request[] = []
    /** What happens to each request: by default it is sent. */
    const network = { carry: (request: Request): Promise<Response> => fetch(request) }
    const site = createServerClient(
      {
        baseURL,
        origin: 'http://127.0.0.1',
        fetch: (input, init) => {
          const request = new Request(input, init)
          requests.push(request.clone())
          return network.carry(request)
        },
        ...options
      },
      runtime
    )
    /** The paths of the requests to Latchkey since the last call. */
    const takeRequests = () => requests.splice(0).map(({ url }) => new URL(url).pathname)
    return { ...site, requests, network, takeRequests }
  }

  /** A person who has signed in at a site of their own, and their browser. */
  async function newVisitor(site = newSite()) {
    const visitor = new Visitor()
    const person = { email: newEmail(), password }
    const response = visitor.receive(await site.answer(visitor.request, 'register', person))
    const { session_id: sid, access_token: accessToken } = (await response.json()) as Record<string, string>
    if (sid === undefined || accessToken === undefined) throw new Error(`register answered ${response.status}`)
    return { visitor, person, sid, accessToken }
  }

  /** The events of a session, oldest first, each with its reason. */
  async function eventsOf(sid: string): Promise<readonly string[]> {
    const rows = await sql<{ type: string; reason: string | null }>(
      database,
      'SELECT type, reason FROM event WHERE session_id = $1::uuid ORDER BY id',
      sid
    )
    return rows.map(({ type, reason }) => (reason === null ? type : `${type}: ${reason}`))
  }

  return { app, database, baseURL, newSite, newVisitor, eventsOf }
}

/** A network that loses each response after Latchkey has answered. */
export async function loseResponse(request: Request): Promise<Response> {
  await fetch(request)
  throw new TypeError('The connection was lost')
}
