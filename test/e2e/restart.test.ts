import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { SessionsResponse } from '../../src/http/schemas/sessions.js'
import { testFolder } from '../support/database.js'
import { Device, read } from '../support/processes/device.js'
import { freshDatabase, patienceMilliseconds, quickSettings, startService } from '../support/processes/process.js'

t.setTimeout(patienceMilliseconds)

t.test('users, sessions and tokens outlive a stop and a start', async (t) => {
  const settings = await freshDatabase(t, 'embedded')
  const first = await startService(t, settings)
  const device = new Device(first.url)
  t.equal((await device.signIn('/register', 'ada@example.com')).status, 201)

  const { code, signal } = await first.stop()
  t.strictSame({ code, signal }, { code: 0, signal: null }, 'SIGTERM ends it in good order')

  device.url = (await startService(t, settings)).url
  const sessions = await device.send('GET', '/sessions')
  t.equal(sessions.status, 200, 'the access token is still good')
  t.strictSame(
    read(SessionsResponse, sessions).sessions.map(({ id, device }) => ({ id, device })),
    [{ id: device.sessionId, device: 'phone' }]
  )
  t.equal((await device.refresh()).status, 200, 'the refresh token is still good')
  t.equal((await new Device(device.url).signIn('/login', 'ada@example.com')).status, 200, 'the user is there')
})

t.test('what it keeps is for this user alone, and stands in DATA_DIR alone', async (t) => {
  const cwd = await testFolder(t)
  const home = await testFolder(t)
  const dataDir = join(await testFolder(t), 'not', 'there', 'yet')
  // As far as one can see without mounting one: a service that writes nowhere else runs on a read-only file system.
  const settings = { ...quickSettings, DATA_DIR: dataDir, HOME: home, TMPDIR: home }
  const service = await startService(t, settings, { cwd })
  t.equal((await new Device(service.url).signIn('/register', 'ada@example.com')).status, 201)
  await service.stop()

  t.strictSame(await readdir(cwd), [], 'the working directory is as it was')
  t.strictSame(await readdir(home), [], 'so are the home and the temporary directory')
  t.equal((await stat(join(dataDir, 'root-secret'))).mode & 0o777, 0o600, 'the root secret is for its owner')
  t.equal((await stat(dataDir)).mode & 0o777, 0o700, 'so is the folder')
})
