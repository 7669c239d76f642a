import { setTimeout as delay } from 'node:timers/promises'
import { type Delivery, normalDelivery } from '../plan/deliveries.js'
import { timeoutShare } from '../plan/kinds.js'
import type { Observation } from '../record/history.js'
import { issuedToken, type RefreshToken } from '../record/refresh-token.js'
import type { FaultProxy } from '../wire/fault-proxy.js'
import { formatRequest, type HttpResponse, textMember } from '../wire/http-message.js'
import type { TokenHolder } from './token-holder.js'

/** What all sessions of a run share. */
export interface RaceContext {
  readonly urls: readonly URL[]
  readonly graceMilliseconds: number
  readonly proxy: FaultProxy
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
  /** Work that goes on after its client has stopped waiting. The run ends when it is done. */
  readonly pending: Set<Promise<unknown>>
}

export interface RaceRequest extends Pick<Observation, 'sender' | 'purpose' | 'instance'> {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly content?: object
  readonly presented?: RefreshToken | undefined
  readonly idempotencyKey?: string | undefined
  readonly delivery?: Delivery | undefined
}

type Observe = (seen: Observation, response: HttpResponse | undefined) => void

/** The timeout of every request except a refresh. */
const defaultTimeoutMilliseconds = 30_000
const maxAttempts = 10

/** Sends a request through the proxy, passes each response of the service to `observe`, and returns what the client got. */
export async function send(
  context: RaceContext,
  request: RaceRequest,
  observe?: Observe
): Promise<HttpResponse | undefined> {
  const url = context.urls[request.instance % context.urls.length]
  if (url === undefined) throw new Error('A race needs the address of an instance.')
  const sentAt = context.now()
  const path = url.pathname.replace(/\/$/, '') + request.path
  const isRefresh = request.purpose === 'refresh'
  const { received, result } = await context.proxy.send(formatRequest({ ...request, path, host: url.host }), {
    url,
    delivery: request.delivery ?? normalDelivery,
    timeoutMilliseconds: isRefresh ? context.graceMilliseconds * timeoutShare : defaultTimeoutMilliseconds
  })
  const observed = result.then(({ deliveredAt, responses }) => {
    if (deliveredAt === undefined) return
    for (const { response, at } of responses)
      observe?.(observation(request, response, { sentAt, deliveredAt, answeredAt: at }), response)
  })
  trackPending(context, observed)
  return received
}

/** Makes the end of the run wait for `promise`. */
export function trackPending({ pending }: RaceContext, promise: Promise<unknown>): void {
  const tracked = promise.finally(() => pending.delete(tracked))
  pending.add(tracked)
}

/** Repeats a request that is lost or answered 503 or 429. Undefined if every attempt failed. */
export async function sendUntilServed(
  context: RaceContext,
  request: RaceRequest,
  observe?: Observe
): Promise<HttpResponse | undefined> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const response = await send(context, request, observe)
    if (response !== undefined && !isOverloaded(response)) return response
    await delay(retryDelayMilliseconds(response))
  }
  return undefined
}

export const isOverloaded = ({ status }: HttpResponse) => status === 503 || status === 429

/** The response's `Retry-After`, 20 s at most; 0.1 s without one. */
export function retryDelayMilliseconds(response: HttpResponse | undefined): number {
  const seconds = Number(response?.headers.get('retry-after') ?? 0.1)
  return Math.min(Number.isFinite(seconds) ? seconds : 1, 20) * 1000
}

function observation(
  { sender, purpose, instance, presented, idempotencyKey }: RaceRequest,
  response: HttpResponse | undefined,
  times: Pick<Observation, 'sentAt' | 'deliveredAt' | 'answeredAt'>
): Observation {
  const isServed = purpose === 'refresh' && response?.status === 200
  return {
    ...times,
    sender,
    purpose,
    instance,
    presented,
    idempotencyKey,
    status: response?.status ?? 0,
    hasRetryAfter: response?.headers.has('retry-after') ?? false,
    code: textMember(response?.body, 'code'),
    reason: textMember(response?.body, 'reason'),
    issued: isServed ? (issuedToken(response) ?? presented) : undefined
  }
}

/** A holder's credentials, as `POST /refresh` and `POST /logout` take them. */
export function credentialsOf(
  holder: TokenHolder,
  idempotencyKey?: string
): Pick<RaceRequest, 'method' | 'headers' | 'content' | 'presented' | 'idempotencyKey'> {
  const headers = {
    ...holder.headers(),
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey })
  }
  return { method: 'POST', headers, content: holder.content(), presented: holder.token, idempotencyKey }
}
