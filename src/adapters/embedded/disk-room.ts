import { statfs } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { Unavailable } from '../../ports/errors.js'

/** How long an answer of the file system is believed. */
const believedMilliseconds = 1000

/**
 * Checks that the disk under `folder` has `reserveBytes` left: throws `Unavailable` where it has not.
 * It asks at most once a second. A file system that does not tell counts as one with room.
 */
export function diskRoom(
  folder: string,
  reserveBytes: number,
  freeBytes: (folder: string) => Promise<number> = freeBytesUnder
): () => Promise<void> {
  let asked = Number.NEGATIVE_INFINITY
  let free = Promise.resolve(Number.POSITIVE_INFINITY)
  return async () => {
    const now = performance.now()
    if (now - asked >= believedMilliseconds) {
      asked = now
      free = freeBytes(folder)
    }
    if ((await free) < reserveBytes) {
      throw new Unavailable(
        `The disk under ${folder} has less than ${Math.round(reserveBytes / 2 ** 20)} MiB left.`,
        10
      )
    }
  }
}

async function freeBytesUnder(folder: string): Promise<number> {
  try {
    const { bavail, bsize, blocks } = await statfs(folder)
    return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
