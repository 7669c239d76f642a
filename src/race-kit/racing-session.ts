import { setTimeout as delay } from 'node:timers/promises'
import { authorizedRequest, type SignedIn } from './accounts.js'
import { type Observation, reportsEnd, type Sender, type SessionHistory } from './history.js'
import type { HttpResponse } from './http-message.js'
import { endEverywhereMilliseconds } from './oracle.js'
import {
  credentialsOf,
  isOverloaded,
  type RaceContext,
  retryDelayMilliseconds,
  send,
  sendUntilServed,
  trackPending
} from './race-requests.js'
import type { ClientPlan, Delivery, Step } from './schedule.js'
import { type TokenHolder, textMember } from './token-holder.js'

/** How often a client tries one refresh before it waits for the next step. */
const maxAttempts = 6
const retryDelay = 50
/** How many of the newest access tokens are tried after the session has ended. */
const probedTokens = 3
const thiefsKey = 'the key of somebody else'

export type RacingSession = ReturnType<typeof racingSession>

/** One session in a run: its honest client, its thief, and every response of the service about it. */
export function racingSession(context: RaceContext, plan: ClientPlan, { account, holder: client, sid }: SignedIn) {
  const observations: Observation[] = []
  const thefts: number[] = []
  const accessTokens = [client.accessToken]
  let thief: TokenHolder | undefined
  let hasEnded = false
  /** The last refresh, where tabs refresh one after the other. */
  let lastTurn: Promise<void> = Promise.resolve()

  async function perform(step: Step): Promise<void> {
    switch (step.do) {
      case 'refresh':
        return refresh(step.instance, step.attempts)
      case 'steal':
        return steal(step.back)
      case 'use_stolen':
        return refreshAsThief(step.instance, step.back, step.withKey)
      case 'end':
        return end(step.instance, step.by)
    }
  }

  /** Refreshes as the honest client. Attempts beyond `deliveries` meet no fault. */
  function refresh(instance: number, deliveries: readonly Delivery[] = []): Promise<void> {
    if (plan.kind === 'tabs') return refreshNow(instance, deliveries)
    lastTurn = lastTurn.then(() => refreshNow(instance, deliveries))
    return lastTurn
  }

  /** Refreshes as the thief, if there is one. */
  async function refreshAsThief(instance: number, back = 0, withKey = false): Promise<void> {
    const holder = thief
    const token = holder?.older(back)
    if (holder === undefined || token === undefined) return
    const used = holder.copy(token, withKey ? thiefsKey : undefined)
    await sendRefresh('thief', used, instance)
    const newest = used.held.at(-1)
    if (newest !== undefined && newest.generation > (holder.held.at(-1)?.generation ?? 0)) holder.held.push(newest)
  }

  function history(live: ReadonlySet<string> | undefined): SessionHistory {
    const { kind, scenario } = plan
    return { sid, kind, scenario, thefts, observations, listed: live?.has(sid) }
  }

  async function refreshNow(instance: number, deliveries: readonly Delivery[]): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      // After the session has ended, its older tokens are tried too: all of them must be refused.
      const token = hasEnded ? client.older(attempt) : undefined
      const holder = token === undefined ? client : client.copy(token, client.idempotencyKey)
      const response = await sendRefresh('honest', holder, instance, deliveries[attempt])
      if (response !== undefined && !isOverloaded(response)) return
      await delay(response === undefined ? retryDelay : retryDelayMilliseconds(response))
    }
  }

  function steal(back: number): void {
    const token = client.older(back)
    if (token === undefined) return
    thief = client.copy(token, undefined)
    thefts.push(context.now())
  }

  async function end(instance: number, by: 'itself' | 'another_device'): Promise<void> {
    const request =
      by === 'itself'
        ? { ...credentialsOf(client), path: '/logout' }
        : await authorizedRequest(context, account, 'DELETE', `/sessions/${sid}`)
    await sendUntilServed(context, { ...request, sender: 'honest', purpose: 'end', instance }, record)
  }

  async function sendRefresh(sender: Sender, holder: TokenHolder, instance: number, delivery?: Delivery) {
    const credentials = credentialsOf(holder)
    if (credentials.presented === undefined) return undefined
    const request = { ...credentials, sender, purpose: 'refresh', instance, path: '/refresh', delivery } as const
    const response = await send(context, request, record)
    if (response !== undefined) holder.store(response, credentials.presented)
    return response
  }

  function record(seen: Observation, response: HttpResponse | undefined): void {
    observations.push(seen)
    const accessToken = textMember(response?.body, 'access_token')
    if (accessToken !== undefined) accessTokens.push(accessToken)
    if (!reportsEnd(seen) || hasEnded) return
    hasEnded = true
    trackPending(context, probe(seen.instance))
  }

  /** Tries the access tokens of the ended session: at once on `instance`, and a second later on every instance. */
  async function probe(instance: number): Promise<void> {
    await tryAccess(instance)
    await delay(endEverywhereMilliseconds + 50)
    await Promise.all(context.urls.map((_, each) => tryAccess(each)))
  }

  async function tryAccess(instance: number): Promise<void> {
    for (const token of accessTokens.slice(-probedTokens)) {
      const headers = { authorization: `Bearer ${token}` }
      const request = { sender: 'honest', purpose: 'access', instance, method: 'GET', path: '/me', headers } as const
      await send(context, request, (seen) => observations.push(seen))
    }
  }

  return { perform, refresh, refreshAsThief, history }
}
