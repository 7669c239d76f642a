import { type KeyState, planRotation, type RotationCause, withStates } from '../../core/key-rotation.js'
import type { Actor } from '../../ports/events.js'
import type { Ports } from '../../ports/index.js'
import type { KeyRecord } from '../../ports/keys.js'

export type SigningKeyPorts = Pick<Ports, 'signingKeys' | 'clock'>

/** A signing key as ops see it; `kid` is null where the key is only foreseen. */
export interface KeyWithState extends Omit<KeyRecord, 'kid'> {
  readonly kid: string | null
  readonly state: KeyState
}

export interface KeyRotation {
  /** Whether there is, or would be, a new key; false where the next one waits already. */
  readonly rotated: boolean
  readonly keys: readonly KeyWithState[]
}

export interface RotationRequest {
  /** Retire the keys before it at once, and with them everybody's access tokens. */
  readonly revokeOld: boolean
  /** Only say what would be. */
  readonly dryRun: boolean
}

/** Every signing key, the newest first. */
export async function listKeys({ signingKeys, clock }: SigningKeyPorts): Promise<readonly KeyWithState[]> {
  return withStates(await signingKeys.list(), clock.now())
}

/** Begins a rotation of the signing key; asking again while the next key waits to sign is asking once. */
export async function rotateKeys(ports: SigningKeyPorts, wish: RotationRequest, actor: Actor): Promise<KeyRotation> {
  const cause = wish.revokeOld ? 'revoke_old' : 'requested'
  if (wish.dryRun) return foresee(ports, cause)
  const rotated = await ports.signingKeys.rotate(cause, actor)
  return { rotated, keys: await listKeys(ports) }
}

/** The keys as they would be, were the rotation begun now. */
async function foresee({ signingKeys, clock }: SigningKeyPorts, cause: RotationCause): Promise<KeyRotation> {
  const now = clock.now()
  const keys: readonly (Omit<KeyRecord, 'kid'> & { readonly kid: string | null })[] = await signingKeys.list()
  const plan = planRotation(keys, now, cause, signingKeys.settings)
  if (plan === 'pending') return { rotated: false, keys: withStates(keys, now) }
  const next = {
    number: (keys[0]?.number ?? 0) + 1,
    kid: null,
    alg: signingKeys.settings.alg,
    createdAt: now,
    signsFrom: now + plan.signsInSeconds * 1000,
    retiresAt: null
  }
  const othersRetireAt = now + plan.othersRetireInSeconds * 1000
  const others = keys.map((key) => ({ ...key, retiresAt: Math.min(key.retiresAt ?? othersRetireAt, othersRetireAt) }))
  return { rotated: true, keys: withStates([next, ...others], now) }
}
