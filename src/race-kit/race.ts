import { setTimeout as delay } from 'node:timers/promises'
import { type Account, liveSessions, removeAccount, signInAll } from './accounts.js'
import { openFaultProxy } from './fault-proxy.js'
import type { SessionHistory } from './history.js'
import { judge, type RaceResult } from './judge.js'
import type { RaceOptions } from './race-options.js'
import { RacingSession } from './racing-session.js'
import { type ClientPlan, drawSchedule } from './schedule.js'
import type { World } from './world.js'

/** Client, thief, client, thief, each a window apart: two parties that both go on are seen. */
const calmRounds = 2

/**
 * Races simulated clients against a service, through a proxy that loses, holds and doubles what they
 * send, and judges what it answered. What is tried follows from the seed alone. Registers users of its
 * own and deletes them at the end. Throws `SetUpFailed` where the service does not let it begin.
 */
export async function race(options: RaceOptions): Promise<RaceResult> {
  const now = () => performance.now()
  const proxy = await openFaultProxy(now)
  const graceMilliseconds = options.graceSeconds * 1000
  const world: World = {
    urls: options.urls.map((url) => new URL(url)),
    graceMilliseconds,
    proxy,
    now,
    pending: new Set()
  }
  try {
    const plans = drawSchedule({ ...options, instances: options.urls.length })
    const signedIn = await signInAll(
      world,
      plans.map(({ kind }) => (kind === 'phone' ? 'body' : 'cookie'))
    )
    const sessions = signedIn.flatMap((one, i) => {
      const plan = plans[i]
      return plan === undefined ? [] : [{ plan, account: one.account, session: new RacingSession(world, plan, one) }]
    })
    await Promise.all(sessions.map(({ plan, session }) => play(plan, session)))
    await calmDown(
      world,
      sessions.map(({ session }) => session)
    )

    const accounts = new Set(sessions.map(({ account }) => account))
    const live = new Map<Account, ReadonlySet<string> | undefined>()
    const unknown: string[] = []
    for (const account of accounts) {
      const listed = await liveSessions(world, account)
      live.set(account, listed && new Set(listed))
      unknown.push(...(listed ?? []).filter((sid) => !account.sids.has(sid)))
    }
    const histories: SessionHistory[] = sessions.map(({ account, session }) => session.history(live.get(account)))
    for (const account of accounts) await removeAccount(world, account)
    return judge(options, plans, histories, unknown)
  } finally {
    await proxy.close()
  }
}

async function play({ steps }: ClientPlan, session: RacingSession): Promise<void> {
  const started = performance.now()
  await Promise.all(
    steps.map(async (step) => {
      await delay(Math.max(0, step.at - (performance.now() - started)))
      await session.take(step)
    })
  )
}

/** The network is good again: within some windows, everybody who is to come up comes up. */
async function calmDown(world: World, sessions: readonly RacingSession[]): Promise<void> {
  for (let round = 0; round < calmRounds; round += 1) {
    await delay(world.graceMilliseconds * 1.1)
    await Promise.all(sessions.map((session) => session.calm(round)))
    await delay(world.graceMilliseconds * 1.1)
    await Promise.all(sessions.map((session) => session.calmThief(round)))
  }
  while (world.pending.size > 0) await Promise.all(world.pending)
}
