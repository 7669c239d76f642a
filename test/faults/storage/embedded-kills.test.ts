import t from 'tap'
import { keepLedger, powerCut } from '../../support/faults/ledger.js'

t.setTimeout(3_600_000)

t.test('200 times kill -9 of the embedded database lose no acknowledged write', async (t) => {
  await keepLedger(t, 200, (random) => ({ afterWrites: 1 + random(40) }))
})

const skip = process.platform !== 'linux' && 'needs /proc'

t.test('100 power cuts of the embedded database lose no acknowledged write', { skip }, async (t) => {
  await keepLedger(t, 100, powerCut)
})
