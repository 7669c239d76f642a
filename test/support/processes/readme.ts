import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

/** The README's code, taken out so that it can be run: what stands there works. */

export interface Block {
  readonly language: string
  readonly code: string
  /** What the README says that it prints: the `text` block right after it. */
  readonly prints: string | undefined
}

/** The README's code blocks, from top to bottom, with `localhost:3000` and `:8080` moved to `port`. */
export async function readmeBlocks(port: number): Promise<readonly Block[]> {
  const readme = await readFile(new URL('../../../../README.md', import.meta.url), 'utf8')
  const moved = readme
    .replaceAll('localhost:3000', `localhost:${port}`)
    .replace(/(localhost:|port: )8080/g, `$1${port}`)
  const blocks = moved.matchAll(/^```(?!text)(\w+)\n(.*?)^```\n(?:```text\n(.*?)^```\n)?/gms)
  return [...blocks].map(([, language = '', code = '', prints]) => ({ language, code, prints }))
}

/** The one block that holds `text`. Throws where there is none, or more. */
export function blockWith(blocks: readonly Block[], text: string): Block {
  const [block, ...others] = blocks.filter(({ code }) => code.includes(text))
  if (block === undefined || others.length > 0) throw new Error(`The README has not one block with "${text}".`)
  return block
}

/** A module of such code, where it finds our packages. */
export async function moduleOf(t: Test, code: string): Promise<string> {
  const folder = await mkdtemp(fileURLToPath(new URL('readme-', import.meta.url)))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'module.mjs')
  await writeFile(file, code)
  return file
}

/** What printed text must match: the README's, where `…` stands for any part of a line and spaces only part columns. */
export function pattern(prints: string): RegExp {
  const escaped = prints.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replace(/ +/g, ' +').replaceAll('…', '.*')}$`)
}

/** A port that is free by now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('A TCP server has an address with a port.')
  return address.port
}
