import { closeSync, fsyncSync } from 'node:fs'
import type { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { stopAtPanic } from './stop-at-panic.js'

type Options = Parameters<NodeFS['init']>[1]
type Module = Parameters<NonNullable<Options['preRun']>[number]>[0]

interface Stream {
  readonly nfd: number
}

/** What Emscripten's types leave out of its file system over Node's `fs`. */
interface NodeFiles {
  readonly stream_ops: {
    open(stream: Stream): void
    close(stream: Stream): void
    fsync?: (stream: Stream) => number
  }
  /** Turns an error of Node into the one that PostgreSQL sees as `errno`. */
  tryFSOperation<T>(operation: () => T): T
}

/**
 * The files of a cluster, with an fsync(2) that reaches the disk. PGlite's own returns at once: with it,
 * PostgreSQL tells of a commit that only the operating system knows of, and a power cut undoes it.
 */
export class SyncedFiles extends NodeFS {
  readonly #descriptors = new Set<number>()

  override async init(pglite: PGlite, options: Options): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(pglite, options)
    const extend = ({ NODEFS }: Module) => this.#extend(NODEFS as unknown as NodeFiles)
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), extend, stopAtPanic] } }
  }

  /** Closes what a database that has stopped left open. */
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
