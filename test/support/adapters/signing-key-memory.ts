import type { RotationCause } from '../../../src/core/key-rotation.js'
import type { SigningKeyStore, StoredSigningKey } from '../../../src/ports/keys.js'

/** A key store in memory that behaves like the table. `clock` takes the place of the database's clock. */
export function memoryStore(clock: { now(): number }) {
  const rows: StoredSigningKey[] = []
  const causes: RotationCause[] = []
  const at = (seconds: number) => clock.now() + seconds * 1000
  const rowAt = (index: number): StoredSigningKey => {
    const row = rows[index]
    if (row === undefined) throw new Error(`there is no row ${index}`)
    return row
  }
  const change = (index: number, changed: Partial<StoredSigningKey>) => {
    rows.splice(index, 1, { ...rowAt(index), ...changed })
  }
  const insert = (key: Pick<StoredSigningKey, 'number' | 'kid' | 'alg' | 'encryptedPrivateKey'>, signsFrom: number) => {
    if (rows.some((row) => row.number === key.number)) return false
    const { number, kid, alg, encryptedPrivateKey } = key
    rows.push({ number, kid, alg, encryptedPrivateKey, createdAt: clock.now(), signsFrom, retiresAt: null })
    return true
  }
  const store: SigningKeyStore = {
    list: async () => structuredClone(rows),
    add: async (key) => insert(key, clock.now()),
    async rotate(key, plan, cause) {
      if (!insert(key, at(plan.signsInSeconds))) return false
      causes.push(cause)
      rows.forEach(({ number, retiresAt }, i) => {
        const end = at(plan.othersRetireInSeconds)
        if (number < key.number) change(i, { retiresAt: Math.min(retiresAt ?? end, end) })
      })
      return true
    },
    async replaceEncryption(number, encryptedPrivateKey) {
      change(
        rows.findIndex((row) => row.number === number),
        { encryptedPrivateKey }
      )
    }
  }
  return { store, rows, causes, rowAt, change }
}
