import { setTimeout as delay } from 'node:timers/promises'
import { type Account, liveSessions, removeAccount, signInAll } from './accounts.js'
import { openFaultProxy } from './fault-proxy.js'
import type { SessionHistory } from './history.js'
import { judge, type RaceResult } from './judge.js'
import type { RaceContext } from './race-requests.js'
import { type RacingSession, racingSession } from './racing-session.js'
import { type ClientPlan, drawSchedule, type RaceOptions } from './schedule.js'

/** Client, thief, client, thief, a grace window apart: enough to see whether both go on. */
const settlingRounds = 2

/**
 * Races simulated clients and thieves against a running service, through a proxy that drops, delays and duplicates
 * their requests, and checks every response against `promises`. `seed` determines what is tried. Registers users
 * (`race-…@example.test`) and deletes them at the end, so never run it against a service that people use. Set
 * `RATE_LIMIT_ENABLED=false` and a short `REFRESH_GRACE_SECONDS`. Rejects with `SetUpFailed` if the users cannot be
 * registered; a broken promise is no error, but `held: false`.
 *
 * @example
 * ```ts
 * import { race, raceReport } from 'latchkey/testing'
 *
 * const urls = ['https://auth.example.com']
 * const result = await race({ urls, clients: 3, seconds: 1, seed: 7, graceSeconds: 1 })
 * console.log(raceReport(result))
 * console.log(result.held) // true
 * ```
 */
export async function race(options: RaceOptions): Promise<RaceResult> {
  const now = () => performance.now()
  const proxy = await openFaultProxy(now)
  const urls = options.urls.map((url) => new URL(url))
  const context: RaceContext = { urls, graceMilliseconds: options.graceSeconds * 1000, proxy, now, pending: new Set() }
  try {
    const plans = drawSchedule(options)
    const modes = plans.map(({ kind }) => (kind === 'phone' ? 'body' : 'cookie'))
    const signedIn = await signInAll(context, modes)
    const runs = signedIn.flatMap((one, i) => {
      const plan = plans[i]
      return plan === undefined ? [] : [{ plan, account: one.account, session: racingSession(context, plan, one) }]
    })
    await Promise.all(runs.map(({ plan, session }) => perform(plan, session)))
    const sessions = runs.map(({ session }) => session)
    await settle(context, sessions)

    const accounts = new Set(runs.map(({ account }) => account))
    const live = new Map<Account, ReadonlySet<string> | undefined>()
    const unknown: string[] = []
    for (const account of accounts) {
      const listed = await liveSessions(context, account)
      live.set(account, listed && new Set(listed))
      unknown.push(...(listed ?? []).filter((sid) => !account.sids.has(sid)))
    }
    const histories: SessionHistory[] = runs.map(({ account, session }) => session.history(live.get(account)))
    for (const account of accounts) await removeAccount(context, account)
    return judge(options, plans, histories, unknown)
  } finally {
    await proxy.close()
  }
}

async function perform({ steps }: ClientPlan, session: RacingSession): Promise<void> {
  const started = performance.now()
  await Promise.all(
    steps.map(async (step) => {
      await delay(Math.max(0, step.at - (performance.now() - started)))
      await session.perform(step)
    })
  )
}

/** Refreshes without faults, a grace window apart, so that every stale or stolen token that still works shows. */
async function settle(context: RaceContext, sessions: readonly RacingSession[]): Promise<void> {
  for (let round = 0; round < settlingRounds; round += 1) {
    await delay(context.graceMilliseconds * 1.1)
    await Promise.all(sessions.map((session) => session.refresh(round)))
    await delay(context.graceMilliseconds * 1.1)
    await Promise.all(sessions.map((session) => session.refreshAsThief(round)))
  }
  while (context.pending.size > 0) await Promise.all(context.pending)
}
