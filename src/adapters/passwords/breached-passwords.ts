import { createHash } from 'node:crypto'
import type { BreachedPasswords } from '../../ports/passwords.js'

export interface BreachedPasswordsOptions {
  /** The address of a range service after the protocol of Have I Been Pwned, such as https://api.pwnedpasswords.com/range/. */
  readonly url: string
  /** Told why the service could not be asked. */
  readonly onFailure: (error: unknown) => void
  readonly timeoutMilliseconds?: number
}

/** Ten times the longest range there is. */
const longestAnswer = 1_000_000

/**
 * Asks a k-anonymity range service whether a password has leaked: it learns the first 5 of the 40 hex
 * digits of the password's SHA-1, which some hundred leaked passwords share, and padding hides how many
 * those are. A service that does not answer in time, or not as it should, keeps nobody from a password.
 */
export function breachedPasswords(options: BreachedPasswordsOptions): BreachedPasswords {
  const { url, onFailure, timeoutMilliseconds = 1500 } = options
  const base = url.endsWith('/') ? url : `${url}/`
  return async (password) => {
    const digest = createHash('sha1').update(password).digest('hex').toUpperCase()
    try {
      const range = await readRange(`${base}${digest.slice(0, 5)}`, timeoutMilliseconds)
      return lists(range, digest.slice(5))
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
    if (text.length > longestAnswer) throw new Error('The range service answered with more than any range has.')
  }
  return text
}

/** Whether a line `SUFFIX:COUNT` names the suffix; one with the count 0 is padding. */
function lists(range: string, suffix: string): boolean {
  const [, count] = new RegExp(`^${suffix}:(\\d+)\\s*$`, 'im').exec(range) ?? []
  return count !== undefined && Number(count) > 0
}

/** Where no service is named. */
export const noBreachedPasswords: BreachedPasswords = async () => false
