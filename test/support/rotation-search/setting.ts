import type { RotationPolicy } from '../../../src/core/policy.js'
import type { decideRotation } from '../../../src/core/rotation.js'

/**
 * Which `Idempotency-Key` the two tabs send. `one`: the same. `one-may-be-lost`: the same; while no request is on its way
 * the browser may lose it, and the client makes another. `two`: each tab its own, like two origins that share a cookie
 * jar. `with-and-without`: one tab has a key, the other none. `per-operation`: each tab may make a new key for each request.
 */
type HonestKeys = 'none' | 'one' | 'one-may-be-lost' | 'two' | 'with-and-without' | 'per-operation'

/** What the thief can send beside a stolen token: no key or a key of their own; `clients`: also the client's key. */
type ThiefKeys = 'own' | 'clients'

/** What a search explores: who takes part, and what the network may do. */
export interface SearchSetting {
  readonly decide: typeof decideRotation
  readonly policy: RotationPolicy
  /** All times are multiples of this. */
  readonly stepSeconds: number
  /** No part of a refresh arrives later than this after it was sent. */
  readonly giveUpSeconds: number
  /** Whether both tabs may have a request on its way. */
  readonly atOnce: boolean
  readonly keys: HonestKeys
  /** Which responses with a changed token may be lost: none, one in `recoveryGenerations` generations, or any. */
  readonly losses: 'none' | 'one-in-recovery' | 'any'
  /** Undefined: nobody steals. Otherwise one theft, at any time, of any token that the client had. */
  readonly thief: ThiefKeys | undefined
}
