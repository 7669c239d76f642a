import type { KeyTimes, RotationCause, RotationPlan, RotationSettings } from '../core/key-rotation.js'
import type { SigningAlgorithm } from '../core/vocabulary.js'
import type { Actor } from './events.js'
import type { JsonWebKey } from './tokens.js'

/** A signing key without its secret part. */
export interface KeyRecord extends KeyTimes {
  readonly kid: string
  readonly alg: string
  readonly createdAt: number
}

/** The signing keys, which all instances share. */
export interface SigningKeys {
  /** The settings of a rotation that this instance starts. */
  readonly settings: RotationSettings
  /** All keys, newest first. */
  list(): Promise<readonly KeyRecord[]>
  /**
   * Creates the next key as `planRotation` says and writes `signing_key_rotated`, all or nothing. False, with nothing
   * done, if the next key is published already. This instance knows the new key when the promise resolves, the others
   * within a second.
   */
  rotate(cause: RotationCause, actor: Actor): Promise<boolean>
}

/** A signing key as the database stores it. */
export interface StoredSigningKey extends KeyRecord {
  readonly encryptedPrivateKey: Uint8Array
}

export interface NewSigningKey {
  readonly number: number
  readonly kid: string
  readonly alg: SigningAlgorithm
  /** The public key; for HS256, which has none, only its type. */
  readonly publicJwk: JsonWebKey | { readonly kty: 'oct' }
  readonly encryptedPrivateKey: Uint8Array<ArrayBuffer>
}

export interface SigningKeyStore {
  /** All keys, smallest number first. */
  list(): Promise<readonly StoredSigningKey[]>
  /** Adds a key that signs from now on. False, with nothing done, if its number is taken. */
  add(key: NewSigningKey): Promise<boolean>
  /**
   * Adds the next key, sets the retirement of the others as planned and writes the event, all or nothing. False, with
   * nothing done, if its number is taken. The times of the plan count from the database's clock.
   */
  rotate(key: NewSigningKey, plan: RotationPlan, cause: RotationCause, actor: Actor): Promise<boolean>
  /** Replaces the encrypted private key by another encryption of the same private key. */
  replaceEncryption(number: number, encryptedPrivateKey: Uint8Array<ArrayBuffer>): Promise<void>
}
