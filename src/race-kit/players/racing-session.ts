import { setTimeout as delay } from 'node:timers/promises'
import type { Action } from '../plan/actions.js'
import type { Delivery } from '../plan/deliveries.js'
import { clientKinds } from '../plan/kinds.js'
import type { ClientPlan } from '../plan/schedule.js'
import {
  endEverywhereMilliseconds,
  type Observation,
  reportsEnd,
  type Sender,
  type SessionHistory
} from '../record/history.js'
import { type HttpResponse, textMember } from '../wire/http-message.js'
import { authorize, type SignedIn } from './accounts.js'
import { clientKeys } from './client-keys.js'
import {
  credentialsOf,
  isOverloaded,
  type RaceContext,
  retryDelayMilliseconds,
  send,
  sendUntilServed,
  trackPending
} from './requests.js'
import { type Thief, thiefOf } from './thief.js'
import type { TokenHolder } from './token-holder.js'

/** How often a client tries one refresh before it waits for the next step. */
const maxAttempts = 6
const retryDelay = 50
/** How many of the newest access tokens are tried after the session has ended. */
const probedTokens = 3

export type RacingSession = ReturnType<typeof racingSession>

/** One session in a run: its honest client, its thief, and every response of the service about it. */
export function racingSession(context: RaceContext, plan: ClientPlan, { account, holder: client, sid }: SignedIn) {
  const observations: Observation[] = []
  const accessTokens = [client.accessToken]
  const keys = clientKeys(plan.kind)
  const thief: Thief | undefined =
    plan.thief &&
    thiefOf(context, plan.thief, {
      sid,
      client,
      storedKey: keys.stored,
      refresh: async (holder, key, instance) => void (await sendRefresh('thief', holder, key, instance)),
      record: (seen) => observations.push(seen)
    })
  let hasEnded = false
  /** The last refresh, where tabs refresh one after the other. */
  let lastTurn: Promise<void> = Promise.resolve()

  async function perform(action: Action): Promise<void> {
    switch (action.do) {
      case 'refresh':
        return refresh(action.instance, action.origin, action.attempts)
      case 'refresh_once':
        return refresh(action.instance, action.origin, action.attempts, 1)
      case 'end':
        return end(action.instance, action.by)
      default:
        return thief?.perform(action)
    }
  }

  /** Refreshes as the honest client. Attempts beyond `deliveries` meet no fault. */
  function refresh(
    instance: number,
    origin: 0 | 1 = 0,
    deliveries: readonly Delivery[] = [],
    attempts = maxAttempts
  ): Promise<void> {
    const refreshNow = () => refreshInTurn(instance, origin, deliveries, attempts)
    if (clientKinds[plan.kind].atOnce) return refreshNow()
    lastTurn = lastTurn.then(refreshNow)
    return lastTurn
  }

  function history(live: ReadonlySet<string> | undefined, recovered: readonly string[] | undefined): SessionHistory {
    const { kind, scenario } = plan
    const { thefts = [], sightings = [] } = thief ?? {}
    const recoveries = recovered?.filter((each) => each === sid).length
    return {
      sid,
      kind,
      scenario,
      thief: thief?.kind,
      thefts,
      observations,
      sightings,
      listed: live?.has(sid),
      recoveries
    }
  }

  async function refreshInTurn(
    instance: number,
    origin: 0 | 1,
    deliveries: readonly Delivery[],
    attempts: number
  ): Promise<void> {
    const key = keys.next(origin)
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      // After the session has ended, its older tokens are tried too: all of them must be refused.
      const token = hasEnded ? client.older(attempt) : undefined
      const holder = token === undefined ? client : client.copy(token)
      const response = await sendRefresh('honest', holder, key, instance, deliveries[attempt])
      if (response !== undefined && !isOverloaded(response)) return
      await delay(response === undefined ? retryDelay : retryDelayMilliseconds(response))
    }
  }

  async function end(instance: number, by: 'itself' | 'another_device'): Promise<void> {
    const request =
      by === 'itself'
        ? { ...credentialsOf(client), path: '/logout' }
        : (await authorize(context, account))('DELETE', `/sessions/${sid}`)
    await sendUntilServed(context, { ...request, sender: 'honest', purpose: 'end', instance }, record)
  }

  async function sendRefresh(
    sender: Sender,
    holder: TokenHolder,
    key: string | undefined,
    instance: number,
    delivery?: Delivery
  ) {
    const credentials = credentialsOf(holder, key)
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
    const { sender, issued, presented } = seen
    if (sender === 'honest' && issued !== undefined && issued.text !== presented?.text) thief?.clientMoved(seen)
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

  return { perform, refresh, settleThief: async (instance: number) => thief?.settle(instance), history }
}
