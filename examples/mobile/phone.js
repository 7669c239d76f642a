import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAuthClient } from 'latchkey/client'

/** An app on a phone that just started. Its secure store is a folder here. */
export function startApp({ issuer, folder, fetch = globalThis.fetch }) {
  const storage = {
    get: (name) => readFile(join(folder, name), 'utf8').catch(() => undefined),
    async set(name, value) {
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, name), value, { mode: 0o600 })
    },
    remove: (name) => rm(join(folder, name), { force: true })
  }
  return createAuthClient({ baseURL: issuer, mode: 'body', storage, fetch })
}
