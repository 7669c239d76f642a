/**
 * Simulates a power cut. It is loaded before a process's own modules (`--import`). After `CUT_AFTER` writes and syncs it
 * undoes all writes that no fsync(2) has covered, and kills the process. File names count as on the disk at once, file
 * contents do not. Linux only.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

interface Unsynced {
  /** Our own handle: the process may have closed, renamed or removed the file by then. */
  readonly handle: number
  /** The old content of every range that was written since the last sync, and the old file size, oldest first. */
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
  // Never reached: the signal comes first. It satisfies the compiler.
  throw new Error('The power has failed.')
}

Object.assign(fs, {
  writeSync(descriptor: number, data: Uint8Array, offset: number, length: number, position: number) {
    // Writes to standard output have no position.
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
