import { HttpConnection, type Request, type Response } from './http-connection.js'
import type { Server } from './processes.js'

/**
 * Sends one request of one connection, the next one with each call. Resolves to whether the request was served: false for
 * 503 with which a full queue sends it away. Throws for every other response that is not a success.
 */
export type Client = (connection: HttpConnection) => Promise<boolean>

/** Sends the same request each time. */
export function repeating(request: Request): Client {
  return async (connection) => wasServed(await connection.send(request))
}

export function getting(path: string, headers = ''): Client {
  return repeating({ method: 'GET', path, headers })
}

/** Sends a request that is made for each call. */
export function sending(next: () => Request): Client {
  return async (connection) => wasServed(await connection.send(next()))
}

/** Refreshes with the newest token of one session. */
export function refreshing(firstToken: string, requestWith = refreshRequest): Client {
  let token = firstToken
  return async (connection) => {
    const response = await connection.send(requestWith(token))
    if (!wasServed(response)) return false
    token = JSON.parse(response.body).refresh_token
    return true
  }
}

function refreshRequest(token: string): Request {
  return { method: 'POST', path: '/refresh', body: `{"refresh_token":"${token}"}` }
}

export function bearer(token: string): string {
  return `authorization: Bearer ${token}\r\n`
}

export const password = 'correct horse battery staple'

export interface SignedIn {
  readonly access: string
  readonly refresh: string
  /** The request header with all cookies of the response. */
  readonly cookie: string
}

/** Registers new users at Latchkey, each with a session of this mode. */
export async function signUp(server: Server, count: number, mode: 'body' | 'session'): Promise<readonly SignedIn[]> {
  const people = Array.from({ length: count }, () => ({ email: newEmail(), password, mode }))
  const responses = await sendEach(server, '/register', people)
  return responses.map((response) => {
    const { access_token: access, refresh_token: refresh } = JSON.parse(response.body)
    return { access, refresh, cookie: cookieHeader(response) }
  })
}

let registered = 0

export function newEmail(): string {
  return `${process.pid}-${++registered}@example.test`
}

/** The request header that sends back the cookies of a response. */
export function cookieHeader({ head }: Response): string {
  const pairs = [...head.matchAll(/^set-cookie: ([^;\r]+)/gim)].map(([, pair]) => pair)
  return pairs.length === 0 ? '' : `cookie: ${pairs.join('; ')}\r\n`
}

/** Makes a request with each of the bodies, and returns the responses. */
export async function sendEach(
  { port }: Server,
  path: string,
  bodies: readonly object[]
): Promise<readonly Response[]> {
  const connection = await HttpConnection.open(port)
  const responses: Response[] = []
  for (const body of bodies) {
    responses.push(await connection.send({ method: 'POST', path, body: JSON.stringify(body) }))
  }
  connection.close()
  responses.forEach(wasServed)
  return responses
}

function wasServed({ status, body }: Response): boolean {
  if (status === 503) return false
  if (status >= 300) throw new Error(`${status} ${body}`)
  return true
}
