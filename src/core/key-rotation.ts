import type { SigningAlgorithm } from './vocabulary.js'

/**
 * When a signing key is published, signs and retires. Which key signs follows from times alone, so
 * that all instances agree without asking each other. Times are milliseconds by the database's clock.
 */

/** How long a verifier may keep the key set (the max-age of /.well-known/jwks.json). */
export const jwksMaxAgeSeconds = 300

/** Covers clocks that differ, and the time until every instance has learned of a change. */
const skewSeconds = 60

/** How long a key is published before it signs: by then no cache holds a key set without it. */
export const publishLeadSeconds = jwksMaxAgeSeconds + skewSeconds

/** When a key begins to sign and when it stops to verify; null while no end is set. */
export interface KeyTimes {
  /** Counts up from 1; of the keys that may sign, the greatest does. */
  readonly number: number
  readonly signsFrom: number
  readonly retiresAt: number | null
}

export const keyStates = ['published', 'active', 'retiring', 'retired'] as const

/**
 * `published`: verifiers know it, and it does not sign yet. `active`: signs. `retiring`: what it signed
 * is still good. `retired`: what it signed is refused.
 */
export type KeyState = (typeof keyStates)[number]

const rotationCauses = ['requested', 'revoke_old', 'scheduled', 'algorithm_changed'] as const

/** Why there is a new key. `revoke_old` is the emergency: the keys before it retire at once. */
export type RotationCause = (typeof rotationCauses)[number]

export interface RotationSettings {
  /** What the next key is for. */
  readonly alg: SigningAlgorithm
  readonly publishLeadSeconds: number
  readonly accessTokenTtlSeconds: number
}

/** What a rotation does, counted from its moment. */
export interface RotationPlan {
  /** When the new key begins to sign; below zero where it does at once. */
  readonly signsInSeconds: number
  /** When those before it retire that would not have retired by then. */
  readonly othersRetireInSeconds: number
}

export function isRetired({ retiresAt }: KeyTimes, now: number): boolean {
  return retiresAt !== null && retiresAt <= now
}

/** The one key that signs at `now`; undefined where none does. */
export function activeKey<Key extends KeyTimes>(keys: readonly Key[], now: number): Key | undefined {
  return newestKey(keys.filter((key) => key.signsFrom <= now && !isRetired(key, now)))
}

export function newestKey<Key extends KeyTimes>(keys: readonly Key[]): Key | undefined {
  return keys.reduce<Key | undefined>((newest, key) => (newest && newest.number > key.number ? newest : key), undefined)
}

/** Each of `keys` with its state at `now`. */
export function withStates<Key extends KeyTimes>(keys: readonly Key[], now: number): (Key & { state: KeyState })[] {
  const active = activeKey(keys, now)
  const stateOf = (key: Key): KeyState => {
    if (isRetired(key, now)) return 'retired'
    if (isWaiting(key, now)) return 'published'
    return key === active ? 'active' : 'retiring'
  }
  return keys.map((key) => ({ ...key, state: stateOf(key) }))
}

/** Whether the key is published and does not sign yet. */
export function isWaiting(key: KeyTimes, now: number): boolean {
  return key.signsFrom > now && !isRetired(key, now)
}

/**
 * What a rotation asked for at `now` does: 'pending' where the next key waits already, so that asking
 * twice is asking once. The keys before retire when the last token that any of them signed has expired.
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

/** A minute back, because an instance's estimate of the database's clock may be a little behind it. */
const atOnce = { signsInSeconds: -skewSeconds }
