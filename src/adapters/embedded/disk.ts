import { closeSync, fsyncSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import type { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { Unavailable } from '../../ports/errors.js'

/** How long an answer of the file system is used before it is asked again. */
const reuseMilliseconds = 1000

/**
 * A check that the disk under `folder` has `reserveBytes` left; it throws `Unavailable` otherwise. It asks the file
 * system at most once a second. A file system that does not report its free space counts as one with room.
 */
export function diskRoom(
  folder: string,
  reserveBytes: number,
  freeBytes: (folder: string) => Promise<number> = freeBytesUnder
): () => Promise<void> {
  let askedAt = Number.NEGATIVE_INFINITY
  let free = Promise.resolve(Number.POSITIVE_INFINITY)
  return async () => {
    const now = performance.now()
    if (now - askedAt >= reuseMilliseconds) {
      askedAt = now
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

type Options = Parameters<NodeFS['init']>[1]
type PreRun = NonNullable<Options['preRun']>[number]

/** The WebAssembly module of a PGlite, with its file system and PostgreSQL's entry points. */
export type Module = Parameters<PreRun>[0]

interface Stream {
  readonly nfd: number
}

/** Parts of Emscripten's file system over Node's `fs` that its types leave out. */
interface NodeFiles {
  readonly stream_ops: {
    open(stream: Stream): void
    close(stream: Stream): void
    fsync?: (stream: Stream) => number
  }
  /** Turns an error of Node into the `errno` that PostgreSQL reads. */
  tryFSOperation<T>(operation: () => T): T
}

/**
 * The files of a cluster, with an fsync(2) that reaches the disk. PGlite's own fsync does nothing: PostgreSQL would
 * report commits that only the operating system's cache holds, and a power cut would undo them.
 */
export class SyncedFiles extends NodeFS {
  readonly #descriptors = new Set<number>()

  /** `prepare` is called with the module before PostgreSQL starts. */
  constructor(
    folder: string,
    readonly prepare: PreRun
  ) {
    super(folder)
  }

  override async init(pglite: PGlite, options: Options): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(pglite, options)
    const extend = ({ NODEFS }: Module) => this.#extend(NODEFS as unknown as NodeFiles)
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), extend, this.prepare] } }
  }

  /** Closes the files that a stopped database left open. */
  closeAll(): void {
    for (const descriptor of this.#descriptors) closeSync(descriptor)
    this.#descriptors.clear()
  }

  #extend({ stream_ops: streams, tryFSOperation }: NodeFiles): void {
    const { open, close } = streams
    streams.open = (stream) => {
      open(stream)
      this.#descriptors.add(stream.nfd)
    }
    streams.close = (stream) => {
      close(stream)
      this.#descriptors.delete(stream.nfd)
    }
    streams.fsync = ({ nfd }) =>
      tryFSOperation(() => {
        fsyncSync(nfd)
        return 0
      })
  }
}
