import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { goodPassword } from '../service.js'

/** A Latchkey as a browser reaches it: an app, and the path of its routes. */
export interface Site {
  readonly app: FastifyInstance
  readonly prefix: string
}

/**
 * The cookies of a browser for one host name, shared by all ports and paths of it. As browsers do, it keeps cookies with
 * and without `Partitioned` apart.
 */
export class BrowserJar {
  /** The `name=value` of each cookie, by its name and partition. */
  readonly cookies = new Map<string, string>()

  get names(): readonly string[] {
    return [...this.cookies.values()].map((pair) => pair.slice(0, pair.indexOf('='))).sort()
  }

  async send(
    { app, prefix }: Site,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    { headers, ...options }: Pick<InjectOptions, 'payload' | 'headers'> = {}
  ): Promise<LightMyRequestResponse> {
    const cookie = [...this.cookies.values()].join('; ')
    const url = `${prefix}${path}`
    const response = await app.inject({ method, url, headers: { ...(cookie && { cookie }), ...headers }, ...options })
    for (const header of [response.headers['set-cookie'] ?? []].flat()) this.store(header)
    return response
  }

  async signIn(site: Site, path: '/register' | '/login', email: string, mode = 'cookie') {
    return this.send(site, 'POST', path, { payload: { email, password: goodPassword, mode } })
  }

  store(setCookie: string): void {
    const [pair = '', ...attributes] = setCookie.split('; ')
    const key = `${pair.slice(0, pair.indexOf('='))}${attributes.includes('Partitioned') ? ' partitioned' : ''}`
    if (attributes.includes('Max-Age=0')) this.cookies.delete(key)
    else this.cookies.set(key, pair)
  }

  /** The value of the cookie of this name. */
  value(name: string): string | undefined {
    return this.cookies.get(name)?.slice(name.length + 1)
  }
}
