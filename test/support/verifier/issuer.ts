import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { AccessClaims } from '../../../src/core/access-claims.js'
import { keysEvent, readyEvent, revocationEvent } from '../../../src/testing/feed-events.js'
import * as signing from '../../../src/testing/signing.js'

/** A Latchkey service for verifiers. Unlike with `testIssuer`, a test sets each answer, so that the service can fail. */

let keysMade = 0

export function makeKey(alg: signing.TestAlgorithm = 'ES256', kid = `key-${++keysMade}`): signing.TestKey {
  return signing.makeKey(alg, kid)
}

/** Signs with the algorithm of `key`, also if `header` names another. */
export function signToken(key: signing.TestKey, payload: unknown, header: unknown = signing.headerOf(key)): string {
  return signing.signedInput(key, `${encode(header)}.${encode(payload)}`)
}

/** A part of a token. A text stays as it is, for tokens that are no JSON. */
export function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

const audience = 'https://api.example'
export const credential = { id: 'reports', secret: 'a+secret/of 32 characters, with ö' }

type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface Issuer {
  readonly url: string
  readonly audience: string
  keys: signing.TestKey[]
  /** Answers requests for the keys in place of the issuer. */
  keysHandler: Handler | undefined
  feedHandler: Handler | undefined
  /** The service's own name in its metadata; `url` by default. */
  name: string
  cacheControl: string
  /** The number of requests for the keys. */
  readonly keyRequests: number
  /** The headers of the requests for the feed, oldest first. */
  readonly followers: readonly {
    readonly lastEventId: string | undefined
    readonly authorization: string | undefined
  }[]
  claims(change?: Partial<AccessClaims>): AccessClaims
  /** A good token, signed with the first key. */
  token(change?: Partial<AccessClaims>): string
  /** Adds an entry to the feed. */
  revoke(entry: {
    readonly sid: string | null
    readonly reason?: string
    readonly at?: number
    readonly expiresAt?: number
  }): void
  /** Sends the current list of keys to all followers. */
  announceKeys(): void
  /** Sends text to all followers. */
  sendText(text: string): void
  /** Cuts the connections of all followers. */
  cutConnections(): void
}

let sessionsMade = 0

export function newSid(): string {
  sessionsMade += 1
  return `session-${sessionsMade}`
}

/** Starts an issuer, which closes with `t`. */
export async function startIssuer(t: Pick<Test, 'teardown'>, now: () => number = Date.now): Promise<Issuer> {
  const entries: string[] = []
  const followers: { lastEventId: string | undefined; authorization: string | undefined }[] = []
  const following = new Set<ServerResponse>()
  let keyRequests = 0

  function serveKeys(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': issuer.cacheControl })
    response.end(JSON.stringify({ keys: issuer.keys.map(({ jwk }) => jwk) }))
  }

  function serveFeed(request: IncomingMessage, response: ServerResponse): void {
    const lastEventId = request.headers['last-event-id']?.toString()
    followers.push({ lastEventId, authorization: request.headers.authorization })
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(entries.slice(Number(lastEventId ?? 0)).join(''))
    response.write(readyEvent)
    following.add(response)
    response.on('close', () => following.delete(response))
  }

  const server = createServer((request, response) => {
    if (request.url === '/.well-known/jwks.json') {
      keyRequests += 1
      return issuer.keysHandler ? issuer.keysHandler(request, response) : serveKeys(response)
    }
    if (request.url === '/.well-known/oauth-authorization-server') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ issuer: issuer.name }))
      return
    }
    return issuer.feedHandler ? issuer.feedHandler(request, response) : serveFeed(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const issuer: Issuer = {
    url,
    audience,
    keys: [makeKey()],
    keysHandler: undefined,
    feedHandler: undefined,
    name: url,
    cacheControl: 'public, max-age=300',
    get keyRequests() {
      return keyRequests
    },
    followers,

    claims: (change = {}) => ({
      iss: url,
      aud: audience,
      sub: 'a-user',
      sid: newSid(),
      jti: 'a-token',
      client_id: 'latchkey',
      iat: Math.floor(now() / 1000),
      exp: Math.floor(now() / 1000) + 600,
      auth_time: Math.floor(now() / 1000) - 60,
      amr: ['pwd'],
      roles: ['editor'],
      ...change
    }),

    token(change) {
      const [key = makeKey()] = issuer.keys
      return signToken(key, issuer.claims(change))
    },

    revoke({ sid, reason = 'logged_out', at = now(), expiresAt = now() + 660_000 }) {
      const event = revocationEvent(entries.length + 1, { sid, reason, at, expiresAt })
      entries.push(event)
      issuer.sendText(event)
    },

    announceKeys() {
      issuer.sendText(keysEvent(issuer.keys.map(({ kid }) => kid)))
    },

    sendText(text) {
      for (const response of following) response.write(text)
    },

    cutConnections() {
      for (const response of following) response.destroy()
    }
  }
  return issuer
}
