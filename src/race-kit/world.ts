import { setTimeout as delay } from 'node:timers/promises'
import type { FaultProxy } from './fault-proxy.js'
import type { Observation, Party } from './history.js'
import { type HeldToken, type Holder, handedToken, memberText } from './holder.js'
import { formatRequest, type Request, type Response } from './http-message.js'
import { type Journey, plainJourney } from './journey.js'

/** What everybody in a run shares. */
export interface World {
  readonly urls: readonly URL[]
  readonly graceMilliseconds: number
  readonly proxy: FaultProxy
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number
  /** What is still under way when its client has stopped waiting. */
  readonly pending: Set<Promise<unknown>>
}

export interface Errand {
  readonly party: Party
  readonly asked: Observation['asked']
  readonly instance: number
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly content?: object
  readonly presented?: HeldToken | undefined
  readonly retryKey?: string | undefined
  readonly journey?: Journey
}

/** How long anything but a refresh is waited for. */
const usualPatienceMilliseconds = 30_000

/** Sends a request through the proxy and tells `observe` every answer of the service; gives the one that was heard. */
export async function send(
  world: World,
  errand: Errand,
  observe?: (seen: Observation, response: Response | undefined) => void
): Promise<Response | undefined> {
  const url = world.urls[errand.instance % world.urls.length]
  if (url === undefined) throw new Error('There is no instance to ask.')
  const sentAt = world.now()
  const path = url.pathname.replace(/\/$/, '') + errand.path
  const request = formatRequest({ ...errand, path, host: url.host } satisfies Request)
  const isRefresh = errand.asked === 'refresh'
  const patienceMilliseconds = isRefresh ? world.graceMilliseconds / 2 : usualPatienceMilliseconds
  const { heard, carried } = await world.proxy.send(request, {
    url,
    journey: errand.journey ?? plainJourney,
    patienceMilliseconds
  })
  keepPending(
    world,
    carried.then(({ passedAt, answers }) => {
      if (passedAt === undefined) return
      for (const { response, at } of answers)
        observe?.(observation(errand, response, { sentAt, passedAt, answeredAt: at }), response)
    })
  )
  return heard
}

/** Does something now that nobody waits for but the end of the run. */
export function keepPending(world: World, promise: Promise<unknown>): void {
  const kept = promise.finally(() => world.pending.delete(kept))
  world.pending.add(kept)
}

/** Asks until there is an answer that is no announced refusal, at most ten times; undefined where none came. */
export async function ask(
  world: World,
  errand: Errand,
  observe?: (seen: Observation) => void
): Promise<Response | undefined> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const response = await send(world, errand, observe)
    if (response !== undefined && !isPutOff(response)) return response
    await delay(putOffMilliseconds(response))
  }
  return undefined
}

export const isPutOff = ({ status }: Response) => status === 503 || status === 429

/** How long the service asks to be left alone; a little where it did not say. */
export function putOffMilliseconds(response: Response | undefined): number {
  const seconds = Number(response?.headers.get('retry-after') ?? 0.1)
  return Math.min(Number.isFinite(seconds) ? seconds : 1, 20) * 1000
}

function observation(
  { party, asked, instance, presented, retryKey }: Errand,
  response: Response | undefined,
  times: Pick<Observation, 'sentAt' | 'passedAt' | 'answeredAt'>
): Observation {
  const served = asked === 'refresh' && response?.status === 200
  return {
    ...times,
    party,
    asked,
    instance,
    presented,
    retryKey,
    status: response?.status ?? 0,
    retryAfter: response?.headers.has('retry-after') ?? false,
    code: memberText(response?.body, 'code'),
    reason: memberText(response?.body, 'reason'),
    handed: served ? (handedToken(response) ?? presented) : undefined
  }
}

/** The credentials of a holder, as `/refresh` and `/logout` take them. */
export function credentialsOf(
  holder: Holder
): Pick<Errand, 'method' | 'headers' | 'content' | 'presented' | 'retryKey'> {
  const { token, retryKey } = holder
  return { method: 'POST', headers: holder.headers(), content: holder.content(), presented: token, retryKey }
}
