import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from './crowd.js'
import { freePort } from './postgres-cluster.js'

const program = '/usr/sbin/haproxy'

/** Why this process cannot run HAProxy; false if it can. */
export const cannotRunHaproxy = !existsSync(program) && 'needs haproxy'

/** The response header with the name of the server that answered. */
export const servedBy = 'x-served-by'

/**
 * Starts an HAProxy in front of the ports of `servers`, by name, and returns its URL when it serves. It asks each server
 * for /readyz every two seconds; two failures take a server out, one success takes it in. It repeats no request, so a
 * request that a server does not answer fails. It stops when `t` ends, and also if this process is killed.
 */
export async function startHaproxy(t: Test, servers: Readonly<Record<string, number>>): Promise<string> {
  const folder = await mkdtemp('/tmp/lkha-')
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const file = join(folder, 'cfg')
  const lines = [
    'defaults',
    '  mode http',
    '  retries 0',
    '  timeout connect 2s',
    '  timeout client 30s',
    '  timeout server 30s',
    // Devices read JSON.
    ...[502, 503, 504].map((code) => `  http-error status ${code} content-type application/json string {}`),
    'frontend clients',
    `  bind 127.0.0.1:${port}`,
    '  default_backend latchkey',
    'backend latchkey',
    '  balance roundrobin',
    '  option httpchk GET /readyz',
    '  http-check expect status 200',
    `  http-response set-header ${servedBy} %s`,
    '  default-server check inter 2s fall 2 rise 1',
    ...Object.entries(servers).map(([name, serverPort]) => `  server ${name} 127.0.0.1:${serverPort}`),
    ''
  ]
  await writeFile(file, lines.join('\n'))

  // The shell reads until this process ends, however it ends, and then stops HAProxy.
  const shell = spawn('sh', ['-c', `${program} -db -q -f ${file} & cat; kill $!; wait`], {
    stdio: ['pipe', 'ignore', 'ignore']
  })
  t.teardown(async () => {
    shell.stdin.end()
    await once(shell, 'close')
  })
  const url = `http://127.0.0.1:${port}`
  await until(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200)
  return url
}
