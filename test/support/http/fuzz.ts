import fc from 'fast-check'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { Client, goodPassword } from '../service.js'
import { signInAdmin, userIdOf } from './admin.js'
import {
  type HostileBody,
  type HostileRequest,
  hostileRequests,
  oneWrongMember,
  placeholder,
  type Sender
} from './hostile-requests.js'
import { anotherDevice, newEmail, newPerson, sessionCookie } from './people.js'
import { asGateway } from './services.js'
import { mismatchOf, type NamedOperation } from './specification.js'

/** Sends hostile requests to one operation and checks every response against the contract. */

interface People {
  readonly email: string
  readonly person: Client
  readonly serverSide: Client
  readonly admin: Client
  readonly other: Client
  readonly userId: string
  readonly otherId: string
}

/**
 * A user with a device of each kind, another user, and an admin. Each is replaced if a request ended their sessions.
 */
export function crowdOf(app: FastifyInstance): () => Promise<People> {
  let [device, stranger] = [
    { email: '', client: new Client(app) },
    { email: '', client: new Client(app) }
  ]
  let [serverSide, admin] = [new Client(app), new Client(app)]
  let [userId, otherId] = ['', '']
  const isGone = async (client: Client) => (await client.send('GET', '/me')).statusCode !== 200

  return async () => {
    if (await isGone(admin)) admin = await signInAdmin(app)
    // Checked together, because the password may have changed.
    if ((await isGone(device.client)) || (await isGone(serverSide))) {
      device = await newPerson(app, 'body')
      serverSide = (await anotherDevice(app, device, 'session')).client
      userId = await userIdOf(device.client)
    }
    if (await isGone(stranger.client)) {
      stranger = await newPerson(app, 'body')
      otherId = await userIdOf(stranger.client)
    }
    return { email: device.email, person: device.client, serverSide, admin, other: stranger.client, userId, otherId }
  }
}

/** Sends each member each of `values`, and then `runs` generated requests. Throws with the smallest failing request. */
export async function fuzz(
  app: FastifyInstance,
  crowd: () => Promise<People>,
  named: NamedOperation,
  { seed, runs, values }: { readonly seed: number; readonly runs: number; readonly values: readonly unknown[] }
): Promise<ReadonlyMap<number, number>> {
  const statuses = new Map<number, number>()
  const examples = oneWrongMember(named, values)
  let people = await crowd()
  await fc.assert(
    fc.asyncProperty(hostileRequests(named), async (hostile) => {
      const response = await app.inject(requestOf(named, hostile, people))
      statuses.set(response.statusCode, (statuses.get(response.statusCode) ?? 0) + 1)
      if (named.method !== 'get' && response.statusCode < 400) people = await crowd()
      const fault = faultOf(named, hostile.sender, response)
      if (fault !== undefined) throw new Error(`${named.name}: ${fault}\n${response.body.slice(0, 500)}`)
    }),
    { seed, examples: examples.map((example) => [example] as const), numRuns: examples.length + runs }
  )
  return statuses
}

/** The fault of a response: a 500, a bypassed guard, or a response that is not in the specification. */
function faultOf(named: NamedOperation, sender: Sender, response: LightMyRequestResponse): string | undefined {
  const { statusCode, headers } = response
  if (statusCode === 503 && !/^[1-9]\d*$/.test(String(headers['retry-after']))) return '503 without Retry-After'
  if (statusCode >= 500 && statusCode !== 503) return `answered ${statusCode}`
  if (statusCode < 400 && !isAcceptedSender(named, sender)) return `let ${sender} in`
  if (statusCode === 401 && headers['www-authenticate'] === undefined) return '401 without a challenge'
  if (Object.hasOwn(Object.prototype, 'roles') || 'admin' in {}) return 'Object.prototype was changed'
  return mismatchOf(named.operation, response)
}

function isAcceptedSender({ operation, path }: NamedOperation, sender: Sender): boolean {
  const schemes = (operation.security ?? []).flatMap(Object.keys)
  if (schemes.length === 0) return true
  if (schemes.includes('service')) return sender === 'service'
  if (path.startsWith('/admin')) return sender === 'admin'
  return sender === 'person' || sender === 'server-side session' || sender === 'admin'
}

function requestOf(named: NamedOperation, hostile: HostileRequest, people: People): InjectOptions {
  const put = (text: string) =>
    Object.entries(real(people)).reduce((put, [name, value]) => put.replaceAll(name, value), text)
  const path = named.path.replace(/\{(\w+)\}/g, (_, name) => put(hostile.parameters[name] ?? ''))
  const query = put(decodePlaceholders(hostile.query))
  const type = Object.keys(named.operation.requestBody?.content ?? {})[0] ?? 'application/json'
  return {
    method: named.method.toUpperCase() as 'GET',
    url: query === '' ? path : `${path}?${query}`,
    headers: {
      ...hostile.headers,
      ...credentials(hostile.sender, people, named),
      ...(hostile.body && { 'content-type': hostile.body.kind === 'raw' ? hostile.body.type : type })
    },
    ...(hostile.body && { payload: payloadOf(hostile.body, type, put) })
  }
}

/** Names of placeholders are replaced by real values before they reach an address. */
function decodePlaceholders(query: string): string {
  return Object.values(placeholder).reduce((text, name) => text.replaceAll(encodeURIComponent(name), name), query)
}

function real(people: People): Record<string, string> {
  return {
    [placeholder.ownSession]: people.person.sessionId,
    [placeholder.othersSession]: people.other.sessionId,
    [placeholder.ownUser]: people.userId,
    [placeholder.othersUser]: people.otherId,
    [placeholder.ownPassword]: goodPassword,
    [placeholder.ownEmail]: people.email,
    [placeholder.newEmail]: newEmail(),
    [placeholder.ownRefreshToken]: people.person.refreshToken
  }
}

function payloadOf(body: HostileBody, type: string, put: (text: string) => string): string | Buffer {
  if (body.kind === 'raw') return body.content
  if (type !== 'application/json') {
    return put(body.members.map(([name, value]) => `${form(name)}=${form(value)}`).join('&'))
  }
  // Serialized by hand, because an object cannot have a repeated member or its own __proto__.
  return put(`{${body.members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`)
}

const form = (value: unknown) =>
  new URLSearchParams({ '': typeof value === 'string' ? value : JSON.stringify(value) })
    .toString()
    .slice(1)
    .replace(/%7B|%7D|\+/g, (sign) => decodeURIComponent(sign.replace('+', ' ')))

function credentials(sender: Sender, people: People, { path }: NamedOperation): Record<string, string> {
  const bearer = (client: Client) => ({ authorization: `Bearer ${client.accessToken}` })
  const session = `${sessionCookie}=${people.serverSide.cookies.get(sessionCookie)}`
  switch (sender) {
    case 'nobody':
      return {}
    case 'person':
      return bearer(people.person)
    case 'admin':
      return bearer(people.admin)
    case 'server-side session':
      return { cookie: session }
    case 'service':
      // The feed does not end by itself.
      return path === '/revocations' ? {} : asGateway
    case 'damaged':
      return { authorization: `Bearer ${people.admin.accessToken.slice(0, -3)}`, cookie: `${session}x` }
    case 'two at once':
      return { cookie: `${session}; ${session}` }
  }
}
