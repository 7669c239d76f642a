import { fileURLToPath } from 'node:url'
import t from 'tap'
import { expectNoLostWrites, powerCut } from '../../support/faults/acknowledged-writes.js'
import { until } from '../../support/faults/crowd.js'
import { seeded } from '../../support/faults/seed.js'
import { Device } from '../../support/processes/device.js'
import { freshDatabase, startService } from '../../support/processes/process.js'

t.setTimeout(3_600_000)

t.test('killing the embedded database with kill -9 200 times loses no acknowledged write', async (t) => {
  await expectNoLostWrites(t, 200, (random) => ({ afterWrites: 1 + random(40) }))
})

const skip = process.platform !== 'linux' && 'needs /proc'

t.test('100 power cuts of the embedded database lose no acknowledged write', { skip }, async (t) => {
  await expectNoLostWrites(t, 100, powerCut)
})

const forcedBatches = fileURLToPath(new URL('../../support/processes/serve-with-failpoint.js', import.meta.url))

t.test('kill -9 during refreshes that share statements loses none that was answered', async (t) => {
  const random = seeded(t)
  const settings = {
    ...(await freshDatabase(t, 'embedded')),
    FAILPOINT: 'batches',
    // Short, so that devices rotate often.
    REFRESH_GRACE_SECONDS: '1'
  }
  const devices = Array.from({ length: 32 }, () => new Device(''))
  for (let round = 0; round < 5; round += 1) {
    const service = await startService(t, settings, { entry: forcedBatches })
    for (const [index, device] of devices.entries()) {
      device.url = service.url
      if (round === 0) await device.signIn(index === 0 ? '/register' : '/login', 'ada@example.com')
    }
    const refreshing = devices.map(async (device) => {
      for (;;) t.equal((await device.refresh()).status, 200)
    })
    const generations = () => devices.reduce((sum, { generation }) => sum + generation, 0)
    const enough = generations() + 40 + random(40)
    await Promise.race([until(async () => generations() >= enough), ...refreshing])
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    t.match(metrics, 'latchkey_refreshes_total{outcome="restored"} 0', 'no row is behind a token that was answered')
    const [statements = '', refreshes = ''] = ['count', 'sum'].map(
      (of) => new RegExp(`batch_size_${of} (\\d+)`).exec(metrics)?.[1]
    )
    t.ok(Number(refreshes) > 2 * Number(statements), `${refreshes} refreshes shared ${statements} statements`)
    await service.stop('SIGKILL')
    await Promise.allSettled(refreshing)
  }
})
