/**
 * Loaded before a process's own modules (`--import`): after `CUT_AFTER` writes and syncs, the power fails.
 * Whatever no fsync(2) has covered by then is taken back from the files, and the process is gone. Names of
 * files are taken to be on the disk at once; their contents are not. Linux only.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

interface Unsynced {
  /** A handle of our own: the file may be closed, renamed or removed by then. */
  readonly handle: number
  /** What stood where something was written since the last sync, and how long the file was, oldest first. */
  readonly before: { readonly position: number; readonly content: Buffer; readonly size: number }[]
}

const { writeSync, fsyncSync, ftruncateSync } = fs
const files = new Map<string, Unsynced>()
let left = Number(process.env.CUT_AFTER)

function fileOf(descriptor: number): Unsynced | undefined {
  const status = fs.fstatSync(descriptor)
  if (!status.isFile()) return undefined
  const key = `${status.dev}:${status.ino}`
  const known = files.get(key)
  if (known !== undefined) return known
  const added = { handle: fs.openSync(`/proc/self/fd/${descriptor}`, 'r+'), before: [] }
  files.set(key, added)
  return added
}

function remember(descriptor: number, position: number, length: number): void {
  const file = fileOf(descriptor)
  if (file === undefined) return
  countDown()
  const { size } = fs.fstatSync(descriptor)
  const content = Buffer.alloc(Math.max(0, Math.min(length, size - position)))
  fs.readSync(file.handle, content, 0, content.length, position)
  file.before.push({ position, content, size })
}

function countDown(): void {
  left -= 1
  if (left === 0) cutPower()
}

function cutPower(): never {
  for (const { handle, before } of files.values()) {
    for (const { position, content, size } of before.reverse()) {
      writeSync(handle, content, 0, content.length, position)
      ftruncateSync(handle, size)
    }
  }
  process.kill(process.pid, 'SIGKILL')
  // The signal is there before the next statement; this only tells the compiler.
  throw new Error('The power has failed.')
}

Object.assign(fs, {
  writeSync(descriptor: number, data: Uint8Array, offset: number, length: number, position: number) {
    // Standard output and the like have no position.
    if (typeof position === 'number') remember(descriptor, position, length)
    return writeSync(descriptor, data, offset, length, position)
  },
  ftruncateSync(descriptor: number, length: number) {
    remember(descriptor, length, Number.MAX_SAFE_INTEGER)
    return ftruncateSync(descriptor, length)
  },
  fsyncSync(descriptor: number) {
    countDown()
    fsyncSync(descriptor)
    fileOf(descriptor)?.before.splice(0)
  }
})
syncBuiltinESMExports()
