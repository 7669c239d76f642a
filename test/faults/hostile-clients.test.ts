import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { chunk, drip, flood, jsonHead, piece } from '../support/http/hostile-sockets.js'
import { rawRequest, sendRaw } from '../support/http/raw-socket.js'
import { Device } from '../support/processes/device.js'
import { freshDatabase, startService } from '../support/processes/process.js'

t.setTimeout(600_000)

const skip = process.platform !== 'linux' && 'reads the memory of a process from /proc'
const slowClients = 300
const floodBytes = 100 * 2 ** 20

t.test('hundreds of floods and slow clients do not raise memory, and other clients are served', { skip }, async (t) => {
  // With default time-outs, as in production.
  const service = await startService(t, await freshDatabase(t, 'embedded'))
  const port = Number(new URL(service.url).port)
  const device = new Device(service.url)
  await device.signIn('/register', 'ada@example.com')
  const memory = () => megabytesOf(service.pid)

  // The first floods compile code and allocate buffers that stay, so they run before the memory is measured.
  await flood(port, jsonHead('POST /login', `content-length: ${floodBytes}`), piece, floodBytes)
  await flood(port, jsonHead('GET /me', `content-length: ${floodBytes}`), piece, floodBytes)
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

  const slow = Array.from({ length: slowClients }, (_, i) =>
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
      flood(port, jsonHead('POST /login', `content-length: ${floodBytes}`), piece, floodBytes),
      flood(port, jsonHead('POST /login', 'transfer-encoding: chunked'), chunk, floodBytes),
      // Refused before its body is read; the rest of the body is discarded.
      flood(port, jsonHead('DELETE /nowhere', `content-length: ${floodBytes}`), piece, floodBytes),
      flood(port, 'GET /me HTTP/1.1\r\nhost: auth.test\r\nx-filler: ', Buffer.alloc(65_536, 'x'), 2 ** 20)
    ])
  }
  const answers = await Promise.all(slow)
  over = true
  await honest

  t.strictSame(
    answers.filter(({ status }) => status !== 408),
    [],
    `${slowClients} slow clients were cut off`
  )
  t.equal(refused, 0, `${served} honest requests were served`)
  t.ok(highest - before < 64, `from ${before} MiB to at most ${highest} MiB`)
})

/** The resident memory of a process, in MiB. */
function megabytesOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kilobytes) / 1024)
}
