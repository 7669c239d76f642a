import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { chunk, drip, flood, jsonHead, piece } from '../support/http/hostile-sockets.js'
import { rawRequest, sendRaw } from '../support/http/raw-socket.js'
import { Device } from '../support/processes/device.js'
import { freshDatabase, startService } from '../support/processes/process.js'

t.setTimeout(600_000)

/** As the service is shipped: with the times that it really gives a client. */
const skip = process.platform !== 'linux' && 'reads the memory of a process from /proc'
const many = 300
const bytes = 100 * 2 ** 20

t.test('floods and slow clients by the hundred: flat memory, and others are served', { skip }, async (t) => {
  const service = await startService(t, await freshDatabase(t, 'embedded'))
  const port = Number(new URL(service.url).port)
  const device = new Device(service.url)
  await device.signIn('/register', 'ada@example.com')
  const memory = () => megabytesOf(service.pid)

  // What the first of them costs is code that is compiled and buffers that are kept.
  await flood(port, jsonHead('POST /login', `content-length: ${bytes}`), piece, bytes)
  await flood(port, jsonHead('GET /me', `content-length: ${bytes}`), piece, bytes)
  const before = memory()
  let highest = before
  let served = 0
  let refused = 0
  let over = false
  const honest = (async () => {
    while (!over) {
      const me = rawRequest('GET /me', [`authorization: Bearer ${device.accessToken}`])
      const { status } = await sendRaw(port, me)
      if (status === 200) served += 1
      else refused += 1
      highest = Math.max(highest, memory())
      await delay(20)
    }
  })()

  const slow = Array.from({ length: many }, (_, i) =>
    drip(port, {
      head:
        i % 3 === 0
          ? ''
          : i % 3 === 1
            ? 'GET /me HTTP/1.1\r\nhost: auth.test\r\n'
            : jsonHead('POST /login', 'content-length: 60000'),
      pieces: i % 3 === 0 ? '' : i % 3 === 1 ? 'x-drip: 1\r\n' : ' ',
      pauseMilliseconds: 500
    })
  )
  for (let i = 0; i < 5; i += 1) {
    await Promise.all([
      flood(port, jsonHead('POST /login', `content-length: ${bytes}`), piece, bytes),
      flood(port, jsonHead('POST /login', 'transfer-encoding: chunked'), chunk, bytes),
      // Refused before its body is read: what still comes is thrown away.
      flood(port, jsonHead('DELETE /nowhere', `content-length: ${bytes}`), piece, bytes),
      flood(port, 'GET /me HTTP/1.1\r\nhost: auth.test\r\nx-filler: ', Buffer.alloc(65_536, 'x'), 2 ** 20)
    ])
  }
  const farewells = await Promise.all(slow)
  over = true
  await honest

  t.strictSame(
    farewells.filter(({ status }) => status !== 408),
    [],
    `${many} slow clients were cut off`
  )
  t.equal(refused, 0, `${served} honest requests were served`)
  t.ok(highest - before < 64, `from ${before} MiB to at most ${highest} MiB`)
})

/** The resident memory of a process. */
function megabytesOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kilobytes) / 1024)
}
