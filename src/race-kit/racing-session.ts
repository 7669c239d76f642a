import { setTimeout as delay } from 'node:timers/promises'
import { type Account, authorized, type SignedIn } from './accounts.js'
import { type Observation, type SessionHistory, tellsEnd } from './history.js'
import { type Holder, memberText } from './holder.js'
import type { Response } from './http-message.js'
import type { Journey } from './journey.js'
import { endEverywhereMilliseconds } from './oracle.js'
import type { ClientPlan, Step } from './schedule.js'
import { ask, credentialsOf, isPutOff, keepPending, putOffMilliseconds, send, type World } from './world.js'

/** How often a client tries one refresh before it waits for the next occasion. */
const maxAttempts = 6
const pauseBetweenAttempts = 50
/** Of how many of a session's newest access tokens it is tried whether they end with it. */
const probedTokens = 3
const thiefsKey = 'the key of somebody else'

/** One session in a run: its honest client, its thief, and everything that the service said about it. */
export class RacingSession {
  readonly observations: Observation[] = []
  readonly #world: World
  readonly #plan: ClientPlan
  readonly #account: Account
  readonly #sid: string
  readonly #client: Holder
  readonly #thief: { holder: Holder | undefined; readonly thefts: number[] } = { holder: undefined, thefts: [] }
  readonly #accessTokens: string[]
  #ended = false
  /** The refresh that the next one waits for, where tabs take turns. */
  #turn: Promise<void> = Promise.resolve()

  constructor(world: World, plan: ClientPlan, { account, holder, sid }: SignedIn) {
    this.#world = world
    this.#plan = plan
    this.#account = account
    this.#client = holder
    this.#sid = sid
    this.#accessTokens = [holder.accessToken]
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'refresh':
        return this.#takeTurn(() => this.#refresh(step.instance, step.attempts))
      case 'steal':
        return this.#steal(step.back)
      case 'abuse':
        return this.#abuse(step.instance, step.back, step.withKey)
      case 'end':
        return this.#end(step.instance, step.by)
    }
  }

  /** Refreshes without any fault: whoever is a generation behind, or holds a stolen token, comes up now. */
  async calm(instance: number): Promise<void> {
    await this.#takeTurn(() => this.#refresh(instance, []))
  }

  /** The thief, where there is one, uses its newest token. */
  async calmThief(instance: number): Promise<void> {
    await this.#abuse(instance, 0, false)
  }

  history(live: ReadonlySet<string> | undefined): SessionHistory {
    const { kind, story } = this.#plan
    const listed = live?.has(this.#sid)
    return { sid: this.#sid, kind, story, thefts: this.#thief.thefts, observations: this.observations, listed }
  }

  #takeTurn(refresh: () => Promise<void>): Promise<void> {
    if (this.#plan.kind === 'tabs') return refresh()
    this.#turn = this.#turn.then(refresh)
    return this.#turn
  }

  async #refresh(instance: number, journeys: readonly Journey[]): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      // What has ended is tried on with what was kept of it: it must stay ended.
      const holder = this.#ended ? this.#remembered(attempt) : this.#client
      const response = await this.#send('honest', holder, instance, journeys[attempt])
      if (response !== undefined && !isPutOff(response)) return
      await delay(response === undefined ? pauseBetweenAttempts : putOffMilliseconds(response))
    }
  }

  #remembered(back: number): Holder {
    const token = this.#client.held.at(-1 - back) ?? this.#client.held[0]
    return token === undefined ? this.#client : this.#client.copy(token, this.#client.retryKey)
  }

  #steal(back: number): void {
    const { held } = this.#client
    const token = held.at(-1 - back) ?? held[0]
    if (token === undefined) return
    this.#thief.holder = this.#client.copy(token, undefined)
    this.#thief.thefts.push(this.#world.now())
  }

  async #abuse(instance: number, back: number, withKey: boolean): Promise<void> {
    const { holder } = this.#thief
    const token = holder?.held.at(-1 - back) ?? holder?.held[0]
    if (holder === undefined || token === undefined) return
    const guise = holder.copy(token, withKey ? thiefsKey : undefined)
    await this.#send('thief', guise, instance)
    const gained = guise.held.at(-1)
    if (gained !== undefined && gained.generation > (holder.held.at(-1)?.generation ?? 0)) holder.held.push(gained)
  }

  async #end(instance: number, by: 'itself' | 'another_device'): Promise<void> {
    const errand =
      by === 'itself'
        ? { ...credentialsOf(this.#client), path: '/logout' }
        : await authorized(this.#world, this.#account, 'DELETE', `/sessions/${this.#sid}`)
    await ask(this.#world, { ...errand, party: 'honest', asked: 'end', instance }, (seen) =>
      this.#note(seen, undefined)
    )
  }

  async #send(
    party: 'honest' | 'thief',
    holder: Holder,
    instance: number,
    journey?: Journey
  ): Promise<Response | undefined> {
    const credentials = credentialsOf(holder)
    if (credentials.presented === undefined) return undefined
    const errand = {
      ...credentials,
      party,
      asked: 'refresh' as const,
      instance,
      path: '/refresh',
      ...(journey && { journey })
    }
    const response = await send(this.#world, errand, (seen, answer) => this.#note(seen, answer))
    if (response !== undefined) holder.keep(response, credentials.presented)
    return response
  }

  #note(seen: Observation, response: Response | undefined): void {
    this.observations.push(seen)
    const accessToken = memberText(response?.body, 'access_token')
    if (accessToken !== undefined) this.#accessTokens.push(accessToken)
    if (!tellsEnd(seen) || this.#ended) return
    this.#ended = true
    keepPending(this.#world, this.#probe(seen.instance))
  }

  /** Tries the session's access tokens at once where it ended, and everywhere when every instance must know. */
  async #probe(instance: number): Promise<void> {
    await this.#tryAccess(instance)
    await delay(endEverywhereMilliseconds + 50)
    await Promise.all(this.#world.urls.map((_, each) => this.#tryAccess(each)))
  }

  async #tryAccess(instance: number): Promise<void> {
    for (const token of this.#accessTokens.slice(-probedTokens)) {
      const headers = { authorization: `Bearer ${token}` }
      const errand = { party: 'honest', asked: 'access', instance, method: 'GET', path: '/me', headers } as const
      await send(this.#world, errand, (seen) => this.observations.push(seen))
    }
  }
}
