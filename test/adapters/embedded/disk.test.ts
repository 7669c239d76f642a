import t from 'tap'
import { diskRoom } from '../../../src/adapters/embedded/disk.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { testFolder } from '../../support/database.js'

t.test('below the reserve the check throws Unavailable, and it does not ask the disk every time', async (t) => {
  for (const [free, refused] of [
    [1000, false],
    [999, true]
  ] as const) {
    let asked = 0
    const check = diskRoom('data', 1000, async () => {
      asked += 1
      return free
    })
    for (let tries = 0; tries < 3; tries += 1) {
      if (refused) await t.rejects(check(), Unavailable)
      else await t.resolves(check())
    }
    t.equal(asked, 1)
  }
})

t.test('the check asks the file system, and a file system that does not answer has room', async (t) => {
  const folder = await testFolder(t)
  await t.resolves(diskRoom(folder, 1)())
  await t.rejects(diskRoom(folder, 2 ** 60)(), { name: 'Unavailable', retryAfterSeconds: 10 })
  await t.resolves(diskRoom(`${folder}/gone`, 2 ** 60)())
})
