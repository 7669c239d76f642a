import t from 'tap'
import { expectNoLostWrites, powerCut } from '../../support/faults/acknowledged-writes.js'

/** The short form of test/faults/storage/embedded-kills.test.ts. A start takes one second, or ten on a busy machine. */
t.setTimeout(400_000)

t.test('kill -9, twice, loses no acknowledged write', async (t) => {
  await expectNoLostWrites(t, 2, (random) => ({ afterWrites: 1 + random(20) }))
})

const skip = process.platform !== 'linux' && 'needs /proc'

t.test('a power cut, twice, loses no acknowledged write', { skip }, async (t) => {
  await expectNoLostWrites(t, 2, powerCut)
})
