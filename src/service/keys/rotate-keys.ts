import { type KeyState, planRotation, type RotationCause, withStates } from '../../core/key-rotation.js'
import type { Actor, KeyRecord, Ports } from '../../ports/index.js'

export type SigningKeyPorts = Pick<Ports, 'signingKeys' | 'clock'>

/** A signing key as admins see it; `kid` is null for a key that a dry run only foresees. */
export interface KeyWithState extends Omit<KeyRecord, 'kid'> {
  readonly kid: string | null
  readonly state: KeyState
}

export interface KeyRotation {
  /** Whether there is a new key, or would be one; false if the next key is published already. */
  readonly rotated: boolean
  readonly keys: readonly KeyWithState[]
}

export interface RotationRequest {
  /** Retire all older keys at once. Every access token that they signed is refused. */
  readonly revokeOld: boolean
  /** Change nothing; return what would happen. */
  readonly dryRun: boolean
}

/** All signing keys with their states, newest first. */
export async function listKeys({ signingKeys, clock }: SigningKeyPorts): Promise<readonly KeyWithState[]> {
  return withStates(await signingKeys.list(), clock.now())
}

/** Starts a rotation of the signing key. A second request changes nothing until the next key signs. */
export async function rotateKeys(ports: SigningKeyPorts, request: RotationRequest, actor: Actor): Promise<KeyRotation> {
  const cause = request.revokeOld ? 'revoke_old' : 'requested'
  if (request.dryRun) return previewRotation(ports, cause)
  const rotated = await ports.signingKeys.rotate(cause, actor)
  return { rotated, keys: await listKeys(ports) }
}

/** The keys as they would be if the rotation started now. */
async function previewRotation({ signingKeys, clock }: SigningKeyPorts, cause: RotationCause): Promise<KeyRotation> {
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
