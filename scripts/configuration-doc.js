// Writes docs/configuration.md from the schema of the settings. With --check it writes nothing and fails if the page is
// stale.
import './compile.js'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const { expectation, settings } = await import('../build/src/config/schema.js')
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const page = join(root, 'docs/configuration.md')
const text = render()

if (!process.argv.includes('--check')) writeFileSync(page, text)
else if (readPage() !== text) {
  console.error('docs/configuration.md is stale. Run: node scripts/configuration-doc.js')
  process.exitCode = 1
}

function render() {
  return `# Configuration

Settings are environment variables, read once at start. If a value does not fit, the process reports every mistake at
once and does not start. An empty variable counts as not set. No setting's name begins with \`LATCHKEY_\`; the process
warns about such variables.

${settings.map(section).join('\n')}
<!-- Generated from src/config/schema.ts by scripts/configuration-doc.js -->
`
}

function section({ variable, schema }) {
  const byDefault = schema.otherwise ?? code(schema.default) ?? 'none'
  const example = schema.examples?.[0]
  return `## ${variable}

${wrap(schema.description)}

${wrap(`- Value: ${expectation(schema)}${schema.secret ? '. Never printed' : ''}`)}
${wrap(`- Default: ${byDefault}`)}
${example === undefined ? '' : `- Example: \`${variable}=${example}\`\n`}`
}

/** Breaks a paragraph or list item into lines of at most 120 characters. */
function wrap(text) {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) === '' ? word : `${lines.at(-1)} ${word}`
    if (line.length <= 120) lines[lines.length - 1] = line
    else lines.push(text.startsWith('- ') ? `  ${word}` : word)
  }
  return lines.join('\n')
}

function code(value) {
  return value === undefined ? undefined : `\`${value}\``
}

function readPage() {
  try {
    return readFileSync(page, 'utf8')
  } catch {
    return undefined
  }
}
