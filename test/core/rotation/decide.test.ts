// Long, because it has each case of the decision table, with its borders.
import fc from 'fast-check'
import t from 'tap'
import { decideRotation, type Presented, type RotationState, type Verdict } from '../../../src/core/rotation.js'

const policy = { graceSeconds: 20, recoveryGenerations: 16 }
const rotatedAt = 1_000_000
const atGrace = rotatedAt + 20_000
const muchLater = rotatedAt + 3_600_000

const key = 'hash of the key'

const session: RotationState = {
  generation: 40,
  rotatedAt,
  retryKeyHash: key,
  keyUsed: true,
  recoveredGeneration: null,
  idleExpiresAt: 10_000_000,
  absoluteExpiresAt: 20_000_000
}

const keyless = { retryKeyHash: null, keyUsed: false }
const noRecovery = { recoveryGenerations: 0 }
const recovered = (recoveredGeneration: number) => ({ recoveredGeneration })

interface Row {
  readonly what: string
  readonly session?: Partial<RotationState>
  /** The generation of the presented token. The row's is 40. */
  readonly token: number
  readonly key?: string
  readonly policy?: Partial<typeof policy>
  readonly now: number
  readonly verdict: Verdict
}

const check = (t: Tap, rows: readonly Row[]) => {
  for (const row of rows) {
    const presented: Presented = { generation: row.token, retryKeyHash: row.key ?? null }
    const verdict = decideRotation({ ...session, ...row.session }, presented, { ...policy, ...row.policy }, row.now)
    t.strictSame(verdict, row.verdict, row.what)
  }
}
type Tap = Pick<typeof t, 'strictSame'>

const rotate: Verdict = { kind: 'rotate', generation: 41 }
const current: Verdict = { kind: 'current', generation: 40 }
const accessOnly: Verdict = { kind: 'access_only', generation: 39 }
const replay: Verdict = { kind: 'replay', generation: 40, late: false }
const replayLate: Verdict = { kind: 'replay', generation: 40, late: true }
const renew: Verdict = { kind: 'renew', generation: 40 }
const recover: Verdict = { kind: 'recover', generation: 40 }
const reuse: Verdict = { kind: 'reuse' }
const idle: Verdict = { kind: 'expired', reason: 'idle_timeout' }
const absolute: Verdict = { kind: 'expired', reason: 'absolute_timeout' }

t.test('2: past an end the session has expired', async (t) => {
  check(t, [
    { what: 'a millisecond before the idle end', token: 40, now: 9_999_999, verdict: rotate },
    { what: 'at the idle end', token: 40, now: 10_000_000, verdict: idle },
    {
      what: 'at the absolute end',
      session: { idleExpiresAt: 20_000_000 },
      token: 40,
      now: 20_000_000,
      verdict: absolute
    },
    { what: 'past both: the absolute end is the reason', token: 40, now: 20_000_000, verdict: absolute },
    { what: 'past the absolute end alone', session: { absoluteExpiresAt: 5 }, token: 40, now: 5, verdict: absolute },
    { what: 'a reused token past the end', token: 1, now: 10_000_000, verdict: idle },
    {
      what: 'within the grace, past the end',
      session: { idleExpiresAt: rotatedAt + 1 },
      token: 40,
      now: rotatedAt + 1,
      verdict: idle
    },
    { what: 'ahead of the row, past the end', token: 50, now: 10_000_000, verdict: idle }
  ])
})

t.test('3 and 4: the current token rotates, or stays within grace', async (t) => {
  check(t, [
    { what: 'a new session, at once', session: { rotatedAt: null }, token: 40, now: 0, verdict: rotate },
    { what: 'at the moment of the rotation', token: 40, now: rotatedAt, verdict: current },
    { what: 'a millisecond within the grace', token: 40, now: atGrace - 1, verdict: current },
    { what: 'at the grace', token: 40, now: atGrace, verdict: rotate },
    { what: 'much later', token: 40, now: muchLater, verdict: rotate },
    { what: 'the key is not asked', token: 40, key, now: atGrace, verdict: rotate },
    { what: 'a clock that went back', token: 40, now: rotatedAt - 5_000, verdict: current }
  ])
})

t.test(
  '5: within grace the previous token is answered with its successor, if keys are not used or it has the key',
  async (t) => {
    check(t, [
      { what: 'at the moment of the rotation', session: keyless, token: 39, now: rotatedAt, verdict: replay },
      { what: 'a millisecond within the grace', session: keyless, token: 39, now: atGrace - 1, verdict: replay },
      { what: 'with the key of the rotation', token: 39, key, now: atGrace - 1, verdict: replay },
      {
        what: 'a recovery just before is no hindrance',
        session: recovered(40),
        token: 39,
        key,
        now: rotatedAt,
        verdict: replay
      }
    ])
  }
)

t.test('key: once a session has used a key, the previous token without it gets an access token only', async (t) => {
  const newestWithoutKey = { retryKeyHash: null }
  check(t, [
    { what: 'no key, at the moment of the rotation', token: 39, now: rotatedAt, verdict: accessOnly },
    { what: 'no key, a millisecond within the grace', token: 39, now: atGrace - 1, verdict: accessOnly },
    { what: 'another key', token: 39, key: 'another', now: atGrace - 1, verdict: accessOnly },
    {
      what: 'the newest token was made without a key',
      session: newestWithoutKey,
      token: 39,
      key,
      now: rotatedAt,
      verdict: accessOnly
    },
    {
      what: 'no key on either side is no match',
      session: newestWithoutKey,
      token: 39,
      now: rotatedAt,
      verdict: accessOnly
    },
    {
      what: 'the first key of the session is the one of this request',
      session: keyless,
      token: 39,
      key,
      now: rotatedAt,
      verdict: accessOnly
    },
    { what: 'at the grace the other rows decide', token: 39, now: atGrace, verdict: recover },
    { what: 'the newest token needs no key', token: 40, now: atGrace, verdict: rotate },
    { what: 'nor within the grace', token: 40, key: 'another', now: rotatedAt, verdict: current },
    { what: 'two behind is reuse', token: 38, now: rotatedAt, verdict: reuse }
  ])
})

t.test('6: after grace the previous token with the key of the rotation is answered with its successor', async (t) => {
  check(t, [
    { what: 'at the grace', token: 39, key, now: atGrace, verdict: renew },
    { what: 'much later', token: 39, key, now: muchLater, verdict: renew },
    {
      what: 'returned again before: the window does not reopen',
      session: recovered(40),
      token: 39,
      key,
      now: muchLater,
      verdict: replayLate
    },
    {
      what: 'right after a recovery of the generation before',
      session: recovered(39),
      token: 39,
      key,
      now: muchLater,
      verdict: renew
    },
    { what: 'no recovery allowed', policy: noRecovery, token: 39, key, now: muchLater, verdict: renew },
    { what: 'another key', policy: noRecovery, token: 39, key: 'another', now: muchLater, verdict: reuse },
    { what: 'no key', policy: noRecovery, token: 39, now: muchLater, verdict: reuse },
    {
      what: 'no key on either side is no match',
      session: { retryKeyHash: null },
      policy: noRecovery,
      token: 39,
      now: muchLater,
      verdict: reuse
    },
    { what: 'two behind, with the key', token: 38, key, now: muchLater, verdict: reuse }
  ])
})

t.test('7: after grace the previous token without the key is recovered, or is reuse', async (t) => {
  check(t, [
    { what: 'the first time', token: 39, now: atGrace, verdict: recover },
    { what: 'with another key', token: 39, key: 'another', now: atGrace, verdict: recover },
    { what: 'in a session that never rotated', session: { rotatedAt: null }, token: 39, now: 0, verdict: recover },
    { what: 'the last one 16 generations back', session: recovered(24), token: 39, now: atGrace, verdict: recover },
    { what: 'the last one 15 generations back', session: recovered(25), token: 39, now: atGrace, verdict: reuse },
    { what: 'this generation was recovered already', session: recovered(40), token: 39, now: atGrace, verdict: reuse },
    { what: 'recovery 0: never', policy: noRecovery, token: 39, now: atGrace, verdict: reuse },
    {
      what: 'recovery 0, long after one',
      session: recovered(0),
      policy: noRecovery,
      token: 39,
      now: atGrace,
      verdict: reuse
    }
  ])
})

t.test('5: within grace the token two generations back is answered only with the key of the rotation', async (t) => {
  const older = { token: 38, key }
  check(t, [
    { what: 'at the moment of the rotation', ...older, now: rotatedAt, verdict: replay },
    { what: 'a millisecond within the grace', ...older, now: atGrace - 1, verdict: replay },
    { what: 'no recovery allowed', policy: noRecovery, ...older, now: rotatedAt, verdict: replay }
  ])
})

t.test('8: any older token is reuse', async (t) => {
  check(t, [
    { what: 'two behind, at once', token: 38, now: rotatedAt, verdict: reuse },
    { what: 'two behind, with another key, at once', token: 38, key: 'another', now: rotatedAt, verdict: reuse },
    {
      what: 'no key on either side is no match',
      session: { retryKeyHash: null },
      token: 38,
      now: rotatedAt,
      verdict: reuse
    },
    { what: 'two behind, with the key, at the grace', token: 38, key, now: atGrace, verdict: reuse },
    { what: 'two behind, later', token: 38, now: muchLater, verdict: reuse },
    { what: 'three behind, with the key, at once', token: 37, key, now: rotatedAt, verdict: reuse },
    { what: 'the first of all', token: 0, now: muchLater, verdict: reuse }
  ])
})

t.test('9: a token ahead of the row restores the session', async (t) => {
  check(t, [
    { what: 'one ahead, within the grace', token: 41, now: rotatedAt, verdict: { kind: 'restore', generation: 42 } },
    { what: 'one ahead, later', token: 41, now: muchLater, verdict: { kind: 'restore', generation: 42 } },
    { what: 'far ahead', token: 90, now: muchLater, verdict: { kind: 'restore', generation: 91 } },
    {
      what: 'grace 0',
      policy: { graceSeconds: 0 },
      token: 41,
      now: muchLater,
      verdict: { kind: 'restore', generation: 42 }
    }
  ])
})

t.test('grace 0 is strict: every refresh rotates, every older token is reuse', async (t) => {
  const strict = { graceSeconds: 0 }
  check(t, [
    { what: 'the current token, at once', policy: strict, token: 40, now: rotatedAt, verdict: rotate },
    {
      what: 'the current token, by a clock that went back',
      policy: strict,
      token: 40,
      now: rotatedAt - 1,
      verdict: rotate
    },
    { what: 'the token before, at once', policy: strict, token: 39, now: rotatedAt, verdict: reuse },
    { what: 'with the key', policy: strict, token: 39, key, now: muchLater, verdict: reuse },
    { what: 'the token two before, with the key', policy: strict, token: 38, key, now: rotatedAt, verdict: reuse },
    { what: 'past the end', policy: strict, token: 39, now: 10_000_000, verdict: idle }
  ])
})

t.test('every row, token and time has a verdict that fits them', async (t) => {
  const instants = fc.nat(2_000_000)
  const generations = fc.nat(30)
  const keys = fc.constantFrom(null, 'one', 'two')
  const rows = fc.record({
    generation: generations,
    rotatedAt: fc.option(instants),
    retryKeyHash: keys,
    keyUsed: fc.boolean(),
    recoveredGeneration: fc.option(generations),
    idleExpiresAt: instants,
    absoluteExpiresAt: instants
  })
  const policies = fc.record({ graceSeconds: fc.nat(1_000), recoveryGenerations: fc.nat(20) })
  const presentations = fc.record({ generation: generations, retryKeyHash: keys })
  fc.assert(
    fc.property(rows, presentations, policies, instants, (row, presented, policy, now) => {
      const verdict = decideRotation(Object.freeze(row), Object.freeze(presented), Object.freeze(policy), now)
      const isOver = now >= Math.min(row.idleExpiresAt, row.absoluteExpiresAt)
      if (isOver || verdict.kind === 'expired') return isOver && verdict.kind === 'expired'
      if (verdict.kind === 'reuse') return presented.generation < row.generation
      if (verdict.kind === 'rotate' || verdict.kind === 'restore') {
        return presented.generation >= row.generation && verdict.generation === presented.generation + 1
      }
      if (verdict.kind === 'access_only') return verdict.generation === presented.generation
      const isAnswered = verdict.generation === row.generation && presented.generation >= row.generation - 2
      const hasKey = presented.retryKeyHash !== null && presented.retryKeyHash === row.retryKeyHash
      const mayBeThief = row.keyUsed && !hasKey && presented.generation < row.generation
      return isAnswered && (!mayBeThief || verdict.kind === 'recover')
    }),
    { seed: 25, numRuns: 5000 }
  )
  t.pass(
    'no answer returns a generation that the row does not have or get, none moves the row back, and once a session has used a key, an older token without it gets a newer one by a recovery alone'
  )
})
