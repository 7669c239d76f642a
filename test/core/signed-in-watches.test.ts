import t from 'tap'
import type { HeldCredential, OpenedCredential, WatchEndReason, WatchOptions } from '../../src/core/signed-in-watch.js'
import { endsPerTurn, signedInWatches } from '../../src/core/signed-in-watches.js'
import { endedReasons } from '../../src/core/vocabulary.js'
import { revocation } from '../contract/revocations.js'

const start = 1_800_000_000_000
const second = start / 1000

/** Watches whose clock, turns and seconds a test moves. */
function openWatches({ deniesWhenStale = false } = {}) {
  const turns: (() => void)[] = []
  const timers = new Set<() => void>()
  const failures: unknown[] = []
  const state = { now: start, isStale: false }
  const watches = signedInWatches({
    now: () => state.now,
    nextTurn: (run) => turns.push(run),
    everySecond(run) {
      timers.add(run)
      return () => timers.delete(run)
    },
    isStale: () => state.isStale,
    deniesWhenStale,
    onFailure: (error) => failures.push(error)
  })
  return {
    ...watches,
    size: () => watches.size,
    state,
    failures,
    timers,
    /** Runs one turn of the event loop. */
    turn: () => turns.shift()?.(),
    allTurns() {
      while (turns.length > 0) turns.shift()?.()
    },
    /** Lets seconds pass. */
    pass(seconds: number) {
      state.now += seconds * 1000
      for (const run of timers) run()
    }
  }
}

type Watches = ReturnType<typeof openWatches>

function held(sid: string, rest: Partial<HeldCredential> = {}): HeldCredential {
  const auth = { userId: 'ada', sessionId: sid, roles: [], amr: ['pwd'], authTime: second, claims: {} }
  return { auth, iat: second, expiresAt: start + 600_000, refusal: () => undefined, ...rest }
}

/** A watched connection, and the reasons that its `onEnd` got. */
function connect(watches: Watches, opened: OpenedCredential, open: (token: string) => OpenedCredential = () => opened) {
  const reasons: WatchEndReason[] = []
  return { reasons, ...watches.start(opened, open, { onEnd: (reason) => reasons.push(reason) }) }
}

/** Lets promises that need no turn of the event loop settle. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

t.test('the end of a session ends its connections once, and leaves the others alone', async (t) => {
  const watches = openWatches()
  const [first, second, other] = ['ended', 'ended', 'other'].map((sid) => connect(watches, held(sid)))
  t.equal(watches.size(), 3)
  for (let i = 0; i < 2; i++) watches.revoke(revocation('ended', { reason: 'revoked_by_user' }))
  t.strictSame(first?.reasons, [], 'in a later turn')
  watches.allTurns()
  t.strictSame([first?.reasons, second?.reasons, other?.reasons], [['revoked_by_user'], ['revoked_by_user'], []])
  watches.pass(700)
  watches.allTurns()
  t.strictSame(first?.reasons, ['revoked_by_user'])
  t.strictSame(other?.reasons, ['token_expired'])
  t.equal(watches.size(), 0)
  t.equal(watches.timers.size, 0, 'no connection, no timer')
})

t.test('each reason of the feed is passed on, and one of a newer version as session_revoked', async (t) => {
  const watches = openWatches()
  for (const reason of [...endedReasons, 'roles_changed'] as const) {
    const { reasons } = connect(watches, held(reason, { iat: 0 }))
    watches.revoke(revocation(reason, { reason }))
    watches.allTurns()
    t.strictSame(reasons, [reason])
  }
  const { reasons } = connect(watches, held('of tomorrow'))
  watches.revoke({ ...revocation('of tomorrow'), reason: 'abducted' })
  watches.allTurns()
  t.strictSame(reasons, ['session_revoked'])
})

t.test('changed roles and the end of everybody spare connections with a newer token', async (t) => {
  const watches = openWatches()
  const older = connect(watches, held('roles'))
  const newer = connect(watches, held('roles', { iat: second + 9 }))
  const at = start + 5000
  watches.revoke(revocation('roles', { reason: 'roles_changed', at }))
  watches.allTurns()
  t.strictSame([older.reasons, newer.reasons], [['roles_changed'], []])

  const another = connect(watches, held('another'))
  watches.revoke(revocation(null, { reason: 'revoked_by_admin', at }))
  watches.allTurns()
  t.strictSame([another.reasons, newer.reasons], [['revoked_by_admin'], []])
})

t.test('a renewal with what is no text is null and rejects nothing, because it may come from a stranger', async (t) => {
  const opened: unknown[] = []
  const { renew, reasons } = connect(openWatches(), held('a'), (token) => {
    opened.push(token)
    return 'invalid_token'
  })
  for (const token of [undefined, null, 5, true, {}, ['x']]) t.equal(await renew(token as never), null, String(token))
  t.strictSame([opened, reasons], [[], []])
})

t.test('a token ends its connection when it expires, unless a newer token of the session has come', async (t) => {
  const watches = openWatches()
  const tokens: Record<string, OpenedCredential> = {
    newer: held('a', { iat: second + 500, expiresAt: start + 1_100_000 }),
    older: held('a', { iat: second - 100, expiresAt: start + 500_000 }),
    other: held('b', { expiresAt: start + 9_000_000 }),
    revoked: held('a', { expiresAt: start + 9_000_000, refusal: () => 'logged_out' }),
    bad: 'invalid_token'
  }
  const renewing = connect(watches, held('a'), (token) => tokens[token] ?? 'invalid_token')
  const idle = connect(watches, held('a'))
  for (const token of ['other', 'revoked', 'bad']) t.equal(await renewing.renew(token), null, token)
  t.match(await renewing.renew('older'), { sessionId: 'a' }, 'good, and does not shorten the life')
  watches.pass(500)
  watches.allTurns()
  t.match(await renewing.renew('newer'), { sessionId: 'a' })
  watches.pass(100)
  watches.allTurns()
  t.strictSame([renewing.reasons, idle.reasons], [[], ['token_expired']])
  t.equal(watches.size(), 1)

  watches.revoke(revocation('a', { reason: 'roles_changed', at: start + 400_000 }))
  watches.allTurns()
  t.strictSame(renewing.reasons, [], 'the newer token has the new roles')
  watches.pass(500)
  watches.allTurns()
  t.strictSame(renewing.reasons, ['token_expired'])
  t.equal(await renewing.renew('newer'), null, 'too late')
  t.equal(watches.size(), 0)
})

t.test('a credential that is refused at the call ends the connection in a later turn', async (t) => {
  const watches = openWatches()
  const cases: readonly [OpenedCredential, WatchEndReason][] = [
    ['invalid_token', 'invalid_token'],
    [Promise.resolve('unavailable' as const), 'unavailable'],
    [held('a', { refusal: () => 'logged_out' }), 'logged_out'],
    [held('a', { expiresAt: start }), 'token_expired']
  ]
  for (const [opened, reason] of cases) {
    const { reasons, auth } = connect(watches, opened)
    t.strictSame(reasons, [])
    const user = await auth
    watches.allTurns()
    t.strictSame(reasons, [reason])
    if (reason !== 'token_expired') t.equal(user, null)
  }
  t.equal(watches.size(), 0)
})

t.test('an end that arrives while the token is still verified is not missed', async (t) => {
  const watches = openWatches()
  let isEnded = false
  const opened = held('a', { refusal: () => (isEnded ? 'logged_out' : undefined) })
  let verified: (credential: HeldCredential) => void = () => undefined
  const connection = connect(
    watches,
    new Promise((resolve) => {
      verified = resolve
    })
  )
  watches.revoke(revocation('a'))
  isEnded = true
  verified(opened)
  t.equal(await connection.auth, null)
  watches.allTurns()
  t.strictSame(connection.reasons, ['logged_out'])
})

t.test('after stop nothing is called and nothing is kept, whenever it comes', async (t) => {
  const watches = openWatches()
  const early = connect(watches, Promise.resolve(held('a')))
  early.stop()
  t.equal(await early.auth, null)
  const open = connect(watches, held('a'))
  open.stop()
  open.stop()
  const ending = connect(watches, held('a'))
  watches.revoke(revocation('a'))
  t.equal(watches.size(), 1)
  ending.stop()
  t.equal(watches.size(), 0)
  watches.allTurns()
  t.strictSame([early.reasons, open.reasons, ending.reasons], [[], [], []])
  t.equal(watches.timers.size, 0)
})

t.test('without a function onEnd nothing is watched: the connection would never be closed', async (t) => {
  const watches = openWatches()
  for (const options of [undefined, null, {}, { onEnd: 'close' }, () => undefined]) {
    const start = () => watches.start(held('ada'), () => held('ada'), options as WatchOptions)
    t.throws(start, { name: 'TypeError', message: 'whileSignedIn needs a function onEnd.' })
  }
  t.equal(watches.size(), 0)
})

t.test('an onEnd that fails is reported, and the others are called all the same', async (t) => {
  const watches = openWatches()
  const ofThrow = new Error('thrown')
  const ofPromise = new Error('rejected')
  watches.start(held('a'), () => 'invalid_token', {
    onEnd() {
      throw ofThrow
    }
  })
  watches.start(held('a'), () => 'invalid_token', { onEnd: async () => Promise.reject(ofPromise) })
  const last = connect(watches, held('a'))
  watches.revoke(revocation('a'))
  watches.allTurns()
  await settle()
  t.strictSame(last.reasons, ['logged_out'])
  t.strictSame(watches.failures, [ofThrow, ofPromise])
})

t.test('10,000 connections need one timer, and all end in turns of a bounded number of calls', async (t) => {
  const watches = openWatches()
  let calls = 0
  const onEnd = () => {
    calls += 1
  }
  for (let i = 0; i < 10_000; i++) watches.start(held(`session-${i}`), () => 'invalid_token', { onEnd })
  t.equal(watches.size(), 10_000)
  t.equal(watches.timers.size, 1)
  watches.revoke(revocation(null))
  const each: number[] = []
  for (let before = calls; each.length === 0 || calls > before; ) {
    before = calls
    watches.turn()
    each.push(calls - before)
  }
  t.equal(calls, 10_000)
  t.equal(Math.max(...each), endsPerTurn)
  t.equal(watches.size(), 0)
})

t.test('close ends all connections and those that come later, and waits for the calls', async (t) => {
  const watches = openWatches()
  const open = Array.from({ length: endsPerTurn + 1 }, () => connect(watches, held('a')))
  const closed = watches.close().then(() => open.every(({ reasons }) => reasons[0] === 'closing'))
  const late = connect(watches, held('a'))
  watches.allTurns()
  t.equal(await closed, true)
  t.strictSame(late.reasons, ['closing'])
})

t.test('a withdrawn key ends the connections of its tokens', async (t) => {
  const watches = openWatches()
  let isWithdrawn = false
  const ofOldKey = connect(watches, held('a', { refusal: () => (isWithdrawn ? 'invalid_token' : undefined) }))
  const ofNewKey = connect(watches, held('b'))
  watches.recheck()
  isWithdrawn = true
  watches.recheck()
  watches.allTurns()
  t.strictSame([ofOldKey.reasons, ofNewKey.reasons], [['invalid_token'], []])
})

t.test('a feed that is stale ends connections where requests are refused too, and only there', async (t) => {
  for (const deniesWhenStale of [true, false]) {
    const watches = openWatches({ deniesWhenStale })
    const open = connect(watches, held('a'))
    watches.pass(1)
    watches.state.isStale = true
    watches.pass(1)
    const late = connect(watches, held('b'))
    watches.allTurns()
    const expected = deniesWhenStale ? ['unavailable'] : []
    t.strictSame([open.reasons, late.reasons], [expected, expected])
  }
})

/** A server-side session: `answers` are the results of its reads. */
function serverSession(sid: string, ...answers: (number | WatchEndReason | Error)[]) {
  const reads: number[] = []
  const session = held(sid, {
    expiresAt: start,
    async reread() {
      reads.push(answers.length)
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      if (answer instanceof Error) throw answer
      return answer ?? 'session_revoked'
    }
  })
  return { session, reads }
}

t.test('a server-side session is read at the start and at its end, which its use may have moved', async (t) => {
  const watches = openWatches()
  const { session, reads } = serverSession('a', start + 60_000, start + 90_000, 'idle_timeout')
  const { reasons, auth } = connect(watches, session)
  t.match(await auth, { sessionId: 'a' })
  await settle()
  t.equal(reads.length, 1)
  watches.pass(59)
  await settle()
  t.equal(reads.length, 1)
  watches.pass(1)
  await settle()
  t.equal(reads.length, 2)
  watches.pass(30)
  await settle()
  watches.allTurns()
  t.strictSame(reasons, ['idle_timeout'])
  t.equal(watches.size(), 0)
})

t.test('a server-side session that cannot be read is read again later', async (t) => {
  const watches = openWatches()
  const { session, reads } = serverSession('a', new Error('away'), start + 60_000)
  const { reasons } = connect(watches, session)
  await settle()
  watches.pass(5)
  await settle()
  t.equal(reads.length, 1)
  watches.pass(5)
  await settle()
  t.equal(reads.length, 2)
  watches.allTurns()
  t.strictSame(reasons, [])
})

t.test('every entry for a server-side session ends its connection, because no token tells its age', async (t) => {
  const watches = openWatches()
  const { session } = serverSession('a', start + 60_000)
  const { reasons } = connect(watches, session)
  watches.revoke(revocation('a', { reason: 'roles_changed', at: start - 5000 }))
  watches.allTurns()
  await settle()
  t.strictSame(reasons, ['roles_changed'])
  t.equal(watches.size(), 0)
})

t.test('a late entry for everybody makes server-side sessions be read again', async (t) => {
  const watches = openWatches()
  const spared = serverSession('a', start + 60_000)
  const ended = serverSession('b', start + 60_000, 'revoked_by_admin')
  const connections = [spared, ended].map(({ session }) => connect(watches, session))
  await settle()
  watches.revoke(revocation(null, { at: start - 5000 }))
  await settle()
  watches.allTurns()
  t.strictSame(
    connections.map(({ reasons }) => reasons),
    [[], ['revoked_by_admin']]
  )
})

t.test('server-side sessions are read again, one at a time, when a stale feed is back', async (t) => {
  const watches = openWatches()
  let reading = 0
  let most = 0
  let reads = 0
  const connections = Array.from({ length: 20 }, (_, i) =>
    connect(
      watches,
      held(`session-${i}`, {
        expiresAt: start,
        async reread() {
          reads += 1
          reading += 1
          most = Math.max(most, reading)
          await Promise.resolve()
          reading -= 1
          return reads > 20 && i === 7 ? 'logged_out' : start + 600_000
        }
      })
    )
  )
  const ofToken = connect(watches, held('of a token'))
  await settle()
  t.equal(reads, 20)
  watches.state.isStale = true
  watches.pass(1)
  watches.state.isStale = false
  watches.pass(1)
  connections[9]?.stop()
  await settle()
  watches.allTurns()
  t.equal(reads, 39, 'all but the one that was stopped')
  t.equal(most, 1)
  t.strictSame(
    connections.flatMap(({ reasons }, i) => reasons.map((reason) => [i, reason])),
    [[7, 'logged_out']]
  )
  t.strictSame(ofToken.reasons, [])
})
