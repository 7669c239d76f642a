import t from 'tap'
import { HeartbeatLost, heartbeat } from '../../../src/adapters/notices/heartbeat.js'

t.test('a heartbeat that was sent counts only when it has arrived', async (t) => {
  const { beat, arrived } = heartbeat(10_000)
  let counts = false
  const beating = beat(async () => undefined).then(() => {
    counts = true
  })
  await new Promise(setImmediate)
  t.notOk(counts)
  arrived()
  await beating
  t.ok(counts)
})

t.test('a heartbeat may arrive before the answer to its sending', async (t) => {
  const { beat, arrived } = heartbeat(10_000)
  await t.resolves(beat(async () => arrived()))
})

t.test('callers at the same time share one heartbeat, and a late arrival counts for nothing', async (t) => {
  const { beat, arrived } = heartbeat(1)
  let sent = 0
  const send = async () => {
    sent += 1
  }
  const beats = [beat(send), beat(send)]
  for (const beating of beats) await t.rejects(beating, HeartbeatLost)
  t.equal(sent, 1)
  arrived()
  await t.rejects(beat(send), HeartbeatLost)
  t.equal(sent, 2)
})

t.test('a heartbeat that cannot be sent rejects with that error, and the next one is sent again', async (t) => {
  const { beat, arrived } = heartbeat(10_000)
  await t.rejects(
    beat(async () => {
      throw new RangeError('away')
    }),
    RangeError
  )
  await t.resolves(beat(async () => arrived()))
})
