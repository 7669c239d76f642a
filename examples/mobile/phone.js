import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAuthClient } from 'latchkey/client'

/** An app on a phone that just started. The app's storage and the keychain are folders here. */
export function startApp({ issuer, folder, fetch = globalThis.fetch }) {
  const storage = storageIn(join(folder, 'app'))
  const keyStorage = storageIn(join(folder, 'keychain'))
  return createAuthClient({ baseURL: issuer, mode: 'body', storage, keyStorage, fetch })
}

function storageIn(folder) {
  const pathOf = (name) => join(folder, name)
  return {
    get: (name) => (existsSync(pathOf(name)) ? readFile(pathOf(name), 'utf8') : undefined),
    async set(name, value) {
      await mkdir(folder, { recursive: true })
      await writeFile(pathOf(name), value, { mode: 0o600 })
    },
    remove: (name) => rm(pathOf(name), { force: true })
  }
}
