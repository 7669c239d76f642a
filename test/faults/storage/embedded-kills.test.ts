import t from 'tap'
import { expectNoLostWrites, powerCut } from '../../support/faults/acknowledged-writes.js'

t.setTimeout(3_600_000)

t.test('killing the embedded database with kill -9 200 times loses no acknowledged write', async (t) => {
  await expectNoLostWrites(t, 200, (random) => ({ afterWrites: 1 + random(40) }))
})

const skip = process.platform !== 'linux' && 'needs /proc'

t.test('100 power cuts of the embedded database lose no acknowledged write', { skip }, async (t) => {
  await expectNoLostWrites(t, 100, powerCut)
})
