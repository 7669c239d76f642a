import { isRetired, newestKey } from '../../core/key-rotation.js'
import { isSigningAlgorithm, type SigningAlgorithm } from '../../core/vocabulary.js'
import type { KeyRecord, NewSigningKey, SigningKeyStore, StoredSigningKey } from '../../ports/keys.js'
import type { Clock, Entropy } from '../../ports/runtime.js'
import { RootSecretError, type RootSecrets } from '../secrets/root-secrets.js'
import { decryptPrivateKey, encryptPrivateKey } from './signing-key-encryption.js'
import { generatePrivateKey, type KeyMaterial, keyId, keyMaterial } from './signing-key-material.js'

/** A signing key, decrypted. */
export interface SigningKey extends KeyMaterial, Omit<KeyRecord, 'alg' | 'createdAt'> {
  readonly alg: SigningAlgorithm
}

export interface SigningKeyOptions {
  readonly store: SigningKeyStore
  readonly secrets: RootSecrets
  /** The algorithm of a new key. */
  readonly alg: SigningAlgorithm
  readonly entropy: Entropy
  readonly clock: Pick<Clock, 'now'>
}

/**
 * The database's signing keys that have not retired, decrypted. If there is none, makes one that signs at once;
 * instances that start at the same time all get the same key. A key that only an older root secret decrypts is
 * encrypted again with the newest, so that the operator can remove the older one. Throws `RootSecretError` if no root
 * secret decrypts a key: the database belongs to another root secret, and serving it would refuse all tokens.
 */
export async function loadSigningKeys(options: SigningKeyOptions): Promise<readonly SigningKey[]> {
  const { store, clock } = options
  for (;;) {
    const stored = await store.list()
    const newest = newestKey(stored)
    // Decrypt the newest key even if it has retired: only the right root secret may make the next key.
    const wanted = stored.filter((key) => key === newest || !isRetired(key, clock.now()))
    const keys: SigningKey[] = []
    for (const key of wanted) keys.push(await requireDecrypted(key, options))
    const live = keys.filter((key) => !isRetired(key, clock.now()))
    if (live.length > 0) return live
    await store.add({ ...(await newSigningKey(options)), number: (newest?.number ?? 0) + 1 })
  }
}

/**
 * The keys that have not retired, as the store has them now. Keys in `known` are not decrypted again. A key that none
 * of our root secrets decrypts is left out: an instance that already has a newer root secret made it, and we can go on
 * with the others.
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

/** Makes a key, encrypted with the newest root secret; storing it is the caller's task. */
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
      'Start with the secret that it was made with (the file root-secret in the data folder, if none was set), ' +
      'or list that secret after the new one.'
  )
}

/** Undefined if none of our root secrets decrypts it. */
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
