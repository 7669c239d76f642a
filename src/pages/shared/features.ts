import { baseURL } from './base-url.js'
import type { Features } from './responses.js'

let loading: Promise<Partial<Features>> | undefined

/** What the service offers (`GET /features`), requested once. Empty if the service cannot be reached. */
export async function features(): Promise<Partial<Features>> {
  loading ??= load()
  const loaded = await loading
  // The request failed: send it again the next time.
  if (loaded.locales === undefined) loading = undefined
  return loaded
}

/** Whether people sign in with passwords; true if that is not known. */
export async function hasPasswords(): Promise<boolean> {
  return (await features()).password_login !== false
}

async function load(): Promise<Partial<Features>> {
  const response = await fetch(new URL('features', baseURL)).catch(() => undefined)
  return (response?.ok && (await response.json().catch(() => undefined))) || {}
}
