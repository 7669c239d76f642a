import { isRetired, newestKey } from '../../core/key-rotation.js'
import { isSigningAlgorithm, type SigningAlgorithm } from '../../core/signing-algorithm.js'
import type { KeyRecord, NewSigningKey, SigningKeyStore, StoredSigningKey } from '../../ports/keys.js'
import type { Clock, Entropy } from '../../ports/runtime.js'
import { RootSecretError } from '../secrets/root-secret-error.js'
import type { RootSecrets } from '../secrets/root-secrets.js'
import { decryptPrivateKey, encryptPrivateKey } from './signing-key-encryption.js'
import { generatePrivateKey, type KeyMaterial, keyId, keyMaterial } from './signing-key-material.js'

/** A key ready for use. */
export interface SigningKey extends KeyMaterial, Omit<KeyRecord, 'alg' | 'createdAt'> {
  readonly alg: SigningAlgorithm
}

export interface SigningKeyOptions {
  readonly store: SigningKeyStore
  readonly secrets: RootSecrets
  /** What a new key is for. */
  readonly alg: SigningAlgorithm
  readonly entropy: Entropy
  readonly clock: Pick<Clock, 'now'>
}

/**
 * The database's signing keys that have not retired, decrypted. Makes one that signs at once where
 * there is none; when several instances start at once, they all get the same one. A key that only an
 * older root secret decrypts is encrypted anew with the newest, so that the older one can go. Throws
 * `RootSecretError` where no root secret decrypts a key: the database belongs to another one, and to
 * serve from it would refuse everybody's tokens.
 */
export async function loadSigningKeys(options: SigningKeyOptions): Promise<readonly SigningKey[]> {
  const { store, clock } = options
  for (;;) {
    const stored = await store.list()
    const newest = newestKey(stored)
    // The newest is decrypted even if it has retired: to make the next one, ours must be the right root secret.
    const wanted = stored.filter((key) => key === newest || !isRetired(key, clock.now()))
    const keys: SigningKey[] = []
    for (const key of wanted) keys.push(await requireDecrypted(key, options))
    const live = keys.filter((key) => !isRetired(key, clock.now()))
    if (live.length > 0) return live
    await store.add({ ...(await newSigningKey(options)), number: (newest?.number ?? 0) + 1 })
  }
}

/**
 * The keys that have not retired, as the store has them now. Those in `known` are not decrypted again,
 * and one that none of our root secrets decrypts is left out: another instance, which has been given a
 * newer root secret already, has made it, and what we know we can go on with.
 */
export async function reloadSigningKeys(
  options: SigningKeyOptions,
  known: readonly SigningKey[]
): Promise<readonly SigningKey[]> {
  const keys: SigningKey[] = []
  for (const stored of await options.store.list()) {
    if (isRetired(stored, options.clock.now())) continue
    const before = known.find(({ kid }) => kid === stored.kid)
    const { signsFrom, retiresAt } = stored
    const key = before === undefined ? await decrypt(stored, options) : { ...before, signsFrom, retiresAt }
    if (key !== undefined) keys.push(key)
  }
  return keys
}

/** A key that no store has yet. */
export async function newSigningKey({
  alg,
  secrets,
  entropy
}: SigningKeyOptions): Promise<Omit<NewSigningKey, 'number'>> {
  const privateKey = await generatePrivateKey(alg, entropy)
  const kid = keyId(alg, privateKey, entropy)
  const publicJwk: NewSigningKey['publicJwk'] = keyMaterial(alg, kid, privateKey).jwk ?? { kty: 'oct' }
  const encryptedPrivateKey = encryptPrivateKey(secrets[0], privateKey, { kid, alg }, entropy)
  return { kid, alg, publicJwk, encryptedPrivateKey }
}

async function requireDecrypted(stored: StoredSigningKey, options: SigningKeyOptions): Promise<SigningKey> {
  const key = await decrypt(stored, options)
  if (key !== undefined) return key
  throw new RootSecretError(
    'This database belongs to another ROOT_SECRET: none of those given decrypts its signing keys. ' +
      'Start with the one it was made with (kept in the data folder as root-secret where none was set), ' +
      'or list that one after the new one.'
  )
}

/** Undefined where none of our root secrets encrypted it. */
async function decrypt(
  stored: StoredSigningKey,
  { store, secrets, entropy }: SigningKeyOptions
): Promise<SigningKey | undefined> {
  const { number, kid, alg, signsFrom, retiresAt } = stored
  if (!isSigningAlgorithm(alg)) throw new Error(`Signing key ${kid} is for ${alg}, which this version does not know.`)
  for (const secret of secrets) {
    const privateKey = decryptPrivateKey(secret, stored.encryptedPrivateKey, stored)
    if (privateKey === undefined) continue
    if (secret !== secrets[0]) {
      await store.replaceEncryption(number, encryptPrivateKey(secrets[0], privateKey, stored, entropy))
    }
    return { number, kid, alg, signsFrom, retiresAt, ...keyMaterial(alg, kid, privateKey) }
  }
  return undefined
}
