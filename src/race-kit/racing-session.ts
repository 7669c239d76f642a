import { setTimeout as delay } from 'node:timers/promises'
import { type Account, authorizedRequest, type SignedIn } from './accounts.js'
import type { Delivery } from './delivery.js'
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
import type { ClientPlan, Step } from './schedule.js'
import { type TokenHolder, textMember } from './token-holder.js'

/** How often a client tries one refresh before it waits for the next step. */
const maxAttempts = 6
const retryDelay = 50
/** How many of the newest access tokens are tried after the session has ended. */
const probedTokens = 3
const thiefsKey = 'the key of somebody else'

/** One session in a run: its honest client, its thief, and every response of the service about it. */
export class RacingSession {
  readonly observations: Observation[] = []
  readonly #context: RaceContext
  readonly #plan: ClientPlan
  readonly #account: Account
  readonly #sid: string
  readonly #client: TokenHolder
  readonly #thief: { holder: TokenHolder | undefined; readonly thefts: number[] } = { holder: undefined, thefts: [] }
  readonly #accessTokens: string[]
  #ended = false
  /** The last refresh, where tabs refresh one after the other. */
  #lastTurn: Promise<void> = Promise.resolve()

  constructor(context: RaceContext, plan: ClientPlan, { account, holder, sid }: SignedIn) {
    this.#context = context
    this.#plan = plan
    this.#account = account
    this.#client = holder
    this.#sid = sid
    this.#accessTokens = [holder.accessToken]
  }

  async perform(step: Step): Promise<void> {
    switch (step.do) {
      case 'refresh':
        return this.refresh(step.instance, step.attempts)
      case 'steal':
        return this.#steal(step.back)
      case 'use_stolen':
        return this.refreshAsThief(step.instance, step.back, step.withKey)
      case 'end':
        return this.#end(step.instance, step.by)
    }
  }

  /** Refreshes as the honest client. Attempts beyond `deliveries` meet no fault. */
  refresh(instance: number, deliveries: readonly Delivery[] = []): Promise<void> {
    if (this.#plan.kind === 'tabs') return this.#refreshNow(instance, deliveries)
    this.#lastTurn = this.#lastTurn.then(() => this.#refreshNow(instance, deliveries))
    return this.#lastTurn
  }

  /** Refreshes as the thief, if there is one. */
  async refreshAsThief(instance: number, back = 0, withKey = false): Promise<void> {
    const { holder } = this.#thief
    const token = holder?.held.at(-1 - back) ?? holder?.held[0]
    if (holder === undefined || token === undefined) return
    const used = holder.copy(token, withKey ? thiefsKey : undefined)
    await this.#send('thief', used, instance)
    const newest = used.held.at(-1)
    if (newest !== undefined && newest.generation > (holder.held.at(-1)?.generation ?? 0)) holder.held.push(newest)
  }

  history(live: ReadonlySet<string> | undefined): SessionHistory {
    const { kind, scenario } = this.#plan
    const listed = live?.has(this.#sid)
    return { sid: this.#sid, kind, scenario, thefts: this.#thief.thefts, observations: this.observations, listed }
  }

  async #refreshNow(instance: number, deliveries: readonly Delivery[]): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      // After the session has ended, its older tokens are tried too: all of them must be refused.
      const holder = this.#ended ? this.#olderToken(attempt) : this.#client
      const response = await this.#send('honest', holder, instance, deliveries[attempt])
      if (response !== undefined && !isOverloaded(response)) return
      await delay(response === undefined ? retryDelay : retryDelayMilliseconds(response))
    }
  }

  #olderToken(back: number): TokenHolder {
    const token = this.#client.held.at(-1 - back) ?? this.#client.held[0]
    return token === undefined ? this.#client : this.#client.copy(token, this.#client.idempotencyKey)
  }

  #steal(back: number): void {
    const { held } = this.#client
    const token = held.at(-1 - back) ?? held[0]
    if (token === undefined) return
    this.#thief.holder = this.#client.copy(token, undefined)
    this.#thief.thefts.push(this.#context.now())
  }

  async #end(instance: number, by: 'itself' | 'another_device'): Promise<void> {
    const request =
      by === 'itself'
        ? { ...credentialsOf(this.#client), path: '/logout' }
        : await authorizedRequest(this.#context, this.#account, 'DELETE', `/sessions/${this.#sid}`)
    await sendUntilServed(this.#context, { ...request, sender: 'honest', purpose: 'end', instance }, (seen) =>
      this.#record(seen, undefined)
    )
  }

  async #send(
    sender: Sender,
    holder: TokenHolder,
    instance: number,
    delivery?: Delivery
  ): Promise<HttpResponse | undefined> {
    const credentials = credentialsOf(holder)
    if (credentials.presented === undefined) return undefined
    const request = { ...credentials, sender, purpose: 'refresh', instance, path: '/refresh', delivery } as const
    const response = await send(this.#context, request, (seen, response) => this.#record(seen, response))
    if (response !== undefined) holder.store(response, credentials.presented)
    return response
  }

  #record(seen: Observation, response: HttpResponse | undefined): void {
    this.observations.push(seen)
    const accessToken = textMember(response?.body, 'access_token')
    if (accessToken !== undefined) this.#accessTokens.push(accessToken)
    if (!reportsEnd(seen) || this.#ended) return
    this.#ended = true
    trackPending(this.#context, this.#probe(seen.instance))
  }

  /** Tries the access tokens of the ended session: at once on `instance`, and a second later on every instance. */
  async #probe(instance: number): Promise<void> {
    await this.#tryAccess(instance)
    await delay(endEverywhereMilliseconds + 50)
    await Promise.all(this.#context.urls.map((_, each) => this.#tryAccess(each)))
  }

  async #tryAccess(instance: number): Promise<void> {
    for (const token of this.#accessTokens.slice(-probedTokens)) {
      const headers = { authorization: `Bearer ${token}` }
      const request = { sender: 'honest', purpose: 'access', instance, method: 'GET', path: '/me', headers } as const
      await send(this.#context, request, (seen) => this.observations.push(seen))
    }
  }
}
