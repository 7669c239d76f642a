import { setTimeout as delay } from 'node:timers/promises'
import { judge, type RaceResult } from './judge/judge.js'
import { clientKinds } from './plan/kinds.js'
import { type ClientPlan, drawSchedule, type RaceOptions } from './plan/schedule.js'
import {
  type Account,
  authorize,
  endOtherSessions,
  liveSessions,
  recoveredSessions,
  removeAccount,
  signInAll
} from './players/accounts.js'
import { readGrace } from './players/grace.js'
import { type RacingSession, racingSession } from './players/racing-session.js'
import type { RaceContext } from './players/requests.js'
import type { SessionHistory } from './record/history.js'
import { openFaultProxy } from './wire/fault-proxy.js'

/** Client, thief, client, thief, a grace window apart: enough to see whether both go on. */
const settlingRounds = 2

/**
 * Races simulated clients and thieves against a running service, through a proxy that drops, delays and duplicates
 * their requests, and checks every response against `promises`. `seed` determines what is tried. Registers users
 * (`race-…@example.test`) and deletes them at the end, so never run it against a service that people use. Set
 * `RATE_LIMIT_ENABLED=false` and a short `REFRESH_GRACE_SECONDS`; the race reads it from `GET /features`. Rejects with
 * `SetUpFailed` if the users cannot be registered; a broken promise is no error, but `held: false`.
 *
 * @example
 * ```ts
 * import { race, raceReport } from 'latchkey/testing'
 *
 * const urls = ['https://auth.example.com']
 * const result = await race({ urls, clients: 3, seconds: 1, seed: 7 })
 * console.log(raceReport(result))
 * console.log(result.held) // true
 * ```
 */
export async function race(options: RaceOptions): Promise<RaceResult> {
  const grace = await readGrace(options.urls[0], options.graceSeconds)
  const now = () => performance.now()
  const proxy = await openFaultProxy(now)
  const urls = options.urls.map((url) => new URL(url))
  const context: RaceContext = { urls, graceMilliseconds: grace.seconds * 1000, proxy, now, pending: new Set() }
  try {
    const plans = drawSchedule({ ...options, graceSeconds: grace.seconds })
    const modes = plans.map(({ kind }) => clientKinds[kind].mode)
    const signedIn = await signInAll(context, modes)
    const runs = signedIn.flatMap((one, i) => {
      const plan = plans[i]
      return plan === undefined ? [] : [{ plan, account: one.account, session: racingSession(context, plan, one) }]
    })
    await Promise.all(runs.map(({ plan, session }) => open(plan, session)))
    await Promise.all(runs.map(({ plan, session }) => perform(plan, session)))
    const sessions = runs.map(({ session }) => session)
    await settle(context, sessions)

    const unknown: string[] = []
    const known = new Map<Account, Parameters<RacingSession['history']>>()
    for (const account of new Set(runs.map(({ account }) => account))) {
      const authorized = await authorize(context, account)
      const live = await liveSessions(context, authorized)
      await endOtherSessions(context, authorized)
      known.set(account, [live, await recoveredSessions(context, authorized)])
      if (!account.isUnclear) unknown.push(...[...(live ?? [])].filter((sid) => !account.sids.has(sid)))
      await removeAccount(context, authorized)
    }
    const histories: SessionHistory[] = runs.map(({ account, session }) =>
      session.history(...(known.get(account) ?? [undefined, undefined]))
    )
    return judge({ options, grace, plans, histories, unknown })
  } finally {
    await proxy.close()
  }
}

async function open({ opening }: ClientPlan, session: RacingSession): Promise<void> {
  for (const move of opening) {
    if (move.do === 'pause') await delay(move.milliseconds)
    else await session.perform(move)
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
    await Promise.all(sessions.map((session) => session.settleThief(round)))
  }
  while (context.pending.size > 0) await Promise.all(context.pending)
}
