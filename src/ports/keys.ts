import type { KeyTimes, RotationCause, RotationPlan, RotationSettings } from '../core/key-rotation.js'
import type { SigningAlgorithm } from '../core/vocabulary.js'
import type { Actor } from './events.js'
import type { JsonWebKey } from './tokens.js'

/** A signing key without anything secret. */
export interface KeyRecord extends KeyTimes {
  readonly kid: string
  readonly alg: string
  readonly createdAt: number
}

/** The signing keys that all instances share. */
export interface SigningKeys {
  /** What a rotation by this instance goes by. */
  readonly settings: RotationSettings
  /** Every key, the newest first. */
  list(): Promise<readonly KeyRecord[]>
  /**
   * Makes the next key, as `planRotation` says, and writes `signing_key_rotated`, all or nothing; false
   * where the next key waits already. This instance knows of it when this resolves, the others
   * within a second.
   */
  rotate(cause: RotationCause, actor: Actor): Promise<boolean>
}

/** A signing key as its row has it. */
export interface StoredSigningKey extends KeyRecord {
  readonly encryptedPrivateKey: Uint8Array
}

export interface NewSigningKey {
  readonly number: number
  readonly kid: string
  readonly alg: SigningAlgorithm
  /** The public key, or no more than its type where it has none to show. */
  readonly publicJwk: JsonWebKey | { readonly kty: 'oct' }
  readonly encryptedPrivateKey: Uint8Array<ArrayBuffer>
}

export interface SigningKeyStore {
  /** Every key, the smallest number first. */
  list(): Promise<readonly StoredSigningKey[]>
  /** Adds a key that signs from now on; false, and nothing done, where its number is taken. */
  add(key: NewSigningKey): Promise<boolean>
  /**
   * Adds the key that follows all others, sets the ends of those as planned, and writes the event, all
   * or nothing; false where its number is taken. The plan counts from the database's now.
   */
  rotate(key: NewSigningKey, plan: RotationPlan, cause: RotationCause, actor: Actor): Promise<boolean>
  /** Puts another encryption of the same private key in place. */
  replaceEncryption(number: number, encryptedPrivateKey: Uint8Array<ArrayBuffer>): Promise<void>
}
