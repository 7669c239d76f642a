import { setTimeout as delay } from 'node:timers/promises'
import type { ThiefAction } from '../plan/actions.js'
import type { ThiefPlan } from '../plan/thefts.js'
import type { Observation, Sighting } from '../record/history.js'
import { listMember, textMember } from '../wire/http-message.js'
import { type RaceContext, send, trackPending } from './requests.js'
import type { TokenHolder } from './token-holder.js'

const ownKey = 'the key of somebody else'

/** What a thief needs of the session that it steals from. */
export interface Victim {
  readonly sid: string
  readonly client: TokenHolder
  /** The key in the client's storage. */
  storedKey(): string | undefined
  /** Sends a refresh as the thief. */
  refresh(holder: TokenHolder, key: string | undefined, instance: number): Promise<void>
  record(seen: Observation): void
}

export type Thief = ReturnType<typeof thiefOf>

/** The thief of one session. It acts as its plan says, and its requests meet no faults. */
export function thiefOf(context: RaceContext, { kind, ...plan }: ThiefPlan, victim: Victim) {
  const { client, sid } = victim
  const thefts: number[] = []
  const sightings: Sighting[] = []
  let holder: TokenHolder | undefined
  let key: string | undefined
  let uses = 0

  async function perform(action: ThiefAction): Promise<void> {
    switch (action.do) {
      case 'steal':
        return steal(action.back)
      case 'use_stolen':
        return use(action.instance, action.back, action.twice)
      case 'poll':
        return poll(action.instance)
    }
  }

  function steal(back: number): void {
    const token = client.older(back)
    if (token === undefined) return
    holder = client.copy(token)
    key = kind === 'storage' ? victim.storedKey() : plan.ownKey ? ownKey : undefined
    thefts.push(context.now())
  }

  /** Refreshes with the token `back` generations before the newest that the thief has; `twice` repeats it at once. */
  async function use(instance: number, back = 0, twice = false): Promise<void> {
    const thief = holder
    const token = thief?.older(back)
    if (thief === undefined || token === undefined) return
    for (let time = 0; time < (twice ? 2 : 1); time += 1) {
      const used = thief.copy(token)
      await victim.refresh(used, key, instance)
      thief.accessToken = used.accessToken
      const newest = used.held.at(-1)
      if (newest !== undefined && newest.generation > (thief.held.at(-1)?.generation ?? 0)) thief.held.push(newest)
    }
  }

  /** Reads the session in the list of sessions, and refreshes if it has changed since the last time. */
  async function poll(instance: number): Promise<void> {
    if (holder === undefined) return
    const headers = { authorization: `Bearer ${holder.accessToken}` }
    const request = { sender: 'thief', purpose: 'access', instance, method: 'GET', path: '/sessions', headers } as const
    const response = await send(context, request, victim.record)
    const session = listMember(response?.body, 'sessions')?.find((session) => textMember(session, 'id') === sid)
    if (response === undefined || session === undefined) return
    const before = sightings.at(-1)
    const time = (name: string) => Date.parse(textMember(session, name) ?? '')
    const now = {
      createdAt: time('created_at'),
      lastUsedAt: time('last_used_at'),
      expiresAt: time('expires_at'),
      servedAt: Date.parse(response.headers.get('date') ?? '')
    }
    sightings.push(now)
    const hasChanged = before !== undefined && before.lastUsedAt !== now.lastUsedAt
    if (hasChanged || (before !== undefined && before.expiresAt !== now.expiresAt)) await use(instance)
  }

  /** After a request of the client got a new token: some thieves refresh soon after it. */
  function clientMoved({ presented, issued = presented, instance }: Observation): void {
    const pause = plan.pauses[uses % plan.pauses.length]
    // Inside the window it tries the older token, and after the window the newest.
    const token = kind === 'window' ? presented : issued
    if (pause === undefined || holder === undefined || token === undefined) return
    uses += 1
    trackPending(
      context,
      delay(pause).then(() => {
        if (plan.stealsAgain) {
          holder = client.copy(token)
          thefts.push(context.now())
        }
        return use(instance, 0, true)
      })
    )
  }

  return {
    perform,
    clientMoved,
    /** Refreshes after the race, when every window has passed. A `window` thief does so only inside a window. */
    settle: async (instance: number) => (kind === 'window' ? undefined : use(instance)),
    kind,
    thefts,
    sightings
  }
}
