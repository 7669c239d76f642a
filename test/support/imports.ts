import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Where the compiled modules of the service are. */
const source = new URL('../../src/', import.meta.url)

const statements = {
  atStart: /\b(?:from|import)\s*['"]([^'"]+)['"]/g,
  ever: /\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g
}

/**
 * Every module and package that `entry` loads: with `atStart`, before it runs; with `ever`, also those that it imports
 * while it runs.
 */
export async function loadedBy(
  entry: string,
  when: keyof typeof statements
): Promise<{ readonly modules: string[]; readonly packages: string[] }> {
  const modules = new Set<string>()
  const packages = new Set<string>()
  const waiting = [new URL(entry, source)]
  for (let module = waiting.pop(); module !== undefined; module = waiting.pop()) {
    const name = module.href.slice(source.href.length)
    if (modules.has(name)) continue
    modules.add(name)
    const text = await readFile(fileURLToPath(module), 'utf8')
    for (const [, from = ''] of text.matchAll(statements[when])) {
      if (from.startsWith('.')) waiting.push(new URL(from, module))
      else if (!isBuiltin(from)) packages.add(from)
    }
  }
  return { modules: [...modules].sort(), packages: [...packages].sort() }
}
