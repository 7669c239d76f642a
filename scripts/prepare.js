// npm runs this after `npm ci` in a clone, and before it packs. Builds, unless only the packages of production are
// installed: then `dist` stays as it is.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
if (existsSync(join(root, 'node_modules', 'esbuild'))) {
  const { status } = spawnSync('npm', ['run', 'build'], { cwd: root, stdio: 'inherit' })
  process.exit(status ?? 1)
}
if (!existsSync(join(root, 'dist', 'cli', 'main.js'))) {
  console.log('Not built: that needs the packages for development too. Run "npm ci && npm run build" first.')
}
