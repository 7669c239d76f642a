import type { Test } from 'tap'
import type { VerifierOptions } from '../../../src/verifier/options.js'
import { type Runtime, systemRuntime } from '../../../src/verifier/runtime.js'
import { createVerifier, type Verifier } from '../../../src/verifier/verifier.js'
import { credential, type Issuer } from './issuer.js'

/** A clock that a test moves. */
export interface TestClock {
  now(): number
  advance(milliseconds: number): void
}

export function testClock(): TestClock {
  let ahead = 0
  return {
    now: () => Date.now() + ahead,
    advance(milliseconds) {
      ahead += milliseconds
    }
  }
}

export interface TestVerifierOptions extends Partial<VerifierOptions> {
  readonly clock?: TestClock
  readonly timing?: Partial<Runtime['timing']>
}

/** A verifier of `issuer`'s tokens and its warnings. It closes with `t`. */
export function openVerifier(t: Test, issuer: Issuer, { clock, timing, ...options }: TestVerifierOptions = {}) {
  const warnings: string[] = []
  const runtime: Runtime = {
    ...systemRuntime,
    now: clock?.now ?? Date.now,
    timing: { ...systemRuntime.timing, feedMinDelay: 10, feedMaxDelay: 50, ...timing }
  }
  const verifier = createVerifier(
    { issuer: issuer.url, audience: issuer.audience, warn: (message) => warnings.push(message), ...options },
    runtime
  )
  t.teardown(() => verifier.close())
  return { verifier, warnings }
}

/** The options that follow the issuer's feed. */
export const withFeed = { feed: { credential } }

/** `accepted`, or the code of the refusal. */
export async function verificationCode(verifier: Verifier, token: string): Promise<string> {
  const result = await verifier.verify(token)
  return result.ok ? 'accepted' : result.code
}

/** Waits until a condition holds. Rejects after `milliseconds`. */
export async function waitUntil(holds: () => boolean | Promise<boolean>, milliseconds = 10_000): Promise<void> {
  const end = Date.now() + milliseconds
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('The condition did not hold in time.')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
