import { spawnSync } from 'node:child_process'
import type { Test } from 'tap'

/** Runs promtool, and expects that it finds no fault. Left out if it is not installed. */
export function expectAccepted(t: Test, ...args: readonly string[]): void {
  const { error, status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
  if (error) t.pass('what promtool checks', { skip: 'promtool is not installed' })
  else t.equal(status, 0, `${stdout}${stderr}`)
}
