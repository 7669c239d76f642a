import type { SigningAlgorithm } from './vocabulary.js'

/**
 * When a signing key is published, signs and retires. Only times decide which key signs, so all instances agree without
 * talking to each other. Times are milliseconds by the database's clock.
 */

/** How long a verifier may keep the key set (the max-age of /.well-known/jwks.json). */
export const jwksMaxAgeSeconds = 300

/** Margin for clocks that differ, and for the time until every instance knows of a change. */
const skewSeconds = 60

/** How long a key is published before it signs. After this time no cache holds a key set without it. */
export const publishLeadSeconds = jwksMaxAgeSeconds + skewSeconds

/** When a key starts to sign, and when its tokens are no longer accepted: null while no end is set. */
export interface KeyTimes {
  /** Counts up from 1. Of the keys that may sign, the one with the greatest number signs. */
  readonly number: number
  readonly signsFrom: number
  readonly retiresAt: number | null
}

export const keyStates = ['published', 'active', 'retiring', 'retired'] as const

/**
 * `published`: verifiers know the key; it does not sign yet. `active`: it signs. `retiring`: it no longer signs; its tokens
 * are still accepted. `retired`: its tokens are refused.
 */
export type KeyState = (typeof keyStates)[number]

const rotationCauses = ['requested', 'revoke_old', 'scheduled', 'algorithm_changed'] as const

/** Why a key was created. `revoke_old` is for a leaked key: all older keys retire at once. */
export type RotationCause = (typeof rotationCauses)[number]

export interface RotationSettings {
  /** The algorithm of the next key. */
  readonly alg: SigningAlgorithm
  readonly publishLeadSeconds: number
  readonly accessTokenTtlSeconds: number
}

/** The effects of a rotation, in seconds from when it starts. */
export interface RotationPlan {
  /** When the new key starts to sign; negative if at once. */
  readonly signsInSeconds: number
  /** When the older keys retire, unless they retire earlier anyway. */
  readonly othersRetireInSeconds: number
}

export function isRetired({ retiresAt }: KeyTimes, now: number): boolean {
  return retiresAt !== null && retiresAt <= now
}

/** The key that signs at `now`; undefined if none does. */
export function activeKey<Key extends KeyTimes>(keys: readonly Key[], now: number): Key | undefined {
  return newestKey(keys.filter((key) => key.signsFrom <= now && !isRetired(key, now)))
}

export function newestKey<Key extends KeyTimes>(keys: readonly Key[]): Key | undefined {
  return keys.reduce<Key | undefined>((newest, key) => (newest && newest.number > key.number ? newest : key), undefined)
}

/** The keys with their states at `now`. */
export function withStates<Key extends KeyTimes>(keys: readonly Key[], now: number): (Key & { state: KeyState })[] {
  const active = activeKey(keys, now)
  const stateOf = (key: Key): KeyState => {
    if (isRetired(key, now)) return 'retired'
    if (isWaiting(key, now)) return 'published'
    return key === active ? 'active' : 'retiring'
  }
  return keys.map((key) => ({ ...key, state: stateOf(key) }))
}

/** Whether the key is published but does not sign yet. */
export function isWaiting(key: KeyTimes, now: number): boolean {
  return key.signsFrom > now && !isRetired(key, now)
}

/**
 * Plans a rotation that starts at `now`. 'pending' if the next key is published already: a second request then changes
 * nothing. The older keys retire once the last token that they signed has expired; with `revoke_old` at once.
 */
export function planRotation(
  keys: readonly KeyTimes[],
  now: number,
  cause: RotationCause,
  settings: RotationSettings
): RotationPlan | 'pending' {
  if (cause === 'revoke_old') return { ...atOnce, othersRetireInSeconds: 0 }
  const newest = newestKey(keys)
  if (newest !== undefined && isWaiting(newest, now)) return 'pending'
  const overlapSeconds = settings.accessTokenTtlSeconds + skewSeconds
  if (activeKey(keys, now) === undefined) return { ...atOnce, othersRetireInSeconds: overlapSeconds }
  const signsInSeconds = settings.publishLeadSeconds
  return { signsInSeconds, othersRetireInSeconds: signsInSeconds + overlapSeconds }
}

/** In the past, because an instance's estimate of the database's clock may be behind. */
const atOnce = { signsInSeconds: -skewSeconds }
