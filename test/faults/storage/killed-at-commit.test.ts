import { fileURLToPath } from 'node:url'
import t from 'tap'
import { testDatabases } from '../../support/database.js'
import { type Failpoint, failpoints } from '../../support/faults/failpoint.js'
import { Device } from '../../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, startService } from '../../support/processes/process.js'

t.setTimeout(2 * processTestMilliseconds)

const entry = fileURLToPath(new URL('../../support/processes/serve-with-failpoint.js', import.meta.url))
const effects: Readonly<Record<Failpoint, string>> = {
  before: 'the old token still works',
  uncommitted: 'the old token still works',
  committed: 'the retry gets the same successor'
}

for (const kind of testDatabases(t)) {
  t.test(`kill -9 during a refresh (${kind})`, async (t) => {
    const settings = await freshDatabase(t, kind)
    let service = await startService(t, settings)
    const device = new Device(service.url)
    await device.signIn('/register', 'ada@example.com')
    await service.stop()

    for (const point of failpoints) {
      await t.test(`killed at "${point}": ${effects[point]}`, async (t) => {
        const other = new Device(device.url)
        const failing = await startService(t, { ...settings, FAILPOINT: point }, { entry })
        other.url = failing.url
        await other.signIn('/login', 'ada@example.com')
        const { refreshToken, retryKey } = other
        const copy = Object.assign(new Device(''), { refreshToken, retryKey })
        const answer = await other.refresh().catch((error: unknown) => error)
        if (!t.type(answer, TypeError, 'the process ends before it answers')) return
        t.equal((await failing.ended).signal, 'SIGKILL')

        service = await startService(t, settings)
        other.url = service.url
        copy.url = service.url
        t.equal((await other.refresh()).status, 200)
        t.equal((await copy.refresh()).status, 200, 'a second retry succeeds, too')
        t.equal(other.generation, 1)
        t.equal(copy.refreshToken, other.refreshToken, 'both retries get the same token')
        await service.stop()
      })
    }
  })
}
