import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

/** Reads the code blocks of the README and of pages in docs/, so that tests can run them. */

export interface Block {
  readonly language: string
  readonly code: string
  /** The output that the page shows: the `text` block right after the code. */
  readonly prints: string | undefined
}

/** The code blocks of a page, from top to bottom. `port` replaces 3000 and 8080. */
export async function blocksOf(page: string, port: number): Promise<readonly Block[]> {
  const text = await readFile(new URL(`../../../../${page}`, import.meta.url), 'utf8')
  const moved = text.replaceAll('localhost:3000', `localhost:${port}`).replace(/(localhost:|port: )8080/g, `$1${port}`)
  const blocks = moved.matchAll(/^```(?!text)(\w+)\n(.*?)^```\n(?:```text\n(.*?)^```\n)?/gms)
  return [...blocks].map(([, language = '', code = '', prints]) => ({ language, code, prints }))
}

/** The one block that contains `text`. Throws if there is none, or more than one. */
export function blockWith(blocks: readonly Block[], text: string): Block {
  const [block, ...others] = blocks.filter(({ code }) => code.includes(text))
  if (block === undefined || others.length > 0) throw new Error(`The page must have exactly one block with "${text}".`)
  return block
}

/** Writes the code to a module in a folder from which it finds our dependencies. Removed when `t` ends. */
export async function moduleOf(t: Test, code: string): Promise<string> {
  const folder = await mkdtemp(fileURLToPath(new URL('readme-', import.meta.url)))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'module.mjs')
  await writeFile(file, code)
  return file
}

/**
 * Matches output against a page's text: `…` stands for any part of a line, and any number of spaces separates columns.
 */
export function pattern(prints: string): RegExp {
  const escaped = prints.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replace(/ +/g, ' +').replaceAll('…', '.*')}$`)
}

/** A port that is free at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('A TCP server has an address with a port.')
  return address.port
}
