import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import type { Database } from '../../src/adapters/prisma/database.js'
import { buildApp } from '../../src/app.js'
import { type Environment, loadConfig } from '../../src/config/read-config.js'
import type { NamedHook } from '../../src/core/hooks.js'
import type { Clock } from '../../src/ports/runtime.js'

/** Settings for tests: as in production, but with cheap password hashes and without rate limits. */
export const testEnvironment: Environment = {
  ROOT_SECRET: 'a root secret for tests of more than 32 bytes',
  ISSUER: 'https://auth.test',
  BCRYPT_COST: '4',
  LOG_LEVEL: 'silent',
  RATE_LIMIT_ENABLED: 'false'
}

/** The service on `database`, closed when the test ends. `environment` overrides `testEnvironment`. */
export async function openService(
  t: Test,
  database: Database,
  environment: Environment = {},
  clock?: Clock,
  hooks: readonly NamedHook[] = []
): Promise<FastifyInstance> {
  const config = loadConfig({ ...testEnvironment, ...environment })
  const app = await buildApp(config, { database, hooks, refusalMilliseconds: 0, ...(clock && { clock }) })
  t.teardown(() => app.close())
  return app
}

/** A client: it keeps the cookies and tokens of responses and sends them with each request. */
export class Client {
  /** All cookies but the device cookie. */
  readonly cookies = new Map<string, string>()
  /** Proves that this client has signed in before: the device cookie, or in `body` mode the device token. */
  deviceCookie: readonly [name: string, value: string] | undefined
  deviceToken = ''
  accessToken = ''
  refreshToken = ''
  sessionId = ''

  constructor(
    readonly app: FastifyInstance,
    readonly address = '127.0.0.1'
  ) {}

  /**
   * Sends a request with the cookies and, unless `bearer` is false, the access token. Keeps the credentials returned.
   */
  async send(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    {
      bearer = true,
      headers,
      ...options
    }: Pick<InjectOptions, 'payload' | 'headers'> & { readonly bearer?: boolean } = {}
  ): Promise<LightMyRequestResponse> {
    const cookie = [...this.cookies, ...(this.deviceCookie ? [this.deviceCookie] : [])]
      .map(([name, value]) => `${name}=${value}`)
      .join('; ')
    const response = await this.app.inject({
      method,
      url,
      remoteAddress: this.address,
      headers: {
        ...(cookie && { cookie }),
        ...(bearer && this.accessToken && { authorization: `Bearer ${this.accessToken}` }),
        ...headers
      },
      ...options
    })
    this.keep(response)
    return response
  }

  /** Registers, or logs in by `path: '/login'`, and keeps the credentials. */
  async signIn(
    email: string,
    options: { readonly path?: '/register' | '/login'; readonly mode?: string; readonly device?: string } = {}
  ): Promise<LightMyRequestResponse> {
    const { path = '/register', ...rest } = options
    return this.send('POST', path, { bearer: false, payload: { email, password: goodPassword, ...rest } })
  }

  private keep(response: LightMyRequestResponse): void {
    for (const { name, value, maxAge } of response.cookies) {
      if (/^(__Host-)?device(_[a-z0-9]+)?$/.test(name)) this.deviceCookie = [name, value]
      else if (maxAge === 0 || value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    if (response.statusCode >= 300 || !response.headers['content-type']?.toString().includes('json')) return
    const body = response.json()
    if (typeof body.access_token === 'string') this.accessToken = body.access_token
    if (typeof body.refresh_token === 'string') this.refreshToken = body.refresh_token
    if (typeof body.device_token === 'string') this.deviceToken = body.device_token
    if (typeof body.session_id === 'string') this.sessionId = body.session_id
  }
}

export const goodPassword = 'correct horse battery staple'
