import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import type { Database } from '../../src/adapters/prisma/database.js'
import { buildApp } from '../../src/app.js'
import { type Environment, loadConfig } from '../../src/config/read-config.js'
import type { Clock } from '../../src/ports/runtime.js'

/** Settings under which tests run: as in production but for what would only cost time. */
export const testEnvironment: Environment = {
  ROOT_SECRET: 'a root secret for tests of more than 32 bytes',
  ISSUER: 'https://auth.test',
  BCRYPT_COST: '4',
  LOG_LEVEL: 'silent',
  RATE_LIMIT_ENABLED: 'false'
}

/** The real service on `database`, closed when the test ends. `environment` says what differs from `testEnvironment`. */
export async function openService(
  t: Test,
  database: Database,
  environment: Environment = {},
  clock?: Clock
): Promise<FastifyInstance> {
  const config = loadConfig({ ...testEnvironment, ...environment })
  const app = await buildApp(config, { database, refusalMilliseconds: 0, ...(clock && { clock }) })
  t.teardown(() => app.close())
  return app
}

/** What a browser, a phone or a program does: it keeps its cookies and its tokens. */
export class Client {
  /** Those that are credentials. */
  readonly cookies = new Map<string, string>()
  /** What proves that this client has signed in before: a cookie, or a token of `body` mode. */
  deviceCookie: readonly [name: string, value: string] | undefined
  deviceToken = ''
  accessToken = ''
  refreshToken = ''
  sessionId = ''

  constructor(readonly app: FastifyInstance) {}

  /** Sends a request with the cookies and, unless `bearer` is false, the access token; keeps what comes back. */
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

  /** Registers, or logs in where `path` says so, and keeps the credentials. */
  async signIn(
    email: string,
    options: { readonly path?: '/register' | '/login'; readonly mode?: string; readonly device?: string } = {}
  ): Promise<LightMyRequestResponse> {
    const { path = '/register', ...rest } = options
    return this.send('POST', path, { bearer: false, payload: { email, password: goodPassword, ...rest } })
  }

  private keep(response: LightMyRequestResponse): void {
    for (const { name, value, maxAge } of response.cookies) {
      if (name === '__Host-device' || name === 'device') this.deviceCookie = [name, value]
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
