import { createHash } from 'node:crypto'
import type { BreachedPasswords } from '../../ports/passwords.js'

export interface BreachedPasswordsOptions {
  /** A range service with the protocol of Have I Been Pwned, such as https://api.pwnedpasswords.com/range/. */
  readonly url: string
  /** Called if the service does not answer, or answers wrongly. */
  readonly onFailure: (error: unknown) => void
  readonly timeoutMilliseconds?: number
}

/** In characters: ten times the longest real range. */
const maxRangeLength = 1_000_000

/**
 * Asks a range service whether a password has leaked. The service learns the first 5 of the 40 hex digits of the
 * password's SHA-1, which hundreds of leaked passwords share; padding hides how many. If the service fails, the
 * password counts as not leaked.
 */
export function breachedPasswords(options: BreachedPasswordsOptions): BreachedPasswords {
  const { url, onFailure, timeoutMilliseconds = 1500 } = options
  const base = url.endsWith('/') ? url : `${url}/`
  return async (password) => {
    const digest = createHash('sha1').update(password).digest('hex').toUpperCase()
    try {
      const range = await readRange(`${base}${digest.slice(0, 5)}`, timeoutMilliseconds)
      return hasSuffix(range, digest.slice(5))
    } catch (error) {
      onFailure(error)
      return false
    }
  }
}

async function readRange(address: string, timeoutMilliseconds: number): Promise<string> {
  const response = await fetch(address, {
    headers: { 'add-padding': 'true', 'user-agent': 'latchkey' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMilliseconds)
  })
  if (!response.ok || response.body === null) throw new Error(`The range service answered ${response.status}.`)
  let text = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (text.length > maxRangeLength) throw new Error('The answer of the range service is too long.')
  }
  return text
}

/** Whether a line `SUFFIX:COUNT` has this suffix. Lines with the count 0 are padding. */
function hasSuffix(range: string, suffix: string): boolean {
  const [, count] = new RegExp(`^${suffix}:(\\d+)\\s*$`, 'im').exec(range) ?? []
  return count !== undefined && Number(count) > 0
}

/** Without a range service, no password counts as leaked. */
export const noBreachedPasswords: BreachedPasswords = async () => false
