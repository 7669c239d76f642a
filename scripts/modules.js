// Which files a compiled module or a file of types needs. Imported by scripts/pack-all.js and scripts/public-types.js.
import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

/**
 * All files that `entries` import, directly or not, with the entries themselves, and the packages that they import
 * beside `node:`. Paths are relative to `root`.
 */
export function reachableModules(root, entries) {
  const modules = new Set()
  const packages = new Set()
  const open = entries.map((entry) => join(root, entry))
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (modules.has(file)) continue
    modules.add(file)
    for (const name of importsOf(file)) {
      if (!name.startsWith('.')) packages.add(packageOf(name))
      else open.push(join(dirname(file), file.endsWith('.d.ts') ? name.replace(/\.js$/, '.d.ts') : name))
    }
  }
  packages.delete('node:')
  return { modules: [...modules].map((file) => relative(root, file)).sort(), packages: [...packages].sort() }
}

/** The names in import and export declarations, `import()` and `declare module`. */
export function importsOf(file) {
  const { importedFiles, ambientExternalModules } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true)
  return [...importedFiles.map(({ fileName }) => fileName), ...(ambientExternalModules ?? [])]
}

function packageOf(name) {
  if (name.startsWith('node:')) return 'node:'
  return name.split('/', name.startsWith('@') ? 2 : 1).join('/')
}
